#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One page from what `make check` found: people look before they read.

    report.py --records check.jsonl --output report.html [--log run.log] [--title text]

The records (docs/boards.md) are of a set or of a board. The page needs nothing but itself.
"""
import argparse
import collections
import json
import re
import sys

import drawing
import tables
from markup import element, escape

STYLE = """
:root { --paper: #fbfaf7; --ink: #1d2230; --soft: #6a7080; --line: #dcd9d0; --card: #ffffff;
  --good: #1f8a5b; --bad: #c8372d; --warn: #b8741a; --unit: #33415c; --shade: #f1efe8; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171f; --ink: #e9eaee; --soft: #9aa1b1;
  --line: #323846; --card: #1c212c; --good: #4cc38a; --bad: #ff7a6e; --warn: #eeb052; --unit: #aab8d4;
  --shade: #242a37; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 28px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.02em; }
h2 { font-size: 19px; margin: 46px 0 4px; letter-spacing: -0.01em; }
p { margin: 4px 0 14px; max-width: 75ch; } .soft { color: var(--soft); }
code, .code { font: 13px/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 24px 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 18px; min-width: 130px; }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-weight: 650; }
.tile.good b { color: var(--good); } .tile.bad b { color: var(--bad); } .tile.warn b { color: var(--warn); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px;
  overflow-x: auto; }
svg { display: block; max-width: 100%; height: auto; }
svg text { font: 12px system-ui, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--ink);
  paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
svg text.small { font-size: 10.5px; fill: var(--soft); } svg text.head { font-size: 11px; fill: var(--soft);
  text-transform: uppercase; letter-spacing: 0.08em; }
svg text.strong { font-weight: 650; font-size: 13px; } svg text.mono { font: 11.5px ui-monospace, Menlo,
  Consolas, monospace; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 7px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-size: 12px; font-weight: 600; color: var(--soft); } tr:last-child td { border-bottom: 0; }
table.matrix td, table.matrix thead th { text-align: center; } table.matrix td.name,
table.matrix thead th.name { text-align: left; white-space: nowrap; }
table.matrix thead th { vertical-align: bottom; min-width: 64px; max-width: 130px; }
.cell { display: inline-block; min-width: 52px; padding: 2px 8px; border-radius: 6px; font-size: 12px;
  font-weight: 600; } .cell.none { color: var(--line); font-weight: 400; }
.cell.window { background: var(--shade); border: 1px dashed var(--soft); }
.cell.doorbell { background: var(--shade); border: 1px solid var(--warn); }
.cell.REACHED { background: var(--bad); color: #fff; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 7px; }
.owner { white-space: nowrap; margin-right: 10px; } .bad { color: var(--bad); } .good { color: var(--good); }
footer { margin-top: 56px; color: var(--soft); font-size: 13px; }
"""


class Records:
    """The lines of a check, by kind."""

    def __init__(self, lines):
        self.kinds = collections.defaultdict(list)
        for line in lines:
            record = json.loads(line)
            self.kinds[record["kind"]].append(record)

    def of(self, kind):
        return self.kinds[kind]

    def one(self, kind):
        return self.kinds[kind][0]

    @property
    def is_set(self):
        return bool(self.kinds["set"])


def read_log(path):
    """What a run counts of itself: faults by (partition, device, cause), and the codes of its end."""
    faults, codes = collections.Counter(), {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            line = re.sub(r"\x1b\[[0-9;]*m", "", line)
            if line.startswith("[bulkhead] fault:"):
                words = dict(re.findall(r"(\w+)=(\S+)", line))
                faults[tuple(words.get(name, "?") for name in ("partition", "device", "cause"))] += 1
            elif line.startswith("[bulkhead] off:"):
                codes = dict(re.findall(r"([\w.-]+)=(\d+)", line))
    return faults, codes


def tile(number, text, kind=""):
    return element("div", element("b", escape(number)) + escape(text), class_="tile " + kind)


def set_tiles(records):
    findings = records.one("verdict")["findings"]
    devices = records.of("device")
    shared = tables.shared_fate(records)
    loose = sum(master["count"] for master in records.of("unprotected") if not master["trusted"])
    return "".join([
        tile(findings or "none", "findings", "bad" if findings else "good"),
        tile(len(records.of("partition")), "partitions"), tile(len(devices), "devices"),
        tile(len(records.of("unit")), "IOMMUs"), tile(len(records.of("window")), "shared windows"),
        tile(sum(len(row[2]) > 1 for row in shared), "things shared", "warn"),
        tile(loose, "unprotected masters", "bad" if loose else "good"),
        tile(records.one("verdict")["streams"], "streams walked")])


def board_tiles(records):
    summary, masters = records.one("summary"), records.of("master")
    hosts = records.of("host")
    return "".join([
        tile(summary["isolated"], "masters isolated", "good" if summary["isolated"] else ""),
        tile(len(masters) - summary["isolated"] - summary["no-iommus"], "behind an IOMMU, not isolated",
             "warn"),
        tile(summary["no-iommus"], "unprotected masters", "bad" if summary["no-iommus"] else "good"),
        tile(f"{sum(not host['why'] for host in hosts)} of {len(hosts)}", "PCI hosts isolated"),
        tile(len(records.of("unit")), "IOMMUs"),
        tile(len(records.of("refusal")), "reasons not to start", "bad" if records.of("refusal") else "good")])


def section(title, text, body):
    return element("section", element("h2", escape(title)) + element("p", escape(text), class_="soft") +
                   element("div", body, class_="card"))


def set_sections(records):
    yield section("Topology", "Each line is a way that a device's accesses can take: through its IOMMU, to "
                  "the memory of the partition that bound it. Who may bind it gives the colour. A line that "
                  "ends at the IOMMU is parked. Dotted lines are messages: the ITS lets through the own ones of a device "
                  "alone. At the right edge the windows that two partitions share: "
                  "a dot that is filled writes, and a broken line is closed to devices.", drawing.draw_set(records))
    yield section("Isolation matrix", "What of the machine each device reaches when its partition has mapped "
                  "all that it can, as the check walked it; and what the set gives the CPU of each partition.",
                  tables.matrix(records))
    yield section("Devices", "Which partition may have which device.", tables.devices(records))
    yield section("Shared fate", "What the failure of one thing would hit together.",
                  tables.fate(records))
    yield section("Unprotected masters", "What looks like a master of memory in the machine's tree, and no SMMUv3 "
                  "stands before it.", tables.unprotected(records))
    yield section("Not isolated by an IOMMU", "Devices that cannot be assigned, or whose registers alone are given.",
                  tables.unassigned(records))


def board_sections(records):
    yield section("Topology", "Each line is a way that a master's accesses can take. Green: through a gate "
                  "that the hypervisor holds, to what its owner maps. Ended: the gate is held, and stays shut. "
                  "Dashed: through a gate that it does not drive. Red: through none.",
                  drawing.draw_board(records))
    if records.of("refusal"):
        yield section("Why the hypervisor would not start here", "What stands below is what is left when that "
                      "is left out.", tables.refusals(records))
    yield section("Masters of memory", "Which can be isolated, by which unit, and why not where not.",
                  tables.masters(records))
    yield section("IOMMUs", "Of every kind, whether something names them or not.", tables.units(records))
    yield section("PCI hosts", "What stands behind them is found at boot.", tables.hosts(records))


def build(records, log=None):
    name = records.one("set")["name"] if records.is_set else records.one("board")["name"]
    title = name.rsplit("/", 1)[-1]
    under = ("A partition set, checked by the hypervisor's own code against a model of the IOMMU."
             if records.is_set else f"{records.one('board')['model']}: a board's device tree, read by the "
             f"hypervisor's own reader ({records.one('board')['nodes']} nodes).")
    if records.is_set and records.one("set")["tables"]:
        under += (f" From the machine's tree alone: a boot reads its {records.one('set')['tables']} tables, and believes "
                  "these.")
    sections = list((set_sections if records.is_set else board_sections)(records))
    if log is not None:
        sections.append(section("Counters of a run", "From its log: faults that were told, and how each "
                                "partition ended.", tables.counters(*log)))
    head = (element("meta", None, charset="utf-8") +
            element("meta", None, name="viewport", content="width=device-width, initial-scale=1") +
            element("title", escape("Bulkhead: " + title)) + element("style", STYLE))
    body = (element("h1", escape(title)) + element("p", escape(under), class_="soft") +
            element("div", (set_tiles if records.is_set else board_tiles)(records), class_="tiles") +
            "".join(sections) +
            element("footer", escape("Bulkhead, make report. A check says what the hypervisor makes of what it "
                                     "is told; it cannot see what a tree leaves out.")))
    return ("<!DOCTYPE html>\n" + element("html", element("head", head) +
                                          element("body", element("main", body)), lang="en") + "\n")


def main():
    parser = argparse.ArgumentParser()
    for name in ("records", "output"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--log")
    options = parser.parse_args()
    with open(options.records, encoding="ascii") as file:
        records = Records(file)
    page = build(records, read_log(options.log) if options.log else None)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(page)
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

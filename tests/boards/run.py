#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends every device tree below a folder through the reader, and says what it makes of them.

    run.py --check program --trees folder [--package name] [--table docs/boards.md]

Each tree is one test: the tool, built with the sanitisers, has to end by itself with status 0, within
a bound of CPU time, without a word on standard error, and with records that agree with each other.
--table writes the table of results into that page, between its two marks.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

SECONDS = 5  # of CPU time, for one tree, with the sanitisers on
WALL_SECONDS = 120  # for a tool that hangs on a busy machine
BEGIN, END = "<!-- boards: begin -->", "<!-- boards: end -->"
# Verdicts of the tool, in the order of the table, and what its columns say.
VERDICTS = {
    "isolated": "isolated", "other-unit": "other IOMMU", "unit-disabled": "IOMMU off",
    "unit-unusable": "IOMMU unusable", "several-units": "several IOMMUs",
    "shared-stream": "stream shared", "many-streams": "many streams", "malformed": "malformed",
    "bus": "bus", "registers": "registers", "limit": "beyond a limit", "other": "other",
    "no-iommus": "no IOMMU",
}


class Result:
    """What became of one tree."""

    def __init__(self, name):
        self.name = name
        self.failure = None
        self.seconds = 0.0
        self.records = []

    def of(self, kind):
        return [record for record in self.records if record["kind"] == kind]

    @property
    def vendor(self):
        return self.name.split("/")[0]


def run_tool(program, path, records):
    """(status or None, standard error, CPU seconds) of the tool on one tree."""
    with subprocess.Popen([program, "--board-tree", path, "--records", records],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        timer = threading.Timer(WALL_SECONDS, process.kill)
        timer.start()
        complaints = process.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        timer.cancel()
    return process.returncode, complaints, usage.ru_utime + usage.ru_stime


def find_contradiction(result):
    """What cannot be true of the records of one tree, or None."""
    if len(result.of("board")) != 1 or len(result.of("summary")) != 1:
        return "not one board and one summary among its records"
    summary, masters = result.of("summary")[0], result.of("master")
    counted = collections.Counter(master["verdict"] for master in masters)
    usable = {unit["name"] for unit in result.of("unit") if unit["usable"]}
    if any(summary[verdict] != counted[verdict] for verdict in VERDICTS):
        return "its summary does not count its masters"
    if len({master["path"] for master in masters}) != len(masters):
        return "a master is named twice"
    for master in masters:
        if master["verdict"] not in VERDICTS:
            return f"an unknown verdict: {master['verdict']}"
        if master["verdict"] == "isolated" and not (master["unit"] in usable and master["streams"]):
            return f"{master['path']} is said to be isolated, by no unit or stream that is usable"
        if master["verdict"] != "isolated" and not master["why"]:
            return f"{master['path']} cannot be isolated, for no reason"
    return None


def look_at(program, folder, name, scratch):
    result = Result(name)
    records = os.path.join(scratch, name.replace("/", "_") + ".json")
    status, complaints, result.seconds = run_tool(program, os.path.join(folder, name), records)
    if status != 0 or complaints:
        result.failure = f"status {status}: {complaints.strip()[:2000]}"
        return result
    if result.seconds > SECONDS:
        result.failure = f"{result.seconds:.1f} s of CPU time, {SECONDS} are allowed"
    with open(records, encoding="ascii") as file:
        result.records = [json.loads(line) for line in file]
    os.unlink(records)
    result.failure = result.failure or find_contradiction(result)
    return result


def look_at_all(program, folder, show=lambda result: None):
    names = sorted(os.path.relpath(os.path.join(place, file), folder)
                   for place, _, files in os.walk(folder) for file in files
                   if file.endswith(".dtb"))
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = []
        for result in pool.map(lambda name: look_at(program, folder, name, scratch), names):
            results.append(result)
            show(result)
    return results


# ---- The page --------------------------------------------------------------------------------------

def table(head, rows):
    """Numbers stand at the right."""
    rows = list(rows)
    words = [any(not isinstance(row[i], int) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if word else "--:" for word in words) + "|"]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def kinds_of(result):
    units = result.of("unit")
    return (any(unit["smmuv3"] for unit in units), any(not unit["smmuv3"] for unit in units))


def vendor_rows(results):
    """A row for each folder of the package, and their sum."""
    vendors = sorted({result.vendor for result in results})
    groups = [(vendor, [r for r in results if r.vendor == vendor]) for vendor in vendors]
    for vendor, group in groups + [("**all**", results)]:
        kinds = [kinds_of(result) for result in group]
        counts = collections.Counter()
        for result in group:
            for record in result.of("summary"):
                counts.update({verdict: record[verdict] for verdict in VERDICTS})
        hosts = [host for result in group for host in result.of("host")]
        yield [vendor, len(group), sum(v3 for v3, _ in kinds),
               sum(other for v3, other in kinds if not v3),
               sum(not v3 and not other for v3, other in kinds),
               f"{sum(not host['why'] for host in hosts)} of {len(hosts)}", counts]


def refusal_rows(results):
    """What the hypervisor would not start for: in how many trees, and an example."""
    found = collections.defaultdict(list)
    for result in results:
        for text in sorted({record["why"] for record in result.of("refusal")}):
            found[text].append(result.name)
    for text, names in sorted(found.items(), key=lambda item: (-len(item[1]), item[0])):
        yield [text, len(names), f"`{names[0]}`"]


def isolating_rows(results):
    for result in results:
        isolated = [master for master in result.of("master") if master["verdict"] == "isolated"]
        hosts = [host for host in result.of("host") if not host["why"]]
        if isolated or hosts:
            yield [f"`{result.name}`", len(isolated), len(hosts), len(result.of("refusal"))]


def page(results, package):
    rows = list(vendor_rows(results))
    used = [verdict for verdict in VERDICTS if any(row[-1][verdict] for row in rows)]
    blocks = [summary["blocks"] for result in results for summary in result.of("summary")]
    kept = next((summary["kept"] for result in results for summary in result.of("summary")), 0)
    worst = max(results, key=lambda result: result.seconds)
    largest = max((board["bytes"], result.name) for result in results for board in result.of("board"))
    return "\n".join([
        BEGIN, "",
        f"{len(results)} trees of `{package}`; {sum(bool(r.failure) for r in results)} failed. The "
        f"longest took {worst.seconds:.1f} s of CPU time with the sanitisers on (`{worst.name}`; the "
        f"bound is {SECONDS} s), the largest has {largest[0]} bytes (`{largest[1]}`). "
        f"{sum(count > kept for count in blocks)} trees have more nodes with registers than the "
        f"{kept} that the hypervisor keeps (at most {max(blocks)}).", "",
        *table(["folder", "trees", "with SMMUv3", "other IOMMUs only", "no IOMMU", "PCI hosts isolated"],
               [row[:-1] for row in rows]), "",
        "Devices that master memory, or look like it, by what the tool says of them:", "",
        *table(["folder"] + [VERDICTS[verdict] for verdict in used],
               [[row[0]] + [row[-1][verdict] for verdict in used] for row in rows]), "",
        "What the hypervisor would not start for:", "",
        *table(["reason", "trees", "for example"], refusal_rows(results)), "",
        "Trees with something that can be isolated:", "",
        *table(["tree", "devices", "PCI hosts", "reasons not to start"], isolating_rows(results)), "",
        END])


def write_table(path, text):
    with open(path, encoding="utf-8") as file:
        whole = file.read()
    before, rest = whole.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + text + after)


def main():
    parser = argparse.ArgumentParser()
    for name in ("check", "trees"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--package", default="")
    parser.add_argument("--table")
    options = parser.parse_args()
    start = time.monotonic()

    def show(result):
        if result.failure:
            print(f"  {result.name}: {result.failure}", flush=True)

    results = look_at_all(options.check, options.trees, show)
    failed = sum(bool(result.failure) for result in results)
    if results:
        worst = max(results, key=lambda result: result.seconds)
        print(f"{len(results)} trees in {time.monotonic() - start:.0f} s, the longest {worst.seconds:.2f} s "
              f"of CPU time: {worst.name}")
        if options.table and not failed:
            write_table(options.table, page(results, options.package))
    print(f"{len(results) - failed} passed, {failed} failed")
    return 0 if results and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

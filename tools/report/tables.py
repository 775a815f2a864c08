# SPDX-License-Identifier: Apache-2.0
"""The tables of a report."""
import collections

from markup import colours, element, escape

NOBODY = "nobody"


def table(head, rows, class_=None):
    """head and cells are markup; a cell may be (markup, class)."""
    def cell(name, content):
        text, kind = content if isinstance(content, tuple) else (content, None)
        return element(name, text, class_=kind)
    return element("table", element("thead", element("tr", "".join(cell("th", c) for c in head))) +
                   element("tbody", "".join(element("tr", "".join(cell("td", c) for c in row))
                                            for row in rows)), class_=class_)


def code(text):
    return element("span", escape(text), class_="code")


def owner(name, colour):
    return element("span", element("span", "", class_="dot", style=f"background:{colour}") + escape(name),
                   class_="owner")


def owners(names, palette):
    return "".join(owner(name, palette[name]) for name in names) or element("span", NOBODY, class_="soft")


# ---- The matrix -------------------------------------------------------------------------------------

def cell(kind, colour=None):
    style = f"background:{colour};color:#fff" if kind == "own" and colour else None
    return element("span", "·" if kind == "none" else kind, class_=f"cell {kind.split()[0]}", style=style,
                   data_cell=kind)


def cpu_right(partition, column, records):
    """What the set gives a partition's CPU of a column: its memory, and the windows of which it is a side."""
    if column.get("owner") == partition["name"]:
        return "own"
    for window in records.of("window"):
        if column.get("window") == window["name"] and partition["name"] in window["sides"]:
            return "window rw" if partition["name"] in window["writers"] else "window r"
    return "none"


def matrix(records):
    palette = colours(records)
    columns = records.of("column")
    head = ([("who", "name"), ("bound by", "name")] + [escape(column["what"]) for column in columns] +
            [("interrupts", "name")])
    rows = []
    for partition in records.of("partition"):
        rows.append([(f"CPU {partition['cpu']}, by the set", "name"),
                     (owner(partition["name"], palette[partition["name"]]), "name")] +
                    [cell(cpu_right(partition, column, records), palette[partition["name"]])
                     for column in columns] + [("", "name")])
    for row in records.of("row"):
        colour = palette.get(row["partition"])
        rows.append([(code(row["device"]), "name"),
                     (owner(row["partition"], colour) if colour else "parked", "name")] +
                    [cell(kind, colour) for kind in row["cells"]] + [(escape(row["interrupts"]), "name")])
    return table(head, rows, "matrix")


def devices(records):
    palette = colours(records)
    names = [partition["name"] for partition in records.of("partition")]
    head = [("device", "name"), "group"] + [owner(name, palette[name]) for name in names] + ["registers, by the set"]
    rows = [[(code(device["name"]), "name"), escape(device["group"])] +
            [cell("own" if name in device["owners"] else "none", palette[name]) for name in names] +
            [escape("from bind to unbind" if device["owners"] else "nobody's")]
            for device in records.of("device")]
    return table(head, rows, "matrix")


# ---- Shared fate ------------------------------------------------------------------------------------

# Of what the check names: what becomes of those who share it.
SHARED = {
    "IOMMU": "if it fails, everything behind it stops; one command and one event queue",
    "ITS": "if it fails, no message of a device comes any more; one command queue",
    "PCI host": "one root complex, one window",
    "root port": "one link to the root complex; closed together",
    "interrupt controller": "every interrupt comes through it",
    "console": "the hypervisor writes the lines of all to one port",
    "memory": "one stretch, as the machine's tree has it: its controllers and banks are not told",
}


def shared_fate(records):
    """(what, why, partitions) of everything that partitions may share, in the order of the machine."""
    found = collections.OrderedDict()

    def add(what, why, names):
        users = found.setdefault((what, why), {})
        users.update((name, None) for name in names)

    for thing in records.of("shared"):
        add(f"{thing['what']} {thing['name']}", SHARED[thing["what"]], thing["partitions"])
    assigned = [device for device in records.of("device") if device["owners"]]
    for device in assigned:
        if device["port"] is not None:
            add(f"root port {device['port']}", "one link to the root complex; closed together", device["owners"])
            add(f"bus {device['bus']} of {device['host']}", "one link", device["owners"])
        if len(device["owners"]) > 1:
            add(f"device {device['name']}", "who binds first has it", device["owners"])
        if device["line"] is not None:
            add(f"interrupt {device['line']}", device["line_refusal"] or "INTx", device["owners"])
    for partition in records.of("partition"):
        add(f"CPU {partition['cpu']}",
            "the boot CPU: interrupts of IOMMUs and console, too" if partition["cpu"] == 0 else "a CPU of its own",
            [partition["name"]])
    for window in records.of("window"):
        add(f"window {window['name']}", "memory that both have; " + (
            "devices of both reach it" if window["dma"] else "no device reaches it"), window["sides"])
    return [(what, why, list(names)) for (what, why), names in found.items()]


def fate(records):
    palette = colours(records)
    rows = sorted(shared_fate(records), key=lambda row: -len(row[2]))
    return table(["what", "partitions", "how"],
                 [[code(what), owners(names, palette), escape(why)] for what, why, names in rows])


def unprotected(records):
    rows = [[code(master["name"]), escape(master["compatible"]), escape(master["count"]),
             element("span", "trusted, says the board", class_="soft") if master["trusted"] else
             element("span", "claims are void while it runs", class_="bad")]
            for master in sorted(records.of("unprotected"), key=lambda m: m["trusted"])]
    if not rows:
        return element("p", "None that the machine's tree shows.", class_="good")
    return table(["the first of them", "compatible", "of its kind", "verdict"], rows)


def unassigned(records):
    rows = [[code(device["name"]), escape(device["refusal"] or "stands behind no IOMMU: registers alone, by "
                                          "no-dma, on the set's word")]
            for device in records.of("device") if device["refusal"] or device["unit"] is None]
    if not rows:
        return element("p", "None among the devices that the check names.", class_="good")
    return table(["device", "why"], rows)


def counters(faults, codes):
    rows = [[code(partition), code(device), escape(cause), escape(count)]
            for (partition, device, cause), count in sorted(faults.items())]
    ends = "".join(element("p", code(name) + " ended with " +
                           element("b", escape(number), class_="good" if number == "0" else "bad"))
                   for name, number in codes.items())
    return (table(["partition", "device", "cause", "faults"], rows) if rows else
            element("p", "No fault was told.")) + ends


# ---- A board ----------------------------------------------------------------------------------------

def verdict(master):
    good = master["verdict"] == "isolated"
    return element("span", "isolated" if good else escape(master["verdict"]), class_="good" if good else "bad")


def masters(records):
    rows = [[code(master["path"]), verdict(master),
             code(master["unit"]) if master["unit"] else "",
             code(" ".join(f"{stream:#x}" for stream in master["streams"])), escape(master["why"] or "")]
            for master in sorted(records.of("master"), key=lambda m: m["verdict"] != "isolated")]
    return table(["master", "verdict", "unit", "streams", "why"], rows)


def units(records):
    rows = [[code(unit["name"]), escape(unit["compatible"]), escape(unit["named"]),
             element("span", escape(unit["why"] or "held"), class_="bad" if unit["why"] else "good")]
            for unit in records.of("unit")]
    return table(["IOMMU", "kind", "named by", "verdict"], rows) if rows else element("p", "None.", class_="bad")


def hosts(records):
    rows = [[code(host["path"]), escape(host["compatible"]), code(host["unit"]),
             element("span", escape(host["why"] or "isolated"), class_="bad" if host["why"] else "good")]
            for host in records.of("host")]
    return table(["host", "kind", "unit", "verdict"], rows) if rows else element("p", "None.")


def refusals(records):
    return table(["node", "why"], [[code(record["path"]), escape(record["why"])]
                                   for record in records.of("refusal")])

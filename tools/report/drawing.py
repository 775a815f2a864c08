# SPDX-License-Identifier: Apache-2.0
"""The drawings: devices at the left, the gates that are IOMMUs in the middle, memory at the right."""
from markup import colours, element, escape, size

WIDTH = 1120
DEVICE_X, DEVICE_WIDTH = 8, 400
GATE_X, GATE_WIDTH = 560, 30
MEMORY_X, MEMORY_WIDTH = 820, 290
ITS_X, ITS_WIDTH, ITS_HEIGHT = 640, 56, 26
ROW, HEAD, GAP = 30, 34, 26
GOOD, BAD, GREY = "var(--good)", "var(--bad)", "var(--soft)"


def text(x, y, content, class_=None, anchor=None, **more):
    return element("text", escape(content), x=f"{x:g}", y=f"{y:g}", class_=class_, text_anchor=anchor, **more)


def box(x, y, width, height, radius=7, **more):
    return element("rect", None, x=f"{x:g}", y=f"{y:g}", width=f"{width:g}", height=f"{height:g}", rx=radius,
                   **more)


def wire(x1, y1, x2, y2, colour, dashed=False, width=2.2):
    middle = (x1 + x2) / 2
    return element("path", None, d=f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}",
                   fill="none", stroke=colour, stroke_width=width, stroke_linecap="round",
                   stroke_dasharray="2 6" if dashed else None, opacity="0.85")


def stop(x, y, colour):
    return element("path", None, d=f"M{x:g} {y - 6:g}V{y + 6:g}", stroke=colour, stroke_width=3,
                   stroke_linecap="round")


def cut(content, length):
    """The end of a path tells more than its beginning."""
    return content if len(content) <= length else "…" + content[1 - length:]


def frame(height, parts, label):
    return element("svg", element("title", escape(label)) + "".join(parts), viewBox=f"0 0 {WIDTH} {height:g}",
                   width=WIDTH, height=f"{height:g}", role="img", xmlns=None)


def heads(*names):
    places = ((DEVICE_X, None), (GATE_X + GATE_WIDTH / 2, "middle"), (MEMORY_X, None))
    return [text(x, 14, name, "head", anchor) for (x, anchor), name in zip(places, names)]


# ---- Devices in their places ------------------------------------------------------------------------

def place(devices, key_of_unit, key_of_bus, key_of_group):
    """[(device, y)], {unit: (top, bottom)}, [(bus, y)], [(group, top, bottom, members)], height: devices by
    unit, bus and group, top down."""
    placed, gates, buses, groups = [], {}, [], []
    y = HEAD
    order = []
    for device in devices:
        if key_of_unit(device) not in order:
            order.append(key_of_unit(device))
    told = list(dict.fromkeys(map(key_of_bus, devices)))  # buses in the order of the machine
    for unit in sorted(order, key=lambda unit: unit is None):
        members = sorted((device for device in devices if key_of_unit(device) == unit),
                         key=lambda device: (told.index(key_of_bus(device)), key_of_group(device)))
        top, bus, group = y, None, None
        for device in members:
            if key_of_bus(device) != bus:
                y += 6 if bus is not None else 0
                bus, group = key_of_bus(device), None
                if bus:
                    buses.append((bus, y + 12))
                    y += 20
            if key_of_group(device) != group:
                group = key_of_group(device)
                y += 4
                groups.append([group, y, y + ROW, device])
            else:
                groups[-1][2] = y + ROW
            placed.append((device, y))
            y += ROW
        gates[unit] = (top, y)
        y += GAP
    return placed, gates, buses, groups, y


def draw_gate(unit, label, note, top, bottom, colour):
    return element("g", box(GATE_X, top, GATE_WIDTH, bottom - top, 8, fill=colour, opacity="0.92") +
                   text(GATE_X + GATE_WIDTH / 2, bottom + 13, cut(label, 34), "small", "middle") +
                   element("title", escape(f"{unit}: {note}")), class_="unit", data_name=unit)


def draw_device(name, y, stripe, note, class_="device"):
    """A chip with a stripe for each who may have it."""
    colours_of = stripe or [GREY]
    height = (ROW - 8) / len(colours_of)
    stripes = "".join(box(DEVICE_X + 6, y + 4 + i * height, 6, height, 2, fill=colour)
                      for i, colour in enumerate(colours_of))
    return element("g", box(DEVICE_X + 2, y + 2, DEVICE_WIDTH - 4, ROW - 4, 6, fill="var(--card)",
                            stroke="var(--line)") + stripes +
                   text(DEVICE_X + 20, y + 19, cut(name, 36), "mono") +
                   text(DEVICE_X + DEVICE_WIDTH - 10, y + 19, cut(note, 20), "small", "end") +
                   element("title", escape(f"{name}: {note}")), class_=class_, data_name=name)


def pci_bus(device):
    """What stands over the devices of a bus."""
    if device["host"] is None:
        return "platform"
    return f"bus {device['bus']} of {device['host']}" + (f", below {device['port']}" if device["port"] else "")


def draw_unprotected(masters, y):
    """Past every gate, each kind by its first: red unless the board answers for it."""
    parts = [text(DEVICE_X + 2, y + 12, "behind no SMMUv3", "small")] if masters else []
    y += 20
    for master in masters:
        colour, middle = GREY if master["trusted"] else BAD, y + ROW / 2
        more = f" and {master['count'] - 1} more" if master["count"] > 1 else ""
        parts += [wire(DEVICE_X + DEVICE_WIDTH, middle, MEMORY_X, middle, colour, master["trusted"]),
                  text(MEMORY_X + 8, middle + 4, "all memory, if it masters; " + (
                      "the board answers for it" if master["trusted"] else "nobody answers for it"), "small"),
                  draw_device(master["name"], y, [colour], "trusted" + more if master["trusted"]
                              else "unprotected" + more, "master")]
        y += ROW + 4
    return parts, y if masters else y - 20


# ---- A set ------------------------------------------------------------------------------------------

def draw_memory(partition, y, height, colour):
    what = f"{size(partition['size'])} at {partition['physical']:#x}"
    return element("g", box(MEMORY_X, y, MEMORY_WIDTH, height, 10, fill=colour, opacity="0.14") +
                   box(MEMORY_X, y, 6, height, 3, fill=colour) +
                   text(MEMORY_X + 20, y + 24, partition["name"], "strong") +
                   text(MEMORY_X + 20, y + 42, what, "small") +
                   text(MEMORY_X + 20, y + 57, f"CPU {partition['cpu']}, {partition['payload']}", "small"),
                   class_="partition", data_name=partition["name"])


def draw_messages(records, gates, tops, block, palette, y):
    """Below the gates each ITS that devices of partitions raise messages by, dotted: from the IOMMUs through which it
    is reached, to the partitions. Where it ends."""
    parts = []
    for its in list(dict.fromkeys(device["its"] for device in records.of("device")
                                  if device["its"] and device["owners"])):
        users = [device for device in records.of("device") if device["its"] == its]
        for unit in dict.fromkeys(device["unit"] for device in users if device["unit"] in gates):
            parts.append(wire(GATE_X + GATE_WIDTH - 8, gates[unit][1] - 4, ITS_X, y + ITS_HEIGHT / 2, GREY, True, 1.6))
        for name in dict.fromkeys(name for device in users for name in device["owners"]):
            parts.append(wire(ITS_X + ITS_WIDTH, y + ITS_HEIGHT / 2, MEMORY_X, tops[name] + block - 8, palette[name],
                              True, 1.6))
        parts.append(element("g", box(ITS_X, y, ITS_WIDTH, ITS_HEIGHT, 6, fill="var(--card)", stroke="var(--unit)",
                                      stroke_width=1.5) +
                             text(ITS_X + ITS_WIDTH / 2, y + 17, "ITS", "strong", "middle") +
                             text(ITS_X + ITS_WIDTH / 2, y + ITS_HEIGHT + 13, cut(its, 34), "small", "middle") +
                             element("title", escape(its + ": each device's own messages, to the partition that "
                                                     "bound it")), class_="its", data_name=its))
        y += ITS_HEIGHT + GAP
    return parts, y


def legend(y, lines):
    """What each kind of line means: [(drawn from an x on, words)]."""
    parts, x = [], DEVICE_X + 2
    for draw, words in lines:
        parts += [draw(x, y), text(x + 44, y + 4, words, "small")]
        x += 44 + 5.6 * len(words) + 26
    return parts


def sample(colour, dashed=False, ended=False):
    """A stretch of a line, for a legend."""
    return lambda x, y: wire(x, y, x + 34, y, colour, dashed) + (stop(x + 36, y, colour) if ended else "")


def draw_windows(records, tops, height):
    """A bracket at the right between the two sides of each window, with labels one below another."""
    for i, window in enumerate(records.of("window")):
        first, second = (tops[side] + height / 2 for side in window["sides"])
        x = MEMORY_X + MEMORY_WIDTH - 14 - 16 * (i % 6)
        yield element("g", element("path", None, d=f"M{x:g} {first:g}V{second:g}", stroke=GREY, stroke_width=3,
                                   stroke_dasharray=None if window["dma"] else "3 4") +
                      "".join(element("circle", None, cx=f"{x:g}", cy=f"{y:g}", r=5,
                                      fill=GREY if side in window["writers"] else "var(--card)", stroke=GREY,
                                      stroke_width=2)
                              for side, y in zip(window["sides"], (first, second))) +
                      text(x - 8, (first + second) / 2 + 4 + 14 * (i % 3), window["name"], "small", "end"),
                      class_="window", data_name=window["name"])


def draw_set(records):
    palette = colours(records)
    placed, gates, buses, groups, height = place(
        records.of("device"), lambda d: d["unit"],
        pci_bus, lambda d: d["group"])
    block = 72
    partitions = records.of("partition")
    height = max(height, HEAD + len(partitions) * (block + GAP))
    step = (height - HEAD) / max(len(partitions), 1)
    tops = {p["name"]: HEAD + i * step + (step - block) / 2 for i, p in enumerate(partitions)}
    parts = heads("devices, by bus and group", "IOMMUs, ITSs", "partitions")
    parts += [text(DEVICE_X + 2, y, bus, "small") for bus, y in buses]
    for number, top, bottom, device in groups:
        if bottom - top > ROW:
            parts.append(element("g", box(DEVICE_X - 4, top - 2, DEVICE_WIDTH + 8, bottom - top + 4, 9,
                                          fill="var(--shade)", stroke=GREY, stroke_dasharray="3 3") +
                                 element("title", escape(device["reasons"])), class_="group", data_name=number))
    wires, chips = [], []
    for device, y in placed:
        middle, note = y + ROW / 2, f"group {device['group']}"
        reaches = device["unit"] is not None and not device["refusal"]
        owners = device["owners"] if reaches else []
        for i, name in enumerate(owners):
            shift = (i - (len(owners) - 1) / 2) * 5
            wires += [wire(DEVICE_X + DEVICE_WIDTH, middle + shift, GATE_X, middle + shift, palette[name]),
                      wire(GATE_X + GATE_WIDTH, middle + shift, MEMORY_X, tops[name] + block / 2, palette[name])]
        if reaches and not owners:
            wires += [wire(DEVICE_X + DEVICE_WIDTH, middle, GATE_X - 8, middle, GREY), stop(GATE_X - 8, middle, GREY)]
        if device["refusal"]:
            wires.append(stop(DEVICE_X + DEVICE_WIDTH + 6, middle, BAD))
            note = "not assignable"
        elif device["unit"] is None:
            note = "no DMA"
        elif device["messages"]:
            note += f", {device['messages']} MSI"
        chips.append(draw_device(device["name"], y, [palette[name] for name in device["owners"]], note))
    messages, height = draw_messages(records, gates, tops, block, palette, height)
    # Under the gates: a line goes through one, not over it.
    parts += wires + messages + chips
    for unit in records.of("unit"):
        top, bottom = gates.get(unit["name"], (None, None))
        if top is None:
            top, bottom = height, height + 26
            height += 26 + GAP
        parts.append(draw_gate(unit["name"], unit["name"], unit["compatible"], top, bottom,
                               "var(--unit)" if unit["usable"] else BAD))
    parts += [draw_memory(p, tops[p["name"]], block, palette[p["name"]]) for p in partitions]
    parts += draw_windows(records, tops, block)
    below, height = draw_unprotected(records.of("unprotected"), height)
    parts += below
    parts += legend(height + 14, [
        (sample("var(--unit)"), "reads and writes, in the owner's colour"),
        (sample("var(--unit)", dashed=True), "messages"), (sample(GREY, ended=True), "parked"),
        (lambda x, y: box(x, y - 8, 34, 16, 5, fill="var(--shade)", stroke=GREY, stroke_dasharray="3 3"),
         "one group: one owner"),
        (lambda x, y: element("path", None, d=f"M{x + 17:g} {y - 8:g}v16", stroke=GREY, stroke_width=3), "window"),
        (sample(BAD), "no IOMMU before it")])
    return frame(height + 34, parts, "devices, IOMMUs and partitions")


# ---- A board ----------------------------------------------------------------------------------------

def draw_board(records):
    units = {unit["name"]: unit for unit in records.of("unit")}
    things = [dict(master, good=master["verdict"] == "isolated") for master in records.of("master")]
    things += [dict(host, good=not host["why"], verdict="PCI host") for host in records.of("host")]
    if not things:
        return element("p", "Nothing in this tree looks like a master of memory.")
    placed, gates, _, _, height = place(things, lambda d: d["unit"] if d["unit"] in units else None,
                                        lambda d: "", lambda d: 0)
    parts = heads("masters of memory", "IOMMUs", "memory")
    parts.append(element("g", box(MEMORY_X, HEAD, 120, height - HEAD - GAP, 10, fill="var(--unit)",
                                  opacity="0.12") +
                         text(MEMORY_X + 60, HEAD + 26, "memory", "strong", "middle"), class_="memory"))
    wires, chips = [], []
    for thing, y in placed:
        middle = y + ROW / 2
        behind = thing["unit"] in units
        colour = GOOD if thing["good"] else GREY if behind else BAD
        note = thing["verdict"]
        if thing["good"]:
            wires += [wire(DEVICE_X + DEVICE_WIDTH, middle, GATE_X, middle, GOOD),
                      wire(GATE_X + GATE_WIDTH, middle, MEMORY_X, middle, GOOD)]
        elif behind and units[thing["unit"]]["driven"]:
            wires += [wire(DEVICE_X + DEVICE_WIDTH, middle, GATE_X - 8, middle, GREY), stop(GATE_X - 8, middle, GREY)]
        elif behind:
            wires += [wire(DEVICE_X + DEVICE_WIDTH, middle, GATE_X, middle, GREY, True),
                      wire(GATE_X + GATE_WIDTH, middle, MEMORY_X, middle, GREY, True)]
        else:
            wires.append(wire(DEVICE_X + DEVICE_WIDTH, middle, MEMORY_X, middle, BAD))
        chips.append(draw_device(thing["path"], y, [colour], note))
    parts += wires + chips
    for name, (top, bottom) in gates.items():
        if name is not None:
            unit = units[name]
            parts.append(draw_gate(name, name, unit["compatible"], top, bottom,
                                   "var(--unit)" if unit["driven"] else GREY))
    parts += legend(height + 4, [
        (sample(GOOD), "isolated: through a gate that is held"),
        (sample(GREY, ended=True), "the gate is held, and stays shut"),
        (sample(GREY, dashed=True), "an IOMMU that is not driven"), (sample(BAD), "no IOMMU before it")])
    return frame(height + 24, parts, "masters, IOMMUs and memory")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of growth, and draws what they measured.

    growth.py --program build/growth/growth --folder build/growth [--plots docs]

A panel for each thing that there is more and more of; a line for each call. The points are those that the
tests have looked at, in build/growth/points.txt: axis, how many, call, steps, commands, a tab between.
"""
import argparse
import collections
import math
import os
import pathlib
import re
import subprocess
import sys

# What is drawn alike: a call and what undoes it, or what takes tables too.
LINES = {
    "bind": ("a", ""), "unbind": ("a", "6 4"),
    "attach": ("b", ""), "detach": ("b", "6 4"),
    "map": ("c", ""), "map, three tables": ("c", "2 3"),
    "unmap": ("d", ""), "unmap, three tables": ("d", "2 3"),
    "ioas_alloc": ("e", ""),
}
STYLE = """
  .ground { fill: #ffffff } text { fill: #33414f; font-size: 12px }
  .head { fill: #1c2733; font-size: 14px; font-weight: bold } .grid { stroke: #e3e7eb } .axis { stroke: #8a97a5 }
  path { fill: none; stroke-width: 2 }
  .a { stroke: #1b6e3c } .b { stroke: #7a3fa0 } .c { stroke: #1f5fa8 } .d { stroke: #b8500f } .e { stroke: #5a6874 }
  .leader { stroke: #8a97a5; stroke-width: 0.75 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #14181d } text { fill: #c3ccd6 } .head { fill: #eef2f6 } .grid { stroke: #2a323b }
    .a { stroke: #5fc489 } .b { stroke: #c194e0 } .c { stroke: #74aef0 } .d { stroke: #f0995c } .e { stroke: #9aa7b4 }
  }
"""
WIDTH, HEIGHT = 860, 290          # of a panel
LEFT, RIGHT, TOP, BOTTOM = 60, 210, 40, 45
LABEL = 14                        # from one label to the next
FEW = 64                          # beyond it a scale is logarithmic


def read_points(path):
    """{axis: {call: [(how many, steps, commands)]}}, in the order of the tests."""
    axes = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in path.read_text().splitlines():
        axis, at, call, steps, commands = line.split("\t")
        axes[axis][call].append((int(at), int(steps), int(commands)))
    return axes


def round_up(value):
    """The next 1, 2 or 5 with zeros."""
    size = 10 ** math.floor(math.log10(value))
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= value)


def spread(places):
    """Heights of labels near `places`, none over another."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    result = list(places)
    for before, this in zip(order, order[1:]):
        result[this] = max(result[this], result[before] + LABEL)
    over = result[order[-1]] - (HEIGHT - 8)
    for this in reversed(order):
        if over <= 0:
            break
        result[this] -= over
        below = [result[i] for i in order[:order.index(this)]]
        over = max(below) + LABEL - result[this] if below else 0
    return result


class Panel:
    def __init__(self, top, axis, calls):
        self.top, self.axis, self.calls = top, axis, calls
        points = [point for line in calls.values() for point in line]
        self.first, self.last = min(p[0] for p in points), max(p[0] for p in points)
        highest = max(p[1] for p in points)
        self.step = round_up(highest / 5)
        self.highest = self.step * math.ceil(highest / self.step)

    def x(self, at):
        scale = float if self.last <= FEW else math.log
        return LEFT + (WIDTH - LEFT - RIGHT) * (scale(at) - scale(self.first)) / (
            scale(self.last) - scale(self.first))

    def y(self, steps):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * steps / self.highest

    def draw(self):
        yield f'<g transform="translate(0 {self.top})">'
        yield f'<text class="head" x="{LEFT}" y="22">steps of a call, by {self.axis}</text>'
        for steps in range(0, self.highest + 1, self.step):
            y = self.y(steps)
            yield f'<line class="{"grid" if steps else "axis"}" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{steps:,}</text>'
        for at in sorted({point[0] for line in self.calls.values() for point in line}):
            yield f'<text x="{self.x(at):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{at:,}</text>'
        ends = [self.y(line[-1][1]) for line in self.calls.values()]
        for (call, line), end, label in zip(self.calls.items(), ends, spread(ends)):
            shape, dashes = LINES[call]
            path = "L".join(f"{self.x(at):.1f} {self.y(steps):.1f}" for at, steps, _ in line)
            dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
            right = WIDTH - RIGHT
            yield f'<path class="{shape}" d="M{path}"{dashed}/>'
            yield f'<line class="leader" x1="{right + 3}" y1="{end:.1f}" x2="{right + 16}" y2="{label:.1f}"/>'
            yield f'<text x="{right + 20}" y="{label + 4:.1f}">{call}: {line[-1][1]:,}</text>'
        yield "</g>"


def picture(axes):
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT * len(axes)}" '
             f'width="{WIDTH}" height="{HEIGHT * len(axes)}" font-family="Helvetica, Arial, sans-serif">',
             "<title>What a call costs as there is more of everything</title>", f"<style>{STYLE}</style>",
             f'<rect class="ground" width="{WIDTH}" height="{HEIGHT * len(axes)}"/>']
    for number, (axis, calls) in enumerate(axes.items()):
        lines += Panel(number * HEIGHT, axis, calls).draw()
    return "\n".join(lines + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--plots", type=pathlib.Path, help="where growth.svg goes")
    arguments = parser.parse_args()
    points = arguments.folder / "points.txt"
    points.write_text("")
    result = subprocess.run([arguments.program], env={**os.environ, "GROWTH_POINTS": str(points)},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    passed = len(re.findall(r"^\[       OK \] ", result.stdout, re.M))
    failed = len(set(re.findall(r"^\[  FAILED  \] (\S+)$", result.stdout, re.M)))
    if failed or result.returncode != 0 or passed == 0:
        print(result.stdout)
        failed = max(failed, 1)
    axes = read_points(points)
    for axis, calls in axes.items():
        least, most = next(iter(calls.values()))[0][0], next(iter(calls.values()))[-1][0]
        grows = [f"{call} {line[0][1]} to {line[-1][1]}" for call, line in calls.items()
                 if line[0][1] != line[-1][1]]
        print(f"  {axis}, {least:,} to {most:,}: {', '.join(grows) or 'no call costs a step more'}")
    if arguments.plots and not failed:
        (arguments.plots / "growth.svg").write_text(picture(axes))
        print(f"  {arguments.plots / 'growth.svg'}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

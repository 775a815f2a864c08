#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which lines and branches of the product the host tests reach.

    coverage.py --objects folder --report file program...

Runs the programs of a build with counters, has gcov read what they left, and adds it up by folder.
A branch is one way out of a conditional jump of the unoptimised program: `if (a && b)` has four.
Ways that only an exception takes are not counted; a way out of a line that never ran counts as not
taken. A header's inline function is counted once, however many files include it.

A folder passes if its share of lines and of branches reaches the goal. The list passes if every line
that never ran stands in uncovered.txt with a reason, and nothing else stands there.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

# Longest first: a file belongs to the first that it begins with.
FOLDERS = ("drivers/iommu", "drivers", "kernel", "lib")
GOAL = 90.0
LISTED = pathlib.Path(__file__).with_name("uncovered.txt")


class Source:
    """What is known of one source file: counts a line, and a branch of a line."""

    def __init__(self, path):
        self.path = path
        self.text = pathlib.Path(path).read_text().splitlines()
        self.lines = collections.Counter()
        self.branches = collections.defaultdict(collections.Counter)
        self.function = {}

    def add(self, line):
        number = line["line_number"]
        self.lines[number] += line["count"]
        self.function.setdefault(number, line.get("function_name", "-"))
        for index, branch in enumerate(line["branches"]):
            if not branch["throw"]:
                self.branches[number, line.get("function_name")][index] += branch["count"]

    def uncovered(self):
        """(function, text) of each line that never ran."""
        return [(number, self.function[number], self.text[number - 1].strip())
                for number, count in sorted(self.lines.items()) if count == 0]

    def missed(self):
        """{line: how many ways were not taken}"""
        found = collections.Counter()
        for (number, _), ways in self.branches.items():
            found[number] += sum(count == 0 for count in ways.values())
        return +found

    def figures(self):
        ways = [count for counts in self.branches.values() for count in counts.values()]
        return Figures(len(self.lines), sum(count > 0 for count in self.lines.values()),
                       len(ways), sum(count > 0 for count in ways))


class Figures(collections.namedtuple("Figures", "lines ran branches taken")):
    def __add__(self, other):
        return Figures(*(a + b for a, b in zip(self, other)))

    @staticmethod
    def share(part, whole):
        return 100.0 * part / whole if whole else 100.0

    def shares(self):
        return self.share(self.ran, self.lines), self.share(self.taken, self.branches)

    def row(self, name):
        lines, branches = self.shares()
        return (f"  {name:<40} {self.ran:>5} of {self.lines:>5} {lines:6.1f} %"
                f" {self.taken:>6} of {self.branches:>5} {branches:6.1f} %")


def folder_of(path):
    return next((folder for folder in FOLDERS if path.startswith(folder + "/")), None)


def run(programs, objects):
    """Old counters go first: a test that is gone must not count."""
    for counters in objects.rglob("*.gcda"):
        counters.unlink()
    for program in programs:
        result = subprocess.run([program], capture_output=True, text=True, errors="replace",
                                timeout=600, check=False)
        if result.returncode != 0:
            print(result.stdout[-4000:] + result.stderr[-4000:])
            sys.exit(f"coverage: {program} failed: what it reached says nothing")


def read(objects):
    """{path: Source} of the product, from the counters of its own objects."""
    sources = {}
    for notes in sorted(objects.rglob("*.gcno")):
        if folder_of(str(notes.relative_to(objects))) is None:
            continue
        output = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities",
                                 str(notes)], capture_output=True, text=True, check=True).stdout
        for found in json.loads(output)["files"]:
            path = found["file"]
            if folder_of(path) is None:
                continue
            source = sources.setdefault(path, None) or Source(path)
            sources[path] = source
            for line in found["lines"]:
                source.add(line)
    return sources


def read_list(path):
    """{(file, function, text): how often}, the same of lines that run by chance, and mistakes.

    An entry is a paragraph: `file function`, lines that begin with `| `, and the reason.
    """
    listed, chance = collections.Counter(), collections.Counter()
    mistakes = []
    for paragraph in path.read_text().split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        name, _, function = lines[0].partition(" ")
        texts = [line[2:].strip() for line in lines[1:] if line.startswith("| ")]
        if not texts or len(texts) + 1 == len(lines):
            mistakes.append(f"{path.name}: {lines[0]}: no line, or no reason")
        by_chance = any(line.startswith("By chance:") for line in lines)
        (chance if by_chance else listed).update((name, function, text) for text in texts)
    return listed, chance, mistakes


def compare(sources):
    """What the list lacks and what it has too much, a line each."""
    listed, chance, wrong = read_list(LISTED)
    for path, source in sorted(sources.items()):
        for number, function, text in source.uncovered():
            key = path, function, text
            if listed[key] > 0:
                listed[key] -= 1
            elif chance[key] > 0:
                chance[key] -= 1
            else:
                wrong.append(f"{path}:{number}: {function}: never ran, without a reason: {text}")
    for (path, function, text), count in sorted(listed.items()):
        if count > 0:
            wrong.append(f"{LISTED.name}: {path} {function}: ran, or is gone: {text}")
    return wrong


def write_report(sources, path):
    """Every file with its figures; under it the lines that never ran (!) or not in every way (?)."""
    with path.open("w") as report:
        for name, source in sorted(sources.items()):
            print(source.figures().row(name), file=report)
            missed = source.missed()
            for number in sorted(source.lines):
                ran = source.lines[number] > 0
                if not ran or missed[number]:
                    print(f"    {'?' if ran else '!'} {number:>4} {missed[number] or '':>2} "
                          f"{source.text[number - 1]}", file=report)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    parser.add_argument("programs", nargs="+")
    arguments = parser.parse_args()
    run(arguments.programs, arguments.objects)
    sources = read(arguments.objects)
    write_report(sources, arguments.report)

    passed, failed = 0, 0
    total = Figures(0, 0, 0, 0)
    print(f"  {'folder':<40} {'lines':>14} {'':8} {'branches':>15}")
    for folder in FOLDERS:
        figures = sum((source.figures() for path, source in sources.items()
                       if folder_of(path) == folder), Figures(0, 0, 0, 0))
        total += figures
        reached = figures.lines > 0 and min(figures.shares()) >= GOAL
        passed, failed = passed + reached, failed + (not reached)
        print(figures.row(folder) + ("" if reached else f"  below {GOAL:.0f} %"))
    print(total.row("all"))
    wrong = compare(sources)
    for line in wrong:
        print(line)
    passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"line by line: {arguments.report}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

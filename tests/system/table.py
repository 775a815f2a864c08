# SPDX-License-Identifier: Apache-2.0
"""What a run of the demo's programs prints, taken apart: the table of attempts that each of them closes
with, and the faults that the hypervisor reported.
"""
import re

FAULT = re.compile(r"\[bulkhead\] fault: ")
FIELD = re.compile(r"\b([a-z]+)=(\S+)")
FIELDS = ("device", "partition", "cause", "access", "iova")
COLUMN = re.compile(r"\s{2,}")
HEADING = ["attempt", "expected", "seen"]


class Row:
    """One line of the table: what was tried, what should happen, what happened."""

    def __init__(self, attempt, expected, seen, *rest):
        self.attempt, self.expected, self.seen = attempt, expected, seen
        self.proof = rest[-1] if rest else ""

    def __str__(self):
        return f"{self.attempt!r}: expected {self.expected!r}, seen {self.seen!r} ({self.proof})"


def payload_lines(lines, partition):
    """What one partition printed, without its name in front."""
    prefix = f"[{partition}] "
    return [line[len(prefix):] for line in lines if line.startswith(prefix)]


def read_table(lines):
    """The rows between the line that is headed attempt, expected, seen and the next empty one."""
    rows, heading = [], False
    for line in lines:
        cells = COLUMN.split(line.strip())
        if cells[:3] == HEADING:
            heading = True
        elif heading and len(cells) < 3:
            break
        elif heading:
            rows.append(Row(*cells))
    return rows


def read_faults(lines):
    """{field: value} of each fault that the hypervisor reported, in order."""
    return [{name: value for name, value in FIELD.findall(line) if name in FIELDS}
            for line in lines if FAULT.match(line)]

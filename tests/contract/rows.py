# SPDX-License-Identifier: Apache-2.0
"""Write, or check, docs/requirements-status.md: each row of the requirements, and the tests that carry it.

    check()   whether the page is what the tree says
    write()   rewrites it

rows.txt names the rows and their states. A test carries a row by its name: row_2_10_... in a C test or a
method of a system test, or `row 2.10: ` before what a proof says. A row that is said to hold needs a test; a
test needs a row.
"""
import ast
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "tests", "contract", "rows.txt")
PAGE = os.path.join(ROOT, "docs", "requirements-status.md")
PROOFS = os.path.join(ROOT, "tests", "proofs")

STATES = {
    "tested": "the tests beside it fail when the row does not hold",
    "refused": "the answer of this version is a documented error or a refused configuration, and that is tested",
    "part": "tested, but for what is said",
    "construction": "a reviewer can check it at the named place; there is nothing to run",
    "x86": "asks for that architecture, which comes later",
    "later": "not yet",
}
NEED_TESTS = ("tested", "refused", "part")
C_TEST = re.compile(r"\bTEST\(\s*(\w+)\s*\)")
IN_NAME = re.compile(r"(?:^|_)row_(\d+)_(\d+)(?=_)")
IN_WORDS = re.compile(r"\brows? (\d+\.\d+(?:(?:, | and )\d+\.\d+)*): ")

HEAD = """\
# Requirements: what the tree carries today

Written by `make contract-write` from tests/contract/rows.txt and the names of the tests; `make contract`, which
is part of `make test`, fails when it is out of date, and when a row that is said to hold has no test. The
requirements are numbered rows, drawn from public discussions of device assignment between 2015 and 2021; the
numbers are the project's.

"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_rows(text):
    """{(2, 10): (state, title, note)} in the order of the list."""
    rows = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            row, state, title, note = (part.strip() for part in (line + " ").split("|"))
            number = tuple(map(int, row.split(".")))
            if number in rows:
                raise ValueError(f"row {row} is listed twice")
            rows[number] = (state, title, note)
    return rows


def rows_in_name(name):
    return [(int(major), int(minor)) for major, minor in IN_NAME.findall(name)]


def c_tests():
    """(file, name) of each test that a group of a C program lists."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "**", "*.c"), recursive=True)):
        for name in C_TEST.findall(read(path)):
            yield path, name, rows_in_name(name)


def system_tests():
    yield from methods(glob.glob(os.path.join(ROOT, "tests", "system", "test_*.py")))


def script_tests():
    """Those of tools, on the host alone."""
    yield from methods(glob.glob(os.path.join(ROOT, "tests", "*", "quick.py")))


def methods(paths):
    for path in sorted(paths):
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path, node.name, rows_in_name(node.name)


def proofs():
    sys.path.insert(0, PROOFS)
    from catalogue import PROOFS as every  # noqa: PLC0415 (its folder is no package)
    for proof in every:
        found = IN_WORDS.search(proof.says)
        numbers = re.findall(r"(\d+)\.(\d+)", found[1]) if found else []
        yield os.path.join(PROOFS, "catalogue.py"), proof.name, [(int(a), int(b)) for a, b in numbers]


def gather():
    """{row: [(kind, file, name)]} of all tests that name one."""
    carried = {}
    for kind, tests in (("", c_tests()), ("", script_tests()), ("QEMU", system_tests()), ("proof", proofs())):
        for path, name, rows in tests:
            for row in rows:
                carried.setdefault(row, []).append((kind, os.path.relpath(path, ROOT), name))
    return carried


def sentence(name):
    """row_2_10_map_over_a_mapping -> map over a mapping"""
    plain = re.sub(r"(?:^|_)row(?:_\d+){2}(?=_)", "", name.removeprefix("test_"))
    return re.sub(r"^(i\d+)_", r"\1, ", plain.lstrip("_")).replace("_", " ")


def cell(tests, note):
    said = [f"{kind + ' ' if kind else ''}`{os.path.basename(path)}`: {sentence(name)}"
            for kind, path, name in tests]
    return "; ".join(said + ([note] if note else []))


def page(rows, carried):
    lines = [f"| {state:<12} | {means} |" for state, means in STATES.items()]
    text = HEAD + "| state        | means |\n|--------------|-------|\n" + "\n".join(lines)
    counts = {state: sum(row[0] == state for row in rows.values()) for state in STATES}
    text += "\n\n" + ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    text += ".\n\n| row  | in our words | state | tests, and what else is to be said |\n"
    text += "|------|--------------|-------|-------------------------------------|\n"
    for row, (state, title, note) in rows.items():
        number = ".".join(map(str, row))
        text += f"| {number:<4} | {title} | {state} | {cell(carried.get(row, []), note)} |\n"
    return text


def judge(rows, carried):
    """[(whether it holds, what does not)]"""
    for row, (state, _, note) in rows.items():
        number = ".".join(map(str, row))
        yield state in STATES, f"row {number}: no such state: {state}"
        yield (state not in NEED_TESTS or row in carried,
               f"row {number} is said to be {state}, and no test names it")
        yield state not in ("construction", "part", "refused") or note, f"row {number}: say where, or what"
    for row in carried:
        yield row in rows, f"a test names row {row[0]}.{row[1]}, which is not in the list"
    yield list(rows) == sorted(rows), "the rows are not in order"
    yield (read(PAGE) == page(rows, carried),
           "docs/requirements-status.md is not what the tree says: make contract-write")


def write():
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page(read_rows(read(LIST)), gather()))


def check():
    """How much was looked at, and what does not hold."""
    results = list(judge(read_rows(read(LIST)), gather()))
    return len(results), [text for holds, text in results if not holds]

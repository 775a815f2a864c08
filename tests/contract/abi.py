# SPDX-License-Identifier: Apache-2.0
"""Hold include/bulkhead/abi.h and docs/abi.md together.

    check(compilers)   compares them
    write()            rewrites tests/contract/documented.inc from the pages

Each call of the header has a page, and each page a call: the same number, the same arguments in the same
registers, results in the same ones, the same errors. Each structure has a table of its fields with offset
and bytes, which every compiler that is named agrees with. The pages are all of one shape. What they say
of errors and bounds is in documented.inc, too, for the tests in C.
"""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = os.path.join(ROOT, "include", "bulkhead", "abi.h")
PAGES = os.path.join(ROOT, "docs", "abi.md")
GENERATED = os.path.join(ROOT, "tests", "contract", "documented.inc")

ERROR = re.compile(r"\b(?:BH_)?(NOT_SUPPORTED|E[A-Z]{3,})\b")
REGISTERS = ["register", "in", "out"]
FIELDS = ["offset", "bytes", "field", "unit, meaning"]
ERRORS = ["error", "cause"]
BOUND = ["entries", "commands", "SYNCs", "locks", "other work"]
CELL = re.compile(r"\d+(?: [SUT])?(?: \+ \d+ [SUT])*")
PARAMETER = re.compile(r"`([a-z_]+)`")


class Failures(list):
    """What does not hold; counts what was looked at."""

    looked = 0

    def expect(self, condition, text):
        self.looked += 1
        if not condition:
            self.append(text)

    def same(self, what, header, page):
        self.expect(header == page, f"{what}: abi.h has {show(header)}, docs/abi.md {show(page)}")


def show(value):
    if isinstance(value, (set, frozenset, list, tuple)):
        ordered = value if isinstance(value, (list, tuple)) else sorted(value)
        return ", ".join(map(str, ordered)) or "none"
    return str(value)


# ---- The header ---------------------------------------------------------------------------------


class Header:
    def __init__(self, text):
        self.calls = {name: int(number) for name, number in
                      re.findall(r"^#define BH_CALL_(\w+) (\d+)", text, re.M)}
        self.limit = self.calls.pop("LIMIT", None)
        self.errors = {name: int(value) for name, value in
                       re.findall(r"^#define BH_(NOT_SUPPORTED|E[A-Z]+) \((-\d+)\)", text, re.M)}
        self.numbers = {name: int(value, 0) for name, value in
                        re.findall(r"^#define (BH_\w+) (0x[0-9A-Fa-f]+|\d+)\b", text, re.M)}
        self.structures = {name: self._fields(body) for name, body in
                           re.findall(r"^struct (bh_\w+) \{\n(.*?)^\};", text, re.M | re.S)}
        self.texts = dict(self._texts(text))

    @staticmethod
    def _fields(body):
        plain = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
        return [re.search(r"(\w+)(?:\[\w+\])?$", part.strip())[1]
                for part in plain.split(";") if part.strip()]

    @staticmethod
    def _texts(text):
        """The contract of each call: arguments, result registers behind x0, errors."""
        start = re.search(r"^ \* The calls\. ", text, re.M)
        block = text[start.start():text.index("*/", start.start())]
        heads = list(re.finditer(r"^ \* ([A-Z][A-Z0-9_]*) \(([a-z_, ]*)\)", block, re.M))
        for head, after in zip(heads, heads[1:] + [None]):
            body = block[head.end():after.start() if after else len(block)]
            yield head[1], ([word for word in re.split(r",\s*", head[2]) if word],
                            set(re.findall(r"\bx([1-3]) = ", body)), set(ERROR.findall(body)))


# ---- The pages ----------------------------------------------------------------------------------


def cells(line):
    return [cell.strip().replace("\\|", "|") for cell in
            re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def tables(text):
    """[(the paragraph before it, heading, rows)] of each table."""
    found, before, lines = [], "", text.splitlines()
    for index, line in enumerate(lines):
        if line.startswith("|") and index + 1 < len(lines) and re.match(r"\|-", lines[index + 1]):
            rows = []
            for row in lines[index + 2:]:
                if not row.startswith("|"):
                    break
                rows.append(cells(row))
            found.append((before, cells(line), rows))
        elif line.strip() and not line.startswith("|"):
            before = line
    return found


class Page:
    def __init__(self, number, name, text):
        self.number, self.name, self.text = int(number), name.upper(), text
        self.tables = tables(text)

    def rows(self, heading):
        found = [rows for _, head, rows in self.tables if head == heading]
        return found[0] if len(found) == 1 else None

    def check_shape(self, failures):
        order = [head for _, head, _ in self.tables if head in (REGISTERS, ERRORS, BOUND)]
        failures.expect(order == [REGISTERS, ERRORS, BOUND],
                        f"page {self.name.lower()}: its tables are not registers, errors, bound")
        failures.expect(len(re.findall(r"^\*\*Caller:\*\* ", self.text, re.M)) == 1,
                        f"page {self.name.lower()}: no line `**Caller:** ` (who, in which state)")
        failures.expect(not self.text.lstrip().startswith(("|", "*")),
                        f"page {self.name.lower()}: does not begin with what the call does")
        for row in self.rows(BOUND) or []:
            for what, cell in zip(BOUND[:-1], row):
                failures.expect(CELL.fullmatch(cell) or cell == "none",
                                f"page {self.name.lower()}: {what} is no number, nor like "
                                f"`2 + 3 U + 4 T`: {cell}")

    def arguments(self):
        found = {}
        for register, given, _ in self.rows(REGISTERS) or []:
            name = PARAMETER.match(given)
            if register != "x0" and name:
                found[int(register[1:])] = name[1]
        registers = sorted(found)
        return ([found[register] for register in registers]
                if registers == list(range(1, len(found) + 1)) else [f"registers {registers}"])

    def results(self):
        return {register[1:] for register, _, out in self.rows(REGISTERS) or []
                if register != "x0" and out}

    def errors(self):
        return {row[0] for row in self.rows(ERRORS) or []} - {"none"}

    def bound(self):
        """The four counts as expressions of C, or None where the call does not return."""
        row = (self.rows(BOUND) or [["none"]])[0]
        if row[0] == "none":
            return None
        return [re.sub(r" ([SUT])\b", r" * \1", cell) for cell in row[:4]]


def read_pages(text):
    heads = list(re.finditer(r"^### (\d+) `?(\w+)`?.*$", text, re.M))
    ends = [match.start() for match in re.finditer(r"^##", text, re.M)] + [len(text)]
    return [Page(head[1], head[2], text[head.end():min(e for e in ends if e > head.start())])
            for head in heads]


# ---- Both ---------------------------------------------------------------------------------------


def compare_calls(header, pages, failures):
    by_name = {page.name: page for page in pages}
    failures.same("the calls", set(header.calls), set(by_name))
    failures.same("the calls with a text", set(header.calls), set(header.texts))
    failures.expect(len(by_name) == len(pages), "a call has two pages")
    failures.expect(header.limit == 1 + max(header.calls.values()), f"BH_CALL_LIMIT is {header.limit}")
    numbers = [page.number for page in pages]
    failures.expect(numbers == sorted(numbers), f"the pages are not in order: {show(numbers)}")
    for name, page in sorted(by_name.items(), key=lambda item: item[1].number):
        page.check_shape(failures)
        if name not in header.calls or name not in header.texts:
            continue
        arguments, results, errors = header.texts[name]
        what = name.lower()
        failures.same(f"{what}: its number", header.calls[name], page.number)
        failures.same(f"{what}: arguments", arguments, page.arguments())
        failures.same(f"{what}: results in x1 to x3", results, page.results())
        failures.same(f"{what}: errors", errors, page.errors())


def compare_errors(header, text, failures):
    rows = next((rows for _, head, rows in tables(text) if head == ["code", "name", "cause"]), [])
    failures.same("the codes of errors", {(name, value) for name, value in header.errors.items()},
                  {(name, int(code)) for code, name, _ in rows})


def structures_of(text):
    """{name: (bytes, bytes of the first version or None, rows)} of all tables of fields."""
    found = {}
    for before, head, rows in tables(text):
        name = re.match(r"`struct (bh_\w+)`, (\d+) bytes(?:; the first version has (\d+))?", before)
        if head == FIELDS and name:
            found[name[1]] = (int(name[2]), name[3] and int(name[3]), rows)
    return found


def assertions(structures):
    """A program of static assertions: size, and offset and bytes of each field."""
    lines = ["#include <stddef.h>", '#include "bulkhead/abi.h"']
    for name, (size, _, rows) in structures.items():
        lines.append(f'_Static_assert(sizeof(struct {name}) == {size}, "{name}: bytes in all");')
        for offset, count, field, _ in rows:
            field = field.strip("`")
            lines += [f'_Static_assert(offsetof(struct {name}, {field}) == {offset}, '
                      f'"{name}.{field}: offset");',
                      f'_Static_assert(sizeof(((struct {name} *)0)->{field}) == {count}, '
                      f'"{name}.{field}: bytes");']
    return "\n".join(lines) + "\n"


def compare_structures(header, text, compilers, failures):
    documented = structures_of(text)
    failures.same("the structures", set(header.structures), set(documented))
    for name, (_, first, rows) in documented.items():
        if name in header.structures:
            failures.same(f"struct {name}: fields", header.structures[name],
                          [row[2].strip("`") for row in rows])
        constant = header.numbers.get(f"{name.upper()}_FIRST_BYTES")
        failures.same(f"struct {name}: bytes of its first version", constant, first)
    source = assertions({name: what for name, what in documented.items()
                         if name in header.structures})
    for compiler in compilers:
        run = subprocess.run([*compiler.split(), "-std=c11", "-fsyntax-only", "-x", "c",
                              "-I", os.path.join(ROOT, "include"), "-"],
                             input=source, capture_output=True, text=True)
        wrong = re.findall(r"error: static assertion failed: \"(.*?)\"", run.stderr)
        failures.looked += source.count("_Static_assert") - len(wrong)
        for what in wrong:
            failures.expect(False, f"{what} is not what docs/abi.md says ({compiler})")
        failures.expect(run.returncode == 0 or wrong, f"{compiler}: {run.stderr}")


def generated(pages):
    lines = ["/* SPDX-License-Identifier: Apache-2.0 */",
             "/* Written by make contract-write from docs/abi.md: how many arguments each call has,",
             " * its errors, and its bound: entries, commands, SYNCs, locks. */"]
    for page in pages:
        lines.append(f"ARGUMENTS({page.name}, {len(page.arguments())})")
        lines += [f"DOCUMENTED({page.name}, {error})" for error in sorted(page.errors())]
        if page.bound():
            lines.append(f"BOUND({page.name}, {', '.join(page.bound())})")
    return "\n".join(lines) + "\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write():
    with open(GENERATED, "w", encoding="utf-8") as file:
        file.write(generated(read_pages(read(PAGES))))


def check(compilers):
    """How much was looked at, and what does not hold."""
    text, failures = read(PAGES), Failures()
    pages, header = read_pages(text), Header(read(HEADER))
    compare_calls(header, pages, failures)
    compare_errors(header, text, failures)
    compare_structures(header, text, compilers, failures)
    failures.expect(read(GENERATED) == generated(pages),
                    "tests/contract/documented.inc is not what docs/abi.md says: make contract-write")
    return failures.looked, list(failures)

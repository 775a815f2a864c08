# SPDX-License-Identifier: Apache-2.0
"""Write, or check, docs/safety.md: the trace from each invariant to its code and its tests, and every place that the
page names.

    check()   whether each named file, function and test is there, and the trace is what the tree says
    write()   rewrites the trace

A place is written in backquotes: `kernel/owner.c`, or `kernel/owner.c: owner_claim` for what a file defines; in a
file of tests, a test that it lists. invariants.txt says where an invariant is held and who looks at it; a test
carries one by its name: i4_... in a C test or a method of a system test.
"""
import os
import re

import rows

ROOT = rows.ROOT
LIST = os.path.join(ROOT, "tests", "contract", "invariants.txt")
RULES = os.path.join(ROOT, "docs", "architecture.md")
PAGE = os.path.join(ROOT, "docs", "safety.md")
BEGIN, END = "<!-- trace: begin -->\n", "<!-- trace: end -->\n"

RULE = re.compile(r"^\| (I\d+) +\| (.*?) +\|$", re.M)
IN_NAME = re.compile(r"(?:^|_)(i\d+)(?=_)")
SUFFIXES = ("c", "h", "S", "py", "txt", "dts", "dtsi", "md", "mk", "sh", "ld", "args")
PLACE = re.compile(r"`([\w./-]+\.(?:" + "|".join(SUFFIXES) + r"))(?:: ([^`]+))?`")
LINK = re.compile(r"\]\(([\w.-]+\.md)(?:#[\w-]*)?\)")

# How a file that ends so defines a name.
DEFINITIONS = {
    "c": r"^(?!.*;\s*$)[A-Za-z_](?:[^\n=]*[\s*])?{}\(|\bTEST\(\s*{}\s*\)|^#define {}\b",
    "h": r"^[A-Za-z_][^\n=]*[\s*]{}\(|^#define {}\b|^(?:struct|enum) {} \{{",
    "S": r"^{}:",
    "py": r"^\s*(?:def|class) {}\b|^{} = ",
    "mk": r"^(?:[\w-]+ )*{}(?: [\w-]+)*:",
}
TESTS = re.compile(r"^tests/(?:unit|adversary|observer|fuzz|contract|model/\w+)/test_\w+\.c$")


def defines(path, name):
    """Whether the file defines it; a file of tests, whether it lists the test."""
    text = rows.read(os.path.join(ROOT, path))
    if TESTS.match(path):
        return name in rows.C_TEST.findall(text)
    pattern = DEFINITIONS.get(path.rsplit(".", 1)[1])
    return bool(pattern and re.search(pattern.replace("{}", re.escape(name)).replace("{{", "{"), text, re.M))


def missing(text):
    """What the text names and the tree does not have."""
    for path, names in PLACE.findall(text):
        if not os.path.isfile(os.path.join(ROOT, path)):
            yield f"there is no {path}"
            continue
        for name in filter(None, names.split(", ")):
            if not defines(path, name):
                yield f"{path} has no {name}"
    for page in LINK.findall(text):
        if not os.path.isfile(os.path.join(ROOT, "docs", page)):
            yield f"there is no docs/{page}"


def read_list(text):
    """{"I4": (places, who looks)}, places as they stand in the list."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            rule, code, looks = (part.strip() for part in line.split("|"))
            found[rule] = (code.split(", "), looks.split(", "))
    return found


def tests():
    """{"I4": {file: [test]}} of all tests that name an invariant."""
    carried = {}
    for path, name, _ in [*rows.c_tests(), *rows.script_tests(), *rows.system_tests()]:
        for rule in IN_NAME.findall(name):
            carried.setdefault(rule.upper(), {}).setdefault(os.path.relpath(path, ROOT), []).append(name)
    return carried


def sentence(name):
    return re.sub(r"^i\d+, ", "", rows.sentence(IN_NAME.sub("", name).lstrip("_")))


def places(names):
    return ", ".join(f"`{name}`" for name in names)


def trace():
    """The generated part: a section for each invariant."""
    rules, held, carried = dict(RULE.findall(rows.read(RULES))), read_list(rows.read(LIST)), tests()
    parts = []
    for rule, text in rules.items():
        code, looks = held.get(rule, ([], []))
        found = carried.get(rule, {})
        lines = [f"### {rule}", "", text, "", f"* Held by {places(code)}.", f"* Looked at by {places(looks)}.",
                 f"* {sum(map(len, found.values()))} tests:"]
        lines += [f"  * `{path}`: " + "; ".join(sentence(name) for name in names) + "."
                  for path, names in found.items()]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def split(page):
    before, rest = page.split(BEGIN, 1)
    return before, *rest.split(END, 1)


def objects():
    """Whether missing() objects where it should, and nowhere else."""
    wrong = ("`kernel/none.c` `kernel/main.c: none` `kernel/main.c: log_info` `tests/unit/test_boot.c: expect_refusal` "
             "`tests/system/harness.py: none` `kernel/owner.c: owner_claim, none` [x](none.md)")
    right = ("`kernel/main.c: kernel_main` `tests/unit/test_boot.c: without_a_bundle_nothing_starts` `arch/arm64/head.S` "
             "`tests/system/harness.py: Machine` `kernel/limits.h` [x](abi.md#calls) `make check` `fdt_take`")
    return len(list(missing(wrong))) == 7 and not list(missing(right))


def judge():
    """[(whether it holds, what does not)]"""
    page = rows.read(PAGE)
    rules, held, carried = RULE.findall(rows.read(RULES)), read_list(rows.read(LIST)), tests()
    yield objects(), "what looks for missing places finds too few, or too many"
    yield [rule for rule, _ in rules] == list(held), "invariants.txt has not the invariants of docs/architecture.md"
    for rule, _ in rules:
        yield rule in carried, f"no test names {rule}"
    for rule in carried:
        yield rule in held, f"a test names {rule}, which is no invariant"
    for rule, (code, looks) in held.items():
        yield code and looks, f"{rule}: say where it is held, and who looks at it"
    lost = sorted(set(missing(page)))
    yield from ((False, "docs/safety.md: " + text) for text in lost)
    yield not lost, "docs/safety.md names what is not there"
    yield split(page)[1] == trace(), "the trace in docs/safety.md is not what the tree says: make contract-write"


def write():
    before, _, after = split(rows.read(PAGE))
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + trace() + END + after)


def check():
    """How much was looked at, and what does not hold."""
    results = list(judge())
    return len(results), [text for holds, text in results if not holds]

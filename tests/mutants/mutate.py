#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rewrites product sources so that each place that matters can be switched off.

    mutate.py --output folder --sites sites.json --flags '...' file.c ...

The places come from clang's syntax tree, whose nodes know where they begin; where an expression ends
is found in the text, since a macro may end it. Macros and headers are left alone. Kinds of sites:

    call        a call whose result nobody wants is not made
    success     an invalidation, a park or a register handshake is not made and counts as successful
    check       the condition of an `if` is false
    condition   one operand of || is false, one of && is true
    count       a step of a counter is not done
    lock        all acquires and releases of one lock in one function are not made
"""
import argparse
import json
import pathlib
import shlex
import subprocess
import sys

# Functions that do something and say whether it worked; what they say when it did.
SUCCESS = {
    "smmuv3_issue": "IOMMU_OK", "smmuv3_invalidate": "IOMMU_OK", "invalidate": "IOMMU_OK",
    "smmuv3_invalidate_domain": "IOMMU_OK", "invalidate_domain": "IOMMU_OK", "forget": "IOMMU_OK",
    "stream_set": "IOMMU_OK", "device_park": "IOMMU_OK", "smmuv3_entry_write": "IOMMU_OK",
    "issue_widest": "IOMMU_OK", "smmuv3_write_acknowledged": "true", "drop_stale": "true",
    "write_cr0": "true", "use_wired_interrupts": "true", "wait_clear": "true",
    "wait_consumed": "true", "bundle_copy": "true", "owner_claim": "true",
    "memory_reserve": "true", "repair_command": "true",
}
LIMIT = 4096
LOCKS = {"lock_acquire", "lock_release"}
# What only people read, and what only the host's scheduler hears.
SILENT = {"log_print", "log_kick", "cpu_relax", "cpu_atomic", "va_start", "va_end"}


class Text:
    """A source file and where things end in it."""

    def __init__(self, text):
        self.text = text

    def skip(self, at):
        """Behind the string, character or comment at `at`, or `at` itself."""
        text = self.text
        if text.startswith("/*", at):
            return text.index("*/", at) + 2
        if text.startswith("//", at):
            return text.index("\n", at)
        if text[at] in "\"'":
            end = at + 1
            while text[end] != text[at]:
                end += 2 if text[end] == "\\" else 1
            return end + 1
        return at

    def tokens(self, begin, end=None):
        """(position, character) outside of strings and comments."""
        at = begin
        while end is None or at < end:
            behind = self.skip(at)
            if behind != at:
                at = behind
                continue
            yield at, self.text[at]
            at += 1

    def closing(self, opening):
        """The bracket that closes the one at `opening`."""
        depth = 0
        for at, char in self.tokens(opening):
            depth += (char in "([{") - (char in ")]}")
            if depth == 0:
                return at
        raise ValueError("no closing bracket")

    def semicolon(self, begin):
        """Behind the semicolon that ends the statement at `begin`."""
        depth = 0
        for at, char in self.tokens(begin):
            depth += (char in "([{") - (char in ")]}")
            if depth == 0 and char == ";":
                return at + 1
        raise ValueError("no semicolon")

    def operands(self, begin, end):
        """Spans of the operands of the && or || that is outermost in [begin, end), and which it is."""
        found = {"||": [], "&&": []}
        depth, skip_to = 0, begin
        for at, char in self.tokens(begin, end):
            depth += (char in "([{") - (char in ")]}")
            if depth == 0 and at >= skip_to:
                if char == "?":
                    return None, []
                if self.text[at:at + 2] in found:
                    found[self.text[at:at + 2]].append(at)
                    skip_to = at + 2
        for operator, places in found.items():
            if places:
                edges = [begin] + [edge for at in places for edge in (at, at + 2)] + [end]
                spans = [self.trim(*span) for span in zip(edges[::2], edges[1::2])]
                return operator, spans
        begin, end = self.trim(begin, end)
        if self.text[begin] == "!" and self.text[begin + 1] == "(":
            begin += 1
        if self.text[begin] == "(" and self.closing(begin) == end - 1:
            return self.operands(begin + 1, end - 1)
        return None, []

    def trim(self, begin, end):
        while self.text[begin].isspace():
            begin += 1
        while self.text[end - 1].isspace():
            end -= 1
        return begin, end


class Rewriter:
    def __init__(self, path, sites):
        self.path = path
        self.source = Text(pathlib.Path(path).read_text())
        self.sites = sites
        self.edits = []
        self.locks = {}
        self.function = ""
        self.silent = SILENT

    def site(self, kind, begin, end, group=None):
        if group is not None and group in self.locks:
            return self.locks[group]
        number = len(self.sites) + 1
        text = " ".join(self.source.text[begin:end].split())
        self.sites.append({"site": number, "kind": kind, "file": self.path,
                           "line": self.source.text.count("\n", 0, begin) + 1,
                           "function": self.function, "text": text})
        if group is not None:
            self.locks[group] = number
        return number

    def wrap(self, begin, end, prefix, suffix):
        self.edits.append((begin, end, prefix, suffix))

    def rewritten(self):
        inserts = []
        for order, (begin, end, prefix, suffix) in enumerate(self.edits):
            inserts.append(((begin, 1, begin - end, order), prefix))
            inserts.append(((end, 0, end - begin, -order), suffix))
        text, done = [f'#line 1 "{self.path}"\n'], 0
        for (at, *_), insert in sorted(inserts):
            text += [self.source.text[done:at], insert]
            done = at
        return "".join(text + [self.source.text[done:]])

    # ---- What is rewritten -----------------------------------------------------------------------

    def statement(self, kind, begin, group=None):
        end = self.source.semicolon(begin)
        number = self.site(kind, begin, end, group)
        self.wrap(begin, end, f"{{ if (mutant_site({number})) ", " }")

    def condition(self, begin, end):
        operator, spans = self.source.operands(begin, end)
        for first, last in spans:
            number = self.site("condition", first, last)
            if operator == "&&":
                self.wrap(first, last, f"(!mutant_site({number}) || (", "))")
            else:
                self.wrap(first, last, f"(mutant_site({number}) && (", "))")
            self.condition(first, last)

    def check(self, begin):
        opening = self.source.text.index("(", begin)
        closing = self.source.closing(opening)
        number = self.site("check", begin, closing + 1)
        self.wrap(opening + 1, closing, f"mutant_site({number}) && (", ")")
        self.condition(opening + 1, closing)

    def success(self, begin, name):
        callee = self.source.text.index(name, begin)
        end = self.source.closing(self.source.text.index("(", callee)) + 1
        number = self.site("success", begin, end)
        self.wrap(begin, end, f"(mutant_site({number}) ? ", f" : {SUCCESS[name]})")


def offset(node):
    """Where a node begins; None inside a macro."""
    return node.get("range", {}).get("begin", {}).get("offset")


def callee(node):
    inner = node["inner"][0]
    while inner.get("kind") in ("ImplicitCastExpr", "ParenExpr"):
        inner = inner["inner"][0]
    return inner.get("referencedDecl", {}).get("name") or inner.get("name", "")


def bare(node):
    """The statement without casts to void."""
    while node.get("kind") in ("CStyleCastExpr", "ParenExpr", "ImplicitCastExpr"):
        node = node["inner"][0]
    return node


def on_statement(rewriter, node):
    """A statement for its effect. True: it has a site, so its own call needs none."""
    begin, plain = offset(node), bare(node)
    kind = plain.get("kind")
    if begin is None or offset(plain) is None:
        return False
    if kind == "CallExpr":
        name = callee(plain)
        if name in LOCKS:
            text = rewriter.source.text
            lock = text[begin + len(name):rewriter.source.semicolon(begin)]
            rewriter.statement("lock", begin, (rewriter.function, lock))
        elif name not in rewriter.silent:
            rewriter.statement("call", begin)
            return True
    elif kind == "CompoundAssignOperator" or (
            kind == "UnaryOperator" and plain.get("opcode") in ("++", "--")):
        rewriter.statement("count", begin)
    return False


STATEMENT_PLACES = {"CompoundStmt": 0, "IfStmt": 1, "CaseStmt": 1, "DefaultStmt": 0}


def walk(rewriter, node, covered=False):
    kind, begin = node.get("kind"), offset(node)
    children = [child for child in node.get("inner", []) if child]
    if kind == "IfStmt" and begin is not None:
        rewriter.check(begin)
    elif kind == "ReturnStmt" and begin is not None and children:
        rewriter.condition(begin + len("return"), rewriter.source.semicolon(begin) - 1)
    elif kind == "CallExpr" and begin is not None and not covered and callee(node) in SUCCESS:
        rewriter.success(begin, callee(node))
    first = STATEMENT_PLACES.get(kind)
    for index, child in enumerate(children):
        is_statement = first is not None and index >= first or (
            kind in ("ForStmt", "WhileStmt", "DoStmt") and child is children[-1])
        walk(rewriter, child, is_statement and on_statement(rewriter, child))


def endless(tree):
    """Functions that do not return: without a call of one nothing that the language defines follows."""
    return {node["name"] for node in tree["inner"] if node.get("kind") == "FunctionDecl" and any(
        child.get("kind") in ("C11NoReturnAttr", "NoReturnAttr") for child in node.get("inner", []))}


def functions(tree, text):
    """Functions whose bodies stand in the main file."""
    for node in tree["inner"]:
        body = next((child for child in node.get("inner", [])
                     if child.get("kind") == "CompoundStmt"), None)
        at, name = node.get("loc", {}).get("offset"), node.get("name", "")
        end = node.get("range", {}).get("end", {}).get("offset")
        if (node.get("kind") == "FunctionDecl" and body and at is not None and end is not None
                and text[at:at + len(name)] == name and text[end:end + 2] == "}\n"):
            yield name, body


def rewrite(path, flags, sites):
    output = subprocess.run(["clang", *flags, "-w", "-fsyntax-only", "-Xclang", "-ast-dump=json", path],
                            capture_output=True, text=True, check=True).stdout
    tree = json.loads(output)
    rewriter = Rewriter(path, sites)
    rewriter.silent = SILENT | endless(tree)
    for name, body in functions(tree, rewriter.source.text):
        rewriter.function = name
        walk(rewriter, body)
    return rewriter.rewritten()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--sites", type=pathlib.Path, required=True)
    parser.add_argument("--flags", required=True)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    sites = []
    for path in sorted(arguments.files):
        target = arguments.output / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = rewrite(path, shlex.split(arguments.flags), sites)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    if len(sites) >= LIMIT:
        sys.exit(f"mutate: {len(sites)} sites, and tests/mutants/site.h has room for {LIMIT}")
    arguments.sites.write_text(json.dumps(sites, indent=1))
    print(f"{len(sites)} sites in {len(arguments.files)} files")


if __name__ == "__main__":
    sys.exit(main())

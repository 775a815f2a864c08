#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the bounded proofs of docs/proofs.md; a line each, and `N passed, N failed` at the end.

    run.py [--quick] [--only TEXT] [--list]

--quick leaves out the slow ones and the witnesses. A witness is a deliberate defect, put into a
temporary copy of a product source: the proof must fail with it, or it shows nothing.
"""
import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile

from catalogue import PROOFS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CBMC = os.path.join(os.path.abspath(os.path.join(ROOT, os.environ.get("BUILD", "build"))),
                    "tools", "bin", "cbmc")
INCLUDES = ("-I.", "-Iinclude", "-Itests/proofs/include")
PROPERTY = re.compile(r"^\[(\S+)\] (?:file (\S+) )?line (\d+) (.*): (SUCCESS|FAILURE|UNKNOWN|ERROR)$")
SOURCE = re.compile(r"^(\S+) function (\S+)$")
TRACE_LINES = 40


class Outcome:
    """What the checker said: `failures` are (property, place, sentence)."""

    def __init__(self, output, seconds, ended):
        self.output, self.seconds, self.ended = output, seconds, ended
        self.count, self.failures = 0, []
        place = ""
        for line in output.splitlines():
            heading, found = SOURCE.match(line), PROPERTY.match(line)
            if heading:
                place = heading[1]
            elif found:
                self.count += 1
                if found[5] == "FAILURE":
                    self.failures.append((found[1], f"{found[2] or place}:{found[3]}", found[4]))

    @property
    def proved(self):
        return self.ended and "VERIFICATION SUCCESSFUL" in self.output

    @property
    def refuted(self):
        return self.ended and "VERIFICATION FAILED" in self.output


def check(proof, extra=(), replaced=None):
    """Run the checker; `replaced` maps a source to the file that stands in for it. Seconds are
    the processor's, so that a busy machine changes nothing."""
    replaced = replaced or {}
    command = [CBMC]
    if "" in replaced:
        command.append("-I" + replaced[""])
    command += [f"-I{folder}" for folder in proof.includes]
    command += INCLUDES
    command += [f"-D{name}={value}" for name, value in proof.defines.items()]
    command += [replaced.get(source, source) for source in proof.sources]
    command += ["--object-bits", "12", "--unwinding-assertions", "--unwind", str(proof.unwind)]
    if proof.loops:
        command += ["--unwindset", ",".join(f"{loop}:{times}" for loop, times in proof.loops.items())]
    command += proof.options
    command += extra
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
                                check=False, preexec_fn=lambda: resource.setrlimit(
                                    resource.RLIMIT_CPU, (proof.limit, proof.limit)))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        output.seek(0)
        return Outcome(output.read(), after.ru_utime - before.ru_utime, result.returncode >= 0)


def trace_lines(output):
    """The assignments of the harness and the calls that lead to the failure."""
    kept, here = [], False
    for line in output.splitlines():
        if line.startswith("State "):
            here = "tests/proofs/" in line
        elif line.startswith("Violated property"):
            here = True
        if here and line.strip() and not line.startswith(("State ", "---")):
            kept.append(line)
    return kept[-TRACE_LINES:]


def explain(proof, outcome):
    if not outcome.ended:
        print(f"    | not decided within {proof.limit} s of processor time")
        return
    if not outcome.failures:
        print("\n".join(f"    | {line}" for line in outcome.output.splitlines()[-12:]))
        return
    for name, place, sentence in outcome.failures[:8]:
        print(f"    | {place}: {sentence} [{name}]")
    again = check(proof, ["--trace", "--property", outcome.failures[0][0]])
    print("\n".join(f"    | {line}" for line in trace_lines(again.output)), flush=True)


def prove(proof):
    outcome = check(proof)
    word = "proved" if outcome.proved and outcome.count else "FAILED"
    print(f"  {proof.name:<24} {word}  {outcome.count:>5} properties {outcome.seconds:7.1f} s  "
          f"{proof.bound}", flush=True)
    if word == "FAILED":
        explain(proof, outcome)
    return word == "proved"


def misplaced(proof):
    """What of a proof does not stand where the catalogue has it: seen without a proof being made, so at once."""
    for source in proof.sources:
        if not os.path.exists(os.path.join(ROOT, source)):
            yield f"there is no {source}"
    for defect in proof.defects:
        path = os.path.join(ROOT, defect.file)
        if not os.path.exists(path):
            yield f"with {defect.says}: there is no {defect.file}"
            continue
        with open(path, encoding="utf-8") as source:
            count = source.read().count(defect.old)
        if count != 1:
            yield f"with {defect.says}: {defect.file} has {count} times `{defect.old}`"
        elif defect.file not in proof.sources and not defect.file.endswith(".h"):
            yield f"with {defect.says}: {defect.file} is no source of it"


def report_misplaced():
    """How many proofs of the whole catalogue have something that is misplaced."""
    bad = 0
    for proof in PROOFS:
        found = list(misplaced(proof))
        bad += bool(found)
        for line in found:
            print(f"  {proof.name:<24} FAILED  {line}", flush=True)
    return bad


def copy_with_defect(defect, folder):
    """The defect's file in `folder`, changed; None where the text to change is not there once."""
    with open(os.path.join(ROOT, defect.file), encoding="utf-8") as source:
        text = source.read()
    if text.count(defect.old) != 1:
        return None
    path = os.path.join(folder, defect.file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as copy:
        copy.write(text.replace(defect.old, defect.new))
    return path


def witness(proof, defect):
    """The proof with the defect must fail by a property, not by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        path = copy_with_defect(defect, folder)
        if path is None:
            print(f"    cannot fail?           FAILED  {defect.file} has no single `{defect.old}`")
            return False
        outcome = check(proof, ["--stop-on-fail"], {defect.file: path, "": folder})
    found = re.search(r"^Violated property:\n +file (\S+).* line (\d+).*\n +(.*)$", outcome.output, re.M)
    seen = found[3] if found else "not decided in time" if not outcome.ended else "nothing"
    word = "caught" if outcome.refuted and found else "FAILED"
    print(f"    with: {defect.says:<40} {word} {outcome.seconds:7.1f} s  by: {seen}", flush=True)
    return word == "caught"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the fast proofs alone, no witnesses")
    parser.add_argument("--only", default="", help="proofs whose name has this in it")
    parser.add_argument("--list", action="store_true", help="say what there is")
    arguments = parser.parse_args()
    chosen = [proof for proof in PROOFS
              if arguments.only in proof.name and (proof.quick or not arguments.quick)]
    if arguments.list:
        for proof in chosen:
            print(f"{proof.name:<24} {proof.says}")
        return 0
    results = [False] * report_misplaced()
    for proof in chosen:
        results.append(prove(proof))
        if not arguments.quick:
            results += [witness(proof, defect) for defect in proof.defects]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

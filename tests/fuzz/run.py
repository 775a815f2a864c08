#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzz each target for a while (docs/testing.md, "Fuzzing and properties").

    run.py --program build/fuzz/fuzz --build build/fuzz --seconds n [target]

A crash is made as small as it gets; the input and the command that shows it again are printed.
"""
import argparse
import os
import random
import re
import subprocess
import sys

LENGTHS = [30, 100, 200, 400]
SEEDS = 24
INPUT_LIMIT = 1000
MINIMISE_SECONDS = 60


def write_seeds(folder):
    """Inputs to begin with: choices that are mostly small, as a run from a seed draws them."""
    for number in range(SEEDS):
        draw = random.Random(number)
        length = draw.choice(LENGTHS)
        choice = (lambda: draw.choice([0, 0, draw.randrange(18), draw.randrange(256)]))
        path = os.path.join(folder, f"seed-{number}")
        with open(path, "wb") as out:
            out.write(bytes(choice() for _ in range(length)))


def program(arguments, target, options):
    """The program's output; it ends by itself."""
    environment = dict(os.environ, FUZZ_TARGET=target)
    return subprocess.run([arguments.program, *options], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                          check=False)


def minimise(arguments, target, crash):
    smaller = f"{crash}.small"
    program(arguments, target, ["-minimize_crash=1", f"-max_total_time={MINIMISE_SECONDS}",
                                f"-exact_artifact_path={smaller}", crash])
    return smaller if os.path.exists(smaller) else crash


def show(arguments, target, result, folder):
    found = re.search(r"Test unit written to (\S+)", result.stdout)
    if not found:
        print(result.stdout[-3000:])
        return
    crash = minimise(arguments, target, found[1])
    shown = program(arguments, target, [crash])
    print("\n".join("    | " + line for line in shown.stdout.splitlines()[-40:]))
    with open(crash, "rb") as taken:
        print(f"  input: {taken.read().hex()}")
    print(f"  again: FUZZ_TARGET={target} {arguments.program} {crash}")
    print(f"  keep:  cp {crash} tests/fuzz/cases/{target}-name (artefacts in {folder})")


def fuzz(arguments, target):
    """True: nothing was found."""
    folder = os.path.join(arguments.build, target)
    corpus = os.path.join(folder, "corpus")
    os.makedirs(corpus, exist_ok=True)
    write_seeds(corpus)
    result = program(arguments, target,
                     [f"-max_total_time={arguments.seconds}", f"-max_len={INPUT_LIMIT}",
                      "-len_control=0", "-timeout=30", "-print_final_stats=1",
                      f"-artifact_prefix={folder}/", corpus])
    runs = re.search(r"number_of_executed_units: *(\d+)", result.stdout)
    speed = re.search(r"average_exec_per_sec: *(\d+)", result.stdout)
    covered = re.findall(r"cov: (\d+)", result.stdout)
    good = result.returncode == 0
    print(f"  {target:<20} {runs[1] if runs else '?':>9} inputs {speed[1] if speed else '?':>6} a second, "
          f"{covered[-1] if covered else '?':>5} edges  {'nothing found' if good else 'FAILED'}",
          flush=True)
    if not good:
        show(arguments, target, result, folder)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("target", nargs="?")
    arguments = parser.parse_args()
    names = program(arguments, "?", []).stdout.split("targets:")[-1].split()
    if arguments.target and arguments.target not in names:
        sys.exit(f"no such target: {arguments.target}; there are: {' '.join(names)}")
    chosen = [arguments.target] if arguments.target else names
    good = [fuzz(arguments, name) for name in chosen]
    print(f"{good.count(True)} passed, {good.count(False)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

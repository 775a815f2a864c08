#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the linters over the tree; mk/lint.mk calls it.

usage: lint.py [--build FOLDER] [--fix-layout] [--set NAME MISRA FLAGS SOURCES]...

Every C source and header is held against .clang-format, every Python and shell
script is parsed, and every source of a --set goes through clang-tidy and
cppcheck with the set's compiler flags. For the hypervisor's own folders cppcheck's
MISRA remarks are collected into lint/misra.txt: a report, they are no findings.

A result is kept in FOLDER/lint/cache under a key made of the file, the headers it
includes, the flags, the configuration and the tools' versions, so that only what
changed is looked at again. Findings go to stdout as file:line:column: text. Exit
status 1 if there are any.
"""
import argparse
import collections
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

WORKERS = 2
DEADLINE = 150          # seconds for one file
CONFIGURATION = (".clang-format", ".clang-tidy", "tests/.clang-tidy")
MISRA_FOLDERS = ("arch", "drivers", "kernel", "lib")

Job = collections.namedtuple("Job", "kind file flags misra")
Finding = collections.namedtuple("Finding", "file line text")

FINDING = re.compile(r"^(?P<file>[^:\s][^:]*):(?P<line>\d+):(?:\d+:)? *(?P<text>(?:warning|error|style|"
                     r"performance|portability|information): .*)$")


@functools.lru_cache(maxsize=None)
def content(path):
    with open(path, "rb") as file:
        return file.read()


def tree_files(build):
    """All files below the current folder, without build folders and hidden ones."""
    found = []
    for folder, folders, files in os.walk("."):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "build"))
                            and os.path.abspath(os.path.join(folder, name)) != build)
        found += [os.path.normpath(os.path.join(folder, name)) for name in sorted(files)]
    return found


class Includes:
    """Which headers of the tree a source reaches, found by name alone: a name that
    fits several headers counts as all of them."""

    PATTERN = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)

    def __init__(self, files):
        self.by_name = collections.defaultdict(list)
        for path in files:
            if path.endswith((".h", ".inc")):
                self.by_name[os.path.basename(path)].append(path)

    @functools.lru_cache(maxsize=None)
    def direct(self, path):
        names = [name.decode() for name in self.PATTERN.findall(content(path))]
        return [header for name in names for header in self.by_name[os.path.basename(name)]]

    def closure(self, path):
        reached, waiting = set(), [path]
        while waiting:
            for header in self.direct(waiting.pop()):
                if header not in reached:
                    reached.add(header)
                    waiting.append(header)
        return sorted(reached)


def run(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=DEADLINE, check=False)
    except subprocess.TimeoutExpired:
        return None, f"not done after {DEADLINE} s"
    return done.returncode, done.stdout.decode(errors="replace")


def parse(output):
    """The findings in a tool's output, with paths below the current folder made relative."""
    here, found = os.getcwd() + os.sep, []
    for line in output.splitlines():
        match = FINDING.match(line)
        if match:
            path = os.path.normpath(match["file"])
            path = path[len(here):] if path.startswith(here) else path
            text = match["text"].replace(",-warnings-as-errors]", "]")
            found.append(Finding(path, int(match["line"]), text))
    return found


def tool_failed(job, tool, output):
    last = (output.strip().splitlines() or ["no output"])[-1]
    return [Finding(job.file, 1, f"error: {tool} failed: {last}")]


def check_layout(job):
    status, output = run(["clang-format", "--dry-run", "-Werror", job.file])
    found = parse(output)
    if status == 0:
        return []
    if not found:
        return tool_failed(job, "clang-format", output)
    return [Finding(job.file, found[0].line,
                    f"layout differs from .clang-format in {len(found)} places; 'make format' sets it right")]


def check_python(job):
    try:
        compile(content(job.file), job.file, "exec")
    except SyntaxError as error:
        return [Finding(job.file, error.lineno or 1, f"error: {error.msg}")]
    return []


def check_shell(job):
    status, output = run(["sh", "-n", job.file])
    return [] if status == 0 else tool_failed(job, "sh -n", output)


def check_tidy(job):
    status, output = run(["clang-tidy", "--quiet", job.file, "--"] + list(job.flags))
    found = parse(output)
    if status != 0 and not found:
        return tool_failed(job, "clang-tidy", output)
    return found


def cppcheck_flags(flags):
    """The -D, -U and -I of a compiler command line; system headers are not followed."""
    kept, rest = [], list(flags)
    while rest:
        flag = rest.pop(0)
        if flag in ("-D", "-U", "-I") and rest:
            kept.append(flag + rest.pop(0))
        elif flag == "-include" and rest:
            kept.append("--include=" + rest.pop(0))
        elif flag[:2] in ("-D", "-U", "-I"):
            kept.append(flag)
    return kept


def check_cppcheck(job, work):
    folder = os.path.join(work, hashlib.sha256(repr(job).encode()).hexdigest()[:16])
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    command = ["cppcheck", "--quiet", "--std=c11", "--platform=unix64", "--inline-suppr",
               "--enable=warning,performance,portability" + (",style" if job.misra else ""),
               "--suppress=missingInclude", "--suppress=missingIncludeSystem",
               "--suppress=unmatchedSuppression", "--suppress=toomanyconfigs",
               # Symbols of the linker script bound one region: their difference is its size.
               "--suppress=comparePointers", "--suppress=subtractPointers",
               "--cppcheck-build-dir=" + folder,
               "--template={file}:{line}:{column}: {severity}: {message} [{id}]"]
    if job.misra:
        command.append("--addon=misra")
    status, output = run(command + cppcheck_flags(job.flags) + [job.file])
    shutil.rmtree(folder)
    if status != 0:
        return tool_failed(job, "cppcheck", output)
    # Style is switched on for MISRA alone.
    return [finding for finding in parse(output)
            if not finding.text.startswith(("style: ", "information: ")) or "[misra-" in finding.text]


def is_ours(finding, build):
    """Headers outside the tree and in build/ (libfdt, newlib): only their failing to compile counts."""
    outside = os.path.isabs(finding.file) or os.path.abspath(finding.file).startswith(build + os.sep)
    return not outside or "clang-diagnostic-error" in finding.text


def is_misra(finding):
    return "[misra-" in finding.text


class Cache:
    """Results by job; the key says what they were made from."""

    def __init__(self, folder, includes):
        self.folder = folder
        self.includes = includes
        versions = [run([tool, "--version"])[1] for tool in ("clang-format", "clang-tidy", "cppcheck")]
        self.common = "".join(versions).encode() + content(__file__)
        self.common += b"".join(content(path) for path in CONFIGURATION)

    def key(self, job):
        digest = hashlib.sha256(self.common + repr(job).encode())
        reached = [] if job.kind in ("layout", "python", "shell") else self.includes.closure(job.file)
        for path in [job.file] + reached:
            digest.update(path.encode() + b"\0" + content(path) + b"\0")
        return digest.hexdigest()

    def place(self, job):
        name = hashlib.sha256(repr((job.kind, job.file)).encode()).hexdigest()[:24]
        return os.path.join(self.folder, name + ".json")

    def load(self, job):
        try:
            with open(self.place(job), encoding="utf-8") as file:
                kept = json.load(file)
        except (OSError, ValueError):
            return None
        return [Finding(*entry) for entry in kept["findings"]] if kept["key"] == self.key(job) else None

    def store(self, job, findings):
        place = self.place(job)
        with open(place + ".new", "w", encoding="utf-8") as file:
            json.dump({"key": self.key(job), "findings": findings}, file)
        os.replace(place + ".new", place)


def look(job, cache, work):
    found = cache.load(job)
    if found is None:
        check = {"layout": check_layout, "python": check_python, "shell": check_shell}.get(job.kind)
        if check is None:
            check = check_tidy if job.kind.startswith("tidy") else functools.partial(check_cppcheck, work=work)
        found = check(job)
        if not any(" failed: " in finding.text for finding in found):
            cache.store(job, found)
    return found


def collect_jobs(files, sets):
    jobs = [Job("layout", path, (), False) for path in files if path.endswith((".c", ".h"))]
    jobs += [Job("python", path, (), False) for path in files if path.endswith(".py")]
    jobs += [Job("shell", path, (), False) for path in files if path.endswith(".sh")]
    for name, misra, flags, sources in sets:
        flags = tuple(shlex.split(flags))
        for path in sorted({os.path.normpath(source) for source in sources.split()}):
            wanted = misra == "misra" and path.split(os.sep)[0] in MISRA_FOLDERS
            jobs.append(Job("tidy-" + name, path, flags, False))
            jobs.append(Job("cppcheck-" + name, path, flags, wanted))
    return jobs


def write_misra(path, remarks):
    rules = collections.Counter(re.search(r"\[misra-c2012-([\d.]+)\]", remark.text)[1] for remark in remarks
                                if "[misra-c2012-" in remark.text)
    with open(path, "w", encoding="utf-8") as file:
        file.write("MISRA C:2012 remarks of cppcheck: a report, not a gate.\n\n")
        for rule, count in sorted(rules.items(), key=lambda item: [int(part) for part in item[0].split(".")]):
            file.write(f"{count:6}  rule {rule}\n")
        file.write("\n")
        for remark in remarks:
            rule = re.search(r"\[(misra-[^]]+)\]", remark.text)[1]
            file.write(f"{remark.file}:{remark.line}: {rule}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--fix-layout", action="store_true")
    parser.add_argument("--set", nargs=4, action="append", default=[],
                        metavar=("NAME", "MISRA", "FLAGS", "SOURCES"))
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    files = tree_files(build)
    if options.fix_layout:
        sources = [path for path in files if path.endswith((".c", ".h"))]
        return subprocess.call(["clang-format", "-i"] + sources) if sources else 0

    lint = os.path.join(build, "lint")
    work = os.path.join(lint, "work")
    os.makedirs(os.path.join(lint, "cache"), exist_ok=True)
    os.makedirs(work, exist_ok=True)
    cache = Cache(os.path.join(lint, "cache"), Includes(files))
    jobs = collect_jobs(files, options.set)
    missing = sorted({job.file for job in jobs if not os.path.exists(job.file)})
    if missing:
        print("lint: no such source: " + " ".join(missing))
        return 1

    findings, shown = set(), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done, found in enumerate(pool.map(lambda job: look(job, cache, work), jobs), 1):
            findings.update(finding for finding in found if is_ours(finding, build))
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(f"lint: {done} of {len(jobs)} checks done", flush=True)

    remarks = sorted(finding for finding in findings if is_misra(finding))
    findings = sorted(finding for finding in findings if not is_misra(finding))
    for finding in findings:
        print(f"{finding.file}:{finding.line}: {finding.text}")
    report = os.path.join(lint, "misra.txt")
    write_misra(report, remarks)
    print(f"lint: {len(remarks)} MISRA remarks, reported in {os.path.relpath(report)}")
    print(f"lint: {len({job.file for job in jobs})} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

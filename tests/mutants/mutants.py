#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Switches off one site of the product after the other and sees whether a test notices.

    mutants.py --folder build/mutants --program unit-tests [--sites n[-m]] [--files a.c,b.c] [--keep] [--record]
    mutants.py --folder build/mutants --program unit-tests --slice n/m

First each test runs alone: how long it takes, and which sites it comes by. Then, for each site, the tests
that come by run without it, until one fails: first those that noticed.txt recommends for the function, which
decides nothing but how long it takes. Results stand in results.json as they come,
so that a run that was interrupted goes on where it ended; they count for one program, byte for byte. With
--keep, for working on tests, what another program noticed or not counts too, as long as the sites are the
same: only tests with new names are tried.

A site passes if a test noticed, or if it is listed in equivalent.txt (with the proof that leaving it out
changes nothing) and no test noticed. Locks are a list of their own (--locks), which only tells: what they
keep apart are two CPUs, and a test that meets the moment is luck; one that is listed may be noticed.

--slice is the bounded form: of m parts of the sites the n-th (modulo m), and for each site no more than the
first tests, which are those that notice. Which part a site is in depends on its text and its function alone.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time

# What matters most comes first.
KINDS = ("success", "check", "call", "count", "condition", "lock")
LISTED = pathlib.Path(__file__).with_name("equivalent.txt")
RECOMMENDED = pathlib.Path(__file__).with_name("noticed.txt")
UNDECIDED = pathlib.Path(__file__).with_name("undecided.txt")
RECOMMENDED_HEAD = """# SPDX-License-Identifier: Apache-2.0
# Which tests notice most in which function: what `make mutants` tries first. Written by
# `make mutants RECORD=1`; a line that is wrong or missing costs time and nothing else.
"""
WORKERS = 2
# A test that uses so much more processor time than it did hangs; seconds are what the system counts in.
LIMIT_FACTOR, LIMIT_LEAST = 20, 2
# How a test ended (site.c). One that neither ends nor uses time has shown nothing.
FAILED, USED_UP = 1, 2
# Tests of the rounds, None: all that are left. Most sites need one or two.
ROUNDS = (12, 24, None)
# The bounded form: what is proved equivalent has the first two.
ROUNDS_BOUNDED = (12, 24, 96)


class Server:
    """One test program that runs jobs, a child each."""

    def __init__(self, program, folder, number):
        self.reached = folder / f"reached.{number}"
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={"MUTANT_SERVER": "1", "MUTANT_REACHED": str(self.reached),
                 "ASAN_OPTIONS": "detect_leaks=0", "PATH": "/usr/bin:/bin"})

    def run(self, site, limit, test):
        self.process.stdin.write(f"{site} {limit} {test}\n")
        result, duration = self.process.stdout.readline().split()
        return int(result), int(duration)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def in_parallel(servers, jobs, work):
    """Calls work(server, job) for every job; an exception ends all."""
    waiting = queue.Queue()
    for job in jobs:
        waiting.put(job)
    errors = []

    def serve(server):
        try:
            while not errors:
                work(server, waiting.get_nowait())
        except queue.Empty:
            pass
        except (Exception, SystemExit) as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=serve, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Progress:
    def __init__(self, what, total):
        self.what, self.total, self.done, self.last = what, total, 0, time.monotonic()
        self.lock = threading.Lock()

    def step(self, note=""):
        with self.lock:
            self.done += 1
            if time.monotonic() - self.last > 20:
                self.last = time.monotonic()
                print(f"  {self.what}: {self.done} of {self.total}{note}", flush=True)


class Campaign:
    def __init__(self, folder, program, keep):
        self.folder = folder
        self.sites = {site["site"]: site for site in json.loads((folder / "sites.json").read_text())}
        self.store = folder / "results.json"
        digest = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest()
        places = hashlib.sha256((folder / "sites.json").read_bytes()).hexdigest()
        self.state = json.loads(self.store.read_text()) if self.store.exists() else {}
        if keep and self.state.get("places") == places and self.state["program"] != digest:
            self.state.update(program=digest, listed=False)
        if self.state.get("program") != digest:
            self.state = {"program": digest, "places": places, "tests": {}, "results": {}}
        self.lock = threading.Lock()
        self.servers = [Server(program, folder, number) for number in range(WORKERS)]
        self.saved = time.monotonic()
        self.rarity = {}
        self.recommended = read_recommended()

    def save(self, now=False):
        if now or time.monotonic() - self.saved > 10:
            self.saved = time.monotonic()
            temporary = self.store.with_suffix(".new")
            temporary.write_text(json.dumps(self.state))
            temporary.replace(self.store)

    def measure(self, program):
        """How long each test takes and where it comes by."""
        if not self.state.get("listed"):
            names = self.names(program)
            self.state["tests"] = {name: test for name, test in self.state["tests"].items()
                                   if name in names}
        else:
            names = self.state["tests"]
        missing = [name for name in names if name not in self.state["tests"]]
        progress = Progress("tests", len(missing))

        def work(server, name):
            result, duration = server.run(0, 600, name)
            if result != 0:
                raise SystemExit(f"mutants: {name} fails with every site switched on")
            reached = [at for at, byte in enumerate(server.reached.read_bytes()) if byte]
            with self.lock:
                self.state["tests"][name] = {"ms": duration, "sites": reached}
                self.save()
            progress.step()

        in_parallel(self.servers, missing, work)
        self.state["listed"] = True
        self.save(True)

    @staticmethod
    def names(program):
        """The tests that a run of them all has."""
        output = subprocess.run([program], capture_output=True, text=True, check=True,
                                env={"MUTANT_LIST": "1"}).stdout
        return list(dict.fromkeys(output.split()))

    def order(self, site, by_site, killers):
        """The tests to try: what is recommended, what noticed the neighbours, then those that come by the
        rarest places of the same function, then those that come by the fewest places at all."""
        place = self.sites[site]
        guess = self.recommended.get((place["file"], place["function"]), [])
        guess = guess + [name for key in (place["function"], place["file"])
                         for name, _ in killers[key].most_common(4)]
        names = by_site[site]
        special = self.rarity[place["file"], place["function"]]
        ordered = sorted(names, key=lambda name: -special[name])
        return list(dict.fromkeys([name for name in guess if name in names] + ordered))

    def find_rarity(self, by_site):
        """How special each test is for each function: places that few tests come by weigh most."""
        self.rarity = collections.defaultdict(collections.Counter)
        for site, names in by_site.items():
            place = self.sites.get(site)
            for name in names if place else ():
                self.rarity[place["file"], place["function"]][name] += 1 / len(names)

    def run(self, chosen, listed):
        """First a few tests for every site, then all that are left for those that nobody noticed. `listed`: the
        sites of a bounded run that are proved equivalent; None: it is not bounded."""
        for turn, most in enumerate(ROUNDS if listed is None else ROUNDS_BOUNDED):
            if listed is not None and turn == 2:
                chosen = [site for site in chosen if key_of(self.sites[site]) not in listed]
            self.round(chosen, most)

    def round(self, chosen, most):
        tests, results = self.state["tests"], self.state["results"]
        by_site = collections.defaultdict(list)
        for name in sorted(tests, key=lambda name: (len(tests[name]["sites"]), tests[name]["ms"])):
            for site in tests[name]["sites"]:
                by_site[site].append(name)
        self.find_rarity(by_site)
        killers = collections.defaultdict(collections.Counter)
        for site, result in results.items():
            if result["by"]:
                place = self.sites[int(site)]
                killers[place["function"]][result["by"]] += 1
                killers[place["file"]][result["by"]] += 1

        def is_open(site):
            result = results.get(str(site))
            return result is None or (result["by"] is None and len(result["tried"]) < min(
                len(by_site[site]), most or len(tests)))

        left = [site for site in chosen if is_open(site)]
        progress = Progress("sites" if most else "sites that are left", len(left))

        def work(server, site):
            result = dict(results.get(str(site)) or {"tried": [], "by": None})
            for name in [name for name in self.order(site, by_site, killers)
                         if name not in result["tried"]][:most]:
                limit = max(LIMIT_LEAST, LIMIT_FACTOR * tests[name]["ms"] // 1000 + 1)
                ended, _ = server.run(site, limit, name)
                result["tried"] = result["tried"] + [name]
                if ended in (FAILED, USED_UP):
                    result.update(by=name, how="hangs" if ended == USED_UP else "fails",
                                  tried=len(result["tried"]))
                    break
            with self.lock:
                if result["by"]:
                    place = self.sites[site]
                    killers[place["function"]][result["by"]] += 1
                    killers[place["file"]][result["by"]] += 1
                results[str(site)] = result
                self.save()
            unnoticed = sum(r["by"] is None for r in results.values())
            progress.step(f", {unnoticed} not noticed so far")

        in_parallel(self.servers, left, work)
        self.save(True)

    def record(self):
        """Writes for each function the few tests that have noticed all of its sites."""
        noticed = collections.defaultdict(collections.Counter)
        for site, result in self.state["results"].items():
            place = self.sites.get(int(site))
            if place and result["by"]:
                noticed[place["file"], place["function"]][result["by"]] += 1
        RECOMMENDED.write_text(RECOMMENDED_HEAD + "".join(
            f"\n{file} {function}\n" + "".join(f"    {name}\n" for name, _ in names.most_common())
            for (file, function), names in sorted(noticed.items())))

    def close(self):
        for server in self.servers:
            server.close()


def read_recommended():
    """{(file, function): [test]}: a line `file function`, the tests behind it, indented."""
    tests, place = collections.defaultdict(list), None
    for line in RECOMMENDED.read_text().splitlines() if RECOMMENDED.exists() else []:
        words = line.split()
        if line.startswith(" "):
            tests[place] += words
        elif len(words) == 2:
            place = tuple(words)
    return tests


def key_of(site):
    return site["file"], site["function"], site["kind"], site["text"]


def read_list():
    """{(file, function, kind, text): how often}. A paragraph: `file function kind`, lines behind `| `, the
    proof."""
    listed, mistakes = collections.Counter(), []
    for paragraph in LISTED.read_text().split("\n\n"):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        words = lines[0].split()
        texts = [line[2:].strip() for line in lines[1:] if line.startswith("| ")]
        if len(words) != 3 or not texts or len(texts) + 1 == len(lines):
            mistakes.append(f"{LISTED.name}: {lines[0]}: not `file function kind`, lines and a proof")
            continue
        listed.update((*words, text) for text in texts)
    return listed, mistakes


def stale_entries(campaign, chosen, listed):
    """What is listed and is not there, or was noticed after all."""
    there, looked_at, survived = (collections.Counter(), collections.Counter(), collections.Counter())
    for site in campaign.sites.values():
        there[key_of(site)] += 1
    for number in chosen:
        key = key_of(campaign.sites[number])
        looked_at[key] += 1
        survived[key] += campaign.state["results"][str(number)]["by"] is None
    stale = []
    for key, count in sorted(listed.items()):
        if there[key] < count:
            reason = "gone"
        elif key[2] != "lock" and looked_at[key] == there[key] and survived[key] < count:
            reason = "noticed"
        else:
            continue
        stale.append(f"{LISTED.name}: {' '.join(key[:3])}: {reason}: {key[3]}")
    return stale


def judge(campaign, chosen):
    """Prints what survived; (passed, failed)."""
    listed, mistakes = read_list()
    mistakes += stale_entries(campaign, chosen, listed)
    kinds = collections.defaultdict(collections.Counter)
    wrong = []
    for number in chosen:
        site, result = campaign.sites[number], campaign.state["results"][str(number)]
        noticed = result["by"] is not None
        kinds[site["kind"]]["noticed" if noticed else "not"] += 1
        if noticed:
            continue
        where = f"{site['file']}:{site['line']}: {site['function']}: {site['kind']} {number}: {site['text']}"
        if listed[key_of(site)] > 0:
            listed[key_of(site)] -= 1
            kinds[site["kind"]]["equivalent"] += 1
        elif site["kind"] != "lock":
            tried, known = len(result["tried"]), sum(
                number in test["sites"] for test in campaign.state["tests"].values())
            wrong.append(f"{where}: " + ("no test comes by" if known == 0 else "not noticed" + (
                f" by the first {tried} of {known} tests" if tried < known else "")))
    print("\n".join(mistakes + wrong))
    print(f"  {'kind':<12}{'sites':>7}{'noticed':>9}{'equivalent':>12}{'left':>6}")
    for kind, counts in sorted(kinds.items()):
        total = counts["noticed"] + counts["not"]
        print(f"  {kind:<12}{total:>7}{counts['noticed']:>9}{counts['equivalent']:>12}"
              f"{counts['not'] - counts['equivalent']:>6}{'   (not counted)' if kind == 'lock' else ''}")
    hangs = sum(campaign.state["results"][str(number)].get("how") == "hangs" for number in chosen)
    print(f"  noticed by a test that used up its processor time: {hangs}")
    return len(chosen) - sum(kinds["lock"].values()) - len(wrong), len(wrong) + len(mistakes)


def part_of(site, parts):
    """Which part a site is in: by what it says, so that it stays there when lines move."""
    return int.from_bytes(hashlib.sha256("\0".join(key_of(site)).encode()).digest()[:8], "big") % parts


def choose(campaign, arguments):
    kind = {number: site["kind"] for number, site in campaign.sites.items()}
    sites = sorted((number for number in campaign.sites
                    if arguments.locks == (kind[number] == "lock") or arguments.sites),
                   key=lambda number: (KINDS.index(kind[number]), number))
    if arguments.sites:
        first, _, last = arguments.sites.partition("-")
        return [site for site in sites if int(first) <= site <= int(last or first)]
    if arguments.files:
        known = {site["file"] for site in campaign.sites.values()}
        if not known.issuperset(arguments.files):
            raise SystemExit(f"mutants: no site in {', '.join(set(arguments.files) - known)}")
        return [site for site in sites if campaign.sites[site]["file"] in arguments.files]
    if arguments.slice:
        turn, parts = arguments.slice
        part = [site for site in sites if part_of(campaign.sites[site], parts) == turn % parts]
        left = [site for site in part if campaign.sites[site]["file"] not in undecided()]
        print(f"{len(part) - len(left)} sites of this part are in files that no whole campaign has looked at yet "
              f"({UNDECIDED.name}); left out")
        return left
    return sites


def undecided():
    lines = UNDECIDED.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def slice_of(text):
    turn, _, parts = text.partition("/")
    return int(turn), int(parts)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--sites")
    parser.add_argument("--files", type=lambda text: text.split(","))
    parser.add_argument("--slice", type=slice_of)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--locks", action="store_true")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    start = time.monotonic()
    campaign = Campaign(arguments.folder, arguments.program, arguments.keep)
    try:
        chosen = choose(campaign, arguments)
        campaign.measure(arguments.program)
        campaign.run(chosen, read_list()[0] if arguments.slice else None)
    finally:
        campaign.save(True)
        campaign.close()
    if arguments.record:
        campaign.record()
    passed, failed = judge(campaign, chosen)
    if arguments.slice:
        turn, parts = arguments.slice
        print(f"part {turn % parts} of {parts}; again: make mutants-quick SLICE={turn % parts}/{parts}")
    print(f"{len(chosen)} sites, {len(campaign.state['tests'])} tests, {time.monotonic() - start:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

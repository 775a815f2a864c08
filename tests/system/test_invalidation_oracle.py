# SPDX-License-Identifier: Apache-2.0
"""QEMU's trace of SMMU commands as oracle: what a call takes away is gone when the call returns.

The demo runs under the debug stub. At the way in and out of each call that changes what a device
can reach, and whenever commands reach the SMMU in between, the test reads stream table and page
tables from memory and feeds them, with the commands, to a TLB that keeps all it may
(smmu_trace.py). So a missing TLBI, a wrong tag, a range too short, an invalidation before the
store, and a missing SYNC all show as the same thing: something that a device could still use.
"""
import dataclasses
import tempfile
import unittest

import harness
from call_watch import CallWatch, find_guest_entry
from harness import Machine, SystemTest, require
from smmu_trace import Command, Place, Snapshot, Trace, Unit, WorstCaseTlb

CHANGING = ("attach", "detach", "replace", "ioas_map", "ioas_unmap", "ioas_free", "device_bind",
            "device_unbind")
START_LIMIT = 60


@dataclasses.dataclass
class Outcome:
    """One call: what it did to the unit and what it left undone."""

    call: str
    name: str
    invalidations: int
    syncs: int
    gone: int  # leaf entries that stood before it and not after
    foreign: list  # commands that hit a tag in which nothing changed
    mistakes: list

    def __str__(self):
        return (f"{self.call}: {self.gone} entries gone, {self.invalidations} invalidations, "
                f"{self.syncs} SYNC")


class Oracle:
    """The visitor of CallWatch that keeps the worst-case TLB."""

    def __init__(self, unit, trace):
        self.unit, self.trace, self.tlb = unit, trace, WorstCaseTlb()
        self.outcomes, self.between, self._known, self._commands = [], [], set(), []

    def look(self):
        now, commands = self.unit.snapshot(), self.trace.fresh()
        self.tlb.observe(commands, now)
        self._commands += commands
        return now

    def entered(self, _call):
        now = self.look()
        found = self.tlb.mistakes(now)  # what happened outside any call is judged as well
        self.between += [mistake for mistake in found if mistake not in self._known]
        self._before = now, self.tlb.invalidations, self.tlb.synced
        self._commands = []

    def commanded(self, _call):
        self.look()

    def returned(self, call):
        before, invalidations, syncs = self._before
        now = self.look()
        gone = [place for place in before.leaves
                if before.leaves[place] != now.leaves.get(place)]
        tags = {place.vmid for place in gone}
        foreign = [str(command) for command in self._commands if gone
                   and command.kind.startswith("TLBI") and command.vmid not in tags]
        mistakes = self.tlb.mistakes(now)
        self._known = set(mistakes)
        self.outcomes.append(Outcome(str(call), call.name, self.tlb.invalidations - invalidations,
                                     self.tlb.synced - syncs, len(gone), foreign, mistakes))


def watch_run(image, bundle, board=None, keep=None):
    """Run an image to its end under the oracle."""
    with tempfile.TemporaryDirectory() as folder:
        entry = find_guest_entry(image, bundle, folder, START_LIMIT, board)
        trace = Trace(f"{folder}/smmu.log")
        with Machine(image, bundle, trace.options(), ways=("qtest", "gdb"), held=True,
                     board=board) as machine:
            if keep:
                keep(machine)
            oracle = Oracle(Unit(machine.qtest), trace)
            CallWatch(machine, entry, CHANGING, oracle).run()
    return oracle


class Invalidation(SystemTest):
    """The demo runs once; its calls are judged one by one."""

    @classmethod
    def setUpClass(cls):
        cls.oracle = watch_run(require(harness.IMAGE), require(harness.BUNDLE), keep=cls.watch)
        harness.save_result("invalidation", [dataclasses.asdict(outcome)
                                             for outcome in cls.oracle.outcomes])

    def of(self, *names):
        return [outcome for outcome in self.oracle.outcomes if outcome.name in names]

    def assert_right(self, outcomes):
        self.assertTrue(outcomes, "the demo made no such call")
        for outcome in outcomes:
            self.note(str(outcome))
        self.assertEqual([(outcome.call, outcome.mistakes) for outcome in outcomes
                          if outcome.mistakes], [])

    def test_row_2_11_each_unmap_is_followed_by_tlbi_of_its_tag_and_range_and_sync_before_it_returns(self):
        unmaps = self.of("ioas_unmap")
        self.assert_right(unmaps)
        self.assertTrue(any(outcome.gone for outcome in unmaps), "no unmap took anything away")

    def test_no_unmap_invalidates_a_tag_in_which_nothing_changed(self):
        self.assertEqual([outcome.foreign for outcome in self.of("ioas_unmap") if outcome.foreign],
                         [])

    def test_each_attach_and_detach_leaves_no_stale_stream_table_entry(self):
        self.assert_right(self.of("attach", "detach", "replace"))

    def test_each_bind_unbind_and_free_leaves_nothing_stale(self):
        self.assert_right(self.of("device_bind", "device_unbind", "ioas_free"))

    def test_nothing_is_stale_between_the_calls(self):
        self.assertEqual(self.oracle.between, [])

    def test_the_unit_took_every_command(self):
        self.assertEqual(self.oracle.trace.errors, [])


PAGE = Place(5, 0x40001000, 0x1000)
TABLE = Place(5, 0x40000000, 0x200000)
NEIGHBOUR = Place(5, 0x40002000, 0x1000)
ENTRY = {0x10: (0xD, 0, 5, 0x1000)}
SYNC = Command("SYNC")


def mapped(*places, roots=None):
    """Tables in which these places are mapped one to one, for reading and writing."""
    return Snapshot(dict(ENTRY), {place: (place.iova, 3) for place in places}, {},
                    roots or {5: {0x1000}}, [])


def tlbi(*spans, vmid=5, leaf_only=True):
    return Command("TLBI_S2_IPA", vmid, tuple(spans), leaf_only)


class Verdict(unittest.TestCase):
    """The oracle can object: made-up calls, each wrong in one way."""

    def judge(self, *steps, before=None):
        """Mistakes at the end of [(commands, tables right after), ...]."""
        tlb = WorstCaseTlb()
        tlb.observe([], before or mapped(PAGE, NEIGHBOUR))
        for commands, now in steps:
            tlb.observe(commands, now)
        return tlb.mistakes(now)

    def test_tlbi_and_sync_after_the_store_are_right(self):
        self.assertEqual(self.judge(([tlbi((0x40001000, 0x1000)), SYNC], mapped(NEIGHBOUR))), [])

    def test_a_tlbi_of_the_whole_tag_is_right(self):
        whole = Command("TLBI_S12_VMALL", 5)
        self.assertEqual(self.judge(([whole, SYNC], mapped())), [])

    def test_without_tlbi_it_objects(self):
        self.assertEqual(len(self.judge(([SYNC], mapped(NEIGHBOUR)))), 1)

    def test_without_sync_it_objects(self):
        self.assertEqual(len(self.judge(([tlbi((0x40001000, 0x1000))], mapped(NEIGHBOUR)))), 1)

    def test_sync_before_tlbi_does_not_help(self):
        steps = ([SYNC, tlbi((0x40001000, 0x1000))], mapped(NEIGHBOUR))
        self.assertEqual(len(self.judge(steps)), 1)

    def test_a_wrong_tag_does_not_help(self):
        wrong = tlbi((0x40001000, 0x1000), vmid=6)
        self.assertEqual(len(self.judge(([wrong, SYNC], mapped(NEIGHBOUR)))), 1)

    def test_a_range_too_short_leaves_the_rest(self):
        found = self.judge(([tlbi((0x40001000, 0x1000)), SYNC], mapped()))
        self.assertEqual(len(found), 1)
        self.assertIn("0x40002000", found[0])

    def test_tlbi_before_the_store_does_not_help(self):
        steps = [([tlbi((0x40001000, 0x1000)), SYNC], mapped(PAGE, NEIGHBOUR)),
                 ([], mapped(NEIGHBOUR))]
        self.assertEqual(len(self.judge(*steps)), 1)

    def test_a_remap_to_another_frame_needs_it_too(self):
        moved = mapped(PAGE, NEIGHBOUR)
        moved.leaves[PAGE] = (0x50000000, 3)
        self.assertEqual(len(self.judge(([], moved))), 1)

    def test_more_permission_needs_none_and_less_does(self):
        read = mapped(NEIGHBOUR)
        read.leaves[PAGE] = (PAGE.iova, 1)
        self.assertEqual(self.judge(([], mapped(PAGE, NEIGHBOUR)), before=read), [])
        self.assertEqual(len(self.judge(([], read))), 1)

    def test_a_dropped_table_needs_more_than_a_leaf_only_tlbi(self):
        before = mapped(PAGE)
        before.tables[TABLE] = 0x2000
        only = ([tlbi((0x40001000, 0x1000)), SYNC], mapped())
        also = ([tlbi((0x40001000, 0x1000), leaf_only=False), SYNC], mapped())
        self.assertEqual(len(self.judge(only, before=before)), 1)
        self.assertEqual(self.judge(also, before=before), [])

    def test_a_changed_stream_entry_needs_cfgi_and_sync(self):
        parked = mapped(PAGE, NEIGHBOUR)
        parked.streams[0x10] = (1, 0, 0, 0)
        cfgi = Command("CFGI_STE", streams=range(0x10, 0x11))
        self.assertEqual(len(self.judge(([SYNC], parked))), 1)
        self.assertEqual(self.judge(([cfgi, SYNC], parked)), [])

    def test_a_tag_that_comes_back_with_stale_entries_is_found(self):
        gone = Snapshot({0x10: (1, 0, 0, 0)}, {}, {}, {}, [])
        cfgi = Command("CFGI_STE", streams=range(0x10, 0x11))
        steps = [([cfgi, SYNC], gone), ([cfgi, SYNC], mapped(NEIGHBOUR))]
        self.assertEqual(len(self.judge(*steps)), 1)

    def test_two_roots_under_one_tag_are_found(self):
        self.assertEqual(len(self.judge(([], mapped(PAGE, NEIGHBOUR, roots={5: {1, 2}})))), 1)

    def test_a_bypassing_stream_is_found(self):
        now = mapped(PAGE, NEIGHBOUR)
        now.bypassing.append(0x18)
        self.assertEqual(len(self.judge(([], now))), 1)

    def test_the_trace_is_read_as_qemu_writes_it(self):
        lines = ["smmuv3_cmdq_opcode <--- SMMU_CMD_TLBI_S2_IPA",
                 "smmuv3_range_inval vmid=5 asid=-1 addr=0x40001000 tg=0 num_pages=0x1 ttl=0 "
                 "leaf=1 stage=2",
                 "smmuv3_cmdq_opcode <--- SMMU_CMD_TLBI_S2_IPA",
                 "smmuv3_range_inval vmid=5 asid=-1 addr=0x40002000 tg=1 num_pages=0x2 ttl=0 "
                 "leaf=0 stage=2",
                 "smmuv3_cmdq_opcode <--- SMMU_CMD_TLBI_S12_VMALL",
                 "smmuv3_cmdq_tlbi_s12_vmid vmid=7",
                 "smmuv3_cmdq_opcode <--- SMMU_CMD_CFGI_STE",
                 "smmuv3_cmdq_cfgi_ste streamid= 0x10",
                 "smmuv3_cmdq_opcode <--- SMMU_CMD_CFGI_STE_RANGE",
                 "smmuv3_cmdq_cfgi_ste_range start=0x0 - end=0xffffffff",
                 "smmuv3_cmdq_opcode <--- SMMU_CMD_SYNC"]
        self.assertEqual(Trace("").parse(lines), [
            tlbi((0x40001000, 0x1000)),
            tlbi((0x40002000, 0x2000), leaf_only=False),
            Command("TLBI_S12_VMALL", 7),
            Command("CFGI_STE", streams=range(0x10, 0x11)),
            Command("CFGI_STE_RANGE", streams=range(0, 1 << 32)),
            SYNC])


if __name__ == "__main__":
    unittest.main()

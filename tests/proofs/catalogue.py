# SPDX-License-Identifier: Apache-2.0
"""The proofs: what each says, its sources, its bounds, and the defects that it must catch."""
from dataclasses import dataclass, field


@dataclass
class Defect:
    """`old` stands once in `file`; `new` is wrong."""
    says: str
    file: str
    old: str
    new: str


@dataclass
class Proof:
    name: str
    says: str
    bound: str        # in words, for the line that is printed
    sources: list
    unwind: int       # of every loop that `loops` does not name
    defines: dict = field(default_factory=dict)
    loops: dict = field(default_factory=dict)
    includes: list = field(default_factory=list)  # folders before all others
    options: list = field(default_factory=list)   # of the checker
    defects: list = field(default_factory=list)
    quick: bool = False
    limit: int = 900  # seconds

OWNER = Proof(
    name="owner-word",
    says="each call on an owner word makes one step of the state machine, among any others",
    bound="any word, any caller; others come in before 4 accesses",
    sources=["tests/proofs/owner.c", "kernel/owner.c"],
    includes=["tests/proofs/interleaved"],
    defines={"OTHERS": 4},
    unwind=6,
    quick=True,
    defects=[
        Defect("a claim of another's group", "kernel/owner.c",
               "owner.index != partition || owner.count == UINT32_MAX", "owner.count == UINT32_MAX"),
        Defect("a count that wraps", "kernel/owner.c", " || owner.count == UINT32_MAX", ""),
        Defect("a release that keeps the owner", "kernel/owner.c",
               "owner.count == 1 ? encode(OWNER_NONE, 0, 0)",
               "owner.count == 0 ? encode(OWNER_NONE, 0, 0)"),
        Defect("a loser that is told that it won", "kernel/owner.c",
               "        if (atomic_compare_exchange_weak(word, &old, released))\n"
               "            return owner.count == 1;",
               "        atomic_compare_exchange_weak(word, &old, released);\n"
               "        return owner.count == 1;"),
    ])


ENTRY_SOURCES = ["tests/proofs/entry.c", "drivers/iommu/smmuv3/entry.c",
                 "drivers/iommu/smmuv3/entry_kinds.c"]

BLOCKED_IN_BETWEEN = Defect(
    "no blocking where two words turn", "drivers/iommu/smmuv3/entry.c",
    "store(live, &current, 0, live->kind->blocked);", "")


def entry_proof(name, kind, defines, bound, **more):
    return Proof(
        name=name,
        says=f"a live {kind} changes so that the unit, whatever words it holds, sees old, new or nothing",
        bound=bound,
        sources=ENTRY_SOURCES,
        defines=defines,
        unwind=9,
        **more)


ENTRIES = [
    entry_proof("stream-entry-few", "stream-table entry", {"FEW_BITS": 1},
                "any two entries, two bits of each field", quick=True, defects=[
                    BLOCKED_IN_BETWEEN,
                    Defect("the new words and the turn in one go", "drivers/iommu/smmuv3/entry.c",
                           "turn))\n            result = forget(live);",
                           "turn))\n            result = IOMMU_OK;"),
                    Defect("a field that is not known to be in use",
                           "drivers/iommu/smmuv3/entry_kinds.c",
                           "used.word[3] = STE3_TTB;", "used.word[3] = 0;"),
                    Defect("a command to forget before the barrier", "drivers/iommu/smmuv3/entry.c",
                           "    smmuv3_publish(live->unit, live->words, ENTRY_SIZE);\n    return smmuv3_issue",
                           "    return smmuv3_issue"),
                    Defect("blocking where one word turns", "drivers/iommu/smmuv3/entry.c",
                           "        if (*turn != NO_WORD)\n            return false;",
                           "        if (*turn == NO_WORD)\n            return false;"),
                ]),
    entry_proof("context-entry-few", "context descriptor", {"FEW_BITS": 1, "CONTEXT_DESCRIPTOR": 1},
                "any two entries, two bits of each field", quick=True, defects=[
                    BLOCKED_IN_BETWEEN,
                    Defect("a table that is off taken for one in use",
                           "drivers/iommu/smmuv3/entry_kinds.c",
                           "(cd->word[0] & CD0_EPD1) != 0", "(cd->word[0] & CD0_EPD1) == 0"),
                ]),
    entry_proof("stream-entry", "stream-table entry", {}, "any two entries, all bits"),
    entry_proof("context-entry", "context descriptor", {"CONTEXT_DESCRIPTOR": 1},
                "any two entries, all bits"),
]

PROOFS = [OWNER, *ENTRIES]

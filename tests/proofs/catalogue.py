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

PROOFS = [OWNER]

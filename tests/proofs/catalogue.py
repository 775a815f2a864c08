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
    limit: int = 900  # seconds of the processor

OWNER = Proof(
    name="owner-word",
    says="rows 3.16 and 3.17: each call on an owner word makes one step of the state machine, among any others",
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
    "store(live, &current, 0, live->kind->blocked);\n        result = forget(live);",
    "result = forget(live);")


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
                           "        stage2 ? ~UINT64_C(0) : 0,\n", "        0,\n"),
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
]


POOL = Proof(
    name="page-pool",
    says="each sequence of takes and givings back hands out every page once and zero",
    bound="3 pages of 2 words, 7 calls",
    sources=["tests/proofs/pool.c", "lib/page_pool.c"],
    defines={"PROOF_PAGES": 3, "PROOF_ENTRIES": 2, "CALLS": 7},
    unwind=4,
    loops={"main.0": 7, "main.1": 8},
    quick=True,
    defects=[
        Defect("a page that is handed out twice", "lib/page_pool.c",
               "        pool->first_free = pool->records[pool->first_free].next;\n", ""),
        Defect("a used page that comes back unzeroed", "lib/page_pool.c",
               "if (record->entries != 0)", "if (record->entries > 1)"),
        Defect("a page too many", "lib/page_pool.c",
               "i + 1 < count ? i + 1 : PAGE_NONE", "i + 1 < count ? i + 1 : 0"),
    ])

# ---- Page tables: any whole tree, one call ------------------------------------------------------
TABLE_SOURCES = ["tests/proofs/tree.c", "lib/pagetable.c", "lib/page_pool.c", "lib/vmsa.c"]


def tree_proof(call, pages, entries_log2, height, bound_log2, **more):
    """One call on any tree of heights 0 to `height`, in a pool of so many pages."""
    entries, bound = 1 << entries_log2, 1 << bound_log2
    addresses = entries ** (height + 1)
    return Proof(
        name=f"{call}-{height + 1}x{entries}-pool{pages}" + ("-stores" if "EVERY_STORE" in more.get("defines", {}) else ""),
        says=f"pagetable_{call} on any whole tree does what it says, and nothing else",
        bound=f"{height + 1} levels of {entries} entries, pool of {pages}, {bound} entries a call",
        sources=[f"tests/proofs/{call}.c", *TABLE_SOURCES],
        defines={"PROOF_PAGES": pages, "PROOF_ENTRIES": entries, "TREE_LEVEL_BITS": entries_log2,
                 "TREE_HEIGHT": height, "MAP_BOUND_LOG2": bound_log2, **more.pop("defines", {})},
        unwind=max(height, bound, entries) + 1,
        loops={"descend.0": height + 2, "reach.0": height + 1, "height_of.0": height + 2, "tree_translate.0": height + 2,
               "tree_is_whole.0": pages + 1, "tree_is_whole.1": pages + 1,
               "tree_is_whole.2": height + 2, "tree_is_whole.3": pages + 1,
               "table_is_whole.0": entries + 1,
               "list_is_whole.0": entries + 1, "list_is_whole.1": pages + 1,
               "tree_any.0": entries + 1, "tree_any.1": pages + 1,
               "tree_remember.0": pages * entries + 1, "tree_remember.1": pages + 1,
               "tree_is_as.0": pages * entries + 1, "tree_is_as.1": pages + 1,
               ("occupied.0" if call == "map" else "bytes_mapped.0"): addresses + 1},
        **more)


MAPS = [
    tree_proof("map", pages=4, entries_log2=1, height=1, bound_log2=1, quick=True, defects=[
        Defect("a check that looks at one entry alone", "lib/pagetable.c",
               "if (is_present(format, position.entry[i]))",
               "if (i == 0 && is_present(format, position.entry[i]))"),
        Defect("a table that is not counted", "lib/pagetable.c",
               "record_of(table, position.entry)->entries++;", ""),
        Defect("outputs that do not advance", "lib/pagetable.c", "i++, value += step)", "i++)"),
        Defect("a block where the output is not aligned", "lib/pagetable.c",
               "!is_aligned(address | output, span(format, h))", "!is_aligned(address, span(format, h))"),
    ]),
    tree_proof("map", pages=4, entries_log2=1, height=1, bound_log2=1, defines={"EVERY_STORE": 1}),
    tree_proof("map", pages=2, entries_log2=1, height=1, bound_log2=1, quick=True, defects=[
        Defect("a refusal for want of tables that counts what it did not map", "lib/pagetable.c",
               "if (tables > table->pool->free)\n",
               "if (tables > table->pool->free && (table->mapped += size) != 0)\n"),
        Defect("the same, where the request is one stretch", "lib/pagetable.c",
               "if (position.height - run.height > table->pool->free)\n",
               "if (position.height - run.height > table->pool->free && (table->mapped += size) != 0)\n"),
        Defect("a table too few", "lib/pagetable.c",
               "if (tables > table->pool->free)", "if (tables > table->pool->free + 1)"),
    ]),
    tree_proof("map", pages=6, entries_log2=1, height=2, bound_log2=1),
]
UNMAPS = [
    tree_proof("unmap", pages=4, entries_log2=1, height=1, bound_log2=1, quick=True, defects=[
        Defect("a cut at the end that goes unnoticed", "lib/pagetable.c",
               " || cuts_end(table, &u, position)", ""),
        Defect("a hole that is skipped too far", "lib/pagetable.c",
               "u->address = min_u64(u->end, align_down(u->address, hole) + hole);",
               "u->address = min_u64(u->end, u->address + hole);"),
        Defect("an empty table that stays", "lib/pagetable.c",
               "if (record->entries == 0) /* of the root: nothing stands above it */",
               "if (false)"),
        Defect("a table dropped for a part of its range", "lib/pagetable.c",
               "        u->end - u->address >= span(format, 1)) {",
               "        u->end - u->address >= span(format, 0)) {"),
        Defect("too little to invalidate", "lib/pagetable.c",
               "    progress->end = address + size;", "    progress->end = address;"),
    ]),
    tree_proof("unmap", pages=4, entries_log2=1, height=1, bound_log2=1, defines={"EVERY_STORE": 1}),
]



def step_proof(call, defines, defects):
    return Proof(
        name=f"step-{call}-512",
        says=f"pagetable_{call} of one page stores its entry alone, in a table of the real size",
        bound="one table of 512 entries, any of them in use, any address in it",
        sources=["tests/proofs/step.c", "lib/page_pool.c", "lib/pagetable.c", "lib/vmsa.c"],
        # As the image is compiled: with one format for all tables.
        defines={"PROOF_PAGES": 1, "PROOF_ENTRIES": 512, "ARCH_ONE_FORMAT": "VMSA_4K", **defines},
        unwind=2,
        loops={"main.0": 513},
        options=["--max-field-sensitivity-array-size", "512"],
        defects=defects)


STEPS = [
    step_proof("map", {}, [
        Defect("a count of entries that stays", "lib/pagetable.c",
               "    record_of(table, entry)->entries++;\n", ""),
    ]),
    step_proof("unmap", {"UNMAP": 1}, [
        Defect("too little to invalidate", "lib/pagetable.c",
               ".first = address,\n" + 45 * " " + ".end = address + size,",
               ".first = address, .end = address,"),
    ]),
]

HYPERCALL, IOAS = "kernel/hypercall.c", "kernel/ioas.c"
IOAS_LIFE, IOAS_CHANGE, IOAS_SEVERAL = "kernel/ioas_life.c", "kernel/ioas_change.c", "kernel/ioas_several.c"
NOT_LISTED = "    if (device == NULL)\n        return BH_ENOENT;\n"
NO_DEVICE = "    if (*device == NULL)\n        return BH_ENOENT;\n"

# Those that read a structure's size in memory, and those with the most arithmetic.
SLOW_CALLS = ("partition-info", "device-info", "query", "ioas-ranges", "ioas-map", "ioas-remap")

CALL_HARNESS = ["tests/proofs/calls.c", "tests/proofs/calls_devices.c", "tests/proofs/calls_guest.c",
                "tests/proofs/calls_tables.c", "tests/proofs/calls_windows.c"]

# There is one unit and one tree.
CALL_LOOPS = {"ioas_put.0": 2, "ioas_wait.0": 2, "give_tags.0": 2, "ioas_remove_alike.0": 2, "ioas_remove_alike.1": 2,
              "ioas_remove_alike.2": 2, "ioas_map_alike.0": 2, "plan_others.0": 2, "break_all.0": 2, "make_all.0": 2,
              "forget_all.0": 2, "carry_out.0": 2}


def call_proof(name, number, says, file, old, new="", more=()):
    """One hypercall, and the defects that its proof must catch."""
    return Proof(
        name=f"call-{name}",
        says="the call checks its arguments, and refuses with an error that it documents",
        bound="any registers; 2 devices and 3 address spaces in any state",
        sources=[*CALL_HARNESS, "kernel/hypercall.c", "kernel/query.c", "kernel/last_calls.c",
                 "kernel/partition.c", "kernel/ioas.c", "kernel/ioas_several.c",
                 "kernel/ioas_life.c", "kernel/ioas_change.c", "kernel/ioas_batch.c",
                 "kernel/ioas_closed.c", "kernel/ioas_doorbell.c", "kernel/events.c"],
        includes=["tests/proofs/slots"],
        defines={"PROOF_PAGES": 1, "PROOF_ENTRIES": 512, "CALL": number,
                 **({"PROOF_BYTES": 1} if name == "console-write" else {})},
        unwind=9,
        loops=CALL_LOOPS,
        defects=[Defect(says, file, old, new), *more],
        quick=name not in SLOW_CALLS)


CALLS = [
    call_proof("version", 0, "major and minor swapped", HYPERCALL,
               "BH_ABI_MAJOR << 16 | BH_ABI_MINOR", "BH_ABI_MINOR << 16 | BH_ABI_MAJOR"),
    call_proof("features", 1, "a call too many", HYPERCALL,
               "x[1] < BH_CALL_LIMIT ?", "x[1] <= BH_CALL_LIMIT ?"),
    call_proof("partition-info", 2, "room for the size alone", "kernel/partition.c",
               "to = partition_memory(partition, address, size, 8);",
               "to = partition_memory(partition, address, sizeof(*wanted), 8);"),
    call_proof("device-info", 3, "an index too many", HYPERCALL,
               "x[1] >= partition->device_count", "x[1] > partition->device_count"),
    call_proof("device-bind", 4, "a device that is not listed", HYPERCALL,
               NOT_LISTED + "    int64_t result = assign_bind",
               "    int64_t result = assign_bind"),
    call_proof("device-unbind", 5, "a device that is not listed", HYPERCALL,
               "device == NULL ? BH_ENOENT : assign_unbind", "assign_unbind"),
    call_proof("ioas-alloc-paging", 6, "the id of another slot", IOAS_LIFE,
               "make_id((uint32_t)(ioas - partition->ioas),",
               "make_id((uint32_t)(ioas - partition->ioas) + 1,"),
    call_proof("ioas-free", 7, "mappings that remain", IOAS_LIFE,
               " || ioas->tree[0].table.mapped != 0"),
    call_proof("ioas-map", 8, "memory that is not all the caller's", "kernel/partition.c",
               "range_inside(address, size, base, partition->visible_size)",
               "range_inside(address, 1, base, partition->visible_size)"),
    call_proof("ioas-unmap", 9, "a range beyond the aperture", IOAS,
               "ioas_check_range(iova, size, ioas->tree[0].table.limit)",
               "ioas_check_range(iova, size, ioas->tree[0].table.limit + size)",
               more=[Defect("units that are not told", IOAS_SEVERAL,
                            "        ioas_put(ioas, t, &progress[t], true, &batch);\n", "        ;\n")]),
    call_proof("attach", 10, "a device that is not listed", HYPERCALL, NO_DEVICE, ""),
    call_proof("detach", 11, "a refusal that is passed over", HYPERCALL,
               "result == BH_OK ? assign_detach(partition, device) : result",
               "assign_detach(partition, device)"),
    call_proof("query", 12, "a device that is not listed", "kernel/query.c",
               NOT_LISTED + "    return what == BH_QUERY_STATE", "    return what == BH_QUERY_STATE"),
    call_proof("console-write", 13, "a length beyond the buffer", HYPERCALL,
               " || length > sizeof(bytes)"),
    call_proof("power", 14, "an exit code of two bytes", HYPERCALL, " || x[2] > UINT8_MAX"),
    call_proof("event-ring", 15, "a page that nobody looked at", "kernel/events.c",
               "page = partition_memory(partition, address, BH_EVENT_RING_BYTES, "
               "BH_EVENT_RING_BYTES);",
               "page = memory_pointer(address);"),
    call_proof("console-read", 16, "memory that nobody looked at", HYPERCALL,
               "to = partition_memory(partition, x[1], length, 1);", "to = memory_pointer(x[1]);"),
    call_proof("ioas-ranges", 17, "a lock that is kept", IOAS_LIFE,
               "ioas_list_open(ioas, ranges);\n    ioas_release(ioas);", "ioas_list_open(ioas, ranges);"),
    call_proof("ioas-reserve", 18, "a lock that is kept", IOAS_LIFE,
               "reserve_locked(ioas, iova, size);\n\n    ioas_release(ioas);",
               "reserve_locked(ioas, iova, size);\n"),
    call_proof("replace", 24, "a refusal that is passed over", HYPERCALL,
               "    if (result != BH_OK)\n        return result;\n    result = assign_replace",
               "    result = assign_replace"),
    call_proof("device-reset", 25, "a device that is not listed", HYPERCALL,
               NOT_LISTED + "    int64_t result = assign_reset",
               "    int64_t result = assign_reset"),
    call_proof("notify", 26, "another window", HYPERCALL,
               "window_notify(partition, x[1])", "window_notify(partition, x[2])"),
    call_proof("yield", 27, "an answer", HYPERCALL,
               "    (void)x;\n    return BH_OK;\n}", "    (void)x;\n    return BH_EAGAIN;\n}"),
    call_proof("msi-bind", 30, "a device that the caller has not bound", HYPERCALL,
               "    if (!assign_hold(partition, device))\n        return BH_EPERM;\n    int64_t result = message_bind",
               "    assign_hold(partition, device);\n    int64_t result = message_bind"),
    call_proof("partition-control", 31, "an action that there is not", HYPERCALL,
               " || x[2] > BH_PARTITION_RESTART"),
    call_proof("device-give", 32, "a partition that there is not", HYPERCALL,
               "    if (x[2] >= partitions.count)\n        return BH_ENOENT;\n    struct partition *to",
               "    struct partition *to"),
    call_proof("ioas-remap", 20, "memory of a window", IOAS_CHANGE,
               "windows_meet(partition, change->ioas, change->iova, change->size)", "false"),
    call_proof("ioas-unmap-all", 21, "a cursor that nobody looked at", IOAS_SEVERAL,
               "ioas_check_range(from, from < limit ? limit - from : PAGE_SIZE, limit)", "BH_OK"),
    call_proof("device-config-read", 28, "a device that is not listed", HYPERCALL,
               "device == NULL ? BH_ENOENT : config_read", "config_read"),
    call_proof("device-config-write", 29, "a device that is not listed", HYPERCALL,
               "device == NULL ? BH_ENOENT : config_write", "config_write"),
]

PROOFS = [OWNER, *ENTRIES, POOL, *MAPS, *UNMAPS, *STEPS, *CALLS]

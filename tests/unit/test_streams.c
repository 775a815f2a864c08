/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a live stream-table entry (drivers/iommu/smmuv3/stream.c). After each store the unit may
 * have fetched any mixture of the words that stood there since its last completed SYNC, and may keep
 * it: whatever it is, the stream reaches what it reached before, what it is to reach, or nothing.
 * A missing barrier shows nothing here (tests/observer/test_wrong.c has one).
 */
#include <string.h>

#include "bench.h"
#include "groups.h"
#include "mixtures.h"

#define STREAM 0x123
#define BOTH 0x30000 /* mapped in both domains */

/* QUIET_A: on the domain of ON_A, without reports. */
enum state { SILENT, LOGGED, ON_A, ON_B, QUIET_A, STATES };
enum { NOTHING = 0, SEES_A = 1, SEES_B = 2, SEES_ELSE = 4 };

static struct iommu_domain a, b;
static volatile uint64_t *ste;
static uint64_t old_words[ENTRY_WORDS], new_words[ENTRY_WORDS]; /* the entry of the two states */
static unsigned int prefetch_at;
static const uint64_t *mixture; /* what the unit reads of the entry; NULL: memory */
static unsigned int allowed;
static bool replacing; /* and not through what a stream is between two attachments */

static bool read_mixture(enum smmuv3_model_access_kind kind, uint64_t address, uint64_t *word)
{
    uint64_t offset = address - memory_physical(ste);

    if (mixture == NULL || offset >= ENTRY_SIZE ||
        (kind != SMMUV3_MODEL_AUDIT && kind != SMMUV3_MODEL_FETCH_STE))
        return false;
    *word = mixture[offset / sizeof(*word)];
    return true;
}

static void see(void *context, const struct smmuv3_model_reach *piece)
{
    unsigned int *seen = context;

    bool at_a = piece->iova == 0x10000 && piece->address == BENCH_PAGE(1);
    bool at_b = piece->iova == 0x20000 && piece->address == BENCH_PAGE(2);

    at_a = at_a || (piece->iova == BOTH && piece->address == BENCH_PAGE(3));
    at_b = at_b || (piece->iova == BOTH && piece->address == BENCH_PAGE(4));
    if (at_a && piece->size == PAGE_SIZE)
        *seen |= SEES_A;
    else if (at_b && piece->size == PAGE_SIZE)
        *seen |= SEES_B;
    else
        *seen |= SEES_ELSE;
}

static unsigned int reach(void)
{
    unsigned int seen = NOTHING;

    assert_true(smmuv3_model_reach(machine.unit[0], STREAM, see, &seen));
    return seen;
}

static void check(void)
{
    unsigned int seen = reach();

    if ((seen & ~allowed) != 0)
        fail_msg("after store %u the stream reaches 0x%x, allowed is 0x%x", mixtures_stores, seen,
                 allowed);
}

static uint64_t tag_in(const uint64_t words[ENTRY_WORDS])
{
    return words[2] & 0xFFFF;
}

/* By a root without entries nothing is cached, so it may stand under the tag of either state. */
static bool over_the_empty_root(const uint64_t words[ENTRY_WORDS])
{
    static const uint64_t empty[PAGE_SIZE / sizeof(uint64_t)];
    const uint64_t tag_and_reports = 0xFFFF | UINT64_C(1) << 58;
    uint64_t root = bench_unit()->parked_table.root;

    return words[3] == root && memcmp(memory_pointer(root), empty, sizeof(empty)) == 0 &&
           (tag_in(words) == tag_in(old_words) || tag_in(words) == tag_in(new_words)) &&
           words[1] == new_words[1] && ((words[2] ^ new_words[2]) & ~tag_and_reports) == 0;
}

/* A mixture that translates is one of the two states as a whole: one state's tag over the other's
 * root would fill the caches with what belongs to neither. */
static void check_whole(const uint64_t words[ENTRY_WORDS])
{
    const uint64_t valid_stage1 = 0xB, valid_stage2 = 0xD; /* V, Config 0b101 and 0b110 */

    if ((words[0] & 0xF) != valid_stage2 && (words[0] & 0xF) != valid_stage1)
        return;
    if (memcmp(&words[1], &old_words[1], 3 * sizeof(words[0])) != 0 &&
        memcmp(&words[1], &new_words[1], 3 * sizeof(words[0])) != 0 && !over_the_empty_root(words))
        fail_msg("after store %u the unit may see a mixture of two states", mixtures_stores);
}

/* While a stage 2 is replaced the entry names the old root or the new one, under its own tag or under
 * the reserved one, and is at no moment anything else. */
static void check_step(const uint64_t words[ENTRY_WORDS])
{
    bool old_root = words[3] == old_words[3], new_root = words[3] == new_words[3];
    bool right = (old_root && tag_in(words) == tag_in(old_words)) ||
                 (new_root && tag_in(words) == tag_in(new_words)) ||
                 ((old_root || new_root) && tag_in(words) == bench_unit()->reserved_tag);
    uint64_t others = ~(UINT64_C(0xFFFF) | UINT64_C(1) << 58);

    if (!right || words[0] != old_words[0] || words[1] != old_words[1] ||
        ((words[2] ^ old_words[2]) & others) != 0)
        fail_msg("after store %u the unit may see 0x%llx 0x%llx 0x%llx 0x%llx", mixtures_stores,
                 (unsigned long long)words[0], (unsigned long long)words[1],
                 (unsigned long long)words[2], (unsigned long long)words[3]);
}

/* What is mapped in both domains is reached at every moment, through one of them. */
static void check_no_gap(void)
{
    struct smmuv3_model_result result = bench_ask(STREAM, BOTH);

    if (result.outcome != SMMUV3_MODEL_OK ||
        (result.address != BENCH_PAGE(3) && result.address != BENCH_PAGE(4)))
        fail_msg("after store %u an access ends with outcome %d at 0x%llx", mixtures_stores,
                 (int)result.outcome, (unsigned long long)result.address);
}

static void check_mixture(const uint64_t words[ENTRY_WORDS])
{
    bool hitless = replacing && bench.iommu.capabilities.hitless_replace;

    if (hitless && bench.iommu.capabilities.stage == 2)
        check_step(words);
    else
        check_whole(words);
    mixture = words;
    check();
    if (hitless)
        check_no_gap();
    mixture = NULL;
    if (mixtures_stores == prefetch_at) {
        smmuv3_model_prefetch(machine.unit[0], STREAM, 0x10000);
        smmuv3_model_prefetch(machine.unit[0], STREAM, 0x20000);
        smmuv3_model_prefetch(machine.unit[0], STREAM, BOTH);
        check();
    }
}

static const enum iommu_stream_state states[] = { STREAM_PARKED_SILENT, STREAM_PARKED_LOGGED,
                                                  STREAM_ATTACHED, STREAM_ATTACHED,
                                                  STREAM_ATTACHED_SILENT };
static const struct iommu_domain *const domains[STATES] = { NULL, NULL, &a, &b, &a };

static void set(enum state state)
{
    assert_int_equal(bench_set(STREAM, states[state], domains[state]), IOMMU_OK);
}

static enum iommu_result replace(enum state from, enum state to, bool *hitless)
{
    return bench.iommu.driver->stream_replace(&bench.iommu, STREAM, states[to], domains[from],
                                              domains[to], hitless);
}

static void turn(enum state from, enum state to)
{
    bool hitless;

    if (!replacing) {
        set(to);
        return;
    }
    assert_int_equal(replace(from, to, &hitless), IOMMU_OK);
    assert_int_equal(hitless, bench.iommu.capabilities.hitless_replace);
}

static unsigned int sees(enum state state)
{
    return state == ON_A || state == QUIET_A ? SEES_A : state == ON_B ? SEES_B : NOTHING;
}

static void use(void)
{
    bench_dma(STREAM, 0x10000, true);
    bench_dma(STREAM, 0x20000, true);
    bench_dma(STREAM, 0x10000, false);
    bench_dma(STREAM, BOTH, true);
}

static void prepare(const struct smmuv3_model_parameters *parameters)
{
    machine.unit_count = 0;
    assert_true(bench_start(parameters, 1u << parameters->sidsize));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&a);
    bench_domain(&b);
    bench_map(&a, 0x10000, BENCH_PAGE(1), PAGE_SIZE);
    bench_map(&b, 0x20000, BENCH_PAGE(2), PAGE_SIZE);
    bench_map(&a, BOTH, BENCH_PAGE(3), PAGE_SIZE);
    bench_map(&b, BOTH, BENCH_PAGE(4), PAGE_SIZE);
    uint64_t table = bench_unit()->level1 != NULL
                         ? bench_unit()->level1[STREAM >> STREAM_SPLIT] & L1STD_POINTER
                         : bench_unit()->stream_table;
    unsigned int index = bench_unit()->level1 != NULL ? STREAM & 0xFF : STREAM;

    ste = (volatile uint64_t *)memory_pointer(table + index * (uint64_t)ENTRY_SIZE);
    machine.read_instead = read_mixture;
}

/* One change, watched; a speculative fetch after the store numbered prefetch. */
static void change(enum state from, enum state to, unsigned int prefetch)
{
    set(to);
    memcpy(new_words, (const void *)(uintptr_t)ste, sizeof(new_words));
    set(from);
    memcpy(old_words, (const void *)(uintptr_t)ste, sizeof(old_words));
    use();
    allowed = sees(from) | sees(to);
    prefetch_at = prefetch;
    bench_commands_mark();
    mixtures_watch(ste, check_mixture);
    turn(from, to);
    mixtures_stop();
    allowed = sees(to);
    check();
    assert_int_equal(reach(), sees(to));
    use();
    assert_int_equal(reach(), sees(to));
    assert_units_clean();
}

static void every_change(const struct smmuv3_model_parameters *parameters)
{
    prepare(parameters);
    for (int from = 0; from < STATES; from++) {
        for (int to = 0; to < STATES; to++) {
            unsigned int last = 0;

            for (unsigned int prefetch = 0; prefetch <= last; prefetch++) {
                change((enum state)from, (enum state)to, prefetch);
                last = mixtures_stores;
            }
        }
    }
}

static void i1_row_1_8_every_change_of_a_stream_reaches_old_or_new_or_nothing_after_every_store(
    void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    every_change(&parameters);
}

static void the_same_holds_on_a_linear_table_without_coherence(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.st_level = false;
    parameters.cohacc = false;
    parameters.sidsize = 10;
    every_change(&parameters);
}

static void the_same_holds_on_qemus_unit(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    every_change(&parameters);
}

static void the_same_holds_on_a_unit_with_stage_1_only(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_variant(SMMUV3_MODEL_STAGE_1_ONLY);

    every_change(&parameters);
    assert_int_equal(bench.iommu.capabilities.stage, 1);
    parameters.st_level = false;
    parameters.cohacc = false;
    parameters.sidsize = 10;
    every_change(&parameters);
}

/* ---- Replace -------------------------------------------------------------------------------- */

/* Every replacement of one attached state by another, with a speculative fetch after each store. */
static void every_replacement(const struct smmuv3_model_parameters *parameters)
{
    static const enum state pairs[][2] = {
        { ON_A, ON_B }, { ON_B, ON_A }, { QUIET_A, ON_B }, { ON_B, QUIET_A }
    };

    prepare(parameters);
    for (unsigned int i = 0; i < ARRAY_LENGTH(pairs); i++) {
        unsigned int last = 0;

        for (unsigned int prefetch = 0; prefetch <= last; prefetch++) {
            replacing = true;
            change(pairs[i][0], pairs[i][1], prefetch);
            replacing = false;
            last = mixtures_stores;
        }
    }
}

static void i11_a_replaced_stage_2_is_the_old_or_the_new_one_at_every_moment(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    every_replacement(&parameters);
    assert_true(bench.iommu.capabilities.hitless_replace);
    parameters = smmuv3_model_like_full();
    parameters.bbml = 2;
    every_replacement(&parameters);
    parameters.cohacc = false;
    every_replacement(&parameters);
}

static void i11_a_replaced_stage_1_is_the_old_or_the_new_one_at_every_moment(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_variant(
        SMMUV3_MODEL_STAGE_1_ONLY);

    every_replacement(&parameters);
    assert_true(bench.iommu.capabilities.hitless_replace);
}

static void i11_where_lookups_may_conflict_a_replace_blocks_in_between_and_says_so(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_full();

    for (parameters.bbml = 0; parameters.bbml < 2; parameters.bbml++) {
        every_replacement(&parameters);
        assert_false(bench.iommu.capabilities.hitless_replace);
    }
}

static void a_replace_costs_four_syncs_and_one_of_stage_1_two(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    bool hitless;

    prepare(&parameters);
    set(ON_A);
    bench_commands_mark();
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_SYNC), 4);
    assert_int_equal(bench_commands(OPCODE_CFGI_STE), 3);
    assert_int_equal(bench_commands(OPCODE_TLBI_VMALL), 2);
    parameters = smmuv3_model_variant(SMMUV3_MODEL_STAGE_1_ONLY);
    prepare(&parameters);
    set(ON_A);
    bench_commands_mark();
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_SYNC), 2);
}

static void i5_the_reserved_tag_is_forgotten_before_the_next_replace_uses_it(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    bool hitless;

    prepare(&parameters);
    uint16_t reserved = bench_unit()->reserved_tag;

    assert_int_not_equal(reserved, 0);
    for (uint16_t tag = iommu_tag_take(&bench.iommu); tag != 0; tag = iommu_tag_take(&bench.iommu))
        assert_int_not_equal(tag, reserved);
    set(ON_A);
    bench_commands_mark();
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_OK);
    bool reserved_seen = false, old_seen = false;

    for (unsigned int i = 0; bench_command(i) != NULL; i++) {
        const struct smmuv3_model_command *command = bench_command(i);

        reserved_seen |= command->opcode == OPCODE_TLBI_VMALL && command->vmid == reserved;
        old_seen |= command->opcode == OPCODE_TLBI_VMALL && command->vmid == a.tag;
    }
    assert_true(reserved_seen);
    assert_true(old_seen);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
}

static void a_second_replace_at_the_same_time_is_turned_away_and_changes_nothing(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    bool hitless;

    prepare(&parameters);
    set(ON_A);
    assert_true(lock_try(&bench_unit()->reserved_lock));
    bench_commands_mark();
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_BUSY);
    assert_int_equal(bench_commands(OPCODE_SYNC), 0);
    assert_int_equal(reach(), SEES_A);
    lock_release(&bench_unit()->reserved_lock);
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_OK);
    assert_int_equal(reach(), SEES_B);
    assert_true(lock_try(&bench_unit()->reserved_lock));
}

static void a_stream_that_is_not_where_it_should_be_replaced_from_goes_through_abort(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    bool hitless;

    prepare(&parameters);
    set(LOGGED);
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_OK);
    assert_false(hitless);
    assert_int_equal(reach(), SEES_B);
}

static void a_replace_on_a_dead_unit_leaves_an_entry_that_aborts(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    bool hitless;

    prepare(&parameters);
    set(ON_A);
    smmuv3_silence(bench_unit(), FAILURE_SERVICE);
    assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_SILENCED);
    assert_int_equal(bench_entry_config(STREAM), STE_CONFIG_ABORT);
}

static void a_domain_of_another_geometry_is_not_replaced_in_place(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    struct pagetable flat = { 0 };
    bool hitless;

    prepare(&parameters);
    set(ON_A);
    flat = *b.table;
    flat.height--;
    const struct iommu_domain other = { &flat, b.tag };

    assert_int_equal(bench.iommu.driver->stream_replace(&bench.iommu, STREAM, STREAM_ATTACHED, &a,
                                                        &other, &hitless),
                     IOMMU_OK);
    assert_false(hitless);
}

static unsigned int syncs_left;

/* The unit takes no command any more once it has been told of so many batches. */
static void die_at_sync(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    if (offset == SMMU_CMDQ_PROD && --syncs_left == 0) {
        machine.before_register_write = NULL;
        smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    }
}

static void a_unit_that_dies_during_a_replace_passes_nothing_more(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    for (unsigned int unit = 0; unit < 2; unit++) {
        for (unsigned int at = 1; at <= (unit == 0 ? 3u : 1u); at++) {
            bool hitless;

            prepare(&parameters);
            set(ON_A);
            smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, 3);
            syncs_left = at;
            machine.before_register_write = die_at_sync;
            assert_int_equal(replace(ON_A, ON_B, &hitless), IOMMU_SILENCED);
            assert_int_equal(bench.silenced, 1);
            assert_int_equal(reach(), NOTHING);
            assert_int_equal(ste[0] & 0xE, 0);
        }
        parameters = smmuv3_model_variant(SMMUV3_MODEL_STAGE_1_ONLY);
    }
}

/* One domain has a block where the other has a page in it. */
static void check_streaming(const uint64_t words[ENTRY_WORDS])
{
    (void)words;
    struct smmuv3_model_result page = bench_ask(STREAM, 0x205000);

    bench_dma(STREAM, 0x206000, true);
    bench_dma(STREAM, 0x205000, true);
    if (page.outcome != SMMUV3_MODEL_OK ||
        (page.address != BENCH_PAGE(512 + 5) && page.address != BENCH_PAGE(2000)))
        fail_msg("after store %u outcome %d at 0x%llx", mixtures_stores, (int)page.outcome,
                 (unsigned long long)page.address);
}

static void leaves_of_several_sizes_at_one_address_are_replaced_as_any(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    bool hitless;

    prepare(&parameters);
    bench_map(&a, 0x200000, BENCH_PAGE(512), 0x200000);
    bench_map(&b, 0x205000, BENCH_PAGE(2000), PAGE_SIZE);
    for (unsigned int round = 0; round < 2; round++) {
        enum state from = round == 0 ? ON_A : ON_B, to = round == 0 ? ON_B : ON_A;

        set(from);
        smmuv3_model_evict(machine.unit[0]);
        mixtures_watch(ste, check_streaming);
        assert_int_equal(replace(from, to, &hitless), IOMMU_OK);
        mixtures_stop();
        assert_true(hitless);
        assert_int_equal(bench_ask(STREAM, 0x205000).address,
                         to == ON_A ? BENCH_PAGE(512 + 5) : BENCH_PAGE(2000));
        assert_int_equal(bench_ask(STREAM, 0x206000).outcome,
                         to == ON_A ? SMMUV3_MODEL_OK : SMMUV3_MODEL_ABORT);
    }
}

static void each_change_costs_the_syncs_that_it_needs_and_no_more(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    /* Into a translation: the words, then the turn. Between the parked domain and another: tag and root. From
     * one of those into another: abort first. Away from a domain: one more, for the accesses that are under
     * way. Without or with reports: the turn. */
    static const unsigned int syncs[STATES][STATES] = {
        { 0, 2, 2, 2, 2 }, { 1, 0, 2, 2, 2 }, { 2, 3, 0, 4, 1 },
        { 2, 3, 4, 0, 4 }, { 2, 3, 1, 4, 0 },
    };

    prepare(&parameters);
    for (int from = 0; from < STATES; from++) {
        for (int to = 0; to < STATES; to++) {
            change((enum state)from, (enum state)to, 0);
            if (bench_commands(OPCODE_SYNC) != syncs[from][to])
                fail_msg("from %d to %d: %llu SYNCs", from, to,
                         (unsigned long long)bench_commands(OPCODE_SYNC));
        }
    }
}

static void row_1_10_row_1_11_a_parked_stream_reports_each_access_and_a_silent_one_none(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    prepare(&parameters);
    set(LOGGED);
    assert_int_equal(bench_dma(STREAM, 0x1000, true), SMMUV3_MODEL_ABORT);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 1);
    assert_int_equal(bench.fault[0].cause, BH_CAUSE_TRANSLATION);
    set(SILENT);
    assert_int_equal(bench_dma(STREAM, 0x1000, true), SMMUV3_MODEL_ABORT);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 1);
}

static void an_attached_stream_reports_what_is_blocked_and_a_silent_one_does_not(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    prepare(&parameters);
    set(ON_A);
    assert_int_equal(bench_dma(STREAM, 0x50000, true), SMMUV3_MODEL_ABORT);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 1);
    set(QUIET_A);
    assert_int_equal(bench_dma(STREAM, 0x50000, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(bench_dma(STREAM, 0x10000, true), SMMUV3_MODEL_OK);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 1);
    set(ON_A);
    assert_int_equal(bench_dma(STREAM, 0x50000, true), SMMUV3_MODEL_ABORT);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.faults, 2);
}

static void check_reached(const uint64_t words[ENTRY_WORDS])
{
    mixture = words;
    assert_int_equal(reach(), SEES_A);
    mixture = NULL;
}

static void a_stream_that_falls_silent_is_blocked_at_no_moment(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    prepare(&parameters);
    set(ON_A);
    mixtures_watch(ste, check_reached);
    set(QUIET_A);
    set(ON_A);
    mixtures_stop();
    assert_true(mixtures_stores >= 2);
    assert_units_clean();
}

static void i4_leaving_a_domain_is_followed_by_a_tlbi_of_its_tag_and_a_sync(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    prepare(&parameters);
    set(ON_A);
    bench_commands_mark();
    set(LOGGED);
    assert_int_equal(bench_commands(OPCODE_TLBI_VMALL), 1);
    unsigned int count = 0;

    while (bench_command(count) != NULL)
        count++;
    assert_true(count >= 2);
    assert_int_equal(bench_command(count - 2)->opcode, OPCODE_TLBI_VMALL);
    assert_int_equal(bench_command(count - 2)->vmid, a.tag);
    assert_int_equal(bench_command(count - 1)->opcode, OPCODE_SYNC);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
}

static void preparing_a_stream_lets_no_neighbour_through(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    prepare(&parameters);
    for (uint32_t stream = 0x100; stream < 0x200; stream++)
        assert_int_equal(bench_ask(stream, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
    set(ON_A);
    for (uint32_t stream = 0x100; stream < 0x200; stream++) {
        if (stream != STREAM)
            assert_int_equal(bench_ask(stream, 0x10000).outcome, SMMUV3_MODEL_ABORT);
    }
}

static void a_stream_used_before_it_was_prepared_works_afterwards(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine.unit_count = 0;
    assert_true(bench_start(&parameters, 0x10000));
    /* The unit keeps that there is no second-level table. */
    assert_int_equal(bench_dma(STREAM, 0x10000, true), SMMUV3_MODEL_ABORT);
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&a);
    bench_map(&a, 0x10000, BENCH_PAGE(1), PAGE_SIZE);
    set(ON_A);
    assert_int_equal(bench_dma(STREAM, 0x10000, true), SMMUV3_MODEL_OK);
}

static void a_stream_beyond_the_table_cannot_be_prepared(void)
{
    bench_plain();
    assert_false(bench.iommu.driver->stream_prepare(&bench.iommu, 0x10000));
    assert_false(bench.iommu.driver->stream_prepare(&bench.iommu, UINT32_MAX));
}

int run_streams_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i1_row_1_8_every_change_of_a_stream_reaches_old_or_new_or_nothing_after_every_store),
        TEST(the_same_holds_on_a_linear_table_without_coherence),
        TEST(the_same_holds_on_qemus_unit),
        TEST(the_same_holds_on_a_unit_with_stage_1_only),
        TEST(i11_a_replaced_stage_2_is_the_old_or_the_new_one_at_every_moment),
        TEST(i11_a_replaced_stage_1_is_the_old_or_the_new_one_at_every_moment),
        TEST(i11_where_lookups_may_conflict_a_replace_blocks_in_between_and_says_so),
        TEST(a_replace_costs_four_syncs_and_one_of_stage_1_two),
        TEST(i5_the_reserved_tag_is_forgotten_before_the_next_replace_uses_it),
        TEST(a_second_replace_at_the_same_time_is_turned_away_and_changes_nothing),
        TEST(a_stream_that_is_not_where_it_should_be_replaced_from_goes_through_abort),
        TEST(a_replace_on_a_dead_unit_leaves_an_entry_that_aborts),
        TEST(a_domain_of_another_geometry_is_not_replaced_in_place),
        TEST(a_unit_that_dies_during_a_replace_passes_nothing_more),
        TEST(leaves_of_several_sizes_at_one_address_are_replaced_as_any),
        TEST(each_change_costs_the_syncs_that_it_needs_and_no_more),
        TEST(row_1_10_row_1_11_a_parked_stream_reports_each_access_and_a_silent_one_none),
        TEST(an_attached_stream_reports_what_is_blocked_and_a_silent_one_does_not),
        TEST(a_stream_that_falls_silent_is_blocked_at_no_moment),
        TEST(i4_leaving_a_domain_is_followed_by_a_tlbi_of_its_tag_and_a_sync),
        TEST(preparing_a_stream_lets_no_neighbour_through),
        TEST(a_stream_used_before_it_was_prepared_works_afterwards),
        TEST(a_stream_beyond_the_table_cannot_be_prepared),
    };

    return RUN_GROUP("smmuv3/streams");
}

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

/* QUIET_A: on the domain of ON_A, without reports. */
enum state { SILENT, LOGGED, ON_A, ON_B, QUIET_A, STATES };
enum { NOTHING = 0, SEES_A = 1, SEES_B = 2, SEES_ELSE = 4 };

static struct iommu_domain a, b;
static volatile uint64_t *ste;
static uint64_t old_words[ENTRY_WORDS], new_words[ENTRY_WORDS]; /* the entry of the two states */
static unsigned int prefetch_at;
static const uint64_t *mixture; /* what the unit reads of the entry; NULL: memory */
static unsigned int allowed;

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

    if (piece->iova == 0x10000 && piece->address == BENCH_PAGE(1) && piece->size == PAGE_SIZE)
        *seen |= SEES_A;
    else if (piece->iova == 0x20000 && piece->address == BENCH_PAGE(2) && piece->size == PAGE_SIZE)
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

/* A mixture that translates is one of the two states as a whole: one state's tag over the other's
 * root would fill the caches with what belongs to neither. */
static void check_whole(const uint64_t words[ENTRY_WORDS])
{
    const uint64_t valid_stage2 = 0xD; /* V, Config 0b110 */

    if ((words[0] & 0xF) != valid_stage2)
        return;
    if (memcmp(&words[1], &old_words[1], 3 * sizeof(words[0])) != 0 &&
        memcmp(&words[1], &new_words[1], 3 * sizeof(words[0])) != 0)
        fail_msg("after store %u the unit may see a mixture of two states", mixtures_stores);
}

static void check_mixture(const uint64_t words[ENTRY_WORDS])
{
    check_whole(words);
    mixture = words;
    check();
    mixture = NULL;
    if (mixtures_stores == prefetch_at) {
        smmuv3_model_prefetch(machine.unit[0], STREAM, 0x10000);
        smmuv3_model_prefetch(machine.unit[0], STREAM, 0x20000);
        check();
    }
}

static void set(enum state state)
{
    static const enum iommu_stream_state states[] = { STREAM_PARKED_SILENT, STREAM_PARKED_LOGGED,
                                                      STREAM_ATTACHED, STREAM_ATTACHED,
                                                      STREAM_ATTACHED_SILENT };
    static const struct iommu_domain *const domain[STATES] = { NULL, NULL, &a, &b, &a };

    assert_int_equal(bench_set(STREAM, states[state], domain[state]), IOMMU_OK);
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
    set(to);
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

static void i1_every_change_of_a_stream_reaches_old_or_new_or_nothing_after_every_store(void)
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

static void each_change_costs_the_syncs_that_it_needs_and_no_more(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    /* Into a translation: the words, then the turn. From one into another: abort first. Away from a
     * domain: one more, for the accesses that are under way. Without or with reports: the turn. */
    static const unsigned int syncs[STATES][STATES] = {
        { 0, 2, 2, 2, 2 }, { 1, 0, 3, 3, 3 }, { 2, 4, 0, 4, 1 },
        { 2, 4, 4, 0, 4 }, { 2, 4, 1, 4, 0 },
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

static void a_parked_stream_reports_each_access_and_a_silent_one_none(void)
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
        TEST(i1_every_change_of_a_stream_reaches_old_or_new_or_nothing_after_every_store),
        TEST(the_same_holds_on_a_linear_table_without_coherence),
        TEST(the_same_holds_on_qemus_unit),
        TEST(each_change_costs_the_syncs_that_it_needs_and_no_more),
        TEST(a_parked_stream_reports_each_access_and_a_silent_one_none),
        TEST(an_attached_stream_reports_what_is_blocked_and_a_silent_one_does_not),
        TEST(a_stream_that_falls_silent_is_blocked_at_no_moment),
        TEST(i4_leaving_a_domain_is_followed_by_a_tlbi_of_its_tag_and_a_sync),
        TEST(preparing_a_stream_lets_no_neighbour_through),
        TEST(a_stream_used_before_it_was_prepared_works_afterwards),
        TEST(a_stream_beyond_the_table_cannot_be_prepared),
    };

    return RUN_GROUP("smmuv3/streams");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which invalidation removes which kind of TLB entry, over all regimes. The entries are put into the
 * TLB from inside, one of each kind; how transactions make them is tested elsewhere.
 */
#include "fixture.h"
#include "internal.h"

enum kind {
    IPA_LEAF, /* stage 2 only, VMID 7 */
    IPA_OTHER_VMID,
    VA_LEAF, /* NS-EL1, VMID 7, ASID 3 */
    VA_OTHER_ASID,
    VA_GLOBAL,
    VA_OTHER_VMID,
    VA_TABLE,     /* walk-cache entry of VA_LEAF */
    VA_ELSEWHERE, /* VMID 7, ASID 3, another address */
    EL2_LEAF,
    E2H_LEAF, /* NS-EL2-E2H, ASID 3 */
    E2H_GLOBAL,
    KINDS,
};

static const struct tlb_entry entries[KINDS] = {
    [IPA_LEAF] = { .regime = REGIME_NS_EL1_IPA, .vmid = 7 },
    [IPA_OTHER_VMID] = { .regime = REGIME_NS_EL1_IPA, .vmid = 8 },
    [VA_LEAF] = { .regime = REGIME_NS_EL1_VA, .vmid = 7, .asid = 3 },
    [VA_OTHER_ASID] = { .regime = REGIME_NS_EL1_VA, .vmid = 7, .asid = 4 },
    [VA_GLOBAL] = { .regime = REGIME_NS_EL1_VA, .vmid = 7, .asid = 9, .global = true },
    [VA_OTHER_VMID] = { .regime = REGIME_NS_EL1_VA, .vmid = 8, .asid = 3 },
    [VA_TABLE] = { .regime = REGIME_NS_EL1_VA, .vmid = 7, .asid = 3, .table = true },
    [VA_ELSEWHERE] = { .regime = REGIME_NS_EL1_VA, .vmid = 7, .asid = 3, .input = 0x9000 },
    [EL2_LEAF] = { .regime = REGIME_NS_EL2 },
    [E2H_LEAF] = { .regime = REGIME_NS_EL2_E2H, .asid = 3 },
    [E2H_GLOBAL] = { .regime = REGIME_NS_EL2_E2H, .asid = 9, .global = true },
};

#define SET(kind) (1u << (kind))
#define ALL_IPA (SET(IPA_LEAF) | SET(IPA_OTHER_VMID))
#define VA_VMID_7                                                                                  \
    (SET(VA_LEAF) | SET(VA_OTHER_ASID) | SET(VA_GLOBAL) | SET(VA_TABLE) | SET(VA_ELSEWHERE))
#define ALL_EL2 (SET(EL2_LEAF) | SET(E2H_LEAF) | SET(E2H_GLOBAL))

/* All entries at 0x5000 but one; which are gone after the command and a CMD_SYNC? */
static unsigned removed_by(bool e2h, uint64_t word0, uint64_t word1)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);
    unsigned removed = low_bits(KINDS) & 0xffffffffu;

    bring_up_queues(m);
    smmuv3_model_write32(m->unit, AT_CR2, e2h ? 3 : 2);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct tlb_entry entry = entries[kind];

        entry.input = entry.input ? entry.input : 0x5000;
        entry.granule = 12;
        entry.level = entry.table ? 2 : 3;
        entry.log2_size = entry.table ? 21 : 12;
        entry.input = align_down(entry.input, entry.log2_size);
        entry.output = kind;
        entry.stamp = m->unit->caches.now++;
        entry.fetched = entry.stamp;
        entry.s2_stamp = entry.stamp;
        model_tlb_insert(m->unit, &entry);
    }
    submit_sync(m, word0, word1);
    for (unsigned i = 0; i < m->unit->caches.tlb_count; i++) {
        removed &= ~SET(m->unit->caches.tlb[i].output);
    }
    assert_no_errors(m);
    machine_stop(m);
    return removed;
}

static uint64_t tags(uint64_t opcode, uint64_t vmid, uint64_t asid)
{
    uint64_t word = opcode;

    field_put(&word, FIELD(47, 32), vmid);
    field_put(&word, FIELD(63, 48), asid);
    return word;
}

static void nh_all_removes_stage_1_of_its_vmid(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x10, 7, 0), 0), VA_VMID_7);
}

static void nh_asid_spares_global_entries(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x11, 7, 3), 0),
                     SET(VA_LEAF) | SET(VA_TABLE) | SET(VA_ELSEWHERE));
}

static void nh_va_takes_global_entries_and_with_leaf_0_tables(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x12, 7, 3), 0x5000),
                     SET(VA_LEAF) | SET(VA_GLOBAL) | SET(VA_TABLE));
    assert_int_equal(removed_by(false, tags(0x12, 7, 3), 0x5001), SET(VA_LEAF) | SET(VA_GLOBAL));
}

static void nh_vaa_takes_all_asids(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x13, 7, 0), 0x5001),
                     SET(VA_LEAF) | SET(VA_OTHER_ASID) | SET(VA_GLOBAL));
}

static void s2_ipa_spares_whatever_stage_1_had_a_part_in(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x2a, 7, 0), 0x5000), SET(IPA_LEAF));
}

static void s12_vmall_takes_both_stages_of_its_vmid(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x28, 7, 0), 0), SET(IPA_LEAF) | VA_VMID_7);
}

static void nsnh_all_takes_everything_but_el2(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, 0x30, 0), ALL_IPA | VA_VMID_7 | SET(VA_OTHER_VMID));
}

static void el2_all_takes_el2_whatever_e2h_says(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, 0x20, 0), ALL_EL2);
    assert_int_equal(removed_by(true, 0x20, 0), ALL_EL2);
}

static void el2_asid_takes_tagged_entries_but_global_ones(void **state)
{
    (void)state;
    assert_int_equal(removed_by(true, tags(0x21, 0, 3), 0), SET(E2H_LEAF));
}

static void el2_va_and_vaa_follow_e2h(void **state)
{
    (void)state;
    assert_int_equal(removed_by(false, tags(0x22, 0, 3), 0x5001), SET(EL2_LEAF));
    assert_int_equal(removed_by(true, tags(0x22, 0, 3), 0x5001), SET(E2H_LEAF) | SET(E2H_GLOBAL));
    assert_int_equal(removed_by(true, tags(0x22, 0, 4), 0x5001), SET(E2H_GLOBAL));
    assert_int_equal(removed_by(false, 0x23, 0x5001), SET(EL2_LEAF));
    assert_int_equal(removed_by(true, 0x23, 0x5001), SET(E2H_LEAF) | SET(E2H_GLOBAL));
}

int run_tlb_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nh_all_removes_stage_1_of_its_vmid),
        cmocka_unit_test(nh_asid_spares_global_entries),
        cmocka_unit_test(nh_va_takes_global_entries_and_with_leaf_0_tables),
        cmocka_unit_test(nh_vaa_takes_all_asids),
        cmocka_unit_test(s2_ipa_spares_whatever_stage_1_had_a_part_in),
        cmocka_unit_test(s12_vmall_takes_both_stages_of_its_vmid),
        cmocka_unit_test(nsnh_all_takes_everything_but_el2),
        cmocka_unit_test(el2_all_takes_el2_whatever_e2h_says),
        cmocka_unit_test(el2_asid_takes_tagged_entries_but_global_ones),
        cmocka_unit_test(el2_va_and_vaa_follow_e2h),
    };

    return cmocka_run_group_tests_name("TLB", tests, NULL, NULL);
}

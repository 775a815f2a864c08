/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permissions of stage 1 (13.4.1, DDI 0487 D8.4): what descriptors, the tables above them and the
 * CD allow to whom.
 */
#include "fixture.h"

/* What is allowed, as a string: user r, w, x, then privileged r, w, x; "-" where it is not. */
static const char *allowed(struct guest *g, uint64_t va)
{
    static char text[7];
    struct smmuv3_model_access access = { .stream_id = SID, .iova = va };

    for (unsigned i = 0; i < 6; i++) {
        struct smmuv3_model_result result;

        access.privileged = i >= 3;
        access.write = i % 3 == 1;
        access.instruction = i % 3 == 2;
        result = smmuv3_model_transact(g->machine->unit, &access);
        text[i] = (char)(result.outcome == SMMUV3_MODEL_OK ? "rwxrwx"[i] : '-');
        if (result.outcome != SMMUV3_MODEL_OK) {
            assert_int_equal(result.event, F_PERMISSION);
        }
        /* What the result tells of the other accesses agrees. */
        if (result.outcome == SMMUV3_MODEL_OK) {
            assert_int_equal(smmuv3_model_translate(g->machine->unit, &access).outcome,
                             SMMUV3_MODEL_OK);
        }
    }
    return text;
}

struct permission_case {
    const char *name;
    unsigned field; /* of the CD, set to 1; 0 for none */
    uint64_t table; /* bits of the level-2 table descriptor */
    uint64_t leaf;  /* bits of the leaf beside AF and nG */
    const char *expected;
};

static void check_all(unsigned strw, const struct permission_case *cases, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct guest g = plain_guest();
        const char *seen = NULL;

        set_ste(&g, STE_STRW, strw);
        map1(&g, g.root, 0, 3, g.page, S1_AF | S1_NG | cases[i].leaf);
        poke(g.machine, slot1(&g, g.root, 0, 2),
             peek(g.machine, slot1(&g, g.root, 0, 2)) | cases[i].table);
        if (cases[i].field) {
            set_cd(&g, cases[i].field, 1);
        }
        seen = allowed(&g, 0);
        for (unsigned at = 0; at < 6; at++) {
            if (seen[at] != cases[i].expected[at]) {
                fail_msg("%s: %s, not %s", cases[i].name, seen, cases[i].expected);
            }
        }
        machine_stop(g.machine);
    }
}

#define APTABLE_NO_USER (UINT64_C(1) << 61)
#define APTABLE_READ_ONLY (UINT64_C(1) << 62)
#define PXNTABLE (UINT64_C(1) << 59)
#define UXNTABLE (UINT64_C(1) << 60)
#define NEVER (S1_PXN | S1_UXN)

static void two_privileges_have_rights_of_their_own(void **state)
{
    static const struct permission_case cases[] = {
        { "all; user-writable is privileged-never", 0, 0, S1_USER, "rwxrw-" },
        { "read-only", 0, 0, S1_USER | S1_READ_ONLY, "r-xr-x" },
        { "privileged", 0, 0, 0, "--xrwx" },
        { "privileged read-only", 0, 0, S1_READ_ONLY, "--xr-x" },
        { "never executed", 0, 0, S1_USER | NEVER, "rw-rw-" },
        { "PXN", 0, 0, S1_USER | S1_READ_ONLY | S1_PXN, "r-xr--" },
        { "UXN", 0, 0, S1_USER | S1_READ_ONLY | S1_UXN, "r--r-x" },
        { "APTable[0]", 0, APTABLE_NO_USER, S1_USER, "--xrwx" },
        { "APTable[1]", 0, APTABLE_READ_ONLY, S1_USER, "r-xr-x" },
        { "PXNTable", 0, PXNTABLE, S1_USER | S1_READ_ONLY, "r-xr--" },
        { "UXNTable", 0, UXNTABLE, S1_USER | S1_READ_ONLY, "r--r-x" },
        { "HAD0", CD_HAD0, APTABLE_NO_USER | APTABLE_READ_ONLY | PXNTABLE | UXNTABLE, S1_USER,
          "rwxrw-" },
        { "HAD1 is of the other half", CD_HAD1, APTABLE_READ_ONLY, S1_USER, "r-xr-x" },
        { "WXN", CD_WXN, 0, S1_USER, "rw-rw-" },
        { "WXN, privileged", CD_WXN, 0, 0, "--xrw-" },
        { "WXN, read-only", CD_WXN, 0, S1_USER | S1_READ_ONLY, "r-xr-x" },
        { "UWXN is ignored", CD_UWXN, 0, S1_USER | S1_READ_ONLY, "r-xr-x" },
        { "PAN", CD_PAN, 0, S1_USER, "rwx---" },
        { "PAN, read-only", CD_PAN, 0, S1_USER | S1_READ_ONLY, "r-x--x" },
        { "PAN, privileged", CD_PAN, 0, 0, "--xrwx" },
        { "PAN and APTable[0]", CD_PAN, APTABLE_NO_USER, S1_USER, "--xrwx" },
        { "DBM without HD", 0, 0, S1_USER | S1_READ_ONLY | S1_DBM, "r-xr-x" },
    };

    (void)state;
    check_all(0, cases, sizeof(cases) / sizeof(*cases));
}

static void el2_knows_one_privilege(void **state)
{
    static const struct permission_case cases[] = {
        { "AP[1] is taken as 1", 0, 0, 0, "rwxrwx" },
        { "read-only", 0, 0, S1_READ_ONLY, "r-xr-x" },
        { "XN", 0, 0, S1_UXN, "rw-rw-" },
        { "PXN is none", 0, 0, S1_PXN, "rwxrwx" },
        { "APTable[1]", 0, APTABLE_READ_ONLY, S1_USER, "r-xr-x" },
        { "APTable[0] is none", 0, APTABLE_NO_USER, S1_USER, "rwxrwx" },
        { "XNTable", 0, UXNTABLE, S1_USER, "rw-rw-" },
        { "WXN", CD_WXN, 0, S1_USER, "rw-rw-" },
        { "PAN is ignored", CD_PAN, 0, S1_USER, "rwxrwx" },
    };

    (void)state;
    check_all(2, cases, sizeof(cases) / sizeof(*cases));
}

static void hierarchical_rights_come_from_the_walk_cache_too(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0, 3, g.page, 0);
    map1(&g, g.root, 0x1000, 3, g.page, 0);
    poke(g.machine, slot1(&g, g.root, 0, 1),
         peek(g.machine, slot1(&g, g.root, 0, 1)) | APTABLE_READ_ONLY);
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(access_as(&g, -1, 0x1000, true).event, F_PERMISSION);
    machine_stop(g.machine);
}

static void a_permission_fault_of_stage_1_has_its_fields(void **state)
{
    struct guest g = plain_guest();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0, 3, g.page, S1_ALL | S1_READ_ONLY);
    assert_int_equal(access_as(&g, -1, 0x10, true).event, F_PERMISSION);
    event = take_event(g.machine);
    assert_int_equal(event.number, F_PERMISSION);
    assert_false(event.s2);
    assert_false(event.rnw);
    assert_int_equal(event.class_, CLASS_IN);
    assert_int_equal(event.input_address, 0x10);
    /* What was cached on the way keeps its rights until it is invalidated. */
    map1(&g, g.root, 0, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x10, true).event, F_PERMISSION);
    submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, 0, 1));
    assert_int_equal(access_as(&g, -1, 0x10, true).outcome, SMMUV3_MODEL_OK);
    machine_stop(g.machine);
}

static void an_ste_may_override_what_the_master_says(void **state)
{
    static const struct {
        unsigned privcfg, instcfg;
        const char *expected; /* of a page for the privileged, never executed */
    } cases[] = {
        { 0, 0, "---rw-" }, { 1, 1, "---rw-" }, { 2, 0, "------" },
        { 3, 0, "rw-rw-" }, { 0, 2, "---rwr" }, { 0, 3, "----w-" },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (p.attr_perms_ovr = false;; p.attr_perms_ovr = true) {
        for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
            struct guest g = guest_of(&p, &PLAIN_S1);
            const char *expected = p.attr_perms_ovr ? cases[i].expected : "---rw-";
            const char *seen = NULL;

            map1(&g, g.root, 0, 3, g.page, S1_AF | NEVER);
            set_ste(&g, STE_PRIVCFG, cases[i].privcfg);
            set_ste(&g, STE_INSTCFG, cases[i].instcfg);
            seen = allowed(&g, 0);
            for (unsigned at = 0; at < 6; at++) {
                if ((seen[at] == '-') != (expected[at] == '-')) {
                    fail_msg("case %u: %s", i, seen);
                }
            }
            machine_stop(g.machine);
        }
        if (p.attr_perms_ovr) {
            break;
        }
    }
}

static void events_carry_the_overridden_attributes(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct smmuv3_model_event event;
    struct guest g;

    (void)state;
    p.attr_perms_ovr = true;
    g = guest_of(&p, &PLAIN_S1);
    set_ste(&g, STE_PRIVCFG, 3);
    set_ste(&g, STE_INSTCFG, 3);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_TRANSLATION);
    event = take_event(g.machine);
    assert_true(event.pnu);
    assert_true(event.ind);
    assert_int_equal(access_as(&g, -1, 0, true).event, F_TRANSLATION);
    assert_false(take_event(g.machine).ind); /* a write is data */
    machine_stop(g.machine);
}

int run_permission_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_privileges_have_rights_of_their_own),
        cmocka_unit_test(el2_knows_one_privilege),
        cmocka_unit_test(hierarchical_rights_come_from_the_walk_cache_too),
        cmocka_unit_test(a_permission_fault_of_stage_1_has_its_fields),
        cmocka_unit_test(an_ste_may_override_what_the_master_says),
        cmocka_unit_test(events_carry_the_overridden_attributes),
    };

    return cmocka_run_group_tests_name("permissions", tests, NULL, NULL);
}

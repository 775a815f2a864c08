/* SPDX-License-Identifier: Apache-2.0 */
/* What a function id is, from callers of both widths: every id of the hypervisor's own range, and every kind of id
 * of everybody else's (arch/arm64/call.h). */
#include <string.h>

#include "arch/arm64/call.h"
#include "groups.h"
#include "machine.h"

#define REGISTERS 19 /* that the trap saves */
#define OWN_RANGE 0x10000
#define UPPER UINT64_C(0xFEEDFACE00000000)
#define FILL UINT64_C(0x1111111111111111)

#define SMCCC_VERSION 0x80000000
#define SMCCC_ARCH_FEATURES 0x80000001
#define PSCI_VERSION 0x84000000
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009
#define PSCI_FEATURES 0x8400000A
#define CPU_ON 0xC4000003

static uint64_t called, with[6]; /* what reached the kernel; UINT64_MAX: nothing */
static unsigned int powers, resets;

static void answer(struct vcpu *vcpu, uint64_t *x, uint64_t number)
{
    (void)vcpu;
    called = number;
    memcpy(with, x, sizeof(with));
    x[0] = 0x5A5A;
}

static void power(struct vcpu *vcpu, bool reset)
{
    (void)vcpu;
    powers++;
    resets += reset;
}

static uint64_t registers[REGISTERS];

/* Answers x0; all other registers are as they were, unless what reached the kernel changed them. */
static uint64_t ask(enum guest_width width, uint64_t function)
{
    static const struct arch_guest_ops ops = { .hypercall = answer, .power = power };
    static struct vcpu vcpu;

    guest_ops = &ops;
    called = UINT64_MAX;
    powers = 0;
    resets = 0;
    for (unsigned int i = 1; i < REGISTERS; i++)
        registers[i] = FILL * i;
    registers[0] = function;
    if (width == GUEST_AARCH64)
        call_aarch64(&vcpu, registers);
    else
        call_aarch32(&vcpu, registers);
    return registers[0];
}

static void expect_unchanged_from(unsigned int first, uint64_t function)
{
    for (unsigned int i = first; i < REGISTERS; i++) {
        if (registers[i] != FILL * i)
            fail_msg("id 0x%llx changed register %u", (unsigned long long)function, i);
    }
}

static void expect_nobodys(enum guest_width width, uint64_t function)
{
    uint64_t result = ask(width, function);

    if (result != CALL_NOT_SUPPORTED || called != UINT64_MAX || powers != 0)
        fail_msg("id 0x%llx from %s answers 0x%llx", (unsigned long long)function,
                 width == GUEST_AARCH64 ? "AArch64" : "AArch32", (unsigned long long)result);
    expect_unchanged_from(1, function);
}

static uint32_t base_of(enum guest_width width)
{
    return width == GUEST_AARCH64 ? BH_FUNCTION_BASE : BH_FUNCTION_BASE_32;
}

/* Both widths. */
static bool is_discovery(uint64_t function)
{
    return function == BH_SMCCC_CALL_COUNT || function == BH_SMCCC_UID ||
           function == BH_SMCCC_REVISION;
}

static bool is_answered(uint64_t function)
{
    return is_discovery(function) || function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ||
           function == PSCI_VERSION || function == PSCI_SYSTEM_OFF ||
           function == PSCI_SYSTEM_RESET || function == PSCI_FEATURES;
}

static void every_number_of_the_own_range_is_a_call_or_not_supported(void)
{
    for (enum guest_width width = GUEST_AARCH64; width <= GUEST_AARCH32; width++) {
        for (uint32_t number = 0; number < OWN_RANGE; number++) {
            uint64_t own = base_of(width) + number,
                     others = base_of(GUEST_AARCH32 - width) + number;

            if (number < BH_CALL_LIMIT) {
                assert_int_equal(ask(width, own), 0x5A5A);
                assert_int_equal(called, number);
            } else if (!is_discovery(own)) {
                expect_nobodys(width, own);
            }
            if (!is_discovery(others))
                expect_nobodys(width, others);
        }
    }
}

/* Every type, owner and reserved bit of an id, with numbers that are calls of somebody. */
static void ids_of_every_other_owner_and_kind_are_not_supported(void)
{
    for (enum guest_width width = GUEST_AARCH64; width <= GUEST_AARCH32; width++) {
        for (uint64_t high = 0; high < 0x10000; high++) {
            for (uint64_t low = 0; low < 20; low++) {
                uint64_t function = high << 16 | low;

                if (high << 16 != base_of(width) && !is_answered(function))
                    expect_nobodys(width, function);
            }
            if (!is_answered(high << 16 | 0xFF01))
                expect_nobodys(width, high << 16 | 0xFF01);
        }
    }
}

static void an_id_is_32_bits_whatever_stands_above(void)
{
    assert_int_equal(ask(GUEST_AARCH64, UPPER | BH_FUNCTION_BASE | BH_CALL_QUERY), 0x5A5A);
    assert_int_equal(called, BH_CALL_QUERY);
    assert_int_equal(ask(GUEST_AARCH32, UPPER | BH_FUNCTION_BASE_32 | BH_CALL_QUERY), 0x5A5A);
    assert_int_equal(called, BH_CALL_QUERY);
    expect_nobodys(GUEST_AARCH64, UPPER);
    assert_int_equal(ask(GUEST_AARCH32, UPPER | PSCI_VERSION), 0x10001);
}

static void arguments_of_a_32_bit_caller_are_zero_extended_and_others_whole(void)
{
    for (uint32_t number = 0; number < BH_CALL_LIMIT; number++) {
        ask(GUEST_AARCH32, BH_FUNCTION_BASE_32 | number);
        for (unsigned int i = 1; i < 6; i++)
            assert_int_equal(with[i], (uint32_t)(FILL * i));
        expect_unchanged_from(6, number);
        ask(GUEST_AARCH64, BH_FUNCTION_BASE | number);
        for (unsigned int i = 1; i < 6; i++)
            assert_int_equal(with[i], FILL * i);
        expect_unchanged_from(1, number);
    }
}

static void discovery_and_psci_answer_both_widths(void)
{
    static const uint32_t there[] = { PSCI_VERSION, PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET,
                                      PSCI_FEATURES, SMCCC_VERSION };
    static struct vcpu vcpu;

    for (enum guest_width width = GUEST_AARCH64; width <= GUEST_AARCH32; width++) {
        assert_int_equal(ask(width, SMCCC_VERSION), 0x10001);
        assert_int_equal(ask(width, PSCI_VERSION), 0x10001);
        assert_int_equal(ask(width, BH_SMCCC_CALL_COUNT), BH_CALL_LIMIT);
        expect_unchanged_from(1, BH_SMCCC_CALL_COUNT);
        assert_int_equal(ask(width, BH_SMCCC_UID), BH_UID_0);
        assert_int_equal(registers[1], BH_UID_1);
        assert_int_equal(registers[2], BH_UID_2);
        assert_int_equal(registers[3], BH_UID_3);
        expect_unchanged_from(4, BH_SMCCC_UID);
        assert_int_equal(ask(width, BH_SMCCC_REVISION), BH_ABI_MAJOR);
        assert_int_equal(registers[1], BH_ABI_MINOR);
        expect_unchanged_from(2, BH_SMCCC_REVISION);
        ask(width, PSCI_SYSTEM_OFF);
        assert_int_equal(powers, 1);
        assert_int_equal(resets, 0);
        ask(width, PSCI_SYSTEM_RESET);
        assert_int_equal(powers, 1);
        assert_int_equal(resets, 1);
        expect_nobodys(width, CPU_ON);
    }
    for (uint64_t asked = 0; asked < 0x20; asked++) {
        uint64_t x[6] = { PSCI_FEATURES, UPPER | PSCI_VERSION | asked };
        bool listed = false;

        for (unsigned int i = 0; i < ARRAY_LENGTH(there); i++)
            listed = listed || there[i] == (PSCI_VERSION | asked);
        call_aarch64(&vcpu, x);
        assert_int_equal(x[0], listed ? 0 : CALL_NOT_SUPPORTED);
    }
    for (uint64_t asked = 0; asked < 4; asked++) {
        uint64_t x[6] = { SMCCC_ARCH_FEATURES, SMCCC_VERSION | asked };

        call_aarch64(&vcpu, x);
        assert_int_equal(x[0], asked < 2 ? 0 : CALL_NOT_SUPPORTED);
        x[0] = PSCI_FEATURES;
        call_aarch64(&vcpu, x);
        assert_int_equal(x[0], asked == 0 ? 0 : CALL_NOT_SUPPORTED);
    }
}

int run_call_forms_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_number_of_the_own_range_is_a_call_or_not_supported),
        TEST(ids_of_every_other_owner_and_kind_are_not_supported),
        TEST(an_id_is_32_bits_whatever_stands_above),
        TEST(arguments_of_a_32_bit_caller_are_zero_extended_and_others_whole),
        TEST(discovery_and_psci_answer_both_widths),
    };

    return RUN_GROUP("arm64/calls");
}

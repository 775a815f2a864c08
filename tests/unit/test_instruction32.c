/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of AArch32 that trapped (arch/arm64/instruction32.c): every condition with all flags, every
 * state of an IT block, every register of every mode. An emulator traps none whose condition fails. */
#include "arch/arm64/instruction32.h"
#include "groups.h"
#include "lib/types.h"
#include "unit.h"

#define CV BIT(24)
#define COND(condition) ((uint64_t)(condition) << 20)
#define FLAGS(nzcv) ((uint64_t)(nzcv) << 28)

/* Flags, as N Z C V from bit 3 down, with which the even condition of a pair holds: written out from
 * their meanings, Z, C, N, V, C and not Z, N equal to V, not Z and N equal to V. */
static const uint16_t holds_with[7] = {
    0xF0F0, 0xCCCC, 0xFF00, 0xAAAA, 0x0C0C, 0xAA55, 0x0A05,
};

/* ITSTATE as the SPSR has it: 7:2 in 15:10, 1:0 in 26:25. */
static uint64_t with_it(unsigned int it)
{
    return (uint64_t)(it >> 2) << 10 | (uint64_t)(it & 3) << 25;
}

static void expect_holds(uint64_t spsr, uint64_t syndrome, bool expected)
{
    if (instruction32_holds(spsr, syndrome) != expected)
        fail_msg("SPSR 0x%lx, syndrome 0x%lx: the condition %s", (unsigned long)spsr,
                 (unsigned long)syndrome, expected ? "does not hold" : "holds");
}

static bool should_hold(unsigned int condition, unsigned int nzcv)
{
    return condition >= 14 ||
           ((holds_with[condition >> 1] >> nzcv & 1) != 0) == ((condition & 1) == 0);
}

static void each_condition_of_the_syndrome_holds_with_its_flags_alone(void)
{
    for (unsigned int condition = 0; condition < 16; condition++) {
        for (unsigned int nzcv = 0; nzcv < 16; nzcv++) {
            bool expected = should_hold(condition, nzcv);

            expect_holds(FLAGS(nzcv), CV | COND(condition), expected);
            /* The syndrome's goes before that of an IT block. */
            expect_holds(FLAGS(nzcv) | with_it(0xE8), CV | COND(condition), expected);
        }
    }
}

static void a_condition_that_the_syndrome_does_not_have_is_that_of_the_it_block(void)
{
    for (unsigned int it = 0; it < 256; it++) {
        for (unsigned int nzcv = 0; nzcv < 16; nzcv++)
            expect_holds(FLAGS(nzcv) | with_it(it), COND(nzcv),
                         (it & 0xF) == 0 || should_hold(it >> 4, nzcv));
    }
}

/* Of an IT block: how many instructions are left, and the condition of the one at index. */
static unsigned int it_length(unsigned int it)
{
    return (it & 0xF) == 0 ? 0 : 4 - (unsigned int)__builtin_ctz(it & 0xF);
}

static unsigned int it_condition(unsigned int it, unsigned int index)
{
    return (it >> 5) << 1 | (it >> (4 - index) & 1);
}

static unsigned int it_of(uint64_t spsr)
{
    return (unsigned int)(FIELD_GET(BITS(15, 10), spsr) << 2 | FIELD_GET(BITS(26, 25), spsr));
}

static void an_it_block_loses_its_first_instruction_and_nothing_else(void)
{
    const uint64_t others = ~(BITS(15, 10) | BITS(26, 25));

    for (unsigned int it = 0; it < 256; it++) {
        uint64_t next = instruction32_advance(with_it(it) | others);
        unsigned int length = it_length(it_of(next));

        assert_int_equal(next & others, others);
        assert_int_equal(length, it_length(it) == 0 ? 0 : it_length(it) - 1);
        for (unsigned int i = 0; i < length; i++)
            assert_int_equal(it_condition(it_of(next), i), it_condition(it, i + 1));
        if (length == 0)
            assert_int_equal(it_of(next), 0);
    }
}

static void a_banked_register_has_the_number_of_the_aarch64_view(void)
{
    static const struct {
        uint64_t mode;
        unsigned int stack, link;
    } modes[] = {
        { 0x10, 13, 14 }, { 0x11, 29, 30 }, { 0x12, 17, 16 }, { 0x13, 19, 18 },
        { 0x17, 21, 20 }, { 0x1B, 23, 22 }, { 0x1F, 13, 14 },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(modes); i++) {
        assert_int_equal(instruction32_register(modes[i].mode, 13), modes[i].stack);
        assert_int_equal(instruction32_register(modes[i].mode, 14), modes[i].link);
        for (unsigned int r = 0; r < 13; r++)
            assert_int_equal(instruction32_register(modes[i].mode, r),
                             modes[i].mode == 0x11 && r >= 8 ? r + 16 : r);
        /* What has been converted stays. */
        for (unsigned int r = 15; r < 32; r++)
            assert_int_equal(instruction32_register(modes[i].mode, r), r);
    }
}

/* SPSR from AArch32: mode 4:0, T 5, F 6, I 7, A 8, E 9, IT 15:10 and 26:25, GE 19:16, IL 20, SS 21,
 * PAN 22, SSBS 23, DIT 24, Q 27, flags above. */
#define FROM_SVC UINT64_C(0x13)
#define ENTERED UINT64_C(0x9B) /* UND mode, I */
#define SPAN BIT(23)

static struct instruction32_entry undefined(uint64_t spsr, uint64_t control)
{
    struct instruction32_entry entry;

    instruction32_undefined(0x40001000, spsr, control, 0x40000220, &entry);
    return entry;
}

static void an_undefined_instruction_goes_to_its_vector(void)
{
    assert_int_equal(undefined(FROM_SVC, SPAN).address, 0x40000224);
    assert_int_equal(undefined(FROM_SVC, SPAN | BIT(13)).address, 0xFFFF0004);
    /* The low bits of VBAR are no part of it. */
    struct instruction32_entry entry;

    instruction32_undefined(0, FROM_SVC, SPAN, 0xFFFFFFFF4000003F, &entry);
    assert_int_equal(entry.address, 0x40000024);
}

static void its_link_is_four_behind_or_two_in_t32_and_32_bits(void)
{
    struct instruction32_entry entry;

    assert_int_equal(undefined(FROM_SVC, SPAN).link, 0x40001004);
    assert_int_equal(undefined(FROM_SVC | BIT(5), SPAN).link, 0x40001002);
    instruction32_undefined(0xFFFFFFFC, FROM_SVC, SPAN, 0, &entry);
    assert_int_equal(entry.link, 0);
}

static void its_state_keeps_what_the_architecture_keeps_and_no_more(void)
{
    static const struct {
        uint64_t bits, kept;
    } rows[] = {
        { BITS(31, 28), BITS(31, 28) },
        { BIT(27), BIT(27) },
        { BITS(19, 16), BITS(19, 16) },
        { BIT(24), BIT(24) },
        { BIT(22), BIT(22) },
        { BIT(8), BIT(8) },
        { BIT(6), BIT(6) },
        { BIT(7), 0 },
        { BITS(15, 10), 0 },
        { BITS(26, 25), 0 },
        { BIT(20), 0 },
        { BIT(21), 0 },
        { BIT(23), 0 },
        { BIT(9), 0 },
        { BIT(5), 0 },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++)
        assert_int_equal(undefined(FROM_SVC | rows[i].bits, SPAN).spsr, ENTERED | rows[i].kept);
    assert_int_equal(undefined(0x1F, SPAN).spsr, ENTERED);
    /* TE, EE, and PAN without SPAN. */
    assert_int_equal(undefined(FROM_SVC, SPAN | BIT(30)).spsr, ENTERED | BIT(5));
    assert_int_equal(undefined(FROM_SVC, SPAN | BIT(25)).spsr, ENTERED | BIT(9));
    assert_int_equal(undefined(FROM_SVC, 0).spsr, ENTERED | BIT(22));
}

static void the_state_it_saves_is_all_of_it_in_the_form_of_aarch32(void)
{
    for (unsigned int bit = 0; bit < 32; bit++) {
        /* DIT stands where the step bit of AArch64's form does, which is none of AArch32's. */
        uint64_t expected = bit == 24 ? BIT(21) : bit == 21 ? 0 : BIT(bit);

        assert_int_equal(undefined(BIT(bit), SPAN).saved, expected);
    }
}

int run_instruction32_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_condition_of_the_syndrome_holds_with_its_flags_alone),
        TEST(a_condition_that_the_syndrome_does_not_have_is_that_of_the_it_block),
        TEST(an_it_block_loses_its_first_instruction_and_nothing_else),
        TEST(an_undefined_instruction_goes_to_its_vector),
        TEST(its_link_is_four_behind_or_two_in_t32_and_32_bits),
        TEST(its_state_keeps_what_the_architecture_keeps_and_no_more),
        TEST(the_state_it_saves_is_all_of_it_in_the_form_of_aarch32),
        TEST(a_banked_register_has_the_number_of_the_aarch64_view),
    };

    return RUN_GROUP("arch/arm64/instruction32");
}

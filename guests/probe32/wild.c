/* SPDX-License-Identifier: Apache-2.0 */
/* What no tidy program does: every register of CP14 and CP15 read, and calls with any arguments. Whatever
 * it is, it is answered, and the partition goes on. */
#include "check.h"
#include "state.h"
#include "tests.h"

#define MRC 0xee100010u  /* mrc pN, opc1, r0, CRn, CRm, opc2 */
#define MRRC 0xec510000u /* mrrc pN, opc1, r0, r1, CRm */
#define RETURN 0xe12fff1eu
#define COPROCESSORS 2 /* 14 and 15 */

#define CALLS 40000u
#define SEED 0x2545f491u
#define LOWEST_ERROR BH_EFAULT

/* ---- Registers ------------------------------------------------------------------------------------- */
static uint32_t code[2];

/* Executes that instruction. True: it was undefined. */
static bool is_undefined(uint32_t instruction)
{
    uint32_t before = undefined_state.count;

    *(volatile uint32_t *)&code[0] = instruction;
    *(volatile uint32_t *)&code[1] = RETURN;
    /* Clean by address, then the whole instruction cache and the branch predictor. */
    __asm__ volatile("mcr p15, 0, %0, c7, c11, 1\n\tdsb\n\tmcr p15, 0, %1, c7, c5, 0\n\t"
                     "mcr p15, 0, %1, c7, c5, 6\n\tdsb\n\tisb"
                     :
                     : "r"(code), "r"(0)
                     : "memory");
    __asm__ volatile("blx %0" : : "r"(code) : "r0", "r1", "lr", "memory", "cc");
    return undefined_state.count != before;
}

/* Whether no partition has that register: performance monitors, trace, what is implementation-defined. */
static bool must_be_undefined(uint32_t coprocessor, uint32_t opc1, uint32_t crn, uint32_t crm)
{
    if (coprocessor == 14)
        return opc1 == 1;
    return (crn == 9 && opc1 == 0 && crm >= 12 && crm <= 14) ||
           (crn == 14 && opc1 == 0 && crm >= 8) || crn == 15;
}

static bool must_be_there(uint32_t coprocessor, uint32_t opc1, uint32_t crn, uint32_t crm)
{
    return coprocessor == 15 && opc1 == 0 && crn == 0 && crm >= 1 && crm <= 7;
}

static void read_one(uint32_t coprocessor, uint32_t opc1, uint32_t number)
{
    uint32_t crn = number >> 7 & 0xf, crm = number >> 3 & 0xf, opc2 = number & 7;
    uint32_t instruction = MRC | opc1 << 21 | crn << 16 | coprocessor << 8 | opc2 << 5 | crm;
    bool undefined = is_undefined(instruction);

    if (must_be_undefined(coprocessor, opc1, crn, crm) && !undefined)
        check_equal(0, instruction, "a register that no partition has is there");
    if (must_be_there(coprocessor, opc1, crn, crm) && undefined)
        check_equal(0, instruction, "an identification register is undefined");
}

static void every_register(void)
{
    uint32_t before = undefined_state.count, total = 0;

    for (uint32_t coprocessor = 14; coprocessor < 14 + COPROCESSORS; coprocessor++) {
        for (uint32_t opc1 = 0; opc1 < 8; opc1++) {
            for (uint32_t number = 0; number < 1u << 11; number++)
                read_one(coprocessor, opc1, number);
            total += 1u << 11;
        }
        for (uint32_t number = 0; number < 1u << 8; number++)
            is_undefined(MRRC | coprocessor << 8 | number);
        total += 1u << 8;
    }
    print_number(total);
    print(" registers, undefined are ");
    print_number(undefined_state.count - before);
    print("\n");
    check_true(undefined_state.count - before < total, "some are there");
    check_true(undefined_state.count != before, "some are not");
}

/* ---- Calls ------------------------------------------------------------------------------------------- */
static uint32_t random_state = SEED;

static uint32_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t wild_word(void)
{
    static const uint32_t words[] = { 0,          1,          2,          3,
                                      7,          8,          4095,       4096,
                                      0x40000000, 0x40001000, 0x40fffff8, 0x41000000,
                                      0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff };
    uint32_t choice = random_word() >> 8;

    return (choice & 0x30) == 0 ? random_word() : words[choice & 0xf];
}

/* Calls that write nothing: the words above are addresses of this program too. */
static bool may_be_called(uint32_t number)
{
    return number <= BH_CALL_DETACH && number != BH_CALL_PARTITION_INFO &&
           number != BH_CALL_DEVICE_INFO;
}

static void any_calls(void)
{
    uint32_t unexpected = 0;

    for (uint32_t i = 0; i < CALLS; i++) {
        uint32_t number = (random_word() >> 8) % BH_CALL_LIMIT;
        int32_t status;

        if (!may_be_called(number))
            continue;
        status = bulkhead(number, wild_word(), wild_word(), wild_word(), wild_word(), wild_word());
        if (status < LOWEST_ERROR)
            unexpected++;
    }
    check_equal(0, unexpected, "calls that answered with no error of the ABI");
    for (uint32_t i = 0; i < CALLS; i++) {
        uint32_t function = random_word();

        if ((function & 0xffff0000) == BH_FUNCTION_BASE_32 || (function & 0xbfffffe0) == 0x84000000)
            continue;
        if (call(function, wild_word(), wild_word(), 0, 0, 0).value[0] !=
                (uint32_t)BH_NOT_SUPPORTED &&
            function >> 1 != 0x80000000 >> 1)
            unexpected++;
    }
    check_equal(0, unexpected, "ids of nobody that were answered");
    check_equal((uint32_t)BH_ABI_MAJOR << 16 | BH_ABI_MINOR,
                (uint32_t)bulkhead(BH_CALL_VERSION, 0, 0, 0, 0, 0), "the next call");
}

int test_wild(void)
{
    every_register();
    any_calls();
    return check_result();
}

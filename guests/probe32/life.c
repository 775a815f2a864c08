/* SPDX-License-Identifier: Apache-2.0 */
/* How a partition's life ends, and begins again. */
#include "check.h"
#include "forms.h"
#include "state.h"
#include "tests.h"

#define PSCI_SYSTEM_OFF 0x84000008u
#define MILLISECONDS 1000u

int test_psci(void)
{
    call(PSCI_SYSTEM_OFF, 0, 0, 0, 0, 0);
    check_true(false, "SYSTEM_OFF does not return");
    return check_result();
}

int test_exit(void)
{
    uint32_t code;

    return argument_number("code=", &code) ? (int)code : EXIT_UNUSABLE;
}

/* Milliseconds of the physical counter, which a reset does not set back. */
static uint32_t machine_ms(void)
{
    uint32_t low, high, frequency;

    __asm__ volatile("isb\n\tmrrc p15, 0, %0, %1, c14" : "=r"(low), "=r"(high));
    __asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(frequency));
    return (uint32_t)(((uint64_t)high << 32 | low) / (frequency / MILLISECONDS));
}

int test_reset(void)
{
    uint32_t until;

    if (!argument_number("until-ms=", &until))
        return EXIT_UNUSABLE;
    print("started\n");
    check_start();
    if (check_failed() || machine_ms() >= until)
        return check_result();
    spoil_and_reset();
}

/* One access, or the jump, that ends the partition. */
int test_touch(void)
{
    const char *access = argument("access=");
    uint32_t address, value = 0;

    if (access == NULL || !argument_number("address=", &address))
        return EXIT_UNUSABLE;
    print("touching ");
    print_number(address);
    print("\n");
    switch (access[7]) {
    case 'w':
        *(volatile uint32_t *)(uintptr_t)address = 0xdead;
        break;
    case 'x':
        ((void (*)(void))(uintptr_t)address)();
        break;
    case 'm': /* a form that the syndrome does not describe */
        __asm__ volatile("ldmia %1, {%0, r12}" : "=r"(value) : "r"(address) : "r12", "memory");
        break;
    default:
        value = *(volatile uint32_t *)(uintptr_t)address;
        break;
    }
    check_equal(~value, value, "the end of this partition");
    return check_result();
}

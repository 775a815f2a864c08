/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt controller (IHI 0069) by its system registers in AArch32 and by loads and stores of
 * every size; the virtual timer. */
#include "check.h"
#include "common/gic_registers.h"
#include "state.h"
#include "tests.h"

#define SGI 5u
#define SGI_OTHER 9u
#define SGI_SHIFT 24
#define TO_SELF 1u
#define TIMER 27u
#define SPURIOUS 1023u
#define MODE_IRQ 0x12u
#define WAIT_TURNS 10000000u
#define EOI_MODE 2u
#define MASKED_LATER 100000u

static volatile uint32_t taken[4], taken_count, taken_mode, taken_eoi_mode;

static volatile uint32_t *reg32(uint32_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

void interrupt_taken(uint32_t mode)
{
    uint32_t interrupt;

    __asm__ volatile("mrc p15, 0, %0, c12, c12, 0" : "=r"(interrupt)); /* ICC_IAR1 */
    taken[taken_count++ % 4] = interrupt;
    taken_mode = mode;
    if (interrupt == TIMER)
        __asm__ volatile("mcr p15, 0, %0, c14, c3, 1\n\tisb" : : "r"(0));      /* CNTV_CTL */
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 1\n\tisb" : : "r"(interrupt)); /* ICC_EOIR1 */
    if (taken_eoi_mode != 0)
        __asm__ volatile("mcr p15, 0, %0, c12, c11, 1\n\tisb" : : "r"(interrupt)); /* ICC_DIR */
}

/* Waits until so many have been taken, IRQ masked around the question. */
static void wait_for(uint32_t count, const char *what)
{
    for (uint32_t turns = 0; taken_count < count && turns < WAIT_TURNS; turns++) {
        __asm__ volatile("cpsie i\n\tisb\n\tcpsid i" : : : "memory");
    }
    check_equal(count, taken_count, what);
}

static void send(uint32_t interrupt, uint32_t upper, uint32_t targets)
{
    /* ICC_SGI1R */
    __asm__ volatile("mcrr p15, 0, %0, %1, c12\n\tisb"
                     :
                     : "r"(interrupt << SGI_SHIFT | targets), "r"(upper)
                     : "memory");
}

static void set_up(void)
{
    uint32_t enable;

    __asm__ volatile("mrc p15, 0, %0, c12, c12, 5" : "=r"(enable)); /* ICC_SRE */
    check_equal(1, enable & 1, "the system registers are on");
    __asm__ volatile("mcr p15, 0, %0, c4, c6, 0" : : "r"(0xff));       /* ICC_PMR */
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 7\n\tisb" : : "r"(1)); /* ICC_IGRPEN1 */
    check_equal(GICD_PIDR2_VERSION_3, *reg32(GICD_PIDR2), "the distributor's version");
    *reg32(GICD_CTLR) = GICD_CTLR_ON;
    *reg32(GICR_WAKER) = 0;
    check_equal(0, *reg32(GICR_WAKER), "the redistributor is awake");
    *reg32(GICR_IGROUPR0) = ~0u;
    *reg32(GICR_ISENABLER0) = 1u << SGI | 1u << SGI_OTHER | 1u << TIMER;
    check_equal(1u << SGI | 1u << SGI_OTHER | 1u << TIMER, *reg32(GICR_ISENABLER0),
                "what is enabled");
}

static void sizes(void)
{
    volatile uint8_t *bytes = (volatile uint8_t *)(uintptr_t)GICR_IPRIORITYR;
    volatile uint16_t *halves = (volatile uint16_t *)(uintptr_t)GICR_IPRIORITYR;

    *reg32(GICR_IPRIORITYR) = 0x80f81008;
    check_equal(0x80f81008, *reg32(GICR_IPRIORITYR), "a word");
    check_equal(0x10, bytes[1], "a byte of it");
    check_equal(0x80f8, halves[1], "a half of it");
    check_equal((uint32_t)-8, (uint32_t)((volatile int8_t *)bytes)[2], "a byte with its sign");
    check_equal(0xffff80f8, (uint32_t)((volatile int16_t *)halves)[1], "a half with its sign");
    bytes[3] = 0x40;
    halves[0] = 0x2030;
    check_equal(0x40f82030, *reg32(GICR_IPRIORITYR), "a byte and a half written");
}

static void software_interrupts(void)
{
    taken_count = 0;
    send(SGI, 0, TO_SELF);
    check_equal(0, taken_count, "nothing is taken while masked");
    wait_for(1, "a software-generated interrupt");
    check_equal(SGI, taken[0], "its number");
    check_equal(MODE_IRQ, taken_mode, "its mode");
    send(SGI, 1u << 8, TO_SELF); /* to all but this one */
    send(SGI, 1, TO_SELF);       /* Aff2 1 */
    send(SGI, 0, TO_SELF << 1);  /* Aff0 1 */
    for (uint32_t turns = 0; turns < MASKED_LATER; turns++)
        __asm__ volatile("cpsie i\n\tisb\n\tcpsid i" : : : "memory");
    check_equal(1, taken_count, "what is for others is not taken");
    send(SGI_OTHER, 0, TO_SELF);
    send(SGI, 0, TO_SELF);
    wait_for(3, "two at once");
    check_equal(SGI | SGI_OTHER, taken[1] | taken[2], "their numbers");
}

static void timer(void)
{
    taken_count = 0;
    /* CNTV_TVAL, CNTV_CTL */
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 0\n\tmcr p15, 0, %1, c14, c3, 1\n\tisb"
                     :
                     : "r"(MASKED_LATER), "r"(1));
    __asm__ volatile("wfi");
    wait_for(1, "the timer's interrupt");
    check_equal(TIMER, taken[0], "its number");
}

int test_interrupts(void)
{
    uint32_t interrupt;

    set_up();
    sizes();
    software_interrupts();
    timer();
    timer();
    taken_eoi_mode = 1;
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 4\n\tisb" : : "r"(EOI_MODE)); /* ICC_CTLR */
    software_interrupts();
    timer();
    *reg32(GICR_ICENABLER0) = 1u << SGI;
    send(SGI, 0, TO_SELF);
    __asm__ volatile("mrc p15, 0, %0, c12, c12, 0" : "=r"(interrupt));
    check_equal(SPURIOUS, interrupt, "one that is not enabled");
    check_equal(0, undefined_state.count, "no register of it is undefined");
    return check_result();
}

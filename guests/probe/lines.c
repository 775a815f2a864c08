/* SPDX-License-Identifier: Apache-2.0 */
/* INTx of an edu: it comes to whoever has bound the device, again and again while the line is high, and to
 * nobody else. */
#include <inttypes.h>
#include <libfdt.h>
#include <stdio.h>

#include "common/check.h"
#include "common/edu.h"
#include "common/gic_registers.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/psci.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define LABEL 0x11e
#define FIRST_SHARED 32
#define LAST_SHARED 95
#define FIRST_DEVICE 40
#define LINES 16
#define SPI_CELLS 3
#define LEVEL_HIGH 4
#define COME_NS (500 * NS_PER_MS)
#define QUIET_NS (20 * NS_PER_MS)
#define STORM_MS 300
#define STORM_LEAST 100

struct line_subject {
    uint32_t index, id, intid;
    struct edu edu;
};

/* The interrupt that comes within so long, or none. */
static uint32_t next_interrupt(uint64_t ns)
{
    uint64_t end = timer_now() + timer_ticks(ns);
    uint32_t intid = gic_acknowledge();

    while (intid >= GIC_INTID_LIMIT && timer_now() < end)
        intid = gic_acknowledge();
    return intid;
}

static void check_none(const char *what)
{
    check_true(next_interrupt(QUIET_NS) >= GIC_INTID_LIMIT, what);
}

static bool is_pending(uint32_t intid)
{
    return (mmio_read32(GICD_ISPENDR(intid / 32)) >> intid % 32 & 1) != 0;
}

static bool is_active(uint32_t intid)
{
    return (mmio_read32(GICD_ISACTIVER(intid / 32)) >> intid % 32 & 1) != 0;
}

static bool find_subject(struct line_subject *subject)
{
    struct bh_device_info info;

    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    check_true(find_edu(&subject->index, &info), "an edu is on the list");
    check_equal(BH_INTERRUPTS_LINE, info.interrupts, "it has a line");
    check_equal(FIRST_DEVICE + subject->index, info.interrupt, "which is that of its number");
    subject->id = info.device;
    subject->intid = info.interrupt;
    return !check_failed();
}

static bool bind_subject(struct line_subject *subject)
{
    struct bh_device_info info;

    check_status(BH_OK, bh_bind(subject->id, LABEL), "bind");
    check_status(BH_OK, bh_device_info(subject->index, &info), "device_info");
    check_true(!check_failed() && edu_init(&subject->edu, info.bar[0].address), "the edu answers");
    return !check_failed();
}

static void check_tree(const struct line_subject *subject)
{
    const fdt32_t *cell = NULL;
    int node = -1, length = 0;

    for (int at = fdt_next_node(bh_tree, -1, NULL); at >= 0;
         at = fdt_next_node(bh_tree, at, NULL)) {
        cell = fdt_getprop(bh_tree, at, "bulkhead,device-id", &length);
        if (cell && fdt32_ld(cell) == subject->id)
            node = at;
    }
    cell = node < 0 ? NULL : fdt_getprop(bh_tree, node, "interrupts", &length);
    check_true(cell && length == SPI_CELLS * (int)sizeof(*cell) && fdt32_ld(cell) == 0 &&
                   fdt32_ld(cell + 1) == subject->intid - FIRST_SHARED &&
                   fdt32_ld(cell + 2) == LEVEL_HIGH,
               "the device tree names the same");
}

static void check_level(const struct line_subject *subject)
{
    for (int i = 0; i < LINES; i++) {
        edu_raise(&subject->edu);
        check_equal(subject->intid, next_interrupt(COME_NS), "a raised line comes");
        gic_end(subject->intid);
        check_equal(subject->intid, next_interrupt(COME_NS), "it comes again while it is high");
        edu_quieten(&subject->edu);
        gic_end(subject->intid);
    }
    check_none("a quiet line does not come");
}

static void check_disabled(const struct line_subject *subject)
{
    gic_disable_shared(subject->intid);
    edu_raise(&subject->edu);
    check_none("a line that is disabled does not come");
    check_true(is_pending(subject->intid), "but it is pending");
    gic_enable_shared(subject->intid);
    check_equal(subject->intid, next_interrupt(COME_NS), "enabled, it comes");
    check_true(is_active(subject->intid), "taken, it is active");
    edu_quieten(&subject->edu);
    gic_end(subject->intid);
    check_true(!is_active(subject->intid), "ended, it is not");
}

/* The line stays high; every end makes it come again, and somebody else must not notice. */
static void storm(const struct line_subject *subject)
{
    uint64_t end = timer_now() + timer_ticks(STORM_MS * NS_PER_MS), count = 0;

    edu_raise(&subject->edu);
    while (timer_now() < end) {
        uint32_t intid = gic_acknowledge();

        if (intid < GIC_INTID_LIMIT) {
            gic_end(intid);
            count++;
        }
    }
    printf("a storm of %" PRIu64 " interrupts in %d ms\n", count, STORM_MS);
    check_true(count >= STORM_LEAST, "that many came");
}

int test_line(void)
{
    struct line_subject subject = { 0 };

    if (!find_subject(&subject))
        return check_result();
    check_tree(&subject);
    gic_enable_shared(subject.intid);
    check_none("before bind nothing comes");
    if (!bind_subject(&subject))
        return check_result();
    check_none("after bind nothing comes by itself");
    check_level(&subject);
    check_disabled(&subject);
    storm(&subject);

    check_equal(subject.intid, next_interrupt(COME_NS), "the last is taken, and not ended");
    check_status(BH_OK, bh_device_unbind(subject.id), "unbind with the line high");
    check_true(!is_active(subject.intid) && !is_pending(subject.intid),
               "neither pending nor active is left");
    gic_end(subject.intid);
    check_none("after unbind nothing comes");
    if (!bind_subject(&subject))
        return check_result();
    edu_raise(&subject.edu);
    check_equal(subject.intid, next_interrupt(COME_NS), "bound again, it comes");
    edu_quieten(&subject.edu);
    gic_end(subject.intid);
    edu_raise(&subject.edu);
    return check_result(); /* with the line high: it is taken back with the partition */
}

int test_line_watch(void)
{
    uint64_t ms = 2 * (uint64_t)STORM_MS;

    tree_bootarg_number("for-ms", &ms);
    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    for (uint32_t intid = FIRST_SHARED; intid <= LAST_SHARED; intid++)
        gic_enable_shared(intid);
    uint64_t end = timer_now() + timer_ticks(ms * NS_PER_MS), count = 0;

    while (timer_now() < end)
        count += gic_acknowledge() < GIC_INTID_LIMIT;
    check_equal(0, count, "interrupts of somebody else's device");
    return check_result();
}

/* Dies with the line high and the interrupt taken; what binds the device next is test_line_heir(). */
int test_line_die(void)
{
    struct line_subject subject = { 0 };

    if (!find_subject(&subject) || !bind_subject(&subject))
        return check_result();
    gic_enable_shared(subject.intid);
    edu_raise(&subject.edu);
    check_equal(subject.intid, next_interrupt(COME_NS), "the line comes");
    printf("I die with the line high\n");
    mmio_read32(0);
    check_true(false, "the touch ends this partition");
    return check_result();
}

int test_line_heir(void)
{
    struct line_subject subject = { 0 };
    int64_t status = BH_EPERM;

    if (!find_subject(&subject))
        return check_result();
    gic_enable_shared(subject.intid);
    timer_spin_ns(STORM_MS * NS_PER_MS);
    for (int left = 100; status == BH_EPERM && left > 0; left--) {
        check_true(gic_acknowledge() >= GIC_INTID_LIMIT, "nothing comes while another has it");
        timer_spin_ns(QUIET_NS);
        status = bh_bind(subject.id, LABEL);
    }
    check_status(BH_OK, status, "bind of what the dead one had");
    check_none("its line is quiet");
    check_status(BH_OK, bh_device_unbind(subject.id), "unbind");
    if (!bind_subject(&subject))
        return check_result();
    edu_raise(&subject.edu);
    check_equal(subject.intid, next_interrupt(COME_NS), "a raised line comes");
    edu_quieten(&subject.edu);
    gic_end(subject.intid);
    return check_result();
}

int test_line_none(void)
{
    struct line_subject subject = { 0 };
    struct bh_device_info info;

    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    check_true(find_edu(&subject.index, &info), "an edu is on the list");
    check_true(info.interrupts != BH_INTERRUPTS_LINE, "it has no line");
    check_equal(0, info.interrupt, "and no interrupt");
    subject.id = info.device;
    for (uint32_t intid = FIRST_SHARED; intid <= LAST_SHARED; intid++)
        gic_enable_shared(intid);
    if (!bind_subject(&subject))
        return check_result();
    edu_raise(&subject.edu);
    check_true(edu_is_raised(&subject.edu), "the device wants one");
    check_none("nothing comes");
    timer_spin_ns(STORM_MS * NS_PER_MS);
    check_none("nor later");
    return check_result();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storms: as much of one thing as a partition can do, so that a test sees what is left to those beside it.
 * bootargs: storm=NAME start-ms=N ms=N: from when on, by the counter, and for how long. The first is none: it
 * keeps its CPU busy and calls nobody.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "selfcheck.h"

#define NAME_BYTES 32
#define LABEL 0x5707
#define LULL_NS (50 * NS_PER_MS) /* until the serial port has room again for what is told last */
#define IOVA 0x10000000u
#define LEAVES 512
#define BYTES (UINT64_C(4096) * LEAVES)
#define EDU_RAISE 0x60
#define SOFTWARE_INTID 5

static struct bh_device_info device;
static uint32_t ioas;
static uint64_t leaves; /* own memory that is mapped page by page */
static uint64_t rounds;
static char line[64];

/* ---- One round of each ---------------------------------------------------------------------------- */

static void spin(void)
{
}

static void call_null(void)
{
    bh_version();
}

static void call_map(void)
{
    uint64_t done = 0;

    bh_ioas_map(ioas, IOVA, leaves, BYTES, BH_MAP_READ, &done);
    bh_ioas_unmap(ioas, IOVA, BYTES, NULL, NULL);
}

static void call_attach(void)
{
    bh_attach(device.device, BH_PASID_NONE, ioas);
    bh_detach(device.device, BH_PASID_NONE);
}

/* The steps of a reset, most of which say that it is not over. */
static void call_bind(void)
{
    if (bh_device_bind(device.device, LABEL, NULL) == BH_OK)
        bh_device_unbind(device.device);
}

static void call_info(void)
{
    bh_device_info(0, &device);
}

static void call_console(void)
{
    bh_console_write(line, sizeof(line), NULL);
}

/* Takes what is there: an interrupt that it raised itself, a line that stays high, a timer that is over. */
static void take(void)
{
    uint32_t intid = gic_acknowledge();

    if (intid >= GIC_INTID_LIMIT)
        return;
    gic_end(intid);
    rounds++;
}

static void raise_again(void)
{
    gic_raise(SOFTWARE_INTID);
    take();
}

/* ---- What keeps on --------------------------------------------------------------------------------- */

static void start_timer(void)
{
    timer_start(timer_now());
}

/* Raised and never quieted. */
static void raise_line(void)
{
    mmio_write32((uintptr_t)device.bar[0].address + EDU_RAISE, 1);
}

/* ---- Preparations ----------------------------------------------------------------------------------- */

static void own_space(void)
{
    struct bh_partition_info self;

    check_status(BH_OK, bh_partition_info(&self), "partition_info");
    leaves = self.memory_base + DMA_PAGE_BYTES; /* askew, so that each page is a leaf */
    check_status(BH_OK, bh_bind(device.device, LABEL), "bind");
    ioas = (uint32_t)bh_ioas_alloc_paging(device.device, BH_IOAS_NONE);
}

static void own_interrupts(void)
{
    check_true(gic_init(), "the interrupt controller is there");
}

static void own_software(void)
{
    own_interrupts();
    gic_enable_private(SOFTWARE_INTID);
}

static void own_timer(void)
{
    own_interrupts();
    gic_enable_private(TIMER_INTID);
}

static void own_line(void)
{
    own_interrupts();
    check_status(BH_OK, bh_bind(device.device, LABEL), "bind");
    gic_enable_shared(device.interrupt);
    bh_device_info(0, &device);
}

static void own_text(void)
{
    memset(line, '#', sizeof(line));
    line[sizeof(line) - 1] = '\n';
}

static const struct {
    const char *name;
    void (*prepare)(void);
    void (*round)(void);
    bool counts; /* its rounds by itself */
    void (*begin)(void);
} storms[] = {
    { "none", spin, spin, false, NULL },
    { "null", spin, call_null, false, NULL },
    { "info", spin, call_info, false, NULL },
    { "map", own_space, call_map, false, NULL },
    { "attach", own_space, call_attach, false, NULL },
    { "bind", spin, call_bind, false, NULL },
    { "console", own_text, call_console, false, NULL },
    { "sgi", own_software, raise_again, true, NULL },
    { "timer", own_timer, take, true, start_timer },
    { "line", own_line, take, true, raise_line },
};

static void rage(void (*round)(void), bool counts, uint64_t end)
{
    while (timer_now() < end) {
        round();
        rounds += !counts;
    }
}

int test_storm(void)
{
    char name[NAME_BYTES];
    uint64_t ms = 0, start_ms = 0;

    tree_bootarg("storm", name, sizeof(name));
    tree_bootarg_number("ms", &ms);
    tree_bootarg_number("start-ms", &start_ms);
    uint64_t start = timer_ticks(start_ms * NS_PER_MS), ticks = timer_ticks(ms * NS_PER_MS);

    check_status(BH_OK, bh_device_info(0, &device), "device_info");
    for (size_t i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
        if (strcmp(storms[i].name, name) != 0)
            continue;
        storms[i].prepare();
        check_true(timer_now() < start, "there is time until the start");
        if (timer_now() < start)
            timer_sleep_ns(timer_ns(start - timer_now()));
        if (storms[i].begin != NULL)
            storms[i].begin();
        printf("storm: begins\n");
        rage(storms[i].round, storms[i].counts, start + ticks);
        timer_sleep_ns(LULL_NS);
        printf("storm: %" PRIu64 " rounds of %s\n", rounds, name);
        return check_result();
    }
    printf("no storm \"%s\"\n", name);
    return CHECK_EXIT_UNUSABLE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile partition: it owns an `iommu-testdev` and sends it wherever it should not reach.
 *
 * Words of bootargs, all physical addresses, which a partition has no way to find out itself:
 *   own=0x...           of this partition's memory, for the device to find what it wrote
 *   <key>=0x...         of each thing to be attacked, see `targets`
 *
 * An attempt counts as blocked when the device says that the bus refused the write, a fault record
 * names address, access, cause and this device, and a page of the program's own is as it was. What
 * else stays as it was has to be looked at from outside. And none is believed without its control: the
 * same write to the same address, once that is mapped to a page of the program's own, lands there.
 *
 * Exit code: the number of surprises, 0 when all went as it should.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/fault.h"
#include "common/report.h"
#include "common/testdev.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "sdk/pci.h"
#include "sdk/timer.h"
#include "sdk/tree.h"

#define LABEL 0xbadu
#define OWN_IOVA UINT64_C(0x100000000)
#define CANARY 0xcafecafeu
#define PAGE_MASK ((uint64_t)DMA_PAGE_BYTES - 1)

#define PAUSE_NS (150 * NS_PER_MS) /* the hypervisor's log takes 8 faults of a device a second */
#define EXIT_MAX 100

struct target {
    const char *key; /* in bootargs */
    const char *what;
};

static const struct target targets[] = {
    { "sensor", "write to the memory of sensor" },
    { "legacy", "write to the memory of legacy" },
    { "image", "write to the image of the hypervisor" },
    { "stream-table", "write to the stream table" },
    { "commands", "write to the IOMMU's command queue" },
    { "events", "write to the IOMMU's event queue" },
    { "tables", "write to the hypervisor's page tables" },
    { "pool", "write to sensor's page tables" },
    { "own-pool", "write to my own page tables" },
    { "iommu", "write to the IOMMU's registers" },
    { "doorbell", "write to the interrupt doorbell" },
    { "bar", "write to another device's registers" },
};

/* What was seen of one write. */
struct seen {
    uint32_t result; /* the device's word */
    uint32_t word;   /* that the page holds */
    bool faulted;
    struct bh_query_fault fault;
};

static uint32_t device, ioas;
static uintptr_t registers;
static uint64_t aperture_last;
static volatile uint32_t *page;
static uint64_t physical; /* of the page */

static struct seen fire_once(uint64_t iova)
{
    struct seen seen = { .faulted = false };
    uint64_t before = fault_of(device).count;

    *page = CANARY;
    dma_publish();
    seen.result = testdev_write(registers, iova, physical);
    seen.word = *page;
    if (seen.result == TESTDEV_LANDED)
        seen.faulted = fault_of(device).count != before;
    else
        seen.faulted = fault_wait(device, before, FAULT_LIMIT_NS, &seen.fault);
    return seen;
}

/*
 * Others behind the same unit may fault so fast that its queue is full and records are lost, which is
 * counted. Then nothing is known, and the same is tried again.
 */
static struct seen fire(uint64_t iova)
{
    struct seen seen;
    uint64_t lost;

    for (int i = 0; i < FAULT_TRIES; i++) {
        lost = fault_of(device).lost;
        seen = fire_once(iova);
        if (seen.faulted || seen.result != TESTDEV_FAILED || fault_of(device).lost == lost)
            break;
        report_line("again", "the unit lost records meanwhile: its queue was full");
    }
    return seen;
}

static enum outcome judge(const struct seen *seen, uint64_t iova, uint32_t cause)
{
    if (seen->result == TESTDEV_LANDED && seen->word == TESTDEV_PATTERN && !seen->faulted)
        return OUTCOME_LANDS;
    if (seen->result != TESTDEV_FAILED || seen->word != CANARY)
        return OUTCOME_UNCLEAR;
    if (!seen->faulted)
        return OUTCOME_SILENT;
    return fault_fits(&seen->fault, iova, BH_ACCESS_WRITE, cause) && seen->fault.label == LABEL
               ? OUTCOME_BLOCKED
               : OUTCOME_UNCLEAR;
}

static void tell(const struct seen *seen)
{
    char text[FAULT_TEXT_BYTES];

    report_line("device", "result 0x%" PRIx32 ": %s", seen->result,
                seen->result == TESTDEV_LANDED      ? "it found its pattern where I expected it"
                : seen->result == TESTDEV_FAILED    ? "the bus refused the write"
                : seen->result == TESTDEV_ELSEWHERE ? "the write WENT THROUGH, somewhere"
                                                    : "it did not try");
    if (seen->faulted)
        report_line("fault", "%s", fault_text(&seen->fault, text));
    else
        report_line("fault", "none was recorded");
    report_line("page", "my page holds 0x%08" PRIx32, seen->word);
}

static void conclude(const char *what, enum outcome expected, enum outcome outcome,
                     const struct seen *seen, const char *control)
{
    char proof[REPORT_PROOF_BYTES] = "data";

    if (outcome == OUTCOME_UNCLEAR || outcome == OUTCOME_SILENT)
        snprintf(proof, sizeof(proof), "see above");
    else if (outcome == OUTCOME_BLOCKED)
        fault_proof(&seen->fault, control, proof);
    report_attempt(what, expected, outcome, proof);
}

/* One write and its row; for addresses of my own, where each row is the control of its neighbour. */
static void try(const char *what, uint64_t iova, enum outcome expected, uint32_t cause)
{
    struct seen seen;

    report_line("try", "%s", what);
    seen = fire(iova);
    tell(&seen);
    conclude(what, expected, judge(&seen, iova, cause), &seen, "");
    timer_sleep_ns(PAUSE_NS);
}

static int64_t map(uint64_t iova, uint64_t flags)
{
    return bh_map(ioas, iova & ~PAGE_MASK, bh_address(page), DMA_PAGE_BYTES, flags, NULL);
}

static int64_t unmap(uint64_t iova)
{
    return bh_unmap(ioas, iova & ~PAGE_MASK, DMA_PAGE_BYTES, NULL);
}

/* The control: the page comes into the map at that very address. */
static bool lands_once_mapped(uint64_t iova)
{
    uint64_t inside = iova & PAGE_MASK, whole = physical;
    volatile uint32_t *first = page;
    struct seen seen;

    if (map(iova, BH_MAP_WRITE) != BH_OK)
        return false;
    page = first + inside / sizeof(*page);
    physical = whole + inside;
    seen = fire(iova);
    page = first;
    physical = whole;
    report_line("control", "mapped to a page of my own: result 0x%" PRIx32 ", 0x%08" PRIx32,
                seen.result, seen.word);
    return unmap(iova) == BH_OK && judge(&seen, iova, BH_CAUSE_NONE) == OUTCOME_LANDS;
}

static void attack(const struct target *target)
{
    struct seen seen;
    enum outcome outcome;
    uint64_t iova;

    if (!tree_bootarg_number(target->key, &iova)) {
        report_line("missing", "%s: bootargs have no %s=0x...", target->what, target->key);
        report_attempt(target->what, OUTCOME_BLOCKED, OUTCOME_NOT_TRIED, "no address");
        return;
    }
    report_line("try", "%s, at 0x%" PRIx64, target->what, iova);
    seen = fire(iova);
    tell(&seen);
    outcome = judge(&seen, iova, BH_CAUSE_TRANSLATION);
    if (!lands_once_mapped(iova))
        outcome = OUTCOME_UNCLEAR;
    conclude(target->what, OUTCOME_BLOCKED, outcome, &seen, ", control lands");
    timer_sleep_ns(PAUSE_NS);
}

/* What is not used is given back. */
static bool attach_device(void)
{
    int64_t status;

    registers = pci_registers(device, 0);
    if (registers == 0) {
        report_step("registers", BH_ENOENT, "it has none, or out of my reach");
        return false;
    }
    status = bh_ioas_alloc_paging(device, BH_IOAS_NONE);
    report_step("space", status, "an empty I/O address space");
    if (status < 0)
        return false;
    ioas = (uint32_t)status;
    status = bh_attach(device, BH_PASID_NONE, ioas);
    report_step("attach", status, "the device's addresses go through it");
    if (status != BH_OK)
        report_step("free", bh_ioas_free(ioas), "the space is not used");
    return status == BH_OK;
}

static bool take_device(void)
{
    struct bh_device_info info;
    int64_t status;

    report_section("A device that asks nobody for leave");
    if (!pci_find_id(TESTDEV_VENDOR_DEVICE, &info)) {
        report_step("device", BH_ENOENT, "no iommu-testdev on the list of this partition");
        return false;
    }
    device = info.device;
    aperture_last = info.aperture_last;
    status = bh_bind(device, LABEL);
    report_step("bind", status, "%.*s is mine", (int)sizeof(info.name), info.name);
    if (status != BH_OK)
        return false;
    if (attach_device())
        return true;
    report_step("unbind", bh_device_unbind(device), "it is of no use");
    return false;
}

/* Where my page lies for the device, which looks there past the IOMMU. */
static bool find_page(void)
{
    struct bh_partition_info self;
    uint64_t own;

    page = dma_alloc(1);
    if (!page || bh_partition_info(&self) != BH_OK || !tree_bootarg_number("own", &own)) {
        report_step("page", BH_EINVAL, "no page, or bootargs have no own=0x...");
        return false;
    }
    physical = own + (bh_address(page) - self.memory_base);
    return true;
}

static void own_page(void)
{
    report_section("A page of my own");
    try("write to a page that I did not map", OWN_IOVA, OUTCOME_BLOCKED, BH_CAUSE_TRANSLATION);
    report_step("map", map(OWN_IOVA, BH_MAP_WRITE), "to be written");
    try("the same write, after map", OWN_IOVA, OUTCOME_LANDS, BH_CAUSE_NONE);
    report_step("unmap", unmap(OWN_IOVA), "out again");
    try("the same write, after unmap", OWN_IOVA, OUTCOME_BLOCKED, BH_CAUSE_TRANSLATION);
    report_step("map", map(OWN_IOVA, BH_MAP_READ), "to be read");
    try("write to a page that it may only read", OWN_IOVA, OUTCOME_BLOCKED, BH_CAUSE_PERMISSION);
    report_step("unmap", unmap(OWN_IOVA), "out again");
}

/*
 * Behind the last address that can be mapped none can be a control; the last page itself is one. QEMU's
 * unit refuses what is longer than its input addresses without an event, so that none is told.
 */
static void past_the_aperture(void)
{
    static const char what[] = "write past the end of the aperture";
    uint64_t last = aperture_last & ~PAGE_MASK, behind = aperture_last + 1;
    int64_t refused = map(behind, BH_MAP_WRITE);
    enum outcome outcome;
    struct seen seen;

    report_line("try", "%s, at 0x%" PRIx64, what, behind);
    report_line("map", "%s", bh_error_name(refused));
    seen = fire(behind);
    tell(&seen);
    outcome = judge(&seen, behind, BH_CAUSE_TRANSLATION);
    if (refused != BH_ERANGE || !lands_once_mapped(last))
        outcome = OUTCOME_UNCLEAR;
    report_attempt(what, OUTCOME_SILENT, outcome,
                   outcome == OUTCOME_SILENT ? "refused by the bus, control lands" : "see above");
    timer_sleep_ns(PAUSE_NS);
}

/* The same write lands as long as the device is attached, and again when it comes back. */
static void detached(void)
{
    report_section("Without an address space");
    report_step("map", map(OWN_IOVA, BH_MAP_WRITE), "to be written");
    try("write while attached", OWN_IOVA, OUTCOME_LANDS, BH_CAUSE_NONE);
    report_step("detach", bh_detach(device, BH_PASID_NONE), "parked");
    try("the same write, after detach", OWN_IOVA, OUTCOME_BLOCKED, BH_CAUSE_TRANSLATION);
    report_step("attach", bh_attach(device, BH_PASID_NONE, ioas), "back again");
    try("the same write, after attach", OWN_IOVA, OUTCOME_LANDS, BH_CAUSE_NONE);
    report_step("unmap", unmap(OWN_IOVA), "out again");
}

int main(void)
{
    int surprises;

    if (find_page() && take_device()) {
        own_page();
        report_section("What is not mine, by its physical addresses");
        for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
            attack(&targets[i]);
        past_the_aperture();
        detached();
        report_step("detach", bh_detach(device, BH_PASID_NONE), "parked");
        report_step("free", bh_ioas_free(ioas), "the I/O address space is empty and freed");
        report_step("unbind", bh_device_unbind(device), "no longer mine");
    }
    surprises = report_table();
    return surprises < EXIT_MAX ? surprises : EXIT_MAX;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo: a partition that owns an `edu` device uses it, and then misuses it.
 *
 * Words of bootargs:
 *   image=0x...         physical address of the hypervisor's image, which begins with its header
 *   stream-table=0x...  physical address of a stream table
 * Exit code: the number of surprises, 0 when all went as it should.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attempt.h"
#include "common/edu.h"
#include "common/report.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/timer.h"
#include "sdk/tree.h"

#define LABEL 0xed0u

/*
 * Where the device sees the pages: an address that is far from any memory, and not the one at
 * which the program sees them. Were nothing translated, nothing would work.
 */
#define IOVA_BASE UINT64_C(0x100000000)
#define SOURCE_IOVA IOVA_BASE
#define TARGET_IOVA (IOVA_BASE + DMA_PAGE_BYTES)
#define SPARE_IOVA (TARGET_IOVA + DMA_PAGE_BYTES)
#define READ_ONLY_IOVA (SPARE_IOVA + DMA_PAGE_BYTES)
#define IOVA_END (READ_ONLY_IOVA + DMA_PAGE_BYTES)

/* The word of a Linux arm64 Image header that reads "ARM\x64": never zeros, never all ones. */
#define IMAGE_MAGIC_OFFSET 0x38

#define BLOCK_BYTES 512
#define EDU_TIME_NS (200 * NS_PER_MS) /* twice what a transfer takes */
#define EXIT_MAX 100                  /* below the codes of the SDK */
#define MIB_SHIFT 20

static struct rig rig = {
    .label = LABEL,
    .source = { .iova = SOURCE_IOVA },
    .target = { .iova = TARGET_IOVA },
    .spare = { .iova = SPARE_IOVA },
};
static struct bh_device_info device;
static uint32_t device_index;
static uint32_t ioas;

static void introduce(void)
{
    struct bh_partition_info self;

    if (bh_partition_info(&self) != BH_OK)
        memset(&self, 0, sizeof(self));
    printf("I am \"%.*s\", a program alone in a partition: %" PRIu32 " CPU, %" PRIu64
           " MiB of memory at 0x%" PRIx64 ".\n",
           (int)sizeof(self.name), self.name, self.processor_count, self.memory_size >> MIB_SHIFT,
           self.memory_base);
    printf("A device that masters the bus reads and writes memory by itself: the page tables\n"
           "of a CPU do not stop it. An IOMMU stands between such devices and memory and checks\n"
           "each address that they send. Bulkhead holds its tables. I own a device, and I shall\n"
           "try to misuse it.\n");
}

/* The first edu on my list. Nothing touches its registers before the bind: they are not there. */
static bool find_device(void)
{
    for (device_index = 0; bh_device_info(device_index, &device) == BH_OK; device_index++) {
        if (device.vendor_device == EDU_VENDOR_DEVICE)
            return true;
    }
    return false;
}

static bool take_device(void)
{
    int64_t status;

    report_section("A device of my own");
    if (!find_device()) {
        report_step("device", BH_ENOENT, "no edu on the list of this partition");
        return false;
    }
    rig.device = device.device;
    report_line("device", "%.*s, an \"edu\": a buffer of 4 KiB and an engine that copies",
                (int)sizeof(device.name), device.name);
    report_line("group", "%" PRIu32 ", %s", device.group,
                device.group_members == 1
                    ? "it stands alone: no other device can speak in its name"
                    : "which it shares with devices that cannot be told from it");

    status = bh_bind(rig.device, rig.label);
    report_step("bind", status, "it is mine now, freshly reset; I call it 0x%x", LABEL);
    return status == BH_OK;
}

static bool map_page(const struct page *page, uint64_t flags, const char *may)
{
    int64_t status = bh_map(ioas, page->iova, bh_address(page->words), DMA_PAGE_BYTES, flags, NULL);

    report_step("map", status, "I/O address 0x%" PRIx64 " -> my page 0x%" PRIx64 ", %s", page->iova,
                bh_address(page->words), may);
    return status == BH_OK;
}

static bool attach(void)
{
    int64_t status = bh_attach(rig.device, BH_PASID_NONE, ioas);

    report_step("attach", status, "from now on the device's addresses go through that space");
    return status == BH_OK;
}

static bool give_memory(void)
{
    int64_t id = bh_ioas_alloc_paging(rig.device, BH_IOAS_NONE);

    report_step("space", id, "an I/O address space for it: empty, so it reaches nothing yet");
    if (id < 0)
        return false;
    ioas = (uint32_t)id;
    rig.source.words = dma_alloc(1);
    rig.target.words = dma_alloc(1);
    rig.spare.words = dma_alloc(1);
    return map_page(&rig.source, BH_MAP_READ, "to be read") &&
           map_page(&rig.target, BH_MAP_WRITE, "to be written") && attach();
}

static bool find_registers(void)
{
    bool found = bh_device_info(device_index, &device) == BH_OK &&
                 edu_init(&rig.edu, device.bar[0].address);

    report_step("hello", found ? BH_OK : BH_ENOENT, "its registers answer at 0x%" PRIx64,
                device.bar[0].address);
    return found;
}

/* A block from page to device and back to the other page. */
static void copy_block(void)
{
    static const char what[] = "copy a block inside my own memory";
    unsigned char *source = (unsigned char *)(uintptr_t)rig.source.words;
    unsigned char *target = (unsigned char *)(uintptr_t)rig.target.words;
    struct bh_query_fault before = { 0 }, after = { 0 };
    bool idle, same;

    for (unsigned int i = 0; i < BLOCK_BYTES; i++)
        source[i] = (unsigned char)(i * 7 + 1);
    memset(target, 0, BLOCK_BYTES);
    report_line("try", "%s: %d bytes, page to device, device to page", what, BLOCK_BYTES);
    bh_query_fault(rig.device, &before);
    idle = edu_transfer(&rig.edu, EDU_FROM_MEMORY, rig.source.iova, 0, BLOCK_BYTES) &&
           edu_transfer(&rig.edu, EDU_TO_MEMORY, rig.target.iova, 0, BLOCK_BYTES);
    __asm__ volatile("" : : : "memory"); /* the device wrote behind the compiler's back */
    same = memcmp(source, target, BLOCK_BYTES) == 0;
    bh_query_fault(rig.device, &after);

    if (idle && same && after.count == before.count) {
        report_line("seen", "it lands: both pages hold the same %d bytes", BLOCK_BYTES);
        report_attempt(what, OUTCOME_LANDS, OUTCOME_LANDS, "data");
        return;
    }
    report_line("seen", "%s, %s, %" PRIu64 " faults", idle ? "device idle" : "device stuck",
                same ? "pages equal" : "pages differ", after.count - before.count);
    report_attempt(what, OUTCOME_LANDS, OUTCOME_UNCLEAR, "see above");
}

/* An attempt with a fresh pattern in the device. */
static void try(const struct attempt *attempt)
{
    if (rig_load(&rig))
        attempt_run(&rig, attempt);
    else
        report_attempt(attempt->what, attempt->expected, OUTCOME_NOT_TRIED, "device stuck");
}

static void use(void)
{
    report_section("Use: inside my own memory");
    copy_block();
}

/* The page is there, and mine; what the device may do with it is decided by the map alone. */
static void misuse_own_page(void)
{
    struct attempt attempt = {
        .what = "write to a page that I did not map",
        .direction = EDU_TO_MEMORY,
        .iova = SPARE_IOVA,
        .witness = rig.spare.words,
        .expected = OUTCOME_BLOCKED,
        .cause = BH_CAUSE_TRANSLATION,
    };

    report_section("Misuse: pages that it should not write");
    try(&attempt);

    report_text("Is that the IOMMU, or a broken device? The very same, with the page in the map:");
    map_page(&rig.spare, BH_MAP_WRITE, "to be written");
    attempt.what = "the same write, after map";
    attempt.expected = OUTCOME_LANDS;
    try(&attempt);

    report_text("And once more, with the page out of the map again:");
    report_step("unmap", bh_unmap(ioas, SPARE_IOVA, DMA_PAGE_BYTES, NULL),
                "when the call returns, no stale translation is left");
    attempt.what = "the same write, after unmap";
    attempt.expected = OUTCOME_BLOCKED;
    try(&attempt);

    rig.spare.iova = READ_ONLY_IOVA;
    map_page(&rig.spare, BH_MAP_READ, "to be read");
    attempt.what = "write to a page that it may only read";
    attempt.iova = READ_ONLY_IOVA;
    attempt.cause = BH_CAUSE_PERMISSION;
    try(&attempt);
}

/* An attempt at an address that bootargs tell. */
static void try_key(const char *key, uint64_t offset, const char *what,
                    enum edu_direction direction)
{
    struct attempt attempt = {
        .what = what,
        .direction = direction,
        .expected = OUTCOME_BLOCKED,
        .cause = BH_CAUSE_TRANSLATION,
    };
    uint64_t address;

    if (!tree_bootarg_number(key, &address)) {
        report_line("missing", "%s: bootargs have no %s=0x...", what, key);
        report_attempt(what, OUTCOME_BLOCKED, OUTCOME_NOT_TRIED, "no address");
        return;
    }
    attempt.iova = address + offset;
    try(&attempt);
}

static void misuse_hypervisor(void)
{
    report_section("Misuse: the hypervisor itself, by its physical addresses");
    try_key("image", 0, "write to the image of the hypervisor", EDU_TO_MEMORY);
    try_key("image", IMAGE_MAGIC_OFFSET, "read of Bulkhead's code", EDU_FROM_MEMORY);
    try_key("stream-table", 0, "write to the stream table", EDU_TO_MEMORY);
}

static void after_detach(void)
{
    const struct attempt attempt = {
        .what = "write after detach",
        .direction = EDU_TO_MEMORY,
        .iova = TARGET_IOVA,
        .witness = rig.target.words,
        .expected = OUTCOME_SILENT,
    };

    report_section("Detach: a device without an address space is parked");
    if (!rig_load(&rig))
        report_step("load", BH_EBUSY, "the device does not become idle");
    report_step("detach", bh_detach(rig.device, BH_PASID_NONE),
                "the maps stay, the device has left them");
    report_text("Its bus mastering is off now, too: it is stopped before it can cause a fault.");
    attempt_run(&rig, &attempt);
}

/*
 * After unbind there are no registers to start a transfer with: it is started before, and is in
 * flight while the device goes. The device takes 100 ms; the calls have to be quicker.
 */
static void in_flight(void)
{
    const struct attempt attempt = {
        .what = "write in flight during unbind",
        .direction = EDU_TO_MEMORY,
        .iova = TARGET_IOVA,
        .witness = rig.target.words,
        .expected = OUTCOME_SILENT,
    };
    struct started started;
    uint64_t begin, gone;

    report_section("Unbind: the device goes while a transfer is in flight");
    if (!attach() || !rig_load(&rig)) {
        report_attempt(attempt.what, attempt.expected, OUTCOME_NOT_TRIED, "not ready");
        return;
    }
    report_line("try", "%s", attempt.what);
    begin = timer_now();
    started = attempt_start(&rig, &attempt);
    report_step("detach", bh_detach(rig.device, BH_PASID_NONE), "parked");
    report_step("unbind", bh_device_unbind(rig.device), "no longer mine, registers withdrawn");
    gone = timer_ns(timer_now() - begin) / NS_PER_US;
    report_line("gone", "%" PRIu64 " us after the transfer's start", gone);
    timer_sleep_ns(EDU_TIME_NS);
    attempt_judge(&rig, &attempt, &started, false);
}

/* The maps end with their space, and the space with its last map. */
static void clean_up(void)
{
    int64_t status = bh_unmap(ioas, IOVA_BASE, IOVA_END - IOVA_BASE, NULL);

    if (status == BH_OK)
        status = bh_ioas_free(ioas);
    report_step("free", status, "the I/O address space is empty and freed");
}

int main(void)
{
    int surprises;

    introduce();
    if (take_device() && give_memory() && find_registers()) {
        use();
        misuse_own_page();
        misuse_hypervisor();
        after_detach();
        in_flight();
        clean_up();
    }
    surprises = report_table();
    return surprises < EXIT_MAX ? surprises : EXIT_MAX;
}

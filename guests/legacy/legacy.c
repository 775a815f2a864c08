/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of the old kind, in ordinary C with printf() and malloc(): it owns an NVMe controller,
 * writes to its disk and reads back, and then names memory to the controller that it did not map.
 * The 32-bit build is what the demo runs; the same sources give a 64-bit one.
 *
 * Words of bootargs: seed=N, what the data written begins with (0 to 255; without it 1).
 * Exit code: the number of surprises, 0 when all went as it should.
 *
 * Blocks of the disk that it writes: page number PAGE_ONE (4 KiB each), PAGE_MANY and the three
 * behind it, PAGE_VICTIM. tests/system/test_legacy.py reads them from outside.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/nvme.h"
#include "common/report.h"
#include "rig.h"
#include "sdk/bulkhead.h"
#include "sdk/pci.h"
#include "sdk/tree.h"

#define LABEL 0x4e56u
#define PAGE_FIRST 0u
#define PAGE_ONE 1u
#define PAGE_MANY 8u
#define PAGE_VICTIM 16u
#define DISK_PAGES 17u
#define TITLE_BYTES 33 /* of the text that block 0 may begin with */
#define BITS_PER_BYTE 8
#define BYTE_VALUES 256
#define MIB_SHIFT 20
#define EXIT_MAX 100 /* below the codes of the SDK */

static struct rig rig = { .label = LABEL };
static struct bh_device_info device;
static uint64_t seed = 1;

static void introduce(void)
{
    struct bh_partition_info self;

    if (bh_partition_info(&self) != BH_OK)
        memset(&self, 0, sizeof(self));
    tree_bootarg_number("seed", &seed);
    printf("I am \"%.*s\", %d-bit code in a partition: %" PRIu64 " MiB of memory at 0x%" PRIx64
           ".\n",
           (int)sizeof(self.name), self.name, (int)sizeof(uintptr_t) * BITS_PER_BYTE,
           self.memory_size >> MIB_SHIFT, self.memory_base);
    printf(
        "My disk is behind an NVMe controller, which fetches its commands and moves its data by\n"
        "itself. It reaches the pages that I map for it, and I shall name others, too.\n");
}

static bool take_device(void)
{
    int64_t status;

    report_section("A controller of my own");
    if (!pci_find_class(NVME_CLASS, &device)) {
        report_step("device", BH_ENOENT, "no NVMe controller on the list of this partition");
        return false;
    }
    rig.device = device.device;
    report_line("device", "%.*s, group %" PRIu32 ", %" PRIu32 " in it", (int)sizeof(device.name),
                device.name, device.group, device.group_members);
    status = bh_bind(rig.device, rig.label);
    report_step("bind", status, "it is mine now, freshly reset; I call it 0x%x", LABEL);
    return status == BH_OK;
}

/* ---- Memory ---------------------------------------------------------------------------------- */
static int64_t map_pages(const struct nvme_page *first, unsigned int count, uint64_t flags)
{
    int64_t status = BH_OK;

    for (unsigned int i = 0; i < count && status == BH_OK; i++)
        status = rig_map(&rig, &first[i], flags);
    return status;
}

/* Each page for what the controller has to do there, and no more. */
static int64_t map_all(void)
{
    const struct {
        const struct nvme_page *page;
        unsigned int count;
        uint64_t flags;
    } maps[] = {
        { &rig.memory.admin_submissions, 1, BH_MAP_READ },
        { &rig.memory.admin_completions, 1, BH_MAP_WRITE },
        { &rig.memory.submissions, 1, BH_MAP_READ },
        { &rig.memory.completions, 1, BH_MAP_WRITE },
        { &rig.memory.identity, 1, BH_MAP_WRITE },
        { &rig.list, 1, BH_MAP_READ },
        { rig.source, DATA_PAGES, BH_MAP_READ },
        { rig.target, DATA_PAGES, BH_MAP_WRITE },
    };
    int64_t status = BH_OK;

    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) && status == BH_OK; i++)
        status = map_pages(maps[i].page, maps[i].count, maps[i].flags);
    return status;
}

static bool give_memory(void)
{
    int64_t status = bh_ioas_alloc_paging(rig.device, BH_IOAS_NONE);

    report_step("space", status, "an I/O address space for it: empty, so it reaches nothing yet");
    if (status < 0)
        return false;
    rig.ioas = (uint32_t)status;
    status = rig_allot(&rig) ? map_all() : BH_ENOSPC;
    report_step("map", status, "queues and buffers, one page each, at 0x%" PRIx64 " and up",
                rig.memory.admin_submissions.iova);
    if (status != BH_OK)
        return false;
    status = bh_attach(rig.device, BH_PASID_NONE, rig.ioas);
    report_step("attach", status, "from now on its addresses go through that space");
    return status == BH_OK;
}

/* ---- Use ------------------------------------------------------------------------------------- */
/* A step of the driver's: its status becomes one that the report counts. */
static bool driver_step(const char *word, int status, const char *what)
{
    if (status == NVME_OK)
        report_line(word, "%s", what);
    else
        report_step(word, BH_ETIMEDOUT, "%s: status %d", what, status);
    return status == NVME_OK;
}

static bool start_controller(void)
{
    uintptr_t registers = pci_registers(rig.device, 0);

    report_section("The driver: reset, enable, two queues");
    if (registers == 0) {
        report_step("hello", BH_ENOENT, "the controller has no registers");
        return false;
    }
    report_line("hello", "its registers answer at 0x%" PRIxPTR, registers);
    if (!driver_step("enable", nvme_enable(&rig.nvme, registers, &rig.memory),
                     "reset, admin queue, ready") ||
        !driver_step("identify", nvme_identify(&rig.nvme), "controller and namespace") ||
        !driver_step("queues", nvme_create_queues(&rig.nvme), "one to submit, one to complete"))
        return false;
    report_line("disk", "\"%s\", serial \"%s\", %" PRIu64 " blocks of %" PRIu32 " bytes",
                rig.nvme.model, rig.nvme.serial, rig.nvme.blocks, rig.nvme.block_bytes);
    if (rig.nvme.blocks < rig_blocks(&rig, DISK_PAGES)) {
        report_step("disk", BH_ENOSPC, "it is too small");
        return false;
    }
    return true;
}

/* What stands in page number `page` of the disk once this program has written it. */
static void make_pattern(unsigned char *bytes, uint32_t page, uint32_t pages)
{
    for (uint32_t i = 0; i < pages * NVME_PAGE_BYTES; i++)
        bytes[i] = (unsigned char)((uint32_t)seed + page + i * 7 + i / BYTE_VALUES);
}

/* Lets the rest of a transfer stand in a list where it has more than two pages. */
static uint64_t rest_of(const struct nvme_page *data, uint32_t pages)
{
    volatile uint32_t *list = (volatile uint32_t *)rig.list.bytes;

    if (pages <= 2)
        return pages == 2 ? data[1].iova : 0;
    for (uint32_t i = 1; i < pages; i++) {
        *list++ = (uint32_t)data[i].iova;
        *list++ = (uint32_t)(data[i].iova >> 32);
    }
    return rig.list.iova;
}

static int transfer(enum nvme_direction direction, uint32_t page, uint32_t pages)
{
    const struct nvme_page *data = direction == NVME_READ ? rig.target : rig.source;

    return nvme_transfer(&rig.nvme, direction, rig_blocks(&rig, page), rig_blocks(&rig, pages),
                         data[0].iova, rest_of(data, pages));
}

static bool read_and_compare(const unsigned char *expected, uint32_t page, uint32_t pages)
{
    for (uint32_t i = 0; i < pages * NVME_PAGE_BYTES; i++)
        rig.target[i / NVME_PAGE_BYTES].bytes[i % NVME_PAGE_BYTES] = (uint8_t)~expected[i];
    if (transfer(NVME_READ, page, pages) != NVME_OK)
        return false;
    for (uint32_t i = 0; i < pages * NVME_PAGE_BYTES; i++) {
        if (rig.target[i / NVME_PAGE_BYTES].bytes[i % NVME_PAGE_BYTES] != expected[i])
            return false;
    }
    return true;
}

/* Writes, reads back, flushes, and reads once more. */
static void use_pages(const char *what, uint32_t page, uint32_t pages)
{
    unsigned char *bytes = malloc((size_t)pages * NVME_PAGE_BYTES);
    struct bh_query_fault before = { 0 }, after = { 0 };
    bool wrote, first, flushed, second;

    report_line("try", "%s: %" PRIu32 " bytes", what, pages * NVME_PAGE_BYTES);
    if (!bytes) {
        report_attempt(what, OUTCOME_LANDS, OUTCOME_NOT_TRIED, "no memory");
        return;
    }
    make_pattern(bytes, page, pages);
    for (uint32_t i = 0; i < pages * NVME_PAGE_BYTES; i++)
        rig.source[i / NVME_PAGE_BYTES].bytes[i % NVME_PAGE_BYTES] = bytes[i];
    bh_query_fault(rig.device, &before);
    wrote = transfer(NVME_WRITE, page, pages) == NVME_OK;
    first = wrote && read_and_compare(bytes, page, pages);
    flushed = wrote && nvme_flush(&rig.nvme) == NVME_OK;
    second = flushed && read_and_compare(bytes, page, pages);
    bh_query_fault(rig.device, &after);
    free(bytes);

    report_line("seen", "%s; %s; %s; %s; %" PRIu64 " faults", wrote ? "written" : "not written",
                first ? "read back, the same" : "not read back",
                flushed ? "flushed" : "not flushed",
                second ? "read again, the same" : "not read again", after.count - before.count);
    report_attempt(what, OUTCOME_LANDS,
                   second && first && after.count == before.count ? OUTCOME_LANDS : OUTCOME_UNCLEAR,
                   second ? "data" : "see above");
}

static void use(void)
{
    char title[TITLE_BYTES] = "";

    report_section("Use: the disk, through the pages that are mapped");
    if (!driver_step("read", transfer(NVME_READ, PAGE_FIRST, 1), "what the disk begins with"))
        return;
    for (unsigned int i = 0; i < TITLE_BYTES - 1; i++) {
        uint8_t byte = rig.target[0].bytes[i];

        title[i] = byte >= ' ' && byte <= '~' ? (char)byte : '\0';
    }
    report_line("title", "\"%s\"", title);
    use_pages("write a page and read it back", PAGE_ONE, 1);
    use_pages("the same with four, by a list", PAGE_MANY, DATA_PAGES);
}

/* ---- Misuse ---------------------------------------------------------------------------------- */
/* One block from the disk into the spare page, however that is named. */
static struct attempt read_to(const char *what, uint64_t iova, uint32_t cause)
{
    return (struct attempt){ .what = what,
                             .direction = NVME_READ,
                             .block = rig_blocks(&rig, PAGE_ONE),
                             .blocks = 1,
                             .first = iova,
                             .expected = OUTCOME_BLOCKED,
                             .iova = iova,
                             .access = BH_ACCESS_WRITE,
                             .cause = cause };
}

static void misuse_data(void)
{
    struct attempt attempt = read_to("read into a page that I did not map", rig.spare.iova,
                                     BH_CAUSE_TRANSLATION);

    report_section("Misuse: data where the controller should not reach");
    rig_try(&rig, &attempt);

    report_text("The very same, with the page in the map, and with the page out of it again:");
    report_step("map", rig_map(&rig, &rig.spare, BH_MAP_WRITE), "to be written");
    attempt.what = "the same read, after map";
    attempt.expected = OUTCOME_LANDS;
    rig_try(&rig, &attempt);
    report_step("unmap", bh_unmap(rig.ioas, rig.spare.iova, NVME_PAGE_BYTES, NULL),
                "when the call returns, no stale translation is left");
    attempt.what = "the same read, after unmap";
    attempt.expected = OUTCOME_BLOCKED;
    rig_try(&rig, &attempt);

    attempt = read_to("read to where I see the page", bh_address(rig.spare.bytes),
                      BH_CAUSE_TRANSLATION);
    rig_try(&rig, &attempt);

    report_step("map", rig_map(&rig, &rig.spare, BH_MAP_READ), "to be read");
    attempt = read_to("read to a page that it may only read", rig.spare.iova, BH_CAUSE_PERMISSION);
    rig_try(&rig, &attempt);
    report_step("unmap", bh_unmap(rig.ioas, rig.spare.iova, NVME_PAGE_BYTES, NULL), "gone again");
}

static void misuse_more(void)
{
    struct attempt attempt = read_to("read past the end of my buffer", rig.target[0].iova,
                                     BH_CAUSE_TRANSLATION);

    attempt.blocks = rig_blocks(&rig, 1) + 1;
    attempt.second = rig.spare.iova;
    attempt.iova = rig.spare.iova;
    rig_try(&rig, &attempt);

    attempt = (struct attempt){ .what = "write from a page that I did not map",
                                .direction = NVME_WRITE,
                                .block = rig_blocks(&rig, PAGE_VICTIM),
                                .blocks = 1,
                                .first = rig.spare.iova,
                                .expected = OUTCOME_BLOCKED,
                                .iova = rig.spare.iova,
                                .access = BH_ACCESS_READ,
                                .cause = BH_CAUSE_TRANSLATION };
    rig_try(&rig, &attempt);

    attempt = read_to("read by a list that I did not map", rig.target[0].iova,
                      BH_CAUSE_TRANSLATION);
    attempt.blocks = rig_blocks(&rig, DATA_PAGES);
    attempt.second = rig.spare.iova;
    attempt.iova = rig.spare.iova;
    attempt.access = BH_ACCESS_READ;
    attempt.controller_notices = true;
    rig_try(&rig, &attempt);
}

/* After all that: the disk still works, and so does what lies around the controller's pages. */
static void look_around(void)
{
    static const char what[] = "leave what lies between alone";
    unsigned int looked_at, spoilt = rig_spoilt_pages(&looked_at);

    use_pages("and still: write a page, read it back", PAGE_ONE, 1);
    report_line("between", "%u of %u pages that I never gave hold what I had put there",
                looked_at - spoilt, looked_at);
    report_attempt(what, OUTCOME_SILENT, spoilt == 0 ? OUTCOME_SILENT : OUTCOME_UNCLEAR,
                   spoilt == 0 ? "data" : "see above");
}

/* ---- End ------------------------------------------------------------------------------------- */
static void shut_down(void)
{
    report_section("The end: the controller is put down, then given back");
    driver_step("delete", nvme_delete_queues(&rig.nvme), "the queues are gone");
    driver_step("disable", nvme_shut_down(&rig.nvme), "it has finished, and is not ready any more");
    report_step("off", nvme_is_on(&rig.nvme) ? BH_EBUSY : BH_OK, "CC.EN and CSTS.RDY are 0");
}

static void give_back(void)
{
    struct bh_query_state state;
    int64_t status;

    report_step("detach", bh_detach(rig.device, BH_PASID_NONE), "parked");
    status = bh_unmap(rig.ioas, rig.memory.admin_submissions.iova,
                      rig.spare.iova + NVME_PAGE_BYTES - rig.memory.admin_submissions.iova, NULL);
    if (status == BH_OK)
        status = bh_ioas_free(rig.ioas);
    report_step("free", status, "the I/O address space is empty and freed");
    report_step("unbind", bh_device_unbind(rig.device), "no longer mine");
    status = bh_query_state(rig.device, &state);
    if (status == BH_OK && (state.bound || state.owner == BH_OWNER_SELF))
        status = BH_EBUSY;
    report_step("nobody's", status, "the hypervisor says so, too");
}

int main(void)
{
    int surprises;

    introduce();
    if (take_device() && give_memory()) {
        if (start_controller()) {
            use();
            misuse_data();
            misuse_more();
            look_around();
            shut_down();
        }
        give_back();
    }
    surprises = report_table();
    return surprises < EXIT_MAX ? surprises : EXIT_MAX;
}

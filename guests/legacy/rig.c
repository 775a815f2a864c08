/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include "common/fault.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/timer.h"

/* Far from any memory, below the 4 GiB that a 32-bit caller can name. */
#define IOVA_BASE UINT64_C(0xc0000000)
#define IOVA_STEP UINT64_C(0x10000)

#define MARK_GUARD 0xa5u
#define MARK_SPARE 0x5cu
#define GIVEN_PAGES (7 + 2 * DATA_PAGES)
#define ALL_PAGES (2 * GIVEN_PAGES + 1)

#define QUIET_NS (200 * NS_PER_MS) /* after this no more records come of what is over */
#define QUIET_POLL_NS NS_PER_MS

static volatile uint8_t *pages;

static void fill(volatile uint8_t *page, uint8_t mark)
{
    for (unsigned int i = 0; i < NVME_PAGE_BYTES; i++)
        page[i] = mark;
}

static bool holds(const volatile uint8_t *page, uint32_t bytes, uint8_t mark)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (page[i] != mark)
            return false;
    }
    return true;
}

/* Given pages are those with odd numbers. */
static struct nvme_page take(unsigned int *count)
{
    unsigned int number = (*count)++;

    return (struct nvme_page){ .bytes = pages + (size_t)(2 * number + 1) * NVME_PAGE_BYTES,
                               .iova = IOVA_BASE + number * IOVA_STEP };
}

bool rig_allot(struct rig *rig)
{
    unsigned int count = 0;

    pages = dma_alloc(ALL_PAGES);
    if (!pages)
        return false;
    for (unsigned int i = 0; i < ALL_PAGES; i += 2)
        fill(pages + (size_t)i * NVME_PAGE_BYTES, MARK_GUARD);
    rig->memory.admin_submissions = take(&count);
    rig->memory.admin_completions = take(&count);
    rig->memory.submissions = take(&count);
    rig->memory.completions = take(&count);
    rig->memory.identity = take(&count);
    rig->list = take(&count);
    for (unsigned int i = 0; i < DATA_PAGES; i++) {
        rig->source[i] = take(&count);
        rig->target[i] = take(&count);
    }
    rig->spare = take(&count);
    return count == GIVEN_PAGES;
}

int64_t rig_map(const struct rig *rig, const struct nvme_page *page, uint64_t flags)
{
    return bh_map(rig->ioas, page->iova, bh_address(page->bytes), NVME_PAGE_BYTES, flags, NULL);
}

unsigned int rig_spoilt_pages(unsigned int *looked_at)
{
    unsigned int spoilt = 0;

    *looked_at = 0;
    for (unsigned int i = 0; i < ALL_PAGES; i += 2) {
        if (!holds(pages + (size_t)i * NVME_PAGE_BYTES, NVME_PAGE_BYTES, MARK_GUARD))
            spoilt++;
        ++*looked_at;
    }
    return spoilt;
}

uint32_t rig_blocks(const struct rig *rig, uint32_t page_count)
{
    return page_count * NVME_PAGE_BYTES / rig->nvme.block_bytes;
}

/* ---- One attempt ----------------------------------------------------------------------------- */
struct seen {
    int status;   /* the controller's word */
    bool settled; /* no record is still on its way */
    bool faulted;
    struct bh_query_fault fault;
    enum { DATA_STAYED, DATA_MOVED, DATA_UNKNOWN } data;
};

/*
 * One transfer makes many faults, and the hypervisor takes them from the unit's queue when it has the
 * time, which on a busy host may be late: waits for the first where one is expected, and then until no more
 * come. The last one is in *fault. False: the calls fail, or it never ends.
 */
static bool settle(const struct rig *rig, uint64_t before, bool expected,
                   struct bh_query_fault *fault)
{
    uint64_t count = before, since, limit;
    const uint64_t quiet = timer_ticks(QUIET_NS);

    if (expected)
        fault_wait(rig->device, before, FAULT_LIMIT_NS, fault);
    since = timer_now();
    limit = since + timer_ticks(FAULT_LIMIT_NS);
    while (timer_now() < limit) {
        if (bh_query_fault(rig->device, fault) != BH_OK)
            return false;
        if (fault->count != count)
            since = timer_now();
        else if (timer_now() - since >= quiet)
            return true;
        count = fault->count;
        timer_sleep_ns(QUIET_POLL_NS);
    }
    return false;
}

/*
 * Data that the controller read from the spare page went to the medium: it is read back from there, to
 * a page that it may write.
 */
static void look_at_medium(struct rig *rig, const struct attempt *attempt, struct seen *seen)
{
    const struct nvme_page *page = &rig->target[0];
    uint32_t bytes = rig->nvme.block_bytes;
    uint64_t last = attempt->block + attempt->blocks - 1;

    fill(page->bytes, 0);
    seen->data = DATA_UNKNOWN;
    if (nvme_transfer(&rig->nvme, NVME_READ, last, 1, page->iova, 0) == NVME_OK)
        seen->data = holds(page->bytes, bytes, MARK_SPARE) ? DATA_MOVED : DATA_STAYED;
}

static void look_at_memory(const struct rig *rig, struct seen *seen)
{
    seen->data = holds(rig->spare.bytes, NVME_PAGE_BYTES, MARK_SPARE) ? DATA_STAYED : DATA_MOVED;
}

/* The controller says no address: any in the page is the one. */
static bool is_the_fault(const struct rig *rig, const struct attempt *attempt,
                         const struct seen *seen)
{
    uint64_t inside = seen->fault.iova % NVME_PAGE_BYTES;
    uint64_t page = attempt->iova - attempt->iova % NVME_PAGE_BYTES;

    return fault_fits(&seen->fault, page + inside, attempt->access, attempt->cause) &&
           seen->fault.label == rig->label;
}

static enum outcome judge(const struct rig *rig, const struct attempt *attempt,
                          const struct seen *seen)
{
    if (seen->status < NVME_OK || !seen->settled || seen->data == DATA_UNKNOWN)
        return OUTCOME_UNCLEAR;
    if (seen->data == DATA_MOVED)
        return seen->faulted || seen->status != NVME_OK ? OUTCOME_UNCLEAR : OUTCOME_LANDS;
    if (!seen->faulted)
        return OUTCOME_SILENT;
    if (attempt->controller_notices && seen->status == NVME_OK)
        return OUTCOME_UNCLEAR;
    return is_the_fault(rig, attempt, seen) ? OUTCOME_BLOCKED : OUTCOME_UNCLEAR;
}

static void tell_status(int status)
{
    if (status == NVME_OK)
        report_line("status", "the controller says that it succeeded");
    else if (status < NVME_OK)
        report_line("status", "no completion (%d)", status);
    else
        report_line("status", "the controller says that it failed: 0x%03x%s",
                    (unsigned int)NVME_STATUS_CODE(status),
                    NVME_STATUS_CODE(status) == NVME_STATUS_DATA_TRANSFER_ERROR
                        ? ", data transfer error"
                        : "");
}

static void tell(const struct seen *seen, const struct attempt *attempt, char *proof)
{
    char text[FAULT_TEXT_BYTES];

    tell_status(seen->status);
    if (seen->faulted) {
        report_line("fault", "%s", fault_text(&seen->fault, text));
        fault_proof(&seen->fault, "", proof);
    } else {
        report_line("fault", "none was recorded");
    }
    report_line("data", "%s",
                seen->data == DATA_UNKNOWN ? "the medium cannot be read back"
                : attempt->direction == NVME_READ && seen->data == DATA_STAYED
                    ? "my page holds what I had put there"
                : attempt->direction == NVME_READ ? "my page was written"
                : seen->data == DATA_STAYED       ? "nothing of my page stands on the medium"
                                                  : "my page stands on the medium");
}

void rig_try(struct rig *rig, const struct attempt *attempt)
{
    uint64_t before = fault_of(rig->device).count;
    struct seen seen = { .status = NVME_NO_ANSWER };
    char proof[REPORT_PROOF_BYTES] = "data";
    enum outcome outcome;

    report_line("try", "%s", attempt->what);
    fill(rig->spare.bytes, MARK_SPARE);
    seen.status = nvme_transfer(&rig->nvme, attempt->direction, attempt->block, attempt->blocks,
                                attempt->first, attempt->second);
    seen.settled = settle(rig, before, attempt->expected == OUTCOME_BLOCKED, &seen.fault);
    seen.faulted = seen.fault.count != before;
    if (attempt->direction == NVME_READ)
        look_at_memory(rig, &seen);
    else
        look_at_medium(rig, attempt, &seen);
    outcome = judge(rig, attempt, &seen);
    tell(&seen, attempt, proof);
    report_attempt(attempt->what, attempt->expected, outcome,
                   outcome == OUTCOME_SILENT || outcome == OUTCOME_UNCLEAR ? "see above" : proof);
}

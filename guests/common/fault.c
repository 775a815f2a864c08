/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>

struct bh_query_fault fault_of(uint32_t device)
{
    struct bh_query_fault fault;

    bh_query_fault(device, &fault); /* defined after an error, too */
    return fault;
}

bool fault_wait(uint32_t device, uint64_t before, uint64_t limit_ns, struct bh_query_fault *fault)
{
    uint64_t deadline = timer_now() + timer_ticks(limit_ns);

    for (;;) {
        if (bh_query_fault(device, fault) == BH_OK && fault->count > before)
            return true;
        if (timer_now() >= deadline)
            return false;
        timer_sleep_ns(FAULT_POLL_NS);
    }
}

bool fault_fits(const struct bh_query_fault *fault, uint64_t iova, uint32_t access, uint32_t cause)
{
    return fault->iova == iova && fault->access == access && fault->cause == cause;
}

const char *fault_text(const struct bh_query_fault *fault, char text[FAULT_TEXT_BYTES])
{
    snprintf(text, FAULT_TEXT_BYTES, "%s of 0x%" PRIx64 ", %s, label 0x%" PRIx64,
             fault->access == BH_ACCESS_WRITE ? "write" : "read", fault->iova,
             bh_cause_name(fault->cause), fault->label);
    return text;
}

void fault_proof(const struct bh_query_fault *fault, const char *more,
                 char proof[REPORT_PROOF_BYTES])
{
    snprintf(proof, REPORT_PROOF_BYTES, "%s %s 0x%" PRIx64 "%s", bh_cause_name(fault->cause),
             fault->access == BH_ACCESS_WRITE ? "w" : "r", fault->iova, more);
}

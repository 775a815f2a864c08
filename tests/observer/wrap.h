/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from one file of the kernel to another that the linker leads past the tests (wrap.c, mk/host.mk):
 * what the observer is told, and what the wrong drivers replace.
 */
#ifndef TESTS_OBSERVER_WRAP_H
#define TESTS_OBSERVER_WRAP_H

#include "drivers/iommu/iommu.h"
#include "lib/types.h"

/* The observer is told. */
void observer_call_begins(unsigned int partition, uint64_t number, const uint64_t *x);
void observer_call_returned(unsigned int partition, const uint64_t *x);
void observer_release_begins(unsigned int partition);
void observer_released(unsigned int partition, bool clean);
void observer_spaces_freed(unsigned int partition);
void observer_joined(unsigned int partition);
void observer_leave_begins(unsigned int partition);
void observer_left(unsigned int partition);
void observer_pages(uint64_t base, uint64_t count, bool free);
void observer_tag(const struct iommu *iommu, uint16_t tag, bool taken);
void observer_barrier(void);

/* Called before pages go back to their pool; NULL: nothing. */
struct page_pool;
extern void (*wrap_before_pages_given)(const struct page_pool *pool);

/* What a wrong driver does instead; NULL: nothing. */
struct command;
struct wrong {
    /* Changes the commands of a batch, or their number. */
    uint32_t (*commands)(struct command *commands, uint32_t count);
    /* The tag that is handed out; 0: the right one. */
    uint16_t (*tag)(void);
    unsigned int barriers_skipped; /* so many of the next ones do nothing */
    /* The stores that no barrier waits for; NULL: each waits for all. */
    bool (*not_waited_for)(uint64_t address);
    bool no_clean; /* cleaning does nothing */
};
extern struct wrong wrong;

#endif

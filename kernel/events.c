/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/events.h"

#include "arch/arch.h"
#include "kernel/partition.h"
#include "lib/string.h"

#define WORDS(bytes) ((bytes) / sizeof(uint64_t))
#define HEADER_WORDS WORDS(offsetof(struct bh_event_ring, record))
#define RECORD_WORDS WORDS(sizeof(struct bh_event))

_Static_assert(sizeof(struct bh_event_ring) == BH_EVENT_RING_BYTES, "a ring is a page");
_Static_assert(sizeof(struct bh_event) == 64, "a record is a line of a cache");

/* One word of the header, by its name in the ABI. */
#define HEADER(ring, field) (&(ring)->page[WORDS(offsetof(struct bh_event_ring, field))])

static uint64_t after(uint64_t slot)
{
    return slot + 1 == BH_EVENT_RECORDS ? 0 : slot + 1;
}

/* The page's header, and nothing else of the page: what stood in the slots stays the guest's. */
static void start(struct event_ring *ring, volatile uint64_t *page)
{
    ring->page = page;
    ring->producer = 0;
    ring->sequence = 0;
    ring->lost = 0;
    ring->overflows = 0;
    entry_write64(&page[0], (uint64_t)BH_EVENT_RING_VERSION << 32 | BH_EVENT_RING_MAGIC);
    for (size_t i = 1; i < HEADER_WORDS; i++)
        entry_write64(&page[i], 0);
}

int64_t event_ring_set(struct partition *partition, uint64_t address)
{
    struct event_ring *ring = &partition->events;
    int64_t result = BH_OK;
    void *page = NULL;

    if (address != 0) {
        page = partition_memory(partition, address, BH_EVENT_RING_BYTES, BH_EVENT_RING_BYTES);
        if (page == NULL)
            return BH_EFAULT;
    }
    lock_acquire(&ring->lock);
    if (address == 0 && ring->page == NULL)
        result = BH_ENOENT;
    else if (address == 0)
        ring->page = NULL;
    else if (ring->page != NULL)
        result = BH_EEXIST;
    else
        start(ring, page);
    lock_release(&ring->lock);
    return result;
}

void event_ring_end(struct partition *partition)
{
    lock_acquire(&partition->events.lock);
    partition->events.page = NULL;
    lock_release(&partition->events.lock);
}

/* Ring lock held. True: the reader had taken all that was there, and may be asleep. */
static bool add(struct event_ring *ring, const struct bh_event *event)
{
    uint64_t word[RECORD_WORDS], slot = ring->producer, next = after(slot);
    volatile uint64_t *record = ring->page + HEADER_WORDS + slot * RECORD_WORDS;

    memcpy(word, event, sizeof(word));
    for (size_t i = 0; i < RECORD_WORDS; i++)
        entry_write64(&record[i], word[i]);
    entry_write64(HEADER(ring, sequence), ring->sequence);
    barrier_entries();
    entry_write64(HEADER(ring, producer), next);
    ring->producer = next;
    /* Either this sees that the reader has come to the end, or the reader sees the new record. */
    barrier_full();
    return *HEADER(ring, consumer) == slot;
}

/* Ring lock held. */
static bool has_room(const struct event_ring *ring)
{
    uint64_t consumer = *HEADER(ring, consumer);

    return consumer < BH_EVENT_RECORDS && consumer != after(ring->producer);
}

void event_post(struct partition *partition, const struct bh_event *event, bool room)
{
    struct event_ring *ring = &partition->events;
    struct bh_event numbered = *event;

    lock_acquire(&ring->lock);
    if (event->type == BH_EVENT_FAULT)
        ring->all_faults++;
    if (ring->page != NULL) {
        numbered.sequence = ring->sequence++;
        numbered.time = time_now();
        if (room && has_room(ring)) {
            if (add(ring, &numbered))
                arch_vcpu_interrupt(&partition->vcpu, INTERRUPT_EVENT_RING);
        } else {
            ring->all_lost++;
            entry_write64(HEADER(ring, lost), ++ring->lost);
            entry_write64(HEADER(ring, sequence), ring->sequence);
        }
    }
    lock_release(&ring->lock);
}

void event_overflow(struct partition *partition)
{
    struct event_ring *ring = &partition->events;

    lock_acquire(&ring->lock);
    ring->all_overflows++;
    if (ring->page != NULL)
        entry_write64(HEADER(ring, overflows), ++ring->overflows);
    lock_release(&ring->lock);
}

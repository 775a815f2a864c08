/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circular queues (3.5.1): an index is followed by its wrap flag; both count modulo twice the
 * number of entries, so that full and empty differ.
 */
#include "internal.h"

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* The size is capped by IDR1, the base aligned to the larger of the size and 32 bytes. */
static struct queue queue_at(uint64_t base, unsigned limit, unsigned log2_entry, unsigned oas)
{
    struct queue queue = { .log2_entry = log2_entry };
    unsigned log2_bytes = 0;

    queue.log2_size = smaller((unsigned)field_in(base, Q_BASE_LOG2SIZE), limit);
    log2_bytes = larger(queue.log2_size + log2_entry, field_low(Q_BASE_ADDR));
    queue.base = align_down(field_address(&base, Q_BASE_ADDR), log2_bytes) & low_bits(oas);
    return queue;
}

struct queue model_cmdq(const struct smmuv3_model *model)
{
    return queue_at(model->reg[CMDQ_BASE], model->p.cmdqs, COMMAND_LOG2_BYTES, model->p.oas);
}

struct queue model_eventq(const struct smmuv3_model *model)
{
    return queue_at(model->reg[EVENTQ_BASE], model->p.eventqs, EVENT_LOG2_BYTES, model->p.oas);
}

struct queue model_priq(const struct smmuv3_model *model)
{
    return queue_at(model->reg[PRIQ_BASE], model->p.priqs, PRI_LOG2_BYTES, model->p.oas);
}

uint64_t model_queue_size(struct queue queue)
{
    return power_of_2(queue.log2_size);
}

/* How far `to` lies ahead of `from`, wrap flags included. */
uint64_t model_queue_distance(struct queue queue, uint64_t from, uint64_t to)
{
    return offset_within(to - from, queue.log2_size + 1);
}

/* Entries in the queue; more than its size if the indexes are inconsistent. */
uint64_t model_queue_used(struct queue queue, uint64_t prod, uint64_t cons)
{
    return model_queue_distance(queue, cons, prod);
}

/* The index after this one; bits above the wrap flag fall away. */
uint64_t model_queue_next(struct queue queue, uint64_t index)
{
    return offset_within(index + 1, queue.log2_size + 1);
}

/* The address of the entry that an index selects. */
uint64_t model_queue_entry(struct queue queue, uint64_t index)
{
    return queue.base + offset_within(index, queue.log2_size) * power_of_2(queue.log2_entry);
}

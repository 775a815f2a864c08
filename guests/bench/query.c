/* SPDX-License-Identifier: Apache-2.0 */
/* Questions, and calls that tell somebody something. */
#include "bench.h"
#include "sdk/bulkhead.h"

#define CALL(number) (BH_FUNCTION_BASE | (uint64_t)(number))

static void each(const struct call *calls, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        bench_calls(&calls[i], 1);
}

void bench_query(const struct subject *subject)
{
    static struct bh_query_state state = { .size = sizeof(state) };
    static struct bh_query_fault fault = { .size = sizeof(fault) };
    static struct bh_query_pool pool = { .size = sizeof(pool) };
    static struct bh_query_attachment attachment = { .size = sizeof(attachment) };
    static struct bh_query_counters counters = { .size = sizeof(counters) };
    static struct bh_query_digest digest = { .size = sizeof(digest) };
    static struct bh_device_info info = { .size = sizeof(info) };
    static struct bh_ioas_ranges ranges = { .size = sizeof(ranges) };
    const struct call calls[] = {
        { .name = "query-state",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_STATE, bh_address(&state), subject->device } },
        { .name = "query-fault",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_FAULT, bh_address(&fault), subject->device } },
        { .name = "query-pool",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_POOL, bh_address(&pool) } },
        { .name = "query-attachment",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_ATTACHMENT, bh_address(&attachment), 0 } },
        { .name = "query-counters",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_COUNTERS, bh_address(&counters) } },
        { .name = "query-digest",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_DIGEST, bh_address(&digest) } },
        { .name = "device-info",
          .id = CALL(BH_CALL_DEVICE_INFO),
          .argument = { subject->index, bh_address(&info) } },
        { .name = "ioas-ranges",
          .id = CALL(BH_CALL_IOAS_RANGES),
          .argument = { subject->ioas, bh_address(&ranges) } },
        { .name = "yield", .id = CALL(BH_CALL_YIELD) },
    };

    each(calls, sizeof(calls) / sizeof(calls[0]));
}

void bench_window(void)
{
    static struct bh_query_window window = { .size = sizeof(window) };
    const struct call calls[] = {
        { .name = "query-window",
          .id = CALL(BH_CALL_QUERY),
          .argument = { BH_QUERY_WINDOW, bh_address(&window), 0 } },
        { .name = "notify", .id = CALL(BH_CALL_NOTIFY), .argument = { 0 } },
    };
    struct bh_query_window first;

    if (bh_query_window(0, &first) == BH_OK)
        each(calls, sizeof(calls) / sizeof(calls[0]));
}

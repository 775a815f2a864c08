/* SPDX-License-Identifier: Apache-2.0 */
/* Binding, address spaces, attaching, and questions about them. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>

#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/timer.h"

#define CALL(number) (BH_FUNCTION_BASE | (uint64_t)(number))
#define LABEL 0xBE

static struct row first_row, second_row;

/* One whole bind: the calls that it takes, and what they cost together without the waits between. */
static uint64_t bind_once(uint32_t device, uint32_t *calls)
{
    const struct call bind = { .name = "bind",
                               .id = CALL(BH_CALL_DEVICE_BIND),
                               .argument = { device, LABEL } };
    uint64_t ticks = 0;
    struct timed result;

    *calls = 0;
    while ((result = timed_call(&bind)).status == BH_EAGAIN) {
        ticks += result.ticks - rows_reading();
        ++*calls;
        timer_sleep_ns(result.value);
    }
    report_expect(bind.name, result.status, BH_OK);
    ++*calls;
    return ticks + result.ticks;
}

void bench_bind(struct subject *subject)
{
    const struct call unbind = { .name = "unbind",
                                 .id = CALL(BH_CALL_DEVICE_UNBIND),
                                 .argument = { subject->device } };
    struct bh_device_info info;
    uint32_t calls = 0;

    row_begin(&first_row, "bind");
    row_begin(&second_row, unbind.name);
    for (uint32_t i = report_repetitions(); i > 0; i--) {
        row_add(&first_row, bind_once(subject->device, &calls));
        struct timed result = timed_call(&unbind);

        report_expect(unbind.name, result.status, BH_OK);
        row_add(&second_row, result.ticks);
    }
    row_print(&first_row);
    row_print(&second_row);
    bind_once(subject->device, &calls);
    printf("value name=bind-calls value=%" PRIu32 "\n", calls);
    report_expect("device_info", bh_device_info(subject->index, &info), BH_OK);
    rows_mark_with(info.bar[0].address);
}

void bench_ioas(struct subject *subject)
{
    const struct call alloc = { .name = "ioas-alloc",
                                .id = CALL(BH_CALL_IOAS_ALLOC_PAGING),
                                .argument = { subject->device, BH_IOAS_NONE } };

    row_begin(&first_row, alloc.name);
    row_begin(&second_row, "ioas-free");
    for (uint32_t i = report_repetitions(); i > 0; i--) {
        row_before(&first_row);
        struct timed result = timed_call(&alloc);

        row_after(&first_row);
        report_expect(alloc.name, result.status > 0 ? BH_OK : result.status, BH_OK);
        row_add(&first_row, result.ticks);

        const struct call release = { .name = "ioas-free",
                                      .id = CALL(BH_CALL_IOAS_FREE),
                                      .argument = { (uint64_t)result.status } };

        row_before(&second_row);
        result = timed_call(&release);
        row_after(&second_row);
        report_expect(release.name, result.status, BH_OK);
        row_add(&second_row, result.ticks);
    }
    row_print(&first_row);
    row_print(&second_row);
    subject->ioas = (uint32_t)bh_ioas_alloc_paging(subject->device, BH_IOAS_NONE);
}

void bench_attach(const struct subject *subject)
{
    const struct call calls[] = {
        { .name = "attach",
          .id = CALL(BH_CALL_ATTACH),
          .argument = { subject->device, BH_PASID_NONE, subject->ioas } },
        { .name = "detach",
          .id = CALL(BH_CALL_DETACH),
          .argument = { subject->device, BH_PASID_NONE } },
    };

    bench_calls(calls, 2);
}

void bench_query(const struct subject *subject)
{
    static struct bh_query_state state = { .size = sizeof(state) };
    static struct bh_query_fault fault = { .size = sizeof(fault) };
    static struct bh_query_pool pool = { .size = sizeof(pool) };
    static struct bh_device_info info = { .size = sizeof(info) };
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
        { .name = "device-info",
          .id = CALL(BH_CALL_DEVICE_INFO),
          .argument = { subject->index, bh_address(&info) } },
    };

    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        bench_calls(&calls[i], 1);
}

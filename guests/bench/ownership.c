/* SPDX-License-Identifier: Apache-2.0 */
/* Binding, address spaces, attaching, and resetting. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>

#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/timer.h"

#define CALL(number) (BH_FUNCTION_BASE | (uint64_t)(number))
#define LABEL 0xBE

static struct row first_row, second_row;

/* A call that waits for a reset, until it is done: what its steps cost together without the waits between. */
static uint64_t steps_of(const struct call *call, uint32_t *calls)
{
    uint64_t ticks = 0;
    struct timed result;

    *calls = 0;
    while ((result = timed_call(call)).status == BH_EAGAIN) {
        ticks += result.ticks - rows_reading();
        ++*calls;
        timer_sleep_ns(result.value);
    }
    report_expect(call->name, result.status, BH_OK);
    ++*calls;
    return ticks + result.ticks;
}

static uint64_t bind_once(uint32_t device, uint32_t *calls)
{
    const struct call bind = { .name = "bind",
                               .id = CALL(BH_CALL_DEVICE_BIND),
                               .argument = { device, LABEL } };

    return steps_of(&bind, calls);
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

        uint32_t ioas = (uint32_t)result.status;
        const struct call release = { .name = "ioas-free",
                                      .id = CALL(BH_CALL_IOAS_FREE),
                                      .argument = { ioas } };

        /* From its first attach on the unit knows it. */
        report_expect("attach", bh_attach(subject->device, BH_PASID_NONE, ioas), BH_OK);
        report_expect("detach", bh_detach(subject->device, BH_PASID_NONE), BH_OK);
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
    report_expect(calls[0].name, bh_attach(subject->device, BH_PASID_NONE, subject->ioas), BH_OK);
}

void bench_replace(struct subject *subject)
{
    subject->other = (uint32_t)bh_ioas_alloc_paging(subject->device, BH_IOAS_NONE);

    const struct call calls[] = {
        { .name = "replace",
          .id = CALL(BH_CALL_REPLACE),
          .argument = { subject->device, BH_PASID_NONE, subject->other } },
        { .name = "replace-back",
          .id = CALL(BH_CALL_REPLACE),
          .argument = { subject->device, BH_PASID_NONE, subject->ioas } },
    };

    bench_calls(calls, 2);
}

void bench_reset(const struct subject *subject)
{
    const struct call reset = { .name = "device-reset",
                                .id = CALL(BH_CALL_DEVICE_RESET),
                                .argument = { subject->device } };
    uint32_t calls = 0;

    row_begin(&first_row, reset.name);
    for (uint32_t i = report_repetitions(); i > 0; i--)
        row_add(&first_row, steps_of(&reset, &calls));
    row_print(&first_row);
    printf("value name=device-reset-calls value=%" PRIu32 "\n", calls);
}

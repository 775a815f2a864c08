/* SPDX-License-Identifier: Apache-2.0 */
/* The observer itself. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)

static void a_device_is_bound_used_and_given_back(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    uint64_t ioas = bind_and_attach(0, DEVICE1_ID, 1);

    assert_int_equal(map(0, ioas, 0x10000, BASE + 0x1000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 1), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    struct observer_counts counts = observer_counts();

    print_message("events %lu reaches %lu full %lu stores %lu commands %lu calls %lu fetches %lu\n",
                  counts.events, counts.reaches, counts.full_passes, counts.stores, counts.commands,
                  counts.calls, counts.fetches);
}

int run_observer_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_bound_used_and_given_back),
    };

    return RUN_GROUP("observer");
}

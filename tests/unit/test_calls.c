/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"
#include "machine.h"

static void an_attached_device_reaches_what_is_mapped_and_nothing_else(void)
{
    machine_plain();
    machine_boot();
    uint64_t ioas = bind_and_attach(0, DEVICE1_ID, 7);

    assert_int_equal(map(0, ioas, 0x10000, 0x40001000, 0x1000), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 0x1122), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, 0x40001000), 0x1122);
    assert_int_equal(dma_write(DEVICE1, 0x11000, 0x1122), DMA_BLOCKED);
    assert_units_clean();
}

int run_calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_attached_device_reaches_what_is_mapped_and_nothing_else),
    };

    return RUN_GROUP("calls");
}

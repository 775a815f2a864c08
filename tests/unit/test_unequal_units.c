/* SPDX-License-Identifier: Apache-2.0 */
/* One partition with devices behind several units that are not equal: one of 48 bits, one of 32. */
#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)

static struct smmuv3_model_parameters with_output(unsigned int bits)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.oas = bits;
    return parameters;
}

/* What stands on bus 1 is behind a unit of 48 bits, what stands on bus 2 behind the one given. */
static void plan(const struct smmuv3_model_parameters *second)
{
    machine_plain();
    machine_unit_for_bus(second, 2);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine.partition[0].pci[1] = DEVICE2_NAME;
}

static void start(const struct smmuv3_model_parameters *second)
{
    plan(second);
    observer_start();
    machine_boot();
    assert_ptr_equal(device_find(DEVICE1_NAME)->iommu, &devices.iommu[0]);
    assert_ptr_equal(device_find(DEVICE2_NAME)->iommu, &devices.iommu[1]);
}

static void start_48_and_32(void)
{
    const struct smmuv3_model_parameters narrow = with_output(32);

    start(&narrow);
    assert_int_equal(devices.iommu[0].capabilities.input_bits, 48);
    assert_int_equal(devices.iommu[1].capabilities.input_bits, 32);
}

static void row_4_7_each_device_is_translated_by_the_unit_that_it_stands_behind(void)
{
    uint64_t first, second;

    start_48_and_32();
    first = bind_and_attach(0, DEVICE1_ID, 1);
    second = bind_and_attach(0, DEVICE2_ID, 2);
    assert_int_equal(map(0, first, BIT(33), BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, second, IOVA, BASE + 0x5000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, BIT(33), 11), DMA_LANDED);
    assert_int_equal(dma_write(DEVICE2, IOVA, 22), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x3000), 11);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x5000), 22);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE2, BIT(33), 1), DMA_BLOCKED);
    assert_units_clean();
}

int run_unequal_units_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_4_7_each_device_is_translated_by_the_unit_that_it_stands_behind),
    };

    return RUN_GROUP("kernel/unequal units");
}

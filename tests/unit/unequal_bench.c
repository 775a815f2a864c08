/* SPDX-License-Identifier: Apache-2.0 */
#include "unequal_bench.h"
#include "observer.h"

#define RW (BH_MAP_READ | BH_MAP_WRITE)

struct smmuv3_model_parameters unequal_unit(unsigned int bits)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.oas = bits;
    return parameters;
}

void unequal_plan(const struct smmuv3_model_parameters *second)
{
    machine_plain();
    machine_unit_for_bus(second, 2);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine.partition[0].pci[1] = DEVICE2_NAME;
}

void unequal_start(const struct smmuv3_model_parameters *second)
{
    unequal_plan(second);
    observer_start();
    machine_boot();
    assert_ptr_equal(device_find(DEVICE1_NAME)->iommu, &devices.iommu[0]);
    assert_ptr_equal(device_find(DEVICE2_NAME)->iommu, &devices.iommu[1]);
}

void unequal_start_48_and_32(void)
{
    const struct smmuv3_model_parameters narrow = unequal_unit(32);

    unequal_start(&narrow);
    assert_int_equal(devices.iommu[0].capabilities.input_bits, 48);
    assert_int_equal(devices.iommu[1].capabilities.input_bits, 32);
}

uint64_t unequal_ioas(void)
{
    int64_t id;

    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    id = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    assert_true(id > 0);
    return (uint64_t)id;
}

int64_t unequal_attach(uint64_t device, uint64_t ioas)
{
    return call3(0, BH_CALL_ATTACH, device, BH_PASID_NONE, ioas);
}

void unequal_detach(uint64_t device)
{
    assert_int_equal(call2(0, BH_CALL_DETACH, device, BH_PASID_NONE), BH_OK);
}

uint64_t unequal_shared_ioas(void)
{
    uint64_t ioas = unequal_ioas();

    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
    return ioas;
}

void unequal_refused(int64_t code, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t before = machine_state();

    assert_int_equal(call(0, number, a, b, c, d, RW), code);
    assert_int_equal(machine_state(), before);
}

void unequal_both(uint64_t iova, enum dma outcome)
{
    assert_int_equal(dma_write(DEVICE1, iova, 1), outcome);
    assert_int_equal(dma_write(DEVICE2, iova, 2), outcome);
}

void unequal_last(uint64_t ioas, uint64_t last)
{
    struct bh_ioas_ranges *ranges = guest(0, STRUCTURE);

    ranges->size = sizeof(*ranges);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, STRUCTURE), BH_OK);
    assert_int_equal(ranges->size, sizeof(*ranges));
    assert_int_equal(ranges->count, 1);
    assert_int_equal(ranges->range[0].first, 0);
    assert_int_equal(ranges->range[0].last, last);
}

uint64_t unequal_commands(unsigned int unit)
{
    return smmuv3_model_command_total(machine.unit[unit]);
}

void unequal_leave_pages(struct page_list *taken, uint32_t left)
{
    struct partition *partition = &partitions.partition[0];

    *taken = PAGE_LIST_EMPTY;
    while (partition->pool.free > left)
        page_list_add(&partition->pool, taken, page_pool_take(&partition->pool));
}

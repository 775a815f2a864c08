/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/device.h"
#include "tests/observer/wrap.h"
#include "wrong.h"

static struct iommu_driver copy;
static const struct iommu_driver *right;

const struct iommu_driver *right_driver(void)
{
    return right;
}

struct iommu_driver *wrong_driver(void)
{
    right = devices.iommu[0].driver;
    copy = *right;
    devices.iommu[0].driver = &copy;
    return &copy;
}

volatile uint64_t *wrong_entry(uint32_t stream)
{
    const struct smmuv3 *unit = devices.iommu[0].unit;
    uint64_t table = unit->level1 != NULL ? unit->level1[stream >> STREAM_SPLIT] & L1STD_POINTER
                                          : unit->stream_table;
    uint64_t index = unit->level1 != NULL ? stream & (BIT(STREAM_SPLIT) - 1) : stream;

    return (volatile uint64_t *)memory_pointer(table) + index * ENTRY_WORDS;
}

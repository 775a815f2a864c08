/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own copy of a device tree, which is checked before anything in it is read. */
#include <libfdt.h>

#include "drivers/topology/fdt.h"
#include "lib/string.h"

uint64_t fdt_extent(const void *source)
{
    struct fdt_header header;

    memcpy(&header, source, sizeof(header));
    if (fdt_magic(&header) != FDT_MAGIC)
        return 0;
    return max_u64((uint64_t)fdt_off_dt_struct(&header) + fdt_size_dt_struct(&header),
                   (uint64_t)fdt_off_dt_strings(&header) + fdt_size_dt_strings(&header));
}

bool fdt_take(const void *source, void *copy, uint64_t capacity, struct topology_error *error)
{
    error->node[0] = '\0';
    /* What is checked is the copy: the source may change at any time. */
    memcpy(copy, source, FDT_HEADER_SIZE);
    if (fdt_magic(copy) != FDT_MAGIC) {
        error->text = "no flattened device tree at the address that the boot loader gave";
        return false;
    }
    uint64_t end = fdt_extent(copy);

    if (fdt_version(copy) < 17 || end < FDT_HEADER_SIZE || end > fdt_totalsize(copy)) {
        error->text = "the device tree's header is corrupt";
        return false;
    }
    if (end > capacity) {
        error->text = "the device tree is larger than the hypervisor's copy of it can be";
        return false;
    }
    memcpy((uint8_t *)copy + FDT_HEADER_SIZE, (const uint8_t *)source + FDT_HEADER_SIZE,
           end - FDT_HEADER_SIZE);
    fdt_set_totalsize(copy, (uint32_t)end);
    if (fdt_check_full(copy, end) != 0) {
        error->text = "the device tree is corrupt";
        return false;
    }
    return true;
}

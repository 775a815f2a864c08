/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/irqchip/lpi.h"

#include "arch/seam.h"
#include "drivers/irqchip/its_registers.h"
#include "drivers/irqchip/message.h"
#include "lib/boot_memory.h"

/* The fewest bits of an INTID with which LPIs are on: 8192 of them. A byte each in the configuration, a bit each of
 * these and of what comes before them in a table of pending ones. */
#define ID_BITS 14
#define CONFIGURATION_SIZE (BIT(ID_BITS) - LPI_FIRST)
#define PENDING_SIZE (BIT(ID_BITS) / 8)
/* Behind the hypervisor's lines and those of guests, which then come however many messages do. */
#define PRIORITY 0xC0

static uint64_t configuration, pending[TOPOLOGY_CPUS];

bool lpi_start(uint32_t cpus)
{
    uint64_t *table = boot_memory_take(CONFIGURATION_SIZE, PAGE_SIZE);
    /* The same byte for each of the eight LPIs of a word. */
    const uint64_t on = (PRIORITY | LPI_RESERVED_ONE | LPI_ENABLE) * UINT64_C(0x0101010101010101);

    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < MESSAGES / sizeof(*table); i++)
        entry_write64(&table[i], on);
    cache_clean(table, CONFIGURATION_SIZE);
    for (uint32_t i = 0; i < cpus; i++) {
        void *bits = boot_memory_take(PENDING_SIZE, QUEUE_ALIGNMENT);

        if (bits == NULL)
            return false;
        cache_clean_invalidate(bits, PENDING_SIZE);
        pending[i] = memory_physical(bits);
    }
    barrier_entries();
    configuration = memory_physical(table);
    return true;
}

/* By the attributes that the register takes; the tables are clean in memory, whatever these are. */
static void name_table(uint64_t address, uint64_t value)
{
    mmio_write64(address, value | FIELD_PUT(LPI_INNER_CACHE, CACHE_WRITE_BACK) |
                              FIELD_PUT(LPI_SHAREABILITY, SHARE_INNER_DOMAIN));
    if (FIELD_GET(LPI_SHAREABILITY, mmio_read64(address)) == 0)
        mmio_write64(address, value | FIELD_PUT(LPI_INNER_CACHE, CACHE_NONE));
}

bool lpi_start_cpu(uint64_t redistributor, uint32_t cpu)
{
    uint64_t control = redistributor + GICR_CTLR;

    if (configuration == 0 || pending[cpu] == 0 ||
        (mmio_read64(redistributor + GICR_TYPER) & GICR_TYPER_PLPIS) == 0)
        return false;
    /* Once they are on, the tables cannot be changed, and whether they can be turned off is the GIC's choice. */
    if ((mmio_read32(control) & GICR_CTLR_ENABLE_LPIS) != 0) {
        mmio_write32(control, 0);
        if ((mmio_read32(control) & GICR_CTLR_ENABLE_LPIS) != 0)
            return false;
    }
    name_table(redistributor + GICR_PROPBASER,
               configuration | FIELD_PUT(PROPBASER_ID_BITS, ID_BITS - 1));
    name_table(redistributor + GICR_PENDBASER, pending[cpu] | PENDBASER_ZERO);
    mmio_write32(control, (uint32_t)GICR_CTLR_ENABLE_LPIS);
    return true;
}

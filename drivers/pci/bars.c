/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing BARs: each memory BAR gets pages of its own, so that stage 2 can give one function's
 * registers to a partition without another's. Everything goes into the host's 32-bit window;
 * I/O space, prefetchable windows and expansion ROMs stay closed.
 */
#include "drivers/pci/internal.h"
#include "drivers/pci/registers.h"
#include "lib/log.h"

#define BRIDGE_GRANULE BIT(20)

struct placement {
    struct pci *pci;
    uint64_t next; /* PCI address */
    uint64_t end;
    uint64_t to_cpu; /* add to a PCI address to get the CPU's */
    uint32_t first;
};

static uint32_t bar_register(unsigned int index)
{
    return PCI_BAR0 + index * (uint32_t)sizeof(uint32_t);
}

/* Writes ones and reads back which stay zero (7.5.1.2.1). offset: of the register with that index. Decode is off. */
static struct pci_bar size_bar(const struct pci_function *function, uint32_t offset,
                               unsigned int index)
{
    struct pci_bar bar = { 0 };
    uint32_t kind = pci_read32(function, offset);
    uint64_t mask;

    bar.io = (kind & BAR_IO) != 0;
    bar.wide = !bar.io && (kind & BAR_TYPE) == BAR_TYPE_64 && index + 1 < PCI_BARS;
    pci_write32(function, offset, UINT32_MAX);
    mask = pci_read32(function, offset) & BAR_MEMORY_MASK;
    pci_write32(function, offset, 0);
    if (bar.wide) {
        pci_write32(function, offset + 4, UINT32_MAX);
        mask |= (uint64_t)pci_read32(function, offset + 4) << 32;
        pci_write32(function, offset + 4, 0);
    } else if (mask != 0) {
        mask |= BITS(63, 32);
    }
    if (!bar.io)
        bar.size = ~mask + 1; /* 0 where all stay zero */
    return bar;
}

/* Room for so many of that size, each alone in its pages; false: there is none. */
static bool take(struct placement *placement, uint64_t size, uint32_t count, uint64_t *at)
{
    uint64_t span = max_u64(size, PAGE_SIZE);

    *at = align_up(placement->next, span);
    if ((size & (size - 1)) != 0 || *at < placement->next || *at > placement->end ||
        (placement->end - *at) / span < count)
        return false;
    placement->next = *at + span * count;
    return true;
}

/* BAR n of all of them is one register of the physical function: theirs lie one behind the other. */
static void place_virtual(struct placement *placement, struct pci_function *function)
{
    struct pci_function *virtual = function + 1;
    uint64_t at;

    pci_write32(function, function->cap_sriov + SRIOV_PAGE_SIZE, 1);
    for (unsigned int i = 0; i < PCI_BARS; i++) {
        uint32_t offset = function->cap_sriov + SRIOV_BAR0 + i * (uint32_t)sizeof(uint32_t);
        struct pci_bar bar = size_bar(function, offset, i);
        bool placed = bar.size == 0 || (bar.size >= PAGE_SIZE &&
                                        take(placement, bar.size, function->virtual_count, &at));

        if (bar.size != 0 && placed)
            pci_write32(function, offset, (uint32_t)at);
        for (uint32_t n = 0; n < function->virtual_count; n++) {
            virtual[n].bar[i] = bar;
            virtual[n].unplaced = virtual[n].unplaced || !placed;
            if (bar.size != 0 && placed)
                virtual[n].bar[i].address = at + n * bar.size + placement->to_cpu;
        }
        i += bar.wide;
    }
    /* What has no place is not enabled. */
    if (virtual->unplaced)
        function->virtual_count = 0;
}

static void place_function(struct placement *placement, struct pci_function *function)
{
    unsigned int count = pci_is_bridge(function) ? 2 : PCI_BARS;
    uint64_t at;

    for (unsigned int i = 0; i < count; i++) {
        struct pci_bar bar = size_bar(function, bar_register(i), i);

        if (bar.size != 0 && take(placement, bar.size, 1, &at)) {
            bar.address = at + placement->to_cpu;
            pci_write32(function, bar_register(i), (uint32_t)at);
        } else {
            function->unplaced = function->unplaced || bar.size != 0;
        }
        function->bar[i] = bar;
        i += bar.wide;
    }
    pci_write32(function, pci_is_bridge(function) ? PCI_BRIDGE_ROM : PCI_ROM, 0);
    if (function->virtual_count != 0)
        place_virtual(placement, function);
}

static void place_below(struct placement *placement, uint32_t parent)
{
    struct pci *pci = placement->pci;

    for (uint32_t i = placement->first; i < pci->count; i++) {
        struct pci_function *function = &pci->function[i];

        if (function->parent != parent || function->kind == PCI_HOST_BRIDGE ||
            function->physical != 0)
            continue;
        place_function(placement, function);
        if (!pci_is_bridge(function))
            continue;
        uint64_t base = align_up(placement->next, BRIDGE_GRANULE);

        placement->next = base;
        place_below(placement, i);
        uint64_t limit = align_up(placement->next, BRIDGE_GRANULE);
        bool empty = placement->next == base;

        pci_write32(function, PCI_MEMORY_BASE,
                    empty ? WINDOW_CLOSED
                          : (uint32_t)(base >> 16 & BRIDGE_WINDOW_BASE) |
                                (uint32_t)((limit - 1) & BRIDGE_WINDOW_LIMIT));
        /* Closed whatever the base's upper half holds. I/O stops at COMMAND, not at its window. */
        pci_write32(function, PCI_PREFETCH_BASE, WINDOW_CLOSED);
        pci_write32(function, PCI_PREFETCH_LIMIT_HIGH, 0);
        placement->next = empty ? base : limit;
        /* Requests from below go up to the IOMMU, which passes none until a device is attached. */
        pci_write16(function, PCI_COMMAND, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE);
    }
}

void pci_place_bars(struct pci *pci, const struct topology_pci_host *host, uint32_t first)
{
    struct placement placement = { .pci = pci, .first = first };

    for (uint32_t i = 0; i < host->window_count; i++) {
        const struct topology_pci_window *window = &host->window[i];

        if (window->wide || placement.end != 0)
            continue;
        placement.next = max_u64(window->pci_base, BRIDGE_GRANULE);
        placement.end = min_u64(window->pci_base + window->size, BIT(32));
        placement.to_cpu = window->cpu_base - window->pci_base;
    }
    place_below(&placement, PCI_NO_PARENT);
    for (uint32_t i = first; i < pci->count; i++) {
        char name[PCI_NAME];

        if (!pci->function[i].unplaced)
            continue;
        pci_name(&pci->function[i], name);
        log_warning("pci: %s: its registers do not fit into the 32-bit window: not assignable",
                    name);
    }
}

uint64_t pci_bus_address(const struct pci_function *function, unsigned int bar)
{
    uint64_t address = function->bar[bar].address, to_pci = 0;

    for (uint32_t w = 0; w < function->host->window_count; w++) {
        const struct topology_pci_window *window = &function->host->window[w];

        if (address - window->cpu_base < window->size)
            to_pci = window->pci_base - window->cpu_base;
    }
    return address + to_pci;
}

bool pci_restore_bars(const struct pci_function *function)
{
    bool same = true;

    /* Those of a virtual one are registers of its physical one. */
    for (unsigned int i = 0; function->physical == 0 && i < PCI_BARS; i++) {
        const struct pci_bar *bar = &function->bar[i];
        struct pci_bar now = size_bar(function, bar_register(i), i);

        same = same && now.size == bar->size && now.wide == bar->wide;
        if (bar->address != 0 && same)
            pci_write32(function, bar_register(i), (uint32_t)pci_bus_address(function, i));
        i += bar->wide;
    }
    return same;
}

struct topology_range pci_bridge_window(const struct pci_function *bridge)
{
    uint32_t value = pci_read32(bridge, PCI_MEMORY_BASE);
    uint64_t base = (uint64_t)(value & BRIDGE_WINDOW_BASE) << 16,
             last = value & BRIDGE_WINDOW_LIMIT;

    return (struct topology_range){ .base = base,
                                    .size = last < base ? 0 : last - base + BRIDGE_GRANULE };
}

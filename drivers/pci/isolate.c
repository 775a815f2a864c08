/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which functions can be told apart and kept apart (PCI Express 6.12, PCI Express to PCI Bridge 1.0
 * 2.3). Functions that cannot be isolated from each other end up in one group, with the reasons.
 */
#include "bulkhead/abi.h"
#include "drivers/pci/internal.h"
#include "drivers/pci/registers.h"

#define ACS_ON                                                                                     \
    (ACS_SOURCE_VALIDATION | ACS_TRANSLATION_BLOCKING | ACS_REQUEST_REDIRECT |                     \
     ACS_COMPLETION_REDIRECT | ACS_UPSTREAM_FORWARDING)
/* A port isolates if it validates requester ids and sends requests and completions upwards. */
#define ACS_PORT                                                                                   \
    (ACS_SOURCE_VALIDATION | ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT |                      \
     ACS_UPSTREAM_FORWARDING)
/* A function of a multifunction device isolates if it does not talk to its siblings. */
#define ACS_FUNCTION (ACS_REQUEST_REDIRECT | ACS_COMPLETION_REDIRECT)

static uint32_t group_of(const struct pci *pci, uint32_t index)
{
    while (pci->function[index].group != index)
        index = pci->function[index].group;
    return index;
}

static void join(struct pci *pci, uint32_t a, uint32_t b, uint32_t reason)
{
    uint32_t x = group_of(pci, a), y = group_of(pci, b);
    uint32_t low = x < y ? x : y, high = x < y ? y : x;

    if (a == b)
        return;
    pci->function[high].group = low;
    pci->function[low].group_reasons |= pci->function[high].group_reasons | reason;
}

void pci_enable_acs(const struct pci_function *function)
{
    if (function->cap_acs == 0)
        return;
    uint16_t can = pci_read16(function, function->cap_acs + ACS_CAPABILITY);

    pci_write16(function, function->cap_acs + ACS_CONTROL, can & ACS_ON);
}

/* The controls are read back: a bit that did not stay set does not isolate. */
static bool acs_has(const struct pci_function *function, uint16_t bits)
{
    return function->cap_acs != 0 &&
           (pci_read16(function, function->cap_acs + ACS_CONTROL) & bits) == bits;
}

/* The id that requests carry once they have passed the bridges above. */
static void find_requester(struct pci *pci, uint32_t index)
{
    struct pci_function *function = &pci->function[index];

    function->requester = function->rid;
    for (uint32_t up = function->parent; up != PCI_NO_PARENT; up = pci->function[up].parent) {
        const struct pci_function *bridge = &pci->function[up];

        if (bridge->kind == PCI_BRIDGE_TO_PCI) {
            function->requester = (uint32_t)bridge->secondary << 8;
            join(pci, index, up, BH_GROUP_ALIAS);
        } else if (bridge->kind == PCI_BRIDGE_CONVENTIONAL) {
            function->requester = bridge->rid;
            join(pci, index, up, BH_GROUP_ALIAS);
        }
    }
}

/* Where requests that a root complex may turn around come out: the first function of the host
 * that sits on the root bus without a barrier of its own. */
static uint32_t root_anchor(const struct pci *pci, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct pci_function *function = &pci->function[i];

        if (function->host == pci->function[index].host &&
            (function->kind == PCI_INTEGRATED ||
             (function->kind == PCI_ROOT_PORT && !acs_has(function, ACS_PORT))))
            return i;
    }
    return index;
}

/*
 * Ports that turn requests around or pass them on without checking their ids. The downstream ports
 * of a switch sit on its inner bus, so one without ACS joins what is below it to the whole switch.
 * A root port without ACS leaves it to the root complex, for which the board may vouch.
 */
static void join_through_ports(struct pci *pci, uint32_t index, bool root_isolates)
{
    if (pci->function[index].kind == PCI_INTEGRATED && !root_isolates)
        join(pci, index, root_anchor(pci, index), BH_GROUP_ROOT_COMPLEX);
    for (uint32_t up = pci->function[index].parent; up != PCI_NO_PARENT;
         up = pci->function[up].parent) {
        const struct pci_function *bridge = &pci->function[up];

        if (acs_has(bridge, ACS_PORT))
            continue;
        if (bridge->kind == PCI_SWITCH_DOWNSTREAM && bridge->parent != PCI_NO_PARENT) {
            join(pci, index, up, BH_GROUP_NO_ACS);
            join(pci, up, bridge->parent, BH_GROUP_NO_ACS);
        } else if (bridge->kind == PCI_ROOT_PORT && !root_isolates) {
            join(pci, index, up, BH_GROUP_ROOT_COMPLEX);
            join(pci, up, root_anchor(pci, up), BH_GROUP_ROOT_COMPLEX);
        }
    }
}

/* The function itself, or the physical one of which it is a part. */
static const struct pci_function *physical(const struct pci *pci,
                                           const struct pci_function *function)
{
    return function->physical != 0 ? &pci->function[function->physical - 1] : function;
}

static bool same_device(const struct pci *pci, const struct pci_function *a,
                        const struct pci_function *b)
{
    return a->host == b->host && physical(pci, a)->rid >> 3 == physical(pci, b)->rid >> 3;
}

/* Functions of one device talk to each other inside it, unless each of them says that it does
 * not, or the board says so of virtual ones. */
static void join_siblings(struct pci *pci, uint32_t index)
{
    const struct pci_function *function = &pci->function[index];

    for (uint32_t other = 0; other < index; other++) {
        const struct pci_function *sibling = &pci->function[other];

        bool virtual = function->physical != 0 || sibling->physical != 0;

        if (same_device(pci, function, sibling) && !pci_is_bridge(function) &&
            !(virtual && pci->virtual_isolated) &&
            !(acs_has(function, ACS_FUNCTION) && acs_has(sibling, ACS_FUNCTION)))
            join(pci, index, other, virtual ? BH_GROUP_VIRTUAL_FUNCTION : BH_GROUP_MULTIFUNCTION);
    }
}

void pci_isolate(struct pci *pci, bool root_isolates)
{
    for (uint32_t i = 0; i < pci->count; i++) {
        pci->function[i].group = i;
        pci->function[i].group_reasons = 0;
        pci_enable_acs(&pci->function[i]);
    }
    for (uint32_t i = 0; i < pci->count; i++) {
        find_requester(pci, i);
        join_through_ports(pci, i, root_isolates);
        join_siblings(pci, i);
    }
    for (uint32_t i = 0; i < pci->count; i++) {
        pci->function[i].group = group_of(pci, i);
        pci->function[i].group_reasons = pci->function[pci->function[i].group].group_reasons;
    }
}

static void extend(struct topology_range *hull, uint64_t base, uint64_t size)
{
    uint64_t end = max_u64(base + size, hull->base + hull->size);

    if (size == 0)
        return;
    hull->base = hull->size == 0 ? base : min_u64(base, hull->base);
    hull->size = end - hull->base;
}

struct topology_range pci_peers(const struct pci *pci, uint32_t group)
{
    struct topology_range hull = { .size = 0 };

    for (uint32_t i = 0; i < pci->count; i++) {
        const struct pci_function *function = &pci->function[i];

        if (function->group != group || function->group_reasons == 0)
            continue;
        for (unsigned int b = 0; b < PCI_BARS; b++) {
            const struct pci_bar *bar = &function->bar[b];

            if (bar->address != 0)
                extend(&hull, pci_bus_address(function, b), align_up(bar->size, PAGE_SIZE));
        }
        if (pci_is_bridge(function)) {
            struct topology_range window = pci_bridge_window(function);

            extend(&hull, window.base, window.size);
        }
    }
    return hull;
}

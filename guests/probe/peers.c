/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of two devices that share a path short of the IOMMU: the registers of each are no I/O addresses for the
 * other, and a write of one to them ends at the IOMMU.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "common/fault.h"
#include "common/testdev.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define MEMBERS 2
#define LABEL 0x9ee0u
#define IOVA UINT64_C(0x100000000)
#define CANARY 0xcafecafeu
#define REGISTER 0x04 /* of an iommu-testdev: it keeps what is written there */
#define HOLD_NS NS_PER_SECOND
#define BOTH (BH_MAP_READ | BH_MAP_WRITE)

static struct bh_device_info member[MEMBERS];
static volatile uint32_t *page;

/* All that bh_device_info() lists, one group by the reasons that the bootargs name. */
static bool find_members(void)
{
    uint64_t reasons = 0;

    tree_bootarg_number("reasons", &reasons);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        check_status(BH_OK, bh_device_info(i, &member[i]), "two devices are on the list");
        printf("%s: group %" PRIu32 " of %" PRIu32 ", reasons %" PRIu32 "\n", member[i].name,
               member[i].group, member[i].group_members, member[i].group_reasons);
        check_equal(reasons, member[i].group_reasons, "why they are one group");
        check_equal(MEMBERS, member[i].group_members, "members of the group");
    }
    check_equal(member[0].group, member[1].group, "one group");
    return !check_failed();
}

/* Whether one of the space's ranges holds the address. */
static bool in_ranges(uint32_t ioas, uint64_t address)
{
    struct bh_ioas_ranges ranges;
    bool found = false;

    check_status(BH_OK, bh_ioas_ranges(ioas, &ranges), "ioas_ranges");
    for (uint32_t i = 0; i < ranges.count; i++)
        found = found || (address >= ranges.range[i].first && address <= ranges.range[i].last);
    return found;
}

static int64_t map(uint32_t ioas, uint64_t iova)
{
    return bh_map(ioas, iova, bh_address(page), DMA_PAGE_BYTES, BOTH, NULL);
}

/* Before, while and after the first member is attached. */
static void check_closed(uint32_t ioas)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        check_true(in_ranges(ioas, member[i].bar[0].address),
                   "registers of a member are in the ranges before an attach");
    check_status(BH_OK, map(ioas, member[1].bar[0].address), "and can be mapped");
    check_status(BH_ERANGE, bh_attach(member[0].device, BH_PASID_NONE, ioas),
                 "attach while they are mapped");
    check_status(BH_OK, bh_unmap(ioas, member[1].bar[0].address, DMA_PAGE_BYTES, NULL), "unmap");
    check_status(BH_OK, bh_attach(member[0].device, BH_PASID_NONE, ioas), "attach");
    for (uint32_t i = 0; i < MEMBERS; i++) {
        check_true(!in_ranges(ioas, member[i].bar[0].address),
                   "registers of a member are not in the ranges of an attached one");
        check_status(BH_ERANGE, map(ioas, member[i].bar[0].address), "nor can they be mapped");
    }
}

static void check_writes(uint32_t ioas)
{
    uintptr_t peer = member[1].bar[0].address + REGISTER;
    struct bh_query_fault fault;

    check_status(BH_OK, map(ioas, IOVA), "map of a page");
    *page = CANARY;
    dma_publish();
    testdev_write(member[0].bar[0].address, IOVA, bh_address(page));
    check_equal(TESTDEV_PATTERN, *page, "a write to it lands");
    mmio_write32(peer, CANARY);
    uint64_t before = fault_of(member[0].device).count;

    check_equal(TESTDEV_FAILED, testdev_write(member[0].bar[0].address, peer, bh_address(page)),
                "a write to a register of the other member");
    check_equal(CANARY, mmio_read32(peer), "the register is what it was");
    check_true(fault_wait(member[0].device, before, FAULT_LIMIT_NS, &fault) &&
                   fault_fits(&fault, peer, BH_ACCESS_WRITE, BH_CAUSE_TRANSLATION),
               "its fault names the address");
}

int test_peers(void)
{
    int64_t ioas;

    page = dma_alloc(1);
    if (!find_members())
        return check_result();
    for (uint32_t i = 0; i < MEMBERS; i++) {
        check_status(BH_OK, bh_bind(member[i].device, LABEL + i), "bind");
        check_status(BH_OK, bh_device_info(i, &member[i]), "device_info");
    }
    ioas = bh_ioas_alloc_paging(member[0].device, BH_IOAS_NONE);
    check_true(ioas > 0, "ioas_alloc_paging");
    if (check_failed())
        return check_result();
    check_closed((uint32_t)ioas);
    if (member[0].vendor_device == TESTDEV_VENDOR_DEVICE)
        check_writes((uint32_t)ioas);
    check_status(BH_OK, bh_detach(member[0].device, BH_PASID_NONE), "detach");
    check_status(BH_OK, map((uint32_t)ioas, member[1].bar[0].address),
                 "registers of a member can be mapped again");
    return check_result();
}

/* One member, then for a second nothing, then the other. */
int test_peers_hold(void)
{
    if (!find_members())
        return check_result();
    check_status(BH_OK, bh_bind(member[0].device, LABEL), "bind of a member");
    timer_sleep_ns(HOLD_NS);
    check_status(BH_OK, bh_bind(member[1].device, LABEL + 1), "and of the other");
    return check_result();
}

/* Beside test_peers_hold(): whichever member it asks for, the group has an owner. */
int test_peers_late(void)
{
    struct bh_query_state state = { .owner = BH_OWNER_NONE };

    for (uint32_t i = MEMBERS; i > 0; i--) {
        struct bh_device_info info;

        check_status(BH_OK, bh_device_info(i - 1, &info), "two devices are on the list");
        while (state.owner != BH_OWNER_OTHER && !check_failed())
            check_status(BH_OK, bh_query_state(info.device, &state), "query");
        check_status(BH_EPERM, bh_bind(info.device, LABEL), "bind of a member of another's group");
    }
    return check_result();
}

/* A function that is alone, with a reset of its own: it is bound, answers, and is given back. */
int test_virtual(void)
{
    struct bh_device_info info;

    check_status(BH_OK, bh_device_info(0, &info), "a device is on the list");
    check_equal(0, info.group_reasons, "it stands alone");
    check_equal(1, info.group_members, "in a group of its own");
    check_true((info.capabilities & BH_DEVICE_FLR) != 0, "it is reset alone");
    check_true((info.capabilities & BH_DEVICE_DMA) != 0, "it has a stream");
    check_status(BH_OK, bh_bind(info.device, LABEL), "bind");
    if (check_failed())
        return check_result();
    check_true(mmio_read32(info.bar[0].address) != UINT32_MAX, "its registers answer");
    printf("%s: group %" PRIu32 ", registers at 0x%" PRIx64 ", %" PRIu64 " bytes\n", info.name,
           info.group, info.bar[0].address, info.bar[0].bytes);
    check_status(BH_OK, bh_device_unbind(info.device), "unbind");
    return check_result();
}

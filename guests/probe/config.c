/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration space as its owner sees it, in the window that the device tree names and by calls: the NVMe
 * controller that bootargs name is found, its registers are found by its BAR, and what is written moves and resets
 * nothing. Registers of configuration space: PCI Express Base 6.0, chapter 7.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/mmio.h"
#include "sdk/tree.h"
#include "tests.h"

#define LABEL 0xcf6u
#define ALL_ONES 0xFFFFFFFFu
#define SLOTS 32u
#define SLOT_BYTES ((uintptr_t)0x8000)
#define FUNCTION_BYTES ((uintptr_t)0x1000)

#define COMMAND 0x04u
#define COMMAND_MEMORY_MASTER 6u
#define CLASS_REVISION 0x08u
#define CLASS_NVME 0x010802u
#define BAR0 0x10u
#define BAR1 0x14u
#define BAR_FLAGS 0xFu
#define CAPABILITIES 0x34u
#define CAPABILITY_MSIX 0x11u
#define CAPABILITY_EXPRESS 0x10u
#define EXPRESS_CAPABILITIES 4u
#define EXPRESS_FLR (1u << 28)
#define EXPRESS_CONTROL 8u
#define EXPRESS_INITIATE_FLR 0x8000u

#define NVME_VERSION 0x08u
#define NVME_AQA 0x24u /* it keeps what is written while the controller is disabled */
#define AQA_VALUE 0x00030003u

struct config_subject {
    uint32_t index;
    struct bh_device_info info;
    uintptr_t window, function; /* the ECAM, and the place of the function in it */
};

/* As mmio_read32() does it. */
static uint32_t load8(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static uint32_t load16(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static void store16(uintptr_t address, uint32_t value)
{
    __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static bool find(struct config_subject *subject, const char *end)
{
    uint64_t address = 0, bytes = 0;

    check_true(find_named(end, &subject->info), "the controller is on the list");
    for (struct bh_device_info info; bh_device_info(subject->index, &info) == BH_OK;
         subject->index++) {
        if (info.device == subject->info.device)
            break;
    }
    int node = tree_find_compatible("pci-host-ecam-generic");

    check_true(node >= 0 && tree_reg(node, 0, &address, &bytes), "the tree has a PCI host");
    check_equal(SLOTS * SLOT_BYTES, bytes, "with one bus");
    subject->window = (uintptr_t)address;
    subject->function = subject->window + subject->index * SLOT_BYTES;
    return !check_failed();
}

static void check_absent(const struct config_subject *subject, const char *when)
{
    uint32_t value = 0;

    check_equal(ALL_ONES, mmio_read32(subject->function), when);
    check_equal(0xFF, load8(subject->function + 3), when);
    mmio_write32(subject->function + COMMAND, COMMAND_MEMORY_MASTER);
    check_status(BH_EPERM, bh_device_config_read(subject->info.device, 0, 4, &value), when);
    check_status(BH_EPERM, bh_device_config_write(subject->info.device, COMMAND, 2, 6), when);
}

/* What an operating system does that knows nothing: it looks at every function of the bus. */
static void check_enumeration(const struct config_subject *subject)
{
    unsigned int found = 0, at = 0;

    for (unsigned int slot = 0; slot < SLOTS; slot++) {
        for (unsigned int number = 0; number < 8; number++) {
            uintptr_t function = subject->window + slot * SLOT_BYTES + number * FUNCTION_BYTES;

            if (load16(function) == 0xFFFF)
                continue;
            found++;
            if (mmio_read32(function + CLASS_REVISION) >> 8 == CLASS_NVME)
                at = slot;
        }
    }
    check_equal(1, found, "functions that are bound");
    check_equal(subject->index, at, "the controller stands at its index");
    check_equal(subject->info.vendor_device, mmio_read32(subject->function), "vendor and device");
}

static uint32_t find_capability(const struct config_subject *subject, uint32_t id)
{
    uint32_t at = load8(subject->function + CAPABILITIES);

    for (unsigned int left = 48; at != 0 && left > 0; left--) {
        if (load8(subject->function + at) == id)
            return at;
        at = load8(subject->function + at + 1);
    }
    return 0;
}

static void check_calls_agree(const struct config_subject *subject)
{
    unsigned int differ = 0;

    for (uint32_t offset = 0; offset < FUNCTION_BYTES; offset += 4) {
        uint32_t value = 0;
        int64_t status = bh_device_config_read(subject->info.device, offset, 4, &value);

        differ += status != BH_OK || value != mmio_read32(subject->function + offset);
    }
    check_equal(0, differ, "words that a call answers otherwise");
}

static uint64_t bar_of(const struct config_subject *subject)
{
    return (mmio_read32(subject->function + BAR0) & ~BAR_FLAGS) |
           (uint64_t)mmio_read32(subject->function + BAR1) << 32;
}

static void check_bar(const struct config_subject *subject)
{
    uint64_t registers = bar_of(subject), size;

    check_equal(subject->info.bar[0].address, registers, "the BAR names its registers");
    check_true(mmio_read32((uintptr_t)registers + NVME_VERSION) != 0, "which answer");
    mmio_write32(subject->function + BAR0, ALL_ONES);
    mmio_write32(subject->function + BAR1, ALL_ONES);
    size = ~bar_of(subject) + 1;
    check_equal(subject->info.bar[0].bytes, size, "written with ones it tells its size");
    mmio_write32(subject->function + BAR0, 0x20000000);
    mmio_write32(subject->function + BAR1, 0);
    check_equal(registers, bar_of(subject), "it is not moved");
    check_true(mmio_read32((uintptr_t)registers + NVME_VERSION) != 0, "registers answer as before");
}

static void check_no_reset(const struct config_subject *subject)
{
    uintptr_t registers = (uintptr_t)subject->info.bar[0].address;
    uint32_t express = find_capability(subject, CAPABILITY_EXPRESS);

    check_true(express != 0 && find_capability(subject, CAPABILITY_MSIX) != 0,
               "the list has PCI Express and MSI-X");
    check_equal(0, mmio_read32(subject->function + express + EXPRESS_CAPABILITIES) & EXPRESS_FLR,
                "function-level reset is not offered");
    mmio_write32(registers + NVME_AQA, AQA_VALUE);
    store16(subject->function + express + EXPRESS_CONTROL, EXPRESS_INITIATE_FLR);
    store16(subject->function + COMMAND, 0);
    check_equal(AQA_VALUE, mmio_read32(registers + NVME_AQA),
                "neither a reset nor the end of decoding comes of a write");
    store16(subject->function + COMMAND, COMMAND_MEMORY_MASTER);
    check_equal(COMMAND_MEMORY_MASTER, load16(subject->function + COMMAND),
                "COMMAND keeps what was written");
    check_equal(0, mmio_read32(subject->function + 0x100), "no extended capabilities");
}

int test_config(void)
{
    struct config_subject subject = { 0 };
    char end[32];

    if (!tree_bootarg("device-name", end, sizeof(end))) {
        printf("bootargs need device-name=END\n");
        return CHECK_EXIT_UNUSABLE;
    }
    if (!find(&subject, end))
        return check_result();
    check_absent(&subject, "before bind");
    check_status(BH_OK, bh_bind(subject.info.device, LABEL), "bind");
    if (check_failed())
        return check_result();
    check_enumeration(&subject);
    check_bar(&subject);
    check_calls_agree(&subject);
    check_no_reset(&subject);
    check_status(BH_OK, bh_device_unbind(subject.info.device), "unbind");
    check_absent(&subject, "after unbind");
    return check_result();
}

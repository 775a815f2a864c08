/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/vdev/pci_config.h"

#include "drivers/pci/registers.h"
#include "kernel/assign.h"
#include "kernel/partition.h"

#define COMMAND_KEPT (COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_DISABLE)
#define STATUS_SHIFT 16
#define PIN_A 0x100
#define ALL_ONES UINT32_MAX
/* On one bus without bridges a function is integrated into the root complex (7.5.3.2). */
#define EXPRESS_TYPE_SHIFT 20 /* in the capability's first word */
#define WINDOW_SLOT_SHIFT 15
#define WINDOW_FUNCTION BITS(14, 12)

/* What is shown of a capability: its first bytes, of them what the masks leave. */
struct shape {
    uint8_t id, bytes;
    uint32_t word[2]; /* masks of the first two words; the others are whole */
};

static const struct shape shapes[] = {
    /* Neither PME nor D1 and D2. */
    { CAP_POWER, POWER_BYTES, { 0x01FFFFFF, ALL_ONES } },
    { CAP_MSI, MSI_BYTES, { ALL_ONES, ALL_ONES } },
    { CAP_MSIX, MSIX_BYTES, { ALL_ONES, ALL_ONES } },
    /* No function-level reset: that is device_reset. Nor what follows, which is of links and slots. */
    { CAP_EXPRESS, EXPRESS_BYTES, { 0x000FFFFF, ALL_ONES & ~(uint32_t)EXPRESS_FLR } },
};

/* The next one behind that word, or the first. */
static uint32_t next_shown(const struct pci_function *function, uint32_t word)
{
    uint64_t behind = function->shown & ~(BIT(word) | (BIT(word) - 1));

    return behind != 0 ? (uint32_t)__builtin_ctzll(behind) * 4 : 0;
}

/* The word at `at`, masked by what is shown of the capability that begins with the header. */
static uint32_t shown_of(const struct pci_function *function, uint32_t header, uint32_t offset,
                         uint32_t at)
{
    if ((header & 0xFF) == CAP_VENDOR)
        return offset < (header >> VENDOR_LENGTH_SHIFT & 0xFF) ? pci_read32(function, at) : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
        const struct shape *shape = &shapes[i];

        if ((header & 0xFF) == shape->id && offset < shape->bytes)
            return pci_read32(function, at) & (offset < 8 ? shape->word[offset / 4] : ALL_ONES);
    }
    return 0;
}

/* Where the last one at or before `at` begins; 0: there is none. */
static uint32_t head_of(const struct pci_function *function, uint32_t at)
{
    uint64_t before = function->shown & (BIT(at / 4) | (BIT(at / 4) - 1));

    return before != 0 ? (63 - (uint32_t)__builtin_clzll(before)) * 4 : 0;
}

/* The list is in the order of addresses, whatever the function's own is. */
static uint32_t read_capability(const struct pci_function *function, uint32_t at)
{
    uint32_t head = head_of(function, at), header = pci_read32(function, head);
    uint32_t value = head != 0 ? shown_of(function, header, at - head, at) : 0;

    if (at == head) {
        value = (value & 0xFFFF00FF) | next_shown(function, at / 4) << 8;
        if ((header & 0xFF) == CAP_EXPRESS)
            value |= (uint32_t)EXPRESS_TYPE_INTEGRATED << EXPRESS_TYPE_SHIFT;
    }
    return value;
}

static uint32_t read_bar(const struct device *device, unsigned int index)
{
    const struct pci_function *function = device->function;
    bool high = index != 0 && function->bar[index - 1].wide;
    unsigned int low = index - high;
    const struct pci_bar *bar = &function->bar[low];
    uint64_t value = pci_bus_address(function, low);

    /* Where there is none, address and size are 0. */
    if ((device->config.sizing >> index & 1) != 0)
        value = ~(bar->size - 1);
    return high ? (uint32_t)(value >> 32) : (uint32_t)value | (bar->wide ? BAR_TYPE_64 : 0);
}

static bool is_bar(uint32_t at)
{
    return at - PCI_BAR0 < PCI_BARS * sizeof(uint32_t);
}

static uint32_t read_word(const struct partition *partition, const struct device *device,
                          uint32_t at)
{
    const struct pci_function *function = device->function;

    if (is_bar(at))
        return read_bar(device, (unsigned int)clamp_index((at - PCI_BAR0) / 4, PCI_BARS));
    switch (at) {
    case PCI_VENDOR:
    case PCI_CLASS_REVISION:
    case PCI_SUBSYSTEM:
        return pci_read32(function, at);
    case PCI_COMMAND: {
        uint32_t status = pci_read32(function, at) >> STATUS_SHIFT & ~(uint32_t)STATUS_CAPABILITIES;

        status |= function->shown != 0 ? STATUS_CAPABILITIES : 0;
        return status << STATUS_SHIFT | device->config.command;
    }
    case PCI_CAPABILITIES:
        return next_shown(function, 0);
    case PCI_INTERRUPT:
        return partition_interrupt(partition, device) != 0 ? PIN_A : 0;
    default:
        return at < EXTENDED_FIRST ? read_capability(function, at) : 0;
    }
}

/* lanes: the bits of the word that are written. */
static void write_word(const struct partition *partition, struct device *device, uint32_t at,
                       uint32_t value, uint32_t lanes)
{
    struct config_view *view = &device->config;

    if (is_bar(at) && lanes == ALL_ONES) {
        uint8_t bit = (uint8_t)(1u << (at - PCI_BAR0) / 4);
        bool ones = (value | ~BAR_MEMORY_MASK) == ALL_ONES;

        view->sizing = (uint8_t)(ones ? view->sizing | bit : view->sizing & ~bit);
    } else if (at == PCI_COMMAND) {
        lanes &= COMMAND_KEPT;
        view->command = (uint16_t)((view->command & ~lanes) | (value & lanes));
        if ((lanes & COMMAND_INTX_DISABLE) != 0)
            pci_set_interrupts(device->function, (view->command & COMMAND_INTX_DISABLE) == 0 &&
                                                     partition_interrupt(partition, device) != 0);
    }
}

/* With BH_OK the device is held, until assign_let_go(). */
static int64_t begin(const struct partition *partition, struct device *device, uint64_t offset,
                     uint64_t bytes, uint64_t value)
{
    if (device->function == NULL)
        return BH_EOPNOTSUPP;
    if ((bytes != 1 && bytes != 2 && bytes != 4) || offset >= CONFIG_LIMIT ||
        !is_aligned(offset, bytes) || value >> 8 * bytes != 0)
        return BH_EINVAL;
    if (!assign_hold(partition, device))
        return BH_EPERM;
    if (device->reset.step == 0)
        return BH_OK;
    assign_let_go(device);
    return BH_EBUSY;
}

static uint32_t lanes_of(uint64_t bytes)
{
    return ALL_ONES >> (32 - 8 * (uint32_t)bytes);
}

void config_start(struct device *device)
{
    device->config = (struct config_view){ 0 };
}

int64_t config_read(const struct partition *partition, struct device *device, uint64_t offset,
                    uint64_t bytes, uint64_t *value)
{
    int64_t result = begin(partition, device, offset, bytes, 0);

    if (result != BH_OK)
        return result;
    uint32_t at = (uint32_t)clamp_index(offset, CONFIG_LIMIT);

    *value = read_word(partition, device, at & ~3u) >> (at & 3) * 8 & lanes_of(bytes);
    assign_let_go(device);
    return BH_OK;
}

int64_t config_write(const struct partition *partition, struct device *device, uint64_t offset,
                     uint64_t bytes, uint64_t value)
{
    int64_t result = begin(partition, device, offset, bytes, value);

    if (result != BH_OK)
        return result;
    uint32_t at = (uint32_t)clamp_index(offset, CONFIG_LIMIT), shift = (at & 3) * 8;

    write_word(partition, device, at & ~3u, (uint32_t)value << shift, lanes_of(bytes) << shift);
    assign_let_go(device);
    return BH_OK;
}

bool config_access(const struct partition *partition, uint64_t address, unsigned int bytes,
                   bool write, uint64_t *value)
{
    uint64_t offset = address - partition->config.base;
    uint64_t slot = offset >> WINDOW_SLOT_SHIFT;

    if (offset >= partition->config.size)
        return false;
    bool there = slot < partition->device_count && (offset & WINDOW_FUNCTION) == 0;

    if (!write)
        *value = UINT64_MAX;
    if (!there)
        return true;
    struct device *device = partition->device[clamp_index(slot, PARTITION_DEVICES)];

    offset &= CONFIG_LIMIT - 1;
    if (write)
        config_write(partition, device, offset, bytes,
                     bytes < sizeof(*value) ? *value & (BIT(8 * bytes) - 1) : *value);
    else
        config_read(partition, device, offset, bytes, value);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The contracts of binding and attaching, and of what is known of a device. */
#include "kernel/assign.h"
#include "kernel/give.h"
#include "kernel/message.h"
#include "tests/proofs/calls.h"

bool is_listed(const struct device *device)
{
    return device == caller->device[0] || device == caller->device[1];
}

bool assign_hold(const struct partition *partition, struct device *device)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is held");
    return device->bound == caller;
}

void assign_let_go(struct device *device)
{
    HOLDS(is_listed(device) && device->bound == caller, "what is let go was held");
}

int64_t assign_bind(struct partition *partition, struct device *device, uint64_t label,
                    uint64_t *wait)
{
    (void)label;
    HOLDS(partition == caller && is_listed(device), "only a listed device is bound");
    *wait = nondet_u64();
    return any_of(1 | CODE(BH_EAGAIN) | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_EEXIST) |
                  CODE(BH_EOPNOTSUPP) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

int64_t assign_unbind(struct partition *partition, struct device *device)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is unbound");
    return any_of(1 | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_ETIMEDOUT));
}

int64_t assign_replace(struct partition *partition, struct device *device, uint64_t id,
                       bool *hitless)
{
    (void)id;
    HOLDS(partition == caller && is_listed(device), "only a listed device is moved");
    *hitless = nondet_bool();
    return any_of(1 | CODE(BH_EAGAIN) | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_ENOENT) |
                  CODE(BH_ERANGE) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

int64_t assign_reset(struct partition *partition, struct device *device, uint64_t *wait)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is reset");
    *wait = nondet_u64();
    return any_of(1 | CODE(BH_EAGAIN) | CODE(BH_EPERM) | CODE(BH_EOPNOTSUPP) | CODE(BH_ETIMEDOUT));
}

int64_t config_read(const struct partition *partition, struct device *device, uint64_t offset,
                    uint64_t bytes, uint64_t *value)
{
    (void)offset;
    (void)bytes;
    HOLDS(partition == caller && is_listed(device), "only a listed device is read");
    *value = nondet_u64();
    return any_of(1 | CODE(BH_EINVAL) | CODE(BH_EPERM) | CODE(BH_EOPNOTSUPP) | CODE(BH_EBUSY));
}

int64_t config_write(const struct partition *partition, struct device *device, uint64_t offset,
                     uint64_t bytes, uint64_t value)
{
    (void)offset;
    (void)bytes;
    (void)value;
    HOLDS(partition == caller && is_listed(device), "only a listed device is written");
    return any_of(1 | CODE(BH_EINVAL) | CODE(BH_EPERM) | CODE(BH_EOPNOTSUPP) | CODE(BH_EBUSY));
}

int64_t give_device(struct partition *to, struct device *device, uint64_t *wait)
{
    HOLDS(caller->set->manager, "the manager gives");
    HOLDS(to >= partitions.partition && to < partitions.partition + partitions.count,
          "to a partition of the set");
    HOLDS(device != NULL, "a device that it lists");
    *wait = nondet_u64();
    return any_of(CODE(BH_OK) | CODE(BH_EAGAIN) | CODE(BH_EOPNOTSUPP) | CODE(BH_ETIMEDOUT));
}

/* No device of these has messages: nothing below looks at the units. */
struct messages messages;

int64_t message_bind(struct partition *partition, struct device *device, uint64_t vector,
                     uint64_t interrupt, uint64_t iova)
{
    (void)vector;
    (void)interrupt;
    (void)iova;
    HOLDS(partition == caller && is_listed(device) && device->bound == caller,
          "only a bound device's messages are bound");
    return any_of(1 | CODE(BH_ENOENT) | CODE(BH_EOPNOTSUPP) | CODE(BH_ERANGE) | CODE(BH_EINVAL) |
                  CODE(BH_EBUSY) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

uint32_t message_vectors(const struct device *device)
{
    (void)device;
    return nondet_u32();
}

uint64_t message_doorbell(const struct device *device)
{
    (void)device;
    return nondet_u64();
}

uint64_t pci_vector_entry(const struct pci_function *function, uint32_t vector)
{
    (void)function;
    (void)vector;
    return nondet_u64();
}

int64_t assign_attach(struct partition *partition, struct device *device, uint64_t id)
{
    (void)id;
    HOLDS(partition == caller && is_listed(device), "only a listed device is attached");
    return any_of(1 | CODE(BH_EPERM) | CODE(BH_EBUSY) | CODE(BH_EOPNOTSUPP) | CODE(BH_ENOENT) |
                  CODE(BH_ERANGE) | CODE(BH_ENOSPC) | CODE(BH_ETIMEDOUT));
}

int64_t assign_detach(struct partition *partition, struct device *device)
{
    HOLDS(partition == caller && is_listed(device), "only a listed device is detached");
    return any_of(1 | CODE(BH_EPERM) | CODE(BH_ENOENT) | CODE(BH_ETIMEDOUT));
}

struct topology_range device_registers(const struct device *device, unsigned int index)
{
    HOLDS(is_listed(device) && index < BH_BAR_COUNT, "the registers of a listed device");
    return (struct topology_range){ .base = nondet_u64(), .size = nondet_u64() };
}

enum pci_reset_method pci_reset_method(const struct pci *pci, const struct pci_function *of)
{
    (void)pci;
    (void)of;
    return nondet_bool() ? PCI_RESET_NONE : PCI_RESET_FUNCTION_LEVEL;
}

struct owner owner_decode(uint64_t word)
{
    struct owner owner = { .state = (enum owner_state)(word & 3), .index = nondet_u32() };

    GIVEN(owner.state <= OWNER_PARTITION);
    return owner;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hypervisor with one defect, for the tests of make check: the tool is linked once more with these
 * functions in front of the kernel's and the driver's. DEFECT names the one that is wrong; the others
 * do what they should.
 */
#include <stdlib.h>
#include <string.h>

#include "drivers/iommu/smmuv3/registers.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "kernel/message.h"
#include "kernel/partition.h"

bool __real_partition_resolve(const struct partition *partition, uint64_t address, uint64_t size,
                              uint64_t *physical);
bool __wrap_partition_resolve(const struct partition *partition, uint64_t address, uint64_t size,
                              uint64_t *physical);
enum iommu_result __real_device_park(struct device *device, bool silent);
enum iommu_result __wrap_device_park(struct device *device, bool silent);
enum iommu_result __real_smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                           enum iommu_stream_state state,
                                           const struct iommu_domain *domain);
enum iommu_result __wrap_smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                           enum iommu_stream_state state,
                                           const struct iommu_domain *domain);
enum iommu_result __real_smmuv3_issue(struct smmuv3 *unit, const struct command *commands,
                                      uint32_t count);
enum iommu_result __wrap_smmuv3_issue(struct smmuv3 *unit, const struct command *commands,
                                      uint32_t count);
enum pagetable_result __real_pagetable_map(struct pagetable *table, uint64_t virtual_address,
                                           uint64_t physical, uint64_t size, uint64_t attributes,
                                           uint32_t bound, struct pagetable_progress *progress);
enum pagetable_result __wrap_pagetable_map(struct pagetable *table, uint64_t virtual_address,
                                           uint64_t physical, uint64_t size, uint64_t attributes,
                                           uint32_t bound, struct pagetable_progress *progress);
bool __real_message_map(struct message_unit *unit, uint32_t device, uint32_t vector,
                        uint32_t message, uint32_t cpu);
bool __wrap_message_map(struct message_unit *unit, uint32_t device, uint32_t vector,
                        uint32_t message, uint32_t cpu);
bool __real_message_unmap(struct message_unit *unit, uint32_t device, uint32_t vector,
                          uint32_t cpu);
bool __wrap_message_unmap(struct message_unit *unit, uint32_t device, uint32_t vector,
                          uint32_t cpu);

static bool defect(const char *name)
{
    const char *chosen = getenv("DEFECT");

    return chosen != NULL && strcmp(chosen, name) == 0;
}

bool __wrap_partition_resolve(const struct partition *partition, uint64_t address, uint64_t size,
                              uint64_t *physical)
{
    bool its_own = __real_partition_resolve(partition, address, size, physical);

    /* The table pool is taken for the partition's memory. */
    if (!its_own && defect("pool")) {
        *physical = partition->physical + (address - partition->set->memory_base);
        return range_inside(address, size, partition->set->memory_base,
                            partition->set->memory_size);
    }
    /* What is not its own is passed through. */
    if (!its_own && defect("identity")) {
        *physical = address;
        return true;
    }
    /* Off by one block. */
    if (its_own && defect("shift"))
        *physical += (uint64_t)2 << 20;
    return its_own;
}

enum iommu_result __wrap_device_park(struct device *device, bool silent)
{
    /* At boot it works, at the end of an owner it is forgotten. */
    if (device->ioas != NULL && defect("park"))
        return IOMMU_OK;
    return __real_device_park(device, silent);
}

enum iommu_result __wrap_smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                           enum iommu_stream_state state,
                                           const struct iommu_domain *domain)
{
    /* The neighbour is attached too. */
    if (state == STREAM_ATTACHED && defect("stream"))
        __real_smmuv3_stream_set(iommu, stream + 1, state, domain);
    return __real_smmuv3_stream_set(iommu, stream, state, domain);
}

enum iommu_result __wrap_smmuv3_issue(struct smmuv3 *unit, const struct command *commands,
                                      uint32_t count)
{
    /* The unit is never told that a stream's entry has changed. */
    if (FIELD_GET(CMD0_OPCODE, commands[0].word[0]) == CMD_CFGI_STE && defect("stale"))
        return IOMMU_OK;
    return __real_smmuv3_issue(unit, commands, count);
}

enum pagetable_result __wrap_pagetable_map(struct pagetable *table, uint64_t virtual_address,
                                           uint64_t physical, uint64_t size, uint64_t attributes,
                                           uint32_t bound, struct pagetable_progress *progress)
{
    /* A doorbell may be read, too: bit 6 is S2AP[0]. */
    if (physical == align_down(messages.unit[0].doorbell, PAGE_SIZE) && defect("readable"))
        attributes |= BIT(6);
    return __real_pagetable_map(table, virtual_address, physical, size, attributes, bound,
                                progress);
}

bool __wrap_message_map(struct message_unit *unit, uint32_t device, uint32_t vector,
                        uint32_t message, uint32_t cpu)
{
    /* Every vector leads to the message of the next one. */
    return __real_message_map(unit, device, vector, message + defect("message"), cpu);
}

bool __wrap_message_unmap(struct message_unit *unit, uint32_t device, uint32_t vector, uint32_t cpu)
{
    return defect("unbound") || __real_message_unmap(unit, device, vector, cpu);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_messages.h"

#include "arch/host/host.h"
#include "arch/host/store_buffer.h"
#include "drivers/irqchip/lpi.h"
#include "its_model.h"
#include "kernel/message.h"
#include "machine.h"

#define REDISTRIBUTOR UINT64_C(0x20000) /* two frames, where the machine's tree does not say */

static struct its_model *models[TOPOLOGY_ITS];
static uint32_t device_ids; /* of each unit, from 0 on */

static bool its_read(void *context, enum its_model_access_kind kind, uint64_t address, void *data,
                     size_t size)
{
    (void)context;
    (void)kind;
    if (!host_is_memory(address, size))
        return false;
    host_hardware_read(address, data, size);
    return true;
}

static bool its_write(void *context, enum its_model_access_kind kind, uint64_t address,
                      const void *data, size_t size)
{
    (void)context;
    (void)kind;
    if (!host_is_memory(address, size))
        return false;
    host_hardware_write(address, data, size);
    return true;
}

static uint64_t unit_read(void *context, uint64_t offset, unsigned int bytes)
{
    return its_model_read(context, offset, bytes);
}

static void unit_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    its_model_write(context, offset, value, bytes);
}

/* Every unit knows the redistributors; the first one's stand for all. */
static uint64_t redistributor_read(void *context, uint64_t offset, unsigned int bytes)
{
    return its_model_has(offset) ? its_model_redistributor_read(
                                       models[0], (unsigned int)(uintptr_t)context, offset, bytes)
                                 : 0;
}

static void redistributor_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    for (uint32_t i = 0; i < machine.topology.its_count && its_model_has(offset); i++)
        its_model_redistributor_write(models[i], (unsigned int)(uintptr_t)context, offset, value,
                                      bytes);
}

static void add_unit(uint32_t index)
{
    static const struct its_model_environment environment = { .read = its_read,
                                                              .write = its_write };
    struct its_model_parameters parameters = its_model_like_qemu();

    parameters.redistributors = ITS_MODEL_REDISTRIBUTORS;
    device_ids = 1u << parameters.device_bits;
    models[index] = its_model_create(&parameters, &environment);
    host_attach(&(struct host_registers){ .base = machine.topology.its[index].registers.base,
                                          .size = ITS_MODEL_FRAMES,
                                          .context = models[index],
                                          .read = unit_read,
                                          .write = unit_write });
}

static void add_redistributors(uint32_t cpus)
{
    uint64_t stride = max_u64(machine.topology.gic_stride, REDISTRIBUTOR);

    for (uint32_t i = 0; i < cpus; i++) {
        host_message_targets[i] = machine.topology.gic_range[1].base + i * stride;
        host_attach(&(struct host_registers){ .base = host_message_targets[i],
                                              .size = REDISTRIBUTOR,
                                              .context = (void *)(uintptr_t)i,
                                              .read = redistributor_read,
                                              .write = redistributor_write });
    }
}

void machine_start_messages(void)
{
    const struct topology *topology = &machine.topology;
    const char *reason = NULL;

    host_cpus = topology->cpu_count;
    if (topology->its_count != 0 && topology->gicv3) {
        for (uint32_t i = 0; i < topology->its_count; i++)
            add_unit(i);
        add_redistributors(topology->cpu_count);
    }
    /* Without an interrupt controller that can be used a boot ends, but not a check. */
    if (arch_interrupts_start(topology, &reason))
        messages_start(topology, topology->cpu_count);
}

void machine_messages(void (*found)(void *context, const struct machine_message *message),
                      void *context)
{
    struct machine_message message;
    unsigned int cpu;

    for (message.unit = 0; message.unit < messages.unit_count; message.unit++) {
        struct its_model *model = models[message.unit];

        for (message.device = 0; model != NULL && message.device < device_ids; message.device++) {
            if (its_model_message(model, message.device, 0) == ITS_MODEL_NO_DEVICE)
                continue; /* of it no event is one */
            for (message.event = 0; message.event <= MESSAGE_VECTORS; message.event++) {
                if (!its_model_mapping(model, message.device, message.event, &message.number, &cpu))
                    continue;
                message.number -= LPI_FIRST;
                message.cpu = cpu;
                found(context, &message);
            }
        }
    }
}

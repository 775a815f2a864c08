/* SPDX-License-Identifier: Apache-2.0 */
#include "its_bench.h"

#include "arch/host/host.h"
#include "arch/host/store_buffer.h"
#include "unit.h"

#define SPURIOUS 1023

struct its_model *its;
void (*its_before_read)(void), (*its_after_read)(void);
static bool coherent;

static bool is_memory(uint64_t address, size_t size)
{
    return range_inside(address, size, HOST_MEMORY_BASE, HOST_MEMORY_SIZE);
}

static enum host_view view(void)
{
    return coherent ? HOST_VIEW_COHERENT : HOST_VIEW_MEMORY;
}

static bool read_memory(void *context, enum its_model_access_kind kind, uint64_t address,
                        void *data, size_t size)
{
    (void)context;
    (void)kind;
    if (!is_memory(address, size))
        return false;
    host_stores_moment();
    host_view_read(view(), address, data, size);
    return true;
}

static bool write_memory(void *context, enum its_model_access_kind kind, uint64_t address,
                         const void *data, size_t size)
{
    (void)context;
    (void)kind;
    if (!is_memory(address, size))
        return false;
    host_view_write(view(), address, data, size);
    return true;
}

static uint64_t its_registers_read(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    if (its_before_read != NULL)
        its_before_read();
    uint64_t value = its_model_read(its, offset, bytes);

    if (its_after_read != NULL)
        its_after_read();
    return value;
}

static void its_registers_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    its_model_write(its, offset, value, bytes);
}

static uint64_t redistributor_read(void *context, uint64_t offset, unsigned int bytes)
{
    return its_model_has(offset)
               ? its_model_redistributor_read(its, (unsigned int)(uintptr_t)context, offset, bytes)
               : 0;
}

static void redistributor_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    if (its_model_has(offset))
        its_model_redistributor_write(its, (unsigned int)(uintptr_t)context, offset, value, bytes);
}

struct its_model_parameters its_kind(bool strict)
{
    struct its_model_parameters parameters = strict ? its_model_like_strict()
                                                    : its_model_like_qemu();

    parameters.redistributors = ITS_MODEL_REDISTRIBUTORS;
    for (unsigned int i = 0; i < ITS_MODEL_REDISTRIBUTORS; i++)
        parameters.redistributor[i] = ITS_REDISTRIBUTOR(i);
    return parameters;
}

void its_attach(const struct its_model_parameters *parameters)
{
    const struct its_model_environment environment = { .read = read_memory, .write = write_memory };

    coherent = parameters->shareable;
    if (!coherent)
        host_noncoherent_start();
    if (its != NULL)
        its_model_destroy(its);
    its = its_model_create(parameters, &environment);
    host_attach(&(struct host_registers){ .base = ITS_BASE,
                                          .size = ITS_MODEL_FRAMES,
                                          .read = its_registers_read,
                                          .write = its_registers_write });
    for (uintptr_t i = 0; i < ITS_MODEL_REDISTRIBUTORS; i++)
        host_attach(&(struct host_registers){ .base = ITS_REDISTRIBUTOR(i),
                                              .size = 0x10000,
                                              .context = (void *)i,
                                              .read = redistributor_read,
                                              .write = redistributor_write });
}

static struct its_model *kept;

void its_keep(void)
{
    if (kept != NULL)
        its_model_destroy(kept);
    kept = its != NULL ? its_model_copy(its) : NULL;
}

void its_put_back(void)
{
    if (kept == NULL)
        return;
    its_model_destroy(its);
    its = its_model_copy(kept);
}

uint32_t its_take(unsigned int cpu)
{
    uint32_t interrupt = its_model_acknowledge(its, cpu);

    return interrupt == SPURIOUS ? ITS_NO_MESSAGE : interrupt - LPI_FIRST;
}

void assert_its_clean(void)
{
    const struct its_model_mistake *mistake = its_model_mistake_at(its, ITS_MODEL_ALL, 0);

    if (mistake != NULL)
        fail_msg("%s: %s (0x%llx)", mistake->subject, mistake->text,
                 (unsigned long long)mistake->value);
}

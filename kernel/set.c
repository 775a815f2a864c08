/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/set.h"

#include <libfdt.h>

#include "arch/arch.h"
#include "drivers/pci/pci.h"
#include "kernel/vdev/pci_config.h"
#include "lib/format.h"
#include "lib/string.h"

#define POOL_PAGES_DEFAULT 64
#define POOL_PAGES_LIMIT 65536
#define MEMORY_ALIGNMENT BIT(21)
#define AARCH32_BITS 32
#define PCI_CONFIG_DEFAULT UINT64_C(0x08100000) /* behind the interrupt controller */
#define WINDOW_SIZE_LIMIT BIT(29)
#define WINDOW_MAPS_DEFAULT 8
#define RESTARTS_DEFAULT 3

uint64_t window_alignment(uint64_t size)
{
    return size < MEMORY_ALIGNMENT ? PAGE_SIZE : MEMORY_ALIGNMENT;
}

struct reader {
    const void *tree;
    struct set *set;
    struct set_error *error;
};

bool set_refuse(struct set_error *error, const char *node, const char *property, const char *text,
                ...)
{
    va_list arguments;

    format(error->node, sizeof(error->node), "%s", node);
    error->property = property;
    va_start(arguments, text);
    format_list(error->text, sizeof(error->text), text, arguments);
    va_end(arguments);
    return false;
}

size_t set_error_line(const struct set_error *error, const char *file, char *line, size_t size)
{
    bool property = error->property != NULL && *error->property != '\0';

    size_t length = format(line, size, "%s:%s: %s%s%s", file, error->node,
                           property ? error->property : "", property ? ": " : "", error->text);

    /* Names come from the set: they end no line and steer no terminal. */
    for (char *c = line; *c != '\0'; c++)
        *c = *c >= ' ' && *c <= '~' ? *c : '.';
    return length;
}

static bool read_path(const struct reader *reader, int node, char path[SET_NODE])
{
    return fdt_get_path(reader->tree, node, path, SET_NODE) == 0 ||
           set_refuse(reader->error, "/", "",
                      "a node's path is longer than %d characters: shorten it", SET_NODE - 1);
}

/* The cells of a property as numbers of 64 bits each; *count as found. False: not whole pairs,
 * or more than limit. */
static bool read_pairs(const struct reader *reader, int node, const char *name, uint64_t *values,
                       unsigned int limit, unsigned int *count)
{
    int length;
    const fdt32_t *cell = fdt_getprop(reader->tree, node, name, &length);

    *count = 0;
    if (cell == NULL)
        return true;
    if (length % 8 != 0 || (unsigned int)length / 8 > limit)
        return false;
    while (*count < (unsigned int)length / 8) {
        values[*count] = (uint64_t)fdt32_ld(cell) << 32 | fdt32_ld(cell + 1);
        cell += 2;
        (*count)++;
    }
    return true;
}

static bool read_number(const struct reader *reader, int node, const char *name, uint32_t *value)
{
    int length;
    const fdt32_t *cell = fdt_getprop(reader->tree, node, name, &length);

    if (cell == NULL)
        return true;
    if (length != 4)
        return false;
    *value = fdt32_ld(cell);
    return true;
}

/* A string property; *found false if absent. False: not one whole string that fits. */
static bool read_text(const struct reader *reader, int node, const char *name, char *text,
                      size_t size, bool *found)
{
    int length;
    const char *value = fdt_getprop(reader->tree, node, name, &length);

    *found = value != NULL;
    if (value == NULL)
        return true;
    if ((size_t)length > size || strnlen(value, (size_t)length) != (size_t)length - 1)
        return false;
    memcpy(text, value, (size_t)length);
    return true;
}

/* A property whose presence says it all. False: it has a value. */
static bool read_flag(const struct reader *reader, int node, const char *name, bool *value)
{
    int length;

    *value = fdt_getprop(reader->tree, node, name, &length) != NULL;
    return !*value || length == 0;
}

static bool name_is_plain(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.';

        if (!plain)
            return false;
    }
    return *name != '\0';
}

static bool is_pci_name(const char *name)
{
    static const char pattern[] = "hhhh:hh:hh.o";

    for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
        char c = name[i];
        bool hexadecimal = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

        if (pattern[i] == 'h'   ? !hexadecimal
            : pattern[i] == 'o' ? c < '0' || c > '7'
                                : c != pattern[i])
            return false;
    }
    return name[sizeof(pattern) - 1] == '\0';
}

static bool read_device(struct reader *reader, int node, struct set_partition *partition)
{
    struct set_device *device;
    char path[SET_NODE];
    bool pci, block;

    if (!read_path(reader, node, path))
        return false;
    if (partition->device_count == PARTITION_DEVICES)
        return set_refuse(reader->error, path, "", "more than %d devices for one partition",
                          PARTITION_DEVICES);
    device = &partition->device[partition->device_count++];
    memcpy(device->node, path, sizeof(path));
    if (!read_text(reader, node, "pci", device->name, sizeof(device->name), &pci))
        return set_refuse(reader->error, path, "pci", "not a string: write \"0000:01:00.0\"");
    if (!read_text(reader, node, "path", pci ? path : device->name, SET_DEVICE_NAME, &block))
        return set_refuse(reader->error, path, "path",
                          "not a string of less than %d characters: write the node's path in the "
                          "machine's tree",
                          SET_DEVICE_NAME);
    if (pci == block)
        return set_refuse(
            reader->error, device->node, "pci",
            "a device needs either pci = \"0000:01:00.0\" or path = \"/node@address\"");
    device->kind = pci ? SET_DEVICE_PCI : SET_DEVICE_BLOCK;
    if (pci && !is_pci_name(device->name))
        return set_refuse(
            reader->error, device->node, "pci",
            "not a PCI address: write segment:bus:device.function in lower case, as in "
            "\"0000:01:00.0\"");
    device->no_dma = fdt_getprop(reader->tree, node, "no-dma", NULL) != NULL;
    for (uint32_t i = 0; i + 1 < partition->device_count; i++) {
        if (strcmp(partition->device[i].name, device->name) == 0)
            return set_refuse(reader->error, device->node, pci ? "pci" : "path",
                              "%s is listed twice for this partition: remove one", device->name);
    }
    return true;
}

/* Where a part of the interrupt controller begins that the range lies over; 0: over none. */
static uint64_t over_vgic(uint64_t address, uint64_t size)
{
    const struct topology_range *vgic[] = { &arch_guest_layout.distributor,
                                            &arch_guest_layout.redistributor };

    for (size_t i = 0; i < ARRAY_LENGTH(vgic); i++) {
        if (range_overlaps(address, size, vgic[i]->base, vgic[i]->size))
            return vgic[i]->base;
    }
    return 0;
}

static bool read_memory(struct reader *reader, int node, struct set_partition *partition)
{
    uint64_t values[2];
    unsigned int count;

    if (!read_pairs(reader, node, "memory", values, 2, &count) || count != 2)
        return set_refuse(reader->error, partition->node, "memory",
                          "write memory = <0x0 0x40000000 0x0 0x4000000>: guest-physical base and "
                          "size, two cells each");
    partition->memory_base = values[0];
    partition->memory_size = values[1];
    if (!range_valid(values[0], values[1]) || !is_aligned(values[0] | values[1], MEMORY_ALIGNMENT))
        return set_refuse(reader->error, partition->node, "memory",
                          "base and size must be multiples of 2 MiB, the size not zero");
    unsigned int bits = partition->aarch32 ? AARCH32_BITS : arch_stage2_bits();

    if (!range_inside(values[0], values[1], 0, BIT(bits)))
        return set_refuse(reader->error, partition->node, "memory",
                          "ends above the %u bits of guest-physical address that %s partition has",
                          bits, partition->aarch32 ? "an AArch32" : "a");
    uint64_t over = over_vgic(values[0], values[1]);

    if (over != 0)
        return set_refuse(reader->error, partition->node, "memory",
                          "overlaps the interrupt controller at 0x%lx: choose another base", over);
    if (!read_pairs(reader, node, "physical-address", &partition->physical, 1, &count))
        return set_refuse(reader->error, partition->node, "physical-address",
                          "write two cells: <0x0 0x48000000>");
    partition->fixed_physical = count == 1;
    /* 0 where it is not fixed. */
    if (!is_aligned(partition->physical, MEMORY_ALIGNMENT) ||
        !range_valid(partition->physical, partition->memory_size))
        return set_refuse(reader->error, partition->node, "physical-address",
                          "must be a multiple of 2 MiB and not wrap around");
    return true;
}

/* What it lies over matters only where there are functions: kernel/plan.c looks. */
static bool read_pci_config(struct reader *reader, int node, struct set_partition *partition)
{
    unsigned int bits = partition->aarch32 ? AARCH32_BITS : arch_stage2_bits(), count;

    partition->pci_config = PCI_CONFIG_DEFAULT;
    return (read_pairs(reader, node, "pci-config", &partition->pci_config, 1, &count) &&
            is_aligned(partition->pci_config, CONFIG_WINDOW) &&
            range_inside(partition->pci_config, CONFIG_WINDOW, 0, BIT(bits))) ||
           set_refuse(reader->error, partition->node, "pci-config",
                      "write a multiple of 1 MiB below 2^%u in two cells: <0x0 0x%lx>", bits,
                      PCI_CONFIG_DEFAULT);
}

static bool read_quota(struct reader *reader, int node, struct set_partition *partition)
{
    partition->cpus = 1;
    partition->pool_pages = POOL_PAGES_DEFAULT;
    if (!read_number(reader, node, "cpus", &partition->cpus) || partition->cpus != 1)
        return set_refuse(reader->error, partition->node, "cpus",
                          "a partition has one vCPU in this version: write cpus = <1>");
    if (!read_number(reader, node, "pool-pages", &partition->pool_pages) ||
        partition->pool_pages < 8 || partition->pool_pages > POOL_PAGES_LIMIT)
        return set_refuse(reader->error, partition->node, "pool-pages",
                          "write a number of 4 KiB table pages from 8 to %d", POOL_PAGES_LIMIT);
    if ((uint64_t)partition->pool_pages * PAGE_SIZE > partition->memory_size / 2)
        return set_refuse(
            reader->error, partition->node, "pool-pages",
            "the pool comes out of the partition's memory and would take more than half "
            "of it: lower it or raise memory");
    return true;
}

static bool read_manager(struct reader *reader, int node, struct set_partition *partition)
{
    if (!read_flag(reader, node, "manager", &partition->manager))
        return set_refuse(reader->error, partition->node, "manager",
                          "takes no value: write manager; for the partition that may stop and "
                          "start the others");
    for (const struct set_partition *other = reader->set->partition; other < partition; other++) {
        if (partition->manager && other->manager)
            return set_refuse(reader->error, partition->node, "manager",
                              "%s is the manager: a set has one at most", other->node);
    }
    return true;
}

static bool read_answers(const struct reader *reader, int node, struct set_partition *partition)
{
    static const char *const troubles[] = { [TROUBLE_CRASH] = "on-crash",
                                            [TROUBLE_STORM] = "on-storm",
                                            [TROUBLE_UNIT] = "on-unit-failure" };
    static const char *const answers[] = { [ANSWER_LOG] = "log",
                                           [ANSWER_STOP] = "stop",
                                           [ANSWER_RESTART] = "restart",
                                           [ANSWER_SAFE_STATE] = "safe-state" };

    partition->answer[TROUBLE_CRASH] = ANSWER_STOP;
    for (size_t t = 0; t < SET_TROUBLES; t++) {
        /* What crashed cannot go on. */
        enum set_answer first = t == TROUBLE_CRASH ? ANSWER_STOP : ANSWER_LOG, answer = first;
        char word[16];
        bool found, good = read_text(reader, node, troubles[t], word, sizeof(word), &found);

        while (good && found && answer < SET_ANSWERS && strcmp(word, answers[answer]) != 0)
            answer++;
        if (!good || answer == SET_ANSWERS)
            return set_refuse(reader->error, partition->node, troubles[t],
                              "write %s\"stop\", \"restart\" or \"safe-state\"",
                              first == ANSWER_LOG ? "\"log\", " : "");
        partition->answer[t] = answer;
    }
    partition->restarts = RESTARTS_DEFAULT;
    return read_number(reader, node, "restarts", &partition->restarts) ||
           set_refuse(reader->error, partition->node, "restarts",
                      "write how often it may be started again: restarts = <3>");
}

static bool name_from_node(const struct reader *reader, int node, char to[PARTITION_NAME])
{
    int length;
    const char *name = fdt_get_name(reader->tree, node, &length);

    /* An error of libfdt is a negative length. */
    if ((size_t)length >= PARTITION_NAME)
        return false;
    memcpy(to, name, (size_t)length + 1);
    return true;
}

static bool read_partition(struct reader *reader, int node)
{
    struct set *set = reader->set;
    struct set_partition *partition;
    char path[SET_NODE];
    bool found;

    if (!read_path(reader, node, path))
        return false;
    if (set->partition_count == PARTITION_LIMIT)
        return set_refuse(reader->error, path, "", "more than %d partitions", PARTITION_LIMIT);
    partition = &set->partition[set->partition_count++];
    memcpy(partition->node, path, sizeof(path));
    if (!read_text(reader, node, "console", partition->name, sizeof(partition->name), &found) ||
        (found && !name_is_plain(partition->name)))
        return set_refuse(reader->error, path, "console",
                          "a name of at most %d letters, digits, '-', '_' or '.'",
                          PARTITION_NAME - 1);
    if (!found && !name_from_node(reader, node, partition->name))
        return set_refuse(
            reader->error, path, "console",
            "the node's name is longer than %d characters: add a shorter console name",
            PARTITION_NAME - 1);
    if (strcmp(partition->name, "bulkhead") == 0 || !name_is_plain(partition->name))
        return set_refuse(reader->error, path, "console",
                          "this name is the hypervisor's own, or not "
                          "plain: choose another");
    for (uint32_t i = 0; i + 1 < set->partition_count; i++) {
        if (strcmp(set->partition[i].name, partition->name) == 0)
            return set_refuse(reader->error, path, "console", "the name %s is in use by %s",
                              partition->name, set->partition[i].node);
    }
    if (!read_text(reader, node, "payload", partition->payload, sizeof(partition->payload),
                   &found) ||
        !found)
        return set_refuse(
            reader->error, path, "payload",
            "write payload = \"file\": an ELF file or a flat binary, at most %d characters",
            (int)sizeof(partition->payload) - 1);
    if (!read_text(reader, node, "bootargs", partition->bootargs, sizeof(partition->bootargs),
                   &found))
        return set_refuse(reader->error, path, "bootargs", "a string of at most %d characters",
                          BOOTARGS_LIMIT - 1);
    if (!read_flag(reader, node, "aarch32", &partition->aarch32))
        return set_refuse(reader->error, path, "aarch32",
                          "takes no value: write aarch32; for a partition of 32-bit code");
    if (!read_memory(reader, node, partition) || !read_pci_config(reader, node, partition) ||
        !read_quota(reader, node, partition) || !read_manager(reader, node, partition) ||
        !read_answers(reader, node, partition))
        return false;
    int devices = fdt_subnode_offset(reader->tree, node, "devices");
    int device;

    if (devices < 0)
        return true; /* a partition may have none */
    fdt_for_each_subnode(device, reader->tree, devices)
    {
        if (!read_device(reader, device, partition))
            return false;
    }
    return true;
}

/* ---- Windows --------------------------------------------------------------------------------- */

static bool find_partition(const struct set *set, const char *name, uint32_t *index)
{
    for (*index = 0; *index < set->partition_count; (*index)++) {
        if (strcmp(set->partition[*index].name, name) == 0)
            return true;
    }
    return false;
}

static bool read_sides(const struct reader *reader, int node, struct set_window *window)
{
    bool good = fdt_stringlist_count(reader->tree, node, "between") == 2;

    for (int i = 0; good && i < 2; i++)
        good = find_partition(reader->set,
                              fdt_stringlist_get(reader->tree, node, "between", i, NULL),
                              &window->side[i]);
    return (good && window->side[0] != window->side[1]) ||
           set_refuse(reader->error, window->node, "between",
                      "write the console names of two partitions: between = \"a\", \"b\"");
}

static bool read_writers(const struct reader *reader, int node, struct set_window *window)
{
    int count = fdt_stringlist_count(reader->tree, node, "writable-by");
    bool good = count == 1 || count == 2;

    for (int i = 0; good && i < count; i++) {
        const char *name = fdt_stringlist_get(reader->tree, node, "writable-by", i, NULL);
        uint32_t partition, side;

        good = find_partition(reader->set, name, &partition);
        side = partition == window->side[1];
        good = good && partition == window->side[side] && !window->writes[side];
        window->writes[side] = true;
    }
    return good || set_refuse(reader->error, window->node, "writable-by",
                              "write the console name of one side of the window, or of both");
}

/* Up to 512 pages or blocks: what a change of the window costs is bounded. */
static bool read_size(const struct reader *reader, int node, struct set_window *window)
{
    unsigned int count;

    /* Where there is none it stays 0. */
    return (read_pairs(reader, node, "size", &window->size, 1, &count) && window->size != 0 &&
            window->size <= WINDOW_SIZE_LIMIT &&
            is_aligned(window->size, window_alignment(window->size))) ||
           set_refuse(reader->error, window->node, "size",
                      "write two cells: a multiple of 4 KiB below 2 MiB, or a multiple of 2 MiB up "
                      "to 512 MiB, as in <0x0 0x10000>");
}

static bool read_quotas(const struct reader *reader, int node, struct set_window *window)
{
    window->maps = WINDOW_MAPS_DEFAULT;
    if (!read_flag(reader, node, "dma", &window->dma))
        return set_refuse(reader->error, window->node, "dma",
                          "takes no value: write dma; to let devices of both sides reach it");
    if (!read_number(reader, node, "maps", &window->maps) || window->maps == 0 ||
        window->maps > WINDOW_MAPS)
        return set_refuse(reader->error, window->node, "maps",
                          "write how many maps of it a side's devices may have: 1 to %d",
                          WINDOW_MAPS);
    return true;
}

/* Where one side has it: free of all else that the partition has. */
static bool check_place(const struct reader *reader, const struct set_window *window, uint32_t side)
{
    const struct set *set = reader->set;
    const struct set_partition *partition = &set->partition[window->side[side]];
    uint64_t address = window->address[side];
    unsigned int bits = partition->aarch32 ? AARCH32_BITS : arch_stage2_bits();

    if (!is_aligned(address, window_alignment(window->size)) ||
        !range_inside(address, window->size, 0, BIT(bits)))
        return set_refuse(reader->error, window->node, "at",
                          "0x%lx is not within the %u bits of %s, or not a multiple of 0x%lx",
                          address, bits, partition->name, window_alignment(window->size));
    if (range_overlaps(address, window->size, partition->memory_base, partition->memory_size))
        return set_refuse(reader->error, window->node, "at", "0x%lx lies over the memory of %s",
                          address, partition->name);
    if (over_vgic(address, window->size) != 0)
        return set_refuse(reader->error, window->node, "at",
                          "0x%lx lies over the interrupt controller of %s", address,
                          partition->name);
    for (const struct set_window *other = set->window; other < window; other++) {
        for (uint32_t i = 0; i < 2; i++) {
            if (other->side[i] == window->side[side] &&
                range_overlaps(address, window->size, other->address[i], other->size))
                return set_refuse(reader->error, window->node, "at",
                                  "0x%lx lies over %s in %s: choose another address", address,
                                  other->node, partition->name);
        }
    }
    return true;
}

static bool read_window(struct reader *reader, int node)
{
    struct set *set = reader->set;
    struct set_window *window = &set->window[set->window_count];
    char path[SET_NODE];
    unsigned int count;

    if (!read_path(reader, node, path))
        return false;
    if (set->window_count == WINDOW_LIMIT)
        return set_refuse(reader->error, path, "", "more than %d windows", WINDOW_LIMIT);
    memcpy(window->node, path, sizeof(path));
    if (!name_from_node(reader, node, window->name))
        return set_refuse(reader->error, path, "",
                          "the node's name is longer than %d characters: shorten it",
                          PARTITION_NAME - 1);
    if (!read_sides(reader, node, window) || !read_writers(reader, node, window) ||
        !read_size(reader, node, window) || !read_quotas(reader, node, window))
        return false;
    if (!read_pairs(reader, node, "at", window->address, 2, &count) || count != 2)
        return set_refuse(reader->error, path, "at",
                          "write the address at which each side has it, two cells each, in the "
                          "order of between: at = <0x0 0x80000000 0x0 0x80000000>");
    set->window_count++;
    return check_place(reader, window, 0) && check_place(reader, window, 1);
}

static bool read_windows(struct reader *reader)
{
    int windows = fdt_path_offset(reader->tree, "/windows"), node;

    if (windows < 0)
        return true; /* a set may have none */
    fdt_for_each_subnode(node, reader->tree, windows)
    {
        if (!read_window(reader, node))
            return false;
    }
    return true;
}

static bool check_physical_overlap(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->set->partition_count; i++) {
        const struct set_partition *a = &reader->set->partition[i];

        for (uint32_t j = 0; j < i; j++) {
            const struct set_partition *b = &reader->set->partition[j];

            if (a->fixed_physical && b->fixed_physical &&
                range_overlaps(a->physical, a->memory_size, b->physical, b->memory_size))
                return set_refuse(
                    reader->error, a->node, "physical-address",
                    "[0x%lx, +0x%lx) overlaps the memory of %s at 0x%lx: move one of them",
                    a->physical, a->memory_size, b->node, b->physical);
        }
    }
    return true;
}

bool set_read(const void *tree, uint64_t size, struct set *set, struct set_error *error)
{
    struct reader reader = { .tree = tree, .set = set, .error = error };
    int node, partitions;

    memset(set, 0, sizeof(*set));
    if (size > SET_SIZE_LIMIT || fdt_check_full(tree, size) != 0)
        return set_refuse(error, "/", "",
                          "not a whole device tree blob: compile it with dtc again");
    if (fdt_node_check_compatible(tree, 0, "bulkhead,partition-set") != 0)
        return set_refuse(error, "/", "compatible",
                          "write compatible = \"bulkhead,partition-set\"");
    partitions = fdt_path_offset(tree, "/partitions");
    if (partitions < 0)
        return set_refuse(error, "/partitions", "",
                          "is missing: add it, and add a node for each partition");
    fdt_for_each_subnode(node, tree, partitions)
    {
        if (!read_partition(&reader, node))
            return false;
    }
    if (set->partition_count == 0)
        return set_refuse(error, "/partitions", "", "no partition: add a node for each");
    return check_physical_overlap(&reader) && read_windows(&reader);
}

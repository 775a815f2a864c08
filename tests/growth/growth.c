/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What calls cost as there is more of everything: mappings, devices, partitions, units. The cost is counted, not
 * timed: basic blocks of kernel/, drivers/ and lib/ that run (steps), and commands to the units. The limits
 * of the product are raised for this program (mk/growth.mk), its code is the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x100000000)
#define FAR UINT64_C(0x4000000000) /* no table below the root leads there */
#define STEP (2 * PAGE_SIZE)       /* from one mapping to the next: each is a leaf of its own */
#define MEMORY UINT64_C(0x1000000)
#define POOL_PAGES 1024
/* Devices behind the first switch, on bus 4, and functions behind each other one. */
#define FIRST_BUS 4
#define FIRST_SWITCH 32
#define SWITCH 256

static uint64_t steps;

/* What the compiler has called at the start of each basic block. */
void count_step(void) __asm__("__sanitizer_cov_trace_pc");

void count_step(void)
{
    steps++;
}

struct cost {
    uint64_t steps, commands;
};

static uint64_t commands(void)
{
    uint64_t sum = 0;

    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        sum += smmuv3_model_command_total(machine.unit[unit]);
    return sum;
}

static struct cost now(void)
{
    return (struct cost){ .steps = steps, .commands = commands() };
}

static struct cost since(struct cost start)
{
    return (struct cost){ .steps = steps - start.steps, .commands = commands() - start.commands };
}

/* ---- Machines of any size ------------------------------------------------------------------------ */

struct size {
    unsigned int mappings, devices, partitions, units;
    unsigned int own;    /* devices in the caller's list */
    unsigned int spread; /* units that the space is on; 0: that of the device alone */
};

/* The calls that are looked at, in the order in which a program makes them. */
enum { BIND, ALLOC, ATTACH, MAP, MAP_TABLES, UNMAP, UNMAP_TABLES, DETACH, UNBIND, CALLS };
static const char *const names[CALLS] = {
    "bind",  "ioas_alloc",          "attach", "map",   "map, three tables",
    "unmap", "unmap, three tables", "detach", "unbind"
};

/* Each has the device with its number on the first switch; all others are behind the first unit. */
static void add_units(unsigned int count)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    uint32_t id = PCI_RID(FIRST_BUS, 0, 0);

    for (unsigned int i = 1; i <= count; i++, id += 8) {
        machine_add_unit(&parameters);
        machine_board_unit();
        machine.id_map[i] = (struct machine_id_map){ id, 8, i, id };
    }
    machine.tree.units = 1 + count;
    machine.id_map[0] = (struct machine_id_map){ 0, PCI_RID(FIRST_BUS, 0, 0), 0, 0 };
    machine.id_map[1 + count] = (struct machine_id_map){ id, 0x10000 - id, 0, id };
    machine.id_map_count = 2 + count;
}

/* One more switch; what stands on its inner bus is a device each. */
static int add_switch(unsigned int number)
{
    int port = pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, (uint8_t)(8 + number), 0, 4);

    return pci_model_bridge(&machine.pci, port, 0, 0, 5);
}

/* Those on the first switch have one function, so that each can be given alone, the others eight. */
static void add_devices(unsigned int count)
{
    int inner = 0, function;

    for (unsigned int i = 0; i < count; i++) {
        bool single = i < FIRST_SWITCH;
        unsigned int place = single ? 8 * i : (i - FIRST_SWITCH) % SWITCH;

        if (place == 0)
            inner = add_switch(single ? 0 : 1 + (i - FIRST_SWITCH) / SWITCH);
        function = pci_model_endpoint(&machine.pci, inner, (uint8_t)(place / 8), place % 8);
        if (single) /* it can be reset */
            pci_model_express(&machine.pci, function, 0, true);
        else if (place % 8 == 0)
            pci_model_multifunction(&machine.pci, function);
    }
}

/* The caller's list: the device that it uses is the last of it. */
static void list_devices(unsigned int count)
{
    static char name[PARTITION_DEVICES][PCI_NAME];
    const char **list = machine.partition[0].pci;

    assert_in_range(count, 1, PARTITION_DEVICES);
    for (unsigned int i = 0; i + 1 < count; i++) {
        (void)snprintf(name[i], sizeof(name[i]), "0000:%02x:%02x.0", FIRST_BUS, i & 31);
        list[i] = name[i];
    }
    list[count - 1] = DEVICE1_NAME;
}

static void boot(const struct size *size)
{
    static const char *const name[] = { "one",  "two", "three", "four",
                                        "five", "six", "seven", "eight" };

    _Static_assert(ARRAY_LENGTH(name) == PARTITION_LIMIT, "a name each");
    machine_plain();
    add_units(size->units - 1);
    machine.partition[0].memory_size = MEMORY;
    machine.partition[0].pool_pages = POOL_PAGES;
    add_devices(size->devices - 2);
    list_devices(size->own);
    for (unsigned int i = 1; i < size->partitions; i++)
        machine_partition(name[i]);
    host_cpus = size->partitions + 1;
    machine.tree.cpus = host_cpus;
    machine_boot();
    /* The limits were raised far enough. */
    assert_true(devices.count > size->devices && devices.pci.dropped == 0);
    assert_int_equal(devices.iommu_count, size->units);
}

static void fill(uint64_t ioas, unsigned int from, unsigned int to)
{
    for (unsigned int i = from; i < to; i++)
        assert_int_equal(map(0, ioas, IOVA + i * STEP, BASE, PAGE_SIZE), BH_OK);
}

#define COSTS(index, expected, call)                                                               \
    do {                                                                                           \
        struct cost start = now();                                                                 \
                                                                                                   \
        assert_int_equal(call, expected);                                                          \
        cost[index] = since(start);                                                                \
    } while (0)

/* The first devices of the list, each behind a unit of its own, share the space. */
static void spread(uint64_t ioas, unsigned int units)
{
    for (unsigned int i = 0; i + 1 < units; i++) {
        uint64_t id = DEVICE_ID_PCI | PCI_RID(FIRST_BUS, i, 0);

        assert_int_equal(bind(0, id, 2 + i), BH_OK);
        assert_int_equal(call3(0, BH_CALL_ATTACH, id, BH_PASID_NONE, ioas), BH_OK);
    }
}

/* What each call costs on the machine that runs, the first time that a life makes it. */
static void measure(const struct size *size, struct cost cost[CALLS])
{
    COSTS(BIND, BH_OK, bind(0, DEVICE1_ID, 1));
    struct cost before = now();
    int64_t ioas = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    cost[ALLOC] = since(before);
    assert_true(ioas > 0);
    COSTS(ATTACH, BH_OK, call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)ioas));
    spread((uint64_t)ioas, size->spread);
    fill((uint64_t)ioas, 0, size->mappings);
    uint64_t gap = IOVA + size->mappings / 2 * STEP + PAGE_SIZE;

    COSTS(MAP, BH_OK, map(0, (uint64_t)ioas, gap, BASE, PAGE_SIZE));
    COSTS(UNMAP, BH_OK, unmap(0, (uint64_t)ioas, gap, PAGE_SIZE));
    COSTS(MAP_TABLES, BH_OK, map(0, (uint64_t)ioas, FAR, BASE, PAGE_SIZE));
    COSTS(UNMAP_TABLES, BH_OK, unmap(0, (uint64_t)ioas, FAR, PAGE_SIZE));
    COSTS(DETACH, BH_OK, call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE));
    COSTS(UNBIND, BH_OK, call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID));
    assert_units_clean();
}

/* The kernel boots once a process. */
static void measure_alone(const struct size *size, struct cost cost[CALLS])
{
    struct cost *shared = mmap(NULL, sizeof(*shared) * CALLS, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = -1;

    assert_true(shared != MAP_FAILED);
    (void)fflush(NULL);
    pid_t child = fork();

    if (child == 0) {
        boot(size);
        measure(size, shared);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (unsigned int i = 0; i < CALLS; i++)
        cost[i] = shared[i];
    munmap(shared, sizeof(*shared) * CALLS);
}

/* ---- Curves -------------------------------------------------------------------------------------- */

/* A line a call for whoever draws it. */
static void tell(const char *axis, unsigned int at, const struct cost cost[CALLS])
{
    const char *path = getenv("GROWTH_POINTS");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;

    for (unsigned int i = 0; file != NULL && i < CALLS; i++)
        (void)fprintf(file, "%s\t%u\t%s\t%llu\t%llu\n", axis, at, names[i],
                      (unsigned long long)cost[i].steps, (unsigned long long)cost[i].commands);
    if (file != NULL)
        (void)fclose(file);
}

/* No call costs more at any point of the curve than at its first, but for those that grow: by so many steps
 * for each further one at most. */
struct curve {
    const char *axis;
    unsigned int at[8];
    unsigned int points;
    struct cost grows[CALLS];
};

static bool is_flat(struct cost found, struct cost first, struct cost grows, uint64_t further)
{
    return found.steps <= first.steps + further * grows.steps &&
           found.commands <= first.commands + further * grows.commands;
}

static void expect_flat(const struct curve *curve, struct size (*of)(unsigned int))
{
    struct cost cost[ARRAY_LENGTH(curve->at)][CALLS];

    for (unsigned int point = 0; point < curve->points; point++) {
        const struct size size = of(curve->at[point]);

        measure_alone(&size, cost[point]);
        tell(curve->axis, curve->at[point], cost[point]);
        for (unsigned int i = 0; i < CALLS; i++) {
            if (!is_flat(cost[point][i], cost[0][i], curve->grows[i],
                         curve->at[point] - curve->at[0]))
                fail_msg("%s costs %llu steps and %llu commands with %u %s, with %u %llu and %llu",
                         names[i], (unsigned long long)cost[point][i].steps,
                         (unsigned long long)cost[point][i].commands, curve->at[point], curve->axis,
                         curve->at[0], (unsigned long long)cost[0][i].steps,
                         (unsigned long long)cost[0][i].commands);
        }
    }
}

static struct size with_mappings(unsigned int count)
{
    return (struct size){ .mappings = count, .devices = 2, .partitions = 1, .units = 1, .own = 1 };
}

static void a_call_costs_the_same_however_many_mappings_stand(void)
{
    static const struct curve curve = {
        "mappings", { 1, 10, 100, 1000, 10000, 100000 }, 6, { { 0, 0 } }
    };

    expect_flat(&curve, with_mappings);
}

static struct size with_devices(unsigned int count)
{
    return (struct size){ .mappings = 1, .devices = count, .partitions = 1, .units = 1, .own = 1 };
}

/* A bind looks at every device of the machine: whose records does the group's former owner lose? */
static void a_call_but_bind_costs_the_same_however_many_devices_the_machine_has(void)
{
    static const struct curve curve = {
        "devices of the machine", { 2, 10, 30, 100, 300, 1000 }, 6, { [BIND] = { 2, 0 } }
    };

    expect_flat(&curve, with_devices);
}

static struct size with_own_devices(unsigned int count)
{
    return (
        struct size){ .mappings = 1, .devices = 100, .partitions = 1, .units = 1, .own = count };
}

/* A device is looked for in the caller's list, which has 16 places. */
static void a_call_costs_little_more_for_the_last_device_of_a_full_list(void)
{
    static const struct curve curve = { "devices of the caller",
                                        { 1, 2, 4, 8, 16 },
                                        5,
                                        { [BIND] = { 12, 0 },
                                          [ALLOC] = { 2, 0 },
                                          [ATTACH] = { 2, 0 },
                                          [DETACH] = { 2, 0 },
                                          [UNBIND] = { 2, 0 } } };

    expect_flat(&curve, with_own_devices);
}

static struct size with_partitions(unsigned int count)
{
    return (struct size){ .mappings = 1, .devices = 2, .partitions = count, .units = 1, .own = 1 };
}

static void a_call_costs_the_same_however_many_partitions_there_are(void)
{
    static const struct curve curve = { "partitions", { 1, 2, 3, 4, 5, 6, 7, 8 }, 8, { { 0, 0 } } };

    expect_flat(&curve, with_partitions);
}

static struct size with_units(unsigned int count)
{
    return (struct size){ .mappings = 1, .devices = 34, .partitions = 1, .units = count, .own = 1 };
}

static void a_call_costs_the_same_however_many_units_there_are(void)
{
    static const struct curve curve = { "units", { 1, 2, 4, 8, 16, 32 }, 6, { { 0, 0 } } };

    expect_flat(&curve, with_units);
}

/* The list and the machine are the same for each point. */
static struct size with_units_of_the_space(unsigned int count)
{
    return (struct size){
        .mappings = 1, .devices = 34, .partitions = 1, .units = 32, .own = 32, .spread = count
    };
}

/* Each unit that the space is on has to forget what is unmapped. */
static void only_what_has_to_be_forgotten_costs_more_for_each_unit_that_a_space_is_on(void)
{
    static const struct curve curve = { "units of the space",
                                        { 1, 2, 4, 8, 16, 32 },
                                        6,
                                        { [UNMAP] = { 48, 2 }, [UNMAP_TABLES] = { 52, 2 } } };

    expect_flat(&curve, with_units_of_the_space);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_costs_the_same_however_many_mappings_stand),
        TEST(a_call_but_bind_costs_the_same_however_many_devices_the_machine_has),
        TEST(a_call_costs_little_more_for_the_last_device_of_a_full_list),
        TEST(a_call_costs_the_same_however_many_partitions_there_are),
        TEST(a_call_costs_the_same_however_many_units_there_are),
        TEST(only_what_has_to_be_forgotten_costs_more_for_each_unit_that_a_space_is_on),
    };

    if (count > 1)
        cmocka_set_test_filter(arguments[1]);
    return RUN_GROUP("growth");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that keep no rule, in front of the unit and under the real kernel: what they had in flight arrives
 * late, they work on in their reset, sign with others' ids, claim translations and flood. The model devices heed
 * no bus mastering bit, so the unit alone stands between them and memory.
 */
#include "devices.h"
#include "tests/observer/observer.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define OTHER_IOVA UINT64_C(0x900000)
#define SIBLING_NAME "0000:01:00.1"
#define SIBLING_ID (DEVICE_ID_PCI | 0x101)
#define STREAM(id) ((uint32_t)(id)&0xFFFF)
#define IDS 0x400
#define STEPS 100000
#define GUESTS 2

static struct bus *bus;
static struct device *master;
static uint64_t ioas, memory[GUESTS];

/* All that a guest sees as its memory. */
static uint64_t memory_of(unsigned int partition)
{
    const struct partition_spec *spec = &machine.partition[partition];

    return hash_bytes(HASH_START, guest(partition, spec->memory_base),
                      spec->memory_size - (uint64_t)spec->pool_pages * PAGE_SIZE);
}

static void remember_memory(void)
{
    for (unsigned int i = 0; i < GUESTS; i++)
        memory[i] = memory_of(i);
}

static void expect_memory_as_it_was(const char *when)
{
    for (unsigned int i = 0; i < GUESTS; i++) {
        if (memory_of(i) != memory[i])
            fail_msg("%s the device changed memory of partition %u", when, i);
    }
}

/* Two partitions that may bind the same group of two functions on one bus; the first has attached one of them. */
static void start(const struct device_manners *manners, bool ats)
{
    struct device_settings settings = { .stream_id = STREAM(DEVICE1_ID), .ats = ats };
    int sibling;

    machine_plain();
    sibling = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, sibling, 0, true);
    pci_model_bar(&machine.pci, sibling, 0, 0x1000, false);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    for (unsigned int i = 0; i < GUESTS; i++)
        machine.partition[i].pci[1] = SIBLING_NAME;
    observer_start_with(&(struct observer_options){ .mode = HOST_STORES_HELD });
    machine_boot();
    settings.manners = *manners;
    bus = bus_create(machine.unit[0]);
    master = bus_add(bus, &settings);
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, PAGE_SIZE), BH_OK);
}

static uint64_t issue(uint64_t iova, unsigned int hold)
{
    const struct device_command command = {
        .write = true, .iova = iova, .value = 0xBAD, .hold = hold
    };

    return device_issue(master, &command);
}

static void run_bus(void)
{
    bus_run(bus, STEPS);
    assert_int_equal(bus_pending(bus), 0);
    machine_interrupts();
}

static void expect_outcome(uint64_t number, enum smmuv3_model_outcome outcome)
{
    struct device_report report = device_report(master, number);

    if (report.progress != DEVICE_DONE || report.result.outcome != outcome)
        fail_msg("request %llu: progress %d, outcome %d instead of %d", (unsigned long long)number,
                 (int)report.progress, (int)report.result.outcome, (int)outcome);
}

/* While it is attached the same device writes what it likes: without this no other test could fail. */
static void expect_the_device_writes(void)
{
    uint64_t number = issue(IOVA, 0);

    run_bus();
    expect_outcome(number, SMMUV3_MODEL_OK);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x1000), 0xBAD);
    *(uint64_t *)guest(0, BASE + 0x1000) = 0;
}

/* Nobody has the group, and no id of its bus or of any other reaches anything. */
static void expect_all_parked(void)
{
    remember_memory();
    for (uint32_t id = 0; id < IDS; id++) {
        const struct device_command command = {
            .write = true, .iova = IOVA, .value = 0xBAD, .forges = true, .forged = id
        };

        device_issue(master, &command);
    }
    run_bus();
    expect_memory_as_it_was("though nobody has it");
    assert_int_equal(owner_decode(atomic_load(&device_find(DEVICE1_NAME)->group->owner)).state,
                     OWNER_NONE);
    assert_units_clean();
    bus_destroy(bus);
}

static void give_up(unsigned int partition)
{
    assert_int_equal(call2(partition, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(partition, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
}

static const struct device_manners polite, heedless = { .works_in_reset = true };

/* ---- In flight --------------------------------------------------------------------------------------------- */

static void i4_a_write_in_flight_over_an_unmap_lands_nowhere(void)
{
    start(&polite, false);
    expect_the_device_writes();
    uint64_t late = issue(IOVA, 3);

    bus_step(bus, 0);
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    remember_memory();
    run_bus();
    expect_outcome(late, SMMUV3_MODEL_ABORT);
    expect_memory_as_it_was("after the unmap");
    give_up(0);
    expect_all_parked();
}

static void i4_a_write_in_flight_over_a_detach_lands_nowhere(void)
{
    start(&polite, false);
    expect_the_device_writes();
    uint64_t late = issue(IOVA, 3);

    bus_step(bus, 0);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    remember_memory();
    run_bus();
    expect_outcome(late, SMMUV3_MODEL_ABORT);
    expect_memory_as_it_was("after the detach");
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    expect_all_parked();
}

static void i6_a_write_of_the_former_owners_reaches_neither_it_nor_the_next_one(void)
{
    start(&heedless, false);
    expect_the_device_writes();
    uint64_t early = issue(IOVA, 2), late = issue(IOVA, 8);

    give_up(0);
    device_reset(master);
    uint64_t next = bind_and_attach(1, DEVICE1_ID, 1);

    assert_int_equal(map(1, next, OTHER_IOVA, BASE + 0x1000, PAGE_SIZE), BH_OK);
    remember_memory();
    run_bus();
    expect_outcome(early, SMMUV3_MODEL_ABORT);
    expect_outcome(late, SMMUV3_MODEL_ABORT);
    expect_memory_as_it_was("of its former owner's accord");
    /* It works for the next one, though. */
    late = issue(OTHER_IOVA, 0);
    run_bus();
    expect_outcome(late, SMMUV3_MODEL_OK);
    assert_int_equal(*(uint64_t *)guest(1, BASE + 0x1000), 0xBAD);
    give_up(1);
    expect_all_parked();
}

static void i6_row_0_19_a_write_of_a_partition_that_died_lands_nowhere(void)
{
    start(&heedless, false);
    expect_the_device_writes();
    uint64_t late = issue(IOVA, 3);

    call2(0, BH_CALL_POWER, BH_POWER_OFF, 3);
    remember_memory();
    run_bus();
    expect_outcome(late, SMMUV3_MODEL_ABORT);
    expect_memory_as_it_was("after its owner's end");
    expect_all_parked();
}

/* ---- In reset ---------------------------------------------------------------------------------------------- */

static void a_device_that_works_in_its_reset_reaches_nothing_until_it_is_attached(void)
{
    int64_t result;

    start(&heedless, false);
    expect_the_device_writes();
    give_up(0);
    remember_memory();
    result = call2(1, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1);
    device_reset(master);
    for (unsigned int rounds = 0; result == BH_EAGAIN && rounds < 2000; rounds++) {
        uint64_t number = issue(IOVA, 0);

        run_bus();
        expect_outcome(number, SMMUV3_MODEL_ABORT);
        host_advance(machine.x[1]);
        result = call2(1, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1);
    }
    assert_int_equal(result, BH_OK);
    uint64_t number = issue(IOVA, 0);

    run_bus();
    expect_outcome(number, SMMUV3_MODEL_ABORT);
    expect_memory_as_it_was("in its reset");
    assert_int_equal(call1(1, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    expect_all_parked();
}

/* ---- Under other names ------------------------------------------------------------------------------------- */

/* Ids that the bus does not keep apart are one group, and have one owner: a forger finds parked streams, and that
 * of its own owner's other function. */
static void a_forged_id_reaches_no_more_than_the_owner_of_its_bus(void)
{
    start(&polite, false);
    assert_int_equal(bind(1, SIBLING_ID, 1), BH_EPERM);
    assert_int_equal(bind(0, SIBLING_ID, 2), BH_OK);
    remember_memory();
    for (uint32_t id = 0; id < IDS; id++) {
        const struct device_command command = {
            .write = true, .iova = IOVA, .value = 0xBAD, .forges = true, .forged = id
        };
        uint64_t number = device_issue(master, &command);

        run_bus();
        expect_outcome(number, id == STREAM(DEVICE1_ID) ? SMMUV3_MODEL_OK : SMMUV3_MODEL_ABORT);
        *(uint64_t *)guest(0, BASE + 0x1000) = 0;
    }
    expect_memory_as_it_was("under another's name");
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_ID, BH_PASID_NONE, ioas), BH_OK);
    const struct device_command command = {
        .write = true, .iova = IOVA, .value = 0xBAD, .forges = true, .forged = STREAM(SIBLING_ID)
    };
    uint64_t number = device_issue(master, &command);

    run_bus();
    expect_outcome(number, SMMUV3_MODEL_OK);
    assert_int_equal(memory_of(1), memory[1]);
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, SIBLING_ID), BH_OK);
    give_up(0);
    expect_all_parked();
}

/* Nobody was given ATS: neither are translations answered, nor addresses believed that a device claims. */
static void a_device_that_claims_translated_addresses_reaches_nothing(void)
{
    start(&polite, true);
    struct device_command command = { .write = true, .iova = IOVA, .value = 0xBAD };
    uint64_t asked = device_issue(master, &command), claimed;

    remember_memory();
    command.claims = true;
    command.iova = partitions.partition[1].physical + 0x1000;
    claimed = device_issue(master, &command);
    run_bus();
    expect_outcome(asked, SMMUV3_MODEL_ABORT);
    expect_outcome(claimed, SMMUV3_MODEL_ABORT);
    expect_memory_as_it_was("by translated addresses");
    assert_int_equal(device_cached(master), 0);
    give_up(0);
    expect_all_parked();
}

/* ---- Too much ---------------------------------------------------------------------------------------------- */

static void a_flood_of_writes_holds_no_call_up_and_reaches_nothing(void)
{
    start(&polite, false);
    remember_memory();
    device_flood(master, 5000, OTHER_IOVA, PAGE_SIZE);
    for (unsigned int i = 0; bus_pending(bus) > 0 && i < STEPS; i++) {
        bus_step(bus, 0);
        if (i % 100 == 0)
            assert_int_equal(map(0, ioas, IOVA + PAGE_SIZE, BASE, PAGE_SIZE), BH_OK);
        if (i % 100 == 50)
            assert_int_equal(unmap(0, ioas, IOVA + PAGE_SIZE, PAGE_SIZE), BH_OK);
    }
    run_bus();
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_SELF);
    expect_memory_as_it_was("by a flood");
    give_up(0);
    expect_all_parked();
}

int run_masters_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i4_a_write_in_flight_over_an_unmap_lands_nowhere),
        TEST(i4_a_write_in_flight_over_a_detach_lands_nowhere),
        TEST(i6_a_write_of_the_former_owners_reaches_neither_it_nor_the_next_one),
        TEST(i6_row_0_19_a_write_of_a_partition_that_died_lands_nowhere),
        TEST(a_device_that_works_in_its_reset_reaches_nothing_until_it_is_attached),
        TEST(a_forged_id_reaches_no_more_than_the_owner_of_its_bus),
        TEST(a_device_that_claims_translated_addresses_reaches_nothing),
        TEST(a_flood_of_writes_holds_no_call_up_and_reaches_nothing),
    };

    return RUN_GROUP("kernel/devices");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that partitions can do to their devices, in any order, with the observer on: what the calls
 * answer does not matter here, only what the devices can reach meanwhile.
 */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/hardware.h"

#define BASE UINT64_C(0x40000000)
#define SIBLING_NAME "0000:01:00.1"
#define SIBLING_ID (DEVICE_ID_PCI | 0x101)
#define GUESTS 2
#define DEVICES 3
#define SPACES 2
#define STEPS 60

static const uint64_t device_id[DEVICES] = { DEVICE1_ID, SIBLING_ID, DEVICE2_ID };
static int function[DEVICES] = { DEVICE1, 0, DEVICE2 };
static uint64_t spaces[GUESTS][SPACES];
static enum host_stores mode;

/* Two partitions that may both bind two functions of one device, which are a group, and a third one. */
static void boot_two(const struct smmuv3_model_parameters *parameters)
{
    machine_plain_with(parameters);
    function[1] = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, function[1], 0, true);
    pci_model_bar(&machine.pci, function[1], 0, 0x1000, false);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine_partition("two");
    for (unsigned int guest = 0; guest < GUESTS; guest++) {
        machine.partition[guest].pci[0] = DEVICE1_NAME;
        machine.partition[guest].pci[1] = SIBLING_NAME;
        machine.partition[guest].pci[2] = DEVICE2_NAME;
    }
    machine_boot();
}

/* ---- What a guest does ---------------------------------------------------------------------------------- */

/* Mostly ids that exist, sometimes another. */
static uint64_t *some_space(unsigned int guest)
{
    return &spaces[guest][guest_choice(SPACES)];
}

static uint64_t some_iova(void)
{
    static const uint64_t iova[] = { 0x10000, 0x11000, 0x200000, 0x7FFFFFF000 };

    return iova[guest_choice(ARRAY_LENGTH(iova))];
}

static uint64_t some_size(void)
{
    static const uint64_t size[] = { PAGE_SIZE, 2 * PAGE_SIZE, 3 * PAGE_SIZE, 0x200000 };

    return size[guest_choice(ARRAY_LENGTH(size))];
}

static void allocate(unsigned int guest, uint64_t device)
{
    int64_t id = call2(guest, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE);

    if (id > 0)
        *some_space(guest) = (uint64_t)id;
}

static void map_something(unsigned int guest)
{
    static const uint64_t offset[] = { 0, 0x1000, 0x5000, 0x200000 };
    uint64_t space = *some_space(guest), iova = some_iova(), size = some_size();
    uint64_t address = BASE + offset[guest_choice(ARRAY_LENGTH(offset))];

    call(guest, BH_CALL_IOAS_MAP, space, iova, address, size, 1 + guest_choice(3));
}

static void restart(unsigned int guest)
{
    enum host_end end;

    call2(guest, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    memset(spaces[guest], 0, sizeof(spaces[guest]));
    assert_true(host_run_work(partitions.partition[guest].cpu, &end));
    assert_int_equal(end, HOST_GUEST);
}

/* The device writes whatever its command register says, a few times, and its faults are told. */
static void fire(unsigned int device, unsigned int times)
{
    uint64_t iova = some_iova();

    pci_model_set16(&machine.pci, function[device], 4,
                    (uint16_t)(pci_model_get16(&machine.pci, function[device], 4) | 4));
    for (unsigned int i = 0; i < times; i++)
        dma_write(function[device], iova, 0xD0A);
}

static void step(void)
{
    unsigned int guest = guest_choice(GUESTS), device = guest_choice(DEVICES);
    uint64_t id = device_id[device];

    switch (guest_choice(13)) {
    case 0:
    case 1:
        call2(guest, BH_CALL_DEVICE_BIND, id, device);
        host_advance(machine.x[1]);
        call2(guest, BH_CALL_DEVICE_BIND, id, device);
        break;
    case 2:
        allocate(guest, id);
        break;
    case 3:
    case 4:
        call3(guest, BH_CALL_ATTACH, id, BH_PASID_NONE, *some_space(guest));
        break;
    case 5:
    case 6:
        map_something(guest);
        break;
    case 7:
    case 8:
        unmap(guest, *some_space(guest), some_iova(), some_size());
        break;
    case 9:
        fire(device, 1 + 20 * guest_choice(2));
        break;
    case 10:
        call2(guest, BH_CALL_DETACH, id, BH_PASID_NONE);
        break;
    case 11:
        call1(guest, guest_choice(2) == 0 ? BH_CALL_DEVICE_UNBIND : BH_CALL_IOAS_FREE,
              guest_choice(2) == 0 ? id : *some_space(guest));
        break;
    default:
        if (guest_choice(8) == 1)
            restart(guest);
        else
            smmuv3_model_evict(machine.unit[0]);
        break;
    }
}

/* It begins with what most sequences would take long to come to: a device of each is attached. */
static void everything(void)
{
    observer_start_with(&(struct observer_options){ .seed = 1 + guest_choice(1000), .mode = mode });
    hardware_free();
    for (unsigned int guest = 0; guest < GUESTS; guest++) {
        uint64_t id = guest == 0 ? DEVICE1_ID : DEVICE2_ID;

        spaces[guest][0] = bind_and_attach(guest, id, 99);
        map(guest, spaces[guest][0], 0x10000, BASE + 0x1000, 3 * PAGE_SIZE);
    }
    for (unsigned int i = 0; i < STEPS; i++)
        step();
    assert_true(observer_counts().calls > STEPS / 4);
    assert_units_clean();
}

static void play(const char *name, const struct smmuv3_model_parameters *parameters,
                 enum host_stores stores, unsigned int seeds)
{
    mode = stores;
    boot_two(parameters);
    campaign_seeds(name, everything, seeds);
}

static void row_0_13_any_sequence_of_calls_keeps_the_invariants(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    play(__func__, &parameters, HOST_STORES_IMMEDIATE, campaign(400));
}

static void any_sequence_keeps_them_while_stores_become_visible_in_any_order(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    play(__func__, &parameters, HOST_STORES_SCHEDULED, campaign(400));
}

static void any_sequence_keeps_them_on_a_unit_without_coherence(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = false;
    play(__func__, &parameters, HOST_STORES_SCHEDULED, campaign(200));
}

static void any_sequence_keeps_them_on_qemus_unit(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    play(__func__, &parameters, HOST_STORES_HELD, campaign(200));
}

static void any_sequence_keeps_them_where_tags_are_few_and_commands_take_ranges(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.vmid16 = false;
    parameters.ril = true;
    play(__func__, &parameters, HOST_STORES_SCHEDULED, campaign(100));
}

/* ---- Named ways through life ------------------------------------------------------------------------------- */

static uint64_t ioas;

static void start(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_plain_with(&parameters);
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start_with(&(struct observer_options){ .mode = HOST_STORES_SCHEDULED, .period = 500 });
    hardware_free();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, 0x10000, BASE + 0x1000, 3 * PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 1), DMA_LANDED);
}

static void a_device_changes_hands_and_never_reaches_its_former_owner(void)
{
    start();
    assert_int_equal(unmap(0, ioas, 0x11000, PAGE_SIZE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    uint64_t other = bind_and_attach(1, DEVICE1_ID, 1);

    assert_int_equal(map(1, other, 0x10000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 2), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(1, BASE), 2);
}

static void i6_a_partition_that_dies_in_the_midst_of_a_storm_leaves_nothing_reachable(void)
{
    start();
    for (unsigned int i = 0; i < 5000; i++)
        fire(0, 1);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 3);
    for (unsigned int i = 0; i < 300; i++)
        fire(0, 20);
    bind_and_attach(1, DEVICE1_ID, 1);
}

static void a_unit_that_fails_lets_nothing_pass_any_more(void)
{
    start();
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(map(0, ioas, 0x20000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_ETIMEDOUT);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
}

static void an_illegal_command_costs_nobody_an_invariant(void)
{
    start();
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_FETCH_COMMAND, 1);
    assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_ETIMEDOUT);
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
}

int run_scenario_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_0_13_any_sequence_of_calls_keeps_the_invariants),
        TEST(any_sequence_keeps_them_while_stores_become_visible_in_any_order),
        TEST(any_sequence_keeps_them_on_a_unit_without_coherence),
        TEST(any_sequence_keeps_them_on_qemus_unit),
        TEST(any_sequence_keeps_them_where_tags_are_few_and_commands_take_ranges),
        TEST(a_device_changes_hands_and_never_reaches_its_former_owner),
        TEST(i6_a_partition_that_dies_in_the_midst_of_a_storm_leaves_nothing_reachable),
        TEST(a_unit_that_fails_lets_nothing_pass_any_more),
        TEST(an_illegal_command_costs_nobody_an_invariant),
    };

    return RUN_GROUP("observer/scenarios");
}

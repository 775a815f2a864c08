/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that goes from guest to guest and faults all the time, while the boot CPU reads the faults when it
 * comes to it: whoever has it is told of faults of his own time, and of no others (I9).
 */
#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/adversary/hardware.h"
#include "tests/observer/observer.h"
#include "tests/unit/groups.h"

#define BASE UINT64_C(0x40000000)
#define RING (BASE + 0x180000)
#define GUESTS 2
#define FAULTS 20 /* of a time; a ring takes them all */
#define TIMES 2

/* The device asks for an address that names its owner and his time. */
#define IOVA_OF(guest, time) (UINT64_C(0x10000000) * ((guest) + 1) + ((time) << PAGE_SHIFT))
#define LABEL_OF(guest, time) ((guest) + 1 + 16 * (uint64_t)(time))

static struct hardware hardware;
static uint64_t wanted;          /* by the device now; 0: it is quiet */
static unsigned int faults_left; /* that it may make in this time */
static uint32_t *told;           /* in how many runs somebody was told; shared by them */

static bool fault_now(void *context)
{
    struct smmuv3_model_access access = { .stream_id = 0x100, .write = true };

    (void)context;
    if (wanted == 0 || faults_left == 0)
        return false;
    faults_left--;
    access.iova = wanted;
    if (smmuv3_model_transact(machine.unit[0], &access).outcome == SMMUV3_MODEL_OK)
        fail_msg("the device reaches 0x%llx", (unsigned long long)wanted);
    return false;
}

/* Whatever the guest is told from its ring and its record is of this time. */
static void expect_own(unsigned int guest_index, uint64_t time)
{
    struct bh_event_ring *ring = guest(guest_index, RING);
    struct bh_query_fault *fault = guest(guest_index, BASE + 0x100000);
    uint64_t iova = IOVA_OF(guest_index, time);

    for (; ring->consumer != ring->producer;
         ring->consumer = (ring->consumer + 1) % BH_EVENT_RECORDS) {
        const struct bh_event *event = &ring->record[ring->consumer];

        if (event->type == BH_EVENT_FAULT &&
            (event->iova != iova || event->label != LABEL_OF(guest_index, time)))
            fail_msg("guest %u at its time %llu is told of 0x%llx with label 0x%llx", guest_index,
                     (unsigned long long)time, (unsigned long long)event->iova,
                     (unsigned long long)event->label);
        told[0]++;
    }
    *fault = (struct bh_query_fault){ .size = sizeof(*fault) };
    assert_int_equal(guest_call(guest_index, BH_CALL_QUERY, BH_QUERY_FAULT, BASE + 0x100000,
                                DEVICE1_ID, 0, 0, NULL),
                     BH_OK);
    if (fault->count != 0 && (fault->iova != iova || fault->label != LABEL_OF(guest_index, time) ||
                              fault->count > FAULTS))
        fail_msg("guest %u at its time %llu has a record of %llu faults, the last at 0x%llx",
                 guest_index, (unsigned long long)time, (unsigned long long)fault->count,
                 (unsigned long long)fault->iova);
}

static void live(void *argument)
{
    unsigned int guest_index = (unsigned int)(uintptr_t)argument;

    for (uint64_t time = 0; time < TIMES; time++) {
        while (guest_bind(guest_index, DEVICE1_ID, LABEL_OF(guest_index, time)) != BH_OK)
            cpu_relax();
        faults_left = FAULTS;
        wanted = IOVA_OF(guest_index, time);
        for (unsigned int i = 0; i < 20; i++)
            host_between();
        expect_own(guest_index, time);
        wanted = 0;
        assert_int_equal(
            guest_call(guest_index, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0, 0, 0, NULL), BH_OK);
        /* What was told until then was written before the call returned. */
        expect_own(guest_index, time);
    }
}

static void pass_it_on(void)
{
    hardware_start(&hardware, HARDWARE_ADVERSARIAL);
    hardware_event(&hardware, "the device faults", fault_now, NULL);
    host_stores_mode(HOST_STORES_SCHEDULED);
    for (uintptr_t i = 0; i < GUESTS; i++)
        host_cpu_start(partitions.partition[i].cpu, live, (void *)i);
    hardware_run(&hardware);
}

static void i9_whoever_has_the_device_is_told_of_its_own_time_alone_in_any_order(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.eventqs = 5;
    machine_plain_with(&parameters);
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    for (unsigned int i = 0; i < GUESTS; i++)
        assert_int_equal(call1(i, BH_CALL_EVENT_RING, RING), BH_OK);
    told = (void *)choices_create();
    campaign_seeds(__func__, pass_it_on, campaign(300));
    if (told[0] < 100)
        fail_msg("only %u faults were told of in all runs", told[0]);
}

int run_hand_over_races_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i9_whoever_has_the_device_is_told_of_its_own_time_alone_in_any_order),
    };

    return RUN_GROUP("kernel/hand over, races");
}

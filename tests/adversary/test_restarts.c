/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition is restarted by its manager again and again while its device writes to memory whatever anybody says, and
 * the unit does what it does when it likes: nothing lands from the end of one life to the attach of the next, and no
 * other partition's memory changes (I3, I4, I6).
 */
#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/adversary/hardware.h"
#include "tests/observer/observer.h"
#include "tests/unit/groups.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define PAGES 4
#define WITNESS_AT (BASE + 0x100000)
#define WITNESS_WORDS 0x2000
#define WITNESS(i) (UINT64_C(0x5717E55000000000) + (i))
#define LIVES 4 /* of a run */

enum { WORKER, MANAGER };

static struct hardware hardware;
static bool
    may_land; /* the worker has begun to attach the device, and has not been told that it is out */
static uint32_t *counts;
enum { RESTARTS, LANDED };

static bool fire(void *context)
{
    struct smmuv3_model_access access = { .stream_id = 0x100,
                                          .write = true,
                                          .iova = IOVA + guest_choice(2 * PAGES) * PAGE_SIZE };

    (void)context;
    if (smmuv3_model_transact(machine.unit[0], &access).outcome != SMMUV3_MODEL_OK)
        return false;
    if (!may_land)
        fail_msg("the device writes to 0x%llx between two lives", (unsigned long long)access.iova);
    counts[LANDED]++;
    return false;
}

static void run_recalled(void *vcpu)
{
    host_guest_ops->recalled(vcpu);
}

/* The worker's CPU follows its order, if it has one. True: it lives on. */
static bool follow(void)
{
    struct partition *worker = &partitions.partition[WORKER];
    enum host_end end = HOST_OFF;

    if (!worker->vcpu.recalled)
        return true;
    worker->vcpu.recalled = false;
    if (host_run(run_recalled, &worker->vcpu) == HOST_RETURNED)
        return true;
    may_land = false;
    if (!host_run_work(worker->cpu, &end))
        return false;
    assert_int_equal(end, HOST_GUEST);
    counts[RESTARTS]++;
    return true;
}

/* What a life begins with. */
static void set_up(void)
{
    int64_t ioas;

    if (guest_bind(WORKER, DEVICE1_ID, 1) != BH_OK)
        fail_msg("a new life cannot bind the device");
    ioas = guest_call(WORKER, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE, 0, 0, 0, NULL);
    assert_true(ioas > 0);
    assert_int_equal(guest_call(WORKER, BH_CALL_IOAS_MAP, (uint64_t)ioas, IOVA, BASE + 0x3000,
                                PAGES * PAGE_SIZE, BH_MAP_READ | BH_MAP_WRITE, NULL),
                     BH_OK);
    may_land = true;
    assert_int_equal(
        guest_call(WORKER, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)ioas, 0, 0, NULL),
        BH_OK);
}

static void work(void *unused)
{
    const struct partition *worker = &partitions.partition[WORKER];

    (void)unused;
    for (;;) {
        uint32_t life = worker->starts;

        if (guest_choice(4) != 3)
            set_up();
        while (worker->starts == life) {
            if (!follow())
                return;
            host_between();
            cpu_relax();
        }
    }
}

static void order(uint64_t action)
{
    int64_t result;

    while ((result = guest_call(MANAGER, BH_CALL_PARTITION_CONTROL, WORKER, action, 0, 0, 0,
                                NULL)) == BH_EBUSY)
        cpu_relax();
    assert_int_equal(result, BH_OK);
}

static void manage(void *unused)
{
    (void)unused;
    for (unsigned int i = 0; i < LIVES; i++) {
        for (unsigned int steps = guest_choice(40); steps > 0; steps--)
            host_between();
        order(BH_PARTITION_RESTART);
    }
    order(BH_PARTITION_STOP);
}

static void restart_under_load(void)
{
    hardware_start(&hardware, HARDWARE_ADVERSARIAL);
    hardware_event(&hardware, "the device writes", fire, NULL);
    host_stores_mode(HOST_STORES_SCHEDULED);
    may_land = false;
    host_cpu_start(partitions.partition[WORKER].cpu, work, NULL);
    host_cpu_start(partitions.partition[MANAGER].cpu, manage, NULL);
    hardware_run(&hardware);
    const uint64_t *witness = guest(MANAGER, WITNESS_AT);

    for (uint64_t i = 0; i < WITNESS_WORDS; i++)
        assert_int_equal(witness[i], WITNESS(i));
    assert_int_equal(partitions.partition[WORKER].starts, 1 + LIVES);
}

static void i4_i6_row_0_19_nothing_lands_between_two_lives_however_often_a_partition_restarts(void)
{
    uint64_t *witness;

    machine_plain();
    machine_partition("two")->manager = true;
    observer_start();
    machine_boot();
    witness = guest(MANAGER, WITNESS_AT);
    for (uint64_t i = 0; i < WITNESS_WORDS; i++)
        witness[i] = WITNESS(i);
    counts = (void *)choices_create();
    campaign_seeds(__func__, restart_under_load, campaign(250));
    if (counts[RESTARTS] < 40 || counts[LANDED] < 20)
        fail_msg("%u restarts and %u writes that landed in all runs are too few", counts[RESTARTS],
                 counts[LANDED]);
}

int run_restarts_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i4_i6_row_0_19_nothing_lands_between_two_lives_however_often_a_partition_restarts),
    };

    return RUN_GROUP("restarts under load, races");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two guests whose devices are of different groups and stand behind one unit: no lock but the queue's own
 * keeps their commands apart.
 */
#include "drivers/iommu/smmuv3/registers.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/hardware.h"
#include "tests/observer/observer.h"
#include "tests/unit/groups.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define MAPPED UINT64_C(0x20000)
#define GUESTS 2
#define ROUNDS 3

static const uint32_t stream_of[GUESTS] = { 0x100, 0x200 };
static uint64_t ioas_of[GUESTS];
static bool may_fail; /* the unit may stop to complete SYNCs */
static unsigned int syncs_left, refused[GUESTS];
static uint64_t produced; /* CMDQ_PROD as it was written last */
static struct hardware hardware;

static uint64_t queue_log2(void)
{
    return FIELD_GET(QUEUE_BASE_LOG2SIZE, smmuv3_model_read64(machine.unit[0], SMMU_CMDQ_BASE));
}

/* The unit is told of more commands each time, never of fewer. */
static void expect_forward(unsigned int unit, uint64_t offset, uint64_t value)
{
    uint64_t log2 = queue_log2(), mask = BIT(log2 + 1) - 1;

    (void)unit;
    if (offset != SMMU_CMDQ_PROD)
        return;
    if (((value - produced) & mask) == 0 || ((value - produced) & mask) > BIT(log2))
        fail_msg("CMDQ_PROD goes from 0x%llx to 0x%llx", (unsigned long long)produced,
                 (unsigned long long)value);
    produced = value;
}

static void boot(const struct smmuv3_model_parameters *parameters)
{
    machine_plain_with(parameters);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    machine_drain_console();
    assert_ptr_not_equal(device_find(DEVICE1_NAME)->group, device_find(DEVICE2_NAME)->group);
    ioas_of[0] = bind_and_attach(0, DEVICE1_ID, 1);
    ioas_of[1] = bind_and_attach(1, DEVICE2_ID, 1);
    produced = smmuv3_model_read32(machine.unit[0], SMMU_CMDQ_PROD);
    machine.before_register_write = expect_forward;
    /* The race begins where the queue is about to wrap. */
    while ((produced & (BIT(queue_log2()) - 1)) < BIT(queue_log2()) - 8) {
        assert_int_equal(map(0, ioas_of[0], IOVA, BASE + MAPPED, PAGE_SIZE), BH_OK);
        assert_int_equal(unmap(0, ioas_of[0], IOVA, PAGE_SIZE), BH_OK);
    }
}

static struct smmuv3_model_result write_by_device(unsigned int guest, uint64_t iova)
{
    const struct smmuv3_model_access access = { .stream_id = stream_of[guest],
                                                .iova = iova,
                                                .write = true };

    return smmuv3_model_transact(machine.unit[0], &access);
}

static void touch(unsigned int guest, uint64_t offset)
{
    struct smmuv3_model_result result = write_by_device(guest, IOVA + offset);

    if (devices.iommu[0].silenced)
        return;
    if (result.outcome != SMMUV3_MODEL_OK ||
        result.address != partitions.partition[guest].physical + MAPPED + offset)
        fail_msg("guest %u: its device reaches 0x%llx with outcome %d", guest,
                 (unsigned long long)result.address, (int)result.outcome);
}

static void unmap_what_was_touched(unsigned int guest, uint64_t size)
{
    int64_t result = guest_call(guest, BH_CALL_IOAS_UNMAP, ioas_of[guest], IOVA, size, 0, 0, NULL);

    if (result == BH_ETIMEDOUT && may_fail) {
        refused[guest]++;
        return;
    }
    if (result != BH_OK)
        fail_msg("guest %u: unmap answers %lld", guest, (long long)result);
    for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
        if (write_by_device(guest, IOVA + at).outcome == SMMUV3_MODEL_OK)
            fail_msg("guest %u: page 0x%llx is reached though its unmap is over", guest,
                     (unsigned long long)(IOVA + at));
    }
}

static void map_touch_unmap(void *argument)
{
    unsigned int guest = (unsigned int)(uintptr_t)argument;

    for (unsigned int round = 0; round < ROUNDS && refused[guest] == 0; round++) {
        uint64_t size = PAGE_SIZE * (1 + guest_choice(3));
        int64_t result = guest_call(guest, BH_CALL_IOAS_MAP, ioas_of[guest], IOVA, BASE + MAPPED,
                                    size, BH_MAP_READ | BH_MAP_WRITE, NULL);

        if (result != BH_OK)
            fail_msg("guest %u: map answers %lld", guest, (long long)result);
        for (uint64_t at = 0; at < size; at += PAGE_SIZE)
            touch(guest, at);
        unmap_what_was_touched(guest, size);
    }
}

static void run_both(void)
{
    host_stores_mode(HOST_STORES_SCHEDULED);
    for (uintptr_t guest = 0; guest < GUESTS; guest++)
        host_cpu_start(partitions.partition[guest].cpu, map_touch_unmap, (void *)guest);
    hardware_run(&hardware);
    host_stores_release_all();
    assert_units_clean();
}

static void both_in_the_queue(void)
{
    hardware_start(&hardware, HARDWARE_ADVERSARIAL);
    hardware_evict(&hardware);
    run_both();
    assert_false(devices.iommu[0].silenced);
    assert_int_equal(devices.iommu[0].counters.illegal_commands, 0);
}

static void i4_two_guests_fill_one_command_queue_and_each_unmap_is_over_when_it_returns(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    boot(&parameters);
    campaign_seeds(__func__, both_in_the_queue, campaign(500));
}

static void the_same_in_the_smallest_queue_without_coherence(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = false;
    parameters.cmdqs = 7;
    boot(&parameters);
    campaign_seeds(__func__, both_in_the_queue, campaign(300));
}

/* ---- The unit stops in between --------------------------------------------------------------------- */

static bool consume(void *unused)
{
    (void)unused;
    return smmuv3_model_step(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS);
}

static bool complete_some(void *unused)
{
    (void)unused;
    if (syncs_left == 0 || !smmuv3_model_step(machine.unit[0], SMMUV3_MODEL_LATE_SYNC))
        return false;
    syncs_left--;
    return true;
}

static void a_sync_times_out(void)
{
    hardware_start(&hardware, HARDWARE_LATE);
    hardware.schedule.idle_nanoseconds = 100000;
    hardware_event(&hardware, "a unit consumes a command", consume, NULL);
    hardware_event(&hardware, "a unit completes one of its last SYNCs", complete_some, NULL);
    may_fail = true;
    syncs_left = guest_choice(2 * ROUNDS);
    run_both();
    /* There were too few for all rounds: whoever waited for one that did not come was told. */
    assert_true(devices.iommu[0].silenced);
    assert_true(refused[0] + refused[1] > 0);
    for (unsigned int guest = 0; guest < GUESTS; guest++) {
        assert_int_equal(partitions.partition[guest].pinned, refused[guest] != 0);
        assert_int_equal(write_by_device(guest, IOVA).outcome, SMMUV3_MODEL_ABORT);
    }
    assert_int_equal(pci_model_get16(&machine.pci, PORT1, 4) & 4, 0);
    assert_int_equal(pci_model_get16(&machine.pci, PORT2, 4) & 4, 0);
}

static void a_sync_that_times_out_between_two_guests_lets_no_unmap_return_with_success(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    boot(&parameters);
    campaign_seeds(__func__, a_sync_times_out, campaign(300));
}

int run_queue_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i4_two_guests_fill_one_command_queue_and_each_unmap_is_over_when_it_returns),
        TEST(the_same_in_the_smallest_queue_without_coherence),
        TEST(a_sync_that_times_out_between_two_guests_lets_no_unmap_return_with_success),
    };

    return RUN_GROUP("kernel/one queue");
}

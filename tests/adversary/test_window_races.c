/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two partitions that share a window, each on its CPU, with devices that write whenever the schedule says: they
 * map and unmap it, ring, end and begin anew at any moment. Nobody reaches the frames while one of them does not
 * live, a new life finds zeros, and every call comes back.
 */
#include <string.h>

#include "kernel/hypercall.h"
#include "kernel/window.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/adversary/hardware.h"
#include "tests/observer/observer.h"
#include "tests/unit/groups.h"

#define BASE UINT64_C(0x40000000)
#define AT UINT64_C(0x80000000)
#define SIZE UINT64_C(0x4000)
#define IOVA UINT64_C(0x10000)
#define GUESTS 2
#define WRITES 60
#define LOOKS 16
#define DEVICE_ID(guest) ((guest) == 0 ? DEVICE1_ID : DEVICE2_ID)

static const int function[GUESTS] = { DEVICE1, DEVICE2 };
static struct hardware hardware;
static int64_t spaces[GUESTS];
/* The guest's end has withdrawn the window, and its next life has not been begun. */
static bool gone[GUESTS];
static bool busy[GUESTS]; /* its next life is being made */
static unsigned int writes_left;

/* Shared by the runs of a campaign: what they came to. */
enum sight { SEEN_REACHED, SEEN_BLOCKED, SEEN_REFUSED, SEEN_RANG, SEEN_GAP, SIGHTS };
static uint32_t *seen;

static bool in_frames(uint64_t address)
{
    return address - windows.window[0].physical < SIZE;
}

/* Nobody may have the frames. */
static bool withdrawn(void)
{
    return gone[0] || gone[1];
}

static bool write_by_device(void *context)
{
    unsigned int guest = (unsigned int)(uintptr_t)context;
    struct smmuv3_model_access access = { .iova = IOVA, .write = true };
    struct smmuv3_model_result result;

    if (writes_left == 0 || !pci_model_requester(&machine.pci, function[guest], &access.stream_id))
        return false;
    writes_left--;
    result = smmuv3_model_transact(machine.unit[0], &access);
    seen[result.outcome == SMMUV3_MODEL_OK ? SEEN_REACHED : SEEN_BLOCKED]++;
    if (result.outcome != SMMUV3_MODEL_OK)
        return false;
    if (!in_frames(result.address))
        fail_msg("device %u reaches 0x%llx", guest, (unsigned long long)result.address);
    if (withdrawn())
        fail_msg("device %u reaches the frames of a window that was withdrawn", guest);
    return false;
}

/* What the guest's CPU would find now. */
static void look(unsigned int guest)
{
    const struct window *window = &windows.window[0];
    uint64_t entry, size;

    if (!pagetable_lookup(&partitions.partition[guest].stage2, AT + SIZE - PAGE_SIZE, &entry,
                          &size)) {
        seen[SEEN_GAP]++;
        /* A CPU that meets the gap waits, and has something then. */
        assert_true(host_guest_ops->settle(&partitions.partition[guest].vcpu, AT));
        assert_true(pagetable_lookup(&partitions.partition[guest].stage2, AT, &entry, &size));
    }
    entry &= BITS(47, 12);
    if (withdrawn() && in_frames(entry))
        fail_msg("CPU %u has the frames of a window that was withdrawn", guest);
    if (!in_frames(entry) && entry - window->side[guest].alone >= SIZE)
        fail_msg("CPU %u has 0x%llx at the window's address", guest, (unsigned long long)entry);
}

static void use(unsigned int guest)
{
    int64_t result = guest_call(guest, BH_CALL_IOAS_MAP, (uint64_t)spaces[guest], IOVA, AT, SIZE,
                                BH_MAP_READ | BH_MAP_WRITE, NULL);

    look(guest);
    if (result == BH_ERANGE)
        seen[SEEN_REFUSED]++;
    else if (result != BH_OK && result != BH_EEXIST)
        fail_msg("guest %u: map answers %lld", guest, (long long)result);
    if (guest_choice(2) == 0)
        return;
    result = guest_call(guest, BH_CALL_IOAS_UNMAP, (uint64_t)spaces[guest], IOVA, SIZE, 0, 0, NULL);
    if (result != BH_OK)
        fail_msg("guest %u: unmap answers %lld", guest, (long long)result);
}

static void ring(unsigned int guest)
{
    int64_t result = guest_call(guest, BH_CALL_NOTIFY, 0, 0, 0, 0, 0, NULL);

    if (result != BH_OK && result != BH_EAGAIN)
        fail_msg("guest %u: notify answers %lld", guest, (long long)result);
    seen[SEEN_RANG] += result == BH_OK;
}

static void attach(unsigned int guest)
{
    uint64_t id = DEVICE_ID(guest);

    if (guest_bind(guest, id, 1) != BH_OK)
        fail_msg("guest %u cannot bind its device", guest);
    spaces[guest] = guest_call(guest, BH_CALL_IOAS_ALLOC_PAGING, id, BH_IOAS_NONE, 0, 0, 0, NULL);
    assert_true(spaces[guest] > 0);
    assert_int_equal(
        guest_call(guest, BH_CALL_ATTACH, id, BH_PASID_NONE, (uint64_t)spaces[guest], 0, 0, NULL),
        BH_OK);
}

static void power_reset(void *context)
{
    uint64_t x[6] = { BH_CALL_POWER, BH_POWER_RESET };

    hypercall(context, x, BH_CALL_POWER);
}

static void die_and_live(unsigned int guest)
{
    const uint64_t *word = memory_pointer(windows.window[0].physical);

    /* What the life leaves behind. */
    memset(memory_pointer(windows.window[0].physical), 0xA5, SIZE);
    host_between();
    assert_int_equal(host_run(power_reset, &partitions.partition[guest].vcpu), HOST_IDLE);
    gone[guest] = true;
    for (unsigned int i = guest_choice(4); i > 0; i--)
        host_between();
    gone[guest] = false;
    busy[guest] = true;
    assert_int_equal(machine_run_cpu(partitions.partition[guest].cpu), HOST_GUEST);
    busy[guest] = false;
    /* Its CPU has not run yet; the other's may have ended meanwhile, and left that. */
    if (!gone[1 - guest] && !busy[1 - guest] && windows.window[0].connected &&
        windows.window[0].changes % 2 == 1 && word[0] != 0 &&
        word[0] != UINT64_C(0xA5A5A5A5A5A5A5A5))
        fail_msg("guest %u finds 0x%llx", guest, (unsigned long long)word[0]);
    attach(guest);
}

static void live(void *argument)
{
    unsigned int guest = (unsigned int)(uintptr_t)argument;

    attach(guest);
    for (unsigned int round = 0; round < 4; round++) {
        switch (guest_choice(4)) {
        case 0:
            ring(guest);
            break;
        case 1:
            die_and_live(guest);
            break;
        default:
            use(guest);
            break;
        }
        /* The gap is a few stores long. */
        for (unsigned int looks = 0; looks < LOOKS; looks++) {
            look(guest);
            host_between();
        }
    }
}

static void race(void)
{
    hardware_start(&hardware, HARDWARE_ADVERSARIAL);
    for (unsigned int guest = 0; guest < GUESTS; guest++) {
        hardware_event(&hardware, "a device writes", write_by_device, (void *)(uintptr_t)guest);
        hardware_prefetch(&hardware, function[guest], IOVA);
    }
    hardware_evict(&hardware);
    writes_left = WRITES;
    host_stores_mode(HOST_STORES_SCHEDULED);
    for (uintptr_t guest = 0; guest < GUESTS; guest++)
        host_cpu_start(partitions.partition[guest].cpu, live, (void *)guest);
    hardware_run(&hardware);
    host_stores_release_all();
    assert_units_clean();
    assert_true(windows.window[0].connected);
    assert_false(windows.window[0].pinned);
}

static void boot_two(void)
{
    struct window_spec *spec;

    machine_plain();
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    spec = machine_window("samples", "one", "two");
    spec->dma = true;
    spec->maps = 2;
    observer_start();
    machine_boot();
    machine_drain_console();
    seen = (void *)choices_create();
}

static void row_2_20_nobody_reaches_a_window_of_which_one_side_has_ended_whatever_both_do(void)
{
    static const char *const names[] = { "a device reached it", "a device was blocked",
                                         "a map was refused", "a ring came through",
                                         "a CPU met the gap" };

    boot_two();
    campaign_seeds(__func__, race, campaign(600));
    for (unsigned int i = 0; CAMPAIGN_DIVISOR == 1 && i < SIGHTS; i++) {
        if (seen[i] == 0)
            fail_msg("in no run %s", names[i]);
    }
}

int run_window_races_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_2_20_nobody_reaches_a_window_of_which_one_side_has_ended_whatever_both_do),
    };

    return RUN_GROUP("kernel/window, races");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/lifecycle.h"

#include "arch/seam.h"
#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/give.h"
#include "kernel/guest_tree.h"
#include "kernel/hypercall.h"
#include "kernel/last_calls.h"
#include "kernel/partition.h"
#include "kernel/payload.h"
#include "kernel/presence.h"
#include "kernel/window.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

static const struct bundle *payloads;

/* The last line of every run. Only the CPU of the last partition to end comes here. */
static _Noreturn void all_off(void)
{
    char line[LOG_LINE];
    size_t used = 0;

    for (uint32_t i = 0; i < partitions.count; i++)
        used += format(line + used, sizeof(line) - used, " %s=%u", partitions.partition[i].name,
                       partitions.partition[i].exit_code);
    log_flush(); /* consoles first: this line is the last */
    log_error("off:%s", line);
    log_flush();
    arch_power_off();
}

_Noreturn void lifecycle_refuse(void)
{
    log_error("off: bulkhead=%d", EXIT_REFUSED);
    log_flush();
    arch_power_off();
}

static uint32_t state_for_manager(const struct partition *partition)
{
    switch (partition->state) {
    case PARTITION_RUNNING:
        return partition->order == ORDER_NONE ? BH_PARTITION_RUNNING : BH_PARTITION_CHANGING;
    case PARTITION_OFF:
        return BH_PARTITION_OFF;
    case PARTITION_LOADING:
    case PARTITION_ENDING:
    default:
        return BH_PARTITION_CHANGING;
    }
}

/* Lock of its life held: the manager learns of changes in their order. */
static void tell_manager(const struct partition *partition)
{
    struct partition *manager = partition_manager();
    const struct bh_event event = { .type = BH_EVENT_PARTITION,
                                    .label = partition->index,
                                    .iova = partition->exit_code,
                                    .pasid = BH_PASID_NONE,
                                    .cause = state_for_manager(partition),
                                    .iommu = IOMMU_NONE };

    if (manager != NULL)
        event_post(manager, &event, true);
}

/* The partition does not run any more. */
static _Noreturn void retire(struct partition *partition, uint32_t exit_code)
{
    lock_acquire(&partition->life);
    partition->exit_code = exit_code;
    partition->state = PARTITION_OFF;
    tell_manager(partition);
    lock_release(&partition->life);
    if (atomic_fetch_sub(&partitions.running, 1) == 1)
        all_off();
    arch_idle();
}

/* Memory as new: no byte of a former life, no line of it in a cache. */
static void scrub(const struct partition *partition)
{
    void *memory = memory_pointer(partition->physical);

    memset(memory, 0, partition->set->memory_size);
    cache_clean_invalidate(memory, partition->set->memory_size);
}

/* The payload's file stands at the end of the visible memory while its segments are placed, and its
 * place is cleared again. NULL, or why not. */
static const char *place_payload(struct partition *partition, uint64_t *entry)
{
    const struct bundle_entry *file = bundle_find(payloads, partition->set->payload);
    uint8_t *memory = memory_pointer(partition->physical);
    uint64_t room = partition->visible_size - GUEST_TREE_SIZE;
    uint64_t rest;
    uint8_t *copy;
    const char *error;

    if (file == NULL)
        return "is not in the bundle";
    if (file->size > room)
        return "is larger than the partition's memory";
    copy = memory + align_down(room - file->size, PAGE_SIZE);
    if (!bundle_copy(payloads, file, copy))
        return "does not have the digest that the bundle names: it was damaged";
    error = payload_place(copy, file->size, memory, room, partition->set->memory_base,
                          partition->set->aarch32, entry);
    /* A flat payload of more than half the memory lies over the beginning of the copy. */
    rest = max_u64((uint64_t)(copy - memory), file->size);
    memset(memory + rest, 0, (uint64_t)(copy - memory) + file->size - rest);
    return error;
}

/* Makes the partition as it is before its first instruction. False: *error names what to change. */
static bool load(struct partition *partition, struct set_error *error)
{
    const struct set_partition *set = partition->set;
    uint64_t tree = partition->visible_size - GUEST_TREE_SIZE;
    struct arch_start start = { .tree = set->memory_base + tree, .aarch32 = set->aarch32 };
    uint8_t *memory = memory_pointer(partition->physical);
    const char *text;

    scrub(partition);
    if (!partition_build_stage2(partition))
        return set_refuse(error, set->node, "pool-pages", "too few to map its memory: raise it");
    text = place_payload(partition, &start.entry);
    if (text != NULL)
        return set_refuse(error, set->node, "payload", "%s %s", set->payload, text);
    if (!guest_tree_write(partition, memory + tree))
        return set_refuse(error, set->node, "devices", "its device tree would not fit: list fewer");
    cache_synchronise_code(memory, partition->visible_size);
    arch_vcpu_prepare(&partition->vcpu, partition, &start, partition->stage2.root, partition->tag);
    partition->entry = start.entry;
    return windows_join(partition) ||
           set_refuse(error, set->node, "pool-pages", "too few to map its windows: raise it");
}

/* Either this finds the safe state, or whoever declares it finds a partition that runs. */
static bool begin(struct partition *partition)
{
    bool safe;

    lock_acquire(&partition->life);
    safe = atomic_load(&partitions.safe);
    if (!safe) {
        partition->state = PARTITION_RUNNING;
        partition->starts++;
        last_calls_begin(partition);
        tell_manager(partition);
    }
    lock_release(&partition->life);
    return !safe;
}

static void run_again(void *argument);

/* From here on no order reaches it; one that it has goes before what it wants itself. */
static void begin_end(struct partition *partition, uint32_t cause, bool *again)
{
    lock_acquire(&partition->life);
    partition->state = PARTITION_ENDING;
    partition->cause = cause;
    if (partition->order != ORDER_NONE) {
        partition->cause = partition->order_cause;
        *again = partition->order == ORDER_RESTART;
    }
    *again = *again && !atomic_load(&partitions.safe);
    partition->order = ORDER_NONE;
    lock_release(&partition->life);
}

static _Noreturn void end(struct partition *partition, uint32_t cause, uint32_t exit_code,
                          bool again)
{
    begin_end(partition, cause, &again);
    event_ring_end(partition);
    bool clean = assign_release_all(partition);

    if (partition->set->manager)
        give_end();
    clean = ioas_free_all(partition) && clean && !partition->pinned;
    windows_leave(partition);
    arch_vcpu_stop(&partition->vcpu);
    console_end(&partition->console, LOG_HYPERVISOR + 1 + partition->index, partition->name);
    if (!clean) {
        log_error("%s: an IOMMU failed under it: its memory is not used again", partition->name);
        partition->pinned = true;
        exit_code = again ? EXIT_CRASH : exit_code;
    }
    if (again && clean) {
        log_info("%s: resets", partition->name);
        lock_acquire(&partition->life);
        partition->exit_code = exit_code;
        partition->state = PARTITION_LOADING;
        lock_release(&partition->life);
        arch_run_on(partition->cpu, run_again, partition);
        arch_idle();
    }
    log_info("%s: off, code %u", partition->name, exit_code);
    retire(partition, exit_code);
}

/* On the partition's own CPU, on a fresh stack. */
static void run(void *argument)
{
    struct partition *partition = argument;

    log_info("%s: starts at 0x%lx%s on CPU %u, %lu KiB at 0x%lx, %u devices", partition->name,
             partition->entry, partition->set->aarch32 ? " in AArch32" : "", partition->cpu,
             partition->visible_size >> 10, partition->set->memory_base, partition->device_count);
    if (!begin(partition))
        end(partition, BH_END_SAFE_STATE, EXIT_STOPPED, false);
    arch_vcpu_run(&partition->vcpu);
}

static void run_again(void *argument)
{
    struct partition *partition = argument;
    struct set_error error;
    char line[LOG_LINE];

    if (load(partition, &error))
        run(partition);
    set_error_line(&error, payloads->entry[0].name, line, sizeof(line));
    log_error("%s", line);
    partition->cause = BH_END_LOAD;
    retire(partition, EXIT_REFUSED);
}

_Noreturn void lifecycle_end(struct partition *partition, uint32_t exit_code, bool again)
{
    end(partition, BH_END_SELF, exit_code, again);
}

/* The partition, which runs, follows at the next exit of its CPU from the guest. Lock of its life held. */
static void give_order(struct partition *partition, enum partition_order order, uint32_t cause)
{
    partition->order = order;
    partition->order_cause = cause;
    arch_vcpu_recall(&partition->vcpu);
}

/* All partitions stop. One that is being loaded finds out before it runs. */
static void enter_safe_state(void)
{
    if (atomic_exchange(&partitions.safe, true))
        return;
    log_error("safe state: all partitions stop");
    for (uint32_t i = 0; i < partitions.count; i++) {
        struct partition *partition = &partitions.partition[i];

        lock_acquire(&partition->life);
        if (partition->state == PARTITION_RUNNING)
            give_order(partition, ORDER_STOP, BH_END_SAFE_STATE);
        lock_release(&partition->life);
    }
}

/* Counts a restart that the set allows. Lock of its life held. */
static bool may_recover(struct partition *partition)
{
    bool may = partition->recoveries < partition->set->restarts;

    partition->recoveries += may;
    return may;
}

void lifecycle_answer(struct partition *partition, enum set_trouble trouble)
{
    static const uint32_t causes[] = {
        [TROUBLE_STORM] = BH_END_STORM, [TROUBLE_UNIT] = BH_END_UNIT
    };
    enum set_answer answer = partition->set->answer[trouble];

    if (answer == ANSWER_LOG)
        return;
    if (answer == ANSWER_SAFE_STATE) {
        enter_safe_state();
        return;
    }
    lock_acquire(&partition->life);
    if (state_for_manager(partition) == BH_PARTITION_RUNNING)
        give_order(partition,
                   answer == ANSWER_RESTART && may_recover(partition) ? ORDER_RESTART : ORDER_STOP,
                   causes[trouble]);
    lock_release(&partition->life);
}

/* Lock of its life held. */
static int64_t control(struct partition *partition, uint64_t action)
{
    bool runs = partition->state == PARTITION_RUNNING;

    if (state_for_manager(partition) == BH_PARTITION_CHANGING)
        return BH_EBUSY;
    if (action == (runs ? BH_PARTITION_START : BH_PARTITION_STOP))
        return BH_EEXIST;
    if (!runs && (partition->pinned || atomic_load(&partitions.safe)))
        return BH_EOPNOTSUPP;
    if (runs) {
        give_order(partition, action == BH_PARTITION_STOP ? ORDER_STOP : ORDER_RESTART,
                   BH_END_MANAGER);
    } else {
        partition->state = PARTITION_LOADING;
        atomic_fetch_add(&partitions.running, 1);
        arch_run_on(partition->cpu, run_again, partition);
    }
    return BH_OK;
}

int64_t lifecycle_control(struct partition *partition, uint64_t action)
{
    int64_t result;

    lock_acquire(&partition->life);
    result = control(partition, action);
    lock_release(&partition->life);
    return result;
}

void lifecycle_query(struct partition *partition, struct bh_query_partition *query)
{
    lock_acquire(&partition->life);
    *query = (struct bh_query_partition){
        .state = state_for_manager(partition),
        .exit_code = partition->exit_code,
        .starts = partition->starts,
        .cause = partition->cause,
    };
    lock_release(&partition->life);
    format(query->name, sizeof(query->name), "%s", partition->name);
}

static void on_power(struct vcpu *vcpu, bool reset)
{
    lifecycle_end(vcpu->partition, 0, reset);
}

static bool on_absence(struct vcpu *vcpu, uint64_t address)
{
    return windows_settle(vcpu->partition, address);
}

static bool recovers(struct partition *partition)
{
    lock_acquire(&partition->life);
    bool may = may_recover(partition);

    lock_release(&partition->life);
    return may;
}

static void on_crash(struct vcpu *vcpu, const char *text, uint64_t address)
{
    struct partition *partition = vcpu->partition;

    /* Its devices stop before anything is said about it. */
    partition->pinned = !assign_release_all(partition) || partition->pinned;
    log_error("%s: ended: it %s: 0x%lx", partition->name, text, address);
    last_calls_print(partition);
    enum set_answer answer = partition->set->answer[TROUBLE_CRASH];

    if (answer == ANSWER_SAFE_STATE)
        enter_safe_state();
    end(partition, BH_END_CRASH, EXIT_CRASH, answer == ANSWER_RESTART && recovers(partition));
}

static void on_recall(struct vcpu *vcpu)
{
    struct partition *partition = vcpu->partition;

    if (!give_leave(partition))
        partition->pinned = true;
    /* Given before the recall; begin_end() looks again, under the lock. */
    if (partition->order != ORDER_NONE)
        end(partition, BH_END_NONE, EXIT_STOPPED, false);
}

static bool on_access(struct vcpu *vcpu, uint64_t address, unsigned int bytes, bool write,
                      uint64_t *value)
{
    const struct partition *partition = vcpu->partition;

    return config_access(partition, address, bytes, write, value) ||
           presence_access(partition, address, write, value);
}

const struct arch_guest_ops lifecycle_guest_ops = {
    .hypercall = hypercall,
    .power = on_power,
    .access = on_access,
    .settle = on_absence,
    .crash = on_crash,
    .recalled = on_recall,
};

bool lifecycle_load_all(const struct bundle *bundle, struct set_error *error)
{
    payloads = bundle;
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (!load(&partitions.partition[i], error))
            return false;
    }
    return true;
}

const uint8_t *lifecycle_set_digest(void)
{
    return payloads->entry[0].digest;
}

_Noreturn void lifecycle_run_all(void)
{
    atomic_store(&partitions.running, partitions.count);
    for (uint32_t i = partitions.count; i-- > 0;)
        arch_run_on(partitions.partition[i].cpu, run, &partitions.partition[i]);
    arch_idle();
}

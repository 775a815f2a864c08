/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercalls of Bulkhead for a C program, one inline function a call, and what the SDK adds.
 *
 * <bulkhead/abi.h> is the contract: what each call does, its errors and the structures. Here is
 * only how C names it. All calls return BH_OK, a value that is not negative, or a negative error;
 * further results go through pointers, which may be null where the caller does not want them.
 * Structures are zeroed and given their size here, so that they are defined after an error too.
 * Memory is identity-mapped (start_*.S): a pointer's value is the guest-physical address.
 */
#ifndef BULKHEAD_SDK_BULKHEAD_H
#define BULKHEAD_SDK_BULKHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bulkhead/abi.h>

#include "cpu.h"

/* ---- Exit codes of the SDK ------------------------------------------------------------------- */
/* How a program ends that could not go on; its own codes should stay below. */
#define BH_EXIT_EXCEPTION 120   /* an exception that none of the following names */
#define BH_EXIT_UNDEFINED 121   /* an undefined instruction */
#define BH_EXIT_DATA 122        /* a data abort: nothing mapped there by start_*.S, or read-only */
#define BH_EXIT_INSTRUCTION 123 /* an instruction abort: a jump to what is not code */
#define BH_EXIT_ALIGNMENT 124   /* a misaligned stack pointer or program counter */
#define BH_EXIT_SERROR 125      /* an asynchronous external abort */
#define BH_EXIT_INTERRUPT 126   /* an interrupt that no bh_interrupt() of the program took */
#define BH_EXIT_SIGNAL 128      /* plus the signal's number: abort() ends with 134 */
#define BH_EXIT_LIMIT 255       /* exit() of anything outside 0 to 255 */

/* ---- Transport ------------------------------------------------------------------------------- */
/*
 * bh_hvc(id, a1, a2, a3, a4, a5) of cpu.h: one HVC #0 with a whole function id. In AArch32 a call
 * takes 32-bit registers: an argument that does not fit is answered with BH_ERANGE, here and for all
 * calls below, and the hypervisor is not asked.
 */

/* A call by its number, BH_CALL_*, with raw arguments. */
static inline struct bh_result bh_call(uint32_t call, uint64_t a1, uint64_t a2, uint64_t a3,
                                       uint64_t a4, uint64_t a5)
{
    return bh_hvc(CPU_CALL_BASE | (uint64_t)call, a1, a2, a3, a4, a5);
}

/* The guest-physical address of an object of this program. */
static inline uint64_t bh_address(const volatile void *object)
{
    return (uint64_t)(uintptr_t)object;
}

/* ---- Discovery ------------------------------------------------------------------------------- */
/* major << 16 | minor of the ABI that the hypervisor speaks. */
static inline int64_t bh_version(void)
{
    return bh_call(BH_CALL_VERSION, 0, 0, 0, 0, 0).status;
}

/* BH_OK if the call of that number exists, else BH_NOT_SUPPORTED. */
static inline int64_t bh_features(uint32_t call)
{
    return bh_call(BH_CALL_FEATURES, call, 0, 0, 0, 0).status;
}

/* Who am I: name, memory, pools, number of devices. */
static inline int64_t bh_partition_info(struct bh_partition_info *info)
{
    *info = (struct bh_partition_info){ .size = sizeof(*info) };
    return bh_call(BH_CALL_PARTITION_INFO, bh_address(info), 0, 0, 0, 0).status;
}

/* What device number index of my list is, 0 to device_count - 1. */
static inline int64_t bh_device_info(uint32_t index, struct bh_device_info *info)
{
    *info = (struct bh_device_info){ .size = sizeof(*info) };
    return bh_call(BH_CALL_DEVICE_INFO, index, bh_address(info), 0, 0, 0).status;
}

/* ---- Ownership ------------------------------------------------------------------------------- */
/* One step of a bind; at BH_EAGAIN *wait_ns says when to come again. See bh_bind(). */
static inline int64_t bh_device_bind(uint32_t device, uint64_t label, uint64_t *wait_ns)
{
    struct bh_result result = bh_call(BH_CALL_DEVICE_BIND, device, label, 0, 0, 0);

    if (wait_ns)
        *wait_ns = result.value[0];
    return result.status;
}

/* Gives a detached device back; its registers are gone when the call returns. */
static inline int64_t bh_device_unbind(uint32_t device)
{
    return bh_call(BH_CALL_DEVICE_UNBIND, device, 0, 0, 0, 0).status;
}

/* One step of a reset of a device that is bound; at BH_EAGAIN *wait_ns says when to come again. See
 * bh_reset(). */
static inline int64_t bh_device_reset(uint32_t device, uint64_t *wait_ns)
{
    struct bh_result result = bh_call(BH_CALL_DEVICE_RESET, device, 0, 0, 0, 0);

    if (wait_ns)
        *wait_ns = result.value[0];
    return result.status;
}

/* The 1, 2 or 4 bytes at offset of the configuration space of a function that is bound. */
static inline int64_t bh_device_config_read(uint32_t device, uint32_t offset, uint32_t width,
                                            uint32_t *value)
{
    struct bh_result result = bh_call(BH_CALL_DEVICE_CONFIG_READ, device, offset, width, 0, 0);

    *value = (uint32_t)result.value[0];
    return result.status;
}

/* Writes value, of at most so many bytes, there; what is not the owner's to change stays as it is. */
static inline int64_t bh_device_config_write(uint32_t device, uint32_t offset, uint32_t width,
                                             uint32_t value)
{
    return bh_call(BH_CALL_DEVICE_CONFIG_WRITE, device, offset, width, value, 0).status;
}

/* What a device is to write to raise an interrupt, and which entry of its MSI-X table must say so (0: it has MSI). */
struct bh_message {
    uint64_t address;
    uint32_t data;
    uint64_t entry;
};

/* Has the device's vector raise my interrupt (BH_MESSAGE_FIRST to BH_MESSAGE_LAST); 0: nothing any more. See
 * pci_message(). */
static inline int64_t bh_msi_bind(uint32_t device, uint32_t vector, uint32_t interrupt,
                                  struct bh_message *message)
{
    struct bh_result result = bh_call(BH_CALL_MSI_BIND, device, vector, interrupt, 0, 0);

    if (message)
        *message = (struct bh_message){ .address = result.value[0],
                                        .data = (uint32_t)result.value[1],
                                        .entry = result.value[2] };
    return result.status;
}

/* Interrupts that wait are taken before this returns. */
static inline int64_t bh_yield(void)
{
    return bh_call(BH_CALL_YIELD, 0, 0, 0, 0, 0).status;
}

/* ---- Windows --------------------------------------------------------------------------------- */
/* Where my window number index is, from 0, and whether its other side lives. */
static inline int64_t bh_query_window(uint32_t index, struct bh_query_window *window)
{
    *window = (struct bh_query_window){ .size = sizeof(*window) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_WINDOW, bh_address(window), index, 0, 0).status;
}

/* Rings the other side of my window number index. What I wrote to it before is there then. */
static inline int64_t bh_notify(uint32_t index)
{
    return bh_call(BH_CALL_NOTIFY, index, 0, 0, 0, 0).status;
}

/* ---- The manager's ---------------------------------------------------------------------------- */
/* What became of the partition of that index in the set, from 0. BH_ENOENT: there are not so many. */
static inline int64_t bh_query_partition(uint32_t index, struct bh_query_partition *partition)
{
    *partition = (struct bh_query_partition){ .size = sizeof(*partition) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_PARTITION, bh_address(partition), index, 0, 0).status;
}

/* The last calls of the partition of that index, whether it runs or not. */
static inline int64_t bh_query_calls(uint32_t index, struct bh_query_calls *calls)
{
    *calls = (struct bh_query_calls){ .size = sizeof(*calls) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_CALLS, bh_address(calls), index, 0, 0).status;
}

/* Has it stop, start or restart: action is one of BH_PARTITION_*. Event 8 tells when that is done. */
static inline int64_t bh_partition_control(uint32_t index, uint32_t action)
{
    return bh_call(BH_CALL_PARTITION_CONTROL, index, action, 0, 0, 0).status;
}

/* One step of giving a device to the partition of that index; at BH_EAGAIN *wait_ns says when to come again. */
static inline int64_t bh_device_give(uint32_t device, uint32_t index, uint64_t *wait_ns)
{
    struct bh_result result = bh_call(BH_CALL_DEVICE_GIVE, device, index, 0, 0, 0);

    if (wait_ns)
        *wait_ns = result.value[0];
    return result.status;
}

/* ---- I/O address spaces ---------------------------------------------------------------------- */
/* An empty I/O address space fit for the device. Returns its id, which is positive. */
static inline int64_t bh_ioas_alloc_paging(uint32_t device, uint32_t parent)
{
    return bh_call(BH_CALL_IOAS_ALLOC_PAGING, device, parent, 0, 0, 0).status;
}

/* Frees an empty, detached I/O address space. */
static inline int64_t bh_ioas_free(uint32_t ioas)
{
    return bh_call(BH_CALL_IOAS_FREE, ioas, 0, 0, 0, 0).status;
}

/* One step of a map; at BH_EAGAIN go on behind *done bytes. See bh_map(). */
static inline int64_t bh_ioas_map(uint32_t ioas, uint64_t iova, uint64_t address, uint64_t size,
                                  uint64_t flags, uint64_t *done)
{
    struct bh_result result = bh_call(BH_CALL_IOAS_MAP, ioas, iova, address, size, flags);

    if (done)
        *done = result.value[0];
    return result.status;
}

/* One step of an unmap; *unmapped counts the bytes that were mapped. See bh_unmap(). */
static inline int64_t bh_ioas_unmap(uint32_t ioas, uint64_t iova, uint64_t size, uint64_t *done,
                                    uint64_t *unmapped)
{
    struct bh_result result = bh_call(BH_CALL_IOAS_UNMAP, ioas, iova, size, 0, 0);

    if (done)
        *done = result.value[0];
    if (unmapped)
        *unmapped = result.value[1];
    return result.status;
}

/*
 * One step of mapping what one ioas maps in another, or at another place of the same: all but `size` is
 * the caller's to fill in; at BH_EAGAIN go on behind *done bytes.
 */
static inline int64_t bh_ioas_copy(struct bh_ioas_copy *copy, uint64_t *done)
{
    copy->size = sizeof(*copy);

    struct bh_result result = bh_call(BH_CALL_IOAS_COPY, bh_address(copy), 0, 0, 0, 0);

    if (done)
        *done = result.value[0];
    return result.status;
}

/* One step of leading what is mapped to other memory, or giving it other flags; at BH_EAGAIN go on
 * behind *done bytes. *hitless: only flags were changed, and nothing was blocked meanwhile. */
static inline int64_t bh_ioas_remap(uint32_t ioas, uint64_t iova, uint64_t address, uint64_t size,
                                    uint64_t flags, uint64_t *done, bool *hitless)
{
    struct bh_result result = bh_call(BH_CALL_IOAS_REMAP, ioas, iova, address, size, flags);

    if (done)
        *done = result.value[0];
    if (hitless)
        *hitless = result.value[1] == 1;
    return result.status;
}

/* One step of removing every mapping from *cursor on, which is 0 first; at BH_EAGAIN call again, the
 * cursor has moved. An error leaves it. *unmapped: bytes that this step removed. */
static inline int64_t bh_ioas_unmap_all(uint32_t ioas, uint64_t *cursor, uint64_t *unmapped)
{
    struct bh_result result = bh_call(BH_CALL_IOAS_UNMAP_ALL, ioas, (uintptr_t)*cursor,
                                      *cursor >> 32, 0, 0);

    if (result.status == BH_OK || result.status == BH_EAGAIN)
        *cursor = result.value[0] | result.value[2] << 32;
    if (unmapped)
        *unmapped = result.value[1];
    return result.status;
}

/* One step of a batch of maps, at most BH_BATCH. At BH_EAGAIN *elements are done whole, and of the next
 * one *bytes: it has to be shortened by them, in front, before the rest is tried again. */
static inline int64_t bh_ioas_map_batch(uint32_t ioas, const struct bh_map *maps, uint64_t count,
                                        uint64_t *elements, uint64_t *bytes)
{
    struct bh_result result = bh_call(BH_CALL_IOAS_MAP_BATCH, ioas, bh_address(maps), count, 0, 0);

    if (elements)
        *elements = result.value[0];
    if (bytes)
        *bytes = result.value[1];
    return result.status;
}

/* One step of a batch of unmaps, as above. *unmapped: bytes that had been mapped. */
static inline int64_t bh_ioas_unmap_batch(uint32_t ioas, const struct bh_unmap *unmaps,
                                          uint64_t count, uint64_t *elements, uint64_t *bytes,
                                          uint64_t *unmapped)
{
    struct bh_result result = bh_call(BH_CALL_IOAS_UNMAP_BATCH, ioas, bh_address(unmaps), count, 0,
                                      0);

    if (elements)
        *elements = result.value[0];
    if (bytes)
        *bytes = result.value[1];
    if (unmapped)
        *unmapped = result.value[2];
    return result.status;
}

/* Which addresses can be mapped there. */
static inline int64_t bh_ioas_ranges(uint32_t ioas, struct bh_ioas_ranges *ranges)
{
    *ranges = (struct bh_ioas_ranges){ .size = sizeof(*ranges) };
    return bh_call(BH_CALL_IOAS_RANGES, ioas, bh_address(ranges), 0, 0, 0).status;
}

/* No later attach may take a part of the range away. iova 0, size 0: drops all reservations. */
static inline int64_t bh_ioas_reserve(uint32_t ioas, uint64_t iova, uint64_t size)
{
    return bh_call(BH_CALL_IOAS_RESERVE, ioas, iova, size, 0, 0).status;
}

/* ---- Translation ----------------------------------------------------------------------------- */
/* Moves an attached device to another ioas. *hitless: it was never without one. pasid: BH_PASID_NONE. */
static inline int64_t bh_replace(uint32_t device, uint32_t pasid, uint32_t ioas, bool *hitless)
{
    struct bh_result result = bh_call(BH_CALL_REPLACE, device, pasid, ioas, 0, 0);

    if (hitless)
        *hitless = result.value[0] == 1;
    return result.status;
}

/* From now on the device's addresses go through the ioas. pasid: BH_PASID_NONE. */
static inline int64_t bh_attach(uint32_t device, uint32_t pasid, uint32_t ioas)
{
    return bh_call(BH_CALL_ATTACH, device, pasid, ioas, 0, 0).status;
}

/* Parks the device: nothing it does reaches memory when the call has returned. */
static inline int64_t bh_detach(uint32_t device, uint32_t pasid)
{
    return bh_call(BH_CALL_DETACH, device, pasid, 0, 0, 0).status;
}

/* ---- Questions ------------------------------------------------------------------------------- */
/* Owner, attachment and label of a listed device. */
static inline int64_t bh_query_state(uint32_t device, struct bh_query_state *state)
{
    *state = (struct bh_query_state){ .size = sizeof(*state) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_STATE, bh_address(state), device, 0, 0).status;
}

/* How often a listed device faulted, and its last fault. */
static inline int64_t bh_query_fault(uint32_t device, struct bh_query_fault *fault)
{
    *fault = (struct bh_query_fault){ .size = sizeof(*fault) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_FAULT, bh_address(fault), device, 0, 0).status;
}

/* What is left of the partition's table pages and ids. */
static inline int64_t bh_query_pool(struct bh_query_pool *pool)
{
    *pool = (struct bh_query_pool){ .size = sizeof(*pool) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_POOL, bh_address(pool), 0, 0, 0).status;
}

/* What this partition's calls have cost so far. */
static inline int64_t bh_query_counters(struct bh_query_counters *counters)
{
    *counters = (struct bh_query_counters){ .size = sizeof(*counters) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_COUNTERS, bh_address(counters), 0, 0, 0).status;
}

/* What runs on this machine, as SHA-256. */
static inline int64_t bh_query_digest(struct bh_query_digest *digest)
{
    *digest = (struct bh_query_digest){ .size = sizeof(*digest) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_DIGEST, bh_address(digest), 0, 0, 0).status;
}

/* What the hypervisor counted for this partition. */
static inline int64_t bh_query_health(struct bh_query_health *health)
{
    *health = (struct bh_query_health){ .size = sizeof(*health) };
    return bh_call(BH_CALL_QUERY, BH_QUERY_HEALTH, bh_address(health), 0, 0, 0).status;
}

/* Makes the page at address the event ring; 0 withdraws it. See events.h. */
static inline int64_t bh_event_ring(uint64_t address)
{
    return bh_call(BH_CALL_EVENT_RING, address, 0, 0, 0, 0).status;
}

/* ---- Partition services ---------------------------------------------------------------------- */
/* Up to BH_CONSOLE_BYTES_PER_CALL bytes to the console; *taken of them went. See bh_print(). */
static inline int64_t bh_console_write(const void *bytes, size_t length, uint64_t *taken)
{
    struct bh_result result = bh_call(BH_CALL_CONSOLE_WRITE, bh_address(bytes), length, 0, 0, 0);

    if (taken)
        *taken = result.value[0];
    return result.status;
}

/* Up to BH_CONSOLE_BYTES_PER_CALL bytes of what was typed; *taken of them came. See bh_input(). */
static inline int64_t bh_console_read(void *bytes, size_t length, uint64_t *taken)
{
    struct bh_result result = bh_call(BH_CALL_CONSOLE_READ, bh_address(bytes), length, 0, 0, 0);

    if (taken)
        *taken = result.value[0];
    return result.status;
}

/* Ends or restarts the partition, BH_POWER_*. Returns only if an argument was refused. */
static inline int64_t bh_power(uint64_t action, uint64_t code)
{
    return bh_call(BH_CALL_POWER, action, code, 0, 0, 0).status;
}

/* ---- Conveniences: the calls above, repeated until they are done (calls.c) ------------------- */
/*
 * Binds a device, sleeping between the steps of its reset (timer_sleep_ns() of timer.h: interrupts that the
 * caller has unmasked are taken meanwhile). Gives up with BH_EAGAIN after 10 s.
 */
int64_t bh_bind(uint32_t device, uint64_t label);

/* Resets a bound device, in the same way; it is attached as before when this returns BH_OK. */
int64_t bh_reset(uint32_t device);

/* Maps the whole range. On an error, *done bytes from its start are mapped. */
int64_t bh_map(uint32_t ioas, uint64_t iova, uint64_t address, uint64_t size, uint64_t flags,
               uint64_t *done);

/* Unmaps the whole range. *unmapped: bytes that had been mapped, of what was dealt with. */
int64_t bh_unmap(uint32_t ioas, uint64_t iova, uint64_t size, uint64_t *unmapped);

/* Bytes to the console in chunks. Returns BH_OK or the error of the chunk that failed; never waits. */
int64_t bh_print(const void *bytes, size_t length);

/*
 * What was typed, at most length bytes; sleeps while there is nothing. Returns how many, or the call's
 * error. Interrupts that the caller has unmasked are taken meanwhile; the console's own is used up.
 */
int64_t bh_input(void *bytes, size_t length);

/* "BH_EBUSY" for BH_EBUSY; "BH_OK" for all that is not negative. */
const char *bh_error_name(int64_t status);

/* "translation" for BH_CAUSE_TRANSLATION, as the hypervisor's own fault lines have it. */
const char *bh_cause_name(uint32_t cause);

/* ---- Program --------------------------------------------------------------------------------- */
/* What the SDK calls. Returning is exit() with the value. */
int main(void);

/* Ends the partition with a code, at once and without flushing stdio. exit() is the polite way. */
_Noreturn void bh_exit(int code);

/*
 * Called on an interrupt when the program has unmasked them (gic.h). The SDK has a weak one that
 * reports the interrupt and ends with BH_EXIT_INTERRUPT.
 */
void bh_interrupt(void);

#endif

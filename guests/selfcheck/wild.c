/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that calls anything with anything, from a seed: each answer must be one that the ABI documents for that
 * call, and the partition goes on. bootargs: calls=N seed=N; doubt=N takes the answers of call N for
 * undocumented, so that a test sees this program complain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/tree.h"
#include "selfcheck.h"

#define PAGE 4096u
#define IOVA 0x10000000u
#define LABEL 0x811d
#define LISTED 64
#define KEPT 4
#define PSCI_RANGE 0x84000000u
#define PSCI_MASK 0xbfffffe0u
#define SMCCC_RANGE 0x80000000u

#define BIT_OF(status) (1u << -(status))
#define NONE BIT_OF(BH_ENOENT)
#define OWNER BIT_OF(BH_EPERM)
#define BUSY BIT_OF(BH_EBUSY)
#define BAD BIT_OF(BH_EINVAL)
#define THERE BIT_OF(BH_EEXIST)
#define RANGE BIT_OF(BH_ERANGE)
#define FULL BIT_OF(BH_ENOSPC)
#define UNABLE BIT_OF(BH_EOPNOTSUPP)
#define AGAIN BIT_OF(BH_EAGAIN)
#define FAULT BIT_OF(BH_EFAULT)

/* docs/abi.md, but for ETIMEDOUT: no hardware fails here. */
static uint32_t documented[BH_CALL_LIMIT] = {
    [BH_CALL_FEATURES] = BIT_OF(BH_NOT_SUPPORTED),
    [BH_CALL_PARTITION_INFO] = FAULT | BAD,
    [BH_CALL_DEVICE_INFO] = NONE | FAULT | BAD,
    [BH_CALL_DEVICE_BIND] = NONE | OWNER | BUSY | THERE | UNABLE | FULL | AGAIN,
    [BH_CALL_DEVICE_UNBIND] = NONE | OWNER | BUSY,
    [BH_CALL_IOAS_ALLOC_PAGING] = NONE | OWNER | UNABLE | FULL,
    [BH_CALL_IOAS_FREE] = NONE | BUSY,
    [BH_CALL_IOAS_MAP] = NONE | OWNER | BAD | RANGE | THERE | FULL | AGAIN,
    [BH_CALL_IOAS_UNMAP] = NONE | BAD | RANGE | AGAIN,
    [BH_CALL_ATTACH] = NONE | OWNER | BAD | UNABLE | RANGE | FULL | BUSY,
    [BH_CALL_DETACH] = NONE | OWNER | BAD | UNABLE,
    [BH_CALL_QUERY] = BAD | NONE | FAULT | OWNER,
    [BH_CALL_CONSOLE_WRITE] = BAD | FAULT,
    [BH_CALL_POWER] = BAD,
    [BH_CALL_EVENT_RING] = FAULT | THERE | NONE,
    [BH_CALL_CONSOLE_READ] = BAD | FAULT,
    [BH_CALL_IOAS_RANGES] = NONE | FAULT | BAD,
    [BH_CALL_IOAS_RESERVE] = NONE | BAD | RANGE | FULL,
    [BH_CALL_IOAS_COPY] = NONE | BAD | RANGE | THERE | FULL | AGAIN | FAULT,
    [BH_CALL_IOAS_REMAP] = NONE | BAD | RANGE | AGAIN,
    [BH_CALL_IOAS_UNMAP_ALL] = NONE | BAD | RANGE | AGAIN,
    [BH_CALL_IOAS_MAP_BATCH] = NONE | BAD | RANGE | THERE | FULL | AGAIN | FAULT,
    [BH_CALL_IOAS_UNMAP_BATCH] = NONE | BAD | RANGE | AGAIN | FAULT,
    [BH_CALL_REPLACE] = NONE | OWNER | BAD | UNABLE | RANGE | FULL | BUSY | AGAIN,
    [BH_CALL_DEVICE_RESET] = NONE | OWNER | UNABLE | AGAIN,
    [BH_CALL_NOTIFY] = NONE | AGAIN,
    [BH_CALL_DEVICE_CONFIG_READ] = NONE | OWNER | BAD | UNABLE | BUSY,
    [BH_CALL_DEVICE_CONFIG_WRITE] = NONE | OWNER | BAD | UNABLE | BUSY,
    [BH_CALL_MSI_BIND] = NONE | OWNER | UNABLE | RANGE | BAD | FULL,
    [BH_CALL_PARTITION_CONTROL] = OWNER, /* its set names no manager */
    [BH_CALL_DEVICE_GIVE] = OWNER,
};

/* What calls may write into: a page, with one on either side that they must leave alone. */
static _Alignas(PAGE) unsigned char pages[3 * PAGE];
static uint64_t seed = 0x2545f4914f6cdd1d;
static uintptr_t listed[LISTED]; /* words that mean something to some call */
static unsigned int listed_count;
static uintptr_t ids[KEPT]; /* of spaces, the last ones that were given out */
static unsigned int accepted, answers, undocumented;

static uint32_t random_word(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

static void list(uintptr_t word)
{
    if (listed_count < LISTED)
        listed[listed_count++] = word;
}

static void list_words(const struct bh_partition_info *self, const struct bh_device_info *device)
{
    static const uint32_t words[] = { 0,          1,          2,           3,          4,
                                      7,          8,          16,          255,        256,
                                      257,        0xfff,      0x1000,      0x3000,     0x200000,
                                      0x201000,   IOVA,       IOVA + PAGE, IOVA + 1,   0x40200000,
                                      0x08000000, 0x09050000, 0x3f000000,  0x7fffffff, 0x80000000,
                                      0xfffff000, 0xfffffff8, 0xfffffffe,  0xffffffff };
    uintptr_t base = (uintptr_t)self->memory_base, end = base + (uintptr_t)self->memory_size;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        list(words[i]);
    list(base - PAGE);
    list(base - 8);
    list(end);
    list(end + PAGE);
    list(device->device);
    list(device->device | 1);
    list((uintptr_t)device->bar[0].address);
    list((uintptr_t)(device->aperture_last - PAGE + 1));
    list(~(uintptr_t)0);
    list(~(uintptr_t)7);
    list(~(uintptr_t)0xfff);
#if UINTPTR_MAX > UINT32_MAX
    list(UINT64_C(1) << 63);
    list(UINT64_C(1) << 48);
    list(UINT64_C(1) << 32 | device->device);
    list(UINT64_C(1) << 52 | base);
#endif
}

/* Nothing that lies in this program, but for the page. */
static uintptr_t pointer(const struct bh_partition_info *self)
{
    uintptr_t word = listed[random_word() % listed_count];
    uint32_t size = random_word() % 512;

    if (random_word() % 2 == 0)
        word = (uintptr_t)(pages + PAGE) + (random_word() % 4 == 0 ? random_word() % 16 : 0);
    if (word - self->memory_base < self->memory_size && word - (uintptr_t)(pages + PAGE) >= PAGE)
        word = 0;
    memcpy(pages + PAGE, &size, sizeof(size));
    memset(pages + PAGE + sizeof(size), 0, 4);
    return word;
}

static uintptr_t anything(void)
{
    uint32_t choice = random_word() % 16;

    if (choice == 0)
        return (uintptr_t)((uint64_t)random_word() << 32 | random_word());
    if (choice == 1)
        return (uintptr_t)1 << random_word() % (sizeof(uintptr_t) * 8);
    if (choice < 6)
        return ids[random_word() % KEPT];
    if (choice == 6)
        return (uintptr_t)pages;
    return listed[random_word() % listed_count];
}

static uint64_t near(void)
{
    return IOVA + random_word() % 8 * PAGE;
}

static uintptr_t source(void)
{
    return (random_word() % 4 == 0 ? anything() : (uintptr_t)pages) & ~(uintptr_t)(PAGE - 1);
}

/* Puts what the call reads into the page, unless the pointer leads elsewhere. */
static void contents(uint32_t call)
{
    struct bh_map map = { near(), source(), PAGE, BH_MAP_READ };
    struct bh_unmap unmap = { near(), PAGE };
    struct bh_ioas_copy copy = { .size = random_word() % 8 == 0 ? random_word() % 512
                                                                : sizeof(copy),
                                 .from = (uint32_t)ids[random_word() % KEPT],
                                 .to = (uint32_t)ids[random_word() % KEPT],
                                 .from_iova = near(),
                                 .to_iova = near(),
                                 .bytes = PAGE,
                                 .flags = random_word() % 5 };

    if (call == BH_CALL_IOAS_COPY)
        memcpy(pages + PAGE, &copy, sizeof(copy));
    if (call == BH_CALL_IOAS_MAP_BATCH)
        memcpy(pages + PAGE, &map, sizeof(map));
    if (call == BH_CALL_IOAS_UNMAP_BATCH)
        memcpy(pages + PAGE, &unmap, sizeof(unmap));
}

static bool takes_device(uint32_t call)
{
    return call == BH_CALL_DEVICE_BIND || call == BH_CALL_DEVICE_UNBIND ||
           call == BH_CALL_IOAS_ALLOC_PAGING || call == BH_CALL_ATTACH || call == BH_CALL_DETACH ||
           call == BH_CALL_REPLACE;
}

static bool takes_ioas(uint32_t call)
{
    return call == BH_CALL_IOAS_FREE || call == BH_CALL_IOAS_MAP || call == BH_CALL_IOAS_UNMAP ||
           call == BH_CALL_IOAS_RANGES || call == BH_CALL_IOAS_RESERVE ||
           (call >= BH_CALL_IOAS_REMAP && call <= BH_CALL_IOAS_UNMAP_BATCH);
}

/* The calls that change mappings, with a page of the few that the others use. */
static void mapping(uint32_t call, uintptr_t *x)
{
    if (call == BH_CALL_IOAS_MAP || call == BH_CALL_IOAS_REMAP) {
        x[1] = (uintptr_t)near();
        x[2] = source();
        x[3] = PAGE;
        x[4] = BH_MAP_READ;
    }
    if (call == BH_CALL_IOAS_UNMAP_ALL)
        x[1] = 0;
    if (call == BH_CALL_IOAS_MAP_BATCH || call == BH_CALL_IOAS_UNMAP_BATCH)
        x[2] = 1;
    if (call == BH_CALL_IOAS_RESERVE) {
        x[1] = (uintptr_t)near();
        x[2] = PAGE;
    }
}

/* Mostly something for which the call makes sense, so that not all are refused at the first look. */
static void arguments(uint32_t call, uintptr_t *x, const struct bh_partition_info *self,
                      const struct bh_device_info *device)
{
    for (unsigned int i = 0; i < 5; i++)
        x[i] = anything();
    if (random_word() % 3 != 0 && takes_device(call))
        x[0] = device->device;
    if (random_word() % 3 != 0 && takes_ioas(call))
        x[0] = ids[random_word() % KEPT];
    if (random_word() % 2 == 0 &&
        (call == BH_CALL_ATTACH || call == BH_CALL_DETACH || call == BH_CALL_REPLACE))
        x[1] = BH_PASID_NONE;
    if (random_word() % 2 == 0 && call == BH_CALL_REPLACE)
        x[2] = ids[random_word() % KEPT];
    if (random_word() % 2 == 0 && call == BH_CALL_IOAS_ALLOC_PAGING)
        x[1] = BH_IOAS_NONE;
    if (random_word() % 2 == 0)
        mapping(call, x);
    if (call == BH_CALL_PARTITION_INFO || call == BH_CALL_CONSOLE_READ ||
        call == BH_CALL_CONSOLE_WRITE || call == BH_CALL_EVENT_RING || call == BH_CALL_IOAS_COPY)
        x[0] = pointer(self);
    if (call == BH_CALL_DEVICE_INFO || call == BH_CALL_QUERY || call == BH_CALL_IOAS_RANGES ||
        call == BH_CALL_IOAS_MAP_BATCH || call == BH_CALL_IOAS_UNMAP_BATCH)
        x[1] = pointer(self);
    contents(call);
    if (call == BH_CALL_CONSOLE_WRITE && random_word() % 64 != 0)
        x[1] = 0; /* now and then is enough on a console */
    if (call == BH_CALL_POWER)
        x[0] |= 2;
    if ((call == BH_CALL_DEVICE_UNBIND || call == BH_CALL_DEVICE_RESET) && random_word() % 128 != 0)
        x[0] |= 1; /* a bind takes long */
}

static void one_call(const struct bh_partition_info *self, const struct bh_device_info *device)
{
    uint32_t call = random_word() % BH_CALL_LIMIT;
    uintptr_t x[5];

    arguments(call, x, self, device);
    int64_t status = bh_call(call, x[0], x[1], x[2], x[3], x[4]).status;

    if (call == BH_CALL_DEVICE_UNBIND && status == BH_OK)
        check_status(BH_OK, bh_bind(device->device, LABEL), "bind again");
    if (call == BH_CALL_IOAS_ALLOC_PAGING && status > 0)
        ids[random_word() % KEPT] = (uintptr_t)status;
    accepted += status >= 0;
    if (status < 0 && status >= BH_EFAULT && (documented[call] & BIT_OF(status)) != 0) {
        answers |= BIT_OF(status);
        return;
    }
    if (status >= 0)
        return;
    if (undocumented++ == 0)
        printf("call %" PRIu32 " (0x%" PRIxPTR ", 0x%" PRIxPTR ", 0x%" PRIxPTR ", 0x%" PRIxPTR
               ", 0x%" PRIxPTR ") answered %" PRId64 "\n",
               call, x[0], x[1], x[2], x[3], x[4], status);
}

/* An id that is nobody's. */
static void one_id(void)
{
    uint32_t id = random_word();
    uint32_t own = id & 0xffff0000;

    if (own == CPU_CALL_BASE || own == BH_FUNCTION_BASE_32 || (id & PSCI_MASK) == PSCI_RANGE ||
        (id & ~1u) == SMCCC_RANGE)
        return;
    if ((int32_t)bh_hvc(id, anything(), anything(), 0, 0, 0).status != BH_NOT_SUPPORTED)
        undocumented++;
}

static bool intact(void)
{
    for (size_t i = 0; i < PAGE; i++) {
        if (pages[i] != 0 || pages[(size_t)2 * PAGE + i] != 0)
            return false;
    }
    return true;
}

int test_wild(void)
{
    static struct bh_partition_info self;
    static struct bh_device_info device;
    uint64_t calls = 20000, doubt = BH_CALL_LIMIT, word;

    tree_bootarg_number("calls", &calls);
    if (tree_bootarg_number("seed", &word))
        seed ^= word << 1;
    if (tree_bootarg_number("doubt", &doubt) && doubt < BH_CALL_LIMIT)
        documented[doubt] = 0;
    check_status(BH_OK, bh_partition_info(&self), "partition_info");
    check_status(BH_OK, bh_device_info(0, &device), "device_info");
    list_words(&self, &device);
    for (uint64_t i = 0; i < calls; i++) {
        if (i == calls / 16)
            check_either(BH_OK, BH_EBUSY, bh_bind(device.device, LABEL), "bind, at the latest now");
        one_call(&self, &device);
        one_id();
    }
    printf("\n%" PRIu64 " calls: %u accepted, errors 0x%x\n", calls, accepted, answers);
    check_equal(0, undocumented, "answers that the ABI does not document");
    check_true(accepted > calls / 20, "some calls are accepted");
    check_equal(NONE | OWNER | BUSY | BAD | THERE | RANGE | UNABLE | AGAIN | FAULT |
                    BIT_OF(BH_NOT_SUPPORTED),
                answers & ~FULL, "every kind of refusal was met");
    check_true(intact(), "no call wrote beside the page");
    check_status((BH_ABI_MAJOR << 16) + BH_ABI_MINOR, bh_version(), "the next call");
    return check_result();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The negative matrix: a line for each way to be refused, by the argument that is wrong. The book (book.h) agrees
 * that the error is the ABI's, and nothing has changed after it. Of each call every argument and every error of its
 * page in docs/abi.md has a line.
 */
#include <string.h>

#include "tests/contract/contract.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scene.h"
#include "tests/unit/groups.h"

#define ALL (BH_MAP_READ | BH_MAP_WRITE)
#define END (BASE + VISIBLE)

struct refusal {
    const char *says;
    uint64_t number;
    unsigned int argument; /* the wrong one, from 1; 0: none is, it is the time */
    int64_t error;
    uint64_t x[ARGUMENTS];
    void (*before)(void);
    bool done_all_the_same; /* the page says that something was done */
    bool beyond_the_book;   /* which does not know of the cause */
};

/* ---- What comes before ----------------------------------------------------------------------------------- */

static void put_size(uint64_t size)
{
    memcpy(guest(CALLER, STRUCTURE), &size, sizeof(size));
}

static void a_small_structure(void)
{
    put_size(8);
}

static void a_structure_over_the_end(void)
{
    const uint64_t size = 4096;

    put_size(4096);
    memcpy(guest(CALLER, END - 8), &size, sizeof(size));
}

static void every_space_is_taken(void)
{
    while (make(CALLER, BH_CALL_IOAS_ALLOC_PAGING, id.attached, BH_IOAS_NONE, 0, 0, 0) > 0)
        ;
}

static void no_table_page_is_left(void)
{
    uint64_t iova = BIT(39);

    for (; make(CALLER, BH_CALL_IOAS_MAP, id.full, iova, SPARE, PAGE_SIZE, ALL) == BH_OK;
         iova += BIT(30))
        ;
    for (iova = BIT(24);
         make(CALLER, BH_CALL_IOAS_MAP, id.full, iova, SPARE, PAGE_SIZE, ALL) == BH_OK;
         iova += BIT(21))
        ;
}

static void the_unit_has_failed(void)
{
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    book.failed = true;
}

static void a_device_is_given_back(void)
{
    assert_int_equal(make(CALLER, BH_CALL_DEVICE_UNBIND, id.bound, 0, 0, 0, 0), BH_OK);
}

static void the_unit_of_a_free_device_has_failed(void)
{
    a_device_is_given_back();
    the_unit_has_failed();
}

/* It was attached there once. */
static void a_unit_that_knows_it_has_failed(void)
{
    const uint64_t none = BH_PASID_NONE;

    assert_int_equal(make(CALLER, BH_CALL_DETACH, id.attached, none, 0, 0, 0), BH_OK);
    assert_int_equal(make(CALLER, BH_CALL_ATTACH, id.attached, none, id.empty, 0, 0), BH_OK);
    assert_int_equal(make(CALLER, BH_CALL_DETACH, id.attached, none, 0, 0, 0), BH_OK);
    the_unit_has_failed();
}

static void no_tag_is_left(void)
{
    assert_int_equal(make(CALLER, BH_CALL_DETACH, id.attached, BH_PASID_NONE, 0, 0, 0), BH_OK);
    while (iommu_tag_take(&devices.iommu[0]) != 0)
        ;
}

static void eight_ranges_are_reserved(void)
{
    for (uint64_t i = 0; i < BH_RESERVATIONS; i++)
        assert_int_equal(call3(CALLER, BH_CALL_IOAS_RESERVE, id.full, i * PAGE_SIZE, PAGE_SIZE),
                         BH_OK);
}

/* What a line puts where it points: two numbers of 64 bits that differ from a right element or structure. */
static void put_words(const uint64_t *words, unsigned int count)
{
    memcpy(guest(CALLER, STRUCTURE), words, count * sizeof(*words));
}

static void put_copy(uint64_t from, uint64_t to, uint64_t from_iova, uint64_t to_iova,
                     uint64_t bytes, uint64_t flags)
{
    put_words((const uint64_t[]){ 48, to << 32 | from, from_iova, to_iova, bytes, flags }, 6);
}

static void put_map(uint64_t iova, uint64_t address, uint64_t size, uint64_t flags)
{
    put_words((const uint64_t[]){ iova, address, size, flags }, 4);
}

static void put_unmap(uint64_t iova, uint64_t size)
{
    put_words((const uint64_t[]){ iova, size }, 2);
}

#define PUT(name, what)                                                                            \
    static void name(void)                                                                         \
    {                                                                                              \
        what;                                                                                      \
    }

PUT(a_copy_from_an_old_id, put_copy(id.gone, id.empty, IOVA, IOVA, 0x1000, ALL))
PUT(a_copy_to_an_old_id, put_copy(id.full, id.gone, IOVA, IOVA, 0x1000, ALL))
PUT(a_copy_of_nothing, put_copy(id.full, id.empty, 0x30000, IOVA, 0x1000, ALL))
PUT(a_copy_from_askew, put_copy(id.full, id.empty, IOVA + 1, IOVA, 0x1000, ALL))
PUT(a_copy_to_askew, put_copy(id.full, id.empty, IOVA, IOVA + 8, 0x1000, ALL))
PUT(a_copy_from_beyond, put_copy(id.full, id.empty, book.input_limit, IOVA, 0x1000, ALL))
PUT(a_copy_to_beyond, put_copy(id.full, id.empty, IOVA, book.input_limit, 0x1000, ALL))
PUT(a_copy_of_no_bytes, put_copy(id.full, id.empty, IOVA, IOVA, 0, ALL))
PUT(a_copy_of_odd_bytes, put_copy(id.full, id.empty, IOVA, IOVA, 0x1001, ALL))
PUT(a_copy_without_access, put_copy(id.full, id.empty, IOVA, IOVA, 0x1000, 0))
PUT(a_copy_with_a_wild_flag, put_copy(id.full, id.empty, IOVA, IOVA, 0x1000, BIT(40) | ALL))
PUT(a_copy_over_a_mapping, put_copy(id.full, id.full, IOVA, 0x400000, 0x1000, ALL))
PUT(a_map_of_iova_askew, put_map(0x20004, SPARE, 0x1000, ALL))
PUT(a_map_of_iova_beyond, put_map(book.input_limit, SPARE, 0x1000, ALL))
PUT(a_map_over_a_mapping, put_map(IOVA, SPARE, 0x1000, ALL))
PUT(a_map_of_address_askew, put_map(0x20000, SPARE + 4, 0x1000, ALL))
PUT(a_map_of_foreign_memory, put_map(0x20000, END, 0x1000, ALL))
PUT(a_map_of_no_size, put_map(0x20000, SPARE, 0, ALL))
PUT(a_map_without_access, put_map(0x20000, SPARE, 0x1000, 0))
PUT(an_unmap_of_iova_askew, put_unmap(IOVA + 1, 0x1000))
PUT(an_unmap_of_a_part, put_unmap(0x401000, 0x1000))
PUT(an_unmap_beyond, put_unmap(book.input_limit, 0x1000))
PUT(an_unmap_of_no_size, put_unmap(IOVA, 0))

static void a_copy_without_pages(void)
{
    no_table_page_is_left();
    put_copy(id.full, id.empty, IOVA, IOVA, 0x1000, ALL);
}

static void a_map_without_pages(void)
{
    no_table_page_is_left();
    put_map(BIT(37), SPARE, 0x1000, ALL);
}

static void an_unmap_behind_a_dead_unit(void)
{
    the_unit_has_failed();
    put_unmap(IOVA, 0x3000);
}

static void it_cannot_be_assigned(void)
{
    for (uint32_t i = 0; i < devices.count; i++)
        devices.device[i].refusal = "is not assigned in this test";
}

static void the_clock_is_bound(void)
{
    assert_int_equal(make(CALLER, BH_CALL_DEVICE_BIND, id.clock, 9, 0, 0, 0), BH_OK);
}

static void a_reset_has_begun(void)
{
    assert_int_equal(make(CALLER, BH_CALL_DEVICE_RESET, id.attached, 0, 0, 0, 0), BH_EAGAIN);
}

static void the_ring_is_withdrawn(void)
{
    assert_int_equal(make(CALLER, BH_CALL_EVENT_RING, 0, 0, 0, 0, 0), BH_OK);
}

static void it_is_off(void)
{
    partitions.partition[OTHER].state = PARTITION_OFF;
}

static void its_memory_is_pinned(void)
{
    it_is_off();
    partitions.partition[OTHER].pinned = true;
}

static void it_has_an_order(void)
{
    assert_int_equal(make(CALLER, BH_CALL_PARTITION_CONTROL, OTHER, BH_PARTITION_STOP, 0, 0, 0),
                     BH_OK);
}

/* The set names another. */
static void the_caller_is_not_the_manager(void)
{
    ((struct set_partition *)(uintptr_t)partitions.partition[CALLER].set)->manager = false;
}

/* ---- The matrix ------------------------------------------------------------------------------------------- */

#define REFUSALS_LIMIT 320
static struct refusal refusals[REFUSALS_LIMIT];
static unsigned int refusal_count;

/* One line; behind the arguments what else there is to say of it. */
#define LINE(words, call, position, code, ...)                                                     \
    refusals[refusal_count++] = (struct refusal)                                                   \
    {                                                                                              \
        .says = (words), .number = (call), .argument = (position), .error = (code),                \
        .x = __VA_ARGS__                                                                           \
    }

static void write_discovery(void)
{
    const uint64_t devices_listed = book.guest[CALLER].device_count;

    LINE("a number that no call has", BH_CALL_FEATURES, 1, BH_NOT_SUPPORTED, { BH_CALL_LIMIT });
    LINE("a number with its upper half set", BH_CALL_FEATURES, 1, BH_NOT_SUPPORTED, { BIT(32) });
    LINE("nowhere", BH_CALL_PARTITION_INFO, 1, BH_EFAULT, { 0 });
    LINE("askew", BH_CALL_PARTITION_INFO, 1, BH_EFAULT, { STRUCTURE + 4 });
    LINE("behind own memory", BH_CALL_PARTITION_INFO, 1, BH_EFAULT, { END });
    LINE("over its end", BH_CALL_PARTITION_INFO, 1, BH_EFAULT, { END - 8 },
         .before = a_structure_over_the_end);
    LINE("too small", BH_CALL_PARTITION_INFO, 1, BH_EINVAL, { STRUCTURE },
         .before = a_small_structure);
    LINE("an index too high", BH_CALL_DEVICE_INFO, 1, BH_ENOENT, { devices_listed, STRUCTURE });
    LINE("an index with a high bit", BH_CALL_DEVICE_INFO, 1, BH_ENOENT, { BIT(32), STRUCTURE });
    LINE("askew", BH_CALL_DEVICE_INFO, 2, BH_EFAULT, { 0, STRUCTURE + 1 });
    LINE("below own memory", BH_CALL_DEVICE_INFO, 2, BH_EFAULT, { 0, BASE - 8 });
    LINE("over its end", BH_CALL_DEVICE_INFO, 2, BH_EFAULT, { 0, END - 8 },
         .before = a_structure_over_the_end);
    LINE("too small", BH_CALL_DEVICE_INFO, 2, BH_EINVAL, { 0, STRUCTURE },
         .before = a_small_structure);
}

static void write_ownership(void)
{
    LINE("not listed", BH_CALL_DEVICE_BIND, 1, BH_ENOENT, { id.unlisted, 7 });
    LINE("an ioas for a device", BH_CALL_DEVICE_BIND, 1, BH_ENOENT, { id.full, 7 });
    LINE("the upper half set", BH_CALL_DEVICE_BIND, 1, BH_ENOENT, { BIT(32) | id.clock, 7 });
    LINE("another's group", BH_CALL_DEVICE_BIND, 1, BH_EPERM, { id.foreign, 7 });
    LINE("bound already", BH_CALL_DEVICE_BIND, 1, BH_EBUSY, { id.bound, 7 });
    LINE("a label in use", BH_CALL_DEVICE_BIND, 2, BH_EEXIST, { id.clock, 1 });
    LINE("cannot be assigned", BH_CALL_DEVICE_BIND, 1, BH_EOPNOTSUPP, { id.clock, 7 },
         .before = it_cannot_be_assigned, .beyond_the_book = true);
    LINE("no pages for its registers", BH_CALL_DEVICE_BIND, 0, BH_ENOSPC, { id.clock, 7 },
         .before = no_table_page_is_left, .done_all_the_same = true);
    LINE("behind a dead unit", BH_CALL_DEVICE_BIND, 0, BH_ETIMEDOUT, { id.bound, 7 },
         .before = the_unit_of_a_free_device_has_failed);
    LINE("not listed", BH_CALL_DEVICE_UNBIND, 1, BH_ENOENT, { id.unlisted });
    LINE("listed and not bound", BH_CALL_DEVICE_UNBIND, 1, BH_EPERM, { id.clock });
    LINE("bound by another", BH_CALL_DEVICE_UNBIND, 1, BH_EPERM, { id.foreign });
    LINE("attached", BH_CALL_DEVICE_UNBIND, 1, BH_EBUSY, { id.attached });
    LINE("behind a dead unit", BH_CALL_DEVICE_UNBIND, 0, BH_ETIMEDOUT, { id.bound },
         .before = the_unit_has_failed, .done_all_the_same = true);
}

static void write_reset(void)
{
    LINE("not listed", BH_CALL_DEVICE_RESET, 1, BH_ENOENT, { id.unlisted });
    LINE("the upper half set", BH_CALL_DEVICE_RESET, 1, BH_ENOENT, { BIT(32) | id.bound });
    LINE("not bound", BH_CALL_DEVICE_RESET, 1, BH_EPERM, { id.bound },
         .before = a_device_is_given_back);
    LINE("bound by another", BH_CALL_DEVICE_RESET, 1, BH_EPERM, { id.foreign });
    LINE("no PCI function", BH_CALL_DEVICE_RESET, 1, BH_EOPNOTSUPP, { id.clock },
         .before = the_clock_is_bound);
    LINE("not listed", BH_CALL_MSI_BIND, 1, BH_ENOENT, { id.unlisted, 0, BH_MESSAGE_FIRST });
    LINE("bound by another", BH_CALL_MSI_BIND, 1, BH_EPERM, { id.foreign, 0, BH_MESSAGE_FIRST });
    LINE("a device without messages", BH_CALL_MSI_BIND, 1, BH_EOPNOTSUPP,
         { id.attached, 0, BH_MESSAGE_FIRST });
    LINE("behind a dead unit", BH_CALL_DEVICE_RESET, 0, BH_ETIMEDOUT, { id.attached },
         .before = the_unit_has_failed, .done_all_the_same = true);
}

/* Reads and writes are refused alike; a value is in the way of a write alone. */
static void write_config(void)
{
    LINE("a value of more bytes", BH_CALL_DEVICE_CONFIG_WRITE, 4, BH_EINVAL,
         { id.bound, 4, 2, BIT(16) });
    for (uint64_t number = BH_CALL_DEVICE_CONFIG_READ; number <= BH_CALL_DEVICE_CONFIG_WRITE;
         number++) {
        LINE("not listed", number, 1, BH_ENOENT, { id.unlisted, 0, 4 });
        LINE("the upper half set", number, 1, BH_ENOENT, { BIT(32) | id.bound, 0, 4 });
        LINE("not bound", number, 1, BH_EPERM, { id.bound, 0, 4 },
             .before = a_device_is_given_back);
        LINE("bound by another", number, 1, BH_EPERM, { id.foreign, 0, 4 });
        LINE("no PCI function", number, 1, BH_EOPNOTSUPP, { id.clock, 0, 4 },
             .before = the_clock_is_bound);
        LINE("behind the end", number, 2, BH_EINVAL, { id.bound, 0x1000, 1 });
        LINE("an offset askew", number, 2, BH_EINVAL, { id.bound, 2, 4 });
        LINE("no width", number, 3, BH_EINVAL, { id.bound, 0, 0 });
        LINE("a width of three", number, 3, BH_EINVAL, { id.bound, 0, 3 });
        LINE("a width of eight", number, 3, BH_EINVAL, { id.bound, 0, 8 });
        LINE("while it is reset", number, 0, BH_EBUSY, { id.attached, 0, 4 },
             .before = a_reset_has_begun);
    }
}

static void write_spaces(void)
{
    LINE("not listed", BH_CALL_IOAS_ALLOC_PAGING, 1, BH_ENOENT, { id.unlisted, 0 });
    LINE("not bound", BH_CALL_IOAS_ALLOC_PAGING, 1, BH_EPERM, { id.clock, 0 });
    LINE("bound by another", BH_CALL_IOAS_ALLOC_PAGING, 1, BH_EPERM, { id.foreign, 0 });
    LINE("a parent", BH_CALL_IOAS_ALLOC_PAGING, 2, BH_EOPNOTSUPP, { id.attached, id.full });
    LINE("all taken", BH_CALL_IOAS_ALLOC_PAGING, 0, BH_ENOSPC, { id.attached, 0 },
         .before = every_space_is_taken);
    LINE("no page for its root", BH_CALL_IOAS_ALLOC_PAGING, 0, BH_ENOSPC, { id.attached, 0 },
         .before = no_table_page_is_left);
    LINE("no such id", BH_CALL_IOAS_FREE, 1, BH_ENOENT, { 0 });
    LINE("an old id", BH_CALL_IOAS_FREE, 1, BH_ENOENT, { id.gone });
    LINE("the upper half set", BH_CALL_IOAS_FREE, 1, BH_ENOENT, { BIT(32) | id.empty });
    LINE("attached", BH_CALL_IOAS_FREE, 1, BH_EBUSY, { id.full });
    LINE("behind a dead unit", BH_CALL_IOAS_FREE, 0, BH_ETIMEDOUT, { id.empty },
         .before = a_unit_that_knows_it_has_failed);
}

static void write_map(void)
{
    const uint64_t n = BH_CALL_IOAS_MAP, s = id.full, high = book.input_limit;

    LINE("an old id", n, 1, BH_ENOENT, { id.gone, 0x20000, SPARE, 0x1000, ALL });
    LINE("another's numbers", n, 1, BH_ENOENT, { 0x7FFFFFFF, 0x20000, SPARE, 0x1000, ALL });
    LINE("iova askew", n, 2, BH_EINVAL, { s, 0x20001, SPARE, 0x1000, ALL });
    LINE("iova wraps", n, 2, BH_EINVAL, { s, 0 - PAGE_SIZE, SPARE, 0x2000, ALL });
    LINE("iova beyond", n, 2, BH_ERANGE, { s, high, SPARE, 0x1000, ALL });
    LINE("iova over the end", n, 2, BH_ERANGE, { s, high - PAGE_SIZE, SPARE, 0x2000, ALL });
    LINE("mapped", n, 2, BH_EEXIST, { s, IOVA, SPARE, 0x1000, ALL });
    LINE("its end is mapped", n, 2, BH_EEXIST, { s, IOVA - 0x1000, SPARE, 0x2000, ALL });
    LINE("inside a block", n, 2, BH_EEXIST, { s, 0x401000, SPARE, 0x1000, ALL });
    LINE("address askew", n, 3, BH_EINVAL, { s, 0x20000, SPARE + 8, 0x1000, ALL });
    LINE("address wraps", n, 3, BH_EINVAL, { s, 0x20000, 0 - PAGE_SIZE, 0x2000, ALL });
    LINE("below own memory", n, 3, BH_ERANGE, { s, 0x20000, BASE - PAGE_SIZE, 0x1000, ALL });
    LINE("the table pool", n, 3, BH_ERANGE, { s, 0x20000, END, 0x1000, ALL });
    LINE("the machine's last page", n, 3, BH_ERANGE,
         { s, 0x20000, HOST_MEMORY_BASE + HOST_MEMORY_SIZE - PAGE_SIZE, 0x1000, ALL });
    LINE("the unit's registers", n, 3, BH_ERANGE, { s, 0x20000, UNIT_BASE, 0x1000, ALL });
    LINE("no size", n, 4, BH_EINVAL, { s, 0x20000, SPARE, 0, ALL });
    LINE("size askew", n, 4, BH_EINVAL, { s, 0x20000, SPARE, 0x1800, ALL });
    LINE("more than own memory", n, 4, BH_ERANGE, { s, 0x20000000, BASE, 0x400000, ALL });
    LINE("no access", n, 5, BH_EINVAL, { s, 0x20000, SPARE, 0x1000, 0 });
    LINE("an unknown flag", n, 5, BH_EINVAL, { s, 0x20000, SPARE, 0x1000, 4 | ALL });
    LINE("a high flag", n, 5, BH_EINVAL, { s, 0x20000, SPARE, 0x1000, BIT(63) | ALL });
    LINE("no table page", n, 0, BH_ENOSPC, { s, BIT(37), SPARE, 0x1000, ALL },
         .before = no_table_page_is_left);
}

static void write_unmap(void)
{
    const uint64_t n = BH_CALL_IOAS_UNMAP, s = id.full, high = book.input_limit;

    LINE("an old id", n, 1, BH_ENOENT, { id.gone, IOVA, 0x1000 });
    LINE("iova askew", n, 2, BH_EINVAL, { s, IOVA + 1, 0x1000 });
    LINE("iova cuts a block", n, 2, BH_EINVAL, { s, 0x401000, 0x1FF000 });
    LINE("iova beyond", n, 2, BH_ERANGE, { s, high, 0x1000 });
    LINE("no size", n, 3, BH_EINVAL, { s, IOVA, 0 });
    LINE("size askew", n, 3, BH_EINVAL, { s, IOVA, 0x1001 });
    LINE("size wraps", n, 3, BH_EINVAL, { s, IOVA, 0 - PAGE_SIZE });
    LINE("size cuts a block", n, 3, BH_EINVAL, { s, 0x400000, 0x1000 });
    LINE("size over the end", n, 3, BH_ERANGE, { s, IOVA, high });
    LINE("behind a dead unit", n, 0, BH_ETIMEDOUT, { s, IOVA, 0x3000 },
         .before = the_unit_has_failed, .done_all_the_same = true);
}

static void write_ranges(void)
{
    const uint64_t n = BH_CALL_IOAS_RESERVE, s = id.full, high = book.input_limit;

    LINE("an old id", BH_CALL_IOAS_RANGES, 1, BH_ENOENT, { id.gone, STRUCTURE });
    LINE("askew", BH_CALL_IOAS_RANGES, 2, BH_EFAULT, { s, STRUCTURE + 4 });
    LINE("behind own memory", BH_CALL_IOAS_RANGES, 2, BH_EFAULT, { s, END });
    LINE("too small", BH_CALL_IOAS_RANGES, 2, BH_EINVAL, { s, STRUCTURE },
         .before = a_small_structure);
    LINE("an old id", n, 1, BH_ENOENT, { id.gone, IOVA, 0x1000 });
    LINE("iova askew", n, 2, BH_EINVAL, { s, IOVA + 1, 0x1000 });
    LINE("iova beyond", n, 2, BH_ERANGE, { s, high, 0x1000 });
    LINE("size askew", n, 3, BH_EINVAL, { s, IOVA, 0x1001 });
    LINE("no size", n, 3, BH_EINVAL, { s, IOVA, 0 });
    LINE("size over the end", n, 3, BH_ERANGE, { s, IOVA, high });
    LINE("a ninth", n, 0, BH_ENOSPC, { s, 0x100000, 0x1000 }, .before = eight_ranges_are_reserved,
         .beyond_the_book = true);
}

static void write_remap(void)
{
    const uint64_t n = BH_CALL_IOAS_REMAP, s = id.full, high = book.input_limit;

    LINE("an old id", n, 1, BH_ENOENT, { id.gone, IOVA, SPARE, 0x1000, ALL });
    LINE("iova askew", n, 2, BH_EINVAL, { s, IOVA + 1, SPARE, 0x1000, ALL });
    LINE("iova beyond", n, 2, BH_ERANGE, { s, high, SPARE, 0x1000, ALL });
    LINE("nothing mapped", n, 2, BH_ENOENT, { s, 0x30000, SPARE, 0x1000, ALL });
    LINE("a part of a block", n, 2, BH_EINVAL, { s, 0x401000, SPARE, 0x1000, ALL });
    LINE("address askew", n, 3, BH_EINVAL, { s, IOVA, SPARE + 8, 0x1000, ALL });
    LINE("not own memory", n, 3, BH_ERANGE, { s, IOVA, END, 0x1000, ALL });
    LINE("a block does not fit there", n, 3, BH_EINVAL,
         { s, 0x400000, BASE + 0x1000, 0x200000, 1 });
    LINE("no size", n, 4, BH_EINVAL, { s, IOVA, SPARE, 0, ALL });
    LINE("into a hole", n, 4, BH_ENOENT, { s, IOVA, SPARE, 0x4000, ALL });
    LINE("no access", n, 5, BH_EINVAL, { s, IOVA, SPARE, 0x1000, 0 });
    LINE("an unknown flag", n, 5, BH_EINVAL, { s, IOVA, SPARE, 0x1000, 8 | ALL });
    LINE("behind a dead unit", n, 0, BH_ETIMEDOUT, { s, IOVA, SPARE, 0x1000, ALL },
         .before = the_unit_has_failed, .done_all_the_same = true);
}

static void write_copy(void)
{
    const uint64_t n = BH_CALL_IOAS_COPY;

    LINE("askew", n, 1, BH_EFAULT, { STRUCTURE + 4 });
    LINE("behind own memory", n, 1, BH_EFAULT, { END });
    LINE("too small", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_small_structure);
    LINE("from an old id", n, 1, BH_ENOENT, { STRUCTURE }, .before = a_copy_from_an_old_id);
    LINE("to an old id", n, 1, BH_ENOENT, { STRUCTURE }, .before = a_copy_to_an_old_id);
    LINE("of nothing", n, 1, BH_ENOENT, { STRUCTURE }, .before = a_copy_of_nothing);
    LINE("from_iova askew", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_copy_from_askew);
    LINE("to_iova askew", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_copy_to_askew);
    LINE("from_iova beyond", n, 1, BH_ERANGE, { STRUCTURE }, .before = a_copy_from_beyond);
    LINE("to_iova beyond", n, 1, BH_ERANGE, { STRUCTURE }, .before = a_copy_to_beyond);
    LINE("no bytes", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_copy_of_no_bytes);
    LINE("odd bytes", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_copy_of_odd_bytes);
    LINE("no access", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_copy_without_access);
    LINE("a wild flag", n, 1, BH_EINVAL, { STRUCTURE }, .before = a_copy_with_a_wild_flag);
    LINE("over a mapping", n, 1, BH_EEXIST, { STRUCTURE }, .before = a_copy_over_a_mapping);
    LINE("no pages", n, 0, BH_ENOSPC, { STRUCTURE }, .before = a_copy_without_pages);
}

static void write_batches(void)
{
    const uint64_t m = BH_CALL_IOAS_MAP_BATCH, u = BH_CALL_IOAS_UNMAP_BATCH, s = id.full;

    LINE("an old id", m, 1, BH_ENOENT, { id.gone, STRUCTURE, 1 });
    LINE("askew", m, 2, BH_EFAULT, { s, STRUCTURE + 4, 1 });
    LINE("over the end", m, 2, BH_EFAULT, { s, END - 32, 2 });
    LINE("none", m, 3, BH_EINVAL, { s, STRUCTURE, 0 });
    LINE("too many", m, 3, BH_EINVAL, { s, STRUCTURE, BH_BATCH + 1 });
    LINE("iova askew", m, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = a_map_of_iova_askew);
    LINE("iova beyond", m, 2, BH_ERANGE, { s, STRUCTURE, 1 }, .before = a_map_of_iova_beyond);
    LINE("mapped", m, 2, BH_EEXIST, { s, STRUCTURE, 1 }, .before = a_map_over_a_mapping);
    LINE("address askew", m, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = a_map_of_address_askew);
    LINE("not own memory", m, 2, BH_ERANGE, { s, STRUCTURE, 1 }, .before = a_map_of_foreign_memory);
    LINE("no size", m, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = a_map_of_no_size);
    LINE("no access", m, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = a_map_without_access);
    LINE("no pages", m, 0, BH_ENOSPC, { s, STRUCTURE, 1 }, .before = a_map_without_pages);
    LINE("an old id", u, 1, BH_ENOENT, { id.gone, STRUCTURE, 1 });
    LINE("askew", u, 2, BH_EFAULT, { s, STRUCTURE + 4, 1 });
    LINE("over the end", u, 2, BH_EFAULT, { s, END - 16, 2 });
    LINE("none", u, 3, BH_EINVAL, { s, STRUCTURE, 0 });
    LINE("too many", u, 3, BH_EINVAL, { s, STRUCTURE, BH_BATCH + 1 });
    LINE("iova askew", u, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = an_unmap_of_iova_askew);
    LINE("a part of a block", u, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = an_unmap_of_a_part);
    LINE("iova beyond", u, 2, BH_ERANGE, { s, STRUCTURE, 1 }, .before = an_unmap_beyond);
    LINE("no size", u, 2, BH_EINVAL, { s, STRUCTURE, 1 }, .before = an_unmap_of_no_size);
    LINE("behind a dead unit", u, 0, BH_ETIMEDOUT, { s, STRUCTURE, 1 },
         .before = an_unmap_behind_a_dead_unit, .done_all_the_same = true);
    LINE("an old id", BH_CALL_IOAS_UNMAP_ALL, 1, BH_ENOENT, { id.gone, 0 });
    LINE("askew", BH_CALL_IOAS_UNMAP_ALL, 2, BH_EINVAL, { s, 1 });
    LINE("inside a block", BH_CALL_IOAS_UNMAP_ALL, 2, BH_EINVAL, { s, 0x401000 });
    LINE("beyond", BH_CALL_IOAS_UNMAP_ALL, 2, BH_ERANGE, { s, book.input_limit });
    LINE("beyond by its upper half", BH_CALL_IOAS_UNMAP_ALL, 3, BH_ERANGE,
         { s, 0, book.input_limit >> 32 });
    LINE("behind a dead unit", BH_CALL_IOAS_UNMAP_ALL, 0, BH_ETIMEDOUT, { s, 0 },
         .before = the_unit_has_failed, .done_all_the_same = true);
}

static void write_attachment(void)
{
    const uint64_t none = BH_PASID_NONE;

    LINE("not listed", BH_CALL_ATTACH, 1, BH_ENOENT, { id.unlisted, none, id.full });
    LINE("not bound", BH_CALL_ATTACH, 1, BH_EPERM, { id.clock, none, id.full });
    LINE("bound by another", BH_CALL_ATTACH, 1, BH_EPERM, { id.foreign, none, id.full });
    LINE("attached to it", BH_CALL_ATTACH, 1, BH_EBUSY, { id.attached, none, id.full });
    LINE("attached elsewhere", BH_CALL_ATTACH, 1, BH_EBUSY, { id.attached, none, id.empty });
    LINE("pasid 0", BH_CALL_ATTACH, 2, BH_EINVAL, { id.bound, 0, id.full });
    LINE("a pasid", BH_CALL_ATTACH, 2, BH_EOPNOTSUPP, { id.bound, 1, id.full });
    LINE("a long pasid", BH_CALL_ATTACH, 2, BH_EOPNOTSUPP, { id.bound, BIT(32) | none, id.full });
    LINE("an old id", BH_CALL_ATTACH, 3, BH_ENOENT, { id.bound, none, id.gone });
    LINE("no tag", BH_CALL_ATTACH, 0, BH_ENOSPC, { id.attached, none, id.empty },
         .before = no_tag_is_left, .beyond_the_book = true);
    LINE("behind a dead unit", BH_CALL_ATTACH, 0, BH_ETIMEDOUT, { id.bound, none, id.full },
         .before = the_unit_has_failed);
    LINE("not listed", BH_CALL_REPLACE, 1, BH_ENOENT, { id.unlisted, none, id.empty });
    LINE("not attached", BH_CALL_REPLACE, 1, BH_ENOENT, { id.bound, none, id.empty });
    LINE("not bound", BH_CALL_REPLACE, 1, BH_EPERM, { id.clock, none, id.empty });
    LINE("bound by another", BH_CALL_REPLACE, 1, BH_EPERM, { id.foreign, none, id.empty });
    LINE("being reset", BH_CALL_REPLACE, 1, BH_EBUSY, { id.attached, none, id.empty },
         .before = a_reset_has_begun);
    LINE("pasid 0", BH_CALL_REPLACE, 2, BH_EINVAL, { id.attached, 0, id.empty });
    LINE("a pasid", BH_CALL_REPLACE, 2, BH_EOPNOTSUPP, { id.attached, 1, id.empty });
    LINE("an old id", BH_CALL_REPLACE, 3, BH_ENOENT, { id.attached, none, id.gone });
    LINE("behind a dead unit", BH_CALL_REPLACE, 0, BH_ETIMEDOUT, { id.attached, none, id.empty },
         .before = the_unit_has_failed, .done_all_the_same = true);
    LINE("not attached so often", BH_CALL_QUERY, 3, BH_ENOENT,
         { BH_QUERY_ATTACHMENT, STRUCTURE, 1 });
    LINE("not listed", BH_CALL_DETACH, 1, BH_ENOENT, { id.unlisted, none });
    LINE("not attached", BH_CALL_DETACH, 1, BH_ENOENT, { id.bound, none });
    LINE("bound by another", BH_CALL_DETACH, 1, BH_EPERM, { id.foreign, none });
    LINE("pasid 0", BH_CALL_DETACH, 2, BH_EINVAL, { id.attached, 0 });
    LINE("a pasid", BH_CALL_DETACH, 2, BH_EOPNOTSUPP, { id.attached, 5 });
    LINE("behind a dead unit", BH_CALL_DETACH, 0, BH_ETIMEDOUT, { id.attached, none },
         .before = the_unit_has_failed, .done_all_the_same = true);
}

static void write_the_rest(void)
{
    LINE("no such question", BH_CALL_QUERY, 1, BH_EINVAL, { 99, STRUCTURE, id.attached });
    LINE("askew", BH_CALL_QUERY, 2, BH_EFAULT, { BH_QUERY_STATE, STRUCTURE + 4, id.attached });
    LINE("too small", BH_CALL_QUERY, 2, BH_EINVAL, { BH_QUERY_STATE, STRUCTURE, id.attached },
         .before = a_small_structure);
    LINE("behind own memory", BH_CALL_QUERY, 2, BH_EFAULT, { BH_QUERY_POOL, END });
    LINE("not listed", BH_CALL_QUERY, 3, BH_ENOENT, { BH_QUERY_STATE, STRUCTURE, id.unlisted });
    LINE("not listed", BH_CALL_QUERY, 3, BH_ENOENT, { BH_QUERY_FAULT, STRUCTURE, id.unlisted });
    LINE("not own memory", BH_CALL_CONSOLE_WRITE, 1, BH_EFAULT, { END, 1 });
    LINE("over its end", BH_CALL_CONSOLE_WRITE, 1, BH_EFAULT, { END - 8, 16 });
    LINE("no length", BH_CALL_CONSOLE_WRITE, 2, BH_EINVAL, { STRUCTURE, 0 });
    LINE("too long", BH_CALL_CONSOLE_WRITE, 2, BH_EINVAL,
         { STRUCTURE, BH_CONSOLE_BYTES_PER_CALL + 1 });
    LINE("not own memory", BH_CALL_CONSOLE_READ, 1, BH_EFAULT, { BASE - 1, 1 });
    LINE("over its end", BH_CALL_CONSOLE_READ, 1, BH_EFAULT, { END - 8, 16 });
    LINE("no length", BH_CALL_CONSOLE_READ, 2, BH_EINVAL, { STRUCTURE, 0 });
    LINE("too long", BH_CALL_CONSOLE_READ, 2, BH_EINVAL, { STRUCTURE, BIT(32) | 1 });
    LINE("no such action", BH_CALL_POWER, 1, BH_EINVAL, { 2, 0 });
    LINE("a code too high", BH_CALL_POWER, 2, BH_EINVAL, { BH_POWER_OFF, 256 });
    LINE("a second ring", BH_CALL_EVENT_RING, 1, BH_EEXIST, { SPARE });
    LINE("no such window", BH_CALL_NOTIFY, 1, BH_ENOENT, { 0 });
    LINE("a high bit", BH_CALL_NOTIFY, 1, BH_ENOENT, { BIT(63) });
    LINE("none to withdraw", BH_CALL_EVENT_RING, 1, BH_ENOENT, { 0 },
         .before = the_ring_is_withdrawn);
    LINE("askew", BH_CALL_EVENT_RING, 1, BH_EFAULT, { SPARE + 8 }, .before = the_ring_is_withdrawn);
    LINE("not own memory", BH_CALL_EVENT_RING, 1, BH_EFAULT, { END },
         .before = the_ring_is_withdrawn);
}

static void write_control(void)
{
    LINE("no such partition", BH_CALL_PARTITION_CONTROL, 1, BH_ENOENT, { 2, BH_PARTITION_STOP });
    LINE("itself", BH_CALL_PARTITION_CONTROL, 1, BH_EINVAL, { CALLER, BH_PARTITION_STOP });
    LINE("no such action", BH_CALL_PARTITION_CONTROL, 2, BH_EINVAL, { OTHER, 3 });
    LINE("it runs", BH_CALL_PARTITION_CONTROL, 2, BH_EEXIST, { OTHER, BH_PARTITION_START });
    LINE("it is off", BH_CALL_PARTITION_CONTROL, 2, BH_EEXIST, { OTHER, BH_PARTITION_STOP },
         .before = it_is_off, .beyond_the_book = true);
    LINE("it changes", BH_CALL_PARTITION_CONTROL, 0, BH_EBUSY, { OTHER, BH_PARTITION_STOP },
         .before = it_has_an_order, .beyond_the_book = true);
    LINE("its unit failed", BH_CALL_PARTITION_CONTROL, 0, BH_EOPNOTSUPP,
         { OTHER, BH_PARTITION_START }, .before = its_memory_is_pinned, .beyond_the_book = true);
    LINE("not the manager", BH_CALL_PARTITION_CONTROL, 0, BH_EPERM, { OTHER, BH_PARTITION_STOP },
         .before = the_caller_is_not_the_manager, .beyond_the_book = true);
    LINE("no such device", BH_CALL_DEVICE_GIVE, 1, BH_ENOENT, { 99, CALLER });
    LINE("not listed for it", BH_CALL_DEVICE_GIVE, 1, BH_ENOENT, { id.unlisted, CALLER });
    LINE("no such partition", BH_CALL_DEVICE_GIVE, 2, BH_ENOENT, { id.free, 2 });
    LINE("nobody may have it", BH_CALL_DEVICE_GIVE, 0, BH_EOPNOTSUPP, { id.attached, OTHER },
         .before = it_cannot_be_assigned, .beyond_the_book = true);
    LINE("its unit failed", BH_CALL_DEVICE_GIVE, 0, BH_ETIMEDOUT, { id.attached, OTHER },
         .before = the_unit_has_failed);
    LINE("not the manager", BH_CALL_DEVICE_GIVE, 0, BH_EPERM, { id.free, OTHER },
         .before = the_caller_is_not_the_manager, .beyond_the_book = true);
    LINE("not the manager", BH_CALL_QUERY, 1, BH_EPERM, { BH_QUERY_PARTITION, STRUCTURE, OTHER },
         .before = the_caller_is_not_the_manager, .beyond_the_book = true);
    LINE("no such partition", BH_CALL_QUERY, 3, BH_ENOENT, { BH_QUERY_PARTITION, STRUCTURE, 2 });
    LINE("not the manager", BH_CALL_QUERY, 1, BH_EPERM, { BH_QUERY_CALLS, STRUCTURE, CALLER },
         .before = the_caller_is_not_the_manager, .beyond_the_book = true);
    LINE("no such partition", BH_CALL_QUERY, 3, BH_ENOENT, { BH_QUERY_CALLS, STRUCTURE, 2 });
}

static void write_matrix(void)
{
    refusal_count = 0;
    write_control();
    write_discovery();
    write_ownership();
    write_reset();
    write_config();
    write_spaces();
    write_map();
    write_unmap();
    write_ranges();
    write_remap();
    write_copy();
    write_batches();
    write_attachment();
    write_the_rest();
    assert_true(refusal_count < REFUSALS_LIMIT);
}

/* ---- Held against it -------------------------------------------------------------------------------------- */

static void refuse(const struct refusal *line)
{
    if (line->before != NULL)
        line->before();
    uint64_t before = machine_state();
    /* The book has no pages for changes of what is mapped, nor for batches. */
    bool beyond = line->beyond_the_book ||
                  (line->number >= BH_CALL_IOAS_COPY && line->number <= BH_CALL_IOAS_UNMAP_BATCH);
    int64_t answer = beyond ? call(CALLER, line->number, line->x[0], line->x[1], line->x[2],
                                   line->x[3], line->x[4])
                            : book_call(CALLER, line->number, line->x, false);

    if (machine.end != HOST_RETURNED || answer != line->error)
        fail_msg("call %llu, %s: answered %lld, not %lld", (unsigned long long)line->number,
                 line->says, (long long)answer, (long long)line->error);
    if (!line->done_all_the_same && machine_state() != before)
        fail_msg("call %llu, %s: it was refused and changed something",
                 (unsigned long long)line->number, line->says);
}

static void each_way_to_be_refused_has_its_error_and_changes_nothing(void)
{
    static struct book kept;

    scene_begin();
    scene_own_things();
    put_size(256);
    write_matrix();
    machine_snapshot_take();
    kept = book;
    for (unsigned int i = 0; i < refusal_count; i++) {
        refuse(&refusals[i]);
        machine_snapshot_restore();
        book = kept;
    }
}

/* What only units of two kinds can bring about (tests/unit/test_unequal_units.c), one that lacks tags for a replace
 * (test_shortage.c), and a window that one may only read (tests/unit/test_windows_dma.c). */
static bool needs_another_machine(uint64_t number, int64_t error)
{
    return (error == BH_ETIMEDOUT && (number == BH_CALL_IOAS_MAP || number == BH_CALL_IOAS_COPY ||
                                      number == BH_CALL_IOAS_MAP_BATCH)) ||
           (error == BH_ERANGE && (number == BH_CALL_ATTACH || number == BH_CALL_REPLACE)) ||
           (error == BH_ENOSPC && number == BH_CALL_REPLACE) ||
           (error == BH_EPERM && number == BH_CALL_IOAS_MAP);
}

static bool has_line(uint64_t number, unsigned int argument, int64_t error)
{
    for (unsigned int i = 0; i < refusal_count; i++) {
        const struct refusal *line = &refusals[i];

        if (line->number == number && (argument == 0 || line->argument == argument) &&
            (error == 0 || line->error == error))
            return true;
    }
    return false;
}

static void every_argument_and_every_error_of_every_page_has_a_line_in_the_matrix(void)
{
    scene_begin();
    scene_own_things();
    write_matrix();
    for (uint64_t number = 0; number < BH_CALL_LIMIT; number++) {
        if (number == BH_CALL_MSI_BIND)
            continue; /* what this machine lacks for it, tests/unit/test_messages.c has */
        for (unsigned int argument = 1; argument <= contract_arguments(number); argument++) {
            if (!has_line(number, argument, 0))
                fail_msg("call %llu: no line has argument %u wrong", (unsigned long long)number,
                         argument);
        }
        for (int64_t error = BH_NOT_SUPPORTED; error >= BH_EFAULT; error--) {
            /* EAGAIN is no refusal. */
            if (error != BH_EAGAIN && contract_names(number, error) &&
                !needs_another_machine(number, error) && !has_line(number, 0, error))
                fail_msg("call %llu: no line ends with %lld", (unsigned long long)number,
                         (long long)error);
        }
    }
}

int run_matrix_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_way_to_be_refused_has_its_error_and_changes_nothing),
        TEST(every_argument_and_every_error_of_every_page_has_a_line_in_the_matrix),
    };

    return RUN_GROUP("the negative matrix");
}

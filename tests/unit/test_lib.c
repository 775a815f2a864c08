/* SPDX-License-Identifier: Apache-2.0 */
/* The small parts of lib/: strings, formatting, digests, locks, boot memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "groups.h"
#include "lib/boot_memory.h"
#include "lib/format.h"
#include "lib/lock.h"
#include "lib/sha256.h"
#include "unit.h"

#include "string_renamed.h"

/* ---- Strings: against the C library's ---------------------------------------------------------------- */

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void fill(uint8_t *bytes, size_t size, uint64_t *seed, unsigned int range)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(random_next(seed) % range);
}

static void copies_and_fills_do_what_the_c_librarys_do_at_every_alignment(void)
{
    uint8_t a[200], b[200], from[200];
    uint64_t seed = 1;

    for (unsigned int round = 0; round < 20000; round++) {
        size_t length = random_next(&seed) % 80, to = random_next(&seed) % 100,
               source = random_next(&seed) % 100;
        int value = (int)(random_next(&seed) % 512) - 256;

        fill(a, sizeof(a), &seed, 256);
        fill(from, sizeof(from), &seed, 256);
        memcpy(b, a, sizeof(a));
        assert_ptr_equal(own_memcpy(a + to, from + source, length), a + to);
        memcpy(b + to, from + source, length);
        assert_memory_equal(a, b, sizeof(a));
        assert_ptr_equal(own_memmove(a + to, a + source, length), a + to);
        memmove(b + to, b + source, length);
        assert_memory_equal(a, b, sizeof(a));
        assert_ptr_equal(own_memset(a + to, value, length), a + to);
        memset(b + to, value, length);
        assert_memory_equal(a, b, sizeof(a));
    }
}

static void comparisons_and_searches_do_what_the_c_librarys_do(void)
{
    char a[40], b[40];
    uint64_t seed = 2;

    for (unsigned int round = 0; round < 50000; round++) {
        size_t limit = random_next(&seed) % 40;
        int c = (int)(random_next(&seed) % 4);

        /* Few values, high ones among them, so that equal stretches are frequent. */
        fill((uint8_t *)a, sizeof(a), &seed, 3);
        fill((uint8_t *)b, sizeof(b), &seed, 3);
        for (unsigned int i = 0; i < sizeof(a); i++) {
            a[i] = (char)(a[i] * 127);
            b[i] = (char)(b[i] * 127);
        }
        a[39] = '\0';
        b[39] = '\0';
        c *= 127;
        assert_int_equal(sign(own_memcmp(a, b, limit)), sign(memcmp(a, b, limit)));
        assert_int_equal(sign(own_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(own_strncmp(a, b, limit)), sign(strncmp(a, b, limit)));
        assert_int_equal(own_strlen(a), strlen(a));
        assert_int_equal(own_strnlen(a, limit), strnlen(a, limit));
        assert_ptr_equal(own_memchr(a, c, limit), memchr(a, c, limit));
        assert_ptr_equal(own_strchr(a, c), strchr(a, c));
        assert_ptr_equal(own_strrchr(a, c), strrchr(a, c));
    }
}

/* ---- Formatting: against the C library's -------------------------------------------------------------- */

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char own[128], theirs[128];                                                                \
                                                                                                   \
        assert_int_equal(format(own, sizeof(own), __VA_ARGS__),                                    \
                         snprintf(theirs, sizeof(theirs), __VA_ARGS__));                           \
        assert_string_equal(own, theirs);                                                          \
    } while (0)

static void formatting_agrees_with_printf(void)
{
    uint64_t seed = 3;

    SAME("plain");
    SAME("%s|%5s|%-5s|%.2s|%-6.3s|", "abc", "abc", "abc", "abc", "abcdef");
    SAME("%c%c%%", 'x', 'y');
    SAME("%d %d %d", 0, -1, 2147483647);
    SAME("%d", (int)-2147483648);
    SAME("%u %x %08x %-8x| %8x", 4294967295u, 0xabcdefu, 0x12u, 0x34u, 0x56u);
    SAME("%ld %lu %lx %zu", (int64_t)BIT(63), ~UINT64_C(0), ~UINT64_C(0), (size_t)77);
    SAME("%016lx", UINT64_C(0x123));
    for (unsigned int i = 0; i < 5000; i++) {
        uint64_t value = random_next(&seed) >> (random_next(&seed) % 64);

        SAME("%lu %lx %20lu %-20lx|", value, value, value, value);
        SAME("%ld %d %u", (int64_t)value, (int)value, (unsigned int)value);
    }
}

static void what_does_not_fit_is_cut_and_terminated(void)
{
    char buffer[8];

    for (size_t size = 0; size <= sizeof(buffer); size++) {
        memset(buffer, 'x', sizeof(buffer));
        size_t used = format(buffer, size, "%s%d", "abcdef", 12345);

        assert_int_equal(used, size == 0 ? 0 : size - 1);
        if (size > 0)
            assert_int_equal(buffer[used], '\0');
        for (size_t i = size; i < sizeof(buffer); i++)
            assert_int_equal(buffer[i], 'x');
    }
}

static void a_missing_string_is_said(void)
{
    char buffer[16];
    const char *volatile none = NULL;

    format(buffer, sizeof(buffer), "%s", none);
    assert_string_equal(buffer, "(none)");
}

/* ---- SHA-256 (FIPS 180-4, and NIST's examples) ------------------------------------------------------ */

static void expect_digest(const void *data, uint64_t size, const char *text)
{
    uint8_t digest[SHA256_SIZE];
    char found[2 * SHA256_SIZE + 1];

    sha256(data, size, digest);
    for (unsigned int i = 0; i < SHA256_SIZE; i++)
        snprintf(found + 2 * (size_t)i, 3, "%02x", digest[i]);
    assert_string_equal(found, text);
}

static void digests_are_those_of_the_standards_examples(void)
{
    static char million[1000000];

    expect_digest("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_digest("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', sizeof(million));
    expect_digest(million, sizeof(million),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void a_digest_of_pieces_is_that_of_the_whole_however_it_is_cut(void)
{
    uint8_t data[200], whole[SHA256_SIZE], pieces[SHA256_SIZE];
    struct sha256 sha;

    for (unsigned int i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    sha256(data, sizeof(data), whole);
    for (unsigned int first = 0; first <= sizeof(data); first++) {
        for (unsigned int second = first; second <= sizeof(data); second += 13) {
            sha256_start(&sha);
            sha256_add(&sha, data, first);
            sha256_add(&sha, data + first, second - first);
            sha256_add(&sha, data + second, sizeof(data) - second);
            sha256_end(&sha, pieces);
            assert_memory_equal(pieces, whole, SHA256_SIZE);
        }
    }
}

static void digests_of_every_length_around_a_block_differ(void)
{
    static uint8_t digest[200][SHA256_SIZE];
    uint8_t data[200] = { 0 };

    for (unsigned int length = 0; length < 200; length++) {
        sha256(data, length, digest[length]);
        for (unsigned int other = 0; other < length; other++)
            assert_memory_not_equal(digest[length], digest[other], SHA256_SIZE);
    }
    /* Computed with another program: 119 and 120 zero bytes, either side of a padding boundary. */
    expect_digest(data, 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b");
}

/* ---- Locks --------------------------------------------------------------------------------------- */

#define ROUNDS 20000

static struct lock shared_lock;
static uint64_t counter;

static void *count(void *unused)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        lock_acquire(&shared_lock);
        counter++;
        lock_release(&shared_lock);
    }
    return unused;
}

static void a_lock_lets_one_in_at_a_time(void)
{
    pthread_t thread[2];

    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, count, NULL), 0);
    for (unsigned int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(counter, 2 * ROUNDS);
}

static void a_held_lock_is_not_taken_by_trying(void)
{
    struct lock lock = { 0 };

    assert_true(lock_try(&lock));
    assert_false(lock_try(&lock));
    lock_release(&lock);
    lock_acquire(&lock);
    assert_false(lock_try(&lock));
    lock_release(&lock);
    assert_true(lock_try(&lock));
}

static void tickets_wrap_around(void)
{
    struct lock lock = { .next = UINT32_MAX, .serving = UINT32_MAX };

    for (unsigned int i = 0; i < 3; i++) {
        lock_acquire(&lock);
        assert_false(lock_try(&lock));
        lock_release(&lock);
    }
    assert_true(lock_try(&lock));
}

/* ---- Boot memory ---------------------------------------------------------------------------------- */

static void boot_memory_is_zeroed_aligned_and_bounded(void)
{
    host_reset();
    memset((void *)(uintptr_t)HOST_MEMORY_BASE, 0xFF, 0x10000);
    boot_memory_start(HOST_MEMORY_BASE, 0x10000);
    uint8_t *small = boot_memory_take(3, 1);
    uint8_t *aligned = boot_memory_take(0x1000, 0x1000);

    assert_int_equal(small[0] | small[1] | small[2], 0);
    assert_int_equal((uintptr_t)aligned, HOST_MEMORY_BASE + 0x1000);
    assert_int_equal(aligned[0xFFF], 0);
    assert_int_equal(boot_memory_used(), 0x2000);
    assert_null(boot_memory_take(0, 8));
    assert_null(boot_memory_take(0xE001, 1));
    assert_null(boot_memory_take(UINT64_MAX, 8));
    assert_null(boot_memory_take(8, UINT64_C(1) << 63));
    assert_non_null(boot_memory_take(0xE000, 1));
    assert_null(boot_memory_take(1, 1));
}

static void boot_memory_at_the_end_of_the_address_space_does_not_go_on_at_its_beginning(void)
{
    host_reset();
    boot_memory_start(UINT64_MAX - 0xFFE, 0xFFE);
    assert_null(boot_memory_take(8, 0x1000));
    assert_int_equal(boot_memory_used(), 0);
}

static void boot_memory_between_what_is_aligned_is_used_first(void)
{
    host_reset();
    boot_memory_start(HOST_MEMORY_BASE, 0x30000);
    assert_non_null(boot_memory_take(8, 8));
    assert_int_equal((uintptr_t)boot_memory_take(0x10, 0x10000), HOST_MEMORY_BASE + 0x10000);
    assert_int_equal((uintptr_t)boot_memory_take(0x1000, 0x1000), HOST_MEMORY_BASE + 0x1000);
    assert_int_equal((uintptr_t)boot_memory_take(0xE001, 8), HOST_MEMORY_BASE + 0x10010);
    assert_int_equal((uintptr_t)boot_memory_take(0xE000, 8), HOST_MEMORY_BASE + 0x2000);
    assert_int_equal((uintptr_t)boot_memory_take(8, 8), HOST_MEMORY_BASE + 0x1E018);
    assert_int_equal((uintptr_t)boot_memory_take(8, 0x10000), HOST_MEMORY_BASE + 0x20000);
    boot_memory_seal();
    assert_null(boot_memory_take(8, 8));
}

static void i7_nothing_is_handed_out_after_the_seal(void)
{
    host_reset();
    boot_memory_start(HOST_MEMORY_BASE, 0x10000);
    assert_non_null(boot_memory_take(64, 64));
    boot_memory_seal();
    assert_null(boot_memory_take(1, 1));
    assert_int_equal(boot_memory_used(), 64);
}

int run_lib_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copies_and_fills_do_what_the_c_librarys_do_at_every_alignment),
        TEST(comparisons_and_searches_do_what_the_c_librarys_do),
        TEST(formatting_agrees_with_printf),
        TEST(what_does_not_fit_is_cut_and_terminated),
        TEST(a_missing_string_is_said),
        TEST(digests_are_those_of_the_standards_examples),
        TEST(a_digest_of_pieces_is_that_of_the_whole_however_it_is_cut),
        TEST(digests_of_every_length_around_a_block_differ),
        TEST(a_lock_lets_one_in_at_a_time),
        TEST(a_held_lock_is_not_taken_by_trying),
        TEST(tickets_wrap_around),
        TEST(boot_memory_is_zeroed_aligned_and_bounded),
        TEST(boot_memory_at_the_end_of_the_address_space_does_not_go_on_at_its_beginning),
        TEST(boot_memory_between_what_is_aligned_is_used_first),
        TEST(i7_nothing_is_handed_out_after_the_seal),
    };

    return RUN_GROUP("lib");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the book share (book.h). A part knows some of the calls: which errors the ABI allows for one, and
 * what follows from an answer.
 */
#ifndef TESTS_FUZZ_BOOK_PARTS_H
#define TESTS_FUZZ_BOOK_PARTS_H

#include "tests/fuzz/book.h"

#define ALLOWED(error) (UINT32_C(1) << -(error))

/* In a function with the caller's index in `guest` and the registers of the call in `x`. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("call %llu of partition %u: %s does not hold", (unsigned long long)x[0],      \
                     guest, #condition);                                                           \
    } while (0)

/* book.c */
const void *book_memory(unsigned int partition, uint64_t address);
struct book_space *book_space(unsigned int guest, uint64_t id);
bool book_own_memory(unsigned int guest, uint64_t address, uint64_t size);
unsigned int book_pages_free(unsigned int guest);
bool book_range_is_whole(uint64_t from, uint64_t size);
/* A structure of size bytes, `first` of them in its first version, at the address, which holds its own size. */
uint32_t book_causes_of_structure(unsigned int guest, uint64_t address, uint64_t size,
                                  uint64_t first);

/* book_owners.c: who has a device */
bool owners_has(uint64_t number);
uint32_t owners_causes(unsigned int guest, const uint64_t *x);
void owners_enter(unsigned int guest, const uint64_t *x, int64_t answer);
/* The way out of a bind whose reset is under way. */
void owners_give_up_reset(struct book_device *device);
void owners_unbound(struct book_device *device);
/* It failed on its way to that partition. */
void owners_withhold(unsigned int to, const struct book_device *device);

/* book_spaces.c: I/O address spaces, what is mapped in them, and which devices are attached */
bool spaces_has(uint64_t number);
uint32_t spaces_causes(unsigned int guest, const uint64_t *x);
void spaces_enter(unsigned int guest, const uint64_t *x, int64_t answer);
void spaces_detached(struct book_device *device);
uint32_t spaces_causes_of_unmap(unsigned int guest, const uint64_t *x);

/* book_messages.c: see book.h, too */
uint32_t messages_causes(unsigned int guest, const uint64_t *x);
void messages_enter(unsigned int guest, const uint64_t *x);
/* Table pages of a tree with these leaves, and with a doorbell or not; the leaves of the space, with what it has. */
unsigned int messages_pages(const struct leaves *leaves, bool doorbell);
unsigned int messages_pages_of(const struct book_space *space);
/* The device has vectors bound, and there is no room for its doorbell in the space. */
bool messages_lack_pages(unsigned int guest, const struct book_device *device,
                         const struct book_space *space);

/* book_failures.c: a unit that failed, or may */
/* The failure of a unit alone may have such a call time out: what it had to do with a unit did not come to pass. */
bool failures_may_time_out(unsigned int guest, const uint64_t *x, uint32_t causes);
/* What is mapped in the space is not known for sure, nor how many pages are left. */
bool failures_leave_unsure(unsigned int guest, const uint64_t *x);
/* The call timed out: its unit failed under it, or had failed before. */
void failures_enter(unsigned int guest, const uint64_t *x);

#endif

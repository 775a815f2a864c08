/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger's files share: spaces and what is mapped in them. The functions stand by file. */
#ifndef TESTS_OBSERVER_LEDGER_H
#define TESTS_OBSERVER_LEDGER_H

#include "internal.h"

#define NO_PARTITION UINT32_MAX

struct mapping {
    uint64_t iova, address, size;
    uint32_t access;
    bool may_only; /* an unmap of it failed: it may be there or not */
};

struct space {
    bool live;
    unsigned int partition;
    uint64_t id;
    unsigned int count, room;
    struct mapping *mapping;
};

/* ledger_devices.c: which device is bound and attached, and what a stream reached once */
void ledger_devices_reset(void);
void ledger_devices_begin(const struct pending_call *call);
void ledger_devices_end(const struct pending_call *call, int64_t result);
bool ledger_is_pinned(const struct space *space);
void ledger_remember_past(const struct space *space, const struct mapping *mapping);

/* ledger_spaces.c: I/O address spaces, and what they map */
void ledger_spaces_reset(void);
void ledger_spaces_end(const struct pending_call *call, int64_t result);
/* The partition has lost its windows, and what others had mapped of them is gone. */
void ledger_spaces_withdrawn(unsigned int partition);
struct space *ledger_find_space(unsigned int partition, uint64_t id);
void ledger_add_mapping(struct space *space, struct mapping mapping);
struct piece ledger_piece(const struct space *space, const struct mapping *mapping);
void ledger_cut(struct space *space, uint64_t from, uint64_t end, bool unsure);
void ledger_add_space_pieces(const struct space *space, bool may, struct pieces *pieces);

/* ledger_maps.c: calls that map and unmap */
void ledger_maps_reset(void);
void ledger_maps_begin(const struct pending_call *call);
void ledger_maps_end(const struct pending_call *call, const uint64_t *x);
void ledger_maps_withdrawn(unsigned int partition);
bool ledger_being_unmapped(const struct space *space, const struct mapping *mapping);
/* What calls under way are mapping there. */
void ledger_add_begun(const struct space *space, struct pieces *pieces);

/* ledger_windows.c: which memory a partition has, alone or shared */
bool ledger_is_own(unsigned int partition, uint64_t address, uint64_t size);
bool ledger_visible(unsigned int partition, uint64_t address, uint64_t size, uint32_t access);
uint64_t ledger_physical(unsigned int partition, uint64_t address);
/* The partition at the other side of the window that the mapping is of, or NO_PARTITION. */
unsigned int ledger_other_side(const struct space *space, const struct mapping *mapping);
void ledger_check_memory(void);
bool ledger_is_going(const struct space *space, const struct mapping *mapping);

#endif

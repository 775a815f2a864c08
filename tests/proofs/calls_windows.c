/* SPDX-License-Identifier: Apache-2.0 */
/* The contracts of windows. */
#include "kernel/window.h"
#include "tests/proofs/calls.h"

static bool met = true; /* nobody has asked, or a window's memory is mapped there */
static uint64_t met_iova, met_size;

/* Windows refuse here what they may refuse; what they map stands with them. */
int64_t window_map_begin(const struct partition *partition, struct ioas *ioas, uint64_t iova,
                         uint64_t address, uint64_t size, uint64_t flags, uint64_t *physical,
                         struct window_map **map)
{
    (void)ioas;
    (void)iova;
    (void)address;
    (void)flags;
    HOLDS(partition == caller && size != 0 && __CPROVER_w_ok(physical, sizeof(*physical)) &&
              __CPROVER_w_ok(map, sizeof(*map)),
          "a window is asked for the caller's own");
    return nondet_bool() ? BH_ERANGE : nondet_bool() ? BH_EPERM : BH_ENOSPC;
}

void window_map_end(struct window_map *map, uint64_t done, bool clean)
{
    (void)map;
    (void)done;
    (void)clean;
    HOLDS(false, "no map of a window was begun");
}

bool windows_may_unmap(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                       uint64_t size)
{
    (void)ioas;
    (void)iova;
    (void)size;
    HOLDS(partition == caller, "the caller's own windows");
    return nondet_bool();
}

void windows_unmapped(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                      uint64_t size, bool clean)
{
    (void)ioas;
    (void)iova;
    (void)clean;
    HOLDS(partition == caller && size != 0, "what was taken out of the caller's own");
}

void windows_forget(const struct partition *partition, const struct ioas *ioas)
{
    (void)partition;
    (void)ioas;
    HOLDS(false, "no call ends the caller here");
}

bool windows_meet(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                  uint64_t size)
{
    (void)ioas;
    HOLDS(partition == caller && size != 0, "the caller's own windows");
    met = nondet_bool();
    met_iova = iova;
    met_size = size;
    return met;
}

int64_t window_notify(const struct partition *partition, uint64_t index)
{
    HOLDS(partition == caller && index == given[1], "the caller's window of that index");
    return any_of(1 | CODE(BH_ENOENT) | CODE(BH_EAGAIN));
}

int64_t window_query(const struct partition *partition, uint64_t index,
                     struct bh_query_window *answer)
{
    (void)index;
    HOLDS(partition == caller && __CPROVER_w_ok(answer, sizeof(*answer)),
          "the caller's own windows");
    return nondet_bool() ? BH_OK : BH_ENOENT;
}

bool windows_were_asked(uint64_t iova, uint64_t size)
{
    return !met && met_iova == iova && met_size == size;
}

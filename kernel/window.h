/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows: memory that two partitions share because the set says so, with a doorbell for each side.
 *
 * A window is connected while both sides live: both CPUs have its frames, and, where the set says `dma`, their
 * devices may. When one side ends, the window is withdrawn from the other before anything else is made of it:
 * first what its devices have of it, each IOMMU having forgotten it, then what its CPU has. From then on the
 * survivor has memory of its own at the same addresses, zeroed, so that no access of it fails because of
 * another's end. The frames are zeroed before they connect two lives again. docs/architecture.md says why.
 *
 * Two locks a window. `change` is held while it is connected or withdrawn, by a CPU whose own partition does not
 * run: no running partition ever waits for it. `lock` is what calls take, and is held for a bounded number of
 * stores.
 */
#ifndef KERNEL_WINDOW_H
#define KERNEL_WINDOW_H

#include "kernel/limits.h"
#include "kernel/set.h"
#include "lib/lock.h"

struct partition;
struct ioas;
struct window;

/* What one call mapped of a window for devices: one piece, of BH_MAP_ENTRIES_PER_CALL leaves at most. Guarded
 * by the ioas' lock; taken and given back under the window's besides. */
struct window_map {
    struct window_side *side;
    struct ioas *ioas; /* NULL: free */
    uint64_t iova, size;
};

struct window_side {
    struct window *window;
    struct partition *partition;
    uint64_t address; /* guest-physical */
    uint64_t alone;   /* physical: memory that it has there while the window is not connected */
    uint32_t interrupt;
    bool writes;
    bool live; /* its stage 2 has it; guarded by change */
    struct window_map map[WINDOW_MAPS];
};

struct window {
    struct lock change; /* first in the lock order */
    struct lock lock;   /* behind that of an ioas */
    const struct set_window *set;
    uint64_t physical; /* the frames */
    bool connected;    /* guarded by both locks */
    bool pinned; /* a unit failed that may still lead to the frames: it connects nobody any more */
    uint64_t changes; /* how often it was connected or withdrawn */
    struct window_side side[2];
};

struct windows {
    uint32_t count;
    struct window window[WINDOW_LIMIT];
};

extern struct windows windows;

/* Gives each window of the set its memory and its place among the partitions', which are planned and have
 * their devices. Boot. False: *error says what to change. */
bool windows_plan(const struct set *set, struct set_error *error);

/*
 * The partition, whose stage 2 has been built and which does not run, gets its windows: what it shares with one
 * that lives is connected. On its own CPU, or while booting. False: too few table pages; each life has as many
 * and needs as many, so that this ends the boot and no later life. Work: the windows' memory is zeroed; under the lock of each, two stores for each of up to 512 leaves and one TLB invalidation.
 */
bool windows_join(struct partition *partition);

/*
 * The partition does not run any more, its devices are parked, its I/O address spaces are gone: what it shared
 * is withdrawn. Its own CPU. Work a window: for each of up to WINDOW_MAPS maps of the survivor what an unmap of
 * it costs, and as in windows_join().
 */
void windows_leave(struct partition *partition);

/* A CPU of the partition met no translation at a guest-physical address. True: a window lies there, and has one
 * now; false: it has none there. Waits for a change under way. */
bool windows_settle(const struct partition *partition, uint64_t address);

/*
 * Maps for devices: of an ioas of the partition whose lock is held, and which counts its maps of windows in
 * window_maps. Work: the partition's windows, and WINDOW_MAPS for each.
 */

/* Memory that is not the partition's own is about to be mapped: takes one of the window's maps for it. BH_OK, or
 * BH_ERANGE: it is not all one window's that devices may reach, or that is not connected; BH_EPERM: it may only
 * be read; BH_ENOSPC: no map is left. */
int64_t window_map_begin(const struct partition *partition, struct ioas *ioas, uint64_t iova,
                         uint64_t address, uint64_t size, uint64_t flags, uint64_t *physical,
                         struct window_map **map);

/* So much of it was mapped; 0: the map is free again. clean: no unit failed meanwhile. */
void window_map_end(struct window_map *map, uint64_t done, bool clean);

/* Whether some memory of a window is mapped in the range. */
bool windows_meet(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                  uint64_t size);

/* False: of what one call mapped of a window, this would leave two pieces. */
bool windows_may_unmap(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                       uint64_t size);

/* The range is not mapped any more; clean: and its units have forgotten it. */
void windows_unmapped(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                      uint64_t size, bool clean);

/* The space goes, with all that is mapped in it. */
void windows_forget(const struct partition *partition, const struct ioas *ioas);

/* The calls NOTIFY and QUERY (include/bulkhead/abi.h). Constant work. */
struct bh_query_window;
int64_t window_notify(const struct partition *partition, uint64_t index);
int64_t window_query(const struct partition *partition, uint64_t index,
                     struct bh_query_window *answer);

#endif

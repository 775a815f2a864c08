/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What closing the IOMMUs first of all leaves behind (invariant I2), whatever kind they are: how
 * each unit of the board's table was found.
 */
#ifndef DRIVERS_IOMMU_EARLY_H
#define DRIVERS_IOMMU_EARLY_H

#include "lib/types.h"

#define EARLY_UNITS 8

/* How the unit was found and left. */
enum early_state {
    EARLY_CLOSED,      /* aborts everything, acknowledged; it was disabled */
    EARLY_WAS_ENABLED, /* firmware had it enabled: it went from translation to abort, acknowledged */
    EARLY_UNRESPONSIVE, /* it did not acknowledge in time: never used, its devices refused */
};

struct early_report {
    uint32_t count;
    uint32_t state[EARLY_UNITS]; /* enum early_state, in the order of the table */
};

#endif

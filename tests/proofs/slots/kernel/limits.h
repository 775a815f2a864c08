/* SPDX-License-Identifier: Apache-2.0 */
/* Small tables: 3 slots are a first, a last and one in between. The code takes the number from
 * here alone. */
#ifndef PROOFS_SLOTS_LIMITS_H
#define PROOFS_SLOTS_LIMITS_H

#include_next "kernel/limits.h"

#undef PARTITION_LIMIT
#define PARTITION_LIMIT 1
#undef DEVICE_LIMIT
#define DEVICE_LIMIT 2
#undef PARTITION_DEVICES
#define PARTITION_DEVICES 3
#undef PARTITION_IOAS
#define PARTITION_IOAS 3

#endif

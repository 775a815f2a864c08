/* SPDX-License-Identifier: Apache-2.0 */
/* The INTx of devices that are bound: a device may raise its line only while that leads to its owner (I12). By a CPU
 * of the partition, the lock of the device's group held. Constant work. */
#ifndef KERNEL_LINE_H
#define KERNEL_LINE_H

#include "lib/types.h"

struct partition;
struct device;

/* Where the line cannot be led to the partition, which is said, the device goes on without. */
void line_open(struct partition *partition, struct device *device);

/* False: it may be that the line still comes; no device that raises it is given to anybody again. */
bool line_close(struct partition *partition, const struct device *device);

#endif

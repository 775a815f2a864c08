/* SPDX-License-Identifier: Apache-2.0 */
/* What make check says of a device, in words: for people and for programs the same. */
#ifndef TOOLS_CHECK_WORDS_H
#define TOOLS_CHECK_WORDS_H

#include "kernel/device.h"

/* Why the devices of a group are one: BH_GROUP_*. */
const char *words_reasons(uint32_t bits);

/* The partitions that may bind it, with commas between; "nobody". */
const char *words_owners(const struct device *device);

const char *words_reset(const struct device *device);

/* What of its interrupts its owner can have: messages, INTx; "none". */
const char *words_interrupts(const struct device *device);

#endif

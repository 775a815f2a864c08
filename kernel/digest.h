/* SPDX-License-Identifier: Apache-2.0 */
/* What runs here, as SHA-256: the hypervisor's image and the set. For an assessor who compares; nothing is decided on it. */
#ifndef KERNEL_DIGEST_H
#define KERNEL_DIGEST_H

#include "lib/types.h"

/* Computes the image's and prints it. Boot CPU, once. Work: the image's bytes. */
void digest_start(void);

/* The image's: 32 bytes. After digest_start(). */
const uint8_t *digest_of_image(void);

/* A line of the log: of what it is, and the 32 bytes. */
void digest_print(const char *what, const char *name, const uint8_t *digest);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), for the digests of a bundle. Own code, since no packaged library is built
 * without vector registers, which belong to the guests. */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include "lib/types.h"

#define SHA256_SIZE 32

void sha256(const void *data, uint64_t size, uint8_t digest[SHA256_SIZE]);

#endif

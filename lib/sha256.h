/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), for the digests of a bundle and of the image. Own code, since no packaged library is built
 * without vector registers, which belong to the guests. */
#ifndef LIB_SHA256_H
#define LIB_SHA256_H

#include "lib/types.h"

#define SHA256_SIZE 32
#define SHA256_BLOCK 64

struct sha256 {
    uint32_t hash[8];
    uint64_t size; /* bytes added */
    uint8_t block[SHA256_BLOCK];
};

/* Of what lies in several places: started, then all of it added in order, then ended. */
void sha256_start(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, uint64_t size);
void sha256_end(struct sha256 *sha, uint8_t digest[SHA256_SIZE]);

void sha256(const void *data, uint64_t size, uint8_t digest[SHA256_SIZE]);

#endif

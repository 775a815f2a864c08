/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sha256.h"

#include "lib/string.h"

#define ROUNDS 64

static const uint32_t round_constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, unsigned int by)
{
    return value >> by | value << (32 - by);
}

static uint32_t load_big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_big_endian(uint8_t *bytes, unsigned int size, uint64_t value)
{
    for (unsigned int i = size; i > 0; i--, value >>= 8)
        bytes[i - 1] = (uint8_t)value;
}

/* 6.2.2 */
static void add_block(uint32_t hash[8], const uint8_t *block)
{
    uint32_t w[ROUNDS], s[8];

    for (unsigned int t = 0; t < 16; t++)
        w[t] = load_big_endian(block + (size_t)4 * t);
    for (unsigned int t = 16; t < ROUNDS; t++) {
        uint32_t a = w[t - 15], b = w[t - 2];

        w[t] = (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10) + w[t - 7] +
               (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[t - 16];
    }
    memcpy(s, hash, sizeof(s));
    for (unsigned int t = 0; t < ROUNDS; t++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & s[5]) ^ (~e & s[6])) + round_constants[t] + w[t];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

        memmove(&s[1], &s[0], 7 * sizeof(s[0]));
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (unsigned int i = 0; i < 8; i++)
        hash[i] += s[i];
}

void sha256_start(struct sha256 *sha)
{
    *sha = (struct sha256){ .hash = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                      0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *sha, const void *data, uint64_t size)
{
    const uint8_t *bytes = data;

    while (size != 0) {
        uint64_t used = sha->size % SHA256_BLOCK;
        uint64_t part = min_u64(size, SHA256_BLOCK - used);

        if (part == SHA256_BLOCK) {
            add_block(sha->hash, bytes);
        } else {
            memcpy(sha->block + used, bytes, part);
            if (used + part == SHA256_BLOCK)
                add_block(sha->hash, sha->block);
        }
        sha->size += part;
        bytes += part;
        size -= part;
    }
}

void sha256_end(struct sha256 *sha, uint8_t digest[SHA256_SIZE])
{
    uint64_t used = sha->size % SHA256_BLOCK;
    uint8_t last[2 * SHA256_BLOCK] = { 0 };
    uint64_t last_size = used + 9 <= SHA256_BLOCK ? SHA256_BLOCK : 2 * SHA256_BLOCK;

    memcpy(last, sha->block, used);
    last[used] = 0x80;
    store_big_endian(last + last_size - 8, 8, sha->size << 3);
    for (uint64_t at = 0; at < last_size; at += SHA256_BLOCK)
        add_block(sha->hash, last + at);
    for (unsigned int i = 0; i < 8; i++)
        store_big_endian(digest + (size_t)4 * i, 4, sha->hash[i]);
}

void sha256(const void *data, uint64_t size, uint8_t digest[SHA256_SIZE])
{
    struct sha256 sha;

    sha256_start(&sha);
    sha256_add(&sha, data, size);
    sha256_end(&sha, digest);
}

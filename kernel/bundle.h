/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle: the compiled set and the payloads in one file, found through /chosen linux,initrd-start
 * (docs/configuration.md). Layout, all little-endian:
 *
 *   header  magic "BHBUNDLE", version, entry count, total size
 *   entry   name, offset and size of the contents, SHA-256 of the contents; entry 0 is the set
 *   contents, each aligned to 4096 bytes
 */
#ifndef KERNEL_BUNDLE_H
#define KERNEL_BUNDLE_H

#include "lib/sha256.h"
#include "lib/types.h"

#define BUNDLE_MAGIC "BHBUNDLE"
#define BUNDLE_VERSION 1
#define BUNDLE_NAME 64
#define BUNDLE_ENTRIES 32

struct bundle_header {
    char magic[8];
    uint32_t version;
    uint32_t count;
    uint64_t size;
    uint64_t reserved;
};

struct bundle_entry {
    char name[BUNDLE_NAME];
    uint64_t offset;
    uint64_t size;
    uint8_t digest[SHA256_SIZE];
};

struct bundle {
    uint64_t base; /* physical, mapped */
    uint32_t count;
    struct bundle_entry entry[BUNDLE_ENTRIES]; /* a copy: what was checked is what is used */
};

/* Reads and checks the header and the entries of a bundle in [base, +size), mapped. NULL, or what is
 * wrong. Boot only, as all of these. Work: BUNDLE_ENTRIES. */
const char *bundle_open(struct bundle *bundle, uint64_t base, uint64_t size);

/* The entry with that name, or NULL. */
const struct bundle_entry *bundle_find(const struct bundle *bundle, const char *name);

/* Copies the contents to `to` (room for entry->size) and compares the copy's digest. False: it
 * differs. Work: entry->size bytes, copied and digested. */
bool bundle_copy(const struct bundle *bundle, const struct bundle_entry *entry, void *to);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/bundle.h"

#include "arch/seam.h"
#include "lib/string.h"

const char *bundle_open(struct bundle *bundle, uint64_t base, uint64_t size)
{
    struct bundle_header header;

    if (size < sizeof(header))
        return "the bundle is truncated";
    memcpy(&header, memory_pointer(base), sizeof(header));
    if (memcmp(header.magic, BUNDLE_MAGIC, sizeof(header.magic)) != 0)
        return "the initrd is not a Bulkhead bundle";
    if (header.version != BUNDLE_VERSION)
        return "the bundle has a version that this hypervisor does not read";
    if (header.size > size)
        return "the bundle is truncated";
    if (header.count == 0 || header.count > BUNDLE_ENTRIES ||
        header.size < sizeof(header) + header.count * sizeof(struct bundle_entry))
        return "the bundle's header is corrupt";
    bundle->base = base;
    bundle->count = header.count;
    memcpy(bundle->entry, (const uint8_t *)memory_pointer(base) + sizeof(header),
           header.count * sizeof(struct bundle_entry));
    for (uint32_t i = 0; i < bundle->count; i++) {
        const struct bundle_entry *entry = &bundle->entry[i];

        if (entry->offset > header.size || entry->size > header.size - entry->offset ||
            strnlen(entry->name, BUNDLE_NAME) == BUNDLE_NAME)
            return "an entry of the bundle is corrupt";
    }
    return NULL;
}

const struct bundle_entry *bundle_find(const struct bundle *bundle, const char *name)
{
    for (uint32_t i = 1; i < bundle->count; i++) {
        if (strcmp(bundle->entry[i].name, name) == 0)
            return &bundle->entry[i];
    }
    return NULL;
}

bool bundle_copy(const struct bundle *bundle, const struct bundle_entry *entry, void *to)
{
    uint8_t digest[SHA256_SIZE];

    memcpy(to, memory_pointer(bundle->base + entry->offset), entry->size);
    sha256(to, entry->size, digest);
    return memcmp(digest, entry->digest, sizeof(digest)) == 0;
}

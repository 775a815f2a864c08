/* SPDX-License-Identifier: Apache-2.0 */
/* Is it allowed? What a stream reaches, held against the ledger. */
#include <stdlib.h>

#include "internal.h"

/* A stretch so long is no mapping but the absence of translation. */
#define IDENTITY_BYTES BIT(30)

static bool is_identity(const struct piece *piece)
{
    return piece->iova == piece->address && piece->size >= IDENTITY_BYTES;
}

/* The ledger allows the way, but not so much access. */
static bool too_much_access(const struct pieces *allowed, const struct piece *piece)
{
    for (unsigned int i = 0; i < allowed->count; i++) {
        const struct piece *given = &allowed->item[i];

        if (given->pasid == piece->pasid &&
            given->address - given->iova == piece->address - piece->iova &&
            piece->iova - given->iova < given->size)
            return true;
    }
    return false;
}

/* The piece is not allowed: which invariant says so, and why. */
static _Noreturn void refuse(const struct stream *stream, const struct pieces *allowed,
                             const struct piece *piece)
{
    unsigned int partition, owner;
    uint64_t until = ledger_past(stream->unit, stream->id, *piece);
    enum page_owner page = pages_owner(piece->address, &partition);
    bool owned = ledger_owner(stream->unit, stream->id, &owner);

    if (is_identity(piece))
        report_violation(I1, stream, piece, "no translation stands between it and memory");
    if (page == PAGE_POOL || page == PAGE_HYPERVISOR || reach_is_walked(piece->address))
        report_violation(I14, stream, piece, "it reaches what the hypervisor keeps to itself");
    if (until != 0)
        report_violation(
            I4, stream, piece,
            "it still reaches what a call took from it: the caller has known since event "
            "%llu that it is gone, and may use the page for something else",
            (unsigned long long)until);
    if (range_overlaps(piece->iova, piece->size, BH_DOORBELLS, BH_DOORBELLS_BYTES))
        report_violation(
            I3, stream, piece,
            "it reaches a doorbell, and no vector of a device in its ioas is bound; or "
            "another page than that, or may read it");
    if (!owned || ledger_parked(stream->unit, stream->id))
        report_violation(I3, stream, piece, "it is parked, and reaches memory");
    if (page != PAGE_VISIBLE || partition != owner)
        report_violation(I3, stream, piece, "it reaches what is not its owner's memory");
    if (too_much_access(allowed, piece))
        report_violation(I3, stream, piece, "its owner mapped this, but for less access");
    report_violation(I3, stream, piece, "its owner did not map this");
}

/* I14 by what hardware walks, whatever the ledger says. */
static void judge_structures(const struct stream *stream)
{
    for (unsigned int i = 0; i < stream->all.count; i++) {
        const struct piece *piece = &stream->all.item[i];

        if (piece->size >= IDENTITY_BYTES)
            continue;
        for (uint64_t at = 0; at < piece->size; at += PAGE_SIZE) {
            const struct piece page = { .iova = piece->iova + at,
                                        .address = piece->address + at,
                                        .size = PAGE_SIZE,
                                        .access = piece->access,
                                        .pasid = piece->pasid };

            if (reach_is_walked(page.address) || pages_free(page.address))
                report_violation(I14, stream, &page, "it reaches a page of tables");
        }
        for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
            if (entries_overlap(unit, piece->address, piece->size))
                report_violation(I14, stream, piece, "it reaches a stream table");
        }
        if (pages_kept(piece->address, piece->size) != NULL)
            report_violation(I14, stream, piece, "it reaches %s",
                             pages_kept(piece->address, piece->size));
    }
}

void judge_stream(const struct stream *stream)
{
    static struct pieces allowed;
    struct piece excess;

    ledger_allowed(stream->unit, stream->id, true, &allowed);
    if (pieces_lacks(&allowed, &stream->all, &excess))
        refuse(stream, &allowed, &excess);
    judge_structures(stream);
}

/* The unit says that it has failed (GERROR.SFM_ERR): it passes nothing, and nobody may know it yet. */
static bool has_failed(unsigned int unit)
{
    const uint32_t gerror = 0x60, gerrorn = 0x64;

    return ((smmuv3_model_read32(machine.unit[unit], gerror) ^
             smmuv3_model_read32(machine.unit[unit], gerrorn)) &
            BIT(SMMUV3_MODEL_SFM_ERR)) != 0;
}

/* What a call answered is there: nothing is under way, and memory leads where the ledger says. */
void judge_promise(const struct stream *stream)
{
    static struct pieces promised;
    struct piece lacking;

    ledger_allowed(stream->unit, stream->id, false, &promised);
    if (!observer.unit[stream->unit].enabled || !observer.unit[stream->unit].settled)
        return;
    if (pieces_lacks(&stream->memory, &promised, &lacking) && !has_failed(stream->unit))
        report_violation(I3, stream, &lacking,
                         "a call answered that this is mapped, and the unit finds nothing there");
}

void judge_transfer(unsigned int unit, uint32_t stream_id, uint64_t iova, uint64_t size, bool write)
{
    static struct pieces allowed;
    const struct smmuv3_model_access access = { .stream_id = stream_id,
                                                .iova = iova,
                                                .write = write };
    struct smmuv3_model_result result = smmuv3_model_translate(machine.unit[unit], &access);
    struct stream *stream = reach_stream(unit, stream_id);
    struct pieces wanted = { 0 };
    struct piece excess;

    if (result.outcome != SMMUV3_MODEL_OK)
        return;
    pieces_add(&wanted, (struct piece){ .iova = iova,
                                        .address = result.address,
                                        .size = min_u64(size, result.contiguous),
                                        .access = write ? BH_MAP_WRITE : BH_MAP_READ,
                                        .pasid = BH_PASID_NONE });
    ledger_allowed(unit, stream_id, true, &allowed);
    if (pieces_lacks(&allowed, &wanted, &excess))
        refuse(stream, &allowed, &excess);
    if (pieces_lacks(&stream->all, &wanted, &excess))
        report_violation(ITSELF, stream, &excess,
                         "a transfer went through where the kept reach says that nothing is");
    free(wanted.item);
}

/* A unit that is off: after it was closed once, nothing passes it. */
void judge_disabled(unsigned int unit, const struct pieces *pieces)
{
    struct unit *u = &observer.unit[unit];

    if (pieces->count == 0) {
        u->closed = true;
        return;
    }
    if (u->closed)
        report_violation(
            I1, NULL, &pieces->item[0],
            "unit %u is off and lets everything pass untranslated; it was closed before", unit);
}

void judge_page_free(const struct stream *stream, uint64_t page)
{
    const struct piece piece = { .address = page, .size = PAGE_SIZE };

    report_violation(
        I4, stream, &piece,
        "a walk for it, through tables or through what the unit caches of them, leads to "
        "the table page 0x%llx, which is free",
        (unsigned long long)page);
}

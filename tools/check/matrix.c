/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix.h"

#include <stdio.h>
#include <string.h>

#include "bulkhead/abi.h"
#include "columns.h"
#include "guest.h"
#include "kernel/window.h"
#include "machine.h"
#include "records.h"

#define ROW_LIMIT (PARTITION_LIMIT * PARTITION_DEVICES)
#define FINDING_LIMIT 16

enum cell { CELL_NONE, CELL_OWN, CELL_WINDOW, CELL_WRONG };

struct row {
    const struct partition *partition;
    const struct device *device;
    struct guest_result guest;
    enum cell cell[COLUMN_LIMIT];
    uint64_t reached; /* bytes of its own memory where it asked for them */
};

/* What must not be. */
struct finding {
    const struct row *row;
    enum { REACHES, STAYS, STRANGER, LACKS, ACCEPTED, NOT_WALKED } kind;
    uint32_t unit, stream, column;
    struct smmuv3_model_reach piece;
    char walk[2048]; /* as the tables stood then */
};

static struct {
    uint32_t row_count, finding_count;
    struct row row[ROW_LIMIT];
    enum cell others[COLUMN_LIMIT]; /* streams but the one that is attached, over all rows */
    uint64_t streams;               /* of all units */
    struct finding finding[FINDING_LIMIT];
} matrix;

/* The walk under way. */
struct walk {
    struct row *row;
    uint32_t unit, stream;
    bool released; /* the partition has given everything back */
};

/* ---- Findings -------------------------------------------------------------------------------- */

static struct finding *add_finding(const struct walk *walk, unsigned int kind)
{
    static struct finding beyond; /* what is not kept, only counted */
    uint32_t index = matrix.finding_count++;
    struct finding *finding = index < FINDING_LIMIT ? &matrix.finding[index] : &beyond;

    *finding = (struct finding){ .row = walk->row, .unit = walk->unit, .stream = walk->stream };
    finding->kind = kind;
    return finding;
}

/* The same reach once more: at a later row, or through what is cached. */
static bool is_known(const struct walk *walk, const struct smmuv3_model_reach *piece)
{
    for (uint32_t i = 0; i < min_u64(matrix.finding_count, FINDING_LIMIT); i++) {
        const struct finding *old = &matrix.finding[i];

        if (old->unit == walk->unit && old->stream == walk->stream &&
            old->piece.ssv == piece->ssv && old->piece.substream_id == piece->substream_id &&
            old->piece.iova == piece->iova && old->piece.address == piece->address &&
            (old->kind != REACHES || old->row == walk->row))
            return true;
    }
    return false;
}

static void keep_walk(struct finding *finding)
{
    FILE *out = fmemopen(finding->walk, sizeof(finding->walk), "w");

    if (out == NULL)
        return;
    machine_print_walk(out, finding->unit, &finding->piece);
    (void)fclose(out);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static bool is_row_stream(const struct walk *walk)
{
    const struct device *device = walk->row->device;

    return device != NULL && device->iommu == &devices.iommu[walk->unit] &&
           device_has_stream(device, walk->stream);
}

/* What the set says of a window: devices of this side may reach it there, and do no more than read if that is
 * all that it may. */
static bool is_shared(const struct window *window, const struct partition *partition,
                      const struct smmuv3_model_reach *part)
{
    for (uint32_t i = 0; window != NULL && window->set->dma && i < 2; i++) {
        const struct window_side *side = &window->side[i];

        if (side->partition == partition && (side->writes || !part->writable) &&
            part->iova - side->address == part->address - window->physical)
            return true;
    }
    return false;
}

/* A stretch of one column: own if the partition asked for just that, else a finding. */
static void judge(const struct walk *walk, uint32_t column, const struct smmuv3_model_reach *part)
{
    struct row *row = walk->row;
    const struct partition *partition = row->partition;
    bool attached = is_row_stream(walk) && !part->ssv; /* nothing is attached with a PASID */
    bool mine = attached && !walk->released;
    enum cell *cell = mine ? &row->cell[column] : &matrix.others[column];
    struct finding *finding;

    if (mine && columns.column[column].owner == partition) {
        *cell = CELL_OWN;
        if (part->iova - partition->set->memory_base == part->address - partition->physical)
            row->reached += part->size;
        return;
    }
    if (mine && is_shared(columns.column[column].window, partition, part)) {
        *cell = CELL_WINDOW;
        return;
    }
    *cell = CELL_WRONG;
    if (is_known(walk, part))
        return;
    finding = add_finding(walk, mine ? REACHES : attached ? STAYS : STRANGER);
    finding->column = column;
    finding->piece = *part;
    keep_walk(finding);
}

static void take_piece(void *context, const struct smmuv3_model_reach *piece)
{
    struct smmuv3_model_reach part = *piece;
    uint64_t left = piece->size;

    while (left != 0) {
        uint64_t end = part.address + left;
        uint32_t column = columns_find(part.address, &end);

        part.size = end - part.address;
        judge(context, column, &part);
        part.address += part.size;
        part.iova += part.size;
        left -= part.size;
    }
}

/* Every stream that a unit knows, of every unit. */
static void walk_all(struct row *row, bool released)
{
    struct walk walk = { .row = row, .released = released };

    for (walk.unit = 0; walk.unit < devices.iommu_count; walk.unit++) {
        uint64_t streams = BIT(devices.iommu[walk.unit].capabilities.stream_bits);

        for (uint64_t stream = 0; stream < streams; stream++) {
            walk.stream = (uint32_t)stream;
            if (!smmuv3_model_reach(machine.unit[walk.unit], walk.stream, take_piece, &walk))
                add_finding(&walk, NOT_WALKED);
        }
    }
}

/* The unit caches what hardware might have fetched meanwhile: that too must be gone afterwards. */
static void fill_caches(const struct row *row)
{
    const struct device *device = row->device;
    uint64_t base = row->partition->set->memory_base;

    if (device->iommu == NULL || row->guest.mapped == 0)
        return;
    struct smmuv3_model *unit = machine.unit[device->iommu - devices.iommu];

    for (uint32_t i = 0; i < device->stream_count; i++) {
        smmuv3_model_prefetch(unit, device->streams[i], base);
        smmuv3_model_prefetch(unit, device->streams[i], base + row->guest.mapped - PAGE_SIZE);
    }
}

static void walk_row(struct partition *partition, struct device *device)
{
    struct row *row = &matrix.row[matrix.row_count++];
    const struct walk whole = { .row = row,
                                .unit = device->iommu != NULL
                                            ? (uint32_t)(device->iommu - devices.iommu)
                                            : 0,
                                .stream = device->stream };

    row->partition = partition;
    row->device = device;
    guest_take(partition, device, &row->guest);
    walk_all(row, false);
    fill_caches(row);
    if (row->guest.accepted_size != 0)
        add_finding(&whole, ACCEPTED);
    if (row->reached != row->guest.mapped)
        add_finding(&whole, LACKS);
    guest_leave(partition);
    walk_all(row, true);
}

void matrix_walk(void)
{
    static struct row nobody; /* before anything is bound */

    columns_build();
    for (uint32_t i = 0; i < devices.iommu_count; i++)
        matrix.streams += BIT(devices.iommu[i].capabilities.stream_bits);
    walk_all(&nobody, true);
    for (uint32_t d = 0; d < devices.count; d++) {
        for (uint32_t p = 0; p < partitions.count; p++) {
            if (partition_device(&partitions.partition[p], devices.device[d].id) != NULL)
                walk_row(&partitions.partition[p], &devices.device[d]);
        }
    }
}

/* ---- What is said ---------------------------------------------------------------------------- */

static const char *const cell_names[] = {
    [CELL_NONE] = "none",
    [CELL_OWN] = "own",
    [CELL_WINDOW] = "window",
    [CELL_WRONG] = "REACHED",
};

static void print_cells(const char *first, const char *second, const enum cell *cells)
{
    printf("  %-26s %-12s", first, second);
    for (uint32_t c = 0; c < columns.count; c++)
        printf(c + 1 < columns.count ? "  %-7s" : "  %s",
               cells != NULL ? cell_names[cells[c]] : "");
    printf("\n");
}

static void print_head(void)
{
    printf("  %-26s %-12s", "device", "bound by");
    for (uint32_t c = 0; c < columns.count; c++)
        printf(c + 1 < columns.count ? "  %-7c" : "  %c", (int)('A' + c));
    printf("\n");
}

static const char *bind_error(int64_t code)
{
    switch (code) {
    case BH_EOPNOTSUPP:
        return "there is no way to reset it alone";
    case BH_ENOSPC:
        return "its table pool is too small";
    case BH_ETIMEDOUT:
        return "it does not come back from its reset";
    default:
        return "the hypervisor refuses";
    }
}

/* What keeps a partition from using a device to the full. */
static void print_notes(void)
{
    for (uint32_t i = 0; i < matrix.row_count; i++) {
        const struct row *row = &matrix.row[i];

        if (row->guest.bound != BH_OK)
            printf("  %s: %s cannot bind it: %s\n", row->device->name, row->partition->name,
                   bind_error(row->guest.bound));
        else if (row->device->iommu != NULL && row->guest.mapped < row->partition->visible_size)
            printf("  %s: the pool of %s has pages to map %llu of its %llu KiB\n",
                   row->device->name, row->partition->name,
                   (unsigned long long)row->guest.mapped >> 10,
                   (unsigned long long)row->partition->visible_size >> 10);
    }
}

void matrix_print(void)
{
    uint64_t refused = 0;

    printf("\nisolation matrix: what of the machine each device reaches\n");
    columns_print();
    printf("\n");
    print_head();
    for (uint32_t i = 0; i < matrix.row_count; i++) {
        print_cells(matrix.row[i].device->name, matrix.row[i].partition->name, matrix.row[i].cell);
        refused += matrix.row[i].guest.refused;
    }
    print_cells("every other stream", "-", matrix.others);
    print_notes();
    printf(
        "\n  own: memory of the partition that bound the device; none: no address leads there\n");
    if (windows.count != 0)
        printf("  window: the set shares it with another partition, and lets devices reach it\n");
    printf(
        "  Each partition bound each of its devices, mapped all it could, and was refused %llu maps\n"
        "  of what is not its own; a model of the IOMMU, with the features of QEMU's, walked all\n"
        "  %llu streams each time: %s\n",
        (unsigned long long)refused, (unsigned long long)matrix.streams,
        matrix.finding_count == 0
            ? (windows.count == 0
                   ? "a device reaches memory of the partition that bound it, nothing else."
                   : "a device reaches memory of the partition that bound it, and windows\n"
                     "  that the set lets it reach, nothing else.")
            : "what is marked or named below must not be.");
}

static void record_cells(const char *device, const char *partition, const enum cell *cells)
{
    record_begin("row");
    record_text("device", device);
    record_text("partition", partition);
    record_list("cells");
    for (uint32_t c = 0; c < columns.count; c++)
        record_text(NULL, cell_names[cells[c]]);
    record_list_end();
    record_end();
}

static void record_column(const struct column *column)
{
    record_begin("column");
    record_text("what", column->what);
    if (column->owner != NULL)
        record_text("owner", column->owner->name);
    if (column->window != NULL)
        record_text("window", column->window->set->name);
    record_number("ranges", column->range_count);
    record_list("shown");
    for (uint32_t r = 0; r < column->shown; r++) {
        record_number(NULL, column->range[r].base);
        record_number(NULL, column->range[r].size);
    }
    record_list_end();
    record_end();
}

void matrix_record(void)
{
    for (uint32_t c = 0; c < columns.count; c++)
        record_column(&columns.column[c]);
    for (uint32_t i = 0; i < matrix.row_count; i++)
        record_cells(matrix.row[i].device->name, matrix.row[i].partition->name, matrix.row[i].cell);
    record_cells("every other stream", "-", matrix.others);
    record_begin("verdict");
    record_number("findings", matrix.finding_count);
    record_number("streams", matrix.streams);
    record_end();
}

static void print_finding(const char *file, const struct finding *finding)
{
    static const char *const texts[] = {
        [REACHES] = "reaches",
        [STAYS] = "still reaches, after it was given back,",
        [STRANGER] = "is not the only one: another stream reaches",
        [LACKS] = "does not reach all that was mapped for it",
        [ACCEPTED] = "was given a map of what is not the partition's",
        [NOT_WALKED] = "cannot be judged: the model lacks a part of",
    };
    const struct row *row = finding->row;
    const struct smmuv3_model_reach *piece = &finding->piece;

    fprintf(stderr, "%s:%s: devices: %s %s", file,
            row->partition != NULL ? row->partition->set->node : "/partitions",
            row->device != NULL ? row->device->name : "none", texts[finding->kind]);
    if (finding->kind == ACCEPTED)
        fprintf(stderr, ": [0x%llx, +0x%llx)", (unsigned long long)row->guest.accepted,
                (unsigned long long)row->guest.accepted_size);
    else if (finding->kind == LACKS)
        fprintf(stderr, ": 0x%llx of 0x%llx bytes", (unsigned long long)row->reached,
                (unsigned long long)row->guest.mapped);
    else if (finding->kind == NOT_WALKED)
        fprintf(stderr, " stream 0x%x of IOMMU %u", finding->stream, finding->unit);
    else
        fprintf(stderr, " [0x%llx, +0x%llx), column %c, %s%s\n%s",
                (unsigned long long)piece->address, (unsigned long long)piece->size,
                (int)('A' + finding->column), columns.column[finding->column].what,
                piece->source == SMMUV3_MODEL_REACH_CACHE ? ", by what the unit has cached" : "",
                finding->walk);
    if (finding->walk[0] == '\0')
        fprintf(stderr, "\n");
}

uint32_t matrix_print_findings(const char *file)
{
    uint32_t kept = (uint32_t)min_u64(matrix.finding_count, FINDING_LIMIT);

    for (uint32_t i = 0; i < kept; i++)
        print_finding(file, &matrix.finding[i]);
    if (kept < matrix.finding_count)
        fprintf(stderr, "%s: and %u more\n", file, matrix.finding_count - kept);
    return matrix.finding_count;
}

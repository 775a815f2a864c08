/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix.h"

#include <stdio.h>
#include <string.h>

#include "bulkhead/abi.h"
#include "columns.h"
#include "guest.h"
#include "kernel/ioas_parts.h"
#include "kernel/message.h"
#include "kernel/window.h"
#include "machine.h"
#include "machine_messages.h"
#include "records.h"
#include "words.h"

#define ROW_LIMIT (PARTITION_LIMIT * PARTITION_DEVICES)
#define FINDING_LIMIT 16

#define OTHERS "every other stream"
#define BOUND_BY "bound by"

enum cell { CELL_NONE, CELL_OWN, CELL_WINDOW, CELL_DOORBELL, CELL_WRONG };

struct row {
    const struct partition *partition;
    const struct device *device;
    struct guest_result guest;
    enum cell cell[COLUMN_LIMIT];
    uint64_t reached;    /* bytes of its own memory where it asked for them */
    uint32_t interrupts; /* messages of the device that come to the partition */
};

/* What must not be. */
struct finding {
    const struct row *row;
    enum { REACHES, STAYS, STRANGER, LACKS, ACCEPTED, NOT_WALKED, RAISES, SILENT } kind;
    uint32_t unit, stream, column;
    struct smmuv3_model_reach piece;
    struct machine_message message;
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

/* The page where the device raises its own messages: where msi_bind says, and not to be read as far as the unit's
 * format can say that. */
static bool is_doorbell(const struct message_unit *unit, const struct device *device,
                        const struct smmuv3_model_reach *part)
{
    return unit != NULL && device->message_unit == unit && device->vectors_bound != 0 &&
           part->iova == ioas_doorbell_page(device) && part->size == PAGE_SIZE && part->writable &&
           !(part->readable && device->iommu->capabilities.stage == 2);
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
    if (mine && is_doorbell(columns.column[column].doorbell, row->device, part)) {
        *cell = CELL_DOORBELL;
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

/* A message that a unit lets through: one of the row's device, to the CPU of its partition, or a finding. */
static void take_message(void *context, const struct machine_message *message)
{
    const struct walk *walk = context;
    struct row *row = walk->row;
    const struct device *device = row->device;

    if (!walk->released && device != NULL &&
        device->message_unit == &messages.unit[message->unit] &&
        device->message_device == message->device && message->event < device->vectors &&
        message->number == device->message_first + message->event &&
        message->cpu == row->partition->cpu)
        row->interrupts++;
    else
        add_finding(walk, RAISES)->message = *message;
}

/* Every stream that a unit knows, of every unit; and every message. */
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
    machine_messages(take_message, &walk);
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
    if (row->interrupts != row->guest.messages)
        add_finding(&whole, SILENT);
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
    [CELL_NONE] = "none",         [CELL_OWN] = "own",       [CELL_WINDOW] = "window",
    [CELL_DOORBELL] = "doorbell", [CELL_WRONG] = "REACHED",
};

static int name_width, owner_width;

static void widen(int *width, const char *text)
{
    *width = (int)max_u64((uint64_t)*width, strlen(text));
}

/* Of what stands in a column. */
static int cell_width(uint32_t column)
{
    int width = 0;

    widen(&width, cell_names[CELL_NONE]);
    widen(&width, cell_names[matrix.others[column]]);
    for (uint32_t i = 0; i < matrix.row_count; i++)
        widen(&width, cell_names[matrix.row[i].cell[column]]);
    return width;
}

static void print_cells(const char *first, const char *second, const enum cell *cells,
                        const char *interrupts)
{
    printf("  %-*s  %-*s", name_width, first, owner_width, second);
    for (uint32_t c = 0; c < columns.count; c++)
        printf("  %-*s", cell_width(c), cell_names[cells[c]]);
    printf("  %s\n", interrupts);
}

static void print_head(void)
{
    name_width = (int)strlen(OTHERS);
    owner_width = (int)strlen(BOUND_BY);
    for (uint32_t i = 0; i < matrix.row_count; i++) {
        widen(&name_width, matrix.row[i].device->name);
        widen(&owner_width, matrix.row[i].partition->name);
    }
    printf("  %-*s  %-*s", name_width, "device", owner_width, BOUND_BY);
    for (uint32_t c = 0; c < columns.count; c++)
        printf("  %-*c", cell_width(c), columns_letter(c));
    printf("  interrupts\n");
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

static bool print_doorbells(void)
{
    bool any = false, readable = false;

    for (uint32_t i = 0; i < matrix.row_count; i++) {
        const struct row *row = &matrix.row[i];

        any = any || row->guest.messages != 0;
        readable = readable ||
                   (row->guest.messages != 0 && row->device->iommu->capabilities.stage != 2);
    }
    if (!any)
        return false;
    printf(
        "  doorbell: one page, where the device writes its messages while its owner has one bound; it\n"
        "  is %s, and the ITS takes the vectors of that device alone\n",
        readable ? "not read, except through an IOMMU without stage 2" : "written, never read");
    return true;
}

void matrix_print(void)
{
    uint64_t refused = 0;
    bool doorbells;

    printf("\nisolation matrix: what of the machine each device reaches\n");
    columns_print();
    printf("\n");
    print_head();
    for (uint32_t i = 0; i < matrix.row_count; i++) {
        print_cells(matrix.row[i].device->name, matrix.row[i].partition->name, matrix.row[i].cell,
                    words_interrupts(matrix.row[i].device));
        refused += matrix.row[i].guest.refused;
    }
    print_cells(OTHERS, "-", matrix.others, "none");
    print_notes();
    printf(
        "\n  own: memory of the partition that bound the device; none: no address leads there\n");
    doorbells = print_doorbells();
    if (windows.count != 0)
        printf("  window: the set shares it with another partition, and lets devices reach it\n");
    printf(
        "  Each partition bound each of its devices, mapped all it could, and was refused %llu maps\n"
        "  of what is not its own; a model of the IOMMU, with the features of QEMU's, walked all\n"
        "  %llu streams each time: ",
        (unsigned long long)refused, (unsigned long long)matrix.streams);
    if (matrix.finding_count != 0)
        printf("what is marked or named below must not be.\n");
    else
        printf("a device reaches memory of the partition that bound it%s%s, nothing else.\n",
               doorbells ? ", its\n  doorbell" : "",
               windows.count != 0 ? ", and windows\n  that the set lets it reach" : "");
}

static void record_cells(const char *device, const char *partition, const enum cell *cells,
                         const char *interrupts)
{
    record_begin("row");
    record_text("device", device);
    record_text("partition", partition);
    record_list("cells");
    for (uint32_t c = 0; c < columns.count; c++)
        record_text(NULL, cell_names[cells[c]]);
    record_list_end();
    record_text("interrupts", interrupts);
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
    if (column->doorbell != NULL)
        record_text("doorbell", column->doorbell->topology->name);
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
        record_cells(matrix.row[i].device->name, matrix.row[i].partition->name, matrix.row[i].cell,
                     words_interrupts(matrix.row[i].device));
    record_cells(OTHERS, "-", matrix.others, "none");
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
        [RAISES] = "is not the only one, or not alone in its interrupts: a unit lets through",
        [SILENT] = "does not raise all the messages that were bound",
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
    else if (finding->kind == RAISES)
        fprintf(stderr, " event %u of DeviceID 0x%x, to CPU %u", finding->message.event,
                finding->message.device, finding->message.cpu);
    else if (finding->kind == SILENT)
        fprintf(stderr, ": %u of %u", row->interrupts, row->guest.messages);
    else if (finding->kind == NOT_WALKED)
        fprintf(stderr, " stream 0x%x of IOMMU %u", finding->stream, finding->unit);
    else
        fprintf(stderr, " [0x%llx, +0x%llx), column %c, %s%s\n%s",
                (unsigned long long)piece->address, (unsigned long long)piece->size,
                columns_letter(finding->column), columns.column[finding->column].what,
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

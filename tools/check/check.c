/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make check: reads a partition set against a board's description, with the code that does it at boot,
 * and says who gets what and why, and what each device would reach. Nothing is started.
 *
 *   check --set set.dtb --name set.dts --machine machine.dtb --pci pci.dtb --board board.dtb
 *         --directory DIR --payloads DIR --image-base HEX --image-end HEX
 *   check --board-tree file.dtb
 *
 * The second form looks at a board's tree alone: which of its devices could be isolated (survey.h). Either writes
 * what it says as JSON lines, too, with --records FILE.
 *
 * Exit status 0: the set would start. 1: a mistake, in one line "file:node: message". 2: wrong usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fate.h"
#include "kernel/guest_tree.h"
#include "kernel/partition.h"
#include "kernel/payload.h"
#include "kernel/plan.h"
#include "kernel/window.h"
#include "machine.h"
#include "matrix.h"
#include "records.h"
#include "set_records.h"
#include "survey.h"
#include "words.h"

#define EXIT_MISTAKE 1
#define EXIT_USAGE 2
#define PATH_SIZE 4096

struct file {
    const char *path;
    uint8_t *data;
    size_t size;
};

static const char *set_name = "set";

static _Noreturn void mistake(const char *file, const char *node, const char *property,
                              const char *text)
{
    fprintf(stderr, "%s:%s: %s%s%s\n", file, node, property, *property != '\0' ? ": " : "", text);
    exit(EXIT_MISTAKE);
}

static bool read_file(struct file *file)
{
    FILE *stream = fopen(file->path, "rb");
    long size;

    if (stream == NULL)
        return false;
    if (fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0 ||
        fseek(stream, 0, SEEK_SET) != 0)
        size = 0;
    file->size = (size_t)size;
    file->data = malloc(file->size + 1);
    bool whole = file->data != NULL && fread(file->data, 1, file->size, stream) == file->size;

    return fclose(stream) == 0 && whole;
}

static void need_file(struct file *file)
{
    if (!read_file(file))
        mistake(file->path, "", "", "cannot be read");
}

/* ---- The machine ----------------------------------------------------------------------------- */

static void start_machine(const struct file *tree, const struct file *board, const struct file *pci)
{
    const struct machine_files files = { .tree = tree->data,
                                         .tree_size = tree->size,
                                         .board = board->data,
                                         .board_size = board->size,
                                         .pci = pci->data };
    struct machine_mistake found;

    if (machine_start(&files, &found))
        return;
    mistake(found.file == MISTAKE_TREE    ? tree->path
            : found.file == MISTAKE_BOARD ? board->path
                                          : pci->path,
            found.node, found.property, found.text);
}

/* ---- The set --------------------------------------------------------------------------------- */

static void check_payload(const struct partition *partition, const char *directory,
                          const char *builtin)
{
    char path[PATH_SIZE];
    struct file file = { .path = path };
    const struct set_partition *set = partition->set;
    uint64_t entry;

    snprintf(path, sizeof(path), "%s/%s", directory, set->payload);
    if (!read_file(&file)) {
        snprintf(path, sizeof(path), "%s/%s", builtin, set->payload);
        if (!read_file(&file))
            mistake(set_name, set->node, "payload",
                    "there is no such file beside the set: write a path relative to it");
    }
    uint8_t *memory = mmap(NULL, set->memory_size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        mistake(set_name, set->node, "memory", "more than this host can represent");
    uint64_t room = partition->visible_size - GUEST_TREE_SIZE;

    if (file.size > room)
        mistake(set_name, set->node, "payload", "is larger than the partition's memory");
    uint8_t *copy = memory + align_down(room - file.size, PAGE_SIZE);

    memcpy(copy, file.data, file.size);
    const char *text = payload_place(copy, file.size, memory, room, set->memory_base, set->aarch32,
                                     &entry);

    if (text != NULL)
        mistake(set_name, set->node, "payload", text);
    munmap(memory, set->memory_size);
    free(file.data);
}

static void plan(const struct file *set_file, struct set *set)
{
    struct set_error error = { 0 };

    if (!set_read(set_file->data, set_file->size, set, &error) ||
        !plan_partitions(set, machine.topology.cpu_count, &error) || !plan_memory(&error) ||
        !windows_plan(set, &error))
        mistake(set_name, error.node, error.property, error.text);
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (!partition_build_stage2(&partitions.partition[i]))
            mistake(set_name, set->partition[i].node, "pool-pages",
                    "too few to map its memory: raise it");
    }
}

/* ---- What is said ---------------------------------------------------------------------------- */

static void print_devices(void)
{
    printf("\n%-6s %-26s %-20s %-10s %-15s %s\n", "group", "device", "may be bound by", "IOMMU",
           "reset", "why in this group, or why not assignable");
    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *device = &devices.device[i];
        bool listed = strcmp(words_owners(device), "nobody") != 0;
        char unit[16] = "-";

        /* Register blocks that nobody asks for are the board's furniture. */
        if (device->block != NULL && !listed)
            continue;
        if (device->iommu != NULL)
            snprintf(unit, sizeof(unit), "%d", (int)(device->iommu - devices.iommu));
        else if (device->block != NULL)
            snprintf(unit, sizeof(unit), "no DMA");
        printf("%-6u %-26s %-20s %-10s %-15s %s\n", device->group->number, device->name,
               words_owners(device), unit, words_reset(device),
               device->refusal != NULL ? device->refusal : words_reasons(device->group->reasons));
    }
}

static void print_partitions(void)
{
    printf("\n%-12s %-4s %-24s %-24s %-6s %s\n", "partition", "CPU", "memory, guest-physical",
           "memory, physical", "pool", "payload");
    for (uint32_t i = 0; i < partitions.count; i++) {
        const struct partition *partition = &partitions.partition[i];
        char guest[32], physical[32];

        snprintf(guest, sizeof(guest), "0x%llx +%llu KiB",
                 (unsigned long long)partition->set->memory_base,
                 (unsigned long long)partition->visible_size >> 10);
        snprintf(physical, sizeof(physical),
                 partition->set->fixed_physical ? "0x%llx" : "0x%llx if free",
                 (unsigned long long)partition->physical);
        printf("%-12s %-4u %-24s %-24s %-6u %s%s\n", partition->name, partition->cpu, guest,
               physical, partition->set->pool_pages, partition->set->payload,
               partition->set->aarch32 ? ", AArch32" : "");
    }
}

static const char *who_writes(const struct set_window *window)
{
    static char text[2 * PARTITION_NAME + 8];
    const char *first = partitions.partition[window->side[0]].name;
    const char *second = partitions.partition[window->side[1]].name;

    if (window->writes[0] && window->writes[1])
        snprintf(text, sizeof(text), "both");
    else
        snprintf(text, sizeof(text), "%s", window->writes[0] ? first : second);
    return text;
}

static void print_windows(void)
{
    if (windows.count == 0)
        return;
    printf("\n%-12s %-40s %-10s %-12s %s\n", "window", "between, guest-physical", "size",
           "written by", "devices");
    for (uint32_t i = 0; i < windows.count; i++) {
        const struct set_window *window = windows.window[i].set;
        char between[128], size[24];

        snprintf(between, sizeof(between), "%s 0x%llx, %s 0x%llx",
                 partitions.partition[window->side[0]].name, (unsigned long long)window->address[0],
                 partitions.partition[window->side[1]].name,
                 (unsigned long long)window->address[1]);
        snprintf(size, sizeof(size), "%llu KiB", (unsigned long long)window->size >> 10);
        printf("%-12s %-40s %-10s %-12s %s\n", window->name, between, size, who_writes(window),
               window->dma ? "of both sides" : "none");
    }
}

/* What no unit stands before is isolated from by its own good will. */
static void print_unprotected(void)
{
    const struct topology *topology = &machine.topology;

    if (topology->unprotected_count == 0)
        return;
    printf("\nunprotected: masters of memory, as it looks, that no SMMUv3 stands before\n");
    for (uint32_t i = 0; i < topology->unprotected_count; i++) {
        const struct topology_master *master = &topology->unprotected[i];

        printf("  %s (%s), %u of its kind: %s\n", master->name, master->compatible, master->count,
               board_trusts(&machine.board, master->compatible)
                   ? "trusted, says the board"
                   : "claims are void while it runs: disable it, or let the board answer for it");
    }
    if (topology->unprotected_more != 0)
        printf("  and %u more nodes\n", topology->unprotected_more);
}

/* A boot believes them where the tree says something else. */
static void print_tables(void)
{
    if (machine.board.firmware_tables[0] != '\0')
        printf(
            "of what the tree says: CPUs, interrupts and who stands behind which IOMMU a boot reads from the\n"
            "machine's %s tables, which are not here: compare the log of a boot\n",
            machine.board.firmware_tables);
}

struct arguments {
    struct file set, machine, board, pci;
    const char *directory;
    const char *payloads;
    const char *image_base, *image_end; /* hexadecimal, as nm prints them */
    struct file board_tree;
    const char *records;
};

static bool parse(int count, char **words, struct arguments *arguments)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {
        { "--set", &arguments->set.path },         { "--name", &set_name },
        { "--machine", &arguments->machine.path }, { "--pci", &arguments->pci.path },
        { "--board", &arguments->board.path },     { "--directory", &arguments->directory },
        { "--payloads", &arguments->payloads },    { "--image-base", &arguments->image_base },
        { "--image-end", &arguments->image_end },  { "--board-tree", &arguments->board_tree.path },
        { "--records", &arguments->records },
    };

    for (int i = 1; i < count; i += 2) {
        bool known = false;

        for (size_t o = 0; o < ARRAY_LENGTH(options); o++) {
            if (i + 1 < count && strcmp(words[i], options[o].name) == 0) {
                *options[o].value = words[i + 1];
                known = true;
            }
        }
        if (!known)
            return false;
    }
    if (arguments->board_tree.path != NULL)
        return arguments->set.path == NULL;
    return arguments->set.path != NULL && arguments->machine.path != NULL &&
           arguments->board.path != NULL && arguments->pci.path != NULL &&
           arguments->directory != NULL && arguments->payloads != NULL &&
           arguments->image_base != NULL && arguments->image_end != NULL;
}

static int check_board(struct file *file)
{
    const char *text;

    need_file(file);
    if (!survey_read(file->data, file->size, &text))
        mistake(file->path, "", "", text);
    survey_print(file->path);
    survey_record(file->path);
    return 0;
}

static int check_set(struct arguments *arguments)
{
    static struct set set;

    machine.image.base = strtoull(arguments->image_base, NULL, 16);
    machine.image.size = strtoull(arguments->image_end, NULL, 16) - machine.image.base;
    need_file(&arguments->set);
    need_file(&arguments->machine);
    need_file(&arguments->board);
    need_file(&arguments->pci);
    start_machine(&arguments->machine, &arguments->board, &arguments->pci);
    plan(&arguments->set, &set);
    for (uint32_t i = 0; i < partitions.count; i++)
        check_payload(&partitions.partition[i], arguments->directory, arguments->payloads);
    printf("%s: %u partition%s, as %s would start\n", set_name, partitions.count,
           partitions.count == 1 ? "" : "s", partitions.count == 1 ? "it" : "they");
    print_tables();
    print_partitions();
    print_windows();
    print_devices();
    fate_print();
    print_unprotected();
    matrix_walk();
    matrix_print();
    (void)fflush(stdout);
    set_record(set_name);
    if (matrix_print_findings(set_name) != 0)
        return EXIT_MISTAKE;
    printf("\nno mistakes\n");
    return 0;
}

int main(int count, char **words)
{
    static struct arguments arguments;
    int status;

    if (!parse(count, words, &arguments)) {
        fprintf(stderr, "usage: check --set DTB --name FILE --directory DIR --payloads DIR "
                        "--machine DTB --board DTB --pci DTB --image-base HEX --image-end HEX\n"
                        "       check --board-tree DTB\n"
                        "       either with --records FILE\n");
        return EXIT_USAGE;
    }
    if (arguments.records != NULL && !records_open(arguments.records))
        mistake(arguments.records, "", "", "cannot be written");
    status = arguments.board_tree.path != NULL ? check_board(&arguments.board_tree)
                                               : check_set(&arguments);
    if (!records_close())
        mistake(arguments.records, "", "", "cannot be written");
    return status;
}

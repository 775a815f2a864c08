/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: QEMU's virt with one SMMUv3 and several masters, made usable from outside. Nothing
 * runs on it; configuration space and registers are written by qtest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pair.h"

#define ECAM UINT64_C(0x4010000000)
#define BAR_FIRST UINT64_C(0x10000000)
#define BAR_STRIDE UINT64_C(0x00100000)
#define SMMU_OF_MACHINE UINT64_C(0x09050000) /* -M virt,iommu=smmuv3 */
#define SMMU_OF_DEVICE UINT64_C(0x0c000000)  /* -device arm-smmuv3, the first */

enum configuration_space {
    CONFIG_ID = 0x00,
    CONFIG_COMMAND = 0x04,
    CONFIG_BAR0 = 0x10,
    CONFIG_BUSES = 0x18,
    CONFIG_WINDOW = 0x20,
    COMMAND_MEMORY_AND_MASTER = 6,
    ID_EDU = 0x11e81234,
    ID_TESTDEV = 0x00051b36,
    ID_ROOT_PORT = 0x000c1b36,
};

/* Where the masters sit: bus, device; buses other than 0 are behind the root port of that number. */
static const struct seat {
    bool edu;
    unsigned bus, slot;
    const char *arguments;
} seats[] = {
    { true, 0, 1, "edu,addr=1.0,dma_mask=0xffffffffffffffff" },
    { true, 0, 2, "edu,addr=2.0,dma_mask=0xffffffffffffffff" },
    { false, 0, 3, "iommu-testdev,addr=3.0" },
    { true, 1, 0, "edu,bus=port1,addr=0.0,dma_mask=0xffffffffffffffff" },
    { false, 2, 0, "iommu-testdev,bus=port2,addr=0.0" },
};

enum { SEATS = sizeof(seats) / sizeof(*seats), PORT_SLOT = 8, PORTS = 2 };

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "differential: %s\n", what);
        exit(2);
    }
}

uint64_t chunk_address(unsigned n)
{
    /* Some close together, some in the other half, so that large blocks have something to hit. */
    return n < CHUNKS / 2 ? UINT64_C(0x48000000) + n * UINT64_C(0x200000)
                          : UINT64_C(0x60000000) + (n - CHUNKS / 2) * UINT64_C(0x2000000);
}

bool in_ram(uint64_t address, uint64_t bytes)
{
    return address >= RAM_BASE && address <= RAM_BASE + RAM_BYTES - bytes;
}

/* ------------------------------------------------------------------ the model's side */

#define STE_FLAG_UPDATES (UINT64_C(3) << 55) /* S2HD, S2HA, in the third word */
#define STE_S2R (UINT64_C(1) << 58)          /* there too */

static void view_ste(unsigned views, uint64_t index, uint64_t *word)
{
    if (index == 2 && views & VIEW_NO_FLAG_UPDATES) {
        *word &= ~STE_FLAG_UPDATES;
    }
    if (index == 2 && views & VIEW_RECORDED) {
        *word |= STE_S2R;
    }
}

/* Where a descriptor is read from, if only the first of several concatenated tables is used. */
static uint64_t first_table(const struct pair *pair, uint64_t address)
{
    for (unsigned i = 0; i < pair->concatenated_count; i++) {
        const struct concatenated *tables = &pair->concatenated[i];

        if (address >= tables->root && address < tables->root + tables->bytes) {
            return tables->root + (address - tables->root) % tables->table_bytes;
        }
    }
    return address;
}

/* A span that covers all that SPLIT leaves cannot grow. */
static void widen_span(struct smmuv3_model *model, uint64_t *descriptor)
{
    uint64_t split = smmuv3_model_read32(model, R_STRTAB_BASE_CFG) >> 6 & 31;
    uint64_t span = *descriptor & 31;

    *descriptor += span && span <= split;
}

#define STAGE2_READ (UINT64_C(1) << 6) /* ignored in a table descriptor */

static bool in_stage2_tables(const struct pair *pair, uint64_t address)
{
    for (unsigned i = 0; i < pair->stage2_tables_count; i++) {
        if (address >= pair->stage2_tables[i].first && address < pair->stage2_tables[i].end) {
            return true;
        }
    }
    return false;
}

#define CD_R (UINT64_C(1) << 45)
#define CD_TBI0 (UINT64_C(1) << 38)
#define CD_TBI1 (UINT64_C(1) << 39)
#define CD_HAD UINT64_C(2) /* in the second and the third word */

static void view_context(unsigned views, uint64_t index, uint64_t *word)
{
    if (views & VIEW_ONE_TBI && index == 0) {
        *word = (*word & ~CD_TBI1) | (*word & CD_TBI0) << 1;
    }
    if (views & VIEW_RECORDED && index == 0) {
        *word |= CD_R;
    }
    if (views & VIEW_NO_TABLE_RIGHTS && (index == 1 || index == 2)) {
        *word |= CD_HAD;
    }
}

static bool unit_read(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                      void *data, size_t size)
{
    const struct unit *unit = context;

    if (kind == SMMUV3_MODEL_FETCH_TABLE && unit->views & VIEW_FIRST_TABLE) {
        address = first_table(unit->pair, address);
    }
    if (!in_ram(address, size)) {
        return false;
    }
    memcpy(data, unit->pair->mirror + (address - RAM_BASE), size);
    if (kind == SMMUV3_MODEL_FETCH_STE) {
        view_ste(unit->views, address / 8 % 8, data);
    }
    if (kind == SMMUV3_MODEL_FETCH_TABLE && unit->views & VIEW_STAGE2_READABLE &&
        in_stage2_tables(unit->pair, address)) {
        *(uint64_t *)data |= STAGE2_READ;
    }
    if (kind == SMMUV3_MODEL_FETCH_CD) {
        view_context(unit->views, address / 8 % 8, data);
    }
    if (kind == SMMUV3_MODEL_FETCH_L1STD && unit->views & VIEW_WIDE_SPAN) {
        widen_span(unit->model, data);
    }
    return true;
}

/* Events are caught, not stored: whoever compares takes them from here. */
static bool unit_write(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                       const void *data, size_t size)
{
    struct unit *unit = context;

    if (!in_ram(address, size)) {
        return false;
    }
    if (kind == SMMUV3_MODEL_WRITE_EVENT && size == sizeof(unit->record)) {
        memcpy(unit->record, data, size);
        unit->recorded = true;
    }
    return true;
}

static void create_unit(struct pair *pair, struct unit *unit)
{
    struct smmuv3_model_environment environment = {
        .context = unit,
        .read = unit_read,
        .write = unit_write,
    };

    unit->pair = pair;
    unit->model = smmuv3_model_create(&pair->parameters, &environment);
}

/* ------------------------------------------------------------------ QEMU's side */

static void start_qemu(struct pair *pair, const char *qemu)
{
    const char *arguments[64];
    char backend[128];
    size_t count = 0;

    snprintf(backend, sizeof(backend),
             "memory-backend-file,id=ram,size=1G,share=on,mem-path=/proc/self/fd/%d",
             pair->ram_file);
    arguments[count++] = "-M";
    arguments[count++] = pair->kind == UNIT_NESTED ? "virt,memory-backend=ram,iommu=smmuv3"
                                                   : "virt,memory-backend=ram";
    arguments[count++] = "-m";
    arguments[count++] = "1G";
    arguments[count++] = "-object";
    arguments[count++] = backend;
    arguments[count++] = "-nodefaults";
    arguments[count++] = "-display";
    arguments[count++] = "none";
    if (pair->kind != UNIT_NESTED) {
        arguments[count++] = "-device";
        arguments[count++] = pair->kind == UNIT_STAGE1 ? "arm-smmuv3,primary-bus=pcie.0,stage=1"
                                                       : "arm-smmuv3,primary-bus=pcie.0,stage=2";
    }
    arguments[count++] = "-device";
    arguments[count++] = "pcie-root-port,id=port1,addr=8.0,chassis=1";
    arguments[count++] = "-device";
    arguments[count++] = "pcie-root-port,id=port2,addr=9.0,chassis=2";
    for (unsigned i = 0; i < SEATS; i++) {
        arguments[count++] = "-device";
        arguments[count++] = seats[i].arguments;
    }
    arguments[count] = NULL;
    qtest_start(&pair->qtest, qemu, arguments);
    pair->smmu = pair->kind == UNIT_NESTED ? SMMU_OF_MACHINE : SMMU_OF_DEVICE;
}

static uint64_t function_at(unsigned bus, unsigned slot)
{
    return ECAM + ((uint64_t)bus << 20) + ((uint64_t)slot << 15);
}

/* Give each root port a bus and a window of one BAR. */
static void open_ports(struct pair *pair)
{
    for (unsigned port = 1; port <= PORTS; port++) {
        uint64_t function = function_at(0, PORT_SLOT - 1 + port);
        uint64_t window = (BAR_FIRST + (SEATS + port) * BAR_STRIDE) >> 16;
        uint64_t id = 0;

        qtest_read32(&pair->qtest, function + CONFIG_ID, &id);
        qtest_write32(&pair->qtest, function + CONFIG_BUSES, port << 8 | port << 16);
        qtest_write32(&pair->qtest, function + CONFIG_WINDOW, (uint32_t)(window | window << 16));
        qtest_write32(&pair->qtest, function + CONFIG_COMMAND, COMMAND_MEMORY_AND_MASTER);
        qtest_sync(&pair->qtest);
        must(id == ID_ROOT_PORT, "a root port is not where it was put");
    }
}

static void open_devices(struct pair *pair)
{
    for (unsigned i = 0; i < SEATS; i++) {
        const struct seat *seat = &seats[i];
        uint64_t function = function_at(seat->bus, seat->slot);
        uint64_t bar = BAR_FIRST + (seat->bus ? SEATS + seat->bus : i) * BAR_STRIDE;
        uint64_t id = 0;

        qtest_read32(&pair->qtest, function + CONFIG_ID, &id);
        qtest_write32(&pair->qtest, function + CONFIG_BAR0, (uint32_t)bar);
        qtest_write32(&pair->qtest, function + CONFIG_COMMAND, COMMAND_MEMORY_AND_MASTER);
        qtest_sync(&pair->qtest);
        must(id == (uint64_t)(seat->edu ? ID_EDU : ID_TESTDEV), "a device is not where it was put");
        pair->devices[pair->device_count++] = (struct device){
            .edu = seat->edu,
            .stream_id = seat->bus << 8 | seat->slot << 3,
            .bar = bar,
        };
    }
}

static uint8_t *map_memory(int file, int flags)
{
    void *memory = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, flags, file, 0);

    must(memory != MAP_FAILED, "cannot map memory");
    return memory;
}

void pair_start(struct pair *pair, enum unit_kind kind, const char *qemu)
{
    memset(pair, 0, sizeof(*pair));
    pair->kind = kind;
    pair->tables_end = AT_TABLES;
    pair->parameters = smmuv3_model_like_qemu();
    pair->parameters.s1p = kind != UNIT_STAGE2;
    pair->parameters.s2p = kind != UNIT_STAGE1;
    pair->parameters.xnx = pair->parameters.s2p;
    pair->ram_file = memfd_create("ram", 0);
    must(pair->ram_file >= 0 && ftruncate(pair->ram_file, (off_t)RAM_BYTES) == 0, "no memory");
    pair->ram = map_memory(pair->ram_file, MAP_SHARED);
    pair->mirror = map_memory(-1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    create_unit(pair, &pair->keep);
    create_unit(pair, &pair->fresh);
    start_qemu(pair, qemu);
    open_ports(pair);
    open_devices(pair);
}

void pair_stop(struct pair *pair)
{
    qtest_stop(&pair->qtest);
    smmuv3_model_destroy(pair->keep.model);
    smmuv3_model_destroy(pair->fresh.model);
    munmap(pair->ram, RAM_BYTES);
    munmap(pair->mirror, RAM_BYTES);
    close(pair->ram_file);
}

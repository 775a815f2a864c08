/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of hypercalls by two partitions, with valid and hostile arguments, while devices access
 * memory, partitions end and start again, and the unit may fail. Each answer, and what the devices reach
 * after it, must be what the book says (book.h).
 */
#include <string.h>

#include "tests/adversary/hardware.h"
#include "tests/fuzz/arguments.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/steps.h"
#include "tests/observer/observer.h"
#include "tests/unit/fdt_bench.h"
#include "tests/unit/its_bench.h"

#define STEPS 50

#define PIN 0x3D /* its INTx, in configuration space */

static int function[BOOK_DEVICES];
static const uint32_t lines[BOOK_DEVICES] = { MACHINE_LINE(1, 1), 0, MACHINE_LINE(3, 1),
                                              MACHINE_LINE(3, 1) };

/* ---- The machine ------------------------------------------------------------------------------------------ */

/* Functions of one device, two devices behind a bridge that takes their ids, one alone, one without DMA. */
static void build(const struct smmuv3_model_parameters *parameters)
{
    struct pci_model *pci = &machine.pci;

    machine_plain_with(parameters);
    function[0] = DEVICE1;
    function[1] = pci_model_endpoint(pci, PORT1, 0, 1);
    pci_model_express(pci, function[1], 0, true);
    pci_model_bar(pci, function[1], 0, 0x1000, false);
    pci_model_multifunction(pci, DEVICE1);
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);

    function[2] = pci_model_endpoint(pci, bridge, 0, 0);
    function[3] = pci_model_endpoint(pci, bridge, 1, 0);
    pci_model_advanced(pci, function[2]);
    pci_model_advanced(pci, function[3]);
    pci_model_bar(pci, function[2], 0, 0x2000, false);
    pci_model_bar(pci, function[3], 0, 0x200000, true);
    function[4] = DEVICE2;
    function[5] = -1;
    pci->function[DEVICE1].config[PIN] = 1;
    pci->function[function[1]].config[PIN] = 2; /* another device's line, which not all may bind */
    pci->function[DEVICE2].config[PIN] = 1;
    pci->function[function[2]].config[PIN] = 1;
    pci->function[function[3]].config[PIN] = 4; /* the same line, and one group */
}

#define ITS_HANDLE 0x8200
#define CAP_MSI 0x05
#define CAP_MSIX 0x11
#define VECTORS 4 /* of the first device */

static void edit(void *tree)
{
    edit_its(tree, ITS_BASE, ITS_HANDLE);
    edit_msi_map(tree, ITS_HANDLE);
}

/* The first device has MSI-X, its table in the second page of its second BAR; its sibling has MSI. */
static void build_messages(void)
{
    struct its_model_parameters parameters = its_kind(false);
    struct pci_model *pci = &machine.pci;
    uint32_t at = pci_model_capability(pci, DEVICE1, CAP_MSIX, 12);

    parameters.collection_bits = 4; /* little to keep and to put back */
    parameters.lpi_bits = 14;
    parameters.redistributors = 2;
    its_attach(&parameters);
    for (unsigned int i = 0; i < 2; i++)
        host_message_targets[i] = ITS_REDISTRIBUTOR(i);
    machine.tree.edit = edit;
    pci_model_set16(pci, DEVICE1, at + 2, VECTORS - 1);
    memset(&pci->function[DEVICE1].writable[at + 3], 0xC0, 1);
    pci_model_set32(pci, DEVICE1, at + 4, 0x1000 | 2);
    at = pci_model_capability(pci, function[1], CAP_MSI, 16);
    pci_model_set16(pci, function[1], at + 2, 0x80 | 1 << 1);
    memset(&pci->function[function[1]].writable[at + 2], 0x71, 1);
    memset(&pci->function[function[1]].writable[at + 4], 0xFF, 10);
}

static void boot(const struct smmuv3_model_parameters *parameters, uint32_t pool, bool messages)
{
    static const char *const shared[] = { DEVICE1_NAME, "0000:01:00.1", "0000:04:00.0",
                                          "0000:04:01.0" };

    build(parameters);
    if (messages)
        build_messages();
    machine_partition("two");
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        struct partition_spec *spec = &machine.partition[i];

        for (unsigned int n = 0; n < ARRAY_LENGTH(shared); n++)
            spec->pci[n] = shared[n];
        spec->pool_pages = pool;
        spec->block[0] = CLOCK_NAME;
    }
    machine.partition[0].pci[4] = DEVICE2_NAME;
    machine.partition[BOOK_MANAGER].manager = true;
    machine_boot();
    book_open(function, lines, BOOK_DEVICES);
}

void fuzz_calls_boot(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    boot(&parameters, 64, true);
}

void fuzz_calls_boot_without_messages(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    boot(&parameters, 64, false);
}

/* Little of everything: table pages run out, ids of tags are short, and the unit is another. */
void fuzz_calls_boot_tight(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();

    parameters.ril = true;
    boot(&parameters, 16, true);
}

/* ---- A run ------------------------------------------------------------------------------------------------- */

/* False: the machine is off. */
static bool step(unsigned int partition)
{
    switch (vary(25)) {
    case 0:
    case 1:
    case 2:
        step_map(partition);
        break;
    case 3:
    case 4:
    case 5:
        step_bind(partition, device_of(partition, false));
        break;
    case 6:
        step_call(partition, BH_CALL_IOAS_ALLOC_PAGING, device_of(partition, true),
                  bend(BH_IOAS_NONE), 0, 0, 0);
        break;
    case 7:
    case 8:
        step_call(partition, BH_CALL_ATTACH, device_of(partition, true), bend(BH_PASID_NONE),
                  some_space(partition), 0, 0);
        break;
    case 9:
    case 10:
        if (vary(2) == 0)
            step_unmap(partition);
        else
            step_change(partition);
        break;
    case 11:
        step_call(partition, BH_CALL_DETACH, device_of(partition, true), bend(BH_PASID_NONE), 0, 0,
                  0);
        break;
    case 12:
        if (vary(2) == 0)
            step_call(partition, BH_CALL_DEVICE_UNBIND, device_of(partition, true), 0, 0, 0, 0);
        else
            step_reset(partition, device_of(partition, true));
        break;
    case 13:
        step_call(partition, BH_CALL_IOAS_FREE, some_space(partition), 0, 0, 0, 0);
        break;
    case 14:
    case 15:
        step_fire();
        break;
    case 16:
        step_ask(partition);
        break;
    case 17:
        step_anything(partition);
        break;
    case 18:
        step_hardware();
        break;
    case 21:
    case 22:
        step_bind_message(partition);
        break;
    case 23:
        step_raise();
        break;
    case 19:
    case 20:
        if (vary(4) == 3)
            step_recall(partition);
        else
            step_give(vary(8) == 7 ? partition : BOOK_MANAGER);
        break;
    default:
        if (vary(2) == 1) {
            step_control(partition);
            break;
        }
        return vary(4) != 3 || !step_power(partition);
    }
    return true;
}

/* What most sequences would take long to come to. */
static void begin(void)
{
    for (unsigned int i = 0; i < BOOK_GUESTS; i++) {
        uint64_t device = book.device[(size_t)2 * i].id;

        step_bind(i, device);
        int64_t space = step_call(i, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE, 0, 0, 0);

        step_call(i, BH_CALL_IOAS_MAP, (uint64_t)space, 0x10000, BASE + 0x1000, 0x3000, 3);
        step_call(i, BH_CALL_ATTACH, device, BH_PASID_NONE, (uint64_t)space, 0, 0);
    }
}

static void give_back_space(unsigned int partition, const struct book_space *space)
{
    uint64_t at = 0;

    while (at < book.input_limit && !book.guest[partition].off) {
        int64_t answer = step_call(partition, BH_CALL_IOAS_UNMAP, space->id, at,
                                   book.input_limit - at, 0, 0);

        if (answer != BH_OK && answer != BH_EAGAIN)
            return;
        at += machine.x[1];
    }
    step_call(partition, BH_CALL_IOAS_FREE, space->id, 0, 0, 0, 0);
}

/* All that the partition has; afterwards nothing may be missing. */
static void give_back(unsigned int partition)
{
    struct book_guest *g = &book.guest[partition];

    for (unsigned int i = 0; i < book.device_count && !g->off; i++) {
        if (book.device[i].bound != (int)partition &&
            !(book.device[i].resetting && book.group[book.device[i].group].owner == (int)partition))
            continue;
        if (book.device[i].space != NULL)
            step_call(partition, BH_CALL_DETACH, book.device[i].id, BH_PASID_NONE, 0, 0, 0);
        step_call(partition, BH_CALL_DEVICE_UNBIND, book.device[i].id, 0, 0, 0, 0);
    }
    for (unsigned int i = 0; i < PARTITION_IOAS && !g->off; i++) {
        if (g->space[i].live)
            give_back_space(partition, &g->space[i]);
    }
}

/* The manager, if it lives, brings to an end what it has begun. */
static void finish_gifts(void)
{
    for (unsigned int i = 0; i < book.device_count && !book.guest[BOOK_MANAGER].off; i++) {
        const struct book_group *group = &book.group[book.device[i].group];
        unsigned int steps = 0;

        while (group->owner == HYPERVISOR && steps++ < 12 && group->reserved >= 0) {
            step_call(BOOK_MANAGER, BH_CALL_DEVICE_GIVE, book.device[i].id,
                      (uint64_t)group->reserved, 0, 0, 0);
            host_advance(machine.x[1]);
        }
    }
}

static void finish(void)
{
    finish_gifts();
    messages_take();
    for (unsigned int i = 0; i < BOOK_GUESTS; i++)
        give_back(i);
    book_compare();
    for (unsigned int i = 0; i < book.device_count; i++) {
        if (!book.failed && book.group[book.device[i].group].owner != NOBODY)
            fail_msg("device 0x%llx stays owned by %d, reserved for %d",
                     (unsigned long long)book.device[i].id, book.group[book.device[i].group].owner,
                     book.group[book.device[i].group].reserved);
    }
}

void fuzz_calls(void)
{
    book_again();
    choose_salt();
    if (fuzz_thorough)
        observer_start_with(&(struct observer_options){ .seed = 1, .mode = HOST_STORES_IMMEDIATE });
    if (guest_choice(4) != 3)
        begin();
    for (unsigned int i = 0; i < STEPS && (fuzz_more == NULL || fuzz_more()); i++) {
        unsigned int partition = vary(BOOK_GUESTS);

        if (book.guest[partition].off)
            partition = BOOK_GUESTS - 1 - partition;
        if (book.guest[partition].off || !step(partition))
            break;
        book_compare();
    }
    if (machine.end != HOST_OFF)
        finish();
}

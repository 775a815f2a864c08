/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of devices (I12): they come to whoever has bound them, as the interrupt that was asked for, while they are
 * bound; and what a device writes to the doorbell by itself is nobody's. */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "common/edu.h"
#include "common/nvme.h"
#include "sdk/dma.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/pci.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define LABEL 0x351
#define IOVA 0x200000000ull
#define FIRST BH_MESSAGE_FIRST
#define OTHER (BH_MESSAGE_FIRST + 6)
#define COME_NS (500 * NS_PER_MS)
#define QUIET_NS (20 * NS_PER_MS)
#define ROUNDS 16
#define STORM_MS 300
#define STORM_LEAST 100
#define EDU_WORD 4 /* bytes that a device writes to a doorbell */

/* What is under test, and its address space. */
struct message_subject {
    struct bh_device_info info;
    uint32_t id, ioas;
    volatile uint8_t *pages;
};

/* The interrupt that comes within so long, ended; or none. */
static uint32_t next_interrupt(uint64_t ns)
{
    uint64_t end = timer_now() + timer_ticks(ns);
    uint32_t intid = gic_acknowledge();

    while (intid >= GIC_INTID_LIMIT && timer_now() < end)
        intid = gic_acknowledge();
    if (intid < GIC_INTID_LIMIT)
        gic_end(intid);
    return intid;
}

static void check_none(const char *what)
{
    check_true(next_interrupt(QUIET_NS) >= GIC_INTID_LIMIT, what);
}

static uint64_t faults(const struct message_subject *subject)
{
    struct bh_query_fault fault;

    timer_spin_ns(QUIET_NS);
    check_status(BH_OK, bh_query_fault(subject->id, &fault), "query of its faults");
    return fault.count;
}

static void open_interrupts(void)
{
    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    for (uint32_t intid = BH_MESSAGE_FIRST; intid <= BH_MESSAGE_LAST; intid++)
        gic_enable_shared(intid);
}

/* Bound and attached, with pages of memory at IOVA. */
static bool prepare(struct message_subject *subject, size_t pages)
{
    int64_t ioas;

    subject->id = subject->info.device;
    check_true(subject->info.messages != 0, "it raises messages");
    check_equal(BH_DOORBELLS + 0x40, subject->info.doorbell, "its doorbell");
    check_status(BH_EPERM, bh_msi_bind(subject->id, 0, FIRST, NULL), "msi_bind before bind");
    subject->pages = dma_alloc(pages);
    check_true(subject->pages != NULL, "there is memory for it");
    check_status(BH_OK, bh_bind(subject->id, LABEL), "bind");
    ioas = bh_ioas_alloc_paging(subject->id, BH_IOAS_NONE);
    check_true(ioas > 0, "ioas_alloc_paging");
    if (check_failed())
        return false;
    subject->ioas = (uint32_t)ioas;
    check_status(BH_OK,
                 bh_map(subject->ioas, IOVA, bh_address(subject->pages), pages * DMA_PAGE_BYTES,
                        BH_MAP_READ | BH_MAP_WRITE, NULL),
                 "map");
    check_status(BH_OK, bh_attach(subject->id, BH_PASID_NONE, subject->ioas), "attach");
    return !check_failed();
}

static void check_refusals(const struct message_subject *subject)
{
    check_status(BH_ERANGE, bh_msi_bind(subject->id, subject->info.messages, FIRST, NULL),
                 "a vector more than it has");
    check_status(BH_EINVAL, bh_msi_bind(subject->id, 0, BH_MESSAGE_FIRST - 1, NULL),
                 "an interrupt below those of messages");
    check_status(BH_EINVAL, bh_msi_bind(subject->id, 0, BH_MESSAGE_LAST + 1, NULL),
                 "an interrupt above them");
    check_status(BH_ENOENT, bh_msi_bind(subject->id, 0, 0, NULL), "unbind of what is not bound");
    check_status(BH_ERANGE,
                 bh_map(subject->ioas, BH_DOORBELLS, bh_address(subject->pages), DMA_PAGE_BYTES,
                        BH_MAP_WRITE, NULL),
                 "a map over the doorbells");
}

/* ---- NVMe: MSI-X ------------------------------------------------------------------------------ */

#define NVME_PAGES 5

static struct nvme_memory nvme_memory(const struct message_subject *subject)
{
    struct nvme_page page[NVME_PAGES];

    for (size_t i = 0; i < NVME_PAGES; i++)
        page[i] = (struct nvme_page){ .bytes = subject->pages + i * DMA_PAGE_BYTES,
                                      .iova = IOVA + i * DMA_PAGE_BYTES };
    return (struct nvme_memory){ page[0], page[1], page[2], page[3], page[4] };
}

/* The admin queue's vector is 0. */
static void check_nvme(struct nvme *nvme, const struct message_subject *subject)
{
    uint64_t blocked;

    check_equal(NVME_OK, (uint64_t)nvme_identify(nvme), "Identify without a vector bound");
    check_none("raises nothing");
    check_status(BH_OK, pci_message(subject->id, 0, FIRST), "msi_bind");
    check_none("by itself it raises nothing");
    for (int i = 0; i < ROUNDS; i++) {
        check_equal(NVME_OK, (uint64_t)nvme_identify(nvme), "Identify");
        check_equal(FIRST, next_interrupt(COME_NS), "its message comes");
        next_interrupt(QUIET_NS); /* of its second command, if it came apart */
        check_none("and no other");
    }
    check_status(BH_OK, pci_message(subject->id, 0, OTHER),
                 "the vector bound to another interrupt");
    check_equal(NVME_OK, (uint64_t)nvme_identify(nvme), "Identify");
    check_equal(OTHER, next_interrupt(COME_NS), "it comes as the other");
    next_interrupt(QUIET_NS);

    blocked = faults(subject);
    check_status(BH_OK, bh_msi_bind(subject->id, 0, 0, NULL), "unbind of the vector");
    check_equal(NVME_OK, (uint64_t)nvme_identify(nvme), "Identify");
    check_none("after that nothing comes");
    check_equal(blocked, faults(subject), "and nothing was tried");
}

int test_message_nvme(void)
{
    struct message_subject subject = { 0 };
    struct nvme_memory memory;
    struct nvme nvme;

    open_interrupts();
    check_true(pci_find_class(NVME_CLASS, &subject.info), "a controller is on the list");
    if (check_failed() || !prepare(&subject, NVME_PAGES))
        return check_result();
    check_refusals(&subject);
    memory = nvme_memory(&subject);
    pci_find_class(NVME_CLASS, &subject.info);
    check_equal(NVME_OK,
                (uint64_t)nvme_enable(&nvme, (uintptr_t)subject.info.bar[0].address, &memory),
                "it comes up");
    if (check_failed())
        return check_result();
    check_nvme(&nvme, &subject);

    /* Where the doorbell is gone with the attachment, a message is a fault like any other write. */
    check_status(BH_OK, pci_message(subject.id, 0, FIRST), "bound again");
    check_equal(NVME_OK, (uint64_t)nvme_identify(&nvme), "Identify");
    check_equal(FIRST, next_interrupt(COME_NS), "it comes again");
    nvme_disable(&nvme);
    check_status(BH_OK, bh_detach(subject.id, BH_PASID_NONE), "detach with the vector bound");
    check_status(BH_OK, bh_attach(subject.id, BH_PASID_NONE, subject.ioas), "attach");
    check_equal(NVME_OK,
                (uint64_t)nvme_enable(&nvme, (uintptr_t)subject.info.bar[0].address, &memory),
                "it comes up");
    next_interrupt(QUIET_NS);
    check_equal(NVME_OK, (uint64_t)nvme_identify(&nvme), "Identify");
    check_equal(FIRST, next_interrupt(COME_NS), "attached again, it comes");
    return check_result(); /* with the vector bound: it is taken back with the partition */
}

/* ---- edu: MSI, and DMA to the doorbell -------------------------------------------------------- */

/* The device itself writes a word to the doorbell, as data. */
static void write_doorbell(const struct message_subject *subject, const struct edu *edu,
                           uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)subject->pages = value;
    check_true(edu_transfer(edu, EDU_FROM_MEMORY, IOVA, 0, EDU_WORD),
               "the word goes to the device");
    check_true(edu_transfer(edu, EDU_TO_MEMORY, subject->info.doorbell, 0, EDU_WORD),
               "and from there to the doorbell");
}

static void check_attacks(const struct message_subject *subject, const struct edu *edu)
{
    uint64_t blocked = faults(subject);

    for (uint32_t event = 1; event < 2 * BH_MESSAGE_VECTORS; event += 9) {
        write_doorbell(subject, edu, event);
        check_none("a vector that is not bound raises nothing");
    }
    check_equal(blocked, faults(subject), "the doorbell itself may be written");
}

static void storm(const struct edu *edu)
{
    uint64_t end = timer_now() + timer_ticks(STORM_MS * NS_PER_MS), count = 0;

    while (timer_now() < end) {
        uint32_t intid;

        edu_raise(edu);
        intid = gic_acknowledge();
        if (intid < GIC_INTID_LIMIT) {
            gic_end(intid);
            count++;
        }
    }
    edu_quieten(edu);
    printf("a storm of %" PRIu64 " messages in %d ms\n", count, STORM_MS);
    check_true(count >= STORM_LEAST, "that many came");
    while (next_interrupt(QUIET_NS) < GIC_INTID_LIMIT)
        ;
}

int test_message(void)
{
    struct message_subject subject = { 0 };
    struct edu edu;
    uint32_t index;

    open_interrupts();
    check_true(find_edu(&index, &subject.info), "an edu is on the list");
    if (check_failed() || !prepare(&subject, 1))
        return check_result();
    check_refusals(&subject);
    bh_device_info(index, &subject.info);
    check_true(edu_init(&edu, (uintptr_t)subject.info.bar[0].address), "the edu answers");
    check_status(BH_OK, pci_message(subject.id, 0, FIRST), "msi_bind");
    for (int i = 0; i < ROUNDS; i++) {
        edu_raise(&edu);
        check_equal(FIRST, next_interrupt(COME_NS), "a message comes");
        check_none("once");
        edu_quieten(&edu);
    }
    check_attacks(&subject, &edu);
    storm(&edu);

    edu_raise(&edu);
    check_equal(FIRST, next_interrupt(COME_NS), "a message comes");
    edu_quieten(&edu);
    check_status(BH_OK, bh_msi_bind(subject.id, 0, 0, NULL), "unbind of the vector");
    gic_clear_shared(FIRST);
    uint64_t blocked = faults(&subject);

    write_doorbell(&subject, &edu, 0);
    check_true(faults(&subject) != blocked, "without a vector the doorbell is not there");
    check_none("and nothing comes");
    check_status(BH_OK, pci_message(subject.id, 0, OTHER), "bound again");
    edu_raise(&edu);
    check_equal(OTHER, next_interrupt(COME_NS), "it comes");
    edu_quieten(&edu);
    check_status(BH_OK, bh_detach(subject.id, BH_PASID_NONE), "detach");
    check_status(BH_OK, bh_device_unbind(subject.id), "unbind of the device");
    check_none("nothing comes any more");
    return check_result();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Doorbells of messages that are wrong in one way: the observer finds each (I3, I4). */
#include <string.h>

#include "fdt_bench.h"
#include "groups.h"
#include "its_bench.h"
#include "kernel/ioas_parts.h"
#include "kernel/message.h"
#include "kernel/partition.h"
#include "observer.h"
#include "wrong/wrong.h"

#define ITS_HANDLE 0x8200
#define FIRST BH_MESSAGE_FIRST
#define VECTORS 4
#define CAP_MSIX 0x11
#define CONTROL 2
#define TABLE 4

static uint64_t ioas;

static void edit(void *tree)
{
    edit_its(tree, ITS_BASE, ITS_HANDLE);
    edit_msi_map(tree, ITS_HANDLE);
}

/* Device 1 has MSI-X, its table in the second page of a BAR. */
static void start(void)
{
    const struct its_model_parameters parameters = its_kind(false);

    machine_plain();
    its_attach(&parameters);
    for (unsigned int i = 0; i < host_cpus; i++)
        host_message_targets[i] = ITS_REDISTRIBUTOR(i);
    machine.tree.edit = edit;
    uint32_t msix = pci_model_capability(&machine.pci, DEVICE1, CAP_MSIX, 12);
    pci_model_set16(&machine.pci, DEVICE1, msix + CONTROL, VECTORS - 1);
    memset(&machine.pci.function[DEVICE1].writable[msix + CONTROL + 1], 0xC0, 1);
    pci_model_set32(&machine.pci, DEVICE1, msix + TABLE, 0x1000 | 2);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
}

static int64_t msi_bind(unsigned int partition, uint64_t device, uint64_t vector,
                        uint64_t interrupt)
{
    return call(partition, BH_CALL_MSI_BIND, device, vector, interrupt, 0, 0);
}

static struct ioas *space(void)
{
    struct ioas *found = partitions.partition[0].ioas;

    while (found->id != ioas)
        found++;
    return found;
}

/* Of the page of the doorbell. */
static void change_leaf(uint64_t change)
{
    volatile uint64_t *entry = pagetable_walk(&space()->tree[0].table, BH_DOORBELLS).entry;

    entry_write64(entry, *entry ^ change);
    barrier_entries();
}

static void a_doorbell_may_be_read(void)
{
    start();
    msi_bind(0, DEVICE1_ID, 0, FIRST);
    change_leaf(BIT(6)); /* S2AP */
}

static void a_doorbell_is_the_page_beside_it(void)
{
    start();
    msi_bind(0, DEVICE1_ID, 0, FIRST);
    change_leaf(PAGE_SIZE);
}

static void a_doorbell_stays_behind_the_last_vector(void)
{
    start();
    msi_bind(0, DEVICE1_ID, 0, FIRST);
    space()->doorbell[0]++;
    msi_bind(0, DEVICE1_ID, 0, 0);
}

static void a_doorbell_stays_behind_a_detach(void)
{
    start();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    msi_bind(0, DEVICE1_ID, 0, FIRST);
    space()->doorbell[0]++;
    call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE);
}

static void a_doorbell_is_there_without_a_vector(void)
{
    start();
    assert_int_equal(ioas_open_doorbell(space(), device_find(DEVICE1_NAME)), BH_OK);
}

static void a_doorbell_is_missing(void)
{
    start();
    space()->doorbell[0] = 1;
    msi_bind(0, DEVICE1_ID, 0, FIRST);
}

static void the_unit_is_not_waited_for_when_a_doorbell_goes(void)
{
    start();
    msi_bind(0, DEVICE1_ID, 0, FIRST);
    wrong_unmap_without_sync();
    msi_bind(0, DEVICE1_ID, 0, 0);
}

static void expect_caught(void (*scenario)(void), const char *says)
{
    const char *report = observer_caught(scenario);

    if (report == NULL || strstr(report, says) == NULL)
        fail_msg("the report does not say that %s: %s", says, report == NULL ? "none" : report);
}

static void i3_a_doorbell_that_may_be_read_is_caught(void)
{
    expect_caught(a_doorbell_may_be_read, "it reaches a doorbell");
}

static void i3_a_doorbell_that_is_the_page_beside_it_is_caught(void)
{
    expect_caught(a_doorbell_is_the_page_beside_it, "it reaches a doorbell");
}

static void i3_a_doorbell_that_stays_behind_the_last_vector_is_caught(void)
{
    expect_caught(a_doorbell_stays_behind_the_last_vector, "it reaches a doorbell");
}

static void i3_a_doorbell_that_stays_behind_a_detach_is_caught(void)
{
    expect_caught(a_doorbell_stays_behind_a_detach, "it reaches a doorbell");
}

static void i3_a_doorbell_without_a_vector_is_caught(void)
{
    expect_caught(a_doorbell_is_there_without_a_vector, "it reaches a doorbell");
}

static void i3_a_doorbell_that_is_missing_is_caught(void)
{
    expect_caught(a_doorbell_is_missing, "the unit finds nothing there");
}

static void i3_a_doorbell_that_a_unit_was_not_waited_for_is_caught(void)
{
    expect_caught(the_unit_is_not_waited_for_when_a_doorbell_goes, "I4: a frame, table page");
}

int run_doorbell_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i3_a_doorbell_that_may_be_read_is_caught),
        TEST(i3_a_doorbell_that_is_the_page_beside_it_is_caught),
        TEST(i3_a_doorbell_that_stays_behind_the_last_vector_is_caught),
        TEST(i3_a_doorbell_that_stays_behind_a_detach_is_caught),
        TEST(i3_a_doorbell_without_a_vector_is_caught),
        TEST(i3_a_doorbell_that_is_missing_is_caught),
        TEST(i3_a_doorbell_that_a_unit_was_not_waited_for_is_caught),
    };

    return RUN_GROUP("observer/doorbells");
}

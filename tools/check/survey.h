/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make check BOARD_DTB=file.dtb: what the hypervisor would make of a board that it has never seen. The tree is read by
 * the hypervisor's own reader, which leaves out what it would refuse, and its device table says who can be isolated.
 */
#ifndef TOOLS_CHECK_SURVEY_H
#define TOOLS_CHECK_SURVEY_H

#include "drivers/topology/topology.h"
#include "tree_facts.h"

#define WHY_SIZE (2 * FACTS_PATH + 128)

/* Why a device cannot be isolated; ISOLATED: it can. */
enum verdict {
    ISOLATED,
    NO_IOMMUS,     /* looks like a master of memory, and names no IOMMU */
    OTHER_UNIT,    /* behind an IOMMU of another kind */
    UNIT_DISABLED, /* which the tree disables */
    UNIT_UNUSABLE, /* that could not be started, or has no entry for it */
    SEVERAL_UNITS,
    SHARED_STREAM,
    MANY_STREAMS,
    MALFORMED,    /* iommus that say nothing */
    BUS,          /* the reader does not follow its addresses */
    REGISTERS,    /* pages that are not its own alone */
    BEYOND_LIMIT, /* of what the hypervisor keeps */
    OTHER_REASON,
    VERDICT_COUNT
};

struct survey_device {
    int node;
    char path[FACTS_PATH], compatible[FACTS_PATH];
    enum verdict verdict;
    char why[WHY_SIZE];
    char unit_path[FACTS_PATH]; /* of the first that it names; empty: none */
    uint32_t group;             /* ISOLATED */
    uint32_t stream_count;      /* as far as the hypervisor knows them */
    uint32_t stream[TOPOLOGY_STREAMS];
};

struct survey_unit {
    int node;
    char path[FACTS_PATH], compatible[FACTS_PATH];
    bool driven, enabled, usable;
    uint32_t named; /* devices and hosts that name it */
    const char *why;
};

struct survey_host {
    int node;
    char path[FACTS_PATH], compatible[FACTS_PATH];
    const struct topology_pci_host *topology; /* NULL: the hypervisor does not drive it ... */
    char why[WHY_SIZE];         /* ... or nothing behind it can be isolated; empty: it can */
    char unit_path[FACTS_PATH]; /* of the first that its map names; empty: none */
};

/* What the hypervisor would refuse the whole machine for. */
struct survey_refusal {
    char path[FACTS_PATH];
    const char *text;
};

struct survey {
    const void *tree;
    char model[FACTS_PATH];
    uint32_t bytes, nodes, blocks;
    uint32_t plain; /* blocks that show no sign of mastering memory ... */
    uint32_t given; /* ... and could be given with no-dma, on the set's word */

    uint32_t unit_count, host_count, device_count, refusal_count;
    struct survey_unit *unit;
    struct survey_host *host;
    struct survey_device *device;
    struct survey_refusal *refusal;
};

extern struct survey survey;

/* False: there is no device tree at all, *text says why. Once a process. */
bool survey_read(const void *data, size_t size, const char **text);

/* How many devices have that verdict. */
uint32_t survey_count(enum verdict verdict);

/* On standard output, and as records. name: of the file. */
void survey_print(const char *name);
void survey_record(const char *name);

/* Short and stable: for tables. */
const char *survey_verdict_name(enum verdict verdict);

#endif

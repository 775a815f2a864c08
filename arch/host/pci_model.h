/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of PCI Express configuration space behind ECAM: functions, bridges whose bus numbers
 * route the cycles, BARs that can be sized, capabilities, the resets, and whether a function's
 * requests get as far as the root; and virtual functions, which are there while their physical one has them enabled.
 */
#ifndef ARCH_HOST_PCI_MODEL_H
#define ARCH_HOST_PCI_MODEL_H

#include "lib/types.h"

#define PCI_MODEL_FUNCTIONS 160
#define PCI_MODEL_ROOT (-1)
#define PCI_MODEL_WRITES 16384
#define PCI_MODEL_NEVER UINT32_MAX

struct pci_model_function {
    int parent;   /* index of the bridge above, or PCI_MODEL_ROOT */
    uint8_t root; /* of one on a root bus: which, from bus_first on */
    uint8_t device, function;
    bool bridge;
    bool gone; /* answers nothing */
    uint8_t config[4096];
    uint8_t writable[4096];
    uint64_t bar_size[6];
    uint32_t bar_kind[6];
    uint64_t virtual_size[6]; /* of the BARs of its virtual functions */
    uint32_t virtual_kind[6];
    uint32_t last_cap, last_extended; /* offset of the last capability; 0: none */
    uint32_t cap_power, cap_express, cap_advanced, cap_acs;
    uint32_t silent_reads; /* reads until it answers again */
    uint32_t function_resets, power_resets, bus_resets;
    uint32_t mastering_at_reset; /* resets that found bus mastering on */
    uint32_t cap_sriov;
    int physical;    /* of a virtual function: the index of its physical one */
    uint32_t number; /* and which of its virtual functions it is, from 1 on; 0: it is none */
};

struct pci_model_write {
    unsigned int function;
    uint32_t offset, value;
};

struct pci_model {
    unsigned int count;
    uint8_t bus_first;
    uint32_t reset_reads; /* reads that a function does not answer after its reset */
    struct pci_model_function function[PCI_MODEL_FUNCTIONS];
    unsigned int write_count, lost_writes; /* lost: to nobody, or to one that does not answer */
    struct pci_model_write write[PCI_MODEL_WRITES];
};

/* The host's registers, for host_attach(). */
uint64_t pci_model_read(void *context, uint64_t offset, unsigned int bytes);
void pci_model_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes);

/* Adds functions; each answers its index. */
int pci_model_endpoint(struct pci_model *pci, int parent, uint8_t device, uint8_t function);
/* express_type: of the PCI Express capability (4 root port, 5 upstream, 6 downstream, 7 to PCI), or
 * -1 for a conventional bridge. */
int pci_model_bridge(struct pci_model *pci, int parent, uint8_t device, uint8_t function,
                     int express_type);

/* Adds what a function has; each answers the capability's offset. */
uint32_t pci_model_capability(struct pci_model *pci, int index, uint8_t id, uint32_t size);
uint32_t pci_model_extended(struct pci_model *pci, int index, uint16_t id, uint32_t size);
void pci_model_bar(struct pci_model *pci, int index, unsigned int bar, uint64_t size, bool wide);
void pci_model_io_bar(struct pci_model *pci, int index, unsigned int bar, uint32_t size);
void pci_model_express(struct pci_model *pci, int index, unsigned int type, bool reset);
void pci_model_advanced(struct pci_model *pci, int index);
void pci_model_power(struct pci_model *pci, int index, bool soft_reset);
void pci_model_acs(struct pci_model *pci, int index, uint16_t bits);
void pci_model_multifunction(struct pci_model *pci, int index);

/* The function gets the capability, and `total` virtual functions with a PCI Express capability and FLR; answers the
 * index of the first. The first one's requester id lies `offset` behind the function's, the next ones' `stride`. */
int pci_model_virtual(struct pci_model *pci, int index, uint16_t total, uint16_t offset,
                      uint16_t stride);
/* What BAR n of each of them needs. */
void pci_model_virtual_bar(struct pci_model *pci, int index, unsigned int bar, uint64_t size,
                           bool wide);
/* Whether the virtual function is there now. */
bool pci_model_is_enabled(const struct pci_model *pci, int index);

/* Pulls the function out, and puts it back as it is after power-on. */
void pci_model_pull(struct pci_model *pci, int index);
void pci_model_insert(struct pci_model *pci, int index);

uint16_t pci_model_get16(const struct pci_model *pci, int index, uint32_t offset);
uint32_t pci_model_get32(const struct pci_model *pci, int index, uint32_t offset);
void pci_model_set16(struct pci_model *pci, int index, uint32_t offset, uint16_t value);
void pci_model_set32(struct pci_model *pci, int index, uint32_t offset, uint32_t value);

/* The requester id at the root, after the bridges above; false if bus mastering of the function
 * or of a bridge above is off, so that no request gets there. */
bool pci_model_requester(const struct pci_model *pci, int index, uint32_t *requester);

#endif

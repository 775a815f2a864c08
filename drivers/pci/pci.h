/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI Express (PCI Express Base 6.0) as Bulkhead finds it: it enumerates everything itself,
 * whatever firmware did before, since isolation rests on what is found here. Boot only, but for the
 * functions that say otherwise.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "drivers/topology/topology.h"
#include "lib/types.h"

#define PCI_FUNCTIONS 128
#define PCI_BARS 6
#define PCI_NAME 16
#define PCI_NO_PARENT UINT32_MAX
#define PCI_DEPTH 8

#define PCI_RID(bus, device, function) ((uint32_t)((bus) << 8 | (device) << 3 | (function)))

enum pci_kind {
    PCI_ENDPOINT,    /* below a port, or a conventional function */
    PCI_INTEGRATED,  /* an endpoint on the root bus */
    PCI_HOST_BRIDGE, /* the host's own presence on its root bus: no DMA, no registers */
    PCI_ROOT_PORT,
    PCI_SWITCH_UPSTREAM,
    PCI_SWITCH_DOWNSTREAM,
    PCI_BRIDGE_TO_PCI,      /* PCI Express to conventional PCI */
    PCI_BRIDGE_CONVENTIONAL /* conventional to conventional, or the reverse bridge */
};

struct pci_bar {
    uint64_t address; /* where it was placed; 0: not implemented, I/O, or it did not fit */
    uint64_t size;
    bool wide; /* a 64-bit BAR: the next register is its upper half */
    bool io;
};

enum pci_reset_method {
    PCI_RESET_NONE, /* there is no way to reset this function alone */
    PCI_RESET_FUNCTION_LEVEL,
    PCI_RESET_POWER,         /* D3hot and back, without "no soft reset" */
    PCI_RESET_SECONDARY_BUS, /* of the port above, which has nothing else below */
};

struct pci_function {
    const struct topology_pci_host *host;
    uint64_t config;   /* physical address of its configuration space */
    uint32_t rid;      /* bus, device, function */
    uint32_t parent;   /* index of the bridge above, or PCI_NO_PARENT */
    uint32_t physical; /* of a virtual function: 1 + index of its physical one; 0: it is none */
    uint32_t virtual_count; /* its virtual functions, which stand behind it in the array */
    enum pci_kind kind;
    uint16_t vendor, device;
    uint32_t class_revision;
    uint8_t secondary, subordinate; /* bridges */
    uint8_t pin;                    /* its INTx: 1 to 4; 0: none */
    bool loud;                      /* it has INTx, and Interrupt Disable does not stay set */
    bool multifunction;
    bool express;
    bool unplaced; /* a BAR did not fit into its bridge's window */
    /* Offsets of capabilities; 0: none. */
    uint16_t cap_power, cap_msi, cap_msix, cap_express, cap_advanced;
    uint16_t cap_acs, cap_ats, cap_pasid, cap_sriov, cap_ari;
    uint64_t shown; /* bit n: at 4 * n begins a capability that an owner may see */
    struct pci_bar bar[PCI_BARS];

    enum pci_reset_method reset_method; /* a constant of the function and its place */

    uint32_t requester;     /* the requester id that its transactions carry at the root (aliases) */
    uint32_t group;         /* index of the first function of its group */
    uint32_t group_reasons; /* BH_GROUP_* */
};

struct pci {
    uint32_t count;
    uint32_t dropped; /* functions beyond the array: decode and mastering are off, they stay so */
    bool unseen;      /* there are functions, or whole buses, that nobody has looked at */
    /* The board's words, before anything is enumerated. */
    uint32_t virtual_most; /* virtual functions that a physical one is given at most */
    bool
        virtual_isolated; /* they do not reach each other, nor their physical one, inside the device */
    struct pci_function function[PCI_FUNCTIONS];
};

/*
 * Finds every function behind the host: clears memory decode, bus mastering and bus numbers of all
 * on a bus before it looks behind any, numbers bridges depth first, reads capabilities, and places each
 * memory BAR alone in its pages inside its bridge's window. Bridges end up forwarding; endpoints with decode off, INTx
 * disabled. Virtual functions are enabled as the board wants. The host's ECAM is mapped. Work: twice 256 functions a bus found.
 */
void pci_enumerate(struct pci *pci, const struct topology_pci_host *host);

/*
 * Finds up to limit root buses among those of the host, behind its first one, which is one as well: in
 * ascending order, as many as it returns. An empty one is not seen. Before the host is enumerated; its
 * ECAM is mapped. Work: 256 functions a bus of the host.
 */
uint32_t pci_find_roots(const struct topology_pci_host *host, uint8_t *root, uint32_t limit);

/*
 * Computes requester ids, groups and their reasons over all functions. root_isolates: the board
 * vouches that a root complex routes nothing from one root port or integrated endpoint to another.
 * Switches ACS on where it exists. Once, after all hosts were enumerated. Work: the square of the
 * functions.
 */
void pci_isolate(struct pci *pci, bool root_isolates);

/* The placed BAR's address as the bus has it, which is what its register holds. Any time. */
uint64_t pci_bus_address(const struct pci_function *function, unsigned int bar);

/*
 * Bus addresses at which functions of the group answer, or to which its bridges lead, from the first
 * to the last: an access of a member to one of them may get there without coming to the root.
 * Size 0: its members' accesses come to the root all, since nothing joins it to another. After
 * pci_isolate(). Work: the functions.
 */
struct topology_range pci_peers(const struct pci *pci, uint32_t group);

/* Writes to the log what every function says of itself, for tools/topology.py. Once, after all hosts were enumerated,
 * while the log waits for the port. Work: eleven lines a function. */
void pci_dump(const struct pci *pci);

/* "0000:01:00.0" */
void pci_name(const struct pci_function *function, char name[PCI_NAME]);

/* Configuration space of a function that exists; offset aligned to the width. Any time. */
uint32_t pci_read32(const struct pci_function *function, uint32_t offset);
uint16_t pci_read16(const struct pci_function *function, uint32_t offset);
uint8_t pci_read8(const struct pci_function *function, uint32_t offset);
void pci_write32(const struct pci_function *function, uint32_t offset, uint32_t value);
void pci_write16(const struct pci_function *function, uint32_t offset, uint16_t value);

/* COMMAND bits. Any time, by the owner of the function's group. */
void pci_set_decode(const struct pci_function *function, bool on);
void pci_set_mastering(const struct pci_function *function, bool on);
void pci_set_interrupts(const struct pci_function *function, bool on); /* INTx */

/* How many vectors it has to raise messages by; 0: none. Boot only. */
uint32_t pci_vectors(const struct pci_function *function);

/* Where the vector's entry of its MSI-X table lies, among its registers; 0: it has MSI. Any time. */
uint64_t pci_vector_entry(const struct pci_function *function, uint32_t vector);

/* Has the function raise messages, or not any more: with MSI-X by what the function's own table says, with MSI by
 * vectors from 0 on, all at the doorbell. It has vectors. Any time, by the owner of its group. */
void pci_set_messages(const struct pci_function *function, uint64_t doorbell, bool on);

/* The line that its INTx reaches; INTERRUPT_NONE: it has none, or the host does not say. Boot only. */
uint32_t pci_line(const struct pci *pci, const struct pci_function *function);

/* Whether something that pci_set_interrupts() does not reach may raise the line. Boot only. */
bool pci_line_is_loud(const struct pci *pci, uint32_t line);

enum pci_presence {
    PCI_PRESENT,
    PCI_ABSENT,
    PCI_STRANGER, /* something answers in its place that is not what was found there at boot */
};

/* What answers at the function's place now. Any time; one that is being reset is absent. */
enum pci_presence pci_presence(const struct pci_function *function);

/* Whether a function whose memory decode was switched on is still that: neither gone nor reset by anyone else,
 * such as by the loss of its power. Any time. */
bool pci_is_settled(const struct pci_function *function);

/* Keeps what has come into the function's place from memory, its registers from the bus, and INTx quiet. Any time, by
 * the owner of the group. */
void pci_shut(const struct pci_function *function);

/* ---- Reset ladder (6.6): at every change of owner. Any time, by the owner of the group. ----- */

/* A reset is a few register writes with waits between, which the caller spends elsewhere. */
struct pci_reset {
    enum pci_reset_method method;
    unsigned int step; /* 0: not begun */
    uint64_t ready;    /* time before which the next step must not come */
    uint64_t deadline; /* time at which it has failed */
};

enum pci_reset_result { PCI_RESET_DONE, PCI_RESET_WAITING, PCI_RESET_FAILED };

/* The mildest method that resets the function; the reset by its bus only if it is alone there.
 * Found out while enumerating, when the function can be asked. */
enum pci_reset_method pci_reset_method(const struct pci *pci, const struct pci_function *function);

/*
 * Begins the reset, or goes on with it if its time has come; constant work. The function must be
 * parked. DONE: it answers again and BARs and INTx disable are restored, decode and mastering off.
 * FAILED: it did not come back in time, or as another one.
 */
enum pci_reset_result pci_reset(const struct pci *pci, const struct pci_function *function,
                                struct pci_reset *reset);

/* Gives up a reset that is under way: nothing is held in reset any more. The next one begins anew. */
void pci_reset_cancel(const struct pci *pci, const struct pci_function *function,
                      struct pci_reset *reset);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A book of what the partitions own, have mapped and have attached, kept by docs/abi.md alone. Before a
 * call it says which answers the ABI allows; the answer is checked and entered. What the kernel has in its
 * own tables is compared with it, never taken from it.
 */
#ifndef TESTS_FUZZ_BOOK_H
#define TESTS_FUZZ_BOOK_H

#include "tests/fuzz/leaves.h"
#include "tests/unit/machine.h"

#define BOOK_GUESTS 2
#define BOOK_MANAGER 1 /* of them the manager */
#define BOOK_DEVICES 6
#define NOBODY (-1)
#define HYPERVISOR (-2) /* which resets a group that is given */
#define WITHHELD (-3)   /* reserved for none */

struct book_space {
    bool live;
    bool unsure; /* its unit failed in the midst of an unmap */
    uint64_t id;
    unsigned int attached;
    bool tagged; /* it was attached once */
    unsigned int reserved;
    struct topology_range kept[BH_RESERVATIONS]; /* these */
    struct leaves leaves;
};

struct book_guest {
    bool off;
    bool pinned; /* a unit failed under it: pages may be gone */
    bool lost;   /* off since a call whose outcome hangs on that: what it owns is not known */
    uint64_t base, visible, physical;
    unsigned int device_count;
    uint64_t device[BOOK_DEVICES];
    struct book_space space[PARTITION_IOAS];
    struct leaves cpu; /* what its CPUs see */
    uint64_t ring;     /* address of its event ring; 0: none */
};

struct book_device {
    uint64_t id;
    int function;  /* of the PCI model; -1: none */
    uint32_t line; /* that its INTx may have; 0: none */
    bool dma;
    unsigned int group;
    uint32_t stream;
    struct bh_bar bar[BH_BAR_COUNT];
    int bound, last_bound;
    bool resetting; /* for the owner of its group */
    bool again;     /* its owner's device_reset is under way */
    bool held;      /* attached, and parked by that */
    uint64_t label;
    struct book_space *space;
    uint32_t vectors;                       /* messages that it can raise */
    uint32_t requester;                     /* its id for them */
    uint64_t table;                         /* of MSI-X, guest-physical; 0: it has MSI */
    uint32_t interrupt[BH_MESSAGE_VECTORS]; /* of its owner, by vector; 0: not bound */
    bool pending[BH_MESSAGE_VECTORS];       /* raised and not taken */
};

struct book_group {
    int owner;
    unsigned int count;
    int reserved; /* by the manager, for a partition; NOBODY: it is not */
    bool leaving; /* its owner is to give it back */
};

struct book {
    struct book_guest guest[BOOK_GUESTS];
    unsigned int device_count;
    struct book_device device[BOOK_DEVICES];
    struct book_group group[BOOK_DEVICES];
    struct topology_range
        closed[BOOK_DEVICES]; /* by group: what its members close where they are attached */
    uint64_t doorbell;        /* an IOVA; 0: nobody raises messages */
    uint64_t input_limit;
    unsigned int input_bits, tag_limit;
    unsigned int own_tags; /* the hypervisor's */
    bool failing;          /* the unit may fail at any call */
    bool failed;           /* it has failed */
};

extern struct book book;

/* book_messages.c. Some of the range is the window of doorbells; the space has a doorbell; a device has vectors bound. */
bool messages_meet(uint64_t iova, uint64_t size);
bool messages_in(const struct book_space *space);
bool messages_bound(const struct book_device *device);
/* All vectors of the device lead nowhere any more. */
void messages_forget(struct book_device *device);
/* What the message unit and the devices' capabilities hold is what was asked for. */
void messages_compare(void);
/* The device writes the number of an event to the doorbell, which its owner may know or not; what a CPU takes. */
void messages_raise(struct book_device *device, uint32_t event);
void messages_take(void);

/* Opens the book on a machine that has just booted; function and line of each device by the order in which
 * the first partition lists them. */
void book_open(const int *function, const uint32_t *line, unsigned int count);

/* closed.c. What the device adds to what its group closes; whether some of a range is closed in a space; whether the
 * space has something where the device would close it; whether ranges are those that the space has. */
void closed_open(const struct bh_device_info *info, const struct book_device *device);
bool closed_meets(const struct book_space *space, uint64_t iova, uint64_t size);
bool closed_forbids(const struct book_space *space, const struct book_device *device);
bool closed_ranges_hold(const struct book_space *space, const struct bh_ioas_ranges *ranges);

/* As book_open() left it. */
void book_again(void);

/* A call of a partition, checked against the book and entered in it. thorough: if it is refused,
 * machine_state() is compared too. Answers x0. */
int64_t book_call(unsigned int guest, uint64_t number, const uint64_t a[5], bool thorough);

/* The partition has been ended, or starts afresh. */
void book_end(unsigned int index, bool again);

/* Pools, tags and owner words are what the book says, and so is what each device reaches. */
void book_compare(void);

/* The partition's CPU was asked to leave the guest: what the manager gave to another is gone. */
void book_leave(unsigned int index);

/* The device with that id as a partition may name it, or NULL. */
struct book_device *book_device(unsigned int guest, uint64_t id);

#endif

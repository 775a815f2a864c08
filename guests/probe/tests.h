/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The behaviours of the probe: each returns its exit code, or ends the partition otherwise. What
 * they read from bootargs stands with each.
 */
#ifndef GUESTS_PROBE_TESTS_H
#define GUESTS_PROBE_TESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/bulkhead.h"

/* ---- abi*.c ---------------------------------------------------------------------------------- */
/* Every call, and every error that one partition with one edu can provoke. */
int test_abi(void);

/* The device under test of test_abi(). */
struct subject {
    uint32_t index; /* for device_info */
    uint32_t id;    /* for the other calls */
    struct bh_device_info info;
    struct bh_partition_info self;
};

void abi_discovery(void);
void abi_information(const struct subject *subject);
void abi_pointers(const struct subject *subject);
void abi_services(const struct subject *subject);
void abi_before_bind(const struct subject *subject);
void abi_bind(struct subject *subject);
void abi_ioas(const struct subject *subject);
void abi_map(const struct subject *subject);
void abi_map_bounds(const struct subject *subject);
void abi_attach(const struct subject *subject);
void abi_unbind(const struct subject *subject);

/* ---- processor.c ----------------------------------------------------------------------------- */
/* address=N [access=w]: reads or writes there, which must end the partition. */
int test_touch(void);

/* An undefined instruction at its own vectors: exit code BH_EXIT_UNDEFINED. */
int test_crash(void);

/* SMC is answered with NOT_SUPPORTED and skipped. */
int test_smc(void);

/* Spins for ever with interrupts masked. */
int test_hang(void);

/* Hypercalls preserve all registers but x0 to x3, vector registers included. */
int test_registers(void);

/* Ten sleeps by WFI and ten interrupts by the vector, a millisecond apart. */
int test_timer(void);

/* ---- periodic.c ------------------------------------------------------------------------------ */
/* periods=N: says how late it was, N deadlines a millisecond apart. */
int test_periodic(void);

/* ---- interrupts.c ---------------------------------------------------------------------------- */
/* List registers full, the distributor turned off, pending bits cleared: the CPU comes back and the
 * timer's interrupt still comes. */
int test_interrupts(void);

/* Resets itself with the timer's interrupt waiting: it comes in the next life. */
int test_timer_left(void);

/* Twenty shared interrupts nested, in order of priority, and deactivated in another order; routing. */
int test_gic(void);

/* ---- lines.c --------------------------------------------------------------------------------- */
/* With an edu: its line comes while it is bound, a storm of it, and nothing after unbind. */
int test_line(void);

/* [for-ms=N]: none of the shared interrupts comes. */
int test_line_watch(void);

/* With an edu whose line another partition's device shares: it raises it, and nothing comes. */
int test_line_none(void);

/* Both list one edu: the first dies with its line high, the second binds it then. */
int test_line_die(void);
int test_line_heir(void);

/* ---- message.c -------------------------------------------------------------------------------- */
/* With an edu: its message, what its DMA writes to the doorbell, a storm, and what comes after unbind. */
int test_message(void);

/* With an NVMe controller: its MSI-X, and what an attachment has to do with it. */
int test_message_nvme(void);

/* ---- lifecycle.c ----------------------------------------------------------------------------- */
/* Version and features, then SYSTEM_OFF: exit code 0. */
int test_psci(void);

/* [until-ms=N]: SYSTEM_RESET again and again, until that time of the machine. */
int test_reset(void);

/* Bytes that a console must make harmless. */
int test_console(void);

/* code=N: ends with it. */
int test_exit(void);

/* ---- device.c -------------------------------------------------------------------------------- */
/* [address=N]: dies by a read of N while its edu is about to write. */
int test_die_dma(void);

/* Binds its edu and reads its registers without end, while it writes to memory. */
int test_hammer(void);

/* events.c: each fault of its edu becomes an event; hostile indices are harmless. */
int test_events(void);

/* device-name=END: binds a register block and reads its first register. */
int test_rtc(void);

/* ---- nvme.c ---------------------------------------------------------------------------------- */
/* device-name=END serial=TEXT: binds an NVMe controller, checks that nothing of an earlier use is
 * left, and has it identify itself. */
int test_nvme(void);

/* ---- config.c -------------------------------------------------------------------------------- */
/* device-name=END: an NVMe controller's configuration space, in the window and by calls. */
int test_config(void);

/* ---- peers.c --------------------------------------------------------------------------------- */
/* reasons=N: the two devices of the list are one group by these reasons; their registers are no I/O addresses, and
 * where they are iommu-testdevs, a write of one to the other's is blocked. */
int test_peers(void);

/* reasons=N: binds one of the two, and a second later the other. Beside it in another partition that may bind the
 * same: each is EPERM. */
int test_peers_hold(void);
int test_peers_late(void);

/* With one function that is alone in its group: bind, a register, unbind. */
int test_virtual(void);

/* ---- units.c --------------------------------------------------------------------------------- */
/* With an iommu-testdev behind each of several IOMMUs: each in an address space of its own. */
int test_units(void);

/* The same in one address space. */
int test_shared(void);

/* ---- stream.c -------------------------------------------------------------------------------- */
/* how=neighbour: an NVMe controller reads its disk without end while an iommu-testdev, first in the same address
 * space, moves to another one and back. how=replace: the controller itself does, by replace. how=endless: the same,
 * until somebody stops it. */
int test_stream(void);

/* ---- pulled.c -------------------------------------------------------------------------------- */
/* An NVMe controller reads its disk until it is pulled out, and again when it is back; twice. */
int test_pulled(void);

/* Finds a listed device: an edu, or one whose name ends like that. */
bool find_edu(uint32_t *index, struct bh_device_info *info);
bool find_named(const char *end, struct bh_device_info *info);

/* ---- windows.c -------------------------------------------------------------------------------- */
/* One side asks and the other answers, each woken by the other's doorbell. */
int test_window_ask(void);
int test_window_answer(void);

/* Writes to a window that it may only read, which must end it. */
int test_window_trespass(void);

/* Leaves a pattern in the window and ends; or resets itself, and finds none of it. */
int test_window_end(void);
int test_window_again(void);

/* With an edu that is mapped to the window: the other side ends; or ends and begins anew. */
int test_window_survive(void);
int test_window_outlive(void);

/* ---- manager.c -------------------------------------------------------------------------------- */
/* [rounds=N] [wait-ms=N]: the manager of a set stops and starts its first partition, then restarts it so often. */
int test_manage(void);

/* With the edu on its list: takes it from the first partition, which runs hammer, and uses it itself. */
int test_give(void);

#endif

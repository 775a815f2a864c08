/* SPDX-License-Identifier: Apache-2.0 */
/* The reset ladder (6.6.2 FLR, 5.3.1.4 D3hot, 7.5.1.3.13 secondary bus reset), a step a call. */
#include "arch/seam.h"
#include "drivers/pci/internal.h"
#include "drivers/pci/registers.h"
#include "lib/log.h"

/* An answer that is on its way when FLR comes may be taken for one of a later request: the function is
 * given this long to have them all (6.6.2), and asked so often. */
#define PENDING_MICROSECONDS 100000
#define PENDING_ASK_MICROSECONDS 1000
/* Times that the specification demands before the function may be spoken to. */
#define FUNCTION_LEVEL_MICROSECONDS 100000
#define POWER_MICROSECONDS 10000
#define BUS_HOLD_MICROSECONDS 2000
#define BUS_SETTLE_MICROSECONDS 100000
/* It may answer "retry" for a second in all (2.3.1). */
#define RETURN_MICROSECONDS 1000000

enum step { STEP_NONE, STEP_BEGIN, STEP_PENDING, STEP_RELEASE, STEP_WAIT };

static bool alone_on_bus(const struct pci *pci, const struct pci_function *function)
{
    for (uint32_t i = 0; i < pci->count; i++) {
        const struct pci_function *other = &pci->function[i];

        if (other != function && other->parent == function->parent)
            return false;
    }
    return true;
}

enum pci_reset_method pci_reset_method(const struct pci *pci, const struct pci_function *function)
{
    (void)pci;
    return function->reset_method;
}

static bool has_express_flr(const struct pci_function *function)
{
    return function->cap_express != 0 &&
           (pci_read32(function, function->cap_express + EXPRESS_DEVICE_CAPABILITIES) &
            EXPRESS_FLR) != 0;
}

enum pci_reset_method pci_find_reset_method(const struct pci *pci,
                                            const struct pci_function *function)
{
    if (has_express_flr(function))
        return PCI_RESET_FUNCTION_LEVEL;
    if (function->cap_advanced != 0 &&
        (pci_read8(function, function->cap_advanced + ADVANCED_CAPABILITIES) & ADVANCED_FLR) != 0)
        return PCI_RESET_FUNCTION_LEVEL;
    if (function->cap_power != 0 &&
        (pci_read16(function, function->cap_power + POWER_CONTROL) & POWER_NO_SOFT_RESET) == 0)
        return PCI_RESET_POWER;
    if (function->parent != PCI_NO_PARENT && alone_on_bus(pci, function))
        return PCI_RESET_SECONDARY_BUS;
    return PCI_RESET_NONE;
}

static void set_power_state(const struct pci_function *function, uint16_t state)
{
    uint32_t offset = (uint32_t)function->cap_power + POWER_CONTROL;
    uint16_t control = pci_read16(function, offset);

    pci_write16(function, offset, (uint16_t)((control & ~POWER_STATE) | state));
}

static void set_bus_reset(const struct pci_function *bridge, bool on)
{
    uint16_t control = pci_read16(bridge, PCI_BRIDGE_CONTROL);

    pci_write16(
        bridge, PCI_BRIDGE_CONTROL,
        (uint16_t)(on ? control | BRIDGE_CONTROL_BUS_RESET : control & ~BRIDGE_CONTROL_BUS_RESET));
}

static void begin_function_level(const struct pci_function *function)
{
    if (has_express_flr(function)) {
        uint32_t offset = (uint32_t)function->cap_express + EXPRESS_DEVICE_CONTROL;

        pci_write16(function, offset, pci_read16(function, offset) | EXPRESS_INITIATE_FLR);
    } else {
        pci_write16(function, (uint32_t)function->cap_advanced + ADVANCED_CONTROL,
                    ADVANCED_INITIATE_FLR);
    }
}

/* Of a function with FLR. */
static bool is_pending(const struct pci_function *function)
{
    return has_express_flr(function)
               ? (pci_read16(function, function->cap_express + EXPRESS_DEVICE_STATUS) &
                  EXPRESS_PENDING) != 0
               : (pci_read8(function, function->cap_advanced + ADVANCED_STATUS) &
                  ADVANCED_PENDING) != 0;
}

/* Whether the reset may begin: nothing is pending that it would cut off, or the time for that is over. */
static bool may_begin(const struct pci_function *function, const struct pci_reset *reset)
{
    char name[PCI_NAME];

    if (reset->method != PCI_RESET_FUNCTION_LEVEL || !is_pending(function))
        return true;
    if (!time_passed(reset->deadline))
        return false;
    pci_name(function, name);
    log_warning("pci: %s has requests pending after 100 ms: reset all the same", name);
    return true;
}

/* Starts the reset; the next step comes after the returned number of microseconds. */
static uint64_t begin(const struct pci *pci, const struct pci_function *function,
                      enum pci_reset_method method)
{
    switch (method) {
    case PCI_RESET_FUNCTION_LEVEL:
        begin_function_level(function);
        return FUNCTION_LEVEL_MICROSECONDS;
    case PCI_RESET_POWER:
        set_power_state(function, POWER_STATE_D3);
        return POWER_MICROSECONDS;
    case PCI_RESET_SECONDARY_BUS:
        set_bus_reset(&pci->function[function->parent], true);
        return BUS_HOLD_MICROSECONDS;
    case PCI_RESET_NONE:
    default:
        return 0;
    }
}

static uint64_t release(const struct pci *pci, const struct pci_function *function,
                        enum pci_reset_method method)
{
    if (method == PCI_RESET_POWER) {
        set_power_state(function, 0);
        return POWER_MICROSECONDS;
    }
    if (method == PCI_RESET_SECONDARY_BUS) {
        set_bus_reset(&pci->function[function->parent], false);
        return BUS_SETTLE_MICROSECONDS;
    }
    return 0;
}

/* Registers of another size could lie over a neighbour's. */
static bool is_restored(const struct pci_function *function)
{
    char name[PCI_NAME];

    pci_shut(function);
    if (pci_restore_bars(function))
        return true;
    pci_name(function, name);
    log_warning("pci: %s has other registers than were found at boot", name);
    return false;
}

enum pci_reset_result pci_reset(const struct pci *pci, const struct pci_function *function,
                                struct pci_reset *reset)
{
    if (reset->step == STEP_NONE)
        reset->step = STEP_BEGIN;
    /* Also where one before was given up: the function may not be ready for the next. */
    if (!time_passed(reset->ready))
        return PCI_RESET_WAITING;
    switch ((enum step)reset->step) {
    case STEP_BEGIN:
        reset->method = pci_reset_method(pci, function);
        if (reset->method == PCI_RESET_NONE) {
            reset->step = STEP_NONE;
            return PCI_RESET_FAILED;
        }
        pci_write16(function, PCI_COMMAND, COMMAND_INTX_DISABLE);
        reset->deadline = time_deadline(PENDING_MICROSECONDS);
        reset->step = STEP_PENDING;
        __attribute__((fallthrough));
    case STEP_PENDING:
        if (!may_begin(function, reset)) {
            reset->ready = time_deadline(PENDING_ASK_MICROSECONDS);
            return PCI_RESET_WAITING;
        }
        reset->ready = time_deadline(begin(pci, function, reset->method));
        reset->step = STEP_RELEASE;
        return PCI_RESET_WAITING;
    case STEP_RELEASE:
        reset->ready = time_deadline(release(pci, function, reset->method));
        reset->deadline = reset->ready + time_ticks_per_second() / 1000000 * RETURN_MICROSECONDS;
        reset->step = STEP_WAIT;
        return PCI_RESET_WAITING;
    case STEP_NONE:
    case STEP_WAIT:
    default:
        break;
    }
    enum pci_presence presence = pci_presence(function);

    if (presence == PCI_ABSENT && !time_passed(reset->deadline))
        return PCI_RESET_WAITING;
    if (presence != PCI_PRESENT || !is_restored(function)) {
        pci_reset_cancel(pci, function, reset);
        return PCI_RESET_FAILED;
    }
    pci_enable_acs(function);
    reset->step = STEP_NONE;
    return PCI_RESET_DONE;
}

void pci_reset_cancel(const struct pci *pci, const struct pci_function *function,
                      struct pci_reset *reset)
{
    uint64_t ready = reset->ready;

    if (reset->step == STEP_RELEASE)
        ready = max_u64(ready, time_deadline(release(pci, function, reset->method)));
    *reset = (struct pci_reset){ .ready = ready };
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A physical GICv3 made of data, by IHI 0069 (12.9, 12.11): the registers of a distributor and of
 * redistributors in any number of regions. What was disabled stays in force until RWP has been read as one
 * as often as a test says, and what software may not do meanwhile is listed as a mistake.
 */
#ifndef TESTS_GIC_MODEL_H
#define TESTS_GIC_MODEL_H

#include "drivers/irqchip/gicv3.h"
#include "its_model.h"
#include "lib/types.h"

#define GIC_DISTRIBUTOR UINT64_C(0x08000000)
#define GIC_LINES 96
#define GIC_MODEL_CPUS 6
#define GIC_FOREVER UINT32_MAX

/* 32 interrupts; the words of the distributor, or the private ones of a CPU. */
struct gic_word {
    uint32_t enabled, pending, active, group;
    uint32_t fading; /* disabled, and in force until RWP reads as zero */
    uint64_t edge;   /* bit n * 2 + 1: interrupt n */
    uint8_t priority[32];
};

struct gic_redistributor {
    uint64_t base, size; /* no size: there is none */
    uint64_t affinity;   /* as GICR_TYPER has it */
    bool last, asleep;
    struct its_model
        *its; /* its LPIs are that model's, as redistributor `number`; NULL: it has none */
    unsigned int number;
    struct gic_word word;
    uint32_t waits; /* reads of GICR_CTLR until RWP is zero */
};

struct gic_model {
    uint32_t control;
    uint32_t waits; /* reads of GICD_CTLR until RWP is zero */
    struct gic_word word[GIC_LINES / 32];
    uint64_t router[GIC_LINES];
    struct gic_redistributor redistributor[GIC_MODEL_CPUS];
    uint32_t slow;   /* reads of RWP as one behind each write that sets it; GIC_FOREVER */
    uint32_t prompt; /* writes that set it before that counts */
    unsigned int mistakes;
    const char *mistake;
};

extern struct gic_model gic_model;

/* A distributor as firmware leaves it: affinity routing and all lines on, all edges. No redistributors. */
void gic_model_start(void);

/* Adds one; last: of its region. Call gic_model_start() before. */
struct gic_redistributor *gic_model_add(uint64_t base, uint64_t affinity, bool wide, bool last);

#endif

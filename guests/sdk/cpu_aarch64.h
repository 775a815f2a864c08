/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h for AArch64; Arm ARM DDI 0487, part D, and IHI 0069 for ICC registers. */
#ifndef BULKHEAD_SDK_CPU_AARCH64_H
#define BULKHEAD_SDK_CPU_AARCH64_H

/* ---- Hypercalls ------------------------------------------------------------------------------ */
#define CPU_CALL_BASE BH_FUNCTION_BASE

/*
 * One HVC #0 with a whole function id in x0, for discovery, PSCI and tests. The compiler is told
 * that x4 to x17 change, as the SMC Calling Convention allows; Bulkhead preserves them.
 */
static inline struct bh_result bh_hvc(uint64_t id, uint64_t a1, uint64_t a2, uint64_t a3,
                                      uint64_t a4, uint64_t a5)
{
    register uint64_t x0 __asm__("x0") = id;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = a4;
    register uint64_t x5 __asm__("x5") = a5;

    __asm__ volatile("hvc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
                     :
                     : "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "memory");
    return (struct bh_result){ (int64_t)x0, { x1, x2, x3 } };
}

/* ---- Registers of devices: one load or store each, with a plain base register ---------------- */
static inline uint32_t cpu_load32(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint64_t cpu_load64(uintptr_t address)
{
    uint64_t value;

    __asm__ volatile("ldr %x0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void cpu_store32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void cpu_store64(uintptr_t address, uint64_t value)
{
    __asm__ volatile("str %x0, [%1]" : : "r"(value), "r"(address) : "memory");
}

/* Stores, or loads, before this come before all such accesses behind it, for devices too. */
static inline void cpu_order_stores(void)
{
    __asm__ volatile("dmb oshst" : : : "memory");
}

static inline void cpu_order_loads(void)
{
    __asm__ volatile("dmb oshld" : : : "memory");
}

/* ---- Timer ----------------------------------------------------------------------------------- */
static inline uint64_t cpu_counter(void)
{
    uint64_t count;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count) : : "memory");
    return count;
}

static inline uint32_t cpu_counter_frequency(void)
{
    uint64_t hertz;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
    return (uint32_t)hertz;
}

static inline void cpu_timer_compare(uint64_t count)
{
    __asm__ volatile("msr cntv_cval_el0, %0" : : "r"(count) : "memory");
}

static inline void cpu_timer_control(uint32_t control)
{
    __asm__ volatile("msr cntv_ctl_el0, %0\n\tisb" : : "r"((uint64_t)control) : "memory");
}

/* ---- Interrupts ------------------------------------------------------------------------------ */
static inline void cpu_mask_interrupts(void)
{
    __asm__ volatile("msr daifset, #2\n\tisb" : : : "memory");
}

static inline void cpu_unmask_interrupts(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb" : : : "memory");
}

/* The mask as it is, and as it was. */
static inline uintptr_t cpu_interrupt_mask(void)
{
    uint64_t daif;

    __asm__ volatile("mrs %0, daif" : "=r"(daif));
    return daif;
}

static inline void cpu_restore_interrupt_mask(uintptr_t mask)
{
    __asm__ volatile("msr daif, %0\n\tisb" : : "r"((uint64_t)mask) : "memory");
}

static inline void cpu_wait(void)
{
    __asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

/* ---- CPU interface of the GIC ---------------------------------------------------------------- */
static inline uint32_t cpu_icc_sre(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, icc_sre_el1" : "=r"(value));
    return (uint32_t)value;
}

static inline void cpu_set_icc_sre(uint32_t value)
{
    __asm__ volatile("msr icc_sre_el1, %0\n\tisb" : : "r"((uint64_t)value));
}

static inline void cpu_set_icc_bpr1(uint32_t value)
{
    __asm__ volatile("msr icc_bpr1_el1, %0" : : "r"((uint64_t)value));
}

static inline void cpu_set_icc_ctlr(uint32_t value)
{
    __asm__ volatile("msr icc_ctlr_el1, %0" : : "r"((uint64_t)value));
}

static inline void cpu_set_icc_pmr(uint32_t value)
{
    __asm__ volatile("msr icc_pmr_el1, %0" : : "r"((uint64_t)value));
}

static inline void cpu_set_icc_igrpen1(uint32_t value)
{
    __asm__ volatile("msr icc_igrpen1_el1, %0\n\tisb" : : "r"((uint64_t)value));
}

static inline void cpu_set_icc_sgi1r(uint64_t value)
{
    __asm__ volatile("msr icc_sgi1r_el1, %0\n\tisb" : : "r"(value) : "memory");
}

/* The barrier orders what the handler does behind the acknowledge. */
static inline uint32_t cpu_icc_iar1(void)
{
    uint64_t value;

    __asm__ volatile("mrs %0, icc_iar1_el1\n\tdsb sy" : "=r"(value) : : "memory");
    return (uint32_t)value;
}

/* What quietened the source has taken effect before the end, else the interrupt repeats. */
static inline void cpu_set_icc_eoir1(uint32_t value)
{
    __asm__ volatile("dsb sy\n\tisb\n\tmsr icc_eoir1_el1, %0\n\tisb"
                     :
                     : "r"((uint64_t)value)
                     : "memory");
}

#endif

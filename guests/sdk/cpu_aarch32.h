/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h for AArch32; Arm ARM DDI 0487, part G, and IHI 0069 for ICC registers. */
#ifndef BULKHEAD_SDK_CPU_AARCH32_H
#define BULKHEAD_SDK_CPU_AARCH32_H

#define CPU_REGISTER_BITS 32

/* ---- Hypercalls ------------------------------------------------------------------------------ */
#define CPU_CALL_BASE BH_FUNCTION_BASE_32

/*
 * One HVC #0 with a whole function id in r0, for discovery, PSCI and tests. Arguments are registers
 * of 32 bits: where one of them does not fit, no call is made and BH_ERANGE is the answer.
 */
static inline struct bh_result bh_hvc(uint64_t id, uint64_t a1, uint64_t a2, uint64_t a3,
                                      uint64_t a4, uint64_t a5)
{
    if ((id | a1 | a2 | a3 | a4 | a5) >> CPU_REGISTER_BITS != 0)
        return (struct bh_result){ BH_ERANGE, { 0 } };

    register uint32_t r0 __asm__("r0") = (uint32_t)id;
    register uint32_t r1 __asm__("r1") = (uint32_t)a1;
    register uint32_t r2 __asm__("r2") = (uint32_t)a2;
    register uint32_t r3 __asm__("r3") = (uint32_t)a3;
    register uint32_t r4 __asm__("r4") = (uint32_t)a4;
    register uint32_t r5 __asm__("r5") = (uint32_t)a5;

    __asm__ volatile(".arch_extension virt\n\thvc #0"
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r4), "+r"(r5)
                     :
                     : "memory");
    return (struct bh_result){ (int32_t)r0, { r1, r2, r3 } };
}

/* ---- Registers of devices: loads and stores of one word, with a plain base register ---------- */
static inline uint32_t cpu_load32(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void cpu_store32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

/* No load or store of two registers: a hypervisor cannot tell from the syndrome what it was. */
static inline uint64_t cpu_load64(uintptr_t address)
{
    uint64_t low = cpu_load32(address);

    return (uint64_t)cpu_load32(address + sizeof(uint32_t)) << CPU_REGISTER_BITS | low;
}

static inline void cpu_store64(uintptr_t address, uint64_t value)
{
    cpu_store32(address, (uint32_t)value);
    cpu_store32(address + sizeof(uint32_t), (uint32_t)(value >> CPU_REGISTER_BITS));
}

/* Stores, or loads, before this come before all such accesses behind it, for devices too. */
static inline void cpu_order_stores(void)
{
    __asm__ volatile("dmb oshst" : : : "memory");
}

/* Armv7 has no barrier for loads alone. */
static inline void cpu_order_loads(void)
{
    __asm__ volatile("dmb osh" : : : "memory");
}

/* ---- Timer ----------------------------------------------------------------------------------- */
static inline uint64_t cpu_counter(void)
{
    uint32_t low, high;

    __asm__ volatile("isb\n\tmrrc p15, 1, %0, %1, c14" /* CNTVCT */
                     : "=r"(low), "=r"(high)
                     :
                     : "memory");
    return (uint64_t)high << CPU_REGISTER_BITS | low;
}

static inline uint32_t cpu_counter_frequency(void)
{
    uint32_t hertz;

    __asm__ volatile("mrc p15, 0, %0, c14, c0, 0" : "=r"(hertz)); /* CNTFRQ */
    return hertz;
}

static inline void cpu_timer_compare(uint64_t count)
{
    __asm__ volatile("mcrr p15, 3, %0, %1, c14" /* CNTV_CVAL */
                     :
                     : "r"((uint32_t)count), "r"((uint32_t)(count >> CPU_REGISTER_BITS))
                     : "memory");
}

static inline void cpu_timer_control(uint32_t control)
{
    __asm__ volatile("mcr p15, 0, %0, c14, c3, 1\n\tisb"
                     :
                     : "r"(control)
                     : "memory"); /* CNTV_CTL */
}

/* ---- Interrupts ------------------------------------------------------------------------------ */
static inline void cpu_mask_interrupts(void)
{
    __asm__ volatile("cpsid i\n\tisb" : : : "memory");
}

static inline void cpu_unmask_interrupts(void)
{
    __asm__ volatile("cpsie i\n\tisb" : : : "memory");
}

/* The mask as it is, and as it was. */
static inline uintptr_t cpu_interrupt_mask(void)
{
    uint32_t cpsr;

    __asm__ volatile("mrs %0, cpsr" : "=r"(cpsr));
    return cpsr;
}

static inline void cpu_restore_interrupt_mask(uintptr_t mask)
{
    __asm__ volatile("msr cpsr_c, %0\n\tisb" : : "r"(mask) : "memory");
}

static inline void cpu_wait(void)
{
    __asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

/* ---- CPU interface of the GIC ---------------------------------------------------------------- */
static inline uint32_t cpu_icc_sre(void)
{
    uint32_t value;

    __asm__ volatile("mrc p15, 0, %0, c12, c12, 5" : "=r"(value));
    return value;
}

static inline void cpu_set_icc_sre(uint32_t value)
{
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 5\n\tisb" : : "r"(value));
}

static inline void cpu_set_icc_bpr1(uint32_t value)
{
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 3" : : "r"(value));
}

static inline void cpu_set_icc_ctlr(uint32_t value)
{
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 4" : : "r"(value));
}

static inline void cpu_set_icc_pmr(uint32_t value)
{
    __asm__ volatile("mcr p15, 0, %0, c4, c6, 0" : : "r"(value));
}

static inline void cpu_set_icc_igrpen1(uint32_t value)
{
    __asm__ volatile("mcr p15, 0, %0, c12, c12, 7\n\tisb" : : "r"(value));
}

/* ICC_SGI1R */
static inline void cpu_set_icc_sgi1r(uint64_t value)
{
    __asm__ volatile("mcrr p15, 0, %0, %1, c12\n\tisb"
                     :
                     : "r"((uint32_t)value), "r"((uint32_t)(value >> CPU_REGISTER_BITS))
                     : "memory");
}

/* The barrier orders what the handler does behind the acknowledge. */
static inline uint32_t cpu_icc_iar1(void)
{
    uint32_t value;

    __asm__ volatile("mrc p15, 0, %0, c12, c12, 0\n\tdsb sy" : "=r"(value) : : "memory");
    return value;
}

/* What quietened the source has taken effect before the end, else the interrupt repeats. */
static inline void cpu_set_icc_eoir1(uint32_t value)
{
    __asm__ volatile("dsb sy\n\tisb\n\tmcr p15, 0, %0, c12, c12, 1\n\tisb"
                     :
                     : "r"(value)
                     : "memory");
}

#endif

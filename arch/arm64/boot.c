/* SPDX-License-Identifier: Apache-2.0 */
/* From head.S to kernel_main(), and the CPUs after the first. */
#include "arch/boot.h"

#include "arch/arch.h"
#include "arch/arm64/gic.h"
#include "arch/arm64/mmu.h"
#include "arch/arm64/psci.h"
#include "arch/seam.h"
#include "arm64.h"
#include "lib/log.h"
#include "lib/sha256.h"

/* From PSCI CPU_ON to the first sign of life. */
#define CPU_START_MICROSECONDS 1000000

struct cpu cpus[CPU_LIMIT];

extern char image_start[], image_end[];
extern const uint64_t relocated_start[], relocated_end[];
extern char secondary_entry[];

_Noreturn void arch_boot(uint64_t device_tree, const struct early_report *early);
_Noreturn void arch_secondary(struct cpu *cpu);

/*
 * Traps of single registers and instructions (FEAT_FGT, FEAT_HCX), which may be as firmware or a loader left
 * them. All zero: what older controls trap goes on to, nothing else does, and the later features, whose bits
 * allow, stay out of EL1's reach, their registers with them.
 */
static void clear_fine_traps(void)
{
    uint64_t fine = FIELD_GET(MMFR0_FINE_TRAPS, sysreg_read(id_aa64mmfr0_el1));

    if (fine != 0) {
        sysreg_write_named(HFGRTR_EL2, 0);
        sysreg_write_named(HFGWTR_EL2, 0);
        sysreg_write_named(HFGITR_EL2, 0);
        sysreg_write_named(HDFGRTR_EL2, 0);
        sysreg_write_named(HDFGWTR_EL2, 0);
        if (FIELD_GET(PFR0_AMU, sysreg_read(id_aa64pfr0_el1)) != 0)
            sysreg_write_named(HAFGRTR_EL2, 0);
    }
    if (fine >= MMFR0_FINE_TRAPS_2) {
        sysreg_write_named(HFGRTR2_EL2, 0);
        sysreg_write_named(HFGWTR2_EL2, 0);
        sysreg_write_named(HFGITR2_EL2, 0);
        sysreg_write_named(HDFGRTR2_EL2, 0);
        sysreg_write_named(HDFGWTR2_EL2, 0);
    }
    if (FIELD_GET(MMFR1_HCRX, sysreg_read(id_aa64mmfr1_el1)) != 0)
        sysreg_write_named(HCRX_EL2, 0);
}

/* What the CPU does at EL2 that does not depend on a guest. */
static void cpu_start(struct cpu *cpu)
{
    sysreg_write(tpidr_el2, memory_physical(cpu));
    sysreg_write(hcr_el2, HCR_RW); /* no guest: nothing is routed or translated for one */
    isb();                         /* the layout of CPTR_EL2 hangs on E2H */
    clear_fine_traps();
    sysreg_write(cptr_el2, CPTR_RES1 & ~(CPTR_TFP));
    sysreg_write(cnthctl_el2, 0);
    isb();
    cpu->aarch32 = FIELD_GET(PFR0_EL1, sysreg_read(id_aa64pfr0_el1)) == PFR0_EL1_BOTH;
    cpu->affinity = sysreg_read(mpidr_el1) & (BITS(39, 32) | BITS(23, 0));
}

void arch_image_range(uint64_t *base, uint64_t *size)
{
    *base = memory_physical(image_start);
    *size = (uint64_t)(image_end - image_start);
}

void arch_image_digest(uint8_t digest[SHA256_SIZE])
{
    uint64_t base = memory_physical(image_start), moved = base - IMAGE_LINK_ADDRESS;
    uint64_t size = (uint64_t)(image_end - image_start);
    struct sha256 sha;

    sha256_start(&sha);
    sha256_add(&sha, image_start, (uint64_t)((const char *)relocated_start - image_start));
    for (const uint64_t *at = relocated_start; at < relocated_end; at++) {
        /* As head.S found it. */
        uint64_t word = *at - base < size ? *at - moved : *at;

        sha256_add(&sha, &word, sizeof(word));
    }
    sha256_end(&sha, digest);
}

_Noreturn void arch_boot(uint64_t device_tree, const struct early_report *early)
{
    struct boot_information boot = {
        .device_tree = device_tree,
        .early = *early,
    };

    cpus[0].online = true;
    cpu_start(&cpus[0]);
    if (!mmu_start()) {
        /* Only a build error leads here: the tables are sized for the image. */
        arch_power_off();
    }
    kernel_main(&boot);
}

_Noreturn void arch_secondary(struct cpu *cpu)
{
    cpu_start(cpu);
    gic_cpu_start(cpu);
    __atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
    __asm__ volatile("sev");
    arch_idle();
}

static bool wait_online(const struct cpu *cpu)
{
    uint64_t deadline = time_deadline(CPU_START_MICROSECONDS);

    while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
        if (time_passed(deadline))
            return false;
        cpu_relax();
    }
    return true;
}

unsigned int arch_start_cpus(const struct topology *topology, unsigned int limit)
{
    unsigned int count = 1;

    if (!topology->psci || !topology->psci_smc) {
        if (topology->cpu_count > 1)
            log_warning("no PSCI by SMC in the device tree: only the boot CPU runs");
        return 1;
    }
    for (uint32_t i = 0; i < topology->cpu_count && count < limit; i++) {
        struct cpu *cpu = &cpus[count];

        if (topology->cpu[i].affinity == cpus[0].affinity)
            continue;
        cpu->index = count;
        cpu->affinity = topology->cpu[i].affinity;
        mmu_publish();
        cache_clean(cpu, sizeof(*cpu));
        int64_t error = psci_cpu_on(cpu->affinity, memory_physical(secondary_entry),
                                    memory_physical(cpu));

        if (error != 0 || !wait_online(cpu)) {
            log_warning("CPU with affinity 0x%lx did not start (PSCI %ld): left off", cpu->affinity,
                        error);
            cpu->online = false;
            break; /* its stack slot may come alive late: no other CPU gets it */
        }
        count++;
    }
    return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for console input. */
#include "bulkhead.h"
#include "gic.h"

/* One look: the interrupt is forgotten first, so that input behind the look wakes again. */
static int64_t look(void *bytes, size_t length, uint32_t intid, bool gic)
{
    uint64_t taken;
    int64_t status;

    if (gic)
        gic_clear_shared(intid);
    status = bh_console_read(bytes, length, &taken);
    return status == BH_OK ? (int64_t)taken : status;
}

int64_t bh_input(void *bytes, size_t length)
{
    struct bh_partition_info self;
    uintptr_t mask = cpu_interrupt_mask();
    int64_t count = bh_partition_info(&self);
    bool gic = count == BH_OK && self.console_interrupt != 0 && gic_init();

    if (length > BH_CONSOLE_BYTES_PER_CALL)
        length = BH_CONSOLE_BYTES_PER_CALL;
    while ((count = look(bytes, length, self.console_interrupt, gic)) == 0) {
        if (!gic)
            continue;
        /* Enabled while masked alone: it wakes, and no handler of the program sees it. */
        gic_mask();
        gic_enable_shared(self.console_interrupt);
        cpu_wait();
        gic_disable_shared(self.console_interrupt);
        cpu_restore_interrupt_mask(mask);
    }
    return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "boot_bench.h"

#include "machine.h"

void expect_boot_refused(const char *text)
{
    enum host_end end = machine_kernel();

    if (end != HOST_OFF)
        fail_msg("the kernel went on (%d), expected: %s\n%s", (int)end, text, machine.console);
    assert_console(text);
    assert_console("[bulkhead] off: bulkhead=253\n");
    pci_model_set16(&machine.pci, DEVICE1, 4, 6);
    assert_int_not_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_LANDED);
}

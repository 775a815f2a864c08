/* SPDX-License-Identifier: Apache-2.0 */
/* Arm PrimeCell UART PL011 (DDI 0183). Baud rate and framing are the boot
 * loader's. */
#include "arch/seam.h"
#include "drivers/serial/serial.h"

#define UARTDR 0x000
#define DR_BAD BITS(10, 8) /* what came was a break, or broken */
#define UARTFR 0x018
#define FR_BUSY BIT(3)
#define FR_RXFE BIT(4)
#define FR_TXFF BIT(5)
#define UARTCR 0x030
#define CR_UARTEN BIT(0)
#define CR_TXE BIT(8)
#define CR_RXE BIT(9)
#define UARTIMSC 0x038
#define UARTICR 0x044
#define INT_RX BIT(4)
#define INT_TX BIT(5)
#define INT_RT BIT(6) /* something has waited in the FIFO below its level */
#define INT_ALL BITS(10, 0)

static void pl011_start(uint64_t base)
{
    mmio_write32(base + UARTIMSC, 0);
    mmio_write32(base + UARTICR, (uint32_t)INT_ALL);
    mmio_write32(base + UARTCR,
                 mmio_read32(base + UARTCR) | (uint32_t)(CR_UARTEN | CR_TXE | CR_RXE));
}

static bool pl011_write(uint64_t base, char c)
{
    if ((mmio_read32(base + UARTFR) & FR_TXFF) != 0)
        return false;
    mmio_write32(base + UARTDR, (unsigned char)c);
    return true;
}

static bool pl011_read(uint64_t base, char *c)
{
    uint32_t data;

    if ((mmio_read32(base + UARTFR) & FR_RXFE) != 0)
        return false;
    data = mmio_read32(base + UARTDR);
    *c = (char)data;
    return (data & DR_BAD) == 0;
}

/* The interrupt for room says that the FIFO has passed its level downwards, so something must have been
 * written before it can come: the log writes first and asks then. */
static void pl011_interrupt(uint64_t base, bool room, bool input)
{
    if (!room)
        mmio_write32(base + UARTICR, (uint32_t)INT_TX);
    mmio_write32(base + UARTIMSC, (uint32_t)((input ? INT_RX | INT_RT : 0) | (room ? INT_TX : 0)));
}

static bool pl011_idle(uint64_t base)
{
    return (mmio_read32(base + UARTFR) & FR_BUSY) == 0;
}

SERIAL_DRIVER(pl011) = {
    .compatible = "arm,pl011",
    .port = {
        .start = pl011_start,
        .write = pl011_write,
        .read = pl011_read,
        .interrupt = pl011_interrupt,
        .idle = pl011_idle,
    },
};

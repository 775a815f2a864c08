/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt translation service of GICv3 (IHI 0069 12.18 to 12.20 registers, 5.3 commands) and the registers
 * of a redistributor that LPIs need (12.10, 12.11), in the manual's order and with its names. Data only.
 */
#ifndef DRIVERS_IRQCHIP_ITS_REGISTERS_H
#define DRIVERS_IRQCHIP_ITS_REGISTERS_H

#include "lib/types.h"

/* ---- Distributor and redistributor ---------------------------------------------------------- */
#define GICR_CTLR 0x0000
#define GICR_CTLR_ENABLE_LPIS BIT(0)
#define GICR_TYPER 0x0008
#define GICR_TYPER_PLPIS BIT(0)
#define GICR_TYPER_PROCESSOR BITS(23, 8)
#define GICR_PROPBASER 0x0070
#define PROPBASER_ID_BITS BITS(4, 0) /* less one */
#define GICR_PENDBASER 0x0078
#define PENDBASER_ZERO BIT(62) /* PTZ: the table is zero */
/* Of both, as in the ITS's own registers further down. */
#define LPI_INNER_CACHE BITS(9, 7)
#define LPI_SHAREABILITY BITS(11, 10)

/* Attributes of accesses to memory. Outer: 0, as the inner ones. */
#define CACHE_NONE 1
#define CACHE_WRITE_BACK 7 /* read and write allocate */
#define SHARE_INNER_DOMAIN 1

/* An LPI's byte in the configuration table (5.1.1). */
/* its priority, in bits 7 to 2, and */
#define LPI_RESERVED_ONE BIT(1)
#define LPI_ENABLE BIT(0)

/* ---- Control frame of the ITS --------------------------------------------------------------- */
#define GITS_CTLR 0x0000
#define GITS_CTLR_ENABLED BIT(0)
#define GITS_CTLR_QUIESCENT BIT(31)
#define GITS_TYPER 0x0008
#define GITS_TYPER_PHYSICAL BIT(0)
#define GITS_TYPER_ITT_ENTRY BITS(7, 4)   /* bytes of an entry, less one */
#define GITS_TYPER_EVENT_BITS BITS(12, 8) /* less one */
#define GITS_TYPER_DEVICE_BITS BITS(17, 13)
#define GITS_TYPER_PTA BIT(19) /* targets are addresses of redistributors */
#define GITS_TYPER_HCC BITS(31, 24)
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define CREADR_STALLED BIT(0)
#define QUEUE_OFFSET BITS(19, 5)
#define GITS_BASER(n) (0x0100 + 8 * (uint64_t)(n))
#define GITS_BASERS 8
#define BASER_SIZE BITS(7, 0) /* pages, less one */
#define BASER_PAGE_SIZE BITS(9, 8)
#define BASER_PAGE_64K 2
#define BASER_SHAREABILITY BITS(11, 10) /* of CBASER, too */
#define BASER_ENTRY BITS(52, 48)        /* bytes of an entry, less one */
#define BASER_TYPE BITS(58, 56)
#define BASER_TYPE_DEVICES 1
#define BASER_TYPE_COLLECTIONS 4
#define BASER_INNER_CACHE BITS(61, 59) /* of CBASER, too */
#define BASER_INDIRECT BIT(62)
#define BASER_VALID BIT(63) /* of CBASER, too */

/* ---- Translation frame ---------------------------------------------------------------------- */
#define GITS_TRANSLATION 0x10000
#define GITS_TRANSLATER 0x10040
#define GITS_REGISTERS_SIZE 0x20000

/* ---- Tables --------------------------------------------------------------------------------- */
#define LEVEL1_SIZE UINT64_C(8) /* of an entry */
#define LEVEL1_VALID BIT(63)
#define ITT_ALIGNMENT UINT64_C(256)
#define QUEUE_ALIGNMENT UINT64_C(0x10000) /* of the pending tables, too */

/* ---- Commands ------------------------------------------------------------------------------- */
#define ITS_COMMAND_WORDS 4
#define ITS_COMMAND_SIZE UINT64_C(32)
#define ITS_SYNC 0x05
#define ITS_MAPD 0x08
#define ITS_MAPC 0x09
#define ITS_MAPTI 0x0A
#define ITS_INVALL 0x0D
#define ITS_DISCARD 0x0F
#define ITS0_DEVICE BITS(63, 32)
#define ITS1_SIZE BITS(4, 0) /* MAPD: bits of an event id, less one */
#define ITS1_EVENT BITS(31, 0)
#define ITS1_INTERRUPT BITS(63, 32)
#define ITS2_COLLECTION BITS(15, 0)
#define ITS2_TARGET BITS(50, 16)
#define ITS2_TABLE BITS(51, 8)
#define ITS2_VALID BIT(63)

#endif

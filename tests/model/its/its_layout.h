/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts of the GICv3 ITS: registers and commands, as tables of named fields with the manual's
 * names (IHI 0069, 5.3 and 12.18 to 12.20). Bits of a command are counted from bit 0 of its first
 * doubleword.
 *
 * Each table says what it was confirmed against besides the manual: "QEMU" is
 * hw/intc/gicv3_internal.h, "Zephyr" drivers/interrupt_controller/intc_gicv3_priv.h and
 * intc_gicv3_its.c, "TF-A" include/drivers/arm/gicv3.h, "U-Boot" arch/arm/include/asm/gic-v3.h.
 */
#ifndef ITS_LAYOUT_H
#define ITS_LAYOUT_H

#include "tests/model/fields.h"

/* ---- Offsets. Confirmed: TF-A; the translation frame: Zephyr (GITS_TRANSLATER); PIDR2: manual only. */
enum its_offset {
    AT_GITS_CTLR = 0x0000,
    AT_GITS_IIDR = 0x0004,
    AT_GITS_TYPER = 0x0008,
    AT_GITS_CBASER = 0x0080,
    AT_GITS_CWRITER = 0x0088,
    AT_GITS_CREADR = 0x0090,
    AT_GITS_BASER = 0x0100, /* eight of them */
    AT_GITS_PIDR2 = 0xFFE8,
    AT_GITS_TRANSLATER = 0x10040,
    GITS_BASERS = 8,
};

/* Confirmed: QEMU. */
enum gits_ctlr_field {
    CTLR_ENABLED = FIELD(0, 0),
    CTLR_QUIESCENT = FIELD(31, 31),
};

/* Confirmed: QEMU; HCC: manual only. Widths and sizes are given minus one. */
enum gits_typer_field {
    TYPER_PHYSICAL = FIELD(0, 0),
    TYPER_ITT_ENTRY_SIZE = FIELD(7, 4),
    TYPER_ID_BITS = FIELD(12, 8),
    TYPER_DEVBITS = FIELD(17, 13),
    TYPER_PTA = FIELD(19, 19),
    TYPER_HCC = FIELD(31, 24),
    TYPER_CIDBITS = FIELD(35, 32),
    TYPER_CIL = FIELD(36, 36),
};

/* Confirmed: QEMU. Size is in pages of 4 KiB, minus one. */
enum gits_cbaser_field {
    CBASER_SIZE = FIELD(7, 0),
    CBASER_SHAREABILITY = FIELD(11, 10),
    CBASER_ADDRESS = FIELD(51, 12),
    CBASER_OUTER_CACHE = FIELD(55, 53),
    CBASER_INNER_CACHE = FIELD(61, 59),
    CBASER_VALID = FIELD(63, 63),
};

/* Confirmed: QEMU. */
enum gits_queue_field {
    CWRITER_RETRY = FIELD(0, 0),
    CREADR_STALLED = FIELD(0, 0),
    QUEUE_OFFSET = FIELD(19, 5),
};

/* Confirmed: QEMU. With pages of 64 KiB bits [15:12] are bits [51:48] of the address. */
enum gits_baser_field {
    BASER_SIZE = FIELD(7, 0),
    BASER_PAGE_SIZE = FIELD(9, 8),
    BASER_SHAREABILITY = FIELD(11, 10),
    BASER_ADDRESS = FIELD(47, 12),
    BASER_ADDRESS_HIGH_64K = FIELD(15, 12),
    BASER_ADDRESS_LOW_64K = FIELD(47, 16),
    BASER_ENTRY_SIZE = FIELD(52, 48),
    BASER_OUTER_CACHE = FIELD(55, 53),
    BASER_TYPE = FIELD(58, 56),
    BASER_INNER_CACHE = FIELD(61, 59),
    BASER_INDIRECT = FIELD(62, 62),
    BASER_VALID = FIELD(63, 63),
};

enum gits_baser_type { BASER_DEVICES = 1, BASER_COLLECTIONS = 4 };

/* An entry of the first level. Confirmed: Zephyr (GITS_BASER_VALID in it), QEMU (8 bytes). */
enum its_level1_field { LEVEL1_ADDRESS = FIELD(51, 12), LEVEL1_VALID = FIELD(63, 63) };

/* ---- Commands: four doublewords. Confirmed: opcodes and fields QEMU and Zephyr. ---- */
enum its_opcode {
    COMMAND_MOVI = 0x01,
    COMMAND_INT = 0x03,
    COMMAND_CLEAR = 0x04,
    COMMAND_SYNC = 0x05,
    COMMAND_MAPD = 0x08,
    COMMAND_MAPC = 0x09,
    COMMAND_MAPTI = 0x0A,
    COMMAND_MAPI = 0x0B,
    COMMAND_INV = 0x0C,
    COMMAND_INVALL = 0x0D,
    COMMAND_MOVALL = 0x0E,
    COMMAND_DISCARD = 0x0F,
    COMMAND_WORDS = 4,
    COMMAND_BYTES = 32,
};

enum its_command_field {
    COMMAND_OPCODE = FIELD(7, 0),
    COMMAND_DEVICE = FIELD(63, 32),
    COMMAND_ITT_SIZE = FIELD(68, 64),
    COMMAND_EVENT = FIELD(95, 64),
    COMMAND_INTID = FIELD(127, 96),
    COMMAND_ICID = FIELD(143, 128),
    COMMAND_ITT_ADDRESS = FIELD(179, 136),
    COMMAND_RDBASE = FIELD(179, 144),
    COMMAND_VALID = FIELD(191, 191),
    COMMAND_RDBASE2 = FIELD(243, 208),
};

/* ---- Redistributors. Offsets: TF-A. EnableLPIs, Processor_Number, addresses, PTZ, IDbits: U-Boot; CES, IR:
 * manual only. ---- */
enum gicr_offset {
    AT_GICR_CTLR = 0x0000,
    AT_GICR_TYPER = 0x0008,
    AT_GICR_PROPBASER = 0x0070,
    AT_GICR_PENDBASER = 0x0078,
};

enum gicr_field {
    GICR_CTLR_ENABLE_LPIS = FIELD(0, 0),
    GICR_CTLR_CES = FIELD(1, 1),
    GICR_CTLR_IR = FIELD(2, 2),
    GICR_TYPER_PLPIS = FIELD(0, 0),
    GICR_TYPER_PROCESSOR = FIELD(23, 8),
    PROPBASER_IDBITS = FIELD(4, 0),
    PROPBASER_SHAREABILITY = FIELD(11, 10),
    PROPBASER_INNER_CACHE = FIELD(9, 7),
    PROPBASER_ADDRESS = FIELD(51, 12),
    PROPBASER_OUTER_CACHE = FIELD(58, 56),
    PENDBASER_SHAREABILITY = FIELD(11, 10),
    PENDBASER_INNER_CACHE = FIELD(9, 7),
    PENDBASER_ADDRESS = FIELD(51, 16),
    PENDBASER_OUTER_CACHE = FIELD(58, 56),
    PENDBASER_PTZ = FIELD(62, 62),
};

/* The byte of an LPI in the configuration table. Confirmed: QEMU (enable, priority mask). */
enum lpi_field { LPI_ENABLE = FIELD(0, 0), LPI_PRIORITY = FIELD(7, 2) };

#endif

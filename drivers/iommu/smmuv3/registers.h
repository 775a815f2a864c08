/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arm System MMU version 3 (Arm IHI 0070), registers and structures in memory, in the manual's
 * order and with its names. Data only.
 */
#ifndef DRIVERS_IOMMU_SMMUV3_REGISTERS_H
#define DRIVERS_IOMMU_SMMUV3_REGISTERS_H

#include "lib/types.h"

/* ---- Register page 0 (6.2) ------------------------------------------------------------------ */
#define SMMU_IDR0 0x000
#define IDR0_S2P BIT(0)
#define IDR0_S1P BIT(1)
#define IDR0_TTF BITS(3, 2)
#define IDR0_TTF_AARCH64 2 /* bit 1 of the field: AArch64 tables */
#define IDR0_COHACC BIT(4)
#define IDR0_BTM BIT(5)
#define IDR0_HYP BIT(9)
#define IDR0_ATS BIT(10)
#define IDR0_ASID16 BIT(12)
#define IDR0_MSI BIT(13)
#define IDR0_VMID16 BIT(18)
#define IDR0_TTENDIAN BITS(22, 21)
#define IDR0_TTENDIAN_BIG 3
#define IDR0_STALL_MODEL BITS(25, 24)
#define IDR0_STALL_FORCED 2
#define IDR0_ST_LEVEL BITS(28, 27)
#define SMMU_IDR1 0x004
#define IDR1_SIDSIZE BITS(5, 0)
#define IDR1_EVENTQS BITS(20, 16)
#define IDR1_CMDQS BITS(25, 21)
#define IDR1_QUEUES_PRESET BIT(29)
#define IDR1_TABLES_PRESET BIT(30)
#define SMMU_IDR3 0x00C
#define IDR3_RIL BIT(10)
#define IDR3_BBML BITS(12, 11)
#define IDR3_BBML_ONE_OF_THEM 2 /* of several entries that match a lookup one is taken */
#define SMMU_IDR5 0x014
#define IDR5_OAS BITS(2, 0)
#define IDR5_GRAN4K BIT(4)
#define SMMU_IIDR 0x018
#define IIDR_PRODUCT BITS(31, 20)
#define IIDR_VARIANT BITS(19, 16)
#define IIDR_REVISION BITS(15, 12)
#define IIDR_IMPLEMENTER BITS(11, 0)
#define SMMU_CR0 0x020
#define CR0_SMMUEN BIT(0)
#define CR0_EVENTQEN BIT(2)
#define CR0_CMDQEN BIT(3)
#define CR0_ATSCHK BIT(4) /* translated requests are checked against the stream table, too */
#define SMMU_CR0ACK 0x024
#define SMMU_CR1 0x028
#define CR1_QUEUE_IC BITS(1, 0)
#define CR1_QUEUE_OC BITS(3, 2)
#define CR1_QUEUE_SH BITS(5, 4)
#define CR1_TABLE_IC BITS(7, 6)
#define CR1_TABLE_OC BITS(9, 8)
#define CR1_TABLE_SH BITS(11, 10)
#define CR1_CACHE_WRITE_BACK 1
#define CR1_SHARE_INNER 3
#define SMMU_CR2 0x02C
#define CR2_RECINVSID BIT(1)
#define CR2_PTM BIT(2)
#define SMMU_GBPA 0x044
#define GBPA_ABORT BIT(20)
#define GBPA_UPDATE BIT(31)
#define SMMU_IRQ_CTRL 0x050
#define IRQ_CTRL_GERROR BIT(0)
#define IRQ_CTRL_EVENTQ BIT(2)
#define SMMU_IRQ_CTRLACK 0x054
#define SMMU_GERROR 0x060
#define GERROR_CMDQ BIT(0)
#define GERROR_EVENTQ_ABORT BIT(2)
#define GERROR_SERVICE_FAILURE BIT(8)
#define SMMU_GERRORN 0x064
#define SMMU_GERROR_IRQ_CFG0 0x068
#define SMMU_STRTAB_BASE 0x080
#define SMMU_STRTAB_BASE_CFG 0x088
#define STRTAB_CFG_LOG2SIZE BITS(5, 0)
#define STRTAB_CFG_SPLIT BITS(10, 6)
#define STRTAB_CFG_FORMAT BITS(17, 16)
#define STRTAB_FORMAT_LINEAR 0
#define STRTAB_FORMAT_TWO_LEVEL 1
#define BASE_READ_ALLOCATE                                                                         \
    BIT(62) /* RA of the stream table and command queue, WA of the event queue */
#define SMMU_CMDQ_BASE 0x090
#define SMMU_CMDQ_PROD 0x098
#define SMMU_CMDQ_CONS 0x09C
#define CMDQ_CONS_ERROR BITS(30, 24)
#define CMDQ_ERROR_ILLEGAL 1
#define CMDQ_ERROR_ABORT 2
#define SMMU_EVENTQ_BASE 0x0A0
#define SMMU_EVENTQ_IRQ_CFG0 0x0B0

/* ---- Register page 1: the event queue's indices --------------------------------------------- */
#define SMMU_EVENTQ_PROD 0x100A8
#define SMMU_EVENTQ_CONS 0x100AC
#define EVENTQ_OVERFLOW BIT(31)

#define SMMU_REGISTERS_SIZE 0x20000

/* ---- Stream table (5.2) --------------------------------------------------------------------- */
#define ENTRY_WORDS 8 /* of a stream-table entry, and of a context descriptor */
#define ENTRY_SIZE UINT64_C(64)
#define L1STD_SPAN BITS(4, 0)
#define L1STD_POINTER BITS(51, 6)

/* STE word 0 */
#define STE0_V BIT(0)
#define STE0_CONFIG BITS(3, 1)
#define STE_CONFIG_ABORT 0
#define STE_CONFIG_STAGE1 BIT(0) /* of a Config that passes */
#define STE_CONFIG_STAGE2 BIT(1)
#define STE_CONFIG_PASS BIT(2)
#define STE_CONFIG_S1 5
#define STE_CONFIG_S2 6
#define STE0_CONTEXTS BITS(51, 6) /* S1ContextPtr; S1CDMax 0: one descriptor */
/* STE word 1 */
/* S1DSS, S1CIR, S1COR, S1CSH, PPAR, S1STALLD, STRW: what stage 1 alone looks at */
#define STE1_STAGE1 (BITS(7, 0) | BIT(18) | BIT(27) | BITS(31, 30))
#define STE1_CIR BITS(3, 2)
#define STE1_COR BITS(5, 4)
#define STE1_CSH BITS(7, 6)
#define STE1_MEV BIT(19)
#define STE1_SHCFG BITS(45, 44)
#define STE_SHCFG_INCOMING 1
/* STE word 2 */
#define STE2_VMID BITS(15, 0)
#define STE2_T0SZ BITS(37, 32)
#define STE2_SL0 BITS(39, 38)
#define STE2_IR0 BITS(41, 40)
#define STE2_OR0 BITS(43, 42)
#define STE2_SH0 BITS(45, 44)
#define STE2_TG BITS(47, 46)
#define STE2_PS BITS(50, 48)
#define STE2_AA64 BIT(51)
#define STE2_PTW BIT(54)
#define STE2_R BIT(58)
/* STE word 3 */
#define STE3_TTB BITS(51, 4)

/* ---- Context descriptor (5.4) --------------------------------------------------------------- */
/* CD word 0 */
#define CD0_TABLE0 BITS(13, 0) /* T0SZ, TG0, IR0, OR0, SH0 */
#define CD0_T0SZ BITS(5, 0)
#define CD0_TG0 BITS(7, 6)
#define CD0_IR0 BITS(9, 8)
#define CD0_OR0 BITS(11, 10)
#define CD0_SH0 BITS(13, 12)
#define CD0_EPD0 BIT(14)
#define CD0_TABLE1 BITS(29, 16) /* T1SZ, TG1, IR1, OR1, SH1 */
#define CD0_EPD1 BIT(30)
#define CD0_V BIT(31)
#define CD0_IPS BITS(34, 32)
#define CD0_AA64 BIT(41)
#define CD0_R BIT(45)
#define CD0_A BIT(46)
#define CD0_ASET BIT(47)
#define CD0_ASID BITS(63, 48)
/* CD word 1 */
#define CD1_TTB0 BITS(51, 4)
/* CD word 3: MAIR0, MAIR1 */
#define CD3_NORMAL_WB UINT64_C(0xFF) /* attribute 0; the others, all zeros, are Device-nGnRnE */

/* ---- Commands (4.1) ------------------------------------------------------------------------- */
#define COMMAND_WORDS 2
#define COMMAND_SIZE UINT64_C(16)
#define CMD0_OPCODE BITS(7, 0)
#define CMD_CFGI_STE 0x03
#define CMD_CFGI_STE_RANGE 0x04
#define CMD_CFGI_CD 0x05
#define CMD_TLBI_NH_ASID 0x11
#define CMD_TLBI_NH_VA 0x12
#define CMD_TLBI_EL2_ALL 0x20
#define CMD_TLBI_S12_VMALL 0x28
#define CMD_TLBI_S2_IPA 0x2A
#define CMD_TLBI_NSNH_ALL 0x30
#define CMD_SYNC 0x46
#define CFGI0_SUBSTREAM BITS(31, 12)
#define CFGI0_STREAM BITS(63, 32)
#define CFGI1_LEAF BIT(0)
#define CFGI1_RANGE BITS(4, 0)
#define CFGI_RANGE_ALL 31
#define TLBI0_NUM BITS(16, 12)
#define TLBI0_SCALE BITS(24, 20)
#define TLBI0_VMID BITS(47, 32)
#define TLBI0_ASID BITS(63, 48)
#define TLBI1_LEAF BIT(0)
#define TLBI1_TTL BITS(9, 8)
#define TLBI1_TG BITS(11, 10)
#define TLBI_TG_4K 1
#define TLBI1_ADDRESS BITS(51, 12)
#define SYNC0_CS BITS(13, 12)
#define SYNC_CS_NONE 0

/* ---- Event records (7.3) -------------------------------------------------------------------- */
#define EVENT_WORDS 4
#define EVENT_SIZE UINT64_C(32)
#define EVENT0_TYPE BITS(7, 0)
#define EVENT0_SSV BIT(11)
#define EVENT0_SUBSTREAM BITS(31, 12)
#define EVENT0_STREAM BITS(63, 32)
#define EVENT1_READ BIT(35)
#define EVENT_BAD_STREAM 0x02
#define EVENT_STE_FETCH 0x03
#define EVENT_BAD_STE 0x04
#define EVENT_BAD_SUBSTREAM 0x08
#define EVENT_CD_FETCH 0x09
#define EVENT_BAD_CD 0x0A
#define EVENT_WALK_ABORT 0x0B
#define EVENT_TRANSLATION 0x10
#define EVENT_ADDRESS_SIZE 0x11
#define EVENT_ACCESS 0x12
#define EVENT_PERMISSION 0x13

/* ---- Queues: index, wrap bit above it (3.5) ------------------------------------------------- */
#define QUEUE_INDEX BITS(19, 0)
#define QUEUE_BASE_LOG2SIZE BITS(4, 0)

/* ---- Descriptors (Arm ARM D8.3, VMSAv8-64, 4 KiB granule), of either stage ------------------ */
#define S1_READ_ONLY BIT(7)    /* AP[2] */
#define S1_UNPRIVILEGED BIT(6) /* AP[1]: what devices' accesses are, as a rule */
#define S1_ATTRIBUTE_1 BIT(2)
#define S1_NOT_GLOBAL BIT(11) /* of the ASID alone */
#define S2_MEMATTR_NORMAL_WB (UINT64_C(0xF) << 2)
#define S2_MEMATTR_DEVICE (UINT64_C(1) << 2) /* nGnRE */
#define S2_READ BIT(6)
#define S2_WRITE BIT(7)
#define SHARE_INNER (UINT64_C(3) << 8)
#define ACCESSED BIT(10)

#endif

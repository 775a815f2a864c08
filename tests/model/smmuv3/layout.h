/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts of the SMMUv3: registers, stream table, commands, events, stage-2 descriptors.
 *
 * Every structure is a table of named fields in the manual's order with the manual's names and
 * bit ranges; bits of a structure of several words are counted from bit 0 of its first word, as
 * the manual does. Code names fields and never a shift or a mask.
 *
 * Each table says what it was confirmed against besides the manual (IHI 0070): "QEMU" is
 * hw/arm/smmuv3-internal.h, "TF-A" include/drivers/arm/smmu_v3.h, "FreeBSD"
 * sys/arm64/iommu/smmureg.h.
 */
#ifndef SMMUV3_MODEL_LAYOUT_H
#define SMMUV3_MODEL_LAYOUT_H

#include <stdint.h>

#include "tests/model/fields.h"

/*
 * ---- 6.3 registers. Confirmed: FreeBSD; GERROR, CR0, queues, IDR3.HAD, RIL, BBML: QEMU;
 * CR0.SMMUEN, GBPA.ABORT and Update: TF-A. Manual only: the rest of GBPA, IDR3.XNX, FWB, STT, PPS,
 * IDR1.ATTR_PERMS_OVR, PRIQ_IRQ_CFG2.LO.
 */

enum idr0_field {
    IDR0_S2P = FIELD(0, 0),
    IDR0_S1P = FIELD(1, 1),
    IDR0_TTF = FIELD(3, 2),
    IDR0_COHACC = FIELD(4, 4),
    IDR0_BTM = FIELD(5, 5),
    IDR0_HTTU = FIELD(7, 6),
    IDR0_HYP = FIELD(9, 9),
    IDR0_ATS = FIELD(10, 10),
    IDR0_NS1ATS = FIELD(11, 11),
    IDR0_ASID16 = FIELD(12, 12),
    IDR0_MSI = FIELD(13, 13),
    IDR0_SEV = FIELD(14, 14),
    IDR0_PRI = FIELD(16, 16),
    IDR0_VMID16 = FIELD(18, 18),
    IDR0_CD2L = FIELD(19, 19),
    IDR0_TTENDIAN = FIELD(22, 21),
    IDR0_STALL_MODEL = FIELD(25, 24),
    IDR0_TERM_MODEL = FIELD(26, 26),
    IDR0_ST_LEVEL = FIELD(28, 27),
};

enum idr1_field {
    IDR1_SIDSIZE = FIELD(5, 0),
    IDR1_SSIDSIZE = FIELD(10, 6),
    IDR1_PRIQS = FIELD(15, 11),
    IDR1_EVENTQS = FIELD(20, 16),
    IDR1_CMDQS = FIELD(25, 21),
    IDR1_ATTR_PERMS_OVR = FIELD(26, 26),
};

enum idr3_field {
    IDR3_HAD = FIELD(2, 2),
    IDR3_XNX = FIELD(4, 4),
    IDR3_PPS = FIELD(5, 5),
    IDR3_FWB = FIELD(8, 8),
    IDR3_STT = FIELD(9, 9),
    IDR3_RIL = FIELD(10, 10),
    IDR3_BBML = FIELD(12, 11),
};

enum idr5_field {
    IDR5_OAS = FIELD(2, 0),
    IDR5_GRAN4K = FIELD(4, 4),
    IDR5_GRAN16K = FIELD(5, 5),
    IDR5_GRAN64K = FIELD(6, 6),
    IDR5_STALL_MAX = FIELD(31, 16),
};

enum cr0_field {
    CR0_SMMUEN = FIELD(0, 0),
    CR0_PRIQEN = FIELD(1, 1),
    CR0_EVENTQEN = FIELD(2, 2),
    CR0_CMDQEN = FIELD(3, 3),
    CR0_ATSCHK = FIELD(4, 4),
};

enum cr1_field {
    CR1_QUEUE_IC = FIELD(1, 0),
    CR1_QUEUE_OC = FIELD(3, 2),
    CR1_QUEUE_SH = FIELD(5, 4),
    CR1_TABLE_IC = FIELD(7, 6),
    CR1_TABLE_OC = FIELD(9, 8),
    CR1_TABLE_SH = FIELD(11, 10),
};

enum cr2_field {
    CR2_E2H = FIELD(0, 0),
    CR2_RECINVSID = FIELD(1, 1),
    CR2_PTM = FIELD(2, 2),
};

enum gbpa_field {
    GBPA_MEMATTR = FIELD(3, 0),
    GBPA_MTCFG = FIELD(4, 4),
    GBPA_ALLOCCFG = FIELD(11, 8),
    GBPA_SHCFG = FIELD(13, 12),
    GBPA_PRIVCFG = FIELD(17, 16),
    GBPA_INSTCFG = FIELD(19, 18),
    GBPA_ABORT = FIELD(20, 20),
    GBPA_UPDATE = FIELD(31, 31),
};

enum irq_ctrl_field {
    IRQ_CTRL_GERROR_IRQEN = FIELD(0, 0),
    IRQ_CTRL_PRIQ_IRQEN = FIELD(1, 1),
    IRQ_CTRL_EVENTQ_IRQEN = FIELD(2, 2),
};

enum gerror_field {
    GERROR_CMDQ_ERR = FIELD(0, 0),
    GERROR_EVENTQ_ABT_ERR = FIELD(2, 2),
    GERROR_PRIQ_ABT_ERR = FIELD(3, 3),
    GERROR_MSI_CMDQ_ABT_ERR = FIELD(4, 4),
    GERROR_MSI_EVENTQ_ABT_ERR = FIELD(5, 5),
    GERROR_MSI_PRIQ_ABT_ERR = FIELD(6, 6),
    GERROR_MSI_GERROR_ABT_ERR = FIELD(7, 7),
    GERROR_SFM_ERR = FIELD(8, 8),
};

enum irq_cfg_field {
    IRQ_CFG0_ADDR = FIELD(55, 2),
    IRQ_CFG1_DATA = FIELD(31, 0),
    IRQ_CFG2_MEMATTR = FIELD(3, 0),
    IRQ_CFG2_SH = FIELD(5, 4),
    PRIQ_IRQ_CFG2_LO = FIELD(31, 31),
};

enum strtab_field {
    STRTAB_BASE_ADDR = FIELD(55, 6),
    STRTAB_BASE_RA = FIELD(62, 62),
    STRTAB_BASE_CFG_LOG2SIZE = FIELD(5, 0),
    STRTAB_BASE_CFG_SPLIT = FIELD(10, 6),
    STRTAB_BASE_CFG_FMT = FIELD(17, 16),
};

enum queue_field {
    Q_BASE_LOG2SIZE = FIELD(4, 0),
    Q_BASE_ADDR = FIELD(55, 5),
    Q_BASE_ALLOCATE = FIELD(62, 62), /* RA or WA */
    Q_INDEX = FIELD(19, 0),          /* WR or RD, with its wrap flag */
    CMDQ_CONS_ERR = FIELD(30, 24),
    EVENTQ_OVERFLOW = FIELD(31, 31), /* PROD.OVFLG, CONS.OVACKFLG */
    PRIQ_OVERFLOW = FIELD(31, 31),   /* the same */
};

/* ---- 5.1 L1STD. Confirmed: QEMU */

enum l1std_field {
    L1STD_SPAN = FIELD(4, 0),
    L1STD_L2PTR = FIELD(55, 6),
};

/*
 * ---- 5.2 STE, 8 words. Confirmed: FreeBSD, and QEMU but for S2HD, S2HA, S2S, which its older
 * versions have one bit too high. S2PTW, PRIVCFG and INSTCFG: FreeBSD. PPAR: gem5
 * src/dev/arm/smmu_v3_defs.hh. Manual only: S2HD, S2HA,
 * S2FWB.
 */

enum {
    STE_WORDS = 8,
    STE_LOG2_BYTES = 6,
    L1STD_LOG2_BYTES = 3,
};

enum ste_field {
    STE_V = FIELD(0, 0),
    STE_CONFIG = FIELD(3, 1),
    STE_S1FMT = FIELD(5, 4),
    STE_S1CONTEXTPTR = FIELD(55, 6),
    STE_S1CDMAX = FIELD(63, 59),
    STE_S1DSS = FIELD(65, 64),
    STE_PPAR = FIELD(82, 82),
    STE_S2FWB = FIELD(89, 89),
    STE_S1STALLD = FIELD(91, 91),
    STE_EATS = FIELD(93, 92),
    STE_STRW = FIELD(95, 94),
    STE_PRIVCFG = FIELD(113, 112),
    STE_INSTCFG = FIELD(115, 114),
    STE_S2VMID = FIELD(143, 128),
    STE_S2T0SZ = FIELD(165, 160),
    STE_S2SL0 = FIELD(167, 166),
    STE_S2TG = FIELD(175, 174),
    STE_S2PS = FIELD(178, 176),
    STE_S2AA64 = FIELD(179, 179),
    STE_S2ENDI = FIELD(180, 180),
    STE_S2AFFD = FIELD(181, 181),
    STE_S2PTW = FIELD(182, 182),
    STE_S2HD = FIELD(183, 183),
    STE_S2HA = FIELD(184, 184),
    STE_S2S = FIELD(185, 185),
    STE_S2R = FIELD(186, 186),
    STE_S2TTB = FIELD(243, 196),
};

/* STE.Config: bit 2 lets traffic pass, bit 1 is stage 2, bit 0 stage 1. */
enum ste_config_field {
    CONFIG_STAGE1 = FIELD(0, 0),
    CONFIG_STAGE2 = FIELD(1, 1),
    CONFIG_PASS = FIELD(2, 2),
};

/* ---- 5.3 L1CD. Confirmed: Linux arm-smmu-v3.h, whose L2Ptr ends at bit 51 */

enum l1cd_field {
    L1CD_V = FIELD(0, 0),
    L1CD_L2PTR = FIELD(55, 12),
};

/*
 * ---- 5.4 CD, 8 words. Confirmed: word 0 but for T1SZ and TG1, and TTB0: FreeBSD and Zephyr; T1SZ,
 * TG1, HAD0, HAD1, TTB1: QEMU, and a vendor's table of fields in HAL_IOMMUv3. Manual only: that
 * HAFT, E0PD, DS, PIE and what goes with them are reserved on the units that the model makes.
 */

enum {
    CD_WORDS = 8,
    CD_LOG2_BYTES = 6,
    L1CD_LOG2_BYTES = 3,
};

enum cd_field {
    CD_T0SZ = FIELD(5, 0),
    CD_TG0 = FIELD(7, 6),
    CD_EPD0 = FIELD(14, 14),
    CD_ENDI = FIELD(15, 15),
    CD_T1SZ = FIELD(21, 16),
    CD_TG1 = FIELD(23, 22),
    CD_EPD1 = FIELD(30, 30),
    CD_V = FIELD(31, 31),
    CD_IPS = FIELD(34, 32),
    CD_AFFD = FIELD(35, 35),
    CD_WXN = FIELD(36, 36),
    CD_UWXN = FIELD(37, 37),
    CD_TBI0 = FIELD(38, 38),
    CD_TBI1 = FIELD(39, 39),
    CD_PAN = FIELD(40, 40),
    CD_AA64 = FIELD(41, 41),
    CD_HD = FIELD(42, 42),
    CD_HA = FIELD(43, 43),
    CD_S = FIELD(44, 44),
    CD_R = FIELD(45, 45),
    CD_A = FIELD(46, 46),
    CD_ASET = FIELD(47, 47),
    CD_ASID = FIELD(63, 48),
    CD_HAD0 = FIELD(65, 65),
    CD_TTB0 = FIELD(115, 68),
    CD_HAD1 = FIELD(129, 129),
    CD_TTB1 = FIELD(179, 132),
    CD_MAIR = FIELD(255, 192),
};

/*
 * ---- descriptors, VMSAv8-64 (DDI 0487 D8.3). Confirmed: QEMU hw/arm/smmu-internal.h, but for
 * DBM, Contiguous, nG, XN, PXN, their Table forms and the address bits 51:48, which it lacks; those:
 * Linux pgtable-hwdef.h, the address bits DDI 0487 only.
 */

enum descriptor_field {
    DESC_VALID = FIELD(0, 0),
    DESC_TABLE = FIELD(1, 1),                /* at level 3: page */
    DESC_S2MEMATTR_NORMAL = FIELD(5, 4),     /* stage 2: 0 is Device */
    DESC_S2MEMATTR_FWB_NORMAL = FIELD(4, 4), /* the same with S2FWB */
    DESC_S2AP_READ = FIELD(6, 6),
    DESC_S2AP_WRITE = FIELD(7, 7),
    DESC_AP_USER = FIELD(6, 6), /* stage 1, AP[1] */
    DESC_AP_READ_ONLY = FIELD(7, 7),
    DESC_AF = FIELD(10, 10),
    DESC_NG = FIELD(11, 11),
    DESC_ADDRESS_51_48 = FIELD(15, 12), /* granule of 64 KiB, 52-bit output */
    DESC_ADDRESS = FIELD(47, 12),
    DESC_DBM = FIELD(51, 51),
    DESC_CONTIGUOUS = FIELD(52, 52),
    DESC_PXN = FIELD(53, 53),
    DESC_UXN = FIELD(54, 54), /* XN where there is one privilege only */
    DESC_XN = FIELD(54, 53),  /* stage 2 */
    DESC_PXN_TABLE = FIELD(59, 59),
    DESC_UXN_TABLE = FIELD(60, 60),
    DESC_AP_TABLE_NO_USER = FIELD(61, 61),
    DESC_AP_TABLE_READ_ONLY = FIELD(62, 62),
    DESC_LOG2_BYTES = 3,
};

/*
 * ---- 4 commands, 2 words. Confirmed: QEMU and FreeBSD; Size and G of ATC_INV, PRGIndex and Resp of
 * PRI_RESP (which QEMU reads at [76:75]), Ac, Ab and STAG of RESUME: Linux arm-smmu-v3.h. Manual only:
 * Size and Stride of PREFETCH_ADDR, and the width of addresses.
 */

enum {
    COMMAND_LOG2_BYTES = 4,
};

enum command_field {
    CMD_OPCODE = FIELD(7, 0),
    CMD_SSEC = FIELD(10, 10),
    CMD_SSV = FIELD(11, 11),
    CMD_SUBSTREAMID = FIELD(31, 12),
    CMD_STREAMID = FIELD(63, 32),
    CMD_PREFETCH_SIZE = FIELD(68, 64),
    CMD_PREFETCH_STRIDE = FIELD(73, 69),
    CMD_CFGI_LEAF = FIELD(64, 64),
    CMD_CFGI_RANGE = FIELD(68, 64),
    CMD_TLBI_NUM = FIELD(16, 12),
    CMD_TLBI_SCALE = FIELD(24, 20),
    CMD_TLBI_VMID = FIELD(47, 32),
    CMD_TLBI_ASID = FIELD(63, 48),
    CMD_TLBI_LEAF = FIELD(64, 64),
    CMD_TLBI_TTL = FIELD(73, 72),
    CMD_TLBI_TG = FIELD(75, 74),
    CMD_TLBI_IPA = FIELD(119, 76),
    CMD_ADDRESS = FIELD(127, 76),
    CMD_ATC_G = FIELD(9, 9),
    CMD_ATC_SIZE = FIELD(69, 64),
    CMD_PRI_PRGINDEX = FIELD(72, 64),
    CMD_PRI_RESP_RESP = FIELD(77, 76),
    CMD_RESUME_AC = FIELD(12, 12),
    CMD_RESUME_AB = FIELD(13, 13),
    CMD_RESUME_STAG = FIELD(79, 64),
    CMD_SYNC_CS = FIELD(13, 12),
    CMD_SYNC_MSH = FIELD(23, 22),
    CMD_SYNC_MSIATTR = FIELD(27, 24),
    CMD_SYNC_MSIDATA = FIELD(63, 32),
    CMD_SYNC_MSIADDRESS = FIELD(119, 66),
};

/* 4.1.1. Confirmed: QEMU, FreeBSD */
enum command_opcode {
    CMD_PREFETCH_CONFIG = 0x01,
    CMD_PREFETCH_ADDR = 0x02,
    CMD_CFGI_STE = 0x03,
    CMD_CFGI_STE_RANGE = 0x04,
    CMD_CFGI_CD = 0x05,
    CMD_CFGI_CD_ALL = 0x06,
    CMD_TLBI_NH_ALL = 0x10,
    CMD_TLBI_NH_ASID = 0x11,
    CMD_TLBI_NH_VA = 0x12,
    CMD_TLBI_NH_VAA = 0x13,
    CMD_TLBI_EL2_ALL = 0x20,
    CMD_TLBI_EL2_ASID = 0x21,
    CMD_TLBI_EL2_VA = 0x22,
    CMD_TLBI_EL2_VAA = 0x23,
    CMD_TLBI_S12_VMALL = 0x28,
    CMD_TLBI_S2_IPA = 0x2a,
    CMD_TLBI_NSNH_ALL = 0x30,
    CMD_ATC_INV = 0x40,
    CMD_PRI_RESP = 0x41,
    CMD_RESUME = 0x44,
    CMD_STALL_TERM = 0x45,
    CMD_SYNC = 0x46,
};

/* Values of CMD_SYNC.CS. Confirmed: QEMU, FreeBSD */
enum sync_cs {
    SYNC_SIG_NONE = 0,
    SYNC_SIG_IRQ = 1,
    SYNC_SIG_SEV = 2,
    SYNC_SIG_RESERVED = 3,
};

/* Encodings of CMD_PRI_RESP.Resp (4.5.2) and of the largest CMD_ATC_INV.Size. Confirmed: Linux. */
enum {
    PRI_RESP_FAILURE = 0,
    PRI_RESP_INVALID = 1,
    PRI_RESP_SUCCESS = 2,
    ATC_SIZE_ALL = 52,
    ATC_LOG2_UNIT = 12,
};

/* CMD_CFGI_STE_RANGE with this range is CMD_CFGI_ALL. Confirmed: manual 4.3.6 */
enum {
    CFGI_RANGE_ALL = 31,
    PRI_RESP_RESERVED = 3,
};

/*
 * ---- 7.3 events, 4 words. Confirmed: QEMU, which writes InputAddr and IPA in whole words; TTRnW:
 * Linux arm-smmu-v3.h. RnW and InputAddr of F_TRANSL_FORBIDDEN: manual only. What F_BAD_ATS_TREQ says
 * of the request is left out.
 */

enum {
    EVENT_WORDS = 4,
    EVENT_LOG2_BYTES = 5,
};

enum event_field {
    EVENT_NUMBER = FIELD(7, 0),
    EVENT_SSV = FIELD(11, 11),
    EVENT_SUBSTREAMID = FIELD(31, 12),
    EVENT_STREAMID = FIELD(63, 32),
    EVENT_STAG = FIELD(79, 64),
    EVENT_STALL = FIELD(95, 95),
    EVENT_PNU = FIELD(97, 97),
    EVENT_IND = FIELD(98, 98),
    EVENT_RNW = FIELD(99, 99),
    EVENT_S2 = FIELD(103, 103),
    EVENT_CLASS = FIELD(105, 104),
    EVENT_TTRNW = FIELD(108, 108),
    EVENT_INPUTADDR = FIELD(191, 128),
    EVENT_IPA = FIELD(247, 204),
    EVENT_FETCHADDR = FIELD(247, 195),
};

/*
 * ---- 8 page request queue, 2 words. Confirmed: Linux and Xen arm-smmu-v3.h; one origin, since
 * Xen's was taken from Linux's.
 */

enum {
    PRI_WORDS = 2,
    PRI_LOG2_BYTES = 4,
};

enum pri_field {
    PRI_STREAMID = FIELD(31, 0),
    PRI_SUBSTREAMID = FIELD(51, 32),
    PRI_PRIV = FIELD(58, 58),
    PRI_X = FIELD(59, 59),
    PRI_R = FIELD(60, 60),
    PRI_W = FIELD(61, 61),
    PRI_LAST = FIELD(62, 62),
    PRI_SSV = FIELD(63, 63),
    PRI_PRGINDEX = FIELD(72, 64),
    PRI_ADDRESS = FIELD(127, 76),
};

/* Confirmed: QEMU */
enum event_number {
    F_UUT = 0x01,
    C_BAD_STREAMID = 0x02,
    F_STE_FETCH = 0x03,
    C_BAD_STE = 0x04,
    F_BAD_ATS_TREQ = 0x05,
    F_STREAM_DISABLED = 0x06,
    F_TRANSL_FORBIDDEN = 0x07,
    C_BAD_SUBSTREAMID = 0x08,
    F_CD_FETCH = 0x09,
    C_BAD_CD = 0x0a,
    F_WALK_EABT = 0x0b,
    F_TRANSLATION = 0x10,
    F_ADDR_SIZE = 0x11,
    F_ACCESS = 0x12,
    F_PERMISSION = 0x13,
    F_TLB_CONFLICT = 0x20,
    F_CFG_CONFLICT = 0x21,
    E_PAGE_REQUEST = 0x24,
};

enum event_class {
    CLASS_CD = 0,
    CLASS_TTD = 1,
    CLASS_IN = 2,
};

#endif

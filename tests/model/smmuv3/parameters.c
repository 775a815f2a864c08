/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three ready-made units. The values of QEMU's are asserted against its ID registers by a test.
 */
#include "smmuv3_model.h"

struct smmuv3_model_parameters smmuv3_model_like_qemu(void)
{
    return (struct smmuv3_model_parameters){
        .s2p = true,
        .s1p = true,
        .ttf = 2,
        .cohacc = true,
        .asid16 = true,
        .vmid16 = true,
        .ttendian = 2,
        .stall_model = 1,
        .term_model = true,
        .st_level = true,
        .sidsize = 16,
        .eventqs = 19,
        .cmdqs = 19,
        .had = true,
        .xnx = true,
        .ril = true,
        .bbml = 2,
        .oas = 44,
        .gran4k = true,
        .gran16k = true,
        .gran64k = true,
        .aidr = 1,
        .gbpa_reset = 0x1000,
        .unknown = 0,
        .overflow = SMMUV3_MODEL_OVERFLOW_OVFLG,
        .invalidation = SMMUV3_MODEL_INVALIDATE_AT_ONCE,
        .ignore_reserved = true,
    };
}

struct smmuv3_model_parameters smmuv3_model_like_mmu600(void)
{
    return (struct smmuv3_model_parameters){
        .s2p = true,
        .s1p = true,
        .ttf = 2,
        .cohacc = true,
        .btm = true,
        .hyp = true,
        .asid16 = true,
        .msi = true,
        .sev = true,
        .vmid16 = true,
        .cd2l = true,
        .ttendian = 2,
        .st_level = true,
        .sidsize = 16,
        .ssidsize = 16,
        .eventqs = 8,
        .cmdqs = 8,
        .had = true,
        .oas = 48,
        .gran4k = true,
        .gran16k = true,
        .gran64k = true,
        .stall_max = 16,
        .iidr = 0x4831043b, /* Arm, MMU-600, variant 1, revision 0 */
        .aidr = 1,
        .gbpa_reset = 0x1000,
        .unknown = UINT64_C(0xa5a5a5a5a5a5a5a5),
        .overflow = SMMUV3_MODEL_OVERFLOW_OVFLG,
        .invalidation = SMMUV3_MODEL_INVALIDATE_AT_SYNC,
    };
}

struct smmuv3_model_parameters smmuv3_model_like_full(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    p.ats = true;
    p.pri = true;
    p.priqs = 8;
    p.xnx = true;
    p.fwb = true;
    p.stt = true;
    p.ril = true;
    p.iidr = 0; /* no product */
    p.aidr = 2;
    p.early_retry = true;
    return p;
}

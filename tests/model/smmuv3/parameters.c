/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ready-made units, and the plain one with a part changed. The values of QEMU's are asserted against its ID registers by a test.
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

static void without_stage_1(struct smmuv3_model_parameters *p)
{
    p->s1p = false;
    /* What exists with stage 1 alone (6.3.1 to 6.3.4). */
    p->asid16 = false;
    p->cd2l = false;
    p->hyp = false;
    p->had = false;
    p->ssidsize = 0;
}

static void without_stage_2(struct smmuv3_model_parameters *p)
{
    p->s2p = false;
    p->vmid16 = false;
    p->hyp = false;
}

struct smmuv3_model_parameters smmuv3_model_variant(enum smmuv3_model_variant variant)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    switch (variant) {
    case SMMUV3_MODEL_32_BITS:
        p.oas = 32;
        break;
    case SMMUV3_MODEL_36_BITS:
        p.oas = 36;
        break;
    case SMMUV3_MODEL_40_BITS:
        p.oas = 40;
        break;
    case SMMUV3_MODEL_42_BITS:
        p.oas = 42;
        break;
    case SMMUV3_MODEL_44_BITS:
        p.oas = 44;
        break;
    case SMMUV3_MODEL_SMALL_TAGS:
        p.vmid16 = false;
        p.asid16 = false;
        break;
    case SMMUV3_MODEL_RANGES:
        p.ril = true;
        p.aidr = 2;
        break;
    case SMMUV3_MODEL_ONE_LEVEL:
        p.st_level = false;
        p.sidsize = 6;
        break;
    case SMMUV3_MODEL_NOT_COHERENT:
        p.cohacc = false;
        break;
    case SMMUV3_MODEL_STAGE_1_ONLY:
        without_stage_2(&p);
        break;
    case SMMUV3_MODEL_STAGE_2_ONLY:
        without_stage_1(&p);
        break;
    case SMMUV3_MODEL_4K_ONLY:
        p.gran16k = false;
        p.gran64k = false;
        break;
    case SMMUV3_MODEL_NO_4K:
        p.gran4k = false;
        break;
    case SMMUV3_MODEL_SMALL_QUEUES:
        p.cmdqs = 1;
        p.eventqs = 1;
        break;
    case SMMUV3_MODEL_PLAIN:
    case SMMUV3_MODEL_VARIANTS:
        break;
    }
    return p;
}

const char *smmuv3_model_variant_name(enum smmuv3_model_variant variant)
{
    static const char *const names[SMMUV3_MODEL_VARIANTS] = {
        [SMMUV3_MODEL_PLAIN] = "plain",
        [SMMUV3_MODEL_32_BITS] = "32 bits",
        [SMMUV3_MODEL_36_BITS] = "36 bits",
        [SMMUV3_MODEL_40_BITS] = "40 bits",
        [SMMUV3_MODEL_42_BITS] = "42 bits",
        [SMMUV3_MODEL_44_BITS] = "44 bits",
        [SMMUV3_MODEL_SMALL_TAGS] = "8-bit tags",
        [SMMUV3_MODEL_RANGES] = "range invalidation",
        [SMMUV3_MODEL_ONE_LEVEL] = "one-level stream table",
        [SMMUV3_MODEL_NOT_COHERENT] = "not coherent",
        [SMMUV3_MODEL_STAGE_1_ONLY] = "stage 1 only",
        [SMMUV3_MODEL_STAGE_2_ONLY] = "stage 2 only",
        [SMMUV3_MODEL_4K_ONLY] = "4 KiB only",
        [SMMUV3_MODEL_NO_4K] = "no 4 KiB",
        [SMMUV3_MODEL_SMALL_QUEUES] = "small queues",
    };

    return names[variant];
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the registers hold: ID values from the parameters, reset values, and which fields exist.
 */
#include <string.h>

#include "internal.h"

/* Encodings of IDR5.OAS and STE.S2PS. Confirmed: QEMU (up to 48), FreeBSD (52) */
static unsigned encode_size(unsigned bits)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
    unsigned code = 0;

    while (code + 1 < sizeof(sizes) / sizeof(*sizes) && sizes[code] < bits) {
        code++;
    }
    return code;
}

static uint64_t idr0(const struct smmuv3_model_parameters *p)
{
    uint64_t value = 0;

    field_put(&value, IDR0_S2P, p->s2p);
    field_put(&value, IDR0_S1P, p->s1p);
    field_put(&value, IDR0_TTF, p->ttf);
    field_put(&value, IDR0_COHACC, p->cohacc);
    field_put(&value, IDR0_BTM, p->btm);
    field_put(&value, IDR0_HTTU, p->httu);
    field_put(&value, IDR0_HYP, p->hyp);
    field_put(&value, IDR0_ATS, p->ats);
    field_put(&value, IDR0_NS1ATS, p->ns1ats);
    field_put(&value, IDR0_ASID16, p->asid16);
    field_put(&value, IDR0_MSI, p->msi);
    field_put(&value, IDR0_SEV, p->sev);
    field_put(&value, IDR0_PRI, p->pri && p->ats);
    field_put(&value, IDR0_VMID16, p->vmid16);
    field_put(&value, IDR0_CD2L, p->cd2l);
    field_put(&value, IDR0_TTENDIAN, p->ttendian);
    field_put(&value, IDR0_STALL_MODEL, p->stall_model);
    field_put(&value, IDR0_TERM_MODEL, p->term_model);
    field_put(&value, IDR0_ST_LEVEL, p->st_level);
    return value;
}

static uint64_t idr1(const struct smmuv3_model_parameters *p)
{
    uint64_t value = 0;

    field_put(&value, IDR1_SIDSIZE, p->sidsize);
    field_put(&value, IDR1_SSIDSIZE, p->ssidsize);
    field_put(&value, IDR1_PRIQS, p->pri && p->ats ? p->priqs : 0);
    field_put(&value, IDR1_EVENTQS, p->eventqs);
    field_put(&value, IDR1_CMDQS, p->cmdqs);
    field_put(&value, IDR1_ATTR_PERMS_OVR, p->attr_perms_ovr);
    return value;
}

static uint64_t idr3(const struct smmuv3_model_parameters *p)
{
    uint64_t value = 0;

    field_put(&value, IDR3_HAD, p->had);
    field_put(&value, IDR3_XNX, p->xnx);
    field_put(&value, IDR3_PPS, p->pps && p->pri && p->ats && p->ssidsize);
    field_put(&value, IDR3_FWB, p->fwb);
    field_put(&value, IDR3_STT, p->stt);
    field_put(&value, IDR3_RIL, p->ril);
    field_put(&value, IDR3_BBML, p->bbml);
    return value;
}

static uint64_t idr5(const struct smmuv3_model_parameters *p)
{
    uint64_t value = 0;

    field_put(&value, IDR5_OAS, encode_size(p->oas));
    field_put(&value, IDR5_GRAN4K, p->gran4k);
    field_put(&value, IDR5_GRAN16K, p->gran16k);
    field_put(&value, IDR5_GRAN64K, p->gran64k);
    field_put(&value, IDR5_STALL_MAX, p->stall_model == 1 ? 0 : p->stall_max);
    return value;
}

/* ORed masks of a list of fields that ends with FIELDS_END. */
#define FIELDS_END (~0u)
#define MASK_OF(...) mask_of((const unsigned[]){ __VA_ARGS__, FIELDS_END })

static uint64_t mask_of(const unsigned *fields)
{
    uint64_t mask = 0;

    while (*fields != FIELDS_END) {
        mask |= field_mask(*fields++);
    }
    return mask;
}

/* The mask of a field that exists under a condition. */
static uint64_t mask_if(bool exists, unsigned field)
{
    return exists ? field_mask(field) : 0;
}

static uint64_t gerror_fields(const struct smmuv3_model_parameters *p)
{
    return MASK_OF(GERROR_CMDQ_ERR, GERROR_EVENTQ_ABT_ERR, GERROR_SFM_ERR) |
           mask_if(p->pri, GERROR_PRIQ_ABT_ERR) | mask_if(p->msi, GERROR_MSI_CMDQ_ABT_ERR) |
           mask_if(p->msi, GERROR_MSI_EVENTQ_ABT_ERR) |
           mask_if(p->msi && p->pri, GERROR_MSI_PRIQ_ABT_ERR) |
           mask_if(p->msi, GERROR_MSI_GERROR_ABT_ERR);
}

/* The registers of the PRI queue, on a unit that has one. */
static uint64_t priq_fields(const struct smmuv3_model_parameters *p, enum model_register reg)
{
    switch (reg) {
    case PRIQ_BASE:
        return MASK_OF(Q_BASE_ALLOCATE, Q_BASE_LOG2SIZE) |
               (field_mask(Q_BASE_ADDR) & low_bits(p->oas));
    case PRIQ_PROD:
    case PRIQ_CONS:
        return MASK_OF(Q_INDEX, PRIQ_OVERFLOW);
    case PRIQ_IRQ_CFG0:
        return mask_if(p->msi, IRQ_CFG0_ADDR) & low_bits(p->oas);
    case PRIQ_IRQ_CFG1:
        return mask_if(p->msi, IRQ_CFG1_DATA);
    case PRIQ_IRQ_CFG2:
        return mask_if(p->msi, IRQ_CFG2_SH) | mask_if(p->msi, IRQ_CFG2_MEMATTR) |
               field_mask(PRIQ_IRQ_CFG2_LO);
    default:
        return 0;
    }
}

/* The fields that exist in a register of this unit; all others are RES0. */
uint64_t model_writable(const struct smmuv3_model *model, enum model_register reg)
{
    const struct smmuv3_model_parameters *p = &model->p;
    const bool pri = p->pri && p->ats;

    switch (reg) {
    case CR0:
        return MASK_OF(CR0_SMMUEN, CR0_EVENTQEN, CR0_CMDQEN) | mask_if(pri, CR0_PRIQEN) |
               mask_if(p->ats, CR0_ATSCHK);
    case CR1:
        return MASK_OF(CR1_TABLE_SH, CR1_TABLE_OC, CR1_TABLE_IC, CR1_QUEUE_SH, CR1_QUEUE_OC,
                       CR1_QUEUE_IC);
    case CR2:
        return field_mask(CR2_RECINVSID) | mask_if(p->btm, CR2_PTM) | mask_if(p->hyp, CR2_E2H);
    case GBPA:
        return MASK_OF(GBPA_UPDATE, GBPA_ABORT, GBPA_INSTCFG, GBPA_PRIVCFG, GBPA_SHCFG,
                       GBPA_ALLOCCFG, GBPA_MTCFG, GBPA_MEMATTR);
    case IRQ_CTRL:
        return MASK_OF(IRQ_CTRL_GERROR_IRQEN, IRQ_CTRL_EVENTQ_IRQEN) |
               mask_if(pri, IRQ_CTRL_PRIQ_IRQEN);
    case GERRORN:
        /* Bits that a test raised beyond the defined ones can be acknowledged too. */
        return gerror_fields(p) | model->reg[GERROR];
    case GERROR_IRQ_CFG0:
    case EVENTQ_IRQ_CFG0:
        return mask_if(p->msi, IRQ_CFG0_ADDR) & low_bits(p->oas);
    case GERROR_IRQ_CFG1:
    case EVENTQ_IRQ_CFG1:
        return mask_if(p->msi, IRQ_CFG1_DATA);
    case GERROR_IRQ_CFG2:
    case EVENTQ_IRQ_CFG2:
        return mask_if(p->msi, IRQ_CFG2_SH) | mask_if(p->msi, IRQ_CFG2_MEMATTR);
    case STRTAB_BASE:
        return field_mask(STRTAB_BASE_RA) | (field_mask(STRTAB_BASE_ADDR) & low_bits(p->oas));
    case STRTAB_BASE_CFG:
        return field_mask(STRTAB_BASE_CFG_LOG2SIZE) | mask_if(p->st_level, STRTAB_BASE_CFG_SPLIT) |
               mask_if(p->st_level, STRTAB_BASE_CFG_FMT);
    case CMDQ_BASE:
    case EVENTQ_BASE:
        return MASK_OF(Q_BASE_ALLOCATE, Q_BASE_LOG2SIZE) |
               (field_mask(Q_BASE_ADDR) & low_bits(p->oas));
    case CMDQ_PROD:
        return field_mask(Q_INDEX);
    case CMDQ_CONS:
        return MASK_OF(Q_INDEX, CMDQ_CONS_ERR);
    case EVENTQ_PROD:
    case EVENTQ_CONS:
        return MASK_OF(Q_INDEX, EVENTQ_OVERFLOW);
    default:
        return pri ? priq_fields(p, reg) : 0;
    }
}

void model_registers_reset(struct smmuv3_model *model)
{
    static const enum model_register unknown[] = {
        CR1,
        CR2,
        GERROR_IRQ_CFG0,
        GERROR_IRQ_CFG1,
        GERROR_IRQ_CFG2,
        STRTAB_BASE,
        STRTAB_BASE_CFG,
        CMDQ_BASE,
        CMDQ_PROD,
        CMDQ_CONS,
        EVENTQ_BASE,
        EVENTQ_IRQ_CFG0,
        EVENTQ_IRQ_CFG1,
        EVENTQ_IRQ_CFG2,
        EVENTQ_PROD,
        EVENTQ_CONS,
        PRIQ_BASE,
        PRIQ_IRQ_CFG0,
        PRIQ_IRQ_CFG1,
        PRIQ_IRQ_CFG2,
        PRIQ_PROD,
        PRIQ_CONS,
    };

    memset(model->reg, 0, sizeof(model->reg));
    memset(model->written, 0, sizeof(model->written));
    model->reg[IDR0] = idr0(&model->p);
    model->reg[IDR1] = idr1(&model->p);
    model->reg[IDR3] = idr3(&model->p);
    model->reg[IDR5] = idr5(&model->p);
    model->reg[IIDR] = model->p.iidr;
    model->reg[AIDR] = model->p.aidr;
    model->reg[GBPA] = model->p.gbpa_reset & ~field_mask(GBPA_UPDATE);
    model->gbpa_effective = model->reg[GBPA];
    for (unsigned i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        model->reg[unknown[i]] = model->p.unknown & model_writable(model, unknown[i]);
    }
    model->reg[PRIQ_PROD] &= ~field_mask(PRIQ_OVERFLOW); /* the one flag there that resets to 0 */
}

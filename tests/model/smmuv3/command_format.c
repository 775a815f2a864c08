/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands look like (4.1 to 4.7): name, fields, when they exist, what makes them illegal.
 */
#include "internal.h"

/* Under which capability a command exists; without it, its opcode is CERROR_ILL. */
enum existence {
    ALWAYS,
    WITH_S1P,
    WITH_S2P,
    WITH_HYP,
    WITH_ATS,
    WITH_PRI,
    WITH_STALL,
};

#define NO_FIELD 0u
#define TLBI_RANGE CMD_TLBI_NUM, CMD_TLBI_SCALE, CMD_TLBI_TTL, CMD_TLBI_TG

enum { MOST_FIELDS = 10 };

static const struct command_format {
    uint8_t opcode;
    const char *name;
    enum existence existence;
    unsigned fields[MOST_FIELDS];
} formats[] = {
    { CMD_PREFETCH_CONFIG,
      "CMD_PREFETCH_CONFIG",
      ALWAYS,
      { CMD_SSEC, CMD_SSV, CMD_SUBSTREAMID, CMD_STREAMID } },
    { CMD_PREFETCH_ADDR,
      "CMD_PREFETCH_ADDR",
      ALWAYS,
      { CMD_SSEC, CMD_SSV, CMD_SUBSTREAMID, CMD_STREAMID, CMD_PREFETCH_SIZE, CMD_PREFETCH_STRIDE,
        CMD_ADDRESS } },
    { CMD_CFGI_STE, "CMD_CFGI_STE", ALWAYS, { CMD_SSEC, CMD_STREAMID, CMD_CFGI_LEAF } },
    { CMD_CFGI_STE_RANGE,
      "CMD_CFGI_STE_RANGE",
      ALWAYS,
      { CMD_SSEC, CMD_STREAMID, CMD_CFGI_RANGE } },
    { CMD_CFGI_CD,
      "CMD_CFGI_CD",
      WITH_S1P,
      { CMD_SSEC, CMD_SUBSTREAMID, CMD_STREAMID, CMD_CFGI_LEAF } },
    { CMD_CFGI_CD_ALL, "CMD_CFGI_CD_ALL", WITH_S1P, { CMD_SSEC, CMD_STREAMID } },
    { CMD_TLBI_NH_ALL, "CMD_TLBI_NH_ALL", WITH_S1P, { CMD_TLBI_VMID } },
    { CMD_TLBI_NH_ASID, "CMD_TLBI_NH_ASID", WITH_S1P, { CMD_TLBI_VMID, CMD_TLBI_ASID } },
    { CMD_TLBI_NH_VA,
      "CMD_TLBI_NH_VA",
      WITH_S1P,
      { TLBI_RANGE, CMD_TLBI_VMID, CMD_TLBI_ASID, CMD_TLBI_LEAF, CMD_ADDRESS } },
    { CMD_TLBI_NH_VAA,
      "CMD_TLBI_NH_VAA",
      WITH_S1P,
      { TLBI_RANGE, CMD_TLBI_VMID, CMD_TLBI_LEAF, CMD_ADDRESS } },
    { CMD_TLBI_EL2_ALL, "CMD_TLBI_EL2_ALL", WITH_HYP, { NO_FIELD } },
    { CMD_TLBI_EL2_ASID, "CMD_TLBI_EL2_ASID", WITH_HYP, { CMD_TLBI_ASID } },
    { CMD_TLBI_EL2_VA,
      "CMD_TLBI_EL2_VA",
      WITH_HYP,
      { TLBI_RANGE, CMD_TLBI_ASID, CMD_TLBI_LEAF, CMD_ADDRESS } },
    { CMD_TLBI_EL2_VAA, "CMD_TLBI_EL2_VAA", WITH_HYP, { TLBI_RANGE, CMD_TLBI_LEAF, CMD_ADDRESS } },
    { CMD_TLBI_S12_VMALL, "CMD_TLBI_S12_VMALL", WITH_S2P, { CMD_TLBI_VMID } },
    { CMD_TLBI_S2_IPA,
      "CMD_TLBI_S2_IPA",
      WITH_S2P,
      { TLBI_RANGE, CMD_TLBI_VMID, CMD_TLBI_LEAF, CMD_TLBI_IPA } },
    { CMD_TLBI_NSNH_ALL, "CMD_TLBI_NSNH_ALL", ALWAYS, { NO_FIELD } },
    { CMD_ATC_INV,
      "CMD_ATC_INV",
      WITH_ATS,
      { CMD_SSV, CMD_ATC_G, CMD_SUBSTREAMID, CMD_STREAMID, CMD_ATC_SIZE, CMD_ADDRESS } },
    { CMD_PRI_RESP,
      "CMD_PRI_RESP",
      WITH_PRI,
      { CMD_SSV, CMD_SUBSTREAMID, CMD_STREAMID, CMD_PRI_PRGINDEX, CMD_PRI_RESP_RESP } },
    { CMD_RESUME,
      "CMD_RESUME",
      WITH_STALL,
      { CMD_SSEC, CMD_RESUME_AC, CMD_RESUME_AB, CMD_STREAMID, CMD_RESUME_STAG } },
    { CMD_STALL_TERM, "CMD_STALL_TERM", WITH_STALL, { CMD_SSEC, CMD_STREAMID } },
    { CMD_SYNC,
      "CMD_SYNC",
      ALWAYS,
      { CMD_SYNC_CS, CMD_SYNC_MSH, CMD_SYNC_MSIATTR, CMD_SYNC_MSIDATA, CMD_SYNC_MSIADDRESS } },
};

static const struct command_format *format_of(uint64_t opcode)
{
    for (unsigned i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        if (formats[i].opcode == opcode) {
            return &formats[i];
        }
    }
    return NULL;
}

static bool has(const struct command_format *format, unsigned field)
{
    for (unsigned i = 0; i < MOST_FIELDS; i++) {
        if (format->fields[i] == field) {
            return true;
        }
    }
    return false;
}

/* The field of a command, 0 if this command has no such field. */
static uint64_t value(const struct command_format *format, const uint64_t raw[2], unsigned field)
{
    return has(format, field) ? field_of(raw, field) : 0;
}

/* TG of range invalidation to the log2 of a granule (4.4.1.1). Confirmed: QEMU smmuv3.c */
static unsigned granule_of(uint64_t tg)
{
    static const unsigned granules[] = { 0, 12, 14, 16 };

    return granules[tg];
}

/* Range and hints exist with RIL only, and mean something with TG != 0 only. */
static void decode_range(const struct smmuv3_model *model, const struct command_format *format,
                         const uint64_t raw[2], struct smmuv3_model_command *command)
{
    uint64_t count = 0;

    if (!model->p.ril || !has(format, CMD_TLBI_TG)) {
        return;
    }
    command->granule = granule_of(field_of(raw, CMD_TLBI_TG));
    if (!command->granule) {
        return;
    }
    command->ttl = (unsigned)field_of(raw, CMD_TLBI_TTL);
    if (command->granule == 14 && command->ttl == 1) {
        command->ttl = 0; /* reserved without IDR5.DS, behaves as no hint */
    }
    count = field_of(raw, CMD_TLBI_NUM) + 1;
    command->size = count * power_of_2((unsigned)field_of(raw, CMD_TLBI_SCALE)) *
                    power_of_2(command->granule);
}

void model_decode_command(const struct smmuv3_model *model, const uint64_t raw[2],
                          struct smmuv3_model_command *command)
{
    const struct command_format *format = format_of(field_of(raw, CMD_OPCODE));
    bool ipa = false;

    *command = (struct smmuv3_model_command){
        .raw = { raw[0], raw[1] },
        .opcode = (uint8_t)field_of(raw, CMD_OPCODE),
        .name = "reserved",
    };
    if (!format) {
        return;
    }
    ipa = has(format, CMD_TLBI_IPA);
    command->name = format->name;
    command->stream_id = (uint32_t)value(format, raw, CMD_STREAMID);
    command->range = (unsigned)value(format, raw, CMD_CFGI_RANGE);
    command->ssv = value(format, raw, CMD_SSV);
    command->substream_id = (uint32_t)value(format, raw, CMD_SUBSTREAMID);
    command->leaf = value(format, raw, CMD_CFGI_LEAF) || value(format, raw, CMD_TLBI_LEAF);
    command->vmid = (uint16_t)value(format, raw, CMD_TLBI_VMID);
    command->asid = (uint16_t)value(format, raw, CMD_TLBI_ASID);
    if (ipa || has(format, CMD_ADDRESS)) {
        command->address = field_address(raw, ipa ? CMD_TLBI_IPA : CMD_ADDRESS);
    }
    if (command->opcode == CMD_SYNC) {
        command->cs = (unsigned)field_of(raw, CMD_SYNC_CS);
        command->msi_address = field_address(raw, CMD_SYNC_MSIADDRESS);
        command->msi_data = (uint32_t)field_of(raw, CMD_SYNC_MSIDATA);
    }
    command->global = value(format, raw, CMD_ATC_G);
    command->prg_index = (unsigned)value(format, raw, CMD_PRI_PRGINDEX);
    command->page_response = (unsigned)value(format, raw, CMD_PRI_RESP_RESP);
    command->stag = (uint16_t)value(format, raw, CMD_RESUME_STAG);
    command->retry = value(format, raw, CMD_RESUME_AC);
    command->abort = value(format, raw, CMD_RESUME_AB);
    if (command->opcode == CMD_ATC_INV) {
        command->log2_size = (unsigned)field_of(raw, CMD_ATC_SIZE) + ATC_LOG2_UNIT;
        command->address = align_down(command->address, command->log2_size);
    }
    decode_range(model, format, raw, command);
}

/* ------------------------------------------------------------------ legality */

static bool exists(const struct smmuv3_model *model, enum existence existence)
{
    switch (existence) {
    case ALWAYS:
        return true;
    case WITH_S1P:
        return model->p.s1p;
    case WITH_S2P:
        return model->p.s2p;
    case WITH_HYP:
        return model->p.hyp && model->p.s1p;
    case WITH_ATS:
        return model->p.ats;
    case WITH_PRI:
        return model->p.pri && model->p.ats;
    case WITH_STALL:
        return model->p.stall_model != 1;
    }
    return false;
}

/* Bits outside the fields that the command has on this unit. */
static bool reserved_set(const struct smmuv3_model *model, const struct command_format *format,
                         const struct smmuv3_model_command *command)
{
    uint64_t defined[2] = { field_mask(CMD_OPCODE), 0 };

    for (unsigned i = 0; i < MOST_FIELDS && format->fields[i] != NO_FIELD; i++) {
        unsigned field = format->fields[i];
        bool range = field == CMD_TLBI_NUM || field == CMD_TLBI_SCALE || field == CMD_TLBI_TTL;

        if ((range && !command->granule) || (field == CMD_TLBI_TG && !model->p.ril)) {
            continue;
        }
        defined[field_low(field) / 64] |= field_mask(field);
    }
    return (command->raw[0] & ~defined[0]) || (command->raw[1] & ~defined[1]);
}

/* Why a command is CERROR_ILL; null if it is not. */
const char *model_command_fault(const struct smmuv3_model *model,
                                const struct smmuv3_model_command *command)
{
    const struct command_format *format = format_of(command->opcode);

    if (!format) {
        return "reserved opcode";
    }
    if (!exists(model, format->existence)) {
        return "command of a feature that the unit lacks";
    }
    if (value(format, command->raw, CMD_SSEC)) {
        return "SSec set on the Non-secure queue";
    }
    if (command->opcode == CMD_SYNC && command->cs == SYNC_SIG_RESERVED) {
        return "reserved completion signal";
    }
    if (command->opcode == CMD_PRI_RESP &&
        field_of(command->raw, CMD_PRI_RESP_RESP) == PRI_RESP_RESERVED) {
        return "reserved page response";
    }
    if (command->granule && !command->ttl && command->size == power_of_2(command->granule)) {
        return "TG with neither a range nor a level hint";
    }
    if (!model->p.ignore_reserved && reserved_set(model, format, command)) {
        return "reserved bits are set";
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <stdarg.h>
#include <stdio.h>

#include "layout.h"

#define TABLE_SHIFT 12
#define INDEX_BITS 9
#define LAST 3

struct named_field {
    const char *name;
    unsigned int field;
};

static const struct named_field ste_fields[] = {
    { "V", STE_V },
    { "Config", STE_CONFIG },
    { "S1Fmt", STE_S1FMT },
    { "S1ContextPtr>>6", STE_S1CONTEXTPTR },
    { "S1CDMax", STE_S1CDMAX },
    { "S1DSS", STE_S1DSS },
    { "S2FWB", STE_S2FWB },
    { "S1STALLD", STE_S1STALLD },
    { "EATS", STE_EATS },
    { "STRW", STE_STRW },
    { "S2VMID", STE_S2VMID },
    { "S2T0SZ", STE_S2T0SZ },
    { "S2SL0", STE_S2SL0 },
    { "S2TG", STE_S2TG },
    { "S2PS", STE_S2PS },
    { "S2AA64", STE_S2AA64 },
    { "S2ENDI", STE_S2ENDI },
    { "S2AFFD", STE_S2AFFD },
    { "S2HD", STE_S2HD },
    { "S2HA", STE_S2HA },
    { "S2S", STE_S2S },
    { "S2R", STE_S2R },
    { "S2TTB", STE_S2TTB },
};

#define FIELDS (sizeof(ste_fields) / sizeof(ste_fields[0]))

/* Text that grows and is cut at its end. */
struct line {
    char *text;
    size_t size, used;
};

static __attribute__((format(printf, 2, 3))) void add(struct line *line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);

    va_end(arguments);
    if (length > 0)
        line->used += (size_t)length < line->size - line->used ? (size_t)length
                                                               : line->size - line->used - 1;
}

static struct line begin(char *text, size_t size)
{
    text[0] = '\0';
    return (struct line){ .text = text, .size = size };
}

/* ---- Stream table -------------------------------------------------------------------------------- */

struct decoded_ste decode_ste(const uint64_t words[DECODE_STE_WORDS])
{
    uint64_t config = field_of(words, STE_CONFIG);
    unsigned int start = 2 - (unsigned int)field_of(words, STE_S2SL0);
    struct decoded_ste ste = {
        .tag = (uint16_t)field_of(words, STE_S2VMID),
        .root = field_address(words, STE_S2TTB),
        .start_level = start,
        .input_bits = 64 - (unsigned int)field_of(words, STE_S2T0SZ),
    };

    if (!field_of(words, STE_V) || !field_in(config, CONFIG_PASS))
        ste.kind = DECODED_NOTHING;
    else if (field_in(config, CONFIG_STAGE1) && field_in(config, CONFIG_STAGE2))
        ste.kind = DECODED_OTHER;
    else if (field_in(config, CONFIG_STAGE1))
        ste = (struct decoded_ste){ .kind = DECODED_STAGE1,
                                    .context = field_address(words, STE_S1CONTEXTPTR) };
    else
        ste.kind = field_in(config, CONFIG_STAGE2) ? DECODED_STAGE2 : DECODED_BYPASS;
    return ste;
}

void decode_cd(struct decoded_ste *ste, const uint64_t words[DECODE_CD_WORDS])
{
    unsigned int bits = 64 - (unsigned int)field_of(words, CD_T0SZ);
    unsigned int below = TABLE_SHIFT + INDEX_BITS;

    if (!field_of(words, CD_V))
        ste->kind = DECODED_NOTHING;
    ste->tag = (uint16_t)field_of(words, CD_ASID);
    ste->root = field_of(words, CD_EPD0) ? 0 : field_address(words, CD_TTB0);
    ste->input_bits = bits;
    ste->start_level = LAST;
    for (; below < bits && ste->start_level > 0; below += INDEX_BITS)
        ste->start_level--;
}

void decode_how(const struct decoded_ste *ste, const uint64_t words[DECODE_STE_WORDS],
                const uint64_t context[DECODE_CD_WORDS], uint64_t how[DECODE_HOW_WORDS])
{
    how[0] = words[1];
    if (ste->context != 0) {
        how[1] = context[0] & ~(field_mask(CD_ASID) | field_mask(CD_R));
        how[2] = context[3];
        return;
    }
    how[1] = words[2] & ~(field_mask(STE_S2VMID) | field_mask(STE_S2R));
    how[2] = words[3] & ~field_mask(STE_S2TTB);
}

struct decoded_table decode_table(uint64_t strtab_base, uint64_t strtab_base_cfg)
{
    return (struct decoded_table){
        .base = strtab_base & field_mask(STRTAB_BASE_ADDR),
        .two_level = field_in(strtab_base_cfg, STRTAB_BASE_CFG_FMT) == 1,
        .split = (unsigned int)field_in(strtab_base_cfg, STRTAB_BASE_CFG_SPLIT),
        .log2_size = (unsigned int)field_in(strtab_base_cfg, STRTAB_BASE_CFG_LOG2SIZE),
    };
}

uint64_t decode_level1(const struct decoded_table *table, uint64_t descriptor, uint32_t *count)
{
    uint64_t span = field_in(descriptor, L1STD_SPAN);

    *count = 0;
    if (span != 0 && span <= table->split + 1)
        *count = (uint32_t)power_of_2((unsigned int)span - 1);
    return descriptor & field_mask(L1STD_L2PTR);
}

uint64_t decode_queue(uint64_t base, unsigned int log2_entry, uint64_t *size)
{
    *size = power_of_2((unsigned int)field_in(base, Q_BASE_LOG2SIZE) + log2_entry);
    return base & field_mask(Q_BASE_ADDR);
}

/* ---- Registers ------------------------------------------------------------------------------------ */

enum decoded_register decode_register(uint64_t offset, const char **name)
{
    static const struct {
        uint64_t offset;
        const char *name;
        enum decoded_register what;
    } registers[] = {
        { 0x20, "CR0", DECODED_CR0 },
        { 0x24, "CR0ACK", DECODED_CR0ACK },
        { 0x28, "CR1", DECODED_ANOTHER },
        { 0x2C, "CR2", DECODED_ANOTHER },
        { 0x44, "GBPA", DECODED_GBPA },
        { 0x50, "IRQ_CTRL", DECODED_ANOTHER },
        { 0x54, "IRQ_CTRLACK", DECODED_ANOTHER },
        { 0x60, "GERROR", DECODED_ANOTHER },
        { 0x64, "GERRORN", DECODED_ANOTHER },
        { 0x80, "STRTAB_BASE", DECODED_STRTAB_BASE },
        { 0x88, "STRTAB_BASE_CFG", DECODED_STRTAB_BASE_CFG },
        { 0x90, "CMDQ_BASE", DECODED_CMDQ_BASE },
        { 0x98, "CMDQ_PROD", DECODED_QUEUE_INDEX },
        { 0x9C, "CMDQ_CONS", DECODED_QUEUE_INDEX },
        { 0xA0, "EVENTQ_BASE", DECODED_EVENTQ_BASE },
        { 0x100A8, "EVENTQ_PROD", DECODED_QUEUE_INDEX },
        { 0x100AC, "EVENTQ_CONS", DECODED_QUEUE_INDEX },
    };

    for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        if (registers[i].offset == offset) {
            *name = registers[i].name;
            return registers[i].what;
        }
    }
    *name = "a register";
    return DECODED_ANOTHER;
}

/* ---- Walks ---------------------------------------------------------------------------------------- */

unsigned int decode_level_shift(unsigned int level)
{
    return TABLE_SHIFT + (LAST - level) * INDEX_BITS;
}

enum decoded_descriptor decode_descriptor(unsigned int level, uint64_t word, uint64_t *address)
{
    *address = word & field_mask(DESC_ADDRESS);
    if (!field_in(word, DESC_VALID) || (level == LAST && !field_in(word, DESC_TABLE)))
        return DECODED_INVALID;
    if (level < LAST && field_in(word, DESC_TABLE))
        return DECODED_TABLE;
    *address &= ~low_bits(decode_level_shift(level));
    return DECODED_LEAF;
}

/* ---- Text ----------------------------------------------------------------------------------------- */

static const char *config_name(uint64_t config)
{
    static const char *const names[] = {
        "abort", "abort", "abort", "abort", "BYPASS", "stage 1", "stage 2", "stage 1 and 2",
    };

    return names[config & 7];
}

static void add_field(struct line *line, const struct named_field *named, uint64_t value)
{
    if (named->field == STE_CONFIG)
        add(line, " Config=%u (%s)", (unsigned int)value, config_name(value));
    else if (named->field == STE_S2TTB)
        add(line, " S2TTB=0x%llx", (unsigned long long)value << 4);
    else
        add(line, " %s=%llu", named->name, (unsigned long long)value);
}

const char *decode_ste_text(const uint64_t words[DECODE_STE_WORDS], char *text, size_t size)
{
    struct line line = begin(text, size);

    for (size_t i = 0; i < FIELDS; i++) {
        uint64_t value = field_of(words, ste_fields[i].field);

        /* Zero says nothing but in the fields that make the state. */
        if (value != 0 || ste_fields[i].field == STE_V || ste_fields[i].field == STE_CONFIG)
            add_field(&line, &ste_fields[i], value);
    }
    return text[0] == ' ' ? text + 1 : text;
}

const char *decode_ste_change(const uint64_t before[DECODE_STE_WORDS],
                              const uint64_t after[DECODE_STE_WORDS], char *text, size_t size)
{
    struct line line = begin(text, size);

    for (size_t i = 0; i < FIELDS; i++) {
        uint64_t old = field_of(before, ste_fields[i].field);
        uint64_t new = field_of(after, ste_fields[i].field);
        unsigned int shift = ste_fields[i].field == STE_S2TTB ? 4 : 0;

        if (old != new)
            add(&line, "%s%s 0x%llx -> 0x%llx", line.used != 0 ? ", " : "", ste_fields[i].name,
                (unsigned long long)old << shift, (unsigned long long)new << shift);
    }
    if (line.used == 0)
        add(&line, "no field that matters");
    return text;
}

const char *decode_cd_text(const uint64_t words[DECODE_CD_WORDS], char *text, size_t size)
{
    struct line line = begin(text, size);

    add(&line, "V=%u ASID=%u T0SZ=%u EPD0=%u TTB0=0x%llx", (unsigned int)field_of(words, CD_V),
        (unsigned int)field_of(words, CD_ASID), (unsigned int)field_of(words, CD_T0SZ),
        (unsigned int)field_of(words, CD_EPD0), (unsigned long long)field_address(words, CD_TTB0));
    return text;
}

/* Access of a leaf. */
static bool readable(bool stage1, uint64_t word)
{
    return stage1 || field_in(word, DESC_S2AP_READ);
}

static bool writable(bool stage1, uint64_t word)
{
    return stage1 ? !field_in(word, DESC_AP_READ_ONLY) : field_in(word, DESC_S2AP_WRITE);
}

const char *decode_descriptor_text(unsigned int level, bool stage1, uint64_t word, char *text,
                                   size_t size)
{
    struct line line = begin(text, size);
    uint64_t address = 0;

    switch (decode_descriptor(level, word, &address)) {
    case DECODED_INVALID:
        add(&line, "invalid");
        break;
    case DECODED_TABLE:
        add(&line, "table at 0x%llx", (unsigned long long)address);
        break;
    case DECODED_LEAF:
        add(&line, "leaf of 0x%llx bytes at 0x%llx,%s%s%s",
            (unsigned long long)power_of_2(decode_level_shift(level)), (unsigned long long)address,
            readable(stage1, word) ? " read" : "", writable(stage1, word) ? " write" : "",
            field_in(word, DESC_AF) ? "" : " access flag clear");
        break;
    }
    return text;
}

const char *decode_command_text(const struct smmuv3_model_command *command, char *text, size_t size)
{
    struct line line = begin(text, size);

    add(&line, "%s", command->name);
    switch (command->opcode) {
    case CMD_CFGI_STE:
        add(&line, " stream 0x%x leaf=%d", command->stream_id, command->leaf);
        break;
    case CMD_CFGI_STE_RANGE:
        add(&line, command->range == CFGI_RANGE_ALL ? " all streams" : " from stream 0x%x",
            command->stream_id);
        break;
    case CMD_TLBI_S12_VMALL:
        add(&line, " tag %u", command->vmid);
        break;
    case CMD_CFGI_CD:
    case CMD_CFGI_CD_ALL:
        add(&line, " stream 0x%x", command->stream_id);
        break;
    case CMD_TLBI_NH_ASID:
        add(&line, " tag %u", command->asid);
        break;
    case CMD_TLBI_NH_VA:
        add(&line, " tag %u address 0x%llx", command->asid, (unsigned long long)command->address);
        if (command->size != 0)
            add(&line, " 0x%llx bytes", (unsigned long long)command->size);
        add(&line, " leaf=%d", command->leaf);
        break;
    case CMD_TLBI_S2_IPA:
        add(&line, " tag %u address 0x%llx", command->vmid, (unsigned long long)command->address);
        if (command->size != 0)
            add(&line, " 0x%llx bytes", (unsigned long long)command->size);
        add(&line, " leaf=%d", command->leaf);
        break;
    default:
        break;
    }
    if (command->illegal)
        add(&line, ", which is illegal");
    return text;
}

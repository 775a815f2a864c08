/* SPDX-License-Identifier: Apache-2.0 */
#include "gic_model.h"

#include <string.h>

#include "arch/host/host.h"

#define DISTRIBUTOR_SIZE 0x10000
#define CONTROL_GROUPS BITS(1, 0)
#define CONTROL_AFFINITY BIT(4)
#define CONTROL_RWP BIT(31)
#define REDISTRIBUTOR_RWP BIT(3)
#define WAKER_SLEEP BIT(1)
#define WAKER_CHILDREN BIT(2)
#define TYPER_WIDE BIT(1)
#define TYPER_LAST BIT(4)
#define NARROW 0x20000
#define WIDE 0x40000
#define PRIVATE 0x10000
#define BANK 0x80

struct gic_model gic_model;

static void mistake(const char *text)
{
    gic_model.mistakes++;
    gic_model.mistake = text;
}

/* A read of RWP: one until it has been asked for often enough, then what was disabled is. */
static bool pending(uint32_t *waits, struct gic_word *word, unsigned int count)
{
    if (*waits != 0) {
        *waits -= *waits != GIC_FOREVER;
        return true;
    }
    for (unsigned int i = 0; i < count; i++)
        word[i].fading = 0;
    return false;
}

static void configure(struct gic_word *word, unsigned int half, uint32_t value)
{
    uint64_t fields = UINT64_C(0xAAAAAAAA) << half * 32;
    uint64_t edge = (word->edge & ~fields) | (((uint64_t)value << half * 32) & fields);

    for (unsigned int i = 0; i < 32; i++) {
        if (((edge ^ word->edge) >> (i * 2 + 1) & 1) != 0 &&
            ((word->enabled | word->fading) >> i & 1) != 0)
            mistake("an interrupt is configured while it is enabled");
    }
    word->edge = edge;
}

/* Of a write that sets RWP. */
static uint32_t delay(void)
{
    if (gic_model.prompt == 0)
        return gic_model.slow;
    gic_model.prompt--;
    return 0;
}

/* A register of 32 interrupts; waits: of the frame. */
static void write_word(struct gic_word *word, uint64_t bank, uint32_t bits, uint32_t *waits)
{
    switch (bank) {
    case 0x080:
        word->group = bits;
        break;
    case 0x100:
        word->enabled |= bits;
        break;
    case 0x180:
        word->fading |= word->enabled & bits;
        word->enabled &= ~bits;
        *waits = delay();
        break;
    case 0x200:
        word->pending |= bits;
        break;
    case 0x280:
        word->pending &= ~bits;
        break;
    case 0x300:
        word->active |= bits;
        break;
    case 0x380:
        word->active &= ~bits;
        break;
    default:
        mistake("a register that the model does not know was written");
        break;
    }
}

static void write_frame(struct gic_word *word, uint64_t offset, uint32_t value, uint32_t *waits)
{
    if (offset >= 0xC00 && offset < 0xC00 + GIC_LINES / 4) {
        configure(&word[(offset - 0xC00) / 8], (unsigned int)(offset >> 2) & 1, value);
    } else if (offset >= 0x400 && offset < 0x400 + GIC_LINES) {
        memcpy(&word[(offset - 0x400) / 32].priority[offset % 32], &value, sizeof(value));
    } else {
        write_word(&word[offset % BANK / 4], offset & ~(uint64_t)(BANK - 1), value, waits);
    }
}

static uint32_t read_frame(const struct gic_word *word, uint64_t offset)
{
    uint32_t value;

    if (offset >= 0xC00)
        return (uint32_t)(word[(offset - 0xC00) / 8].edge >> (offset & 4) * 8);
    if (offset >= 0x400) {
        memcpy(&value, &word[(offset - 0x400) / 32].priority[offset % 32], sizeof(value));
        return value;
    }
    word += offset % BANK / 4;
    return offset < 0x200 ? word->enabled : offset < 0x300 ? word->pending : word->active;
}

static uint64_t distributor_read(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    switch (offset) {
    case 0:
        return gic_model.control |
               (pending(&gic_model.waits, gic_model.word, GIC_LINES / 32) ? CONTROL_RWP : 0);
    case 4:
        return GIC_LINES / 32 - 1;
    default:
        return read_frame(gic_model.word, offset);
    }
}

static void distributor_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    if (offset == 0) {
        if ((gic_model.control & ~value & CONTROL_AFFINITY) != 0)
            mistake("affinity routing is turned off");
        if ((~gic_model.control & value & CONTROL_AFFINITY) != 0 &&
            (gic_model.control & CONTROL_GROUPS) != 0)
            mistake("affinity routing is turned on while groups are");
        gic_model.control = (uint32_t)value;
        gic_model.waits = delay();
    } else if (offset >= 0x6000) {
        gic_model.router[(offset - 0x6000) / 8] = value;
    } else {
        write_frame(gic_model.word, offset, (uint32_t)value, &gic_model.waits);
    }
}

static uint64_t redistributor_read(void *context, uint64_t offset, unsigned int bytes)
{
    struct gic_redistributor *r = context;
    uint64_t lpis = 0;

    if (r->its != NULL && its_model_has(offset))
        lpis = its_model_redistributor_read(r->its, r->number, offset, bytes);
    switch (offset) {
    case 0:
        return lpis | (pending(&r->waits, &r->word, 1) ? REDISTRIBUTOR_RWP : 0);
    case 8:
        return lpis | r->affinity << 32 | (r->size == WIDE ? TYPER_WIDE : 0) |
               (r->last ? TYPER_LAST : 0);
    case 0x70:
    case 0x74:
    case 0x78:
    case 0x7C:
        return lpis;
    case 0x14:
        return r->asleep                       ? WAKER_SLEEP | WAKER_CHILDREN
               : gic_model.slow == GIC_FOREVER ? WAKER_CHILDREN
                                               : 0;
    default:
        return read_frame(&r->word, offset - PRIVATE);
    }
}

static void redistributor_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    struct gic_redistributor *r = context;

    if (r->its != NULL && its_model_has(offset))
        its_model_redistributor_write(r->its, r->number, offset, value, bytes);
    else if (offset == 0x14)
        r->asleep = (value & WAKER_SLEEP) != 0;
    else
        write_frame(&r->word, offset - PRIVATE, (uint32_t)value, &r->waits);
}

void gic_model_start(void)
{
    memset(&gic_model, 0, sizeof(gic_model));
    gic_model.control = CONTROL_AFFINITY | CONTROL_GROUPS;
    gic_model.slow = 3;
    for (unsigned int i = 0; i < GIC_LINES / 32; i++)
        gic_model.word[i] = (struct gic_word){ .enabled = UINT32_MAX,
                                               .pending = UINT32_MAX,
                                               .active = UINT32_MAX,
                                               .edge = UINT64_C(0xAAAAAAAAAAAAAAAA) };
    host_attach(&(struct host_registers){ .base = GIC_DISTRIBUTOR,
                                          .size = DISTRIBUTOR_SIZE,
                                          .read = distributor_read,
                                          .write = distributor_write });
}

struct gic_redistributor *gic_model_add(uint64_t base, uint64_t affinity, bool wide, bool last)
{
    struct gic_redistributor *r = gic_model.redistributor;

    while (r->size != 0)
        r++;
    *r = (struct gic_redistributor){ .base = base,
                                     .size = wide ? WIDE : NARROW,
                                     .affinity = affinity,
                                     .last = last,
                                     .asleep = true,
                                     .word = gic_model.word[0] };
    host_attach(&(struct host_registers){ .base = base,
                                          .size = r->size,
                                          .context = r,
                                          .read = redistributor_read,
                                          .write = redistributor_write });
    return r;
}

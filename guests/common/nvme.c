/* SPDX-License-Identifier: Apache-2.0 */
#include "nvme.h"

#include <stddef.h>

#include "sdk/mmio.h"
#include "sdk/timer.h"

/* ---- Registers (Base 2.0, 3.1.3) ------------------------------------------------------------- */
#define REG_CAP 0x00
#define REG_CC 0x14
#define REG_CSTS 0x1c
#define REG_AQA 0x24
#define REG_ASQ 0x28
#define REG_ACQ 0x30
#define REG_DOORBELLS 0x1000

#define CAP_ENTRIES(cap) ((uint32_t)((cap)&0xffff) + 1)
#define CAP_TIMEOUT(cap) ((uint32_t)((cap) >> 24 & 0xff)) /* in units of 500 ms */
#define CAP_STRIDE(cap) ((uint32_t)((cap) >> 32 & 0xf))
#define CAP_NVM_COMMANDS (UINT64_C(1) << 37)
#define CAP_PAGE_MIN(cap) ((uint32_t)((cap) >> 48 & 0xf)) /* 0: 4 KiB */
#define CAP_TIMEOUT_NS (500 * NS_PER_MS)

#define CC_ENABLE (1u << 0)
#define CC_SHUT_DOWN_MASK (3u << 14)
#define CC_SHUT_DOWN (1u << 14)
#define CC_ENTRY_SIZES (6u << 16 | 4u << 20) /* 64 bytes a command, 16 a completion */

#define CSTS_READY (1u << 0)
#define CSTS_FATAL (1u << 1)
#define CSTS_SHUT_DOWN_MASK (3u << 2)
#define CSTS_SHUT_DOWN_DONE (2u << 2)
#define CSTS_GONE 0xffffffffu /* no register answers */

#define AQA_COMPLETIONS_SHIFT 16

/* ---- Queue entries --------------------------------------------------------------------------- */
#define COMMAND_BYTES 64
#define COMMAND_WORDS 16
#define COMMAND_ID_SHIFT 16
#define COMMAND_ID_MASK 0xffffu
#define COMPLETION_BYTES 16
#define COMPLETION_WORDS 4
#define COMPLETION_PHASE_SHIFT 16
#define COMPLETION_STATUS_SHIFT 17
#define ENTRIES 16u /* of each queue: far less than a page of either kind holds */

/* Opcodes: admin (5), NVM command set (3). */
#define ADMIN_DELETE_SUBMISSIONS 0x00
#define ADMIN_CREATE_SUBMISSIONS 0x01
#define ADMIN_DELETE_COMPLETIONS 0x04
#define ADMIN_CREATE_COMPLETIONS 0x05
#define ADMIN_IDENTIFY 0x06
#define NVM_FLUSH 0x00
#define NVM_WRITE 0x01
#define NVM_READ 0x02

#define NAMESPACE 1
#define IDENTIFY_NAMESPACE 0
#define IDENTIFY_CONTROLLER 1
#define QUEUE_ID 1u
#define QUEUE_CONTIGUOUS 1u
#define QUEUE_ENTRIES_SHIFT 16
#define QUEUE_COMPLETIONS_SHIFT 16

/* Where Identify answers what, and the fields there. */
#define CONTROLLER_SERIAL 4
#define CONTROLLER_SERIAL_BYTES 20
#define CONTROLLER_MODEL 24
#define CONTROLLER_MODEL_BYTES 40
#define NAMESPACE_BLOCKS 0
#define NAMESPACE_FORMAT 26
#define NAMESPACE_FORMAT_MASK 0xf
#define NAMESPACE_FORMATS 128
#define NAMESPACE_FORMAT_BYTES 4
#define FORMAT_BLOCK_SHIFT 2 /* the byte with the size of a block, as a power of two */
#define BLOCK_SHIFT_MIN 9
#define BLOCK_SHIFT_MAX 12

#define COMMAND_NS (5 * NS_PER_SECOND)
#define POLL_NS (20 * NS_PER_US)

/* A command, word by word; the driver fills in what is the same in all. */
struct command {
    uint32_t opcode;
    uint32_t namespace;
    uint64_t first, second; /* PRP 1 and 2 */
    uint32_t word10, word11, word12;
};

static uint32_t low(uint64_t value)
{
    return (uint32_t)value;
}

static uint32_t high(uint64_t value)
{
    return (uint32_t)(value >> 32);
}

/* ---- Controller ------------------------------------------------------------------------------ */
/* Waits until these bits of CSTS have that value. */
static int wait_status(const struct nvme *nvme, uint32_t mask, uint32_t value)
{
    uint64_t deadline = timer_now() + timer_ticks(nvme->ready_ns);

    for (;;) {
        uint32_t status = mmio_read32(nvme->registers + REG_CSTS);

        if (status == CSTS_GONE)
            return NVME_FATAL;
        if ((status & mask) == value)
            return NVME_OK;
        if (status & CSTS_FATAL)
            return NVME_FATAL;
        if (timer_now() >= deadline)
            return NVME_NO_ANSWER;
        timer_sleep_ns(NS_PER_MS);
    }
}

static void clear_page(const struct nvme_page *page)
{
    for (uint32_t i = 0; i < NVME_PAGE_BYTES; i++)
        page->bytes[i] = 0;
}

static void init_queue(struct nvme_queue *queue, uint32_t id, uint32_t entries,
                       const struct nvme_page *submissions, const struct nvme_page *completions)
{
    *queue = (struct nvme_queue){ .submissions = submissions,
                                  .completions = completions,
                                  .id = id,
                                  .entries = entries,
                                  .phase = 1 };
    clear_page(submissions);
    clear_page(completions);
}

int nvme_disable(struct nvme *nvme)
{
    uint32_t configuration = mmio_read32(nvme->registers + REG_CC);

    mmio_write32(nvme->registers + REG_CC, configuration & ~CC_ENABLE);
    return wait_status(nvme, CSTS_READY, 0);
}

int nvme_enable(struct nvme *nvme, uintptr_t registers, const struct nvme_memory *memory)
{
    uint64_t capabilities = mmio_read64(registers + REG_CAP);
    uint32_t entries = CAP_ENTRIES(capabilities) < ENTRIES ? CAP_ENTRIES(capabilities) : ENTRIES;
    int status;

    *nvme = (struct nvme){ .registers = registers,
                           .memory = memory,
                           .doorbell_bytes = 4u << CAP_STRIDE(capabilities),
                           .ready_ns = (CAP_TIMEOUT(capabilities) + 1) * CAP_TIMEOUT_NS };
    if (!(capabilities & CAP_NVM_COMMANDS) || CAP_PAGE_MIN(capabilities) != 0 || entries < 2)
        return NVME_UNFIT;
    status = nvme_disable(nvme);
    if (status != NVME_OK)
        return status;

    init_queue(&nvme->admin, 0, entries, &memory->admin_submissions, &memory->admin_completions);
    init_queue(&nvme->io, QUEUE_ID, entries, &memory->submissions, &memory->completions);
    mmio_write32(registers + REG_AQA, (entries - 1) << AQA_COMPLETIONS_SHIFT | (entries - 1));
    mmio_write64(registers + REG_ASQ, memory->admin_submissions.iova);
    mmio_write64(registers + REG_ACQ, memory->admin_completions.iova);
    dma_publish();
    mmio_write32(registers + REG_CC, CC_ENTRY_SIZES | CC_ENABLE);
    return wait_status(nvme, CSTS_READY, CSTS_READY);
}

int nvme_shut_down(struct nvme *nvme)
{
    uint32_t configuration = mmio_read32(nvme->registers + REG_CC) & ~CC_SHUT_DOWN_MASK;
    int status;

    mmio_write32(nvme->registers + REG_CC, configuration | CC_SHUT_DOWN);
    status = wait_status(nvme, CSTS_SHUT_DOWN_MASK, CSTS_SHUT_DOWN_DONE);
    if (status != NVME_OK)
        return status;
    return nvme_disable(nvme);
}

bool nvme_is_on(const struct nvme *nvme)
{
    return (mmio_read32(nvme->registers + REG_CC) & CC_ENABLE) ||
           (mmio_read32(nvme->registers + REG_CSTS) & CSTS_READY);
}

/* ---- Commands -------------------------------------------------------------------------------- */
static uintptr_t doorbell(const struct nvme *nvme, const struct nvme_queue *queue, uint32_t which)
{
    return nvme->registers + REG_DOORBELLS +
           (uintptr_t)(2 * queue->id + which) * nvme->doorbell_bytes;
}

static void submit(const struct nvme *nvme, struct nvme_queue *queue, const struct command *command)
{
    volatile uint32_t *words = (volatile uint32_t *)(queue->submissions->bytes +
                                                     (size_t)queue->tail * COMMAND_BYTES);

    for (unsigned int i = 0; i < COMMAND_WORDS; i++)
        words[i] = 0;
    words[0] = command->opcode | queue->next_command << COMMAND_ID_SHIFT;
    words[1] = command->namespace;
    words[6] = low(command->first);
    words[7] = high(command->first);
    words[8] = low(command->second);
    words[9] = high(command->second);
    words[10] = command->word10;
    words[11] = command->word11;
    words[12] = command->word12;
    queue->tail = (queue->tail + 1) % queue->entries;
    dma_publish();
    mmio_write32(doorbell(nvme, queue, 0), queue->tail);
}

/* The completion of the one command under way. */
static int complete(const struct nvme *nvme, struct nvme_queue *queue)
{
    volatile const uint32_t *words = (volatile const uint32_t *)(queue->completions->bytes +
                                                                 (size_t)queue->head *
                                                                     COMPLETION_BYTES);
    uint64_t deadline = timer_now() + timer_ticks(COMMAND_NS);
    uint32_t last, command;

    while (((last = words[COMPLETION_WORDS - 1]) >> COMPLETION_PHASE_SHIFT & 1) != queue->phase) {
        if (mmio_read32(nvme->registers + REG_CSTS) & CSTS_FATAL)
            return NVME_FATAL;
        if (timer_now() >= deadline)
            return NVME_NO_ANSWER;
        if (nvme->meanwhile != NULL)
            nvme->meanwhile();
        else
            timer_sleep_ns(POLL_NS);
    }
    dma_observe();
    command = queue->next_command;
    queue->next_command = (queue->next_command + 1) & COMMAND_ID_MASK;
    queue->head = (queue->head + 1) % queue->entries;
    if (queue->head == 0)
        queue->phase ^= 1;
    mmio_write32(doorbell(nvme, queue, 1), queue->head);
    return (last & COMMAND_ID_MASK) == command ? (int)(last >> COMPLETION_STATUS_SHIFT)
                                               : NVME_FATAL;
}

static int run(const struct nvme *nvme, struct nvme_queue *queue, const struct command *command)
{
    submit(nvme, queue, command);
    return complete(nvme, queue);
}

static int admin(struct nvme *nvme, const struct command *command)
{
    return run(nvme, &nvme->admin, command);
}

/* Text of fixed length, padded with spaces. */
static void read_text(char *text, const volatile uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = from[i] >= ' ' && from[i] <= '~' ? (char)from[i] : ' ';
    while (bytes > 0 && text[bytes - 1] == ' ')
        bytes--;
    text[bytes] = '\0';
}

static int identify(struct nvme *nvme, uint32_t namespace, uint32_t what)
{
    return admin(nvme, &(struct command){ .opcode = ADMIN_IDENTIFY,
                                          .namespace = namespace,
                                          .first = nvme->memory->identity.iova,
                                          .word10 = what });
}

int nvme_identify(struct nvme *nvme)
{
    const volatile uint8_t *answer = nvme->memory->identity.bytes;
    int status = identify(nvme, 0, IDENTIFY_CONTROLLER);
    uint32_t format, shift;

    if (status != NVME_OK)
        return status;
    read_text(nvme->serial, answer + CONTROLLER_SERIAL, CONTROLLER_SERIAL_BYTES);
    read_text(nvme->model, answer + CONTROLLER_MODEL, CONTROLLER_MODEL_BYTES);

    status = identify(nvme, NAMESPACE, IDENTIFY_NAMESPACE);
    if (status != NVME_OK)
        return status;
    nvme->blocks = 0;
    for (unsigned int i = 0; i < sizeof(nvme->blocks); i++)
        nvme->blocks |= (uint64_t)answer[NAMESPACE_BLOCKS + i] << (8 * i);
    format = answer[NAMESPACE_FORMAT] & NAMESPACE_FORMAT_MASK;
    shift = answer[NAMESPACE_FORMATS + format * NAMESPACE_FORMAT_BYTES + FORMAT_BLOCK_SHIFT];
    if (shift < BLOCK_SHIFT_MIN || shift > BLOCK_SHIFT_MAX)
        return NVME_UNFIT;
    nvme->block_bytes = 1u << shift;
    return NVME_OK;
}

int nvme_create_queues(struct nvme *nvme)
{
    uint32_t queue = (nvme->io.entries - 1) << QUEUE_ENTRIES_SHIFT | QUEUE_ID;
    int status = admin(nvme, &(struct command){ .opcode = ADMIN_CREATE_COMPLETIONS,
                                                .first = nvme->memory->completions.iova,
                                                .word10 = queue,
                                                .word11 = QUEUE_CONTIGUOUS });

    if (status != NVME_OK)
        return status;
    return admin(nvme, &(struct command){ .opcode = ADMIN_CREATE_SUBMISSIONS,
                                          .first = nvme->memory->submissions.iova,
                                          .word10 = queue,
                                          .word11 = QUEUE_ID << QUEUE_COMPLETIONS_SHIFT |
                                                    QUEUE_CONTIGUOUS });
}

int nvme_delete_queues(struct nvme *nvme)
{
    int status = admin(nvme,
                       &(struct command){ .opcode = ADMIN_DELETE_SUBMISSIONS, .word10 = QUEUE_ID });

    if (status != NVME_OK)
        return status;
    return admin(nvme, &(struct command){ .opcode = ADMIN_DELETE_COMPLETIONS, .word10 = QUEUE_ID });
}

int nvme_transfer(struct nvme *nvme, enum nvme_direction direction, uint64_t block, uint32_t count,
                  uint64_t first, uint64_t second)
{
    return run(nvme, &nvme->io,
               &(struct command){ .opcode = direction == NVME_READ ? NVM_READ : NVM_WRITE,
                                  .namespace = NAMESPACE,
                                  .first = first,
                                  .second = second,
                                  .word10 = low(block),
                                  .word11 = high(block),
                                  .word12 = count - 1 });
}

int nvme_flush(struct nvme *nvme)
{
    return run(nvme, &nvme->io, &(struct command){ .opcode = NVM_FLUSH, .namespace = NAMESPACE });
}

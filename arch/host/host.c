/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/boot.h"
#include "arch/host/scheduler.h"
#include "arch/host/store_buffer.h"
#include "arch/seam.h"
#include "drivers/irqchip/lpi.h"
#include "drivers/irqchip/message.h"
#include "lib/log.h"
#include "lib/vmsa.h"
#include "vcpu.h"

#define REGISTERS_LIMIT 64
#define CONSOLE_SIZE 65536
#define ROUTES_LIMIT 32
#define SHARED_FIRST 32
#define SHARED_COUNT 64
#define TIME_STEP 1000
#define TICKS_PER_SECOND 1000000000
#define STAGE2_BITS 39
#define SHARED_FIRST 32
#define SHARED_COUNT 64

struct line {
    uint32_t interrupt;
    void (*handler)(void *argument);
    void *argument;
    uint64_t moment; /* for which it was asked to come again; 0: none */
};

struct route {
    uint32_t interrupt;
    uint32_t virtual_interrupt;
    struct vcpu *vcpu; /* NULL: free */
};

struct message_route {
    struct vcpu *vcpu; /* NULL: it leads nowhere */
    uint32_t interrupt;
};

struct work {
    void (*function)(void *argument);
    void *argument;
};

static struct host_registers registers[REGISTERS_LIMIT];
static unsigned int registers_count;
static struct line lines[ARCH_INTERRUPT_HANDLERS];
static unsigned int line_count;
static struct route routes[ROUTES_LIMIT];
static struct message_route message_routes[MESSAGES];
uint64_t host_message_targets[TOPOLOGY_CPUS];
bool host_lines_stay;
static struct topology_range aborting, unmappable;
static struct work works[TOPOLOGY_CPUS];
static uint64_t now;
static char console[CONSOLE_SIZE];
static size_t console_used;
static jmp_buf *leave[TOPOLOGY_CPUS]; /* of each CPU, while it is in host_run() */

unsigned int host_cpu;
unsigned int host_cpus = 1;
unsigned int host_aarch32_cpus = ~0u;
struct topology_range host_image = { .size = PAGE_SIZE };
uint64_t host_time_step = TIME_STEP;
uint64_t host_ticks_per_second = TICKS_PER_SECOND;
struct host_counters host_counters;
unsigned int (*host_choose)(const char *what, unsigned int count);
void (*host_device_visible)(void);
struct vcpu *host_guest;
const struct arch_guest_ops *host_guest_ops;

/* ---- The seams ------------------------------------------------------------------------------ */

static const struct host_registers *find(uint64_t address)
{
    for (unsigned int i = 0; i < registers_count; i++) {
        if (address - registers[i].base < registers[i].size)
            return &registers[i];
    }
    return NULL;
}

uint64_t host_mmio_read(uint64_t address, unsigned int bytes)
{
    const struct host_registers *model = find(address);

    if (model == NULL) {
        fprintf(stderr, "host: read of 0x%llx, where no model stands\n",
                (unsigned long long)address);
        abort();
    }
    host_point(HOST_AT_REGISTER);
    return model->read(model->context, address - model->base, bytes);
}

void host_mmio_write(uint64_t address, uint64_t value, unsigned int bytes)
{
    const struct host_registers *model = find(address);

    if (model == NULL) {
        fprintf(stderr, "host: write to 0x%llx, where no model stands\n",
                (unsigned long long)address);
        abort();
    }
    host_point(HOST_AT_REGISTER);
    model->write(model->context, address - model->base, value, bytes);
}

bool mmio_probe32(uint64_t address, uint32_t *value)
{
    if (address - aborting.base < aborting.size)
        return false;
    if (address - HOST_MEMORY_BASE < HOST_MEMORY_SIZE)
        *value = *(const volatile uint32_t *)memory_pointer(address);
    else
        *value = mmio_read32(address);
    return true;
}

__attribute__((noinline)) void host_entry_write(volatile uint64_t *entry, uint64_t value)
{
    const void *callers[HOST_STORE_CALLERS] = { NULL };

    host_callers(__builtin_frame_address(0), callers);
    host_counters.entries++;
    host_store(entry, value, callers);
    host_point(HOST_AT_STORE);
}

void host_barrier(void)
{
    host_counters.barriers++;
    host_point(HOST_AT_BARRIER);
    host_stores_barrier();
}

void host_device_barrier(void)
{
    if (host_device_visible != NULL)
        host_device_visible();
}

void cache_clean(const volatile void *pointer, uint64_t size)
{
    host_counters.cleans++;
    host_stores_clean(memory_physical(pointer), size, false);
}

void cache_clean_invalidate(const volatile void *pointer, uint64_t size)
{
    host_counters.invalidates++;
    host_stores_clean(memory_physical(pointer), size, true);
}

void cache_synchronise_code(const volatile void *pointer, uint64_t size)
{
    (void)pointer;
    (void)size;
    host_counters.code_synchronisations++;
}

uint64_t host_time(void)
{
    host_point(HOST_AT_TIME);
    now += host_time_step;
    return now;
}

/* ---- What the architecture does ------------------------------------------------------------- */

static bool can_map(uint64_t base, uint64_t size)
{
    return size != 0 &&
           !(unmappable.size != 0 && range_overlaps(base, size, unmappable.base, unmappable.size));
}

bool arch_map_device(uint64_t base, uint64_t size)
{
    return can_map(base, size);
}

bool arch_map_memory(uint64_t base, uint64_t size)
{
    return can_map(base, size);
}

void arch_image_range(uint64_t *base, uint64_t *size)
{
    *base = host_image.base;
    *size = host_image.size;
}

void arch_image_digest(uint8_t digest[SHA256_SIZE])
{
    memset(digest, HOST_IMAGE_DIGEST, SHA256_SIZE);
}

unsigned int arch_start_cpus(const struct topology *topology, unsigned int limit)
{
    (void)topology;
    return host_cpus < limit ? host_cpus : limit;
}

bool arch_cpu_has_aarch32(unsigned int cpu)
{
    return cpu < host_aarch32_cpus;
}

void arch_run_on(unsigned int cpu, void (*function)(void *argument), void *argument)
{
    works[cpu] = (struct work){ .function = function, .argument = argument };
}

static _Noreturn void go(enum host_end end)
{
    if (leave[host_cpu] == NULL) {
        fprintf(stderr, "host: the kernel left outside of host_run()\n%s", console);
        abort();
    }
    longjmp(*leave[host_cpu], (int)end + 1);
}

_Noreturn void arch_idle(void)
{
    go(HOST_IDLE);
}

_Noreturn void arch_power_off(void)
{
    go(HOST_OFF);
}

_Noreturn void arch_vcpu_run(struct vcpu *vcpu)
{
    vcpu->running = true;
    host_guest = vcpu;
    go(HOST_GUEST);
}

void arch_vcpu_prepare(struct vcpu *vcpu, struct partition *partition,
                       const struct arch_start *start, uint64_t stage2_root, uint16_t tag)
{
    *vcpu = (struct vcpu){
        .partition = partition, .start = *start, .stage2_root = stage2_root, .tag = tag
    };
}

void arch_vcpu_stop(struct vcpu *vcpu)
{
    vcpu->running = false;
}

bool arch_interrupts_start(const struct topology *topology, const char **reason)
{
    if (!topology->gicv3)
        *reason = "the device tree has no GICv3";
    /* Where a test put redistributors that take messages. */
    if (topology->its_count != 0 && host_message_targets[0] != 0 && lpi_start(host_cpus)) {
        for (unsigned int i = 0; i < host_cpus; i++) {
            if (host_message_targets[i] != 0)
                lpi_start_cpu(host_message_targets[i], i);
        }
    }
    return topology->gicv3;
}

bool arch_interrupt_enable(uint32_t interrupt, bool edge, void (*handler)(void *argument),
                           void *argument)
{
    (void)edge;
    if (line_count == ARCH_INTERRUPT_HANDLERS || interrupt == INTERRUPT_NONE)
        return false;
    lines[line_count++] = (struct line){ .interrupt = interrupt,
                                         .handler = handler,
                                         .argument = argument };
    return true;
}

void arch_interrupt_at(uint32_t interrupt, uint64_t moment)
{
    for (unsigned int i = 0; i < line_count; i++) {
        if (lines[i].interrupt == interrupt)
            lines[i].moment = moment;
    }
}

void arch_interrupt_again(uint32_t interrupt)
{
    host_counters.interrupts_again++;
    if (host_scheduling())
        host_raise(interrupt);
    else
        arch_interrupt_at(interrupt, now); /* when the test lets it come */
}

bool arch_interrupt_route(uint32_t interrupt, struct vcpu *vcpu, uint32_t virtual_interrupt)
{
    struct route *free = NULL;

    for (unsigned int i = 0; i < line_count; i++) {
        if (lines[i].interrupt == interrupt)
            return false;
    }
    for (unsigned int i = 0; i < ROUTES_LIMIT; i++) {
        if (routes[i].vcpu == NULL)
            free = &routes[i];
        else if (routes[i].interrupt == interrupt)
            return false;
    }
    if (free == NULL || virtual_interrupt - SHARED_FIRST >= SHARED_COUNT)
        return false;
    *free = (struct route){ .interrupt = interrupt,
                            .virtual_interrupt = virtual_interrupt,
                            .vcpu = vcpu };
    return true;
}

bool arch_interrupt_unroute(uint32_t interrupt)
{
    for (unsigned int i = 0; i < ROUTES_LIMIT; i++) {
        if (routes[i].vcpu != NULL && routes[i].interrupt == interrupt)
            routes[i].vcpu = NULL;
    }
    return !host_lines_stay;
}

struct vcpu *host_route(uint32_t interrupt, uint32_t *virtual_interrupt)
{
    for (unsigned int i = 0; i < ROUTES_LIMIT; i++) {
        if (routes[i].vcpu == NULL || routes[i].interrupt != interrupt)
            continue;
        *virtual_interrupt = routes[i].virtual_interrupt;
        return routes[i].vcpu;
    }
    return NULL;
}

bool arch_vcpu_interrupt(struct vcpu *vcpu, uint32_t interrupt)
{
    if (!vcpu->running || interrupt - SHARED_FIRST >= SHARED_COUNT)
        return false;
    atomic_fetch_or(&vcpu->interrupts, BIT(interrupt - SHARED_FIRST));
    return true;
}

void arch_vcpu_recall(struct vcpu *vcpu)
{
    vcpu->recalled = true;
}

uint64_t arch_message_target(unsigned int cpu)
{
    return host_message_targets[cpu];
}

void arch_message_route(uint32_t message, struct vcpu *vcpu, uint32_t interrupt)
{
    message_routes[message] = (struct message_route){ .vcpu = interrupt != 0 ? vcpu : NULL,
                                                      .interrupt = interrupt };
}

bool host_message(uint32_t message)
{
    const struct message_route *route = message < MESSAGES ? &message_routes[message] : NULL;

    return route != NULL && route->vcpu != NULL &&
           arch_vcpu_interrupt(route->vcpu, route->interrupt);
}

void arch_guest_register(const struct arch_guest_ops *ops)
{
    host_guest_ops = ops;
}

const struct arch_guest_layout arch_guest_layout = {
    .distributor = { .base = 0x08000000, .size = 0x10000 },
    .redistributor = { .base = 0x080A0000, .size = 0x20000 },
};

uint64_t arch_stage2_memory_attributes(void)
{
    return 0xF << 2 | 3 << 6 | BIT(10);
}

uint64_t arch_stage2_device_attributes(void)
{
    return 1 << 2 | 3 << 6 | BIT(10) | BIT(54);
}

/* The same as arm64's: what the kernel builds is then comparable. */
const struct pagetable_format *arch_stage2_format(void)
{
    return &vmsa_4k;
}

unsigned int arch_stage2_bits(void)
{
    return STAGE2_BITS;
}

uint64_t arch_stage2_window_attributes(bool writes)
{
    return UINT64_C(0xF) << 2 | (writes ? UINT64_C(3) : 1) << 6 | BIT(10) | BIT(54);
}

void arch_stage2_invalidate(uint64_t root, uint16_t tag)
{
    (void)root;
    (void)tag;
    host_counters.stage2_invalidates++;
}

/* ---- What tests do -------------------------------------------------------------------------- */

static void port_start(uint64_t base)
{
    (void)base;
}

static bool port_write(uint64_t base, char c)
{
    (void)base;
    if (console_used + 1 < sizeof(console))
        console[console_used++] = c;
    console[console_used] = '\0';
    return true;
}

static void port_interrupt(uint64_t base, bool room, bool input)
{
    (void)base;
    (void)room;
    (void)input;
}

static bool port_idle(uint64_t base)
{
    (void)base;
    return true;
}

static const struct log_port port = {
    .start = port_start,
    .write = port_write,
    .interrupt = port_interrupt,
    .idle = port_idle,
};

static void map_memory(int fixed)
{
    void *wanted = (void *)(uintptr_t)HOST_MEMORY_BASE;
    void *got = mmap(wanted, HOST_MEMORY_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);

    if (got != wanted) {
        perror("host: cannot map the machine's memory");
        abort();
    }
}

/* Before the first malloc(): the heap may begin anywhere in the first gigabyte behind the program, and
 * grows elsewhere if this is in its way. */
__attribute__((constructor)) static void reserve_memory(void)
{
    map_memory(MAP_FIXED_NOREPLACE);
}

void host_reset(void)
{
    host_memory_drop();
    map_memory(MAP_FIXED);
    host_stores_reset();
    registers_count = 0;
    line_count = 0;
    host_every_reset();
    memset(routes, 0, sizeof(routes));
    memset(message_routes, 0, sizeof(message_routes));
    memset(host_message_targets, 0, sizeof(host_message_targets));
    host_lines_stay = false;
    now = 0;
    host_aarch32_cpus = ~0u;
    host_ticks_per_second = TICKS_PER_SECOND;
    console_used = 0;
    console[0] = '\0';
    memset(works, 0, sizeof(works));
    aborting = (struct topology_range){ 0 };
    unmappable = (struct topology_range){ 0 };
    host_image = (struct topology_range){ .size = PAGE_SIZE };
    host_counters = (struct host_counters){ 0 };
    host_choose = NULL;
    host_device_visible = NULL;
    host_guest = NULL;
    host_cpu = 0;
    log_start(&port, 0);
}

void host_attach(const struct host_registers *added)
{
    if (registers_count == REGISTERS_LIMIT)
        abort();
    registers[registers_count++] = *added;
}

void host_advance(uint64_t nanoseconds)
{
    now += nanoseconds;
}

void host_abort_range(uint64_t base, uint64_t size)
{
    aborting = (struct topology_range){ .base = base, .size = size };
}

void host_refuse_maps(uint64_t base, uint64_t size)
{
    unmappable = (struct topology_range){ .base = base, .size = size };
}

bool host_interrupt(uint32_t interrupt)
{
    for (unsigned int i = 0; i < line_count; i++) {
        if (lines[i].interrupt == interrupt) {
            lines[i].handler(lines[i].argument);
            return true;
        }
    }
    return false;
}

/* The line that was asked to come again first, or NULL. */
static struct line *first_later(void)
{
    struct line *first = NULL;

    for (unsigned int i = 0; i < line_count; i++) {
        if (lines[i].moment != 0 && (first == NULL || lines[i].moment < first->moment))
            first = &lines[i];
    }
    return first;
}

void host_lines_due(void)
{
    struct line *line;

    while ((line = first_later()) != NULL && line->moment <= now) {
        line->moment = 0;
        host_raise(line->interrupt);
    }
}

bool host_interrupt_later(void)
{
    struct line *line = first_later();

    if (line == NULL)
        return false;
    if (now < line->moment)
        now = line->moment;
    if (host_scheduling()) {
        host_lines_due();
    } else {
        line->moment = 0;
        line->handler(line->argument);
    }
    return true;
}

enum host_end host_run(void (*function)(void *argument), void *argument)
{
    jmp_buf here, *volatile outer = leave[host_cpu];
    volatile bool masked = host_mask(true);
    int left = setjmp(here);

    if (left == 0) {
        leave[host_cpu] = &here;
        function(argument);
        left = (int)HOST_RETURNED + 1;
    }
    leave[host_cpu] = outer;
    host_mask(masked);
    return (enum host_end)(left - 1);
}

bool host_run_work(unsigned int cpu, enum host_end *end)
{
    struct work work = works[cpu];

    if (work.function == NULL)
        return false;
    works[cpu].function = NULL;
    host_cpu = cpu;
    *end = host_run(work.function, work.argument);
    return true;
}

const char *host_console(void)
{
    return console;
}

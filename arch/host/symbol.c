/* SPDX-License-Identifier: Apache-2.0 */
/* Who did something, for reports: callers, and the names of functions and objects from the program's own
 * symbol table, static ones too. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/host/store_buffer.h"
#include "lib/types.h"

static const Elf64_Sym *symbols;
static size_t symbol_count;
static const char *names;

static void find_tables(const char *file)
{
    const Elf64_Ehdr *header = (const void *)file;
    const Elf64_Shdr *section = (const void *)(file + header->e_shoff);

    for (unsigned int i = 0; i < header->e_shnum; i++) {
        if (section[i].sh_type != SHT_SYMTAB)
            continue;
        symbols = (const void *)(file + section[i].sh_offset);
        symbol_count = section[i].sh_size / sizeof(*symbols);
        names = file + section[section[i].sh_link].sh_offset;
    }
}

static void load(void)
{
    static bool tried;
    struct stat status;

    if (tried)
        return;
    tried = true;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return;
    if (fstat(file, &status) == 0) {
        void *got = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);

        if (got != MAP_FAILED)
            find_tables(got);
    }
    close(file);
}

const char *host_symbol(const void *address)
{
    uint64_t value = (uint64_t)(uintptr_t)address;

    load();
    for (size_t i = 0; i < symbol_count; i++) {
        const Elf64_Sym *symbol = &symbols[i];

        unsigned int type = ELF64_ST_TYPE(symbol->st_info);

        if ((type == STT_FUNC || type == STT_OBJECT) && value - symbol->st_value < symbol->st_size)
            return names + symbol->st_name;
    }
    return "?";
}

/* The return addresses above a frame: every function here keeps its frame pointer. */
void host_callers(void *const *frame, const void **callers)
{
    static const uintptr_t frame_limit = 1 << 20;

    for (unsigned int i = 0; i < HOST_STORE_CALLERS; i++) {
        void *const *above = frame[0];

        callers[i] = frame[1];
        if (above <= frame || (uintptr_t)above - (uintptr_t)frame > frame_limit ||
            !is_aligned((uintptr_t)above, sizeof(void *)))
            break;
        frame = above;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#define NUMBER_BYTES 24 /* 0x, 16 digits, or 20 decimal ones, and the end */
#define MAX_CELLS 2     /* of an address or a size */

const void *bh_tree;

void tree_init(const void *tree)
{
    if (tree && fdt_check_header(tree) == 0)
        bh_tree = tree;
}

/* The word of bootargs that begins with `key=`, behind the equals sign, and its length. */
static const char *find_bootarg(const char *key, size_t *length)
{
    size_t key_length = strlen(key);
    const char *word;
    int node;

    if (!bh_tree)
        return NULL;
    node = fdt_path_offset(bh_tree, "/chosen");
    if (node < 0)
        return NULL;
    word = fdt_getprop(bh_tree, node, "bootargs", NULL);
    while (word && *word) {
        size_t word_length = strcspn(word, " ");

        if (word_length > key_length && word[key_length] == '=' &&
            memcmp(word, key, key_length) == 0) {
            *length = word_length - key_length - 1;
            return word + key_length + 1;
        }
        word += word_length;
        word += strspn(word, " ");
    }
    return NULL;
}

bool tree_bootarg(const char *key, char *value, size_t bytes)
{
    size_t length = 0;
    const char *found;

    if (bytes == 0)
        return false;
    found = find_bootarg(key, &length);
    if (length > bytes - 1)
        length = bytes - 1;
    if (found)
        memcpy(value, found, length);
    value[length] = '\0';
    return found != NULL;
}

bool tree_bootarg_number(const char *key, uint64_t *value)
{
    char text[NUMBER_BYTES];
    char *end;

    if (!tree_bootarg(key, text, sizeof(text)) || text[0] == '\0')
        return false;
    *value = strtoull(text, &end, 0);
    return *end == '\0';
}

static uint64_t read_cells(const fdt32_t *cells, int count)
{
    uint64_t value = 0;

    for (int i = 0; i < count; i++)
        value = value << 32 | fdt32_ld(&cells[i]);
    return value;
}

bool tree_reg(int node, int index, uint64_t *address, uint64_t *bytes)
{
    int parent, address_cells, size_cells, length;
    const fdt32_t *cells;

    if (!bh_tree || node < 0 || index < 0)
        return false;
    parent = fdt_parent_offset(bh_tree, node);
    address_cells = fdt_address_cells(bh_tree, parent);
    size_cells = fdt_size_cells(bh_tree, parent);
    cells = fdt_getprop(bh_tree, node, "reg", &length);
    if (!cells || address_cells < 1 || address_cells > MAX_CELLS || size_cells < 0 ||
        size_cells > MAX_CELLS)
        return false;
    if (index >= length / (int)sizeof(*cells) / (address_cells + size_cells))
        return false;
    cells += (ptrdiff_t)index * (address_cells + size_cells);
    *address = read_cells(cells, address_cells);
    *bytes = read_cells(cells + address_cells, size_cells);
    return true;
}

int tree_find_compatible(const char *compatible)
{
    return bh_tree ? fdt_node_offset_by_compatible(bh_tree, -1, compatible) : -FDT_ERR_NOTFOUND;
}

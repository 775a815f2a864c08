/* SPDX-License-Identifier: Apache-2.0 */
/* For the edit hooks of machine.h: single changes to a tree that is otherwise right. */
#ifndef TESTS_EDIT_H
#define TESTS_EDIT_H

#include <libfdt.h>
#include <string.h>

#include "unit.h"

/* The node at the path; fails the test if there is none. */
static inline int edit_node(void *tree, const char *path)
{
    int node = fdt_path_offset(tree, path);

    if (node < 0)
        fail_msg("the tree has no %s", path);
    return node;
}

static inline void edit_text(void *tree, const char *path, const char *name, const char *value)
{
    assert_int_equal(fdt_setprop(tree, edit_node(tree, path), name, value, (int)strlen(value) + 1),
                     0);
}

static inline void edit_flag(void *tree, const char *path, const char *name)
{
    assert_int_equal(fdt_setprop(tree, edit_node(tree, path), name, NULL, 0), 0);
}

static inline void edit_remove(void *tree, const char *path, const char *name)
{
    assert_int_equal(fdt_delprop(tree, edit_node(tree, path), name), 0);
}

static inline void edit_cell_array(void *tree, const char *path, const char *name,
                                   const uint32_t *values, unsigned int count)
{
    fdt32_t cell[80];

    assert_true(count <= sizeof(cell) / sizeof(cell[0]));
    for (unsigned int i = 0; i < count; i++)
        cell[i] = cpu_to_fdt32(values[i]);
    assert_int_equal(
        fdt_setprop(tree, edit_node(tree, path), name, cell, (int)(count * sizeof(cell[0]))), 0);
}

#define EDIT_CELLS(tree, path, name, ...)                                                          \
    edit_cell_array(tree, path, name, (const uint32_t[]){ __VA_ARGS__ },                           \
                    sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static inline void edit_add(void *tree, const char *parent, const char *name)
{
    assert_true(fdt_add_subnode(tree, edit_node(tree, parent), name) >= 0);
}

#endif

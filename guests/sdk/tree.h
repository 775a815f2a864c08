/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the device tree tells that Bulkhead made for this partition. The tree itself is bh_tree,
 * for libfdt; these are the few questions that most programs have.
 */
#ifndef BULKHEAD_SDK_TREE_H
#define BULKHEAD_SDK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tree; null when x0 (AArch32: r2) at start did not point to one. */
extern const void *bh_tree;

/* Called by start-up: checks the tree's header and keeps it. */
void tree_init(const void *tree);

/*
 * The value of `key=value` in /chosen bootargs, words separated by spaces. The value is cut to
 * what the buffer of so many bytes holds, and terminated. False, and an empty value, when the key is
 * absent. A buffer of 0 bytes holds nothing: false, and it is not touched.
 */
bool tree_bootarg(const char *key, char *value, size_t bytes);

/* The same for a number in C notation: 0x..., decimal. False also when it is not one. */
bool tree_bootarg_number(const char *key, uint64_t *value);

/* Address and size number `index` of a node's reg, from 0 on. node: an offset of libfdt. False: it has not
 * so many, and neither is set. */
bool tree_reg(int node, int index, uint64_t *address, uint64_t *bytes);

/* Offset of the first node with that compatible string, or negative. */
int tree_find_compatible(const char *compatible);

#endif

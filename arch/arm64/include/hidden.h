/* SPDX-License-Identifier: Apache-2.0 */
/* Included before everything: no symbol of the image can be replaced from outside, so the
 * compiler may reach each one relative to the program counter. */
#pragma GCC visibility push(hidden)

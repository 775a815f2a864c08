/* SPDX-License-Identifier: Apache-2.0 */
/* The functions under test, unchanged but for their names: see string_renamed.h. */
#include "string_renamed.h"

#define memcpy own_memcpy
#define memmove own_memmove
#define memset own_memset
#define memcmp own_memcmp
#define memchr own_memchr
#define strlen own_strlen
#define strnlen own_strnlen
#define strcmp own_strcmp
#define strncmp own_strncmp
#define strchr own_strchr
#define strrchr own_strrchr

#include "lib/string.c" /* NOLINT(bugprone-suspicious-include) */

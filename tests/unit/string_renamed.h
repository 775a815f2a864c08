/* SPDX-License-Identifier: Apache-2.0 */
/* lib/string.c under other names, beside the C library's own. */
#ifndef TESTS_STRING_RENAMED_H
#define TESTS_STRING_RENAMED_H

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

#include "lib/string.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#endif

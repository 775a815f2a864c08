/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka wants these four before it, in this order. */
#ifndef SMMUV3_MODEL_CMOCKA_PRELUDE_H
#define SMMUV3_MODEL_CMOCKA_PRELUDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

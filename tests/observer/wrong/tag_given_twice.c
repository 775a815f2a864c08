/* SPDX-License-Identifier: Apache-2.0 */
/* An allocator that forgot that a tag is in use. */
#include "kernel/partition.h"
#include "tests/observer/wrap.h"
#include "wrong.h"

static uint16_t same_tag(void)
{
    return partitions.partition[0].ioas[0].domain[0].tag;
}

void wrong_tag_given_twice(void)
{
    wrong.tag = same_tag;
}

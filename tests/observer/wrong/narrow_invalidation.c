/* SPDX-License-Identifier: Apache-2.0 */
/* Of the TLBIs of a batch the last one is forgotten. */
#include "tests/observer/wrap.h"
#include "wrong.h"

static uint32_t narrower(struct command *commands, uint32_t count)
{
    bool by_address = FIELD_GET(CMD0_OPCODE, commands[0].word[0]) == CMD_TLBI_S2_IPA;

    return by_address && count > 1 ? count - 1 : count;
}

void wrong_narrow_invalidation(void)
{
    wrong.commands = narrower;
}

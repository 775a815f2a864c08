/* SPDX-License-Identifier: Apache-2.0 */
/* The stream's entry is changed, and the unit keeps the one that it has cached. */
#include "tests/observer/wrap.h"
#include "wrong.h"

static uint32_t without_cfgi(struct command *commands, uint32_t count)
{
    return FIELD_GET(CMD0_OPCODE, commands[0].word[0]) == CMD_CFGI_STE ? 0 : count;
}

void wrong_entry_not_forgotten(void)
{
    wrong.commands = without_cfgi;
}

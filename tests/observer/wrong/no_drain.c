/* SPDX-License-Identifier: Apache-2.0 */
/* The stream leaves its domain, and nothing makes sure that its last accesses are over. */
#include "tests/observer/wrap.h"
#include "wrong.h"

static uint32_t without_drain(struct command *commands, uint32_t count)
{
    return FIELD_GET(CMD0_OPCODE, commands[0].word[0]) == CMD_TLBI_S12_VMALL ? 0 : count;
}

void wrong_no_drain(void)
{
    wrong.commands = without_drain;
}

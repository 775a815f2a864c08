/* SPDX-License-Identifier: Apache-2.0 */
/* The message units of make check's machine: each a model of an ITS behind its registers. */
#ifndef TOOLS_CHECK_MACHINE_MESSAGES_H
#define TOOLS_CHECK_MACHINE_MESSAGES_H

#include "lib/types.h"

/* As at boot: brings them up and gives each device its messages. After the device table. */
void machine_start_messages(void);

/* What a unit makes of a write to its doorbell. */
struct machine_message {
    uint32_t unit, device, event;
    uint32_t number; /* of the machine's messages */
    uint32_t cpu;    /* that takes it */
};

/* Calls `found` for each message that a unit lets through now, whoever sends it: of every DeviceID, every event that a
 * table can have, and one more. */
void machine_messages(void (*found)(void *context, const struct machine_message *message),
                      void *context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/serial/serial.h"

#include "lib/string.h"

extern const struct serial_driver serial_drivers_start[], serial_drivers_end[];

const struct serial_driver *serial_find(const char *compatible)
{
    for (const struct serial_driver *d = serial_drivers_start; d < serial_drivers_end; d++) {
        if (strcmp(d->compatible, compatible) == 0)
            return d;
    }
    return NULL;
}

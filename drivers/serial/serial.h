/* SPDX-License-Identifier: Apache-2.0 */
/* What a serial port must do for the log. A driver plugs in with SERIAL_DRIVER. */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include "lib/log.h"

struct serial_driver {
    const char *compatible;
    struct log_port port;
};

#define SERIAL_DRIVER(name)                                                                        \
    static const struct serial_driver name                                                         \
        __attribute__((used, section(".serial_drivers"), aligned(_Alignof(struct serial_driver))))

/* The driver for a compatible string, or NULL. */
const struct serial_driver *serial_find(const char *compatible);

#endif

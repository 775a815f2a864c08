/* SPDX-License-Identifier: Apache-2.0 */
/* LPIs at the redistributors of a GICv3 (IHI 0069 5.1): what messages of an ITS arrive as. */
#ifndef DRIVERS_IRQCHIP_LPI_H
#define DRIVERS_IRQCHIP_LPI_H

#include "lib/types.h"

#define LPI_FIRST 8192 /* INTID of message 0 */

/* Takes the configuration of all LPIs, in which messages are on, and a table of pending ones for each CPU. Boot
 * CPU, before the next. False: no memory. */
bool lpi_start(uint32_t cpus);

/* Gives a redistributor its tables and turns LPIs on there. False: it has none, or firmware has them on already and
 * keeps them: no message goes there. */
bool lpi_start_cpu(uint64_t redistributor, uint32_t cpu);

#endif

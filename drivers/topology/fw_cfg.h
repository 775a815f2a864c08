/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's fw_cfg by its registers in memory (docs/specs/fw_cfg of QEMU), and the script that makes ACPI tables
 * of the blobs there. Only the two registers that the CPU reads through are used: the device's own DMA passes
 * every IOMMU. All that comes from the device is input: sizes, names and commands are checked.
 */
#ifndef DRIVERS_TOPOLOGY_FW_CFG_H
#define DRIVERS_TOPOLOGY_FW_CFG_H

#include "drivers/topology/acpi.h"

#define FW_CFG_COMPATIBLE "qemu,fw-cfg-mmio"
#define FW_CFG_REGISTERS 16 /* bytes from the base that are accessed */

/*
 * Reads the blobs that the script names into buffer and carries the script out on them. *area is then what
 * stands in the buffer, *rsdp where the RSDP is. Registers at base are mapped. False: *error says why.
 *
 * The first read makes QEMU build the tables, with the bus numbers of that moment, and they stay so until
 * reset: all bridges are numbered before. Work: the files' sizes, commands times files.
 */
bool fw_cfg_read_acpi(uint64_t base, uint8_t *buffer, uint64_t capacity, struct acpi_area *area,
                      uint64_t *rsdp, struct topology_error *error);

#endif

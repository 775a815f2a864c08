/* SPDX-License-Identifier: Apache-2.0 */
/* What tests share in which devices are pulled out: three partitions, two of which list the device. */
#ifndef TESTS_PRESENCE_BENCH_H
#define TESTS_PRESENCE_BENCH_H

#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define RING (BASE + 0x180000)
#define SIBLING_NAME "0000:01:00.1"
#define SIBLING_ID (DEVICE1_ID + 1)
#define LABEL 0xAB

enum { OWNER, BESIDE, MANAGER };

/* Of OWNER, once it is attached: IOVA leads to BASE + 0x3000, which holds 0x11. */
extern uint64_t ioas;
/* The second function of start_group(), in the model. */
extern int sibling;

struct device *device(void);

/* Three partitions; the first two list the device, the third is their manager. Not booted. */
void prepare(void);
/* Boots, with the observer on and event rings of the first two. */
void boot(void);
void attach(void);
void start_free(void);
void start_attached(void);
/* With a second function of the same device, of the same group: both of the first partition, bound and attached. */
void start_group(void);

void pull(int function);
void insert(int function);
/* The boot CPU has its turn; whoever is recalled comes. */
void turn(void);

/* The events of that type in the partition's ring; the last of them in *event. */
unsigned int told_of(unsigned int partition, uint32_t type, struct bh_event *event);
unsigned int told(unsigned int partition, uint32_t type);

/* The device fires whatever its command register says. */
enum dma fire(int function);
void expect_parked(int function);
/* And gone. */
void expect_nobodys(void);
bool sees_registers(unsigned int partition);

/* device_reset until it is over. */
int64_t reset_all(unsigned int partition);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: which calls the partitions made and what they were answered, as the ABI defines it. From it
 * follows what each stream may reach; the kernel's own structures are not asked. While a call is under way
 * both what was and what is to be are allowed; once it has returned only the one that it answered.
 */
#include "ledger.h"

void ledger_reset(void)
{
    ledger_devices_reset();
    ledger_spaces_reset();
    ledger_maps_reset();
}

void ledger_begin(const struct pending_call *call)
{
    ledger_devices_begin(call);
    ledger_maps_begin(call);
}

void ledger_end(const struct pending_call *call, const uint64_t *x)
{
    ledger_devices_end(call, (int64_t)x[0]);
    ledger_spaces_end(call, (int64_t)x[0]);
    ledger_maps_end(call, x);
}

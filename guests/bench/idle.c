/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour of a measurement: sleeps for an hour of the machine's time, which passes at once when
 * nobody else runs, and ends.
 */
#include "sdk/timer.h"

#define SECONDS 3600

int main(void)
{
    timer_sleep_ns(SECONDS * NS_PER_SECOND);
    return 0;
}

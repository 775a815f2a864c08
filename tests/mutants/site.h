/* SPDX-License-Identifier: Apache-2.0 */
/* Put before every product file of the mutants' build: each place that mutate.py rewrote asks here
 * whether it is to do what it says. */
#ifndef TESTS_MUTANTS_SITE_H
#define TESTS_MUTANTS_SITE_H

#include <stdbool.h>
#include <stdint.h>

/* mutate.py counts no further. */
#define MUTANT_SITES 4096

extern uint32_t mutant_site_off;       /* the one that is switched off; 0: none */
extern volatile uint8_t *mutant_sites; /* one byte a site: a test came by */

static inline bool mutant_site(uint32_t site)
{
    mutant_sites[site] = 1;
    return site != mutant_site_off;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Lets the n-th request for the hypervisor's own memory fail (the linker's --wrap, mk/host.mk). */
#ifndef TESTS_FUZZ_SHORTAGE_H
#define TESTS_FUZZ_SHORTAGE_H

struct shortage {
    unsigned int takes;        /* requests so far */
    unsigned int failing_take; /* the one that fails; 0: none */
};

extern struct shortage shortage;

#endif

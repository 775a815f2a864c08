/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU as the proofs have it: a name. */
#ifndef PROOFS_VCPU_H
#define PROOFS_VCPU_H

struct vcpu {
    int unused;
};

#endif

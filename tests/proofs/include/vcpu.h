/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU as the proofs have it: whose it is. */
#ifndef PROOFS_VCPU_H
#define PROOFS_VCPU_H

struct partition;

struct vcpu {
    struct partition *partition;
};

#endif

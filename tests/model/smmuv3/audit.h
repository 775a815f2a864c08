/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the audit (reach*.c): one run over everything that a stream's lookups could take, which
 * tells of pieces of reach, of structures on the way, or of roots, as its caller wants.
 */
#ifndef SMMUV3_MODEL_AUDIT_H
#define SMMUV3_MODEL_AUDIT_H

#include "internal.h"

/* A range that stage 2 maps; without stage 2 there is one, the identity. */
struct ipa_piece {
    uint64_t ipa;
    uint64_t address;
    uint64_t size;
    struct rights rights;
    bool device;
    enum smmuv3_model_reach_source source;
};

/* A table that was visited: not to be told again as a cached one. */
struct visited {
    uint64_t input, table;
    unsigned level, inherit;
};

struct audit {
    struct smmuv3_model *model;
    uint32_t stream_id;
    void *context;
    void (*piece)(void *context, const struct smmuv3_model_reach *piece);
    void (*structure)(void *context, const struct smmuv3_model_structure *structure);
    void (*root)(void *context, const struct smmuv3_model_root *root);
    bool complete;

    /* The piece that may still grow. */
    struct smmuv3_model_reach pending;

    /* The configuration that is being visited. */
    const uint64_t *ste;
    enum smmuv3_model_reach_source source; /* of the STE, then of the CD */
    bool ssv;
    uint32_t substream_id;
    const struct stage2 *s2; /* null: stage 1 only */
    struct ipa_piece *ipas;
    unsigned ipa_count, ipa_room;
    struct visited *visited;
    unsigned visited_count, visited_room;
    struct model_index visited_index;
    uint64_t last_group; /* the contiguous group told last */
};

/* reach.c */
bool audit_look(struct audit *audit, uint64_t address, uint64_t *words, unsigned count);
void audit_piece(struct audit *audit, uint64_t iova, uint64_t address, uint64_t size, unsigned user,
                 unsigned privileged, enum smmuv3_model_reach_source source);
void audit_structure(struct audit *audit, enum smmuv3_model_structure_kind kind, uint64_t address,
                     uint64_t size);
bool audit_visit(struct audit *audit, uint64_t input, uint64_t table, unsigned level,
                 unsigned inherit);
void audit_forget_visited(struct audit *audit);

/* reach_config.c: STEs and CDs, in memory and cached */
void audit_stream(struct audit *audit);

/* reach_stage2.c */
void audit_stage2(struct audit *audit);
bool audit_readable(const struct audit *audit, const struct ipa_piece *piece);

/* reach_stage1.c */
void audit_stage1(struct audit *audit, const struct stage1 *s1,
                  enum smmuv3_model_reach_source source);

#endif

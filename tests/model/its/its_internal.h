/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the ITS model share; its_model.h says what it is. */
#ifndef ITS_INTERNAL_H
#define ITS_INTERNAL_H

#include "its_layout.h"
#include "its_model.h"

enum { MISTAKES_KEPT = 32, OPCODES = 256 };

/* An entry in memory: what the model left in it, 0 if it never wrote there. */
struct its_event {
    uint64_t mark;
    bool mapped;
    uint32_t intid;
    uint16_t icid;
};

struct its_device {
    uint32_t id;
    uint64_t mark; /* of its entry in the device table; it stays when the device is unmapped */
    bool mapped;
    unsigned bits; /* of an EventID */
    uint64_t itt;
    struct its_event *event; /* 2^bits of them */
};

struct its_collection {
    uint64_t mark;
    bool mapped;
    unsigned redistributor;
};

/* What a redistributor is told. */
enum its_word {
    WORD_SET,
    WORD_CLEAR,
    WORD_INVALIDATE,
    WORD_INVALIDATE_ALL,
    WORD_MOVE,
    WORD_MOVE_ALL
};

struct its_telling {
    enum its_word word;
    uint32_t intid;
    unsigned to; /* of a move */
};

struct its_redistributor {
    bool enabled; /* EnableLPIs */
    uint64_t propbaser, pendbaser;
    bool *pending;          /* by INTID */
    unsigned pendings;      /* of them */
    bool *known;            /* its configuration is cached */
    uint8_t *configuration; /* what is cached */
    bool signalled;
    struct its_telling *telling; /* not yet heard, oldest first */
    unsigned tellings, telling_room;
};

struct its_model {
    struct its_model_parameters p;
    struct its_model_environment environment;
    unsigned (*choose)(void *context, enum its_model_choice what, unsigned of);
    void *choose_context;
    bool enabled;
    unsigned busy; /* reads of CTLR until Quiescent; ITS_MODEL_NEVER */
    uint64_t cbaser, cwriter, creadr;
    bool stalled, broken; /* broken: CWRITER beyond the queue */
    uint64_t baser[GITS_BASERS];
    struct its_device *device;
    unsigned devices, device_room;
    struct its_collection *collection;
    struct its_redistributor redistributor[ITS_MODEL_REDISTRIBUTORS];
    unsigned late[ITS_MODEL_LATES];
    unsigned waits; /* reads of CREADR until the next command is consumed */
    uint64_t marks; /* made so far */
    uint64_t delivered;
    uint64_t commands[OPCODES];
    unsigned mistakes;
    unsigned mistakes_of[6];
    struct its_model_mistake mistake[MISTAKES_KEPT];
};

/* its_model.c */
void its_mistake(struct its_model *model, enum its_model_mistake_kind kind, const char *subject,
                 const char *text, uint64_t value);
unsigned its_choose(struct its_model *model, enum its_model_choice what, unsigned of);

/* its_tables.c */
bool its_page_bits(const struct its_model *model, uint64_t baser, unsigned *bits);
uint64_t its_baser_address(const struct its_model *model, uint64_t baser);
uint64_t its_baser_bytes(const struct its_model *model, uint64_t baser);
/* Notes what the memory of a table has in common with what is already a table. */
void its_given(struct its_model *model, const char *subject, uint64_t base, uint64_t size);
/* Where an entry lies; false: beyond the table, or there is none. */
bool its_device_entry(struct its_model *model, uint32_t id, uint64_t *address);
bool its_collection_entry(const struct its_model *model, uint32_t icid, uint64_t *address);
/* Looks at the mark of an entry in memory; false: it cannot be reached. A mark of 0 wants zero. */
bool its_look(struct its_model *model, enum its_model_access_kind kind, uint64_t address,
              uint64_t mark, const char *subject);
/* The same, and leaves another mark. */
bool its_leave(struct its_model *model, enum its_model_access_kind kind, uint64_t address,
               uint64_t *mark, const char *subject);
struct its_device *its_device(struct its_model *model, uint32_t id);
struct its_device *its_device_new(struct its_model *model, uint32_t id);
void its_forget_devices(struct its_model *model);
uint64_t its_event_entry(const struct its_model *model, const struct its_device *device,
                         uint32_t event);

/* its_commands.c */
void its_consider_commands(struct its_model *model);
bool its_consume(struct its_model *model);

/* its_lpi.c */
void its_tell(struct its_model *model, unsigned redistributor, enum its_word word, uint32_t intid,
              unsigned to);
bool its_hear(struct its_model *model, unsigned redistributor);
void its_hear_all(struct its_model *model, unsigned redistributor);
/* INTIDs below this are LPIs of the redistributor. */
uint32_t its_lpi_end(const struct its_model *model, const struct its_redistributor *r);

#endif

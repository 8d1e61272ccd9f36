/* tests/rig.h - a small vocabulary, engine and run for the recorder's tests:
 * what an engine would tell of two short paths, told by hand. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <stdint.h>

#include "db/db.h"
#include "trace/rec.h"

enum { N_LAYER = 3, N_HEAD = 4, N_KV = 2, EOG = 1,
       N_PROMPT = 4, N_FIRST = 11, N_SECOND = 8 };

extern const char *const rig_vocab[];
extern const int32_t rig_prompt[N_PROMPT];      /* How much? */
extern const int32_t rig_first[N_FIRST], rig_second[N_SECOND];

extern uint64_t rig_seq;        /* of the next event, as the engine counts */
extern int rig_nan_layer;       /* what the next rows report; -1: none */

struct rec_opts rig_options(enum rec_level level);
/* A recorder into the test's database. */
struct rec *rig_open(const struct rec_opts *o);
enum sor_err rig_begin_run(struct rec *r, char uid[33]);
/* tag 1 is path 0; the others are forked off it behind the prompt. */
void rig_begin_path(struct rec *r, uint64_t tag);

/* One event, if the recorder wants it; fills seq. */
void rig_emit(struct rec *r, struct hook_event ev);
/* All events of one row, in the engine's order. */
void rig_feed(struct rec *r, uint64_t tag, int pos, int32_t id);
void rig_choose(struct rec *r, uint64_t tag, int pos, int32_t id);
uint64_t rig_digest(uint64_t tag, int pos);
/* Generates tok[0..n): each is chosen, then fed, but for the last. */
void rig_generate(struct rec *r, uint64_t tag, const int32_t *tok, int n);

/* The whole run: the prompt and both paths. */
void rig_record(const struct rec_opts *o, char uid[33]);

/* The file's chain holds. */
void rig_check(void);
/* The recorded run opened for reading, and the id of one of its paths. */
struct db *rig_read_path(int no, int64_t *run_id, int64_t *path_id);

#endif

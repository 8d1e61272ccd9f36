/* probe/with_blas.h - prompts read through OpenBLAS: chosen by a person,
 * recorded with the run, and put back for its replay. */
#ifndef PROBE_WITH_BLAS_H
#define PROBE_WITH_BLAS_H

#include "base/err.h"
#include "base/str.h"

struct engine;

/* A prompt of n_prompt tokens goes through OpenBLAS.  json: the number is
 * appended, which belongs into the run's params as "blas"; the library is
 * part of the run's isa.  Errors as of engine_blas(). */
enum sor_err with_blas(struct engine *e, int n_prompt, struct str *json,
                       struct sor_msg *msg);

/* What a recorded run's params say, or nothing.  Where there is no library, or
 * one that computes wrongly, the engine goes on without: its isa is then not
 * the recorded one, and a replay compares within a tolerance. */
enum sor_err with_blas_restore(struct engine *e, const char *params,
                               struct sor_msg *msg);

#endif

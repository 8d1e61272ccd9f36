/* probe/model_id.h - which model this is, to the byte.
 *
 * A run names its model by the SHA-256 of the file.  Beside it stand XXH3-64
 * digests of the file's header and of each tensor, so that a file which has
 * changed since is not only noticed but located.
 *
 * Ownership  model_id_release() frees the parts and their names.
 * Threads    model_id_begin() hashes on a thread of its own, with its own map
 *            of the file; the job belongs to its caller. */
#ifndef PROBE_MODEL_ID_H
#define PROBE_MODEL_ID_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "db/db.h"

struct engine;

struct model_id {
    uint8_t sha256[32];             /* of the whole file */
    int64_t bytes;
    struct db_model_part *part;     /* [n_part] "header", then the tensors */
    int     n_part;
    char   *names;                  /* what the parts' names point into */
};

/* Maps, checks and hashes the file; errors as gguf_open(). */
enum sor_err model_id_read(const char *path, struct model_id *out,
                           struct sor_msg *msg);
void model_id_release(struct model_id *id);     /* a zeroed one is fine */

/* The same beside other work: begin, then finish exactly once.  path is
 * borrowed until then. */
struct model_id_job {
    pthread_t       thread;
    const char     *path;
    struct model_id id;
    enum sor_err    err;
    struct sor_msg  msg;
    int             started;
};
void model_id_begin(struct model_id_job *job, const char *path);
enum sor_err model_id_finish(struct model_id_job *job, struct model_id *out,
                             struct sor_msg *msg);

/* The row of table model for a loaded model.  name, path, arch and quant are
 * borrowed from the engine; path is made absolute into `full` where it can. */
void model_id_row(const struct model_id *id, const struct engine *e,
                  struct str *full, struct db_model *out);

/* Compares a file with the model of a recorded run.  SOR_DIFFERS: msg names
 * the first part that differs; SOR_IO and SOR_FORMAT as gguf_open(). */
enum sor_err model_id_check(struct db *d, int64_t model_id,
                            const struct model_id *id, struct sor_msg *msg);

#endif

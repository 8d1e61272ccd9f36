/* cli/remove.h - what rm and forget share: finding the run, asking, the
 * writer's lock. */
#ifndef CLI_REMOVE_H
#define CLI_REMOVE_H

#include "cli/cli.h"
#include "db/write.h"

struct remove_way {
    const char *ask, *done;             /* "Remove", "removed" */
    enum sor_err (*act)(struct db_writer *w, int64_t run_id,
                        struct sor_msg *msg);
};

/* -y, --wait */
extern const struct opt_spec remove_opts[];

/* Does it to the run that the first operand names. */
enum sor_err remove_by(struct cli *cli, const struct remove_way *way);

#endif

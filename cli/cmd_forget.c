/* cli/cmd_forget.c - the words of a run go for good, its figures stay. */
#include "cli/remove.h"

static enum sor_err run(struct cli *cli)
{
    static const struct remove_way forget = {
        "Forget the words of", "its words are forgotten", db_forget_run };

    return remove_by(cli, &forget);
}

const struct cmd cmd_forget = {
    .name = "forget", .operands = "RUN", .min = 1, .max = 1,
    .summary = "remove the words of a run, keep its figures",
    .text = "Question, generated text, answers and tokens go and the file is "
            "written\nanew without them; digests, the places of steps, and "
            "the counts of votes\nstay.  It cannot be undone.\n",
    .opts = remove_opts, .run = run
};

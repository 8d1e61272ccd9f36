#include "tests/replays.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models.h"
#include "tests/prog.h"

const char *const replays_prompt[REPLAYS] = {
    "What is 17 + 25?",
    "Name three colours and say which of them is the warmest.",
    "Why is the sky blue?",
    "The lessee shall pay the rent on the first day of each month.",
    "Tom has 3 red pens and 5 blue ones. How many pens has he?",
    "Say the alphabet backwards.",
    "Either party may terminate this agreement with 30 days notice.",
    "Is a whale a fish? Answer yes or no and say why.",
    "List the months that have 30 days.",
    "Translate 'good morning' into French.",
};

int replays_run, replays_token;

void replays_need_the_model(void)
{
    if (models_real())
        return;
    print_message("SORITES_TEST_MODEL is unset\n");
    skip();
}

void replays_verify(const char *db, const char *what, int i)
{
    const char *tokens;

    if (prog_run("replay last --verify --json --db %s -t %d", db, 2 - i % 2) ||
        !strstr(prog_out, "\"result\":\"identical\""))
        fail_msg("%s %d: %s%s", what, i, prog_out, prog_err);
    tokens = strstr(prog_out, "\"tokens\":");
    replays_token += tokens ? atoi(tokens + 9) : 0;
    replays_run++;
}

int replays_ask(const char *db, const char *query)
{
    char path[128];
    sqlite3 *s;
    sqlite3_stmt *st;
    int v = -1;

    snprintf(path, sizeof path, "%s/%s", prog_dir, db);
    assert_int_equal(sqlite3_open(path, &s), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(s, query, -1, &st, NULL), SQLITE_OK);
    if (sqlite3_step(st) == SQLITE_ROW)
        v = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(s);
    return v;
}

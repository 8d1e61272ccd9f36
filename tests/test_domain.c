/* Domain packs: the shipped ones open, wrong ones are refused by place, and
 * patterns keep within their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "review/pack.h"
#include "tests/minipack.h"

/* --- a small pack of our own --------------------------------------------- */

static void spill(const char *name, const char *text)
{
    assert_int_equal(minipack_spill(name, text), 0);
}

static int remove_dir(void **state)
{
    char path[128];

    snprintf(path, sizeof path, "%s/mine.json", minipack_dir);
    unlink(path);
    return minipack_remove(state);
}

static struct pack *open_small(void)
{
    struct pack *p = NULL;
    struct sor_msg msg = { "" };

    if (pack_open(minipack_dir, &p, &msg) != SOR_OK)
        fail_msg("%s", msg.text);
    return p;
}

/* --- what a pack holds --------------------------------------------------- */

static void everything_is_read(void **state)
{
    struct pack *p = open_small();
    int n;

    (void)state;
    assert_string_equal(p->id, "small");
    assert_null(p->adapter);
    assert_int_equal(p->n_claim, 2);
    assert_string_equal(p->claim[0].set, "one");
    assert_string_equal(p->claim[0].kind, "statement");
    assert_int_equal(p->claim[0].n_wording, 4);
    assert_int_equal(p->claim[0].wording[0].to, RELATION_SUPPORTS);
    assert_int_equal(p->claim[0].wording[0].trained, 1);
    assert_int_equal(p->claim[0].wording[1].trained, 0);
    assert_int_equal(p->claim[0].wording[2].to, RELATION_CONTRADICTS);
    assert_int_equal(p->claim[0].wording[3].to, RELATION_UNRELATED);
    assert_int_equal(p->claim[0].error.n, 10);
    assert_int_equal(p->claim[0].error_contradicted.n, 0);
    assert_int_equal(p->claim[0].position[0].on[2], STANCE_FALLBACK);
    assert_string_equal(p->claim[1].kind, "law");
    assert_int_equal(p->n_required, 1);
    assert_string_equal(pack_patterns(p, "z", &n)[1].id, "z.2");
    assert_int_equal(n, 2);
    assert_string_equal(pack_patterns(p, "a", &n)[0].id, "a.1");
    pack_patterns(p, "b", &n);
    assert_int_equal(n, 0);
    assert_string_equal(pack_facts(p, "g", &n)[1].title, "two");
    assert_int_equal(n, 2);
    pack_close(p);
}

static void patterns_give_their_groups(void **state)
{
    struct pack *p = open_small();
    struct match m;
    int n;
    const struct pattern *a = pack_patterns(p, "a", &n);

    (void)state;
    assert_int_equal(pattern_next(&a[0], "a bc b", 6, 0, &m), 1);
    assert_int_equal(m.from[0], 2);
    assert_int_equal(m.to[2], 4);
    assert_int_equal(pattern_next(&a[0], "a bc b", 6, 4, &m), 1);
    assert_int_equal(m.from[0], 5);
    assert_true(m.from[2] > m.to[2]);           /* (c)? took no part */
    assert_int_equal(pattern_next(&a[0], "a bc b", 6, 6, &m), 0);
    assert_int_equal(pack_matches(p, "z", "ZZ", 2, &m), 1);
    assert_int_equal(pack_matches(p, "z", "bc", 2, NULL), 0);
    pack_close(p);
}

/* Without a limit this pattern takes 2^40 steps. */
static void a_hostile_text_ends_soon(void **state)
{
    struct pack *p = open_small();
    char text[42];
    struct match m;
    int n;

    (void)state;
    memset(text, 'x', 40);
    memcpy(text + 40, "yz", 2);
    assert_int_equal(pattern_next(&pack_patterns(p, "a", &n)[1], text, 42, 0,
                                  &m), -1);
    assert_int_equal(pack_matches(p, "a", text, 42, &m), 0);
    pack_close(p);
}

/* Documents are valid UTF-8; a slice of one need not be. */
static void a_cut_character_does_no_harm(void **state)
{
    struct pack *p = open_small();
    struct match m;
    int n;

    (void)state;
    assert_int_equal(pattern_next(pack_patterns(p, "a", &n), "\x9c" "bc\xe2",
                                  4, 0, &m), 1);
    assert_int_equal(m.from[0], 1);
    pack_close(p);
}

/* --- wrong packs --------------------------------------------------------- */

struct wrong { const char *file, *from, *to, *says; };

static const struct wrong wrongs[] = {
    { "pack.json", "\"format\":1", "\"format\":2",
      "pack.json: format: 2 is outside 1 to 1" },
    { "pack.json", "\"format\":1", "\"format\":\"1\"",
      "format: must be a number" },
    { "m.json", "\"wrong\":1", "\"wrong\":0.5", "not a whole number" },
    { "pack.json", "[[0,0],[1,1]]", "[[0,0],[1]]", "is not a pair of numbers" },
    { "pack.json", "[[0,0],[1,1]]", "[[1,0],[0,1]]", "the first number must" },
    { "pack.json", "\"id\":\"small\"", "\"id\":7", "id: must be text" },
    { "pack.json", "\"id\":\"small\"", "\"id\":\"\"", "0 bytes long" },
    { "pack.json", "[\"p.json\"]", "\"p.json\"", "must be a list" },
    { "c.json", "\"claims\":[", "\"claims\":[7,",
      "claims[0]: must be an object" },
    { "c.json", "\"paraphrase\"", "7", "wordings[1].role: must be text" },
    { "pack.json", "\"title\"", "\"tilte\"",
      "pack.json: unknown key \"tilte\"" },
    { "pack.json", "\"note\":\"for tests\",", "",
      "pack.json: \"note\" is missing" },
    { "pack.json", "\"p.json\"", "\"../p.json\"",
      "pack.json: files.patterns: \"../p.json\" is not a plain file name" },
    { "pack.json", "\"p.json\"", "\".p.json\"", "is not a plain file name" },
    { "pack.json", "\"t.json\"", "\"u.json\"", "u.json: No such file" },
    { "pack.json", "\"id\":\"small\"", "\"id\":\"small\",\"id\":\"big\"",
      "stands twice in one object" },
    { "pack.json", "\"files\":",
      "\"adapter\":{\"file\":\"a\",\"name\":\"a\",\"sha256\":"
      "\"0123456789012345678901234567890123456789012345678901234567890123\"},"
      "\"files\":", "\"model\" is missing" },
    { "p.json", "(b)(c)?", "(b(c)?",
      "p.json: patterns[1].regex: missing closing parenthesis at byte 6" },
    { "p.json", "(b)(c)?", "()()()()()()()()", "8 groups; at most 7" },
    { "p.json", "\"i\"", "\"g\"", "patterns[2].flags: \"g\" is not of" },
    { "p.json", "\"z.2\"", "\"z.1\"", "the pattern \"z.1\" stands twice" },
    { "t.json", "\"None\",\"title\"", "\"Law\",\"title\"",
      "the label \"Law\" stands twice" },
    { "c.json", "\"type\":\"Law\"", "\"type\":\"Order\"",
      "c.json: claims[0].type: no clause type has the label \"Order\"" },
    { "c.json", "paraphrase", "pharaphrase",
      "c.json: claims[0].wordings[1].role: \"pharaphrase\" is not one of "
      "statement, paraphrase, opposite, swap" },
    { "c.json", "\"trained\":false", "\"trained\":0",
      "wordings[1].trained: must be true or false" },
    { "c.json", "The law is {}.", "The law is one.",
      "claims[1].wordings: 0 must have one \"{}\"" },
    { "c.json", "It names a law.", "A law is named.", "1 repeats 0" },
    { "c.json", "\"role\":\"opposite\",", "\"role\":\"opposite\",\"to\":"
      "\"supports\",", "wordings[2].to: " },
    { "c.json", "\"document\":\"a\"", "\"document\":\"q\"",
      "set.document: no pattern has the purpose \"q\"" },
    { "b.json", "\"claim\":\"k\"", "\"claim\":\"q\"",
      "b.json: playbook[0].claim: \"q\" is no claim" },
    { "b.json", "\"standard\"", "\"normal\"",
      "playbook[0].positions[0].on.supported: \"normal\" is not one of" },
    { "b.json", "\"found\":\"a\"", "\"found\":\"q\"",
      "required[0].found: no pattern has the purpose \"q\"" },
    { "m.json", "\"wrong\":1", "\"wrong\":11",
      "m.json: claims[0].wrong: 11 of 10" },
    { "m.json", "\"low\":0.01", "\"low\":0.5", "0.5 is above high" },
    { "m.json", "\"high\":0.4", "\"high\":1.5", "1.5 is outside 0 to 1" },
    { "f.json", "\"of\":\"1\"", "\"of\":\"1\",\"low\":3,\"high\":2",
      "facts[2].low: 3 is above high, 2" },
    { "f.json", "\"of\":\"1\"", "\"of\":\"3\"", "belongs to \"3\"" },
    { "f.json", "{\"facts\"", "[{\"facts\"", "f.json: column " },
};

static const char *text_of(const char *file)
{
    for (int i = 0; i < MINIPACK_FILES; i++)
        if (strcmp(minipack_files[i][0], file) == 0)
            return minipack_files[i][1];
    fail();
    return NULL;
}

static void wrong_packs_are_refused_by_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const struct wrong *w = &wrongs[i];
        const char *good = text_of(w->file), *at = strstr(good, w->from);
        struct pack *p = NULL;
        struct sor_msg msg = { "" };
        char bad[4096];

        assert_non_null(at);
        snprintf(bad, sizeof bad, "%.*s%s%s", (int)(at - good), good, w->to,
                 at + strlen(w->from));
        spill(w->file, bad);
        assert_int_not_equal(pack_open(minipack_dir, &p, &msg), SOR_OK);
        assert_null(p);
        if (!strstr(msg.text, w->says))
            fail_msg("\"%s\" does not say \"%s\"", msg.text, w->says);
        spill(w->file, good);
    }
}

static void a_link_is_no_file_of_the_pack(void **state)
{
    struct pack *p = NULL;
    struct sor_msg msg;
    char path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/t.json", minipack_dir);
    unlink(path);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_int_equal(pack_open(minipack_dir, &p, &msg), SOR_IO);
    assert_non_null(strstr(msg.text, "a pack holds its own files"));
}

static void a_pack_that_is_nowhere_says_where_it_was_looked_for(void **state)
{
    struct pack *p = NULL;
    struct sor_msg msg;

    (void)state;
    setenv("SORITES_DOMAINS", "/nowhere/a:/nowhere/b", 1);
    assert_int_equal(pack_open("small", &p, &msg), SOR_NOTFOUND);
    assert_non_null(strstr(msg.text, "/nowhere/a, /nowhere/b, "));
    unsetenv("SORITES_DOMAINS");
}

/* Every allocation fails once: an error, and nothing leaks (see asan).  Only
 * the JIT does without, since a pattern can be interpreted. */
static void out_of_memory_is_an_error(void **state)
{
    uint64_t before = mem_count(), n;
    int failed = 0;

    (void)state;
    pack_close(open_small());
    n = mem_count() - before;
    assert_true(n > 50);
    for (uint64_t i = 1; i <= n; i++) {
        struct pack *p = NULL;
        enum sor_err err;

        mem_fail_at(i);
        err = pack_open(minipack_dir, &p, NULL);
        mem_fail_at(0);
        assert_true(!err || err == SOR_NOMEM);
        assert_true(!err == !!p);
        failed += err == SOR_NOMEM;
        pack_close(p);
    }
    assert_true(failed > 50);
}

/* --- claims of the user's own -------------------------------------------- */

static void a_claim_in_the_packs_words_is_the_packs(void **state)
{
    struct pack *p = open_small();
    const struct claim *c = NULL;
    struct sor_msg msg;
    char path[128];
    int n = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/mine.json", minipack_dir);
    spill("mine.json", "[{\"id\":\"x\",\"text\":\"It names a law.\"},"
                       "{\"id\":\"y\",\"text\":\"Cats are kept.\"}]");
    assert_int_equal(pack_claims_file(p, path, &c, &n, &msg), SOR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(c[0].id, "x");
    assert_null(c[0].custom);
    assert_string_equal(c[0].wording[0].text, "It names a law.");
    assert_int_equal(c[0].wording[0].trained, 0);
    assert_string_equal(c[0].wording[1].text, "A law is named.");
    assert_int_equal(c[0].wording[1].trained, 1);
    assert_int_equal(c[0].n_wording, 4);
    assert_string_equal(c[1].custom, "Cats are kept.");
    assert_int_equal(c[1].error.n, 0);
    spill("mine.json", "[{\"id\":\"x\",\"text\":\"A\"},{\"id\":\"x\","
                       "\"text\":\"B\"}]");
    assert_int_equal(pack_claims_file(p, path, &c, &n, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "\"x\" stands twice"));
    spill("mine.json", "[{\"id\":\"x\"}]");
    assert_int_equal(pack_claims_file(p, path, &c, &n, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "mine.json: [0]: \"text\" is missing"));
    spill("mine.json", "[]");
    assert_int_equal(pack_claims_file(p, path, &c, &n, &msg), SOR_FORMAT);
    assert_non_null(strstr(msg.text, "mine.json: holds no claim"));
    pack_close(p);
}

/* A template with a value in its place is the pack's claim about that value. */
static void a_claim_that_states_a_value_is_the_packs(void **state)
{
    static const char file[] =
        "[{\"id\":\"a\",\"text\":\"The law of New York governs the "
        "agreement.\"},"
        "{\"id\":\"b\",\"text\":\"Each renewal term is two (2) years.\"},"
        "{\"id\":\"c\",\"text\":\"Each renewal term is long.\"},"
        "{\"id\":\"d\",\"text\":\"The restriction lasts 2 years.\"},"
        "{\"id\":\"non-compete-period\",\"text\":\"The restriction lasts 2 "
        "years.\"},"
        "{\"id\":\"e\",\"text\":\"The law of New York and no other "
        "governs the agreement.\"}]";
    struct pack *p = NULL;
    const struct claim *c = NULL;
    struct sor_msg msg;
    char path[128];
    int n = 0;

    (void)state;
    assert_int_equal(pack_open("domains/legal", &p, &msg), SOR_OK);
    snprintf(path, sizeof path, "%s/mine.json", minipack_dir);
    spill("mine.json", file);
    assert_int_equal(pack_claims_file(p, path, &c, &n, &msg), SOR_OK);
    assert_int_equal(n, 6);
    assert_null(c[0].custom);
    assert_string_equal(c[0].kind, "law");
    assert_string_equal(c[0].stated, "New York");
    assert_string_equal(c[0].wording[0].text,
                        "The law of {} governs the agreement.");
    assert_string_equal(c[1].stated, "two (2) years");
    assert_string_equal(c[1].type, "Renewal Term");
    assert_non_null(c[2].custom);           /* no value */
    assert_non_null(c[3].custom);           /* three claims are said so */
    assert_string_equal(c[4].type, "Non-Compete");  /* and its id is one's */
    assert_string_equal(c[4].stated, "2 years");
    assert_non_null(c[5].custom);           /* more than a value */
    pack_close(p);
}

/* --- the shipped packs --------------------------------------------------- */

static void shipped_packs_open_with_their_adapters(void **state)
{
    static const char *const shipped[] = {
        "domains/legal", "domains/finance", "domains/medical" };

    (void)state;
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        struct pack *p = NULL;
        struct sor_msg msg = { "" };
        const char *path;

        if (pack_open(shipped[i], &p, &msg) ||
            pack_adapter(p, &path, &msg))
            fail_msg("%s", msg.text);
        pack_close(p);
    }
}

static void the_legal_pack_is_whole(void **state)
{
    struct pack *p = NULL;
    int by_set[3] = { 0 };

    (void)state;
    assert_int_equal(pack_open("domains/legal", &p, NULL), SOR_OK);
    assert_int_equal(p->n_type, 42);
    assert_int_equal(p->n_set, 3);
    for (int i = 0; i < p->n_claim; i++)
        for (int s = 0; s < p->n_set; s++)
            by_set[s] += strcmp(p->claim[i].set, p->set[s].id) == 0;
    assert_int_equal(by_set[0], 17);
    assert_int_equal(by_set[1], 33);
    for (int i = 0; i < p->n_claim; i++) {
        assert_int_equal(p->claim[i].wording[0].trained, 1);
        if (strcmp(p->claim[i].kind, "statement") == 0)
            assert_true(p->claim[i].n_position > 0);
    }
    pack_close(p);
}

/* ContractNLI's own sentences are not ours to ship: the pack says each claim
 * in other words. */
static void no_sentence_of_the_data_set_is_shipped(void **state)
{
    const char *shared = getenv("SORITES_SHARED");
    char path[512];
    static char text[1 << 20];
    struct pack *p = NULL;
    cJSON *tree = NULL;
    const cJSON *item;
    FILE *f;
    size_t n;
    int seen = 0;

    (void)state;
    snprintf(path, sizeof path, "%s/data/contract_nli/hypotheses.json",
             shared ? shared : "../shared");
    if (!(f = fopen(path, "r"))) {
        print_message("no %s\n", path);
        skip();
    }
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    assert_int_equal(json_parse(text, n, path, &tree, NULL), SOR_OK);
    assert_int_equal(pack_open("domains/legal", &p, NULL), SOR_OK);
    for (item = tree->child; item; item = item->next) {
        const cJSON *s = item;

        while (s && !cJSON_IsString(s))
            s = cJSON_IsObject(s)
                    ? cJSON_GetObjectItemCaseSensitive(s, "hypothesis")
                    : s->child;
        if (!s)
            continue;
        seen++;
        for (int i = 0; i < p->n_claim; i++)
            for (int k = 0; k < p->claim[i].n_wording; k++)
                assert_string_not_equal(p->claim[i].wording[k].text,
                                        s->valuestring);
    }
    assert_true(seen >= 17);
    cJSON_Delete(tree);
    pack_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_is_read, minipack_write),
        cmocka_unit_test_setup(patterns_give_their_groups, minipack_write),
        cmocka_unit_test_setup(a_hostile_text_ends_soon, minipack_write),
        cmocka_unit_test_setup(a_cut_character_does_no_harm, minipack_write),
        cmocka_unit_test_setup(wrong_packs_are_refused_by_place,
                               minipack_write),
        cmocka_unit_test_setup(a_link_is_no_file_of_the_pack, minipack_write),
        cmocka_unit_test_setup(
            a_pack_that_is_nowhere_says_where_it_was_looked_for,
            minipack_write),
        cmocka_unit_test_setup(out_of_memory_is_an_error, minipack_write),
        cmocka_unit_test_setup(a_claim_that_states_a_value_is_the_packs,
                               minipack_write),
        cmocka_unit_test_setup(a_claim_in_the_packs_words_is_the_packs,
                               minipack_write),
        cmocka_unit_test(shipped_packs_open_with_their_adapters),
        cmocka_unit_test(the_legal_pack_is_whole),
        cmocka_unit_test(no_sentence_of_the_data_set_is_shipped),
    };

    return cmocka_run_group_tests_name("domain", tests, minipack_make,
                                       remove_dir);
}

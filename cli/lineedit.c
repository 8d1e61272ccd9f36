#include "cli/lineedit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/xdg.h"

enum {
    LINES_KEPT = 1000,
    WORDS_SHOWN = 200,          /* of those offered */
    SCREEN_COLUMNS = 80
};

/* word[] as offered, sorted; each is ours. */
struct lineedit_words { char **word; size_t n, cap, n_typed; int failed; };

struct lineedit {
    struct lineedit_opts o;
    EditLine *el;
    History *history;
    const char *prompt;
    char *path;                 /* of the history; or NULL */
};

/* --- completion ---------------------------------------------------------- */

static int in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Only what a person would type: a name out of a hostile file stays away. */
void lineedit_offer(struct lineedit_words *to, const char *word)
{
    if (strlen(word) < to->n_typed)
        return;
    for (const char *p = word + (*word == '.'); *p; p++)
        if (!in_word(*p))
            return;
    if (to->n == to->cap) {
        size_t cap = to->cap ? 2 * to->cap : 64;
        char **more = mem_realloc(to->word, cap, sizeof *more);

        if (!more) {
            to->failed = 1;
            return;
        }
        to->word = more;
        to->cap = cap;
    }
    to->word[to->n] = mem_strdup(word);
    to->failed |= !to->word[to->n];
    to->n += to->word[to->n] != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static void sort_words(struct lineedit_words *w)
{
    size_t kept = 0;

    qsort(w->word, w->n, sizeof *w->word, by_name);
    for (size_t i = 0; i < w->n; i++) {
        if (kept && strcasecmp(w->word[kept - 1], w->word[i]) == 0)
            mem_free(w->word[i]);
        else
            w->word[kept++] = w->word[i];
    }
    w->n = kept;
}

/* Sorted, so what the first and the last share all of them share. */
static size_t shared(const struct lineedit_words *w)
{
    const char *a = w->word[0], *b = w->word[w->n - 1];
    size_t n = 0;

    while (a[n] && tolower((unsigned char)a[n]) == tolower((unsigned char)b[n]))
        n++;
    return n;
}

static void show(const struct lineedit_words *w)
{
    size_t n = w->n < WORDS_SHOWN ? w->n : WORDS_SHOWN, width = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        if (strlen(w->word[i]) + 2 > width)
            width = strlen(w->word[i]) + 2;
    fputc('\n', stderr);
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, "%-*s", (int)width, w->word[i]);
        at += width;
        if (at + width > SCREEN_COLUMNS || i + 1 == n) {
            fputc('\n', stderr);
            at = 0;
        }
    }
    if (n < w->n)
        fprintf(stderr, "and %zu more\n", w->n - n);
}

/* Puts in what is certain; where that adds nothing, shows the choice. */
static unsigned char insert(EditLine *el, const struct lineedit_words *w)
{
    size_t n = w->n ? shared(w) : 0;
    char *text;
    int done;

    if (w->n == 0 || w->failed)
        return CC_ERROR;
    if (w->n > 1 && n <= w->n_typed) {
        show(w);
        return CC_REDISPLAY;
    }
    if (!(text = mem_alloc(n + 2)))
        return CC_ERROR;
    memcpy(text, w->word[0], n);
    text[n] = w->n == 1 ? ' ' : '\0';
    text[n + 1] = '\0';
    el_deletestr(el, (int)w->n_typed);
    done = el_insertstr(el, text) == 0;
    mem_free(text);
    return done ? CC_REFRESH : CC_ERROR;
}

static unsigned char on_tab(EditLine *el, int key)
{
    const LineInfo *li = el_line(el);
    const char *word = li->cursor;
    struct lineedit_words w = { 0 };
    struct lineedit *l = NULL;
    unsigned char answer = CC_ERROR;
    char *typed;

    (void)key;
    el_get(el, EL_CLIENTDATA, &l);
    while (word > li->buffer && in_word(word[-1]))
        word--;
    if (word == li->buffer + 1 && word[-1] == '.')
        word--;                         /* a command of the shell */
    w.n_typed = (size_t)(li->cursor - word);
    if (!l->o.complete || !(typed = mem_strndup(word, w.n_typed)))
        return CC_ERROR;
    l->o.complete(l->o.ud, li->buffer, (size_t)(word - li->buffer), typed, &w);
    if (w.n)
        sort_words(&w);
    answer = insert(el, &w);
    for (size_t i = 0; i < w.n; i++)
        mem_free(w.word[i]);
    mem_free(w.word);
    mem_free(typed);
    return answer;
}

/* --- history ------------------------------------------------------------- */

static void load_history(struct lineedit *l)
{
    HistEvent ev;

    history(l->history, &ev, H_SETSIZE, LINES_KEPT);
    history(l->history, &ev, H_SETUNIQUE, 1);
    if (l->path)
        history(l->history, &ev, H_LOAD, l->path);
}

/* Questions may tell as much as the answers: 0600, whatever the umask.  It is
 * a convenience, so what goes wrong here goes unsaid. */
static void save_history(struct lineedit *l)
{
    HistEvent ev;
    int fd;
    FILE *f;

    if (!l->path || xdg_make_parent(l->path, NULL) != SOR_OK)
        return;
    fd = open(l->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
              0600);
    if (fd < 0)
        return;
    f = fchmod(fd, 0600) == 0 ? fdopen(fd, "w") : NULL;
    if (!f) {
        close(fd);
        return;
    }
    history(l->history, &ev, H_SAVE_FP, f);
    fclose(f);
}

void lineedit_remember(struct lineedit *l, const char *line)
{
    HistEvent ev;

    history(l->history, &ev, H_ENTER, line);
}

/* --- lines --------------------------------------------------------------- */

static char *on_prompt(EditLine *el)
{
    struct lineedit *l = NULL;

    el_get(el, EL_CLIENTDATA, &l);
    return (char *)l->prompt;           /* libedit only reads it */
}

enum sor_err lineedit_open(const struct lineedit_opts *o,
                           struct lineedit **out, struct sor_msg *msg)
{
    struct lineedit *l = mem_calloc(1, sizeof *l);

    if (!l)
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    l->o = *o;
    l->prompt = "";
    l->path = o->history ? mem_strdup(o->history) : NULL;
    l->history = history_init();
    l->el = el_init("sorites", stdin, stderr, stderr);
    if (!l->history || !l->el || (o->history && !l->path)) {
        lineedit_close(l);
        return sor_fail(msg, SOR_NOMEM, "out of memory");
    }
    load_history(l);
    el_set(l->el, EL_CLIENTDATA, l);
    el_set(l->el, EL_PROMPT, on_prompt);
    el_set(l->el, EL_EDITOR, "emacs");
    el_set(l->el, EL_SIGNAL, 1);
    el_set(l->el, EL_HIST, history, l->history);
    el_set(l->el, EL_ADDFN, "complete", "complete the word", on_tab);
    el_set(l->el, EL_BIND, "^I", "complete", NULL);
    el_set(l->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(l->el, NULL);             /* ~/.editrc has the last word */
    *out = l;
    return SOR_OK;
}

void lineedit_close(struct lineedit *l)
{
    if (!l)
        return;
    if (l->history && l->el)
        save_history(l);
    if (l->el)
        el_end(l->el);
    if (l->history)
        history_end(l->history);
    mem_free(l->path);
    mem_free(l);
}

enum lineedit_end lineedit_read(struct lineedit *l, const char *prompt,
                                const char **line)
{
    int n = 0;

    l->prompt = prompt;
    errno = 0;
    *line = el_gets(l->el, &n);
    if (*line && n > 0)
        return LINEEDIT_LINE;
    return n < 0 && errno == EINTR ? LINEEDIT_SIGNAL : LINEEDIT_EOF;
}

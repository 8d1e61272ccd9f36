/* review/defect_party.c - names of companies that are no party where a party
 * should stand.
 *
 * A contract also names companies that it has to do with.  Those are
 * introduced: named at the head or the foot of the text, several times, with a
 * description ("a Delaware corporation") or in a context that says what they
 * are ("published by", "an agreement with").  A name that appears out of
 * nothing, once, is most often left over from another contract. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "review/defect_impl.h"

/* No contract names more companies than MOST_NAMES that are not explained. */
enum { NAMED_OFTEN = 3, MOST_NAMES = 200 };

/* At the head of the text (title, parties, recitals) or at its foot, where the
 * parties are named? */
static int among_parties(const struct hunt *h, size_t at)
{
    const struct clauses *c = h->r.c;
    int holds = clauses_holding(c, (struct span) { at, at + 1 });

    if (holds >= 0 ? c->at[holds].kind == CLAUSE_PREAMBLE ||
                     c->at[holds].kind == CLAUSE_RECITAL
                   : c->n > 0 && at < c->at[0].span.from)
        return 1;
    for (int i = 0; i < c->n_furniture; i++)
        if ((c->furniture[i].kind == FURNITURE_SIGNATURE ||
             c->furniture[i].kind == FURNITURE_TITLE ||
             c->furniture[i].kind == FURNITURE_TESTIMONIUM) &&
            c->furniture[i].span.from <= at && at < c->furniture[i].span.to)
            return 1;
    return 0;
}

/* How often the first word of the name stands in the text; often enough to be
 * known where that is at its head or foot. */
static int times_named(const struct hunt *h, struct span name)
{
    const struct document *d = h->r.d;
    char word[60];
    size_t n = 0, to;
    int times = 0;

    while (n + 1 < sizeof word && name.from + n < name.to &&
           !strchr(" ,.\t\r\n", d->text[name.from + n])) {
        word[n] = d->text[name.from + n];
        n++;
    }
    word[n] = '\0';
    for (size_t at = hunt_word(h, word, 0, 1, &to);
         at < d->n_byte && times < NAMED_OFTEN;
         at = hunt_word(h, word, to, 1, &to))
        times += among_parties(h, at) ? NAMED_OFTEN : 1;
    return times;
}

/* --- a party's name with another legal form ------------------------------------ */

/* The legal form that text[from..) starts with, in a form to compare: "inc",
 * "cor", "ltd", "llc", ...; "" none. */
static void legal_form(const struct hunt *h, size_t from, char form[8])
{
    const char *text = h->r.d->text;
    size_t n = h->r.d->n_byte, k = 0;
    struct span rest = { from, n - from > 24 ? from + 24 : n };
    struct match m;

    form[0] = '\0';
    if (!rule_matches(&h->r, "company.form", rest, &m))
        return;
    for (size_t i = m.from[1]; i < m.to[1] && k < 3; i++)
        if (isalpha((unsigned char)text[i]))
            form[k++] = (char)tolower((unsigned char)text[i]);
    form[k] = '\0';
    if (strcmp(form, "lim") == 0)
        strcpy(form, "ltd");
}

/* Is the name that of a party, but for its legal form: a name that stands
 * among the parties with another form and never with this one? */
static int other_form(const struct hunt *h, struct span name)
{
    const struct document *d = h->r.d;
    char stem[80], mine[8], theirs[8];
    size_t to, end = name.to;
    int named = 0;

    while (end > name.from && d->text[end - 1] != ' ')
        end--;
    while (end > name.from && strchr(" ,", d->text[end - 1]))
        end--;
    if (end == name.from || end - name.from >= sizeof stem)
        return 0;
    snprintf(stem, sizeof stem, "%.*s", (int)(end - name.from),
             d->text + name.from);
    legal_form(h, end, mine);
    for (size_t at = hunt_word(h, stem, 0, 1, &to); at < d->n_byte;
         at = hunt_word(h, stem, to, 1, &to)) {
        legal_form(h, to, theirs);
        if (!theirs[0] || !among_parties(h, at))
            continue;
        if (strcmp(mine, theirs) == 0)
            return 0;
        named = 1;
    }
    return named && mine[0];
}

/* Does a name that stands nowhere else do what only a party does ("shall pay"),
 * be its first word that of a party or not? */
static int acts_once(const struct hunt *h, struct span name)
{
    char whole[100];
    size_t to, n = name.to - name.from;

    if (n >= sizeof whole ||
        !rule_matches(&h->r, "company.plain", name, NULL) ||
        !rule_matches(&h->r, "company.acts", hunt_after(h, name), NULL))
        return 0;
    memcpy(whole, h->r.d->text + name.from, n);
    whole[n] = '\0';
    return hunt_word(h, whole, 0, 1, &to) == name.from &&
           hunt_word(h, whole, to, 1, &to) == h->r.d->n_byte;
}

/* --- strangers ------------------------------------------------------------------ */

static void strangers(struct hunt *h)
{
    struct hits found = rule_hits(&h->r, "company.name", "company.not");

    for (int i = 0; i < found.n && i < MOST_NAMES; i++) {
        struct span s = hit_span(&found.at[i]);

        if (among_parties(h, s.from))
            continue;
        if (other_form(h, s)) {
            hunt_add(h, (struct defect) { .kind = DEFECT_WRONG_PARTY_NAME,
                                          .span = s },
                     "\"%.*s\" is a party's name with another legal form",
                     (int)(s.to - s.from < 100 ? s.to - s.from : 100),
                     h->r.d->text + s.from);
            continue;
        }
        if (!acts_once(h, s) &&
            (times_named(h, s) >= NAMED_OFTEN ||
             !rule_matches(&h->r, "company.lead", hunt_before(s), NULL) ||
             rule_matches(&h->r, "company.context", hunt_before(s), NULL) ||
             rule_matches(&h->r, "company.introduced", hunt_after(h, s),
                          NULL)))
            continue;
        hunt_add(h, (struct defect) { .kind = DEFECT_WRONG_PARTY_NAME,
                                      .span = s },
                 "\"%.*s\" is no party to this document and is named nowhere "
                 "else", (int)(s.to - s.from < 100 ? s.to - s.from : 100),
                 h->r.d->text + s.from);
    }
    hits_free(&found);
}

void defect_parties(struct hunt *h)
{
    strangers(h);
}

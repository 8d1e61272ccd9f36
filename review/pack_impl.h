/* review/pack_impl.h - a pack in the making; for review/pack*.c only. */
#ifndef REVIEW_PACK_IMPL_H
#define REVIEW_PACK_IMPL_H

#include "review/pack.h"
#include "review/pack_json.h"

enum { PACK_PATTERNS = 2000, PACK_TYPES = 500, PACK_CLAIMS = 1000,
       PACK_WORDINGS = 64, PACK_POSITIONS = 16, PACK_FACTS = 2000,
       PACK_FILES = 16, PACK_REGEX_BYTES = 8192 };

/* --- the files, as read ---------------------------------------------------- */

struct file_list { const char *const *at; int n; };

struct pack_files {         /* what pack.json names; NULL: there is none */
    int format;
    struct file_list patterns, claims;
    const char *types, *playbook, *measured, *facts;
};

struct pack_whole {         /* behind every struct pack */
    struct pack pack;       /* first: pack_close() finds the rest from it */
    struct pack_files files;
    struct arena arena;
};

struct patterns { struct pattern *at; int n; };
struct types    { struct clause_type *at; int n; };
struct claims   { struct claim_set set; struct claim *at; int n; };
struct facts    { struct fact *at; int n; };

struct play     { const char *claim; struct position *at; int n; };
struct playbook {
    struct play *at;
    int n;
    struct required *required;
    int n_required;
};

struct figure {
    const char *of;         /* a claim's id, a type's label */
    int contradicted;
    struct measured m;
};
struct figures { struct figure *type, *claim; int n_type, n_claim; };

struct custom  { const char *id, *text; };
struct customs { struct custom *at; int n; };

/* What each file may hold, and what it is read into. */
extern const struct pack_type
    pack_manifest,          /* pack_whole: pack.json */
    pack_patterns_file,     /* patterns */
    pack_types_file,        /* types */
    pack_claims_file_type,  /* claims */
    pack_playbook_file,     /* playbook */
    pack_figures_file,      /* figures */
    pack_facts_file,        /* facts */
    pack_customs_file;      /* customs: --claims FILE */

/* --- steps ----------------------------------------------------------------- */

/* Reads pack.json and every file that it names into w, and checks what must
 * hold between them; in->dir and in->arena are set. */
enum sor_err pack_read(struct pack_in *in, struct pack_whole *w);

/* Compiles p->regex with p->flags; in->place is where it stands. */
enum sor_err pattern_compile(struct pack_in *in, struct pattern *p);
void pattern_release(struct pattern *p);

#endif

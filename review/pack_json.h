/* review/pack_json.h - JSON into structs by table, strictly.
 *
 * A table of fields says what an object may hold, where each value goes and
 * what it must look like; anything else is refused with file, place, value and
 * limit: "legal/claims.json: claims[3].wordings[2].role: \"pharaphrase\" is
 * not one of statement, paraphrase, opposite, swap".
 *
 * Ownership  everything read lives in the arena and dies with it. */
#ifndef REVIEW_PACK_JSON_H
#define REVIEW_PACK_JSON_H

#include <stddef.h>

#include "base/json.h"

/* --- memory that goes as one ----------------------------------------------- */

struct arena { struct arena_block *last; };     /* zeroed: empty */
void *arena_alloc(struct arena *a, size_t n, size_t size);      /* zeroed */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_release(struct arena *a);

/* --- reading --------------------------------------------------------------- */

struct pack_in {            /* where the reader is, for messages */
    struct arena *arena;
    const char *dir;        /* the pack's folder */
    const char *file;       /* the file in it, as pack.json names it */
    int foreign;            /* the file is the user's: it may be a link */
    struct str place;       /* "claims[3].wordings[2]" */
    struct sor_msg *msg;
};

enum shape {                /* what a value must be; what is stored */
    SHAPE_TEXT,             /* string of min..max bytes; const char * */
    SHAPE_ID,               /* the same of [a-z0-9._-]; const char * */
    SHAPE_FILE,             /* a name in the folder, no path; const char * */
    SHAPE_SHA256,           /* 64 lower-case hex digits; const char * */
    SHAPE_CHOICE,           /* one of words; const char * to the word */
    SHAPE_INDEX,            /* one of words; int, which */
    SHAPE_NUMBER,           /* min..max; double */
    SHAPE_COUNT,            /* a whole number in min..max; int */
    SHAPE_FLAG,             /* true, false; int */
    SHAPE_FILES,            /* list of SHAPE_FILE; const char *const *, int */
    SHAPE_CURVE,            /* list of [x, y]: x rises, y never falls, y in
                             * 0..1; two const double *, then int */
    SHAPE_OBJECT,           /* of the type `of`, at this place */
    SHAPE_LIST              /* of objects of the type `of`; pointer, int */
};

struct pack_type;
struct field {
    const char *key;
    enum shape shape;
    size_t at;              /* offset in the object */
    size_t at_n;            /* of the int that counts a list */
    double min, max;        /* of the number; bytes of a text; most in a list */
    const char *const *words;           /* ends in NULL */
    const struct pack_type *of;
    int optional;
    int preset;             /* CHOICE, INDEX, COUNT, FLAG: where it is absent;
                             * a CHOICE stores words[preset] */
};

struct pack_type {
    size_t size;            /* of one object; 0: fields of its parent */
    const struct field *field;          /* ends in key NULL; one field with
                                         * key "": the file is that list */
    /* What the table cannot say, once the fields are read; NULL: nothing. */
    enum sor_err (*check)(struct pack_in *in, void *object);
};

/* SOR_FORMAT with "dir/file: place.key: ..."; key NULL: the place itself. */
enum sor_err pack_wrong(struct pack_in *in, const char *key,
                        const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads in->file, at most PACK_FILE_BYTES, into *object.  SOR_IO, SOR_LIMIT,
 * SOR_FORMAT, SOR_NOMEM. */
enum { PACK_FILE_BYTES = 4 << 20 };
enum sor_err pack_read_file(struct pack_in *in, const struct pack_type *type,
                            void *object);

/* A regular file in the pack's folder, opened for reading without following a
 * link (unless in->foreign): *fd and its size.  SOR_IO. */
enum sor_err pack_file_open(const struct pack_in *in, int *fd, size_t *size);

#endif

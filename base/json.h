/* base/json.h - JSON in through cJSON behind a depth check, JSON out through a
 * small streaming writer.
 *
 * In: nesting over JSON_MAX_DEPTH and embedded NUL are refused before cJSON
 * sees the text; errors name line and column.  The tree is cJSON's own: free
 * it with cJSON_Delete().
 * Out: commas, quotes and escapes are the writer's business; invalid UTF-8
 * becomes U+FFFD; NaN and infinities become null. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { JSON_MAX_DEPTH = 64 };

/* where: a name for messages ("file.jsonl:12"). */
enum sor_err json_parse(const char *text, size_t n, const char *where,
                        cJSON **out, struct sor_msg *msg);

/* The same for text that may hold NUL, which cJSON cannot; what is no UTF-8 is
 * refused.  "\u0000" in a string is read as the bytes C0 80 (as in Java's
 * modified UTF-8) and json_text() turns them back. */
enum sor_err json_parse_nul(const char *text, size_t n, const char *where,
                            cJSON **out, struct sor_msg *msg);

/* The latter for one line of a foreign file, which need not be UTF-8: errors
 * read "file.jsonl:12:40: ...". */
enum sor_err json_parse_line(const char *text, size_t n, const char *where,
                             cJSON **out, struct sor_msg *msg);

/* How often cJSON was refused memory on this thread.  Its functions that copy
 * and make trees say nothing of it: who used them asks whether it is as before,
 * or takes half of a tree for all of it. */
long json_n_refused(void);

/* 1: an object in the tree has a key twice, *key; 0: none does; -1: out of
 * memory.  Readers differ in which of the two they take, so foreign input that
 * has them is better refused. */
int json_twice(const cJSON *tree, const char **key);

/* Appends the bytes of a string item of such a tree to out. */
void json_text(const cJSON *item, struct str *out);

struct json {
    struct str *out;
    uint64_t    comma;      /* bit d: a value was already written at depth d */
    int         depth;
};

void json_init(struct json *j, struct str *out);
void json_obj(struct json *j);                  /* { */
void json_arr(struct json *j);                  /* [ */
void json_end_obj(struct json *j);
void json_end_arr(struct json *j);
void json_key(struct json *j, const char *key);
void json_str(struct json *j, const char *s);   /* NULL writes null */
void json_strn(struct json *j, const char *s, size_t n);
void json_int(struct json *j, int64_t v);
void json_num(struct json *j, double v);        /* %.9g */
void json_real(struct json *j, double v);       /* %.17g: the same bits back */
void json_bool(struct json *j, int v);
void json_null(struct json *j);
/* A member of an object, key and value. */
void json_put_str(struct json *j, const char *key, const char *s);
void json_put_int(struct json *j, const char *key, int64_t v);
void json_put_num(struct json *j, const char *key, double v);
void json_put_bool(struct json *j, const char *key, int v);
/* A string, number, true or false as it was read; anything else (also NULL) as
 * null: the "id" of a line, which goes out as it came in. */
void json_echo(struct json *j, const cJSON *item);
/* The same for the member `key` of the object `tree`, which was read from
 * text[0..n): a number keeps its digits, however many. */
struct json_source { const char *text; size_t n; const cJSON *tree; };
void json_echo_member(struct json *j, const struct json_source *from,
                      const char *key);

#endif

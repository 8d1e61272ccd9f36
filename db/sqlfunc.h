/* db/sqlfunc.h - the functions that we add to SQL, of both kinds.
 *
 * Returning rows (db/tvf.h):
 *   heads(path, pos)           where each head looked, or how to compute it
 *   topk(path, pos, k)         the likeliest tokens
 *   ancestor_step(step, edges) what a step rests on; descendant_step() back
 *   path_diff(a, b)            two paths, token beside token
 *   lens_at(path, pos)         what a stored lens says, or how to make it
 *   ablation_at(path, pos)     what stored ablations say, or how to make them
 * Aggregates:
 *   entropy(w)                 nats, of the weights as shares of their sum
 *   softmax(x)                 JSON array of exp(x) as shares of their sum
 *   softmax(x, pick)           the share of the rows where pick is true
 *
 * Internal to db/, and to the extension sorites.so. */
#ifndef DB_SQLFUNC_H
#define DB_SQLFUNC_H

#include "db/tvf.h"

/* Adds them to a connection; SQLite's code. */
int sqlfunc_register(sqlite3 *sq);

#endif

/* trace/role.h - what a step does, told by its words.
 *
 * A rule of thumb with a fixed table, not a judgement: the same words give the
 * same role everywhere.  Names: step_role_name() in trace/segment.h. */
#ifndef TRACE_ROLE_H
#define TRACE_ROLE_H

#include <stddef.h>

#include "trace/segment.h"

/* The role of one step's text s[0..n); linear in n. */
enum step_role role_of(const char *s, size_t n);

#endif

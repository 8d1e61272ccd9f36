/* tests/minipack.h - a domain pack of a few lines that has every kind of file,
 * for tests of what reads packs. */
#ifndef TESTS_MINIPACK_H
#define TESTS_MINIPACK_H

enum { MINIPACK_FILES = 7 };

/* The pack's folder, and its files in order: name and text. */
extern char minipack_dir[];
extern const char *const minipack_files[MINIPACK_FILES][2];

/* Group fixtures: the folder comes and goes. */
int minipack_make(void **state);
int minipack_remove(void **state);
/* Test fixture: the pack, whole. */
int minipack_write(void **state);
/* Puts another text in a file's place; 0, or -1. */
int minipack_spill(const char *name, const char *text);

#endif

/* tests/htmltest.h - is this page of ours sound? */
#ifndef TESTS_HTMLTEST_H
#define TESTS_HTMLTEST_H

/* Fails the test unless the page nests like XML, each link into it lands on
 * one element, and its policy names the SHA-256 of its one script.  Changes
 * page; returns how many links there are. */
int htmltest_sound(char *page);

#endif

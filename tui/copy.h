/* tui/copy.h - text for the clipboard of the user's terminal (OSC 52), sent
 * only when a key asks for it and only as the screen shows it: made safe.
 *
 * The terminal says nothing back; whether it obeys is its owner's choice. */
#ifndef TUI_COPY_H
#define TUI_COPY_H

struct tui;

/* In base64 that is 64 KiB, which terminals with a limit still take. */
enum { COPY_BYTES = 48 * 1024 };

/* The row under the cursor, cells between tabs; in a text, the text.  Says
 * what was copied, or why nothing was. */
void copy_here(struct tui *t);

#endif

/* viz/page.h - the style and the script of a page, as viz/embed.sh puts them
 * into the program. */
#ifndef VIZ_PAGE_H
#define VIZ_PAGE_H

extern const char page_css[];
extern const char page_js[];

#endif

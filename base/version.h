/* base/version.h - the one place that knows the program's version. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define SORITES_VERSION "0.2.0"

#endif

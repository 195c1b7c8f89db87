/* Events of inotify that our own operations cause: each is met once. They are of a watch, whose number is
 * not used again; a directory that is gone leaves its address to another, and some that nobody has met. */
#ifndef GUARD_EXPECT_H
#define GUARD_EXPECT_H

#include "guard.h"

void expect(int watch, const char *name, uint32_t what);
bool expect_met(int watch, const char *name, uint32_t what);
void expect_nothing(void);

#endif

/* Events of inotify that our own operations cause: each is met once. They are of a watch, whose number is
 * not used again; a directory that is gone leaves its address to another, and some that nobody has met.
 * `ino` is what has moved there, else 0: of two moves to one name inotify may tell as of one. So one event
 * answers for all of them that are expected, and is ours if what is there now is what we moved there last. */
#ifndef GUARD_EXPECT_H
#define GUARD_EXPECT_H

#include "guard.h"

void expect(int watch, const char *name, uint32_t what, ino_t ino);
bool expect_met(int watch, const char *name, uint32_t what, ino_t ino);
void expect_nothing(void);

#endif

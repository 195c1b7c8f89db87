/* Events of inotify that our own operations cause: each is met once. */
#ifndef GUARD_EXPECT_H
#define GUARD_EXPECT_H

#include "guard.h"

bool expect_met(const struct node *directory, const char *name, uint32_t what);
void expect_nothing(void);

#endif

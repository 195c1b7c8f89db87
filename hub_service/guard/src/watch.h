/* Changes that are made in the store directly: by the explorer, by another node's programs.
 *
 * Directories of which kernels have names cached are watched by inotify; what comes from our own
 * operations is expected, and what was told to a kernel already is not told again. */
#ifndef GUARD_WATCH_H
#define GUARD_WATCH_H

#include "guard.h"

bool watch_start(void);
/* True: what happens in this directory is told to us, so kernels may cache it for long. */
bool watch_directory(struct node *directory);
void watch_forget(struct node *node);

/* Our own change of a name is on its way (IN_CREATE, …); it was not made after all. `moved`: what comes
 * to this name by IN_MOVED_TO, else NULL. */
void watch_expect(struct node *directory, const char *name, uint32_t what, const struct node *moved);
void watch_unexpect(struct node *directory, const char *name, uint32_t what, const struct node *moved);

/* Kernels that were told something else of this node are told that it is no longer so. */
void watch_check(struct node *node, const struct stat *st);

/* looks.c: whatever of open files is cached, and what a kernel may have learnt too late to be told of a
 * change, is checked. */
void look_at_what_is_cached(void);

#endif

/* Telling kernels that what they have cached is no longer so.
 *
 * Dropping a name needs the directory's lock in that kernel, which a program there may hold for
 * as long as it likes: while it waits for us, for instance because we wait to tell ITS change to
 * somebody. So every session has a thread of its own that tells it names, and one for pages (a
 * page that is being read is waited for). Where a directory is being changed in that kernel too,
 * or the name could not be told within moments, all names of that kernel expire instead, which
 * takes no lock. Before Linux 6.16 they can't: there, who waits does so for a bounded time, and of
 * two that change one directory at once only the one with the lower address waits. */
#ifndef GUARD_NOTIFY_H
#define GUARD_NOTIFY_H

#include "guard.h"

#define NOTIFY_ATTRIBUTES (-1) /* as offset: attributes alone, no pages */

struct wave; /* what one change has to tell, to be waited for together; NULL: nothing */

/* Other sessions than `by` (NULL: every session) that may have this name cached. */
void notify_name(struct wave **wave, struct session *by, struct node *directory, const char *name);
/* A directory's list and times. */
void notify_list(struct wave **wave, struct session *by, struct node *directory);
/* An inode's attributes, or also its pages. */
void notify_attributes(struct wave **wave, struct session *by, struct node *node);
void notify_pages(struct wave **wave, struct session *by, struct node *node);
/* Before `by` changes bytes: what another session has stored through a mapping, and is in nothing but
 * its kernel's pages, gets to the store. Written later it would bring back the whole pages. Waits. */
void notify_stores(struct session *by, struct node *node);
/* One session's pages, whatever it is believed to have. */
void notify_tie(struct wave **wave, struct tie *tie, int64_t offset);
/* A name in the virtual root, and the root's list. */
void notify_root(struct wave **wave, struct session *session, const char *name);

/* Until all was told, or for as long as can be afforded. Call it without any lock. */
void notify_wait(struct wave *wave, struct session *by);
/* It will be told, but nobody waits. */
void notify_leave(struct wave *wave);

/* Is there a tie that is `unsure`, since this was asked last? */
bool notify_left_unsure(void);

/* Directly, in the caller's thread; 0 or an errno, ENOENT when that kernel knows no such inode. */
int notify_inode_now(struct session *session, fuse_ino_t ino, int64_t offset);

/* Every name that this session's kernel has cached is to be asked about again. */
bool notify_expire(struct session *session);

void notify_stop(struct session *session);

#endif

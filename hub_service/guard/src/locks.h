/* Locks of files, across all sessions of the node and everybody else who locks in the store.
 *
 * A POSIX lock belongs to a process (an owner, as its kernel numbers it) and a file, so each
 * owner has a descriptor of its own for each file, and an open-file-description lock on it.
 * flock belongs to an open file, which has its descriptor already. Nobody waits in a thread:
 * who has to wait is in a list, tried again whenever something is unlocked. */
#ifndef GUARD_LOCKS_H
#define GUARD_LOCKS_H

#include "guard.h"

bool locks_has(struct node *node, const struct session *session);
/* A POSIX lock set or taken back: 0, EAGAIN (somebody else has it) or another errno. */
int locks_try(struct file *file, struct session *session, uint64_t owner, const struct flock *lock);
/* All that an owner has; false: it had none. */
bool locks_let_go(struct node *node, struct session *session, uint64_t owner);
void locks_release(struct node *node, struct session *session, uint64_t owner); /* who waits is told */
/* A file whose closes are not told: what was locked through it ends now. */
void locks_release_file(struct file *file);
/* All that a place's session has locked; waiters are refused. */
void locks_release_place(struct place *place);
void locks_forget(struct node *node);

/* waiters.c */
bool locks_start(void);
void locks_retry(void);
void locks_drop_session(struct session *session);

#endif

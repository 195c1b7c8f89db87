/* One thing more for a wave to tell: inside of the notifications' own files. `*at` is made when
 * it is NULL. share.lock may be held: nothing is sent here. With `tie`, it is held. */
#ifndef GUARD_NOTIFIER_H
#define GUARD_NOTIFIER_H

#include "guard.h"

struct wave;

void wave_add(struct wave **at, struct session *session, struct tie *tie, fuse_ino_t ino,
	      int64_t offset, const char *name);

#endif

/* Changes of what a session may do in a folder, so that they hold for what is open already. */
#ifndef GUARD_LOWER_H
#define GUARD_LOWER_H

#include "guard.h"

struct reached {
	size_t known;
	unsigned open, writable;
	uint64_t flushed;
	int64_t took; /* nanoseconds */
	bool whole;   /* false: something hung, and is done when it no longer does */
};

/* Another level, or the end. Orders are carried out by one thread, which is the only caller. */
void place_set_level(struct place *place, int level, struct reached *reached);

/* What programs have written into mappings reaches the store, as far as it does in time. */
void session_flush(struct session *session);

#endif

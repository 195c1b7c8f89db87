/* An owner's account: how many bytes all their folders hold, and may hold. The file lies in the
 * store, and whoever changes a folder changes it (storage/posix/accounts.py has the layout). */
#ifndef GUARD_ACCOUNT_H
#define GUARD_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#define ACCOUNT_NO_LIMIT UINT64_MAX

struct account_state {
	uint64_t limit, used; /* of all folders together */
};

/* A regular file that may be read and written? */
bool account_is_one(int fd);
/* Count `growth` bytes more (or fewer) for a folder. False: there is no room, and nothing was
 * counted. An account that can't be read holds nobody up. */
bool account_grow(int fd, const char *folder, int64_t growth);
bool account_look(int fd, struct account_state *state);

#endif

#ifndef GUARD_DIRS_H
#define GUARD_DIRS_H

struct listing; /* how far somebody has read a directory */
void listing_free(struct listing *listing);

#endif

/* The virtual root: a directory that lists the session's folders. Orders change it, nobody else. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

void root_stat(struct session *session, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = FUSE_ROOT_ID;
	st->st_mode = S_IFDIR | 0555;
	st->st_nlink = 2;
	st->st_uid = session->uid;
	st->st_gid = session->gid;
	st->st_blksize = 4096;
	pthread_mutex_lock(&session->lock);
	st->st_atim = st->st_mtim = st->st_ctim = session->changed;
	pthread_mutex_unlock(&session->lock);
}

void root_lookup(fuse_req_t req, const char *name)
{
	struct place *place = place_named(fuse_req_userdata(req), name);
	struct fuse_entry_param entry;
	int error;

	if (!place) { /* not to be cached: the next order may bring it */
		fuse_reply_err(req, ENOENT);
		return;
	}
	error = top_entry(place, &entry);
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_entry(req, &entry))
		tie_forget(tie_of(entry.ino), 1);
	place_put(place);
}

void root_getattr(fuse_req_t req)
{
	struct stat st;

	root_stat(fuse_req_userdata(req), &st);
	fuse_reply_attr(req, &st, UNSURE_SECONDS);
}

void root_access(fuse_req_t req, int mask)
{
	fuse_reply_err(req, mask & W_OK ? EROFS : 0);
}

/* A folder is busy: it is mounted here. */
void root_refuse(fuse_req_t req, const char *name)
{
	struct place *place = place_named(fuse_req_userdata(req), name);

	fuse_reply_err(req, place ? EBUSY : EROFS);
	if (place)
		place_put(place);
}

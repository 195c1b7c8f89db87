/* Attributes: what programs see of owner, mode and times, and what they may change. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "notify.h"
#include "operations.h"

#define WRITE_BITS 0222
/* After these, others take the contents for changed. */
#define SEEMS_CHANGED (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)

/* Everything seems to be the session's own (git and ssh look at that); what may be done is
 * decided by level, not by mode. */
void attr_for(const struct place *place, struct stat *st)
{
	st->st_uid = place->session->uid;
	st->st_gid = place->session->gid;
	st->st_mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (atomic_load(&place->level) == WIRE_VIEW && !S_ISLNK(st->st_mode))
		st->st_mode &= ~(mode_t)WRITE_BITS;
}

void attr_reply(struct call *call, struct stat *st)
{
	double seconds = attr_seconds(call->node, st);

	tie_tell(call->tie, st, true);
	attr_for(call->place, st);
	fuse_reply_attr(call->req, st, seconds);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct call call;
	struct stat st;

	if (ino == FUSE_ROOT_ID) {
		root_getattr(req);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	atomic_store(&call.tie->attributes, true);
	if (fstat(call.node->fd, &st)) {
		fuse_reply_err(req, errno);
	} else {
		tie_refresh(call.tie, &st);
		attr_reply(&call, &st);
	}
	call_end(&call);
}

static bool is_other_id(const struct call *call, const struct stat *attr, int to_set)
{
	return (to_set & FUSE_SET_ATTR_UID && attr->st_uid != call->session->uid) ||
	       (to_set & FUSE_SET_ATTR_GID && attr->st_gid != call->session->gid);
}

static int decide_setattr(struct call *call, const struct stat *attr, int to_set, bool through_descriptor)
{
	struct facts facts = {.own = false};
	int error = 0;

	if (to_set & FUSE_SET_ATTR_SIZE)
		error = decide(call->level, through_descriptor ? DEED_STORE : DEED_OPEN_WRITE, NULL);
	if (!error && to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		error = decide(call->level, is_other_id(call, attr, to_set) ? DEED_CHOWN : DEED_TIMES, NULL);
	if (!error && to_set & FUSE_SET_ATTR_MODE) {
		if (call->level == WIRE_EDIT)
			facts.own = is_own(call->place, call->node);
		error = decide(call->level, DEED_CHMOD, &facts);
	}
	if (!error && to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME))
		error = decide(call->level, DEED_TIMES, NULL);
	return error;
}

static int resize_claimed(struct node *node, int fd, off_t size)
{
	int64_t growth;
	struct stat st;
	int error;

	if (fstat(fd, &st))
		return errno;
	growth = (int64_t)size - (int64_t)st.st_size;
	if (growth > 0 && !node_grow(node, &st, growth))
		return EDQUOT;
	error = ftruncate(fd, size) ? errno : 0;
	/* What is counted less goes after it is gone, so that nobody takes the room before. */
	if (growth > 0 ? error : !error)
		node_grow(node, &st, growth > 0 ? -growth : growth);
	return error;
}

/* What two make shorter at once is given back to the folder's limit once. */
int node_resize(struct node *node, int fd, off_t size)
{
	int error;

	pthread_mutex_lock(&node->claim);
	error = resize_claimed(node, fd, size);
	pthread_mutex_unlock(&node->claim);
	return error;
}

static int set_size(struct call *call, off_t size, struct fuse_file_info *info)
{
	struct file *file = info ? file_of(info) : NULL;
	int fd = file && file->writing ? file->fd : node_open(call->node, O_WRONLY);
	int error;

	if (fd < 0)
		return errno;
	error = node_resize(call->node, fd, size);
	if (!file || fd != file->fd)
		close(fd);
	return error;
}

static struct timespec time_to_set(const struct timespec *asked, int to_set, int set, int set_now)
{
	if (to_set & set_now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (to_set & set)
		return *asked;
	return (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_attributes(struct call *call, const struct stat *attr, int to_set, struct fuse_file_info *info)
{
	struct timespec times[2];
	char number[16];
	int error;

	snprintf(number, sizeof(number), "%d", call->node->fd);
	if (to_set & FUSE_SET_ATTR_SIZE) {
		error = set_size(call, attr->st_size, info);
		if (error)
			return error;
	}
	if (to_set & FUSE_SET_ATTR_MODE &&
	    fchmodat(guard.proc_fd, number, mode_kept(attr->st_mode, S_ISDIR(call->node->type)), 0))
		return errno;
	if (!(to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)))
		return 0;
	times[0] = time_to_set(&attr->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW);
	times[1] = time_to_set(&attr->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW);
	return utimensat(guard.proc_fd, number, times, 0) ? errno : 0;
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *info)
{
	struct wave *wave = NULL;
	struct call call;
	struct stat st;
	int error;

	if (ino == FUSE_ROOT_ID) {
		fuse_reply_err(req, EROFS);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	error = decide_setattr(&call, attr, to_set, info != NULL);
	if (!error) {
		if (to_set & FUSE_SET_ATTR_SIZE)
			notify_stores(call.session, call.node);
		tie_changed_itself(call.tie);
		error = set_attributes(&call, attr, to_set, info);
		if (error) /* it would not be told of later changes: nobody knows what it was told */
			notify_tie(&wave, call.tie, 0);
		if (to_set & SEEMS_CHANGED)
			notify_pages(&wave, call.session, call.node);
		else
			notify_attributes(&wave, call.session, call.node);
		notify_wait(wave, call.session);
	}
	atomic_store(&call.tie->attributes, true);
	if (!error && fstat(call.node->fd, &st))
		error = errno;
	if (error)
		fuse_reply_err(req, error);
	else
		attr_reply(&call, &st);
	call_end(&call);
}

void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct call call;
	struct stat st;
	int error = 0;

	if (ino == FUSE_ROOT_ID) {
		root_access(req, mask);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	if (mask & W_OK)
		error = decide(call.level, DEED_OPEN_WRITE, NULL);
	if (!error && mask & (X_OK | W_OK)) {
		if (fstat(call.node->fd, &st))
			error = errno;
		else if ((mask & X_OK && !(st.st_mode & 0111)) || (mask & W_OK && !(st.st_mode & S_IWUSR)))
			error = EACCES;
	}
	fuse_reply_err(req, error);
	call_end(&call);
}

/* With a limit, the folder is as large as its limit, or as its owner's. */
static void limit_to(struct share *share, struct statvfs *facts)
{
	uint64_t unit = facts->f_frsize ? facts->f_frsize : 4096;
	uint64_t limit, used, left;

	if (!share_limit(share, &limit, &used))
		return;
	left = limit > used ? limit - used : 0;
	facts->f_blocks = limit / unit;
	if (left / unit < facts->f_bavail)
		facts->f_bavail = left / unit;
	if (left / unit < facts->f_bfree)
		facts->f_bfree = left / unit;
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs facts = {.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255};
	struct call call;

	if (ino == FUSE_ROOT_ID) {
		fuse_reply_statfs(req, &facts);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	if (fstatvfs(call.node->fd, &facts)) {
		fuse_reply_err(req, errno);
	} else {
		limit_to(call.node->share, &facts);
		fuse_reply_statfs(req, &facts);
	}
	call_end(&call);
}

/* Extended attributes: user.* and no others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <linux/limits.h>

#include "notify.h"
#include "operations.h"

/* The system's calls for these take a path: a descriptor's number, in our working directory. */
struct place_in_proc {
	char number[16];
};

static const char *path_of(struct place_in_proc *path, const struct node *node)
{
	snprintf(path->number, sizeof(path->number), "%d", node->fd);
	return path->number;
}

static bool is_users(const char *name)
{
	return !strncmp(name, "user.", 5);
}

static bool attribute_begin(struct call *call, fuse_req_t req, fuse_ino_t ino, int error_at_root)
{
	if (ino != FUSE_ROOT_ID)
		return call_begin(call, req, ino);
	fuse_reply_err(req, error_at_root);
	return false;
}

static void change_end_attribute(struct call *call, int error)
{
	struct wave *wave = NULL;
	struct stat st;

	if (!error) {
		if (!fstat(call->node->fd, &st))
			tie_keeps_contents(call->tie, &st);
		notify_attributes(&wave, call->session, call->node);
		notify_wait(wave, call->session);
	}
	fuse_reply_err(call->req, error);
	call_end(call);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct place_in_proc path;
	struct call call;
	int error;

	if (!attribute_begin(&call, req, ino, EROFS))
		return;
	error = decide(call.level, is_users(name) ? DEED_ATTRIBUTE : DEED_ATTRIBUTE_OTHER, NULL);
	if (!error && setxattr(path_of(&path, call.node), name, value, size, flags))
		error = errno;
	change_end_attribute(&call, error);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct place_in_proc path;
	struct call call;
	int error;

	if (!attribute_begin(&call, req, ino, EROFS))
		return;
	error = decide(call.level, is_users(name) ? DEED_ATTRIBUTE : DEED_ATTRIBUTE_OTHER, NULL);
	if (!error && removexattr(path_of(&path, call.node), name))
		error = errno;
	change_end_attribute(&call, error);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct place_in_proc path;
	char *value = NULL;
	struct call call;
	ssize_t got;

	if (!is_users(name)) { /* asked at each first write: it is answered without the store */
		fuse_reply_err(req, ENODATA);
		return;
	}
	if (!attribute_begin(&call, req, ino, ENODATA))
		return;
	if (size)
		value = malloc(size);
	got = size && !value ? -1 : getxattr(path_of(&path, call.node), name, value, size);
	if (got < 0)
		fuse_reply_err(req, errno);
	else if (size)
		fuse_reply_buf(req, value, (size_t)got);
	else
		fuse_reply_xattr(req, (size_t)got);
	free(value);
	call_end(&call);
}

/* Only what is also readable here. */
static size_t keep_users(char *names, size_t length)
{
	size_t kept = 0;

	for (size_t at = 0; at < length;) {
		size_t one = strnlen(names + at, length - at) + 1;

		if (is_users(names + at)) {
			memmove(names + kept, names + at, one);
			kept += one;
		}
		at += one;
	}
	return kept;
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct place_in_proc path;
	char *names;
	struct call call;
	ssize_t got;

	if (!attribute_begin(&call, req, ino, ENOTSUP))
		return;
	names = malloc(XATTR_LIST_MAX);
	got = names ? listxattr(path_of(&path, call.node), names, XATTR_LIST_MAX) : -1;
	if (got < 0) {
		fuse_reply_err(req, names ? errno : ENOMEM);
	} else {
		size_t kept = keep_users(names, (size_t)got);

		if (!size)
			fuse_reply_xattr(req, kept);
		else if (kept > size)
			fuse_reply_err(req, ERANGE);
		else
			fuse_reply_buf(req, names, kept);
	}
	free(names);
	call_end(&call);
}

/* Opening, flushing, closing. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "locks.h"
#include "notify.h"
#include "operations.h"

/* Somebody else has it open for writing, so nothing of it is cached here. */
static bool others_write(const struct tie *tie)
{
	return atomic_load(&tie->node->writers) > atomic_load(&tie->writers);
}

/* May the kernel go on with the pages that it has? */
static bool pages_are_good(struct call *call, int fd)
{
	struct tie *tie = call->tie;
	struct wave *wave = NULL;
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if (tie_is_told(tie, &st))
		return true;
	if (tie_differs(tie, &st)) { /* the attributes that it has are old as well */
		notify_tie(&wave, tie, NOTIFY_ATTRIBUTES);
		notify_wait(wave, call->session);
	}
	tie_tell(tie, &st, false);
	return false;
}

/* Past the kernel's cache. Appends, since from its cache a kernel writes what crosses a page in two
 * parts, and somebody else's line would come in between; and what nobody reads through this
 * descriptor or has cached: it need not be copied into pages first, nor asked about capabilities. */
static bool writes_directly(const struct tie *tie, int flags)
{
	if ((flags & O_ACCMODE) == O_RDONLY)
		return false;
	return flags & O_APPEND || ((flags & O_ACCMODE) == O_WRONLY && !atomic_load(&tie->pages));
}

int file_begin(struct call *call, int fd, struct fuse_file_info *info, struct file **file)
{
	bool writing = (info->flags & O_ACCMODE) != O_RDONLY;
	struct wave *wave = NULL;

	*file = file_new(call->tie, fd, writing);
	if (!*file)
		return ENOMEM;
	(*file)->appending = info->flags & O_APPEND;
	(*file)->direct = others_write(call->tie) || writes_directly(call->tie, info->flags);
	if ((info->flags & O_ACCMODE) == O_RDWR && !(*file)->direct)
		file_may_map(*file);
	/* No FLUSH where there are no locks for it to end. Those to come would end with the last close
	 * alone, and not with the process that has them: so not where they may exclude others. */
	(*file)->quiet_close = !writing && !locks_has(call->node, call->session);
	info->fh = (uint64_t)(uintptr_t)*file;
	info->direct_io = (*file)->direct;
	info->noflush = (*file)->quiet_close;
	info->keep_cache = !(*file)->direct && pages_are_good(call, fd);
	if (others_write(call->tie) || (writing && atomic_load(&call->node->tie_count) > 1))
		notify_pages(&wave, call->session, call->node); /* what they hold dirty is written */
	notify_wait(wave, call->session);
	return 0;
}

/* It is empty from now on, for everybody. */
static int cut(struct call *call, int fd)
{
	struct wave *wave = NULL;
	int error;

	notify_stores(call->session, call->node);
	error = node_resize(call->node, fd, 0);
	if (error)
		return error;
	tie_changed_itself(call->tie);
	notify_pages(&wave, call->session, call->node);
	notify_wait(wave, call->session);
	return 0;
}

void note_open(struct call *call)
{
	struct node *node = call->node;
	struct own_who who = call->place->who;

	own_opened(node->share->own, node_key(node), who);
	node->opened_by = node->opened && node->opened_by != who.person ? UINT32_MAX : who.person;
	node->opened = true;
}

/* The file in the store, and where it is to be cut what cuts it: O_RDONLY|O_TRUNC is no mistake,
 * though the mode may forbid it. */
static int open_store(struct call *call, int flags, int *fd, int *cutter)
{
	int error;

	*cutter = -1;
	*fd = node_open(call->node, flags & (O_ACCMODE | O_SYNC | O_DSYNC));
	if (*fd < 0)
		return errno;
	if (!(flags & O_TRUNC))
		return 0;
	*cutter = node_open(call->node, O_WRONLY);
	if (*cutter >= 0)
		return 0;
	error = errno;
	close(*fd);
	return error;
}

int open_node(struct call *call, struct fuse_file_info *info, struct file **file)
{
	bool cuts = info->flags & O_TRUNC;
	bool writes = (info->flags & O_ACCMODE) != O_RDONLY;
	struct own_folder *own = call->node->share->own;
	int error = decide(call->level, writes || cuts ? DEED_OPEN_WRITE : DEED_READ, NULL);
	int fd, cutter;

	if (!error && !S_ISREG(call->node->type))
		error = S_ISDIR(call->node->type) ? EISDIR : S_ISLNK(call->node->type) ? ELOOP : EACCES;
	if (error)
		return error;
	/* Who decides whether it may disappear sees this open, or it is gone before. */
	pthread_mutex_lock(&call->node->claim);
	error = open_store(call, info->flags, &fd, &cutter);
	if (!error) /* who was refused has not seen it */
		note_open(call);
	pthread_mutex_unlock(&call->node->claim);
	if (error)
		return error;
	if (cuts) {
		error = cut(call, cutter);
		close(cutter);
	}
	if (error) {
		own_closed(own, node_key(call->node), call->place->who, clock_now());
		close(fd);
		return error;
	}
	return file_begin(call, fd, info, file);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct file *file = NULL;
	struct call call;
	int error;

	if (ino == FUSE_ROOT_ID) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	error = open_node(&call, info, &file);
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_open(req, info))
		file_free(file);
	call_end(&call);
}

/* A close: the process's locks end. What it wrote is in the store already. */
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct file *file = file_of(info);

	locks_release(file->tie->node, fuse_req_userdata(req), info->lock_owner);
	fuse_reply_err(req, 0);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	struct stat st;

	if (file->quiet_close)
		locks_release_file(file);
	/* What this session wrote is what its kernel has: its pages may stay. */
	if (atomic_load(&file->wrote) && !fstat(file->fd, &st))
		tie_tell_if_unknown(file->tie, &st);
	file_free(file);
	fuse_reply_err(req, 0);
	locks_retry();
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	int failed = data_only ? fdatasync(file->fd) : fsync(file->fd);

	fuse_reply_err(req, failed ? errno : 0);
}

/* Bytes: reading, writing, and what else changes a file's contents. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "notify.h"
#include "operations.h"

static pthread_key_t buffer_key;
static pthread_once_t buffer_once = PTHREAD_ONCE_INIT;

static void make_buffer_key(void)
{
	pthread_key_create(&buffer_key, free);
}

static char *thread_buffer(void)
{
	char *buffer;

	pthread_once(&buffer_once, make_buffer_key);
	buffer = pthread_getspecific(buffer_key);
	if (!buffer) {
		buffer = malloc(READ_SIZE);
		pthread_setspecific(buffer_key, buffer);
	}
	return buffer;
}

/* The first pages since it was told to drop all: it knows the file as it is now, and not as it was told
 * before. Otherwise its next look at the attributes would take the pages back once more, and a kernel
 * that is told so while it asks does not believe the answer: it would go on with the old size. */
static void pages_begin(struct tie *tie, const struct file *file)
{
	struct stat st;

	if (!atomic_load(&tie->attributes) && !fstat(file->fd, &st))
		tie_tell_without_attributes(tie, &st);
	atomic_store(&tie->pages, true); /* before the bytes are got: see entry_for */
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	char *buffer = thread_buffer();
	struct call call;
	ssize_t got;

	if (!call_begin(&call, req, ino))
		return;
	if (!file->direct && !atomic_load_explicit(&call.tie->pages, memory_order_relaxed))
		pages_begin(call.tie, file);
	got = buffer ? pread(file->fd, buffer, size < READ_SIZE ? size : READ_SIZE, offset) : -1;
	if (got < 0)
		fuse_reply_err(req, buffer ? errno : ENOMEM);
	else
		fuse_reply_buf(req, buffer, (size_t)got);
	call_end(&call);
}

/* Room for a change of contents. Where bytes are counted nobody else makes the file longer until
 * the change is done, so that each byte counts once. */
struct room {
	bool claimed;
	struct stat before;
	int64_t growth;
};

/* Limits count sizes, so with one nobody takes room behind a file's size (`end` is negative). */
static int room_take(struct node *node, struct file *file, int64_t end, bool appends, struct room *room)
{
	if (fstat(file->fd, &room->before))
		return errno;
	if (end < 0)
		return -end > (int64_t)room->before.st_size ? EOPNOTSUPP : 0;
	if (appends)
		end += (int64_t)room->before.st_size;
	if (end > (int64_t)room->before.st_size)
		room->growth = end - (int64_t)room->before.st_size;
	if (node_grow(node, &room->before, room->growth))
		return 0;
	room->growth = 0;
	return EDQUOT;
}

/* Before a change of contents; `end` is how far it goes, from the file's own end if it appends. */
static int contents_begin(struct call *call, struct file *file, int64_t end, bool appends, struct room *room)
{
	int error = decide(call->level, DEED_STORE, NULL);

	*room = (struct room){.claimed = false};
	if (!error && !file->writing)
		error = EBADF;
	if (!error)
		notify_stores(call->session, call->node);
	if (!error && share_counts(call->node->share)) {
		pthread_mutex_lock(&call->node->claim);
		error = room_take(call->node, file, end, appends, room);
		room->claimed = !error;
		if (error)
			pthread_mutex_unlock(&call->node->claim);
	}
	if (!error)
		tie_begins_change(call->tie);
	return error;
}

/* What came is counted, and not what was asked for. */
static void room_settle(struct node *node, const struct stat *now, struct room *room)
{
	if (!room->claimed)
		return;
	if (now)
		node_grow(node, now, (int64_t)now->st_size - (int64_t)room->before.st_size - room->growth);
	pthread_mutex_unlock(&node->claim);
}

static void contents_end(struct call *call, struct file *file, struct room *room)
{
	struct wave *wave = NULL;
	struct stat st, *now = fstat(file->fd, &st) ? NULL : &st;

	tie_ends_change(call->tie, now);
	room_settle(call->node, now, room);
	if (!atomic_load_explicit(&file->wrote, memory_order_relaxed))
		atomic_store(&file->wrote, true);
	if (!file->direct)
		atomic_store(&call->tie->pages, true);
	else if (atomic_exchange(&call->tie->pages, false)) /* through another descriptor of its own */
		notify_tie(&wave, call->tie, 0);
	notify_pages(&wave, call->session, call->node);
	notify_wait(wave, call->session);
}

/* A kernel writes into the pages that it has before it asks. It does not believe them any more when the
 * answer is no, but a mapping would go on showing them, and take them along when it is written. */
static void contents_refused(struct call *call, const struct file *file)
{
	struct wave *wave = NULL;

	if (file->direct || !atomic_exchange(&call->tie->pages, false))
		return;
	notify_tie(&wave, call->tie, 0);
	notify_wait(wave, call->session);
}

/* The file's end is where it is now, not where this session's kernel believes it to be. */
static ssize_t append(struct call *call, struct file *file, const char *bytes, size_t size, off_t offset,
		      bool claimed)
{
	struct stat st;
	ssize_t wrote;
	struct iovec part = {(void *)(uintptr_t)bytes, size};

	if (!claimed)
		pthread_mutex_lock(&call->node->claim);
	if (fstat(file->fd, &st))
		st.st_size = offset;
	wrote = pwritev2(file->fd, &part, 1, st.st_size, RWF_APPEND);
	if (!claimed)
		pthread_mutex_unlock(&call->node->claim);
	return wrote;
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset,
	      struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	bool appends = file->appending && !info->writepage;
	int64_t end = (appends ? 0 : (int64_t)offset) + (int64_t)size;
	struct call call;
	struct room room;
	ssize_t wrote = 0;
	int error;

	if (info->writepage)
		atomic_fetch_add(&tie_of(ino)->place->arrived, 1);
	if (!(info->writepage ? call_begin_page(&call, req, ino) : call_begin(&call, req, ino)))
		return;
	error = contents_begin(&call, file, end, appends, &room);
	if (!error) {
		if (appends)
			wrote = append(&call, file, bytes, size, offset, room.claimed);
		else
			wrote = pwrite(file->fd, bytes, size, offset);
		error = wrote < 0 ? errno : 0;
		if (!error && info->writepage)
			atomic_fetch_add(&call.place->flushed, (uint64_t)wrote);
		contents_end(&call, file, &room);
	}
	if (!info->writepage && (error || (size_t)wrote < size))
		contents_refused(&call, file);
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, (size_t)wrote);
	call_end(&call);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
		  struct fuse_file_info *info)
{
	struct file *file = file_of(info);
	struct call call;
	struct room room;
	int64_t end;
	int error;

	if (!call_begin(&call, req, ino))
		return;
	end = (int64_t)offset + (int64_t)length;
	if (mode & FALLOC_FL_KEEP_SIZE)
		end = mode & FALLOC_FL_PUNCH_HOLE ? 0 : -end;
	error = contents_begin(&call, file, end, false, &room);
	if (!error) {
		error = fallocate(file->fd, mode, offset, length) ? errno : 0;
		contents_end(&call, file, &room);
	}
	fuse_reply_err(req, error);
	call_end(&call);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in, struct fuse_file_info *info_in,
			fuse_ino_t ino_out, off_t offset_out, struct fuse_file_info *info_out, size_t length,
			int flags)
{
	struct file *in = file_of(info_in), *out = file_of(info_out);
	struct call call;
	struct room room;
	ssize_t copied = 0;
	int error;

	if (tie_of(ino_in)->place != tie_of(ino_out)->place) {
		fuse_reply_err(req, EXDEV);
		return;
	}
	if (!call_begin(&call, req, ino_out))
		return;
	error = node_is_inside(in->tie->node) ? 0 : EACCES;
	if (!error)
		error = contents_begin(&call, out, (int64_t)offset_out + (int64_t)length, false, &room);
	if (!error) {
		copied = copy_file_range(in->fd, &offset_in, out->fd, &offset_out, length, 0);
		error = copied < 0 ? errno : 0;
		contents_end(&call, out, &room);
	}
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, (size_t)copied);
	call_end(&call);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *info)
{
	struct call call;
	off_t at;

	if (!call_begin(&call, req, ino))
		return;
	at = whence == SEEK_DATA || whence == SEEK_HOLE ? lseek(file_of(info)->fd, offset, whence) : -1;
	if (at < 0)
		fuse_reply_err(req, whence == SEEK_DATA || whence == SEEK_HOLE ? errno : EINVAL);
	else
		fuse_reply_lseek(req, at);
	call_end(&call);
}

/* Flags of files (immutable, append only) are the store's: none are seen, and none are set.
 * The kernel asks for them before it sets them. */
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned command, void *argument, struct fuse_file_info *info,
	      unsigned flags, const void *in, size_t in_size, size_t out_size)
{
	static const struct fsxattr none;

	if (command == FS_IOC_GETFLAGS || command == FS_IOC_FSGETXATTR)
		fuse_reply_ioctl(req, 0, &none, out_size < sizeof(none) ? out_size : sizeof(none));
	else
		fuse_reply_err(req, command == FS_IOC_SETFLAGS || command == FS_IOC_FSSETXATTR ? EPERM : ENOTTY);
}

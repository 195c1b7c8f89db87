/* New names: files, directories, symbolic and hard links. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "notify.h"
#include "operations.h"
#include "watch.h"

/* No setuid and no setgid, and the service can always read what it serves. */
mode_t mode_kept(mode_t asked, bool directory)
{
	return (asked & 01777) | (directory ? S_IRWXU : S_IRUSR);
}

/* Somebody else may have found the name and opened it before its maker is written down. */
static void remember_maker(struct place *place, struct node *node)
{
	struct own_who who = place->who, opener = {UINT32_MAX, UINT32_MAX};

	pthread_mutex_lock(&node->claim);
	own_made(place->share->own, node_key(node), who, clock_now());
	opener.person = node->opened_by;
	if (node->opened && opener.person != who.person)
		own_opened(place->share->own, node_key(node), opener);
	pthread_mutex_unlock(&node->claim);
}

typedef int (*maker)(const struct change *change, const void *with, mode_t mode);

static int make_directory(const struct change *change, const void *with, mode_t mode)
{
	return mkdirat(change->directory->fd, change->name, mode_kept(mode, true));
}

static int make_file(const struct change *change, const void *with, mode_t mode)
{
	return mknodat(change->directory->fd, change->name, S_IFREG | mode_kept(mode, false), 0);
}

static int make_symlink(const struct change *change, const void *with, mode_t mode)
{
	return symlinkat(with, change->directory->fd, change->name);
}

/* The directory is locked. */
static int make_locked(struct change *change, maker make, const void *with, mode_t mode,
		       struct node **node)
{
	int error = decide(change->call.level, DEED_MAKE, NULL);

	if (!error && !is_single_name(change->name))
		error = EINVAL;
	if (error)
		return error;
	watch_expect(change->directory, change->name, IN_CREATE, NULL);
	if (make(change, with, mode)) {
		error = errno;
		watch_unexpect(change->directory, change->name, IN_CREATE, NULL);
		return error;
	}
	error = node_named(change->directory, change->name, node);
	if (!error)
		remember_maker(change->call.place, *node);
	return error;
}

static void make_name(fuse_req_t req, fuse_ino_t parent, const char *name, maker make, const void *with,
		      mode_t mode)
{
	struct fuse_entry_param entry;
	struct node *node = NULL;
	struct change change;
	int error;

	if (!change_begin(&change, req, parent, name))
		return;
	atomic_store(&change.call.tie->names, true);
	error = make_locked(&change, make, with, mode, &node);
	change_unlock(&change);
	if (!error)
		error = entry_for(change.call.place, node, &entry);
	if (node)
		change_told(&change);
	change_end(&change);
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_entry(req, &entry))
		tie_forget(tie_of(entry.ino), 1);
	call_end(&change.call);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_name(req, parent, name, make_directory, NULL, mode);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make_name(req, parent, name, make_symlink, target, 0);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct call call;

	if (S_ISREG(mode) || parent == FUSE_ROOT_ID) {
		make_name(req, parent, name, make_file, NULL, mode);
		return;
	}
	if (!call_begin(&call, req, parent))
		return;
	fuse_reply_err(req, decide(call.level, DEED_MAKE_DEVICE, NULL));
	call_end(&call);
}

/* What the kernel believed not to be there was made by somebody else meanwhile. */
static int create_found(struct change *change, struct fuse_file_info *info, struct node **node,
			struct file **file)
{
	struct call inner = change->call;
	struct tie *tie;
	int error;

	if (info->flags & O_EXCL)
		return EEXIST;
	error = node_named(change->directory, change->name, node);
	if (error)
		return error;
	node_hold(*node); /* the tie's; the caller has its own */
	tie = tie_get(change->call.place, *node);
	if (!tie)
		return ENOMEM;
	inner.tie = tie;
	inner.node = *node;
	error = open_node(&inner, info, file);
	tie_forget(tie, 1);
	return error;
}

static int file_made(struct change *change, int fd, struct fuse_file_info *info, struct node **node,
		     struct file **file)
{
	struct call inner = change->call;
	struct place *place = change->call.place;
	char number[16];
	struct stat st;
	int path;

	snprintf(number, sizeof(number), "%d", fd);
	path = openat(guard.proc_fd, number, O_PATH | O_CLOEXEC);
	if (path < 0 || fstat(path, &st)) {
		if (path >= 0)
			close(path);
		close(fd);
		return EIO;
	}
	*node = node_get(place->share, path, &st);
	if (*node) {
		atomic_store(&(*node)->told_by, atomic_load(&change->directory->watch));
		node_found_in(*node, change->directory, change->name);
		remember_maker(place, *node);
		own_opened(place->share->own, node_key(*node), place->who);
		node_hold(*node);
		inner.node = *node;
		inner.tie = tie_get(place, *node);
	}
	if (!*node || !inner.tie) {
		close(fd);
		return ENOMEM;
	}
	file_begin(&inner, fd, info, file);
	tie_forget(inner.tie, 1);
	return *file ? 0 : ENOMEM;
}

static int create_locked(struct change *change, mode_t mode, struct fuse_file_info *info, struct node **node,
			 struct file **file)
{
	int flags = info->flags & (O_ACCMODE | O_SYNC | O_DSYNC);
	int error = decide(change->call.level, DEED_MAKE, NULL);
	int fd;

	if (!error && !is_single_name(change->name))
		error = EINVAL;
	if (error)
		return error;
	watch_expect(change->directory, change->name, IN_CREATE, NULL);
	fd = openat(change->directory->fd, change->name,
		    flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_kept(mode, false));
	if (fd >= 0)
		return file_made(change, fd, info, node, file);
	error = errno;
	watch_unexpect(change->directory, change->name, IN_CREATE, NULL);
	return error;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info)
{
	struct fuse_entry_param entry = {.ino = 0};
	struct file *file = NULL;
	struct node *node = NULL;
	struct change change;
	int error;

	if (!change_begin(&change, req, parent, name))
		return;
	atomic_store(&change.call.tie->names, true);
	error = create_locked(&change, mode, info, &node, &file);
	change_unlock(&change);
	if (error == EEXIST)
		error = create_found(&change, info, &node, &file);
	else if (!error)
		change_told(&change);
	if (!error) {
		error = entry_for(change.call.place, node, &entry);
		node = NULL;
	}
	if (node)
		node_put(node);
	change_end(&change);
	if (error) {
		if (file)
			file_free(file);
		fuse_reply_err(req, error);
	} else if (fuse_reply_create(req, &entry, info)) {
		file_free(file);
		tie_forget(tie_of(entry.ino), 1);
	}
	call_end(&change.call);
}

/* The directory is locked, and nobody decides about the file at the same time. */
static int link_locked(struct change *change, struct node *node)
{
	struct facts facts = {.own = false};
	char number[16];
	int error;

	if (change->call.level == WIRE_EDIT)
		facts.own = is_own(change->call.place, node);
	error = decide(change->call.level, DEED_LINK, &facts);
	if (!error && !is_single_name(change->name))
		error = EINVAL;
	if (error)
		return error;
	snprintf(number, sizeof(number), "%d", node->fd);
	watch_expect(change->directory, change->name, IN_CREATE, NULL);
	if (!linkat(guard.proc_fd, number, change->directory->fd, change->name, AT_SYMLINK_FOLLOW))
		return 0;
	error = errno;
	watch_unexpect(change->directory, change->name, IN_CREATE, NULL);
	return error;
}

static int link_checked(struct change *change, struct tie *tie)
{
	struct node *node = tie->node;
	int error;

	atomic_store(&change->call.tie->names, true);
	pthread_mutex_lock(&node->claim);
	error = node_is_inside(node) ? link_locked(change, node) : EACCES;
	pthread_mutex_unlock(&node->claim);
	if (error)
		return error;
	tie_changed_itself(tie);
	notify_attributes(&change->wave, change->call.session, node);
	return 0;
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	struct change change;
	bool used;
	int error;

	if (ino == FUSE_ROOT_ID || (parent != FUSE_ROOT_ID && tie_of(ino)->place != tie_of(parent)->place)) {
		fuse_reply_err(req, EXDEV);
		return;
	}
	if (!change_begin(&change, req, parent, name))
		return;
	error = node_use(tie_of(ino)->node);
	used = !error;
	if (!error)
		error = link_checked(&change, tie_of(ino));
	change_unlock(&change);
	if (!error) {
		change_told(&change);
		used = false; /* it goes into the entry */
		error = entry_for(change.call.place, tie_of(ino)->node, &entry);
	}
	if (used)
		node_put(tie_of(ino)->node);
	change_end(&change);
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_entry(req, &entry))
		tie_forget(tie_of(entry.ino), 1);
	call_end(&change.call);
}

/* What names stand for. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "notify.h"
#include "operations.h"
#include "watch.h"

bool is_single_name(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

int node_named(struct node *directory, const char *name, struct node **node)
{
	struct stat st;
	int fd;

	if (!is_single_name(name))
		return EINVAL;
	fd = openat(directory->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) || st.st_dev != directory->share->dev) {
		close(fd);
		return EACCES; /* something is mounted there, which is nobody's to share */
	}
	*node = node_get(directory->share, fd, &st);
	if (!*node)
		return ENOMEM;
	atomic_store(&(*node)->told_by, atomic_load(&directory->watch));
	node_found_in(*node, directory, name);
	return 0;
}

double attr_seconds(struct node *node, const struct stat *st)
{
	bool sure;

	if (S_ISDIR(st->st_mode))
		sure = atomic_load(&node->watch) >= 0;
	else /* a second name may be in a directory that nobody watches */
		sure = atomic_load(&node->told_by) >= 0 && st->st_nlink == 1;
	return sure ? SURE_SECONDS : UNSURE_SECONDS;
}

/* Somebody else has changed the contents since this kernel was told of them. Where a name or a mode has
 * changed, pages stay: a kernel that is told to drop them while it asks does not believe the answer. */
void tie_refresh(struct tie *tie, const struct stat *st)
{
	struct wave *wave = NULL;

	if (!tie_differs_in_contents(tie, st) || !atomic_exchange(&tie->pages, false))
		return;
	notify_tie(&wave, tie, 0);
	notify_wait(wave, tie->place->session);
}

/* The node is held by the caller. */
static int entry_held(struct place *place, struct node *node, struct fuse_entry_param *entry)
{
	struct tie *tie;

	node_hold(node); /* the tie's */
	tie = tie_get(place, node);
	if (!tie)
		return ENOMEM;
	memset(entry, 0, sizeof(*entry));
	/* From here on changes by others are told to this kernel, so it is asked only now. */
	atomic_store(&tie->attributes, true);
	if (fstat(node->fd, &entry->attr)) {
		tie_forget(tie, 1);
		return EIO;
	}
	tie_refresh(tie, &entry->attr);
	tie_tell(tie, &entry->attr, true);
	entry->ino = number_of(tie);
	entry->attr_timeout = attr_seconds(tie->node, &entry->attr);
	entry->entry_timeout = atomic_load(&tie->node->told_by) >= 0 ? SURE_SECONDS : UNSURE_SECONDS;
	attr_for(place, &entry->attr);
	return 0;
}

int entry_for(struct place *place, struct node *node, struct fuse_entry_param *entry)
{
	int error = entry_held(place, node, entry);

	node_put(node);
	return error;
}

int entry_named(struct place *place, struct node *directory, const char *name, struct fuse_entry_param *entry)
{
	struct node *node;
	int error = node_named(directory, name, &node);

	return error ? error : entry_for(place, node, entry);
}

int top_entry(struct place *place, struct fuse_entry_param *entry)
{
	struct share *share = place->share;
	struct node *node;
	struct stat st;
	int fd = openat(share->top_fd, ".", O_PATH | O_CLOEXEC);
	int error;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st)) {
		close(fd);
		return EIO;
	}
	node = node_get(share, fd, &st);
	if (!node)
		return ENOMEM;
	error = entry_for(place, node, entry);
	entry->entry_timeout = SURE_SECONDS; /* orders change it, and nobody else */
	return error;
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry;
	struct call call;
	bool sure;
	int error;

	if (parent == FUSE_ROOT_ID) {
		root_lookup(req, name);
		return;
	}
	if (!call_begin(&call, req, parent))
		return;
	atomic_store(&call.tie->names, true); /* before it is looked: see entry_for */
	sure = watch_directory(call.node);
	error = entry_named(call.place, call.node, name, &entry);
	if (error == ENOENT) {
		memset(&entry, 0, sizeof(entry));
		entry.entry_timeout = sure ? SURE_SECONDS : UNSURE_SECONDS;
		error = 0;
	}
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_entry(req, &entry) && entry.ino)
		tie_forget(tie_of(entry.ino), 1);
	call_end(&call);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t lookups)
{
	if (ino != FUSE_ROOT_ID)
		tie_forget(tie_of(ino), lookups);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		if (forgets[i].ino != FUSE_ROOT_ID)
			tie_forget(tie_of(forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX + 1];
	struct call call;
	ssize_t length;

	if (ino == FUSE_ROOT_ID) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	length = readlinkat(call.node->fd, "", target, sizeof(target) - 1);
	if (length < 0) {
		fuse_reply_err(req, errno);
	} else {
		target[length] = 0;
		fuse_reply_readlink(req, target);
	}
	call_end(&call);
}

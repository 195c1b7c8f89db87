/* Changes of names: what they have in common, and how names go. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "notify.h"
#include "operations.h"
#include "watch.h"

/* False: it was answered. Otherwise the directory is locked for everybody. */
bool change_begin(struct change *change, fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (parent == FUSE_ROOT_ID) {
		root_refuse(req, name);
		return false;
	}
	if (!call_begin(&change->call, req, parent))
		return false;
	change->wave = NULL;
	change->directory = change->call.node;
	change->name = name;
	atomic_fetch_add(&change->call.tie->changing, 1);
	pthread_rwlock_rdlock(&change->directory->share->tree);
	pthread_mutex_lock(&change->directory->names);
	return true;
}

void change_unlock(struct change *change)
{
	pthread_mutex_unlock(&change->directory->names);
	pthread_rwlock_unlock(&change->directory->share->tree);
}

void change_told(struct change *change)
{
	struct session *by = change->call.session;

	notify_name(&change->wave, by, change->directory, change->name);
	notify_list(&change->wave, by, change->directory);
	notify_wait(change->wave, by);
}

/* Before the answer: afterwards the kernel may have forgotten the directory. */
void change_end(struct change *change)
{
	atomic_fetch_sub(&change->call.tie->changing, 1);
}

bool is_own(struct place *place, struct node *node)
{
	return own_is_own(node->share->own, node_key(node), place->who);
}

bool is_fresh(struct place *place, struct node *node)
{
	return own_is_fresh(node->share->own, node_key(node), place->who, clock_now(), guard.fresh_for);
}

/* `before`: what it was when it still had its name. */
void last_name_gone(struct node *node, const struct stat *before)
{
	struct stat st;

	if (fstat(node->fd, &st) || (st.st_nlink && !S_ISDIR(st.st_mode)))
		return;
	own_forgotten(node->share->own, node_key(node));
	if (S_ISREG(before->st_mode))
		share_grow(node->share, -(int64_t)before->st_size);
}

static bool is_wrong_kind(const struct node *node, int flags)
{
	return S_ISDIR(node->type) != (flags == AT_REMOVEDIR);
}

/* Check and act: the directory is locked, and nobody else opens the victim in between. */
static int remove_locked(struct change *change, struct node *victim, int flags)
{
	struct facts facts = {.fresh = false};
	uint32_t what = IN_DELETE;
	struct stat before;
	int error;

	if (is_wrong_kind(victim, flags))
		return S_ISDIR(victim->type) ? EISDIR : ENOTDIR;
	if (fstat(victim->fd, &before))
		return errno;
	if (change->call.level == WIRE_EDIT)
		facts.fresh = is_fresh(change->call.place, victim);
	error = decide(change->call.level, DEED_UNLINK, &facts);
	if (error)
		return error;
	watch_expect(change->directory, change->name, what, NULL);
	if (unlinkat(change->directory->fd, change->name, flags)) {
		error = errno;
		watch_unexpect(change->directory, change->name, what, NULL);
		return error;
	}
	last_name_gone(victim, &before);
	return 0;
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	struct node *victim = NULL;
	struct change change;
	int error;

	if (!change_begin(&change, req, parent, name))
		return;
	error = change.call.level == WIRE_VIEW ? EROFS : node_named(change.directory, name, &victim);
	if (!error) {
		pthread_mutex_lock(&victim->claim);
		error = remove_locked(&change, victim, flags);
		pthread_mutex_unlock(&victim->claim);
	}
	change_unlock(&change);
	if (!error) {
		notify_attributes(&change.wave, change.call.session, victim);
		change_told(&change);
	}
	if (victim)
		node_put(victim);
	change_end(&change);
	fuse_reply_err(req, error);
	call_end(&change.call);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, 0);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, AT_REMOVEDIR);
}

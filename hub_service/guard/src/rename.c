/* Names that move. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "notify.h"
#include "operations.h"
#include "watch.h"

#define DEEPEST 64	     /* deeper trees count as holding names of others */
#define MOST_NAMES 100000

struct move {
	struct call call;
	struct wave *wave;
	struct tie *to_tie;
	struct node *from, *to, *source, *target;
	const char *name, *new_name;
	unsigned flags;
	struct own_was was;
	bool alone; /* the tree is locked for this move alone */
};

/* Does this directory hold a name that is not this person's own? What can't be looked at does. */
static bool holds_others(struct place *place, struct node *directory, int depth, unsigned *names)
{
	int fd = node_open(directory, O_RDONLY | O_DIRECTORY);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool others = !stream || depth > DEEPEST;

	if (!stream && fd >= 0)
		close(fd);
	while (!others && (entry = readdir(stream))) {
		struct node *node;

		if (!is_single_name(entry->d_name))
			continue;
		others = ++*names > MOST_NAMES || node_named(directory, entry->d_name, &node);
		if (others)
			break;
		others = !is_own(place, node) || (S_ISDIR(node->type) && holds_others(place, node, depth + 1, names));
		node_put(node);
	}
	if (stream)
		closedir(stream);
	return others;
}

static void lock_two(pthread_mutex_t *one, pthread_mutex_t *other)
{
	pthread_mutex_t *first = one < other ? one : other;
	pthread_mutex_t *second = one < other ? other : one;

	if (first)
		pthread_mutex_lock(first);
	if (second != first)
		pthread_mutex_lock(second);
}

static void unlock_two(pthread_mutex_t *one, pthread_mutex_t *other)
{
	if (one)
		pthread_mutex_unlock(one);
	if (other && other != one)
		pthread_mutex_unlock(other);
}

static bool moves_directory_at_edit(const struct move *move)
{
	struct stat st;

	return move->call.level == WIRE_EDIT && !fstatat(move->from->fd, move->name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

/* While it is looked what a directory holds, and until it has moved, nobody adds to it. */
static void move_lock(struct move *move)
{
	move->alone = moves_directory_at_edit(move);
	if (move->alone)
		pthread_rwlock_wrlock(&move->from->share->tree);
	else
		pthread_rwlock_rdlock(&move->from->share->tree);
	lock_two(&move->from->names, &move->to->names);
}

static void move_unlock(struct move *move)
{
	unlock_two(&move->from->names, &move->to->names);
	pthread_rwlock_unlock(&move->from->share->tree);
}

static int decide_move(struct move *move)
{
	struct place *place = move->call.place;
	unsigned names = 0;
	struct facts facts = {
		.exchange = move->flags & RENAME_EXCHANGE,
		.onto = move->target != NULL,
		.same_directory = move->from == move->to,
	};

	if (move->target)
		facts.onto_own = is_own(place, move->target);
	if (move->call.level == WIRE_EDIT) {
		facts.own = is_own(place, move->source);
		if (facts.own && S_ISDIR(move->source->type))
			facts.holds_others = !move->alone || holds_others(place, move->source, 0, &names);
	}
	return decide(move->call.level, DEED_RENAME, &facts);
}

static void expect_move(const struct move *move,
			void (*word)(struct node *, const char *, uint32_t, const struct node *))
{
	word(move->from, move->name, IN_MOVED_FROM, NULL);
	word(move->to, move->new_name, IN_MOVED_TO, move->source);
	if (move->flags & RENAME_EXCHANGE) {
		word(move->to, move->new_name, IN_MOVED_FROM, NULL);
		word(move->from, move->name, IN_MOVED_TO, move->target);
	}
}

static int act(struct move *move)
{
	int error = 0;

	expect_move(move, watch_expect);
	if (renameat2(move->from->fd, move->name, move->to->fd, move->new_name, move->flags)) {
		error = errno;
		expect_move(move, watch_unexpect);
		return error;
	}
	atomic_store(&move->source->told_by, atomic_load(&move->to->watch));
	node_found_in(move->source, move->to, move->new_name);
	if (move->target && move->flags & RENAME_EXCHANGE) {
		atomic_store(&move->target->told_by, atomic_load(&move->from->watch));
		node_found_in(move->target, move->from, move->name);
	}
	return 0;
}

/* Over a name of somebody else's: what takes its place is somebody else's from now on, with the
 * mode that was there. That is written down before the act, so that no crash leaves it own. */
static int act_over_established(struct move *move, const struct stat *before)
{
	struct own_folder *own = move->call.place->share->own;
	char number[16];
	int error;

	if (!own_establish(own, node_key(move->source), &move->was))
		return EIO;
	error = act(move);
	if (error) {
		own_put_back(own, node_key(move->source), &move->was);
		return error;
	}
	snprintf(number, sizeof(number), "%d", move->source->fd);
	if (S_ISREG(move->source->type) && S_ISREG(before->st_mode) &&
	    fchmodat(guard.proc_fd, number, mode_kept(before->st_mode, false), 0))
		note("A file that was replaced could not keep its mode: %s.", strerror(errno));
	return 0;
}

/* Both directories and both files are locked. */
static int move_locked(struct move *move)
{
	struct stat before = {.st_size = 0};
	bool replaces = move->target && !(move->flags & (RENAME_EXCHANGE | RENAME_NOREPLACE));
	int error = decide_move(move);

	if (error)
		return error;
	if (move->source == move->target)
		return 0; /* two names of one file: nothing happens */
	if (replaces && fstat(move->target->fd, &before))
		return errno;
	if (replaces && !is_own(move->call.place, move->target))
		error = act_over_established(move, &before);
	else
		error = act(move);
	if (!error && replaces)
		last_name_gone(move->target, &before);
	return error;
}

static int move_checked(struct move *move)
{
	int error;

	if (move->flags & ~(unsigned)(RENAME_EXCHANGE | RENAME_NOREPLACE))
		return EINVAL;
	if (!node_is_inside(move->to))
		return EACCES;
	if (move->call.level == WIRE_VIEW)
		return EROFS;
	error = node_named(move->from, move->name, &move->source);
	if (error)
		return error;
	error = node_named(move->to, move->new_name, &move->target);
	if (error && error != ENOENT)
		return error;
	if (error)
		move->target = NULL;
	lock_two(&move->source->claim, move->target ? &move->target->claim : NULL);
	error = move_locked(move);
	unlock_two(&move->source->claim, move->target ? &move->target->claim : NULL);
	return error;
}

static void tell_move(struct move *move)
{
	struct session *by = move->call.session;

	notify_name(&move->wave, by, move->from, move->name);
	notify_name(&move->wave, by, move->to, move->new_name);
	notify_list(&move->wave, by, move->from);
	if (move->to != move->from)
		notify_list(&move->wave, by, move->to);
	notify_attributes(&move->wave, by, move->source);
	if (move->target)
		notify_attributes(&move->wave, by, move->target);
	notify_wait(move->wave, by);
}

static void move_name(struct move *move)
{
	int error;

	atomic_fetch_add(&move->call.tie->changing, 1);
	atomic_fetch_add(&move->to_tie->changing, 1);
	atomic_store(&move->to_tie->names, true);
	move_lock(move);
	error = move_checked(move);
	move_unlock(move);
	if (!error)
		tell_move(move);
	if (move->source)
		node_put(move->source);
	if (move->target)
		node_put(move->target);
	atomic_fetch_sub(&move->call.tie->changing, 1);
	atomic_fetch_sub(&move->to_tie->changing, 1);
	fuse_reply_err(move->call.req, error);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	       const char *new_name, unsigned flags)
{
	struct move move = {.name = name, .new_name = new_name, .flags = flags};

	if (parent == FUSE_ROOT_ID) {
		root_refuse(req, name);
		return;
	}
	if (new_parent == FUSE_ROOT_ID) {
		root_refuse(req, new_name);
		return;
	}
	if (tie_of(parent)->place != tie_of(new_parent)->place) {
		fuse_reply_err(req, EXDEV);
		return;
	}
	if (!call_begin(&move.call, req, parent))
		return;
	move.from = move.call.node;
	move.to_tie = tie_of(new_parent);
	move.to = move.to_tie->node;
	move_name(&move);
	call_end(&move.call);
}

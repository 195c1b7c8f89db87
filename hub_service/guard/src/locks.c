#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "operations.h"

/* Each costs a descriptor, though many processes may have one open file. */
struct lock_owner {
	struct lock_owner *next;
	struct session *session; /* compared; followed only by who knows that it is there */
	uint64_t owner;
	struct file *through;	 /* compared, never followed */
	pid_t process;		 /* whose end is not told; 0: it is */
	int fd;
};

static struct lock_owner *owner_find(struct node *node, const struct session *session, uint64_t owner)
{
	for (struct lock_owner *one = node->locks; one; one = one->next)
		if (one->session == session && one->owner == owner)
			return one;
	return NULL;
}

/* node->claim is held. */
static struct lock_owner *owner_get(struct file *file, struct session *session, uint64_t owner)
{
	struct node *node = file->tie->node;
	struct lock_owner *one = owner_find(node, session, owner);

	if (one)
		return one;
	one = session_may_hold(session) ? calloc(1, sizeof(*one)) : NULL;
	if (!one)
		return NULL;
	one->fd = node_open(node, O_RDWR);
	if (one->fd < 0)
		one->fd = node_open(node, O_RDONLY);
	if (one->fd < 0) {
		free(one);
		return NULL;
	}
	one->session = session;
	one->owner = owner;
	one->through = file;
	one->next = node->locks;
	node->locks = one;
	atomic_fetch_add(&session->held, 1);
	atomic_fetch_add(&guard.open, 1);
	return one;
}

typedef bool (*chooser)(const struct lock_owner *one, const void *what);

static bool is_of_anybody(const struct lock_owner *one, const void *what)
{
	return true;
}

/* node->claim is held. */
static bool release_locked(struct node *node, chooser chosen, const void *what)
{
	bool any = false;

	for (struct lock_owner **at = &node->locks; *at;) {
		struct lock_owner *one = *at;

		if (!chosen(one, what)) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		close(one->fd);
		atomic_fetch_sub(&guard.open, 1);
		if (chosen != is_of_anybody) /* otherwise the session may be gone */
			atomic_fetch_sub(&one->session->held, 1);
		free(one);
		any = true;
	}
	return any;
}

static bool release_chosen(struct node *node, chooser chosen, const void *what)
{
	bool any;

	pthread_mutex_lock(&node->claim);
	any = release_locked(node, chosen, what);
	pthread_mutex_unlock(&node->claim);
	return any;
}

static bool is_of_file(const struct lock_owner *one, const void *what)
{
	return one->through == what;
}

static bool is_of_session(const struct lock_owner *one, const void *what)
{
	return one->session == what;
}

static bool is_same_owner(const struct lock_owner *one, const void *what)
{
	const struct lock_owner *wanted = what;

	return one->session == wanted->session && one->owner == wanted->owner;
}

bool locks_let_go(struct node *node, struct session *session, uint64_t owner)
{
	struct lock_owner wanted = {.session = session, .owner = owner};

	return release_chosen(node, is_same_owner, &wanted);
}

void locks_release(struct node *node, struct session *session, uint64_t owner)
{
	if (locks_let_go(node, session, owner))
		locks_retry();
}

void locks_release_file(struct file *file)
{
	if (release_chosen(file->tie->node, is_of_file, file))
		locks_retry();
}

void locks_forget(struct node *node)
{
	release_chosen(node, is_of_anybody, NULL);
}

bool locks_has(struct node *node, const struct session *session)
{
	bool has = false;

	pthread_mutex_lock(&node->claim);
	for (struct lock_owner *one = node->locks; one && !has; one = one->next)
		has = one->session == session;
	pthread_mutex_unlock(&node->claim);
	return has;
}

void locks_release_place(struct place *place)
{
	struct share *share = place->share;
	size_t room, count = 0;
	struct node **nodes;

	pthread_mutex_lock(&share->lock);
	for (struct file *file = place->files; file; file = file->next)
		flock(file->fd, LOCK_UN);
	room = place->known;
	nodes = calloc(room + 1, sizeof(*nodes));
	for (struct tie *tie = place->ties; nodes && tie && count < room; tie = tie->next_of_place) {
		if (!tie->node->locks)
			continue;
		tie->node->refs++;
		nodes[count++] = tie->node;
	}
	pthread_mutex_unlock(&share->lock);
	for (size_t i = 0; i < count; i++) {
		release_chosen(nodes[i], is_of_session, place->session);
		node_put(nodes[i]);
	}
	free(nodes);
	locks_retry();
}

/* As far as it can be seen from here: one of another container's may never be. */
static bool is_seen(pid_t process, bool *ended)
{
	int fd = (int)syscall(SYS_pidfd_open, process, 0);
	struct pollfd end = {.fd = fd, .events = POLLIN};

	*ended = fd < 0 ? errno == ESRCH : poll(&end, 1, 0) > 0;
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_of_ended(const struct lock_owner *one, const void *what)
{
	bool ended = false;

	if (one->process)
		is_seen(one->process, &ended);
	return ended;
}

/* Closes of files that are read alone are not told, and nor is the end of a process that had them from
 * another: it is looked for when its lock is in the way. */
static bool release_ended(struct node *node)
{
	return release_locked(node, is_of_ended, NULL);
}

/* It asks just now, so it is alive; where it can't be seen now, it would seem to have ended later. */
static pid_t process_untold(const struct file *file, pid_t process)
{
	bool ended;

	return file->quiet_close && process > 0 && is_seen(process, &ended) ? process : 0;
}

static int set_lock(struct file *file, struct session *session, uint64_t owner, const struct flock *lock)
{
	bool unlocks = lock->l_type == F_UNLCK;
	struct node *node = file->tie->node;
	struct lock_owner *one = unlocks ? owner_find(node, session, owner) : owner_get(file, session, owner);
	struct flock wanted = *lock;

	if (!one)
		return unlocks ? 0 : ENOLCK;
	if (!unlocks)
		one->process = process_untold(file, lock->l_pid);
	wanted.l_pid = 0;
	if (!fcntl(one->fd, F_OFD_SETLK, &wanted))
		return 0;
	return errno == EACCES ? EAGAIN : errno;
}

int locks_try(struct file *file, struct session *session, uint64_t owner, const struct flock *lock)
{
	struct node *node = file->tie->node;
	int error;

	pthread_mutex_lock(&node->claim);
	error = set_lock(file, session, owner, lock);
	if (error == EAGAIN && release_ended(node))
		error = set_lock(file, session, owner, lock);
	pthread_mutex_unlock(&node->claim);
	return error;
}

/* What would be in the way. The claim is held. */
static int get_lock(struct node *node, int fd, struct flock *lock)
{
	struct flock asked = *lock;

	asked.l_pid = 0;
	do {
		*lock = asked;
		if (fcntl(fd, F_OFD_GETLK, lock))
			return errno;
	} while (lock->l_type != F_UNLCK && release_ended(node));
	return 0;
}

void op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info, struct flock *lock)
{
	struct file *file = file_of(info);
	struct lock_owner *one;
	struct call call;
	int error;

	if (!call_begin(&call, req, ino))
		return;
	pthread_mutex_lock(&call.node->claim);
	one = owner_find(call.node, call.session, info->lock_owner);
	error = get_lock(call.node, one ? one->fd : file->fd, lock);
	pthread_mutex_unlock(&call.node->claim);
	lock->l_pid = 0; /* whoever has it is in another session, where numbers mean nothing here */
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_lock(req, lock);
	call_end(&call);
}

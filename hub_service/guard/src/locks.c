#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "operations.h"

#define OFTEN 50000000 /* nanoseconds: locks of others in the store end without a word */

/* Each costs a descriptor, though many processes may have one open file. */
struct lock_owner {
	struct lock_owner *next;
	struct session *session; /* compared; followed only by who knows that it is there */
	uint64_t owner;
	struct file *through;	 /* compared, never followed */
	int fd;
};

struct waiter {
	struct waiter *next;
	fuse_req_t req;
	struct tie *tie;
	struct file *file;	/* flock */
	int operation, verdict;
	uint64_t owner;		/* POSIX */
	struct flock lock;
	bool ready;		/* libfuse knows whom to tell of an interrupt */
	bool interrupted;
};

static pthread_mutex_t waiters_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t waiters_wake = PTHREAD_COND_INITIALIZER;
static struct waiter *waiters;
static bool retry;

void locks_retry(void)
{
	pthread_mutex_lock(&waiters_lock);
	if (waiters) {
		retry = true;
		pthread_cond_signal(&waiters_wake);
	}
	pthread_mutex_unlock(&waiters_lock);
}

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

static bool release_chosen(struct node *node, chooser chosen, const void *what)
{
	bool any = false;

	pthread_mutex_lock(&node->claim);
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

void locks_release(struct node *node, struct session *session, uint64_t owner)
{
	struct lock_owner wanted = {.session = session, .owner = owner};

	if (release_chosen(node, is_same_owner, &wanted))
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

/* 0, EAGAIN (somebody else has it) or another errno. */
static int try_posix(struct file *file, struct session *session, uint64_t owner, const struct flock *lock)
{
	struct node *node = file->tie->node;
	struct flock wanted = *lock;
	struct lock_owner *one;
	int error = 0;

	pthread_mutex_lock(&node->claim);
	one = lock->l_type == F_UNLCK ? owner_find(node, session, owner) : owner_get(file, session, owner);
	wanted.l_pid = 0;
	if (one && fcntl(one->fd, F_OFD_SETLK, &wanted))
		error = errno == EACCES ? EAGAIN : errno;
	else if (!one && lock->l_type != F_UNLCK)
		error = ENOLCK;
	pthread_mutex_unlock(&node->claim);
	return error;
}

static int try_waiter(struct waiter *waiter)
{
	if (waiter->interrupted)
		return EINTR;
	if (atomic_load(&waiter->tie->place->level) == LEVEL_ENDED)
		return EACCES;
	if (waiter->operation)
		return flock(waiter->file->fd, waiter->operation | LOCK_NB) ? errno : 0;
	return try_posix(waiter->file, waiter->tie->place->session, waiter->owner, &waiter->lock);
}

/* The request may be answered only outside of libfuse's call, so this only says that it was. */
static void interrupted(fuse_req_t req, void *data)
{
	struct waiter *waiter = data;

	pthread_mutex_lock(&waiters_lock);
	for (struct waiter *one = waiters; one; one = one->next)
		if (one == waiter && one->req == req)
			waiter->interrupted = retry = true;
	pthread_cond_signal(&waiters_wake);
	pthread_mutex_unlock(&waiters_lock);
}

/* With this error, or with each one's own. */
static void answer_all(struct waiter *answered, int error)
{
	while (answered) {
		struct waiter *waiter = answered;

		answered = waiter->next;
		fuse_reply_err(waiter->req, error ? error : waiter->verdict);
		tie_put(waiter->tie);
		free(waiter);
	}
}

/* A mount goes: nobody there waits any more. */
void locks_drop_session(struct session *session)
{
	struct waiter *gone = NULL;

	pthread_mutex_lock(&waiters_lock);
	for (struct waiter **at = &waiters; *at;) {
		struct waiter *waiter = *at;

		if (waiter->tie->place->session != session) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		waiter->next = gone;
		gone = waiter;
	}
	pthread_mutex_unlock(&waiters_lock);
	answer_all(gone, ENOTCONN);
}

static void take_finished(struct waiter **finished)
{
	for (struct waiter **at = &waiters; *at;) {
		struct waiter *waiter = *at;
		int error = waiter->ready ? try_waiter(waiter) : EAGAIN;

		if (error == EAGAIN) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		waiter->verdict = error;
		waiter->next = *finished;
		*finished = waiter;
	}
}

static void *wait_for_locks(void *nothing)
{
	pthread_mutex_lock(&waiters_lock);
	for (;;) {
		struct waiter *finished = NULL;
		struct timespec until;

		while (!waiters)
			pthread_cond_wait(&waiters_wake, &waiters_lock);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += OFTEN;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (!retry)
			pthread_cond_timedwait(&waiters_wake, &waiters_lock, &until);
		retry = false;
		take_finished(&finished);
		pthread_mutex_unlock(&waiters_lock);
		answer_all(finished, 0);
		pthread_mutex_lock(&waiters_lock);
	}
	return NULL;
}

bool locks_start(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_locks, NULL))
		return false;
	return !pthread_detach(thread);
}

static void wait_later(const struct waiter *model)
{
	struct waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter) {
		fuse_reply_err(model->req, ENOLCK);
		return;
	}
	*waiter = *model;
	tie_hold(waiter->tie);
	pthread_mutex_lock(&waiters_lock);
	waiter->next = waiters;
	waiters = waiter;
	pthread_mutex_unlock(&waiters_lock);
	fuse_req_interrupt_func(waiter->req, interrupted, waiter);
	pthread_mutex_lock(&waiters_lock);
	waiter->ready = retry = true;
	pthread_cond_signal(&waiters_wake);
	pthread_mutex_unlock(&waiters_lock);
}

static void lock_or_wait(struct call *call, struct waiter *waiter, bool sleep)
{
	int error;

	waiter->req = call->req;
	waiter->tie = call->tie;
	error = try_waiter(waiter);
	if (error == EAGAIN && sleep) {
		wait_later(waiter);
		return;
	}
	fuse_reply_err(call->req, error);
}

void op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info, struct flock *lock, int sleep)
{
	struct waiter waiter = {.file = file_of(info), .owner = info->lock_owner, .lock = *lock};
	bool unlocks = lock->l_type == F_UNLCK;
	struct call call;

	if (!call_begin(&call, req, ino))
		return;
	lock_or_wait(&call, &waiter, sleep);
	if (unlocks)
		locks_retry();
	call_end(&call);
}

void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info, int operation)
{
	struct waiter waiter = {.file = file_of(info), .operation = operation & ~LOCK_NB};
	struct call call;

	if (!call_begin(&call, req, ino))
		return;
	lock_or_wait(&call, &waiter, !(operation & LOCK_NB));
	if (operation & LOCK_UN)
		locks_retry();
	call_end(&call);
}

void op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info, struct flock *lock)
{
	struct file *file = file_of(info);
	struct lock_owner *one;
	struct call call;
	int error = 0;

	if (!call_begin(&call, req, ino))
		return;
	pthread_mutex_lock(&call.node->claim);
	one = owner_find(call.node, call.session, info->lock_owner);
	lock->l_pid = 0;
	if (fcntl(one ? one->fd : file->fd, F_OFD_GETLK, lock))
		error = errno;
	pthread_mutex_unlock(&call.node->claim);
	lock->l_pid = 0; /* whoever has it is in another session, where numbers mean nothing here */
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_lock(req, lock);
	call_end(&call);
}

/* Who waits for a lock. */
#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <time.h>

#include "locks.h"
#include "operations.h"

#define OFTEN 50000000 /* nanoseconds: locks of others in the store end without a word */

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

static bool has_no_right(const struct waiter *waiter)
{
	return atomic_load(&waiter->tie->place->level) == LEVEL_ENDED;
}

static int get_lock(struct waiter *waiter)
{
	if (waiter->operation)
		return flock(waiter->file->fd, waiter->operation | LOCK_NB) ? errno : 0;
	return locks_try(waiter->file, waiter->tie->place->session, waiter->owner, &waiter->lock);
}

static void let_go(struct waiter *waiter)
{
	if (waiter->operation)
		flock(waiter->file->fd, LOCK_UN);
	else
		locks_let_go(waiter->tie->node, waiter->tie->place->session, waiter->owner);
}

/* Where the right ends in between, its session's locks may have been let go before this one was got. */
static int try_waiter(struct waiter *waiter)
{
	int error = has_no_right(waiter) ? EACCES : waiter->interrupted ? EINTR : get_lock(waiter);

	if (error || !has_no_right(waiter))
		return error;
	let_go(waiter);
	return EACCES;
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
		if (error)
			retry = true; /* it may have let go of something */
		*at = waiter->next;
		waiter->verdict = error;
		waiter->next = *finished;
		*finished = waiter;
	}
}

static void *wait_for_locks(void *nothing)
{
	prctl(PR_SET_NAME, "locks");
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
	if (error)
		locks_retry();
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


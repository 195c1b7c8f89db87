#include "notifier.h"

#include "notify.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#define INC_EPOCH 8 /* FUSE_NOTIFY_INC_EPOCH, Linux 6.16 */
#define STEP 2000000 /* nanoseconds after which names expire that could not be told */
#define LONGEST 250000000
#define MOMENT 100000 /* nanoseconds until an inode that is not known yet is told again */

struct job {
	struct job *next;	/* of the notifier's queue */
	struct job *next_of_wave;
	atomic_uint refs;	/* the queue's and the wave's */
	struct wave *wave;
	struct session *session;
	struct tie *tie;
	fuse_ino_t ino;
	int64_t offset;
	bool is_name, waits; /* waits: for pages that are being read or written */
	bool patient, by_itself; /* somebody waits for it; its own session does, while it may be asking */
	atomic_bool done, moot; /* moot: the names of that kernel have expired meanwhile */
	char name[];
};

struct wave {
	atomic_uint refs;
	pthread_mutex_t lock;
	pthread_cond_t told;
	unsigned pending;
	struct job *jobs;
};

struct notifier {
	struct session *session;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	bool running, stop;
};

static atomic_bool epoch_is_unknown;
static atomic_bool somebody_is_unsure;

bool notify_left_unsure(void)
{
	return atomic_exchange(&somebody_is_unsure, false);
}

static int send_message(struct session *session, int code, const void *body, size_t size,
			const char *name)
{
	struct fuse_out_header header = {.error = code};
	struct iovec parts[3] = {{&header, sizeof(header)}, {NULL, 0}, {NULL, 0}};
	int count = 1;

	if (body)
		parts[count++] = (struct iovec){(void *)(uintptr_t)body, size};
	if (name)
		parts[count++] = (struct iovec){(void *)(uintptr_t)name, strlen(name) + 1};
	for (int i = 0; i < count; i++)
		header.len += (uint32_t)parts[i].iov_len;
	if (atomic_load(&session->leaving))
		return ENODEV;
	return writev(session->fd, parts, count) < 0 ? errno : 0;
}

bool notify_expire(struct session *session)
{
	if (atomic_load(&epoch_is_unknown))
		return false;
	if (send_message(session, INC_EPOCH, NULL, 0, NULL) == EINVAL) {
		atomic_store(&epoch_is_unknown, true);
		return false;
	}
	return true;
}

int notify_inode_now(struct session *session, fuse_ino_t ino, int64_t offset)
{
	struct fuse_notify_inval_inode_out out = {.ino = ino, .off = offset, .len = 0};

	return send_message(session, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out), NULL);
}

static bool is_looked_up(struct tie *tie)
{
	bool looked_up;

	pthread_mutex_lock(&tie->node->share->lock);
	looked_up = tie->lookups != 0;
	pthread_mutex_unlock(&tie->node->share->lock);
	return looked_up;
}

/* A kernel that has been told what a name stands for knows the inode only when the program that asked has
 * gone on. Until then it does not hear of changes, and would go on with what it was told: so it is told until
 * it hears, or has forgotten. When that takes too long, the watch goes on with it. */
static void tell_inode(struct job *job)
{
	struct timespec moment = {.tv_nsec = MOMENT};
	int64_t waited = 0;

	while (notify_inode_now(job->session, job->ino, job->offset) == ENOENT && job->tie && !job->by_itself &&
	       is_looked_up(job->tie)) {
		if (!job->patient || waited >= LONGEST) {
			atomic_store(&job->tie->unsure, true);
			atomic_store(&somebody_is_unsure, true);
			return;
		}
		nanosleep(&moment, NULL);
		waited += MOMENT;
	}
}

static void send_name(struct session *session, fuse_ino_t ino, const char *name)
{
	struct fuse_notify_inval_entry_out out = {.parent = ino, .namelen = (uint32_t)strlen(name)};

	send_message(session, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name);
}

static void job_put(struct job *job)
{
	if (atomic_fetch_sub(&job->refs, 1) != 1)
		return;
	if (job->tie)
		tie_put(job->tie);
	session_put(job->session);
	free(job);
}

static void wave_put(struct wave *wave)
{
	if (atomic_fetch_sub(&wave->refs, 1) != 1)
		return;
	while (wave->jobs) {
		struct job *job = wave->jobs;

		wave->jobs = job->next_of_wave;
		job_put(job);
	}
	pthread_mutex_destroy(&wave->lock);
	pthread_cond_destroy(&wave->told);
	free(wave);
}

static struct wave *wave_new(void)
{
	struct wave *wave = calloc(1, sizeof(*wave));
	pthread_condattr_t steady;

	if (!wave)
		return NULL;
	atomic_init(&wave->refs, 1);
	pthread_mutex_init(&wave->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&wave->told, &steady);
	pthread_condattr_destroy(&steady);
	return wave;
}

static void job_done(struct job *job)
{
	struct wave *wave = job->wave;

	pthread_mutex_lock(&wave->lock);
	atomic_store(&job->done, true);
	if (!--wave->pending)
		pthread_cond_signal(&wave->told);
	pthread_mutex_unlock(&wave->lock);
	job_put(job);
	wave_put(wave);
}

static void *notifier_run(void *argument)
{
	struct notifier *notifier = argument;
	struct session *session = notifier->session;

	pthread_mutex_lock(&notifier->lock);
	while (notifier->first || !notifier->stop) {
		struct job *job = notifier->first;

		if (!job) {
			pthread_cond_wait(&notifier->wake, &notifier->lock);
			continue;
		}
		notifier->first = job->next;
		if (!notifier->first)
			notifier->last = &notifier->first;
		pthread_mutex_unlock(&notifier->lock);
		if (job->is_name && !atomic_load(&job->moot))
			send_name(session, job->ino, job->name);
		else if (!job->is_name)
			tell_inode(job);
		job_done(job);
		pthread_mutex_lock(&notifier->lock);
	}
	pthread_mutex_unlock(&notifier->lock);
	pthread_mutex_destroy(&notifier->lock);
	pthread_cond_destroy(&notifier->wake);
	free(notifier);
	session_put(session);
	return NULL;
}

/* session.lock is held. */
static struct notifier *notifier_new(struct session *session, struct notifier **at)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	pthread_attr_t small;
	pthread_t thread;

	if (!notifier)
		return NULL;
	pthread_mutex_init(&notifier->lock, NULL);
	pthread_cond_init(&notifier->wake, NULL);
	notifier->last = &notifier->first;
	notifier->session = session;
	*at = notifier;
	atomic_fetch_add(&session->refs, 1);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 << 10);
	pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &small, notifier_run, notifier)) {
		*at = NULL;
		atomic_fetch_sub(&session->refs, 1);
		free(notifier);
		notifier = NULL;
	}
	pthread_attr_destroy(&small);
	return notifier;
}

static void job_post(struct job *job)
{
	struct session *session = job->session;
	struct notifier *notifier, **at = &session->notifiers[job->is_name];

	pthread_mutex_lock(&session->lock);
	notifier = atomic_load(&session->leaving) ? NULL : *at;
	if (!notifier && !atomic_load(&session->leaving))
		notifier = notifier_new(session, at);
	if (notifier) {
		pthread_mutex_lock(&notifier->lock);
		*notifier->last = job;
		notifier->last = &job->next;
		pthread_cond_signal(&notifier->wake);
		pthread_mutex_unlock(&notifier->lock);
	}
	pthread_mutex_unlock(&session->lock);
	if (!notifier)
		job_done(job);
}

void wave_add(struct wave **at, struct session *session, struct tie *tie, fuse_ino_t ino,
		     int64_t offset, const char *name)
{
	struct wave *wave = *at ? *at : (*at = wave_new());
	size_t room = name ? strlen(name) + 1 : 0;
	struct job *job = wave ? calloc(1, sizeof(*job) + room) : NULL;

	if (!job)
		return;
	atomic_init(&job->refs, 2);
	job->wave = wave;
	job->session = session;
	atomic_fetch_add(&session->refs, 1);
	job->tie = tie;
	if (tie)
		tie->refs++;
	job->ino = ino;
	job->offset = offset;
	job->is_name = name != NULL;
	job->waits = name || (offset >= 0 && tie && S_ISREG(tie->node->type));
	if (name)
		memcpy(job->name, name, room);
	job->next_of_wave = wave->jobs;
	wave->jobs = job;
}

static bool is_being_changed(const struct job *job)
{
	return job->tie ? atomic_load(&job->tie->changing) != 0 : atomic_load(&job->session->root_changing) != 0;
}

/* Where names can't expire: of two that change one directory, one goes on without waiting. */
static bool waits_for_us(const struct job *job, const struct session *by)
{
	return by > job->session && is_being_changed(job);
}

static bool expires_instead(struct job *job)
{
	if (!atomic_load(&job->moot) && notify_expire(job->session))
		atomic_store(&job->moot, true);
	return atomic_load(&job->moot);
}

static void wave_send(struct wave *wave, const struct session *by)
{
	for (struct job *job = wave->jobs; job; job = job->next_of_wave) {
		bool told = job->is_name && is_being_changed(job) && expires_instead(job);

		job->patient = by != NULL;
		job->by_itself = by == job->session;
		if (!job->waits) {
			tell_inode(job);
			told = true;
		}
		if (told) {
			atomic_store(&job->done, true);
			job_put(job); /* the queue's */
			continue;
		}
		pthread_mutex_lock(&wave->lock);
		wave->pending++;
		pthread_mutex_unlock(&wave->lock);
		atomic_fetch_add(&wave->refs, 1);
		job_post(job);
	}
}

/* Is there still something worth waiting for? */
static bool wave_expire(struct wave *wave, struct session *by, bool at_last)
{
	bool more = false;

	for (struct job *job = wave->jobs; job; job = job->next_of_wave) {
		if (atomic_load(&job->done))
			continue;
		if (!job->is_name || !(expires_instead(job) || waits_for_us(job, by)))
			more = true;
	}
	return more && !at_last;
}

void notify_wait(struct wave *wave, struct session *by)
{
	struct timespec until;

	if (!wave)
		return;
	wave_send(wave, by);
	clock_gettime(CLOCK_MONOTONIC, &until);
	pthread_mutex_lock(&wave->lock);
	for (int64_t waited = 0; wave->pending; waited += STEP) {
		bool more;

		until.tv_nsec += STEP;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		while (wave->pending && pthread_cond_timedwait(&wave->told, &wave->lock, &until) != ETIMEDOUT)
			;
		if (!wave->pending)
			break;
		pthread_mutex_unlock(&wave->lock);
		more = wave_expire(wave, by, waited >= LONGEST);
		pthread_mutex_lock(&wave->lock);
		if (!more)
			break;
	}
	pthread_mutex_unlock(&wave->lock);
	wave_put(wave);
}

void notify_leave(struct wave *wave)
{
	if (!wave)
		return;
	wave_send(wave, NULL);
	wave_put(wave);
}

void notify_stop(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	for (int i = 0; i < 2; i++) {
		struct notifier *notifier = session->notifiers[i];

		if (!notifier)
			continue;
		pthread_mutex_lock(&notifier->lock);
		notifier->stop = true;
		pthread_cond_signal(&notifier->wake);
		pthread_mutex_unlock(&notifier->lock);
		session->notifiers[i] = NULL;
	}
	pthread_mutex_unlock(&session->lock);
}

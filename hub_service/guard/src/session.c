/* Mounts, and the threads that serve them. */
#include <errno.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "locks.h"
#include "notify.h"

/* Threads of a session that wait for requests. With fewer, whoever asks much at once (git looks with ten
 * threads) waits for others to be called; with more, turns are longer and caches colder. One program
 * has up to three requests under way (it closes and forgets without waiting), and a thread costs more
 * to begin than to keep, so some more rest until they are called. */
#define KEPT_IDLE 4U
#define KEPT_RESTING 6U
#define PATIENCE 5000 /* milliseconds for requests under way when a mount ends */

/* With HANDLE_KILLPRIV_V2 the kernel does not ask for security.capability before each write, and
 * libfuse 3.14 has no word for it. It holds here: setuid, setgid and capabilities never exist.
 * Reading ahead is as the agent has set it for the mount, perhaps since the kernel said how far. */
static void want_more(struct iovec *parts, int count)
{
	struct fuse_init_out *init = count > 1 ? parts[1].iov_base : NULL;

	if (!init || parts[1].iov_len < sizeof(*init) || init->major != FUSE_KERNEL_VERSION)
		return;
	init->flags |= FUSE_HANDLE_KILLPRIV_V2;
	init->max_readahead = READ_SIZE;
}

static ssize_t send_parts(int fd, struct iovec *parts, int count, void *userdata)
{
	struct session *session = userdata;

	if (!atomic_load_explicit(&session->begun, memory_order_relaxed)) {
		want_more(parts, count);
		atomic_store(&session->begun, true);
	}
	return writev(fd, parts, count);
}

static ssize_t receive(int fd, void *bytes, size_t size, void *userdata)
{
	return read(fd, bytes, size);
}

static const struct fuse_custom_io our_io = {.writev = send_parts, .read = receive};

struct session *session_new(const struct wire_order *order, int fd, int *error)
{
	struct session *session = calloc(1, sizeof(*session));
	char *words[] = {(char[]){"share-guard"}, NULL};
	struct fuse_args arguments = {.argc = 1, .argv = words};

	*error = ENOMEM;
	if (!session)
		return NULL;
	session->fuse = fuse_session_new(&arguments, &guard_operations, sizeof(guard_operations), session);
	if (!session->fuse) {
		free(session);
		return NULL;
	}
	*error = -fuse_session_custom_io(session->fuse, &our_io, fd);
	if (*error) {
		fuse_session_destroy(session->fuse);
		free(session);
		return NULL;
	}
	session->fd = fd;
	atomic_init(&session->refs, 1);
	memcpy(session->id, order->session, sizeof(session->id));
	memcpy(session->person, order->person, sizeof(session->person));
	session->uid = order->uid;
	session->gid = order->gid;
	pthread_mutex_init(&session->lock, NULL);
	sem_init(&session->call, 0, 0);
	clock_gettime(CLOCK_REALTIME, &session->changed);
	return session;
}

void session_put(struct session *session)
{
	if (atomic_fetch_sub(&session->refs, 1) != 1)
		return;
	fuse_session_destroy(session->fuse); /* closes the descriptor, which is another's by now */
	pthread_mutex_destroy(&session->lock);
	sem_destroy(&session->call);
	free(session);
}

bool session_may_hold(const struct session *session)
{
	size_t all = atomic_load(&guard.awake) + atomic_load(&guard.open);

	return all < guard.descriptors / 4 * 3 || atomic_load(&session->held) < guard.descriptors / 4;
}

struct session *session_find(const char *id)
{
	struct session *session;

	pthread_mutex_lock(&guard.lock);
	for (session = guard.sessions; session; session = session->next)
		if (!strcmp(session->id, id))
			break;
	if (session)
		atomic_fetch_add(&session->refs, 1);
	pthread_mutex_unlock(&guard.lock);
	return session;
}

static void *serve(void *argument);

/* session.lock is held. The new thread counts as idle already: nothing keeps it from waiting for a
 * request. */
static bool add_thread(struct session *session)
{
	pthread_attr_t attributes;
	bool added;

	if (session->thread_count >= MOST_THREADS || atomic_load(&session->leaving))
		return false;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&session->idle, 1);
	added = !pthread_create(&session->threads[session->thread_count], &attributes, serve, session);
	if (added)
		session->thread_count++;
	else
		atomic_fetch_sub(&session->idle, 1);
	pthread_attr_destroy(&attributes);
	return added;
}

/* session.lock is held. */
static void remove_thread(struct session *session)
{
	pthread_t self = pthread_self();

	for (unsigned i = 0; i < session->thread_count; i++) {
		if (pthread_equal(session->threads[i], self)) {
			session->threads[i] = session->threads[--session->thread_count];
			break;
		}
	}
}

/* Closing a directory waits for nothing, so to call somebody meanwhile would take longer. Kernels send
 * these without waiting, each beside the next request. */
static bool is_done_at_once(const struct fuse_buf *request)
{
	const struct fuse_in_header *header = request->mem;

	return header->opcode == FUSE_RELEASEDIR;
}

/* Somebody must be waiting for the next request while this one is served: who is the last to take
 * one sees to it. One that is called counts as idle from here on. */
static void be_relieved(struct session *session, const struct fuse_buf *request)
{
	if (atomic_load(&session->idle) || is_done_at_once(request))
		return;
	pthread_mutex_lock(&session->lock);
	if (!atomic_load(&session->idle)) {
		if (session->resting) {
			session->resting--;
			atomic_fetch_add(&session->idle, 1);
			sem_post(&session->call);
		} else {
			add_thread(session);
		}
	}
	pthread_mutex_unlock(&session->lock);
}

/* False: the session ends, or the mount was taken away; the thread is out of the list. */
static bool next_request(struct session *session, struct fuse_buf *request)
{
	int got = -EAGAIN;

	while ((got == -EINTR || got == -EAGAIN) && !atomic_load(&session->leaving))
		got = fuse_session_receive_buf(session->fuse, request);
	atomic_fetch_sub(&session->idle, 1);
	if (got > 0)
		return true;
	if (!atomic_load(&session->leaving) && !atomic_exchange(&session->lost, true))
		control_wake(); /* the mount was taken away */
	pthread_mutex_lock(&session->lock);
	remove_thread(session);
	pthread_mutex_unlock(&session->lock);
	return false;
}

/* False: enough others wait already. It never counted as one of them then, so nobody relied on it. */
static bool waits_too(struct session *session)
{
	unsigned idle = atomic_load(&session->idle);

	while (idle < KEPT_IDLE)
		if (atomic_compare_exchange_weak(&session->idle, &idle, idle + 1))
			return true;
	return false;
}

/* Until it is called, and counts as idle again. False: enough others rest, too, so this thread is to
 * end; it is out of the list. Decided under the lock under which one is called or added. */
static bool rests(struct session *session)
{
	bool stays = true, rested = false;

	pthread_mutex_lock(&session->lock);
	if (!atomic_load(&session->idle)) { /* all others are busy by now, and perhaps none could be added */
		atomic_fetch_add(&session->idle, 1);
	} else if (session->resting < KEPT_RESTING) {
		session->resting++;
		rested = true;
	} else {
		remove_thread(session);
		stays = false;
	}
	pthread_mutex_unlock(&session->lock);
	while (rested && !atomic_load(&session->leaving) && sem_wait(&session->call))
		; /* a signal; perhaps the session ends */
	return stays;
}

static void *serve(void *argument)
{
	struct session *session = argument;
	struct fuse_buf request = {.mem = NULL};

	while (next_request(session, &request)) {
		be_relieved(session, &request);
		fuse_session_process_buf(session->fuse, &request);
		if (!waits_too(session) && !rests(session))
			break;
	}
	free(request.mem); /* the session may be gone already */
	return NULL;
}

bool session_begin(struct session *session)
{
	bool begun;

	pthread_mutex_lock(&session->lock);
	begun = add_thread(session);
	pthread_mutex_unlock(&session->lock);
	if (!begun)
		return false;
	pthread_mutex_lock(&guard.lock);
	session->next = guard.sessions;
	guard.sessions = session;
	pthread_mutex_unlock(&guard.lock);
	return true;
}

/* Threads that wait for a request are woken until all have seen that there will be none. */
static bool stop_threads(struct session *session)
{
	for (int waited = 0; waited < PATIENCE; waited++) {
		struct timespec pause = {.tv_nsec = 1000000};
		unsigned left;

		pthread_mutex_lock(&session->lock);
		left = session->thread_count;
		for (unsigned i = 0; i < left; i++)
			pthread_kill(session->threads[i], SIGUSR1);
		pthread_mutex_unlock(&session->lock);
		if (!left)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void leave_list(struct session *session)
{
	pthread_mutex_lock(&guard.lock);
	for (struct session **at = &guard.sessions; *at; at = &(*at)->next) {
		if (*at == session) {
			*at = session->next;
			break;
		}
	}
	pthread_mutex_unlock(&guard.lock);
}

/* Nobody asks any more: what the kernel knew and had open ends here. */
static void forget_all(struct place *place)
{
	atomic_store(&place->level, LEVEL_ENDED);
	locks_release_place(place);
	while (place->files)
		file_free(place->files);
	for (;;) {
		struct tie *tie;

		pthread_mutex_lock(&place->share->lock);
		for (tie = place->ties; tie && !tie->lookups; tie = tie->next_of_place)
			; /* a notification has it, and lets it go */
		pthread_mutex_unlock(&place->share->lock);
		if (!tie)
			return;
		tie_forget(tie, UINT64_MAX);
	}
}

static void end_places(struct place **list)
{
	while (*list) {
		struct place *place = *list;

		*list = place->next;
		forget_all(place);
		place_put(place);
	}
}

bool session_end(struct session *session)
{
	bool whole;

	leave_list(session);
	atomic_store(&session->leaving, true);
	notify_stop(session);
	whole = stop_threads(session);
	if (whole) /* not before: a request under way may still begin to wait */
		locks_drop_session(session);
	dup2(guard.proc_fd, session->fd); /* the mount answers ENOTCONN from here on */
	if (!whole)
		return false; /* kept as it is: somebody still uses it */
	end_places(&session->places);
	end_places(&session->past);
	session_put(session);
	return true;
}

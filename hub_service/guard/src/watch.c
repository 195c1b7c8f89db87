#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "notify.h"
#include "notifier.h"

#define NAMES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define CONTENTS (IN_MODIFY | IN_ATTRIB)
#define BUCKETS 4096
#define GATHER 40000000 /* nanoseconds in which events gather, so that one look serves many */
#define EVENTS_SIZE 65536
#define LOOK_EVERY 500000000 /* nanoseconds */
#define REFUSED (-2)
#define NO_INO ((ino_t)-1)

struct watched {
	struct watched *next;
	int number;
	struct node *node;
};

static int events = -1;
static pthread_mutex_t watched_lock = PTHREAD_MUTEX_INITIALIZER;
static struct watched *watched[BUCKETS];

static struct watched **watched_at(int number)
{
	struct watched **at = &watched[(unsigned)number % BUCKETS];

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* watched_lock is held. */
static int watch_add(struct node *directory)
{
	struct watched *one = calloc(1, sizeof(*one)), **at;
	char number[16];

	if (!one)
		return REFUSED;
	snprintf(number, sizeof(number), "%d", directory->fd);
	one->number = inotify_add_watch(events, number, NAMES | CONTENTS | IN_MOVE_SELF | IN_ONLYDIR);
	if (one->number < 0) {
		free(one);
		return REFUSED; /* too many: its cached answers live for less than a second */
	}
	one->node = directory;
	at = watched_at(one->number);
	if (*at) {
		(*at)->node = directory;
		free(one);
		return (*at)->number;
	}
	*at = one;
	return one->number;
}

bool watch_directory(struct node *directory)
{
	int number = atomic_load(&directory->watch);

	if (number != -1 || events < 0 || !directory->share->tells)
		return number >= 0;
	pthread_mutex_lock(&watched_lock);
	number = atomic_load(&directory->watch);
	if (number == -1) {
		number = watch_add(directory);
		atomic_store(&directory->watch, number);
	}
	pthread_mutex_unlock(&watched_lock);
	return number >= 0;
}

void watch_forget(struct node *node)
{
	int number = atomic_load(&node->watch);
	struct watched **at, *one;

	if (number < 0)
		return;
	pthread_mutex_lock(&watched_lock);
	at = watched_at(number);
	one = *at;
	if (one && one->node == node) {
		*at = one->next;
		inotify_rm_watch(events, number);
		free(one);
	}
	pthread_mutex_unlock(&watched_lock);
}

/* A reference, or NULL: nobody knows that directory any more. */
static struct node *watched_node(int number)
{
	struct watched *one;
	struct node *node = NULL;

	pthread_mutex_lock(&watched_lock);
	one = *watched_at(number);
	if (one) {
		pthread_mutex_lock(&one->node->share->lock);
		if (one->node->refs) {
			node = one->node;
			node->refs++;
		}
		pthread_mutex_unlock(&one->node->share->lock);
	}
	pthread_mutex_unlock(&watched_lock);
	return node;
}

void watch_check(struct node *node, const struct stat *st)
{
	struct wave *wave = NULL;

	pthread_mutex_lock(&node->share->lock);
	for (struct tie *tie = node->ties; tie; tie = tie->next_of_node) {
		bool unsure = atomic_exchange(&tie->unsure, false);
		bool pages, attributes;

		if (!unsure && !tie_differs(tie, st))
			continue;
		tie_changed_itself(tie); /* what it is told next is news to it */
		pages = atomic_exchange(&tie->pages, false);
		attributes = atomic_exchange(&tie->attributes, false);
		if (!pages && !attributes && !unsure)
			continue; /* it has nothing of it: it was told, and would only be disturbed while it asks */
		wave_add(&wave, tie->place->session, tie, number_of(tie), pages ? 0 : NOTIFY_ATTRIBUTES, NULL);
	}
	pthread_mutex_unlock(&node->share->lock);
	notify_leave(wave);
}

static void check_name(struct node *directory, const char *name)
{
	struct node *node;
	struct stat st;

	if (fstatat(directory->fd, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != directory->share->dev)
		return;
	node = node_find(directory->share, st.st_ino);
	if (!node)
		return;
	watch_check(node, &st);
	node_put(node);
}

static void name_changed(struct node *directory, const char *name)
{
	struct wave *wave = NULL;

	notify_name(&wave, NULL, directory, name);
	notify_list(&wave, NULL, directory);
	notify_leave(wave);
}

void watch_expect(struct node *directory, const char *name, uint32_t what, const struct node *moved)
{
	int number = atomic_load(&directory->watch);

	if (number >= 0)
		expect(number, name, what, moved ? moved->ino : 0);
}

void watch_unexpect(struct node *directory, const char *name, uint32_t what, const struct node *moved)
{
	int number = atomic_load(&directory->watch);

	if (number >= 0 && !expect_met(number, name, what, moved ? moved->ino : 0))
		name_changed(directory, name); /* meanwhile somebody else's was taken for it */
}

/* Everything that is known in this share and is not inside any more is taken back. */
static void sweep(struct share *share)
{
	struct node **nodes;
	size_t count = 0;

	pthread_mutex_lock(&share->lock);
	nodes = calloc(share->node_count + 1, sizeof(*nodes));
	for (size_t i = 0; nodes && i < share->bucket_count; i++) {
		for (struct node *node = share->buckets[i]; node; node = node->next) {
			atomic_store(&node->inside, 0);
			node->refs++;
			nodes[count++] = node;
		}
	}
	pthread_mutex_unlock(&share->lock);
	for (size_t i = 0; i < count; i++) {
		struct wave *wave = NULL;

		if (!node_is_inside(nodes[i])) {
			notify_list(&wave, NULL, nodes[i]);
			notify_pages(&wave, NULL, nodes[i]);
			notify_leave(wave);
		}
		node_put(nodes[i]);
	}
	free(nodes);
}

static void directory_moved(struct node *directory)
{
	atomic_store(&directory->inside, 0);
	if (!node_is_inside(directory))
		sweep(directory->share);
}

/* Too much happened at once: nothing is sure any more. */
static void all_changed(void)
{
	struct wave *wave = NULL;

	expect_nothing();
	pthread_mutex_lock(&guard.lock);
	for (struct session *session = guard.sessions; session; session = session->next)
		notify_expire(session);
	for (struct share *share = guard.shares; share; share = share->next) {
		pthread_mutex_lock(&share->lock);
		for (size_t i = 0; i < share->bucket_count; i++)
			for (struct node *node = share->buckets[i]; node; node = node->next)
				for (struct tie *tie = node->ties; tie; tie = tie->next_of_node)
					wave_add(&wave, tie->place->session, tie, number_of(tie), 0, NULL);
		pthread_mutex_unlock(&share->lock);
	}
	pthread_mutex_unlock(&guard.lock);
	notify_leave(wave);
}

static bool is_our_own(const struct node *directory, const struct inotify_event *event)
{
	struct stat st = {.st_ino = 0};

	if (event->mask & IN_MOVED_TO && fstatat(directory->fd, event->name, &st, AT_SYMLINK_NOFOLLOW))
		st.st_ino = NO_INO; /* it has gone on already: that is not what we did last */
	return expect_met(event->wd, event->name, event->mask & NAMES, st.st_ino);
}

static void handle(const struct inotify_event *event)
{
	struct node *node;
	struct stat st;

	if (event->mask & IN_Q_OVERFLOW) {
		all_changed();
		return;
	}
	node = event->mask & IN_IGNORED ? NULL : watched_node(event->wd);
	if (!node)
		return;
	if (event->mask & IN_MOVE_SELF)
		directory_moved(node);
	else if (!event->len && !fstat(node->fd, &st))
		watch_check(node, &st);
	else if (event->len && event->mask & NAMES && !is_our_own(node, event)) {
		name_changed(node, event->name);
		check_name(node, event->name);
	} else if (event->len && event->mask & CONTENTS)
		check_name(node, event->name);
	node_put(node);
}

static bool is_repeated(const struct inotify_event *event, const struct inotify_event *before)
{
	return before && event->mask == before->mask && event->mask & CONTENTS && event->wd == before->wd &&
	       event->len == before->len && !memcmp(event->name, before->name, event->len);
}

static void handle_all(const char *bytes, size_t length)
{
	const struct inotify_event *before = NULL;

	for (size_t at = 0; at < length;) {
		const struct inotify_event *event = (const void *)(bytes + at);

		if (!is_repeated(event, before))
			handle(event);
		before = event;
		at += sizeof(*event) + event->len;
	}
}

static void read_events(void)
{
	static char bytes[EVENTS_SIZE] __attribute__((aligned(8)));
	struct timespec pause = {.tv_nsec = GATHER};
	ssize_t got;

	nanosleep(&pause, NULL);
	got = read(events, bytes, sizeof(bytes));
	if (got > 0)
		handle_all(bytes, (size_t)got);
}

/* However much inotify has to tell, open files have their turn. */
static void *watch_run(void *nothing)
{
	int64_t looked = clock_steady();

	for (;;) {
		struct pollfd ready = {.fd = events, .events = POLLIN};
		int64_t left = looked + LOOK_EVERY - clock_steady();

		if (left > 0 && poll(&ready, 1, (int)(left / 1000000) + 1) > 0)
			read_events();
		if (clock_steady() - looked < LOOK_EVERY)
			continue;
		look_at_what_is_cached();
		looked = clock_steady();
	}
	return NULL;
}

bool watch_start(void)
{
	pthread_t thread;

	events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (events < 0)
		note("Nothing can be watched (%s): changes made in the store directly show after %.1f s.", strerror(errno),
		     UNSURE_SECONDS);
	if (pthread_create(&thread, NULL, watch_run, NULL))
		return false;
	pthread_detach(thread);
	return true;
}

#include "lower.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "locks.h"
#include "notify.h"

/* Nanoseconds. What a program keeps dirtying must not hold up a revoke. */
#define FLUSH_LONGEST 500000000
#define WAY_LONGEST 1000000000
/* The level holds already: as long as pages arrive, nothing hangs. */
#define CUT_STILL 2000000000
#define CUT_LONGEST 15000000000

/* Inodes of which a kernel is to drop what it has; in a thread of its own, because a page that
 * is being read or written is waited for. */
struct cut {
	pthread_mutex_t lock;
	pthread_cond_t done_now;
	unsigned refs;
	bool done;
	struct place *place;
	int64_t offset;
	atomic_size_t told;
	size_t count;
	struct tie *ties[];
};

static void cut_put(struct cut *cut)
{
	unsigned left;

	pthread_mutex_lock(&cut->lock);
	left = --cut->refs;
	pthread_mutex_unlock(&cut->lock);
	if (left)
		return;
	for (size_t i = 0; i < cut->count; i++)
		tie_put(cut->ties[i]);
	place_put(cut->place);
	pthread_mutex_destroy(&cut->lock);
	pthread_cond_destroy(&cut->done_now);
	free(cut);
}

static void *cut_run(void *argument)
{
	struct cut *cut = argument;

	for (size_t i = 0; i < cut->count; i++) {
		notify_inode_now(cut->place->session, number_of(cut->ties[i]), cut->offset);
		atomic_store(&cut->told, i + 1);
	}
	pthread_mutex_lock(&cut->lock);
	cut->done = true;
	pthread_cond_signal(&cut->done_now);
	pthread_mutex_unlock(&cut->lock);
	cut_put(cut);
	return NULL;
}

/* Those which may have dirty pages, or all that the session knows. share.lock is held. */
static void choose(struct cut *cut, struct place *place, bool writers_alone)
{
	size_t room = place->known;

	for (struct tie *tie = place->ties; tie && cut->count < room; tie = tie->next_of_place) {
		if (writers_alone && !atomic_load(&tie->writers))
			continue;
		tie->refs++;
		cut->ties[cut->count++] = tie;
	}
}

static struct cut *cut_new(struct place *place, bool writers_alone, int64_t offset)
{
	pthread_condattr_t steady;
	struct cut *cut;

	pthread_mutex_lock(&place->share->lock);
	cut = calloc(1, sizeof(*cut) + place->known * sizeof(cut->ties[0]));
	if (cut)
		choose(cut, place, writers_alone);
	pthread_mutex_unlock(&place->share->lock);
	if (!cut)
		return NULL;
	cut->refs = 2;
	cut->offset = offset;
	cut->place = place;
	place_hold(place);
	pthread_mutex_init(&cut->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&cut->done_now, &steady);
	pthread_condattr_destroy(&steady);
	return cut;
}

static int64_t steady_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t progress(const struct cut *cut)
{
	return atomic_load(&cut->told) + atomic_load(&cut->place->arrived);
}

/* Until it is done, until nothing went on for `still`, or until `end`. */
static bool cut_wait(struct cut *cut, int64_t still, int64_t end)
{
	uint64_t before;
	bool done;

	pthread_mutex_lock(&cut->lock);
	do {
		int64_t look = steady_now() + still < end ? steady_now() + still : end;
		struct timespec until = {.tv_sec = look / 1000000000, .tv_nsec = look % 1000000000};

		before = progress(cut);
		while (!cut->done && pthread_cond_timedwait(&cut->done_now, &cut->lock, &until) != ETIMEDOUT)
			;
		done = cut->done;
	} while (!done && progress(cut) != before && steady_now() < end);
	pthread_mutex_unlock(&cut->lock);
	return done;
}

/* False: it is not done yet, and goes on; see cut_wait. */
static bool invalidate(struct place *place, bool writers_alone, int64_t offset, int64_t still, int64_t longest)
{
	struct cut *cut = cut_new(place, writers_alone, offset);
	pthread_t thread;
	bool done;

	if (!cut)
		return false;
	if (!cut->count || pthread_create(&thread, NULL, cut_run, cut)) {
		done = !cut->count;
		cut_put(cut);
	} else {
		pthread_detach(thread);
		done = cut_wait(cut, still, steady_now() + longest);
	}
	cut_put(cut);
	return done;
}

static void count_reached(struct place *place, struct reached *reached)
{
	pthread_mutex_lock(&place->share->lock);
	reached->known = place->known;
	pthread_mutex_unlock(&place->share->lock);
	reached->open = atomic_load(&place->open);
	reached->writable = atomic_load(&place->writable);
}

void place_set_level(struct place *place, int level, struct reached *reached)
{
	int64_t began = steady_now();
	int before = atomic_load(&place->level);
	uint64_t flushed = atomic_load(&place->flushed);

	count_reached(place, reached);
	reached->whole = true;
	/* Lawful pages reach the store, on the way down; on the way up, what a mapping was made to hold
	 * or a write left behind while it was refused does not. */
	if ((before >= WIRE_EDIT) != (level >= WIRE_EDIT))
		invalidate(place, true, 0, FLUSH_LONGEST, FLUSH_LONGEST);
	atomic_store(&place->level, level);
	if (level < before)
		reached->whole = place_wait(place, WAY_LONGEST);
	reached->flushed = atomic_load(&place->flushed) - flushed;
	if (level == LEVEL_ENDED)
		locks_release_place(place);
	/* Modes change with the level; pages and mappings go with the right to have them. */
	if (level != before)
		reached->whole = invalidate(place, false, level < before ? 0 : NOTIFY_ATTRIBUTES, CUT_STILL, CUT_LONGEST) &&
				 reached->whole;
	reached->took = steady_now() - began;
}

void session_flush(struct session *session)
{
	struct place *place;

	for (unsigned number = 0;; number++) {
		unsigned at = 0;

		pthread_mutex_lock(&session->lock);
		for (place = session->places; place && at < number; place = place->next)
			at++;
		if (place)
			place_hold(place);
		pthread_mutex_unlock(&session->lock);
		if (!place)
			return;
		invalidate(place, true, 0, FLUSH_LONGEST, FLUSH_LONGEST);
		place_put(place);
	}
}

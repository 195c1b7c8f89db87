/* The way in and out of every request. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "guard.h"

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_now(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t clock_steady(void)
{
	return clock_read(CLOCK_MONOTONIC_COARSE);
}

void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("share-guard: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

void tell_more(const char *format, ...)
{
	va_list arguments;

	if (!guard.talkative)
		return;
	va_start(arguments, format);
	fputs("share-guard: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

/* Requests are counted in two phases, so that a change of level can wait for those that began
 * before it without waiting for those that come after. */
bool place_enter(struct place *place, unsigned *phase)
{
	for (;;) {
		unsigned now = atomic_load(&place->phase) & 1;

		atomic_fetch_add(&place->under_way[now], 1);
		if ((atomic_load(&place->phase) & 1) == now) {
			*phase = now;
			return true;
		}
		atomic_fetch_sub(&place->under_way[now], 1);
	}
}

void place_leave(struct place *place, unsigned phase)
{
	atomic_fetch_sub(&place->under_way[phase], 1);
}

/* Wait for the requests that began before this moment. False: some are still under way. */
bool place_wait(struct place *place, int64_t nanoseconds)
{
	unsigned before = atomic_fetch_add(&place->phase, 1) & 1;
	int64_t end = clock_read(CLOCK_MONOTONIC) + nanoseconds;

	while (atomic_load(&place->under_way[before])) {
		struct timespec pause = {.tv_nsec = 100000};

		if (clock_read(CLOCK_MONOTONIC) > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* An end date holds to the moment, whatever the thread that looks at the clock does just now. */
static int level_now(const struct place *place)
{
	int64_t until = atomic_load_explicit(&place->until, memory_order_relaxed);

	if (until != WIRE_NO_END && clock_now() >= until)
		return LEVEL_ENDED;
	return atomic_load(&place->level);
}

static int begin(struct call *call, fuse_req_t req, fuse_ino_t ino)
{
	call->req = req;
	call->session = fuse_req_userdata(req);
	call->tie = tie_of(ino);
	call->node = call->tie->node;
	call->place = call->tie->place;
	place_hold(call->place); /* the kernel may forget the tie as soon as it is answered */
	place_enter(call->place, &call->phase);
	return node_use(call->node);
}

static void leave(struct call *call)
{
	place_leave(call->place, call->phase);
	place_put(call->place);
}

static bool let_in(struct call *call, int level, int error)
{
	call->level = level;
	if (!error && level != LEVEL_ENDED && node_is_inside(call->node))
		return true;
	if (error)
		leave(call);
	else
		call_end(call);
	fuse_reply_err(call->req, level == LEVEL_ENDED || !error ? EACCES : error);
	return false;
}

bool call_begin(struct call *call, fuse_req_t req, fuse_ino_t ino)
{
	int error = begin(call, req, ino);

	return let_in(call, level_now(call->place), error);
}

bool call_begin_page(struct call *call, fuse_req_t req, fuse_ino_t ino)
{
	int error = begin(call, req, ino);

	return let_in(call, atomic_load(&call->place->level), error);
}

void call_end(struct call *call)
{
	node_put(call->node);
	leave(call);
}

/* What each order does. */
#include "orders.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "lower.h"
#include "notify.h"

static time_t since;

static void refuse(struct wire_packet *packet, const struct wire_order *order, enum wire_code code,
		   const char *because)
{
	wire_error(packet, order->n, code, because);
}

static void answer_reached(struct wire_packet *packet, const struct wire_order *order, const struct reached *reached)
{
	if (!reached->whole) {
		refuse(packet, order, WIRE_FAILED,
		       "The level holds for every request, but a request that hangs keeps what is cached.");
		return;
	}
	wire_ok(packet, order->n);
	wire_number(packet, "known", reached->known);
	wire_number(packet, "open", reached->open);
	wire_number(packet, "writable", reached->writable);
	wire_number(packet, "mapped", 0); /* FUSE does not tell */
	wire_number(packet, "flushed", reached->flushed);
	wire_number(packet, "took", (uint64_t)reached->took / 1000);
}

static void order_hello(const struct wire_order *order, struct wire_packet *packet)
{
	wire_ok(packet, order->n);
	wire_number(packet, "version", WIRE_VERSION);
	wire_number(packet, "pid", (uint64_t)getpid());
	wire_number(packet, "since", (uint64_t)since);
}

/* A descriptor of /dev/fuse that belongs to a mount. A message that is too short is refused as
 * such then, and nothing comes of it. */
static bool is_mounted(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 229) && write(fd, "", 1) < 0 &&
	       errno == EINVAL;
}

static void order_session(const struct wire_order *order, int *descriptor, struct wire_packet *packet)
{
	struct session *session = session_find(order->session);
	int error;

	if (session) {
		session_put(session);
		refuse(packet, order, WIRE_EXISTS, "This session is served already.");
		return;
	}
	if (*descriptor < 0) {
		refuse(packet, order, WIRE_NO_DESCRIPTOR, "This order needs the descriptor of a mount.");
		return;
	}
	if (!is_mounted(*descriptor)) {
		refuse(packet, order, WIRE_NO_DESCRIPTOR, "This is no descriptor of a FUSE mount.");
		return;
	}
	session = session_new(order, *descriptor, &error);
	if (!session) {
		refuse(packet, order, WIRE_FAILED, strerror(error));
		return;
	}
	*descriptor = -1;
	if (!session_begin(session)) {
		session_put(session);
		refuse(packet, order, WIRE_FAILED, "No thread could be started for this mount.");
		return;
	}
	tell_more("%s is served.", session->id);
	wire_ok(packet, order->n);
}

static void order_drop(const struct wire_order *order, struct session *session, struct wire_packet *packet)
{
	session_flush(session);
	session_put(session); /* session_find's; the list's goes in session_end */
	if (!session_end(session))
		refuse(packet, order, WIRE_FAILED, "The mount is closed, but a request hangs in the store.");
	else
		wire_ok(packet, order->n);
}

/* The place ends, for whatever reason. */
static void end_place(struct place *place, struct reached *reached)
{
	struct wave *wave = NULL;

	place_remove(place);
	place_set_level(place, LEVEL_ENDED, reached);
	notify_root(&wave, place->session, place->name);
	notify_wait(wave, NULL);
}

static bool name_is_taken(struct session *session, const struct wire_order *order)
{
	struct place *place = place_named(session, order->name);
	bool taken = place && strcmp(place->share->id, order->folder);

	if (place)
		place_put(place);
	return taken;
}

static void set_limit(struct share *share, const struct wire_order *order)
{
	atomic_store(&share->limit, order->limit);
	if (order->used != WIRE_NO_LIMIT)
		atomic_store(&share->used, order->used);
}

/* The descriptor of the owner's account comes last, after the tree's. */
static int *account_of(const struct wire_order *order, struct handed *handed)
{
	return !order->account ? NULL : handed->last >= 0 ? &handed->last : &handed->first;
}

static void set_account(struct share *share, int *account)
{
	share_set_account(share, account ? *account : -1);
	if (account)
		*account = -1;
}

static struct place *add_place(struct session *session, const struct wire_order *order, int *descriptor,
			       int *account, struct wire_packet *packet)
{
	struct wave *wave = NULL;
	struct share *share;
	struct place *place;
	int error;

	if (*descriptor < 0) {
		refuse(packet, order, WIRE_NO_DESCRIPTOR, "A folder that is new to this session needs its tree's top.");
		return NULL;
	}
	share = share_get(order->folder, *descriptor, &error);
	if (!share) {
		refuse(packet, order, WIRE_FAILED, strerror(error));
		return NULL;
	}
	*descriptor = -1;
	set_account(share, account);
	set_limit(share, order);
	place = place_new(session, share, order);
	if (!place) {
		share_put(share);
		refuse(packet, order, WIRE_FAILED, "There is not enough memory.");
		return NULL;
	}
	place_add(place);
	/* By name too: a look-up that met the end of another folder of this name may have kept it. */
	notify_root(&wave, session, place->name);
	notify_wait(wave, NULL);
	return place;
}

static void rename_place(struct place *place, const char name[static WIRE_NAME_SIZE])
{
	struct session *session = place->session;
	char before[WIRE_NAME_SIZE];
	struct wave *wave = NULL;

	if (!strcmp(place->name, name))
		return;
	pthread_mutex_lock(&session->lock);
	memcpy(before, place->name, sizeof(before));
	memcpy(place->name, name, sizeof(place->name));
	clock_gettime(CLOCK_REALTIME, &session->changed);
	pthread_mutex_unlock(&session->lock);
	notify_root(&wave, session, before);
	notify_wait(wave, NULL);
}

/* Is this the tree that the session has already? Otherwise the folder was made anew. */
static bool is_same_tree(const struct place *place, int descriptor)
{
	struct stat st;

	return descriptor < 0 || (!fstat(descriptor, &st) && st.st_dev == place->share->dev &&
				  st.st_ino == place->share->top_ino);
}

static void change_place(struct place *place, const struct wire_order *order, struct reached *reached)
{
	struct session *session = place->session;

	rename_place(place, order->name);
	pthread_mutex_lock(&session->lock);
	place_set_grant(place, order->grant);
	memcpy(place->owner, order->owner, sizeof(place->owner));
	pthread_mutex_unlock(&session->lock);
	set_limit(place->share, order);
	/* A level that has ended by its date is not there again while it is lowered. */
	if (order->until < atomic_load(&place->until))
		atomic_store(&place->until, order->until);
	place_set_level(place, (int)order->level, reached);
	atomic_store(&place->until, order->until);
}

static void order_folder(const struct wire_order *order, struct session *session, struct handed *handed,
			 struct wire_packet *packet)
{
	struct place *place = place_of_folder(session, order->folder);
	int *account = account_of(order, handed);
	int none = -1, *descriptor = account == &handed->first ? &none : &handed->first;
	struct reached reached = {.whole = true};

	if (account && !account_is_one(*account)) {
		refuse(packet, order, WIRE_NO_DESCRIPTOR, "This order needs the descriptor of an account, after the tree's.");
	} else if (name_is_taken(session, order)) {
		refuse(packet, order, WIRE_NAME_TAKEN, "Another folder has this name in the session.");
	} else if (place && is_same_tree(place, *descriptor)) {
		set_account(place->share, account);
		change_place(place, order, &reached);
		answer_reached(packet, order, &reached);
	} else {
		struct place *added = NULL;

		if (place)
			end_place(place, &reached);
		added = add_place(session, order, descriptor, account, packet);
		if (added)
			answer_reached(packet, order, &reached);
	}
	if (place)
		place_put(place);
}

static void order_remove(const struct wire_order *order, struct session *session, struct wire_packet *packet)
{
	struct place *place = place_of_folder(session, order->folder);
	struct reached reached;

	if (!place) {
		refuse(packet, order, WIRE_UNKNOWN_FOLDER, "The session does not have this folder.");
		return;
	}
	end_place(place, &reached);
	answer_reached(packet, order, &reached);
	place_put(place);
}

void order_carry_out(const struct wire_order *order, struct handed *handed, struct wire_packet *packet, sender send)
{
	struct session *session = NULL;

	if (!since)
		since = time(NULL);
	if (order->verb == WIRE_HELLO) {
		order_hello(order, packet);
	} else if (order->verb == WIRE_SESSION) {
		order_session(order, &handed->first, packet);
	} else if (order->verb == WIRE_REPORT) {
		order_report(order, packet, send);
	} else if (order->verb == WIRE_QUIT) {
		orders_end_all();
		wire_ok(packet, order->n);
	} else if (!(session = session_find(order->session))) {
		refuse(packet, order, WIRE_UNKNOWN_SESSION, "No such session is served here.");
	} else if (order->verb == WIRE_DROP) {
		order_drop(order, session, packet);
		return;
	} else if (order->verb == WIRE_FOLDER) {
		order_folder(order, session, handed, packet);
	} else {
		order_remove(order, session, packet);
	}
	if (session)
		session_put(session);
}

static void say_ended(const struct place *place, const struct reached *reached, struct wire_packet *packet, sender send)
{
	wire_begin(packet, "event");
	wire_text(packet, "kind", "ended");
	wire_text(packet, "session", place->session->id);
	wire_text(packet, "folder", place->share->id);
	wire_text(packet, "why", "expired");
	wire_number(packet, "known", reached->known);
	wire_number(packet, "open", reached->open);
	wire_number(packet, "writable", reached->writable);
	send(packet);
}

/* One place that has ended by its date, or NULL; and when the next one will. */
static struct place *take_due(int64_t now, int64_t *next)
{
	struct place *due = NULL;

	*next = WIRE_NO_END;
	pthread_mutex_lock(&guard.lock);
	for (struct session *session = guard.sessions; session && !due; session = session->next) {
		pthread_mutex_lock(&session->lock);
		for (struct place *place = session->places; place && !due; place = place->next) {
			int64_t until = atomic_load(&place->until);

			if (until <= now && until != WIRE_NO_END) {
				due = place;
				place_hold(due);
			} else if (until < *next) {
				*next = until;
			}
		}
		pthread_mutex_unlock(&session->lock);
	}
	pthread_mutex_unlock(&guard.lock);
	return due;
}

static struct session *take_lost(void)
{
	struct session *session;

	pthread_mutex_lock(&guard.lock);
	for (session = guard.sessions; session; session = session->next)
		if (atomic_load(&session->lost))
			break;
	pthread_mutex_unlock(&guard.lock);
	return session;
}

int64_t orders_look(struct wire_packet *packet, sender send)
{
	struct session *lost;
	struct place *due;
	int64_t next;

	while ((due = take_due(clock_now(), &next))) {
		struct reached reached;

		end_place(due, &reached);
		say_ended(due, &reached, packet, send);
		place_put(due);
	}
	while ((lost = take_lost())) {
		wire_begin(packet, "event");
		wire_text(packet, "kind", "lost");
		wire_text(packet, "session", lost->id);
		session_end(lost);
		send(packet);
	}
	return next;
}

void orders_end_all(void)
{
	while (guard.sessions) {
		session_flush(guard.sessions);
		session_end(guard.sessions);
	}
}

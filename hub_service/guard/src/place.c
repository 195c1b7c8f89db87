/* Folders as sessions see them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guard.h"

/* Without memory to number the grant, nothing is own under it. */
void place_set_grant(struct place *place, const char grant[static WIRE_ID_SIZE])
{
	struct own_who who;

	memcpy(place->grant, grant, sizeof(place->grant));
	if (!own_who(place->share->own, place->session->person, grant, &who))
		who = (struct own_who){UINT32_MAX, UINT32_MAX};
	atomic_store(&place->who, who);
}

/* Takes the caller's reference to the share. The place belongs to the session's list. */
struct place *place_new(struct session *session, struct share *share, const struct wire_order *order)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	place->session = session;
	atomic_fetch_add(&session->refs, 1);
	place->share = share;
	atomic_init(&place->refs, 1);
	memcpy(place->name, order->name, sizeof(place->name));
	memcpy(place->owner, order->owner, sizeof(place->owner));
	place_set_grant(place, order->grant);
	atomic_init(&place->until, order->until);
	atomic_init(&place->level, (int)order->level);
	return place;
}

void place_hold(struct place *place)
{
	atomic_fetch_add_explicit(&place->refs, 1, memory_order_relaxed);
}

void place_put(struct place *place)
{
	if (atomic_fetch_sub_explicit(&place->refs, 1, memory_order_acq_rel) != 1)
		return;
	share_put(place->share);
	session_put(place->session);
	free(place);
}

struct place *place_named(struct session *session, const char *name)
{
	struct place *place;

	pthread_mutex_lock(&session->lock);
	for (place = session->places; place; place = place->next)
		if (!strcmp(place->name, name))
			break;
	if (place)
		place_hold(place);
	pthread_mutex_unlock(&session->lock);
	return place;
}

struct place *place_of_folder(struct session *session, const char *folder)
{
	struct place *place;

	pthread_mutex_lock(&session->lock);
	for (place = session->places; place; place = place->next)
		if (!strcmp(place->share->id, folder))
			break;
	if (place)
		place_hold(place);
	pthread_mutex_unlock(&session->lock);
	return place;
}

static void purge_past(struct session *session)
{
	struct place *gone = NULL;

	pthread_mutex_lock(&session->lock);
	for (struct place **at = &session->past; *at;) {
		struct place *place = *at;

		pthread_mutex_lock(&place->share->lock);
		if (place->known) {
			at = &place->next;
		} else {
			*at = place->next;
			place->next = gone;
			gone = place;
		}
		pthread_mutex_unlock(&place->share->lock);
	}
	pthread_mutex_unlock(&session->lock);
	while (gone) {
		struct place *place = gone;

		gone = place->next;
		place_put(place);
	}
}

void place_add(struct place *place)
{
	struct session *session = place->session;

	purge_past(session);
	pthread_mutex_lock(&session->lock);
	place->number = ++session->last_number;
	place->next = session->places;
	session->places = place;
	clock_gettime(CLOCK_REALTIME, &session->changed);
	pthread_mutex_unlock(&session->lock);
}

void place_remove(struct place *place)
{
	struct session *session = place->session;

	pthread_mutex_lock(&session->lock);
	for (struct place **at = &session->places; *at; at = &(*at)->next) {
		if (*at == place) {
			*at = place->next;
			place->next = session->past;
			session->past = place;
			break;
		}
	}
	clock_gettime(CLOCK_REALTIME, &session->changed);
	pthread_mutex_unlock(&session->lock);
}

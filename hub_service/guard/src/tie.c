/* What each session's kernel knows. */
#include <stdlib.h>

#include "guard.h"

static struct tie *find_locked(struct place *place, struct node *node)
{
	for (struct tie *tie = node->ties; tie; tie = tie->next_of_node)
		if (tie->place == place)
			return tie;
	return NULL;
}

bool tie_is_known(struct place *place, struct node *node)
{
	struct tie *tie;
	bool known;

	pthread_mutex_lock(&node->share->lock);
	tie = find_locked(place, node);
	known = tie && tie->lookups && atomic_load(&tie->attributes);
	pthread_mutex_unlock(&node->share->lock);
	return known;
}

static struct tie *insert_locked(struct place *place, struct node *node)
{
	bool held = S_ISDIR(node->type);
	struct tie *tie = held && !session_may_hold(place->session) ? NULL : calloc(1, sizeof(*tie));

	if (!tie)
		return NULL;
	if (held)
		atomic_fetch_add(&place->session->held, 1);
	tie->node = node;
	tie->place = place;
	place_hold(place);
	tie->next_of_node = node->ties;
	tie->at_node = &node->ties;
	if (node->ties)
		node->ties->at_node = &tie->next_of_node;
	node->ties = tie;
	tie->next_of_place = place->ties;
	tie->at_place = &place->ties;
	if (place->ties)
		place->ties->at_place = &tie->next_of_place;
	place->ties = tie;
	place->known++;
	atomic_fetch_add(&node->tie_count, 1);
	return tie;
}

/* Takes the caller's reference to the node. */
struct tie *tie_get(struct place *place, struct node *node)
{
	struct share *share = node->share;
	struct tie *tie;
	bool taken = false;

	pthread_mutex_lock(&share->lock);
	tie = find_locked(place, node);
	if (!tie) {
		tie = insert_locked(place, node);
		taken = tie != NULL;
	}
	if (tie)
		tie->lookups++;
	pthread_mutex_unlock(&share->lock);
	if (!taken)
		node_put(node);
	return tie;
}

static void unlink_locked(struct tie *tie)
{
	*tie->at_node = tie->next_of_node;
	if (tie->next_of_node)
		tie->next_of_node->at_node = tie->at_node;
	*tie->at_place = tie->next_of_place;
	if (tie->next_of_place)
		tie->next_of_place->at_place = tie->at_place;
	tie->place->known--;
	if (S_ISDIR(tie->node->type))
		atomic_fetch_sub(&tie->place->session->held, 1);
	atomic_fetch_sub(&tie->node->tie_count, 1);
}

static void finish(struct tie *tie)
{
	node_put(tie->node);
	place_put(tie->place);
	free(tie);
}

void tie_forget(struct tie *tie, uint64_t lookups)
{
	struct share *share = tie->node->share;
	bool last;

	pthread_mutex_lock(&share->lock);
	tie->lookups = tie->lookups > lookups ? tie->lookups - lookups : 0;
	last = !tie->lookups && !tie->refs;
	if (last)
		unlink_locked(tie);
	pthread_mutex_unlock(&share->lock);
	if (last)
		finish(tie);
}

void tie_hold(struct tie *tie)
{
	struct share *share = tie->node->share;

	pthread_mutex_lock(&share->lock);
	tie->refs++;
	pthread_mutex_unlock(&share->lock);
}

void tie_put(struct tie *tie)
{
	struct share *share = tie->node->share;
	bool last;

	pthread_mutex_lock(&share->lock);
	tie->refs--;
	last = !tie->lookups && !tie->refs;
	if (last)
		unlink_locked(tie);
	pthread_mutex_unlock(&share->lock);
	if (last)
		finish(tie);
}

static void tell_begin(struct tie *tie)
{
	while (atomic_flag_test_and_set_explicit(&tie->telling, memory_order_acquire))
		;
}

static void tell_end(struct tie *tie)
{
	atomic_flag_clear_explicit(&tie->telling, memory_order_release);
}

static bool has_same_contents(const struct told *told, const struct stat *st)
{
	return told->modified.tv_sec == st->st_mtim.tv_sec &&
	       told->modified.tv_nsec == st->st_mtim.tv_nsec && told->size == st->st_size;
}

static bool is_same(const struct told *told, const struct stat *st)
{
	return told->changed.tv_sec == st->st_ctim.tv_sec && told->changed.tv_nsec == st->st_ctim.tv_nsec &&
	       has_same_contents(told, st);
}

/* tie.telling is held. */
static void tell(struct tie *tie, const struct stat *st)
{
	tie->told.changed = st->st_ctim;
	tie->told.modified = st->st_mtim;
	tie->told.size = st->st_size;
	tie->told_known = !tie->own_changes;
}

void tie_tell(struct tie *tie, const struct stat *st, bool cached)
{
	tell_begin(tie);
	tell(tie, st);
	tell_end(tie);
	if (cached && !atomic_load_explicit(&tie->attributes, memory_order_relaxed))
		atomic_store(&tie->attributes, true);
}

void tie_tell_without_attributes(struct tie *tie, const struct stat *st)
{
	tell_begin(tie);
	if (!atomic_load(&tie->attributes))
		tell(tie, st);
	tell_end(tie);
}

void tie_tell_if_unknown(struct tie *tie, const struct stat *st)
{
	tell_begin(tie);
	if (!tie->told_known && !tie->own_changes)
		tell(tie, st);
	tell_end(tie);
}

bool tie_differs(struct tie *tie, const struct stat *st)
{
	bool differs;

	tell_begin(tie);
	differs = tie->told_known && !is_same(&tie->told, st);
	tell_end(tie);
	return differs;
}

bool tie_differs_in_contents(struct tie *tie, const struct stat *st)
{
	bool differs;

	tell_begin(tie);
	differs = tie->told_known && !has_same_contents(&tie->told, st);
	tell_end(tie);
	return differs;
}

void tie_keeps_contents(struct tie *tie, const struct stat *st)
{
	tell_begin(tie);
	if (tie->told_known && has_same_contents(&tie->told, st))
		tie->told.changed = st->st_ctim;
	tell_end(tie);
}

bool tie_is_told(struct tie *tie, const struct stat *st)
{
	bool same;

	tell_begin(tie);
	same = tie->told_known && is_same(&tie->told, st);
	tell_end(tie);
	return same;
}

void tie_changed_itself(struct tie *tie)
{
	tell_begin(tie);
	tie->told_known = false;
	tell_end(tie);
}

void tie_begins_change(struct tie *tie)
{
	tell_begin(tie);
	tie->own_changes++;
	tie->told_known = false;
	tell_end(tie);
}

void tie_ends_change(struct tie *tie, const struct stat *st)
{
	tell_begin(tie);
	tie->own_changes--;
	tell_end(tie);
	if (st)
		tie_tell_if_unknown(tie, st);
}

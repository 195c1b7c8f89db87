/* Who has to be told of a change. */
#include "notify.h"

#include "notifier.h"

static bool is_other(const struct tie *tie, const struct session *by)
{
	return tie->place->session != by && atomic_load(&tie->place->level) != LEVEL_ENDED;
}

/* `by` knows the node itself. */
static bool nobody_else(const struct node *node, const struct session *by)
{
	return atomic_load(&node->tie_count) <= (by ? 1U : 0U);
}

void notify_name(struct wave **wave, struct session *by, struct node *directory, const char *name)
{
	if (nobody_else(directory, by))
		return;
	pthread_mutex_lock(&directory->share->lock);
	for (struct tie *tie = directory->ties; tie; tie = tie->next_of_node)
		if (is_other(tie, by) && atomic_load(&tie->names))
			wave_add(wave, tie->place->session, tie, number_of(tie), 0, name);
	pthread_mutex_unlock(&directory->share->lock);
}

void notify_list(struct wave **wave, struct session *by, struct node *directory)
{
	if (nobody_else(directory, by))
		return;
	pthread_mutex_lock(&directory->share->lock);
	for (struct tie *tie = directory->ties; tie; tie = tie->next_of_node) {
		bool list, times;

		if (!is_other(tie, by))
			continue;
		list = atomic_exchange(&tie->list, false);
		times = atomic_exchange(&tie->attributes, false);
		if (list || times)
			wave_add(wave, tie->place->session, tie, number_of(tie), list ? 0 : NOTIFY_ATTRIBUTES, NULL);
	}
	pthread_mutex_unlock(&directory->share->lock);
}

static void notify_inode(struct wave **wave, struct session *by, struct node *node, bool with_pages)
{
	struct stat st;
	bool contents_stay = !with_pages && !fstat(node->fd, &st);

	pthread_mutex_lock(&node->share->lock);
	for (struct tie *tie = node->ties; tie; tie = tie->next_of_node) {
		bool pages, attributes;

		if (!is_other(tie, by))
			continue;
		if (contents_stay)
			tie_keeps_contents(tie, &st);
		pages = with_pages && atomic_exchange(&tie->pages, false);
		attributes = atomic_exchange(&tie->attributes, false);
		if (pages || attributes)
			wave_add(wave, tie->place->session, tie, number_of(tie), pages ? 0 : NOTIFY_ATTRIBUTES, NULL);
	}
	pthread_mutex_unlock(&node->share->lock);
}

void notify_attributes(struct wave **wave, struct session *by, struct node *node)
{
	notify_inode(wave, by, node, false);
}

void notify_pages(struct wave **wave, struct session *by, struct node *node)
{
	if (!nobody_else(node, by))
		notify_inode(wave, by, node, true);
}

void notify_stores(struct session *by, struct node *node)
{
	struct wave *wave = NULL;

	if (!atomic_load(&node->mappers) || nobody_else(node, by))
		return;
	pthread_mutex_lock(&node->share->lock);
	for (struct tie *tie = node->ties; tie; tie = tie->next_of_node)
		if (is_other(tie, by) && atomic_load(&tie->mappers) && atomic_exchange(&tie->pages, false))
			wave_add(&wave, tie->place->session, tie, number_of(tie), 0, NULL);
	pthread_mutex_unlock(&node->share->lock);
	notify_wait(wave, by);
}

void notify_tie(struct wave **wave, struct tie *tie, int64_t offset)
{
	pthread_mutex_lock(&tie->node->share->lock);
	wave_add(wave, tie->place->session, tie, number_of(tie), offset, NULL);
	pthread_mutex_unlock(&tie->node->share->lock);
}

void notify_root(struct wave **wave, struct session *session, const char *name)
{
	if (name)
		wave_add(wave, session, NULL, FUSE_ROOT_ID, 0, name);
	wave_add(wave, session, NULL, FUSE_ROOT_ID, 0, NULL);
}

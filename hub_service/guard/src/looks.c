/* Looks at what kernels have cached, beside what inotify tells. */
#include <stdlib.h>

#include "guard.h"
#include "notify.h"
#include "watch.h"

struct gathered {
	struct node **nodes;
	size_t count, room;
};

/* share.lock is held. */
static void gather(struct gathered *gathered, struct node *node)
{
	if (gathered->count == gathered->room) {
		size_t room = gathered->room ? 2 * gathered->room : 64;
		struct node **more = realloc(gathered->nodes, room * sizeof(*more));

		if (!more)
			return; /* then not all of them, this time */
		gathered->nodes = more;
		gathered->room = room;
	}
	node->refs++;
	gathered->nodes[gathered->count++] = node;
}

static void gather_open_files(struct gathered *gathered, struct place *place)
{
	pthread_mutex_lock(&place->share->lock);
	for (struct file *file = place->files; file; file = file->next)
		if (!file->listing && (atomic_load(&file->tie->pages) || atomic_load(&file->tie->attributes)))
			gather(gathered, file->tie->node);
	pthread_mutex_unlock(&place->share->lock);
}

static bool has_unsure_tie(const struct node *node)
{
	for (const struct tie *tie = node->ties; tie; tie = tie->next_of_node)
		if (atomic_load(&tie->unsure))
			return true;
	return false;
}

/* guard.lock is held. */
static void gather_unsure(struct gathered *gathered)
{
	for (struct share *share = guard.shares; share; share = share->next) {
		pthread_mutex_lock(&share->lock);
		for (size_t i = 0; i < share->bucket_count; i++)
			for (struct node *node = share->buckets[i]; node; node = node->next)
				if (has_unsure_tie(node))
					gather(gathered, node);
		pthread_mutex_unlock(&share->lock);
	}
}

/* Whatever of theirs is cached is compared with the store: inotify tells nothing of what is written
 * through another name or a mapping, and on some file systems nothing at all. */
void look_at_what_is_cached(void)
{
	struct gathered gathered = {.nodes = NULL};

	pthread_mutex_lock(&guard.lock);
	for (struct session *session = guard.sessions; session; session = session->next) {
		pthread_mutex_lock(&session->lock);
		for (struct place *place = session->places; place; place = place->next)
			gather_open_files(&gathered, place);
		pthread_mutex_unlock(&session->lock);
	}
	if (notify_left_unsure())
		gather_unsure(&gathered);
	pthread_mutex_unlock(&guard.lock);
	for (size_t i = 0; i < gathered.count; i++) {
		struct stat st;

		if (!fstat(gathered.nodes[i]->fd, &st))
			watch_check(gathered.nodes[i], &st);
		node_put(gathered.nodes[i]);
	}
	free(gathered.nodes);
}

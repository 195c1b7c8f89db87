/* Open files and directories. */
#include <stdlib.h>
#include <unistd.h>

#include "dirs.h"
#include "operations.h"

/* Takes the descriptor; counted among its place's from here on. */
struct file *file_new(struct tie *tie, int fd, bool writing)
{
	struct place *place = tie->place;
	struct file *file = session_may_hold(place->session) ? calloc(1, sizeof(*file)) : NULL;

	if (!file) {
		close(fd);
		return NULL;
	}
	file->fd = fd;
	file->tie = tie;
	file->writing = writing;
	pthread_mutex_lock(&place->share->lock);
	tie->refs++;
	file->next = place->files;
	file->at = &place->files;
	if (place->files)
		place->files->at = &file->next;
	place->files = file;
	pthread_mutex_unlock(&place->share->lock);
	atomic_fetch_add(&place->open, 1);
	atomic_fetch_add(&place->session->held, 1);
	atomic_fetch_add(&guard.open, 1);
	if (writing) {
		atomic_fetch_add(&place->writable, 1);
		atomic_fetch_add(&tie->writers, 1);
		atomic_fetch_add(&tie->node->writers, 1);
	}
	return file;
}

void file_may_map(struct file *file)
{
	file->mapping = true;
	atomic_fetch_add(&file->tie->mappers, 1);
	atomic_fetch_add(&file->tie->node->mappers, 1);
}

void file_free(struct file *file)
{
	struct tie *tie = file->tie;
	struct place *place = tie->place;

	pthread_mutex_lock(&place->share->lock);
	*file->at = file->next;
	if (file->next)
		file->next->at = file->at;
	pthread_mutex_unlock(&place->share->lock);
	atomic_fetch_sub(&place->open, 1);
	atomic_fetch_sub(&place->session->held, 1);
	atomic_fetch_sub(&guard.open, 1);
	if (file->writing) {
		atomic_fetch_sub(&place->writable, 1);
		atomic_fetch_sub(&tie->writers, 1);
		atomic_fetch_sub(&tie->node->writers, 1);
	}
	if (file->mapping) {
		atomic_fetch_sub(&tie->mappers, 1);
		atomic_fetch_sub(&tie->node->mappers, 1);
	}
	if (!file->listing)
		own_closed(place->share->own, node_key(tie->node), place->who, clock_now());
	listing_free(file->listing);
	close(file->fd);
	free(file);
	tie_put(tie);
}

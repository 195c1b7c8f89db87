/* More files may be known to kernels than a process may have descriptors. Those that nobody has
 * used for a while sleep: they are found again by directory and name, and by their handle it is
 * seen that it is still them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

#define AT_ONCE 32 /* files put to sleep when one more is to be awake */

void node_found_in(struct node *node, struct node *directory, const char *name)
{
	struct node *before = NULL;
	char *copy;

	if (S_ISDIR(node->type))
		return;
	copy = strdup(name);
	pthread_mutex_lock(&node->share->lock);
	if (copy) {
		before = node->home;
		directory->refs++;
		node->home = directory;
		free(node->name);
		node->name = copy;
	}
	pthread_mutex_unlock(&node->share->lock);
	if (before)
		node_put(before);
}

static bool is_same_key(const struct own_key *one, const struct own_key *other)
{
	return one->kind != OWN_KEY_NONE && one->kind == other->kind && one->type == other->type &&
	       one->length == other->length && !memcmp(one->bytes, other->bytes, one->length);
}

bool node_is_still(const struct node *node, int fd)
{
	struct own_key key;
	struct stat st;

	if (fstat(fd, &st) || st.st_ino != node->ino || st.st_dev != node->share->dev)
		return false;
	own_key_of(fd, &key);
	return is_same_key(&key, &node->key);
}

/* Its home and name, as they are now; false: it has none. */
static bool where_it_was(struct node *node, struct node **home, char name[static WIRE_NAME_SIZE])
{
	bool known;

	pthread_mutex_lock(&node->share->lock);
	known = node->home && strlen(node->name) < WIRE_NAME_SIZE;
	if (known) {
		*home = node->home;
		(*home)->refs++;
		strcpy(name, node->name);
	}
	pthread_mutex_unlock(&node->share->lock);
	return known;
}

int node_wake(struct node *node)
{
	char name[WIRE_NAME_SIZE];
	struct node *home;
	bool adopted = false;
	int fd;

	if (!where_it_was(node, &home, name))
		return ESTALE;
	fd = openat(home->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	node_put(home);
	if (fd < 0)
		return ESTALE;
	pthread_mutex_lock(&node->share->lock);
	if (node->fd < 0 && node_is_still(node, fd)) {
		node->fd = fd;
		adopted = true;
		atomic_fetch_add(&guard.awake, 1);
		share_put_to_sleep(node->share);
	}
	fd = adopted ? -1 : fd;
	adopted = node->fd >= 0;
	pthread_mutex_unlock(&node->share->lock);
	if (fd >= 0)
		close(fd);
	return adopted ? 0 : ESTALE;
}

/* Nobody has it open, and nobody is about to use its descriptor: only ties refer to it. */
static bool may_sleep(struct node *node)
{
	unsigned ties = 0;

	if (node->fd < 0 || S_ISDIR(node->type) || !node->home)
		return false;
	for (struct tie *tie = node->ties; tie; tie = tie->next_of_node, ties++)
		if (tie->refs)
			return false;
	if (ties != node->refs)
		return false;
	if (node->used) { /* the next time, then */
		node->used = false;
		return false;
	}
	if (!node->key_known) {
		own_key_of(node->fd, &node->key);
		node->key_known = true;
	}
	return node->key.kind != OWN_KEY_NONE;
}

void share_put_to_sleep(struct share *share)
{
	unsigned slept = 0;

	if (atomic_load(&guard.awake) < guard.descriptors / 2)
		return;
	/* Twice around at most: once to see who is used, once to take who is not. */
	for (size_t steps = 0; slept < AT_ONCE && steps < 2 * share->bucket_count; steps++) {
		struct node *node = share->buckets[share->hand++ & (share->bucket_count - 1)];

		for (; node; node = node->next) {
			if (!may_sleep(node))
				continue;
			close(node->fd);
			node->fd = -1;
			atomic_fetch_sub(&guard.awake, 1);
			slept++;
		}
	}
}

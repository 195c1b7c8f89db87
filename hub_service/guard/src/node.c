/* The inodes of the store that somebody knows. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"
#include "locks.h"
#include "watch.h"

#define INSIDE_FOR 300000000 /* nanoseconds that "it is inside of its share" is believed */

static struct node **bucket_of(struct share *share, ino_t ino)
{
	uint64_t mixed = (uint64_t)ino * 0x9E3779B97F4A7C15U;

	return &share->buckets[(mixed >> 32) & (share->bucket_count - 1)];
}

static void share_make_room(struct share *share)
{
	struct node **old = share->buckets;
	size_t count = share->bucket_count;
	struct node **more;

	if (share->node_count < count)
		return;
	more = calloc(count * 4, sizeof(*more));
	if (!more)
		return; /* longer chains do as well */
	share->buckets = more;
	share->bucket_count = count * 4;
	for (size_t i = 0; i < count; i++) {
		while (old[i]) {
			struct node *node = old[i], **bucket;

			old[i] = node->next;
			bucket = bucket_of(share, node->ino);
			node->next = *bucket;
			*bucket = node;
		}
	}
	free(old);
}

static struct node *find_locked(struct share *share, ino_t ino)
{
	for (struct node *node = *bucket_of(share, ino); node; node = node->next)
		if (node->ino == ino)
			return node;
	return NULL;
}

static struct node *insert_locked(struct share *share, int fd, const struct stat *st)
{
	struct node *node = calloc(1, sizeof(*node)), **bucket;

	if (!node)
		return NULL;
	node->share = share;
	share_hold(share); /* who looks at a node may be the last who knows its share */
	node->fd = fd;
	node->ino = st->st_ino;
	node->type = st->st_mode & S_IFMT;
	node->refs = 1;
	pthread_mutex_init(&node->names, NULL);
	pthread_mutex_init(&node->claim, NULL);
	atomic_init(&node->watch, -1);
	atomic_init(&node->told_by, -1);
	atomic_init(&node->inside, clock_steady());
	atomic_fetch_add(&guard.awake, 1);
	share_put_to_sleep(share);
	share_make_room(share);
	bucket = bucket_of(share, node->ino);
	node->next = *bucket;
	*bucket = node;
	share->node_count++;
	return node;
}

static void take_out_locked(struct node *node)
{
	struct node **at = bucket_of(node->share, node->ino);

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	node->gone = true;
	node->share->node_count--;
}

struct node *node_get(struct share *share, int fd, const struct stat *st)
{
	struct node *node;

	pthread_mutex_lock(&share->lock);
	node = find_locked(share, st->st_ino);
	if (node && node->fd < 0 && !node_is_still(node, fd)) {
		take_out_locked(node);
		node = NULL;
	}
	if (node) {
		node->refs++;
		node->used = true;
		atomic_store(&node->inside, clock_steady());
		if (node->fd < 0) {
			node->fd = fd;
			atomic_fetch_add(&guard.awake, 1);
		} else {
			close(fd);
		}
	} else {
		node = insert_locked(share, fd, st);
		if (!node)
			close(fd);
	}
	pthread_mutex_unlock(&share->lock);
	return node;
}

struct node *node_find(struct share *share, ino_t ino)
{
	struct node *node;

	pthread_mutex_lock(&share->lock);
	node = find_locked(share, ino);
	if (node)
		node->refs++;
	pthread_mutex_unlock(&share->lock);
	return node;
}

void node_hold(struct node *node)
{
	pthread_mutex_lock(&node->share->lock);
	node->refs++;
	pthread_mutex_unlock(&node->share->lock);
}

int node_use(struct node *node)
{
	int error = 0;

	pthread_mutex_lock(&node->share->lock);
	node->refs++;
	node->used = true;
	if (node->fd < 0)
		error = ESTALE;
	pthread_mutex_unlock(&node->share->lock);
	if (error)
		error = node_wake(node);
	if (error)
		node_put(node);
	return error;
}

/* What was counted after the last name had gone goes with the file itself. */
bool node_grow(struct node *node, const struct stat *st, int64_t growth)
{
	if (!st->st_nlink && growth < -node->loose)
		growth = -node->loose; /* the rest was given back with its last name */
	if (!share_grow(node->share, growth))
		return false;
	if (!st->st_nlink)
		node->loose += growth;
	return true;
}

static void node_free(struct node *node)
{
	share_grow(node->share, -node->loose);
	watch_forget(node);
	locks_forget(node);
	if (node->fd >= 0) {
		close(node->fd);
		atomic_fetch_sub(&guard.awake, 1);
	}
	if (node->home)
		node_put(node->home);
	free(node->name);
	pthread_mutex_destroy(&node->names);
	pthread_mutex_destroy(&node->claim);
	share_put(node->share);
	free(node);
}

/* True: nobody has it any more, and it is out of the table. */
static bool let_go_locked(struct node *node)
{
	if (--node->refs)
		return false;
	if (!node->gone)
		take_out_locked(node);
	return true;
}

void node_put(struct node *node)
{
	struct share *share = node->share;
	bool last;

	pthread_mutex_lock(&share->lock);
	last = let_go_locked(node);
	pthread_mutex_unlock(&share->lock);
	if (last)
		node_free(node);
}

const struct own_key *node_key(struct node *node)
{
	struct share *share = node->share;
	struct own_key key;
	bool known;

	pthread_mutex_lock(&share->lock);
	known = node->key_known;
	pthread_mutex_unlock(&share->lock);
	if (known)
		return &node->key;
	own_key_of(node->fd, &key);
	pthread_mutex_lock(&share->lock);
	if (!node->key_known) {
		node->key = key;
		node->key_known = true;
	}
	pthread_mutex_unlock(&share->lock);
	return &node->key;
}

int node_open(struct node *node, int flags)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", node->fd);
	return openat(guard.proc_fd, number, flags | O_CLOEXEC | O_NOCTTY);
}

static ssize_t path_of(int fd, char *path, size_t size)
{
	char number[16];
	ssize_t length;

	snprintf(number, sizeof(number), "%d", fd);
	length = readlinkat(guard.proc_fd, number, path, size - 1);
	if (length >= 0)
		path[length] = 0;
	return length;
}

/* Is this path the share's top, or below it? share.lock is held. */
static bool is_below_top(struct share *share, const char *path, int64_t now)
{
	char top[PATH_MAX];
	size_t length;

	if (!share->top_path || now - share->top_asked > INSIDE_FOR) {
		if (path_of(share->top_fd, top, sizeof(top)) < 0)
			return false;
		free(share->top_path);
		share->top_path = strdup(top);
		share->top_asked = now;
	}
	if (!share->top_path)
		return false;
	length = strlen(share->top_path);
	if (length == 1)
		return true; /* "/": the share is a file system of its own */
	return !strncmp(path, share->top_path, length) && (path[length] == '/' || !path[length]);
}

/* For paths that are too long to be told: upwards, one directory after the other. */
static bool climbs_to_top(struct share *share, int fd)
{
	struct stat st;
	int at = openat(fd, ".", O_PATH | O_CLOEXEC);

	for (int steps = 0; at >= 0 && steps < PATH_MAX; steps++) {
		int up;
		ino_t here;

		if (fstat(at, &st) || st.st_dev != share->dev)
			break;
		if (st.st_ino == share->top_ino) {
			close(at);
			return true;
		}
		here = st.st_ino;
		up = openat(at, "..", O_PATH | O_CLOEXEC);
		close(at);
		at = up;
		if (at >= 0 && (fstat(at, &st) || st.st_ino == here))
			break;
	}
	if (at >= 0)
		close(at);
	return false;
}

/* What was moved out of the share (in the store, by somebody else) is not reachable any more,
 * whatever was opened before. */
bool node_is_inside(struct node *node)
{
	struct share *share = node->share;
	int64_t now = clock_steady();
	char path[PATH_MAX];
	bool inside;

	if (now - atomic_load(&node->inside) < INSIDE_FOR || node->ino == share->top_ino)
		return true;
	if (path_of(node->fd, path, sizeof(path)) < 0) {
		inside = S_ISDIR(node->type) && climbs_to_top(share, node->fd);
	} else {
		pthread_mutex_lock(&share->lock);
		inside = is_below_top(share, path, now);
		pthread_mutex_unlock(&share->lock);
	}
	if (inside)
		atomic_store(&node->inside, now);
	return inside;
}

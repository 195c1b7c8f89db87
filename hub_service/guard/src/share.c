/* Folders' trees, one for all sessions that see the folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "account.h"
#include "guard.h"

#define FIRST_BUCKETS 256

/* File systems of this machine's own. With all others somebody elsewhere may change a file, and
 * inotify says nothing. */
static bool file_system_tells(int fd)
{
	static const unsigned long known[] = {
		0xEF53,	    /* ext4 */
		0x58465342, /* xfs */
		0x9123683E, /* btrfs */
		0x01021994, /* tmpfs */
		0x794C7630, /* overlay */
		0xF2F52010, /* f2fs */
		0x2FC12FC1, /* zfs */
		0xCA451A4E, /* bcachefs */
	};
	struct statfs facts;

	if (fstatfs(fd, &facts))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((unsigned long)facts.f_type == known[i])
			return true;
	return false;
}

/* Who moves a directory does not wait for ever because others change names all the time. */
static void tree_lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t kind;

	pthread_rwlockattr_init(&kind);
	pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &kind);
	pthread_rwlockattr_destroy(&kind);
}

static struct share *share_new(const char *id, int top_fd, const struct stat *st)
{
	struct share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->buckets = calloc(FIRST_BUCKETS, sizeof(struct node *));
	share->bucket_count = FIRST_BUCKETS;
	share->own = own_folder_get(guard.own, id, true);
	if (!share->own) {
		note("What %s's people make is remembered only until this process ends: %s.", id, strerror(errno));
		share->own = own_folder_get(guard.own, id, false);
	}
	if (!share->buckets || !share->own) {
		if (share->own)
			own_folder_put(share->own);
		free(share->buckets);
		free(share);
		return NULL;
	}
	memcpy(share->id, id, sizeof(share->id));
	atomic_init(&share->refs, 1);
	share->top_fd = top_fd;
	share->dev = st->st_dev;
	share->top_ino = st->st_ino;
	share->tells = file_system_tells(top_fd);
	atomic_init(&share->limit, WIRE_NO_LIMIT);
	atomic_init(&share->account_fd, -1);
	pthread_mutex_init(&share->counting, NULL);
	pthread_mutex_init(&share->lock, NULL);
	tree_lock_init(&share->tree);
	return share;
}

static struct share *share_find(const char *id, const struct stat *st)
{
	for (struct share *share = guard.shares; share; share = share->next)
		if (!strcmp(share->id, id) && share->dev == st->st_dev && share->top_ino == st->st_ino)
			return share;
	return NULL;
}

/* Takes the descriptor when it gives a share. */
struct share *share_get(const char *id, int top_fd, int *error)
{
	struct share *share = NULL;
	struct stat st;

	*error = 0;
	if (fstat(top_fd, &st)) {
		*error = errno;
		return NULL;
	}
	if (!S_ISDIR(st.st_mode)) {
		*error = ENOTDIR;
		return NULL;
	}
	pthread_mutex_lock(&guard.lock);
	share = share_find(id, &st);
	if (share) {
		atomic_fetch_add(&share->refs, 1);
		close(top_fd);
	} else {
		share = share_new(id, top_fd, &st);
		if (share) {
			share->next = guard.shares;
			guard.shares = share;
		} else {
			*error = ENOMEM;
		}
	}
	pthread_mutex_unlock(&guard.lock);
	return share;
}

/* For who has a reference already. */
void share_hold(struct share *share)
{
	atomic_fetch_add_explicit(&share->refs, 1, memory_order_relaxed);
}

static bool is_put_easily(struct share *share)
{
	unsigned refs = atomic_load(&share->refs);

	while (refs > 1)
		if (atomic_compare_exchange_weak(&share->refs, &refs, refs - 1))
			return true;
	return false;
}

void share_put(struct share *share)
{
	struct share **at = &guard.shares;

	if (is_put_easily(share))
		return;
	pthread_mutex_lock(&guard.lock);
	if (atomic_fetch_sub(&share->refs, 1) != 1) {
		pthread_mutex_unlock(&guard.lock);
		return;
	}
	while (*at != share)
		at = &(*at)->next;
	*at = share->next;
	pthread_mutex_unlock(&guard.lock);
	own_folder_put(share->own);
	close(share->top_fd);
	if (share->account_fd >= 0)
		close(share->account_fd);
	pthread_mutex_destroy(&share->counting);
	pthread_mutex_destroy(&share->lock);
	pthread_rwlock_destroy(&share->tree);
	free(share->top_path);
	free(share->buckets);
	free(share);
}

uint64_t share_used(const struct share *share)
{
	return atomic_load(&share->used);
}

bool share_counts(const struct share *share)
{
	return atomic_load(&share->limit) != WIRE_NO_LIMIT || atomic_load(&share->account_fd) >= 0;
}

void share_set_account(struct share *share, int fd)
{
	int before;

	pthread_mutex_lock(&share->counting);
	before = atomic_exchange(&share->account_fd, fd);
	pthread_mutex_unlock(&share->counting);
	if (before >= 0)
		close(before);
}

/* Its lock keeps other processes away; threads of this one share the descriptor. */
static bool count_in_account(struct share *share, int64_t growth)
{
	bool room = true;

	pthread_mutex_lock(&share->counting);
	if (share->account_fd >= 0)
		room = account_grow(share->account_fd, share->id, growth);
	pthread_mutex_unlock(&share->counting);
	return room;
}

bool share_limit(struct share *share, uint64_t *limit, uint64_t *used)
{
	struct account_state state = {.limit = ACCOUNT_NO_LIMIT};

	*limit = atomic_load(&share->limit);
	*used = share_used(share);
	pthread_mutex_lock(&share->counting);
	if (share->account_fd >= 0 && !account_look(share->account_fd, &state))
		state.limit = ACCOUNT_NO_LIMIT;
	pthread_mutex_unlock(&share->counting);
	if (state.limit != ACCOUNT_NO_LIMIT && *limit == WIRE_NO_LIMIT) {
		*limit = state.limit;
		*used = state.used;
	}
	return *limit != WIRE_NO_LIMIT;
}

static bool grow_to_limit(struct share *share, int64_t growth)
{
	uint64_t limit = atomic_load(&share->limit), used = atomic_load(&share->used), then;

	do {
		if (growth < 0) {
			uint64_t less = (uint64_t)-growth;

			then = used > less ? used - less : 0;
		} else {
			then = used + (uint64_t)growth;
			if (growth > 0 && limit != WIRE_NO_LIMIT && then > limit)
				return false;
		}
	} while (!atomic_compare_exchange_weak(&share->used, &used, then));
	return true;
}

bool share_grow(struct share *share, int64_t growth)
{
	if (!growth)
		return true;
	if (!grow_to_limit(share, growth))
		return false;
	if (count_in_account(share, growth))
		return true;
	grow_to_limit(share, -growth);
	return false;
}

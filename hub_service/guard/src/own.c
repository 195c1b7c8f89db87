#include "own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "own_parts.h"

#define SECOND 1000000000LL

/* ---- the memory and its folders ------------------------------------------------------------ */

/* Two guards would each miss what the other remembers. One that was killed may take a moment
 * to be gone. */
static bool be_alone(int directory)
{
	for (int tries = 0; tries < 200; tries++) {
		if (flock(directory, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	return false;
}

struct own *own_open(int directory, const char *boot)
{
	struct own *own = calloc(1, sizeof *own);
	if (own == NULL)
		return NULL;
	pthread_mutex_init(&own->lock, NULL);
	strncpy(own->boot, boot, sizeof own->boot - 1);
	/* Opened again rather than duplicated: the lock is this opening's, and readable. */
	own->directory = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own->directory >= 0 && be_alone(own->directory))
		return own;
	int error = errno;
	own_close(own);
	errno = error;
	return NULL;
}

void own_close(struct own *own)
{
	if (own->directory >= 0)
		close(own->directory);
	pthread_mutex_destroy(&own->lock);
	free(own);
}

static void folder_free(struct own_folder *folder)
{
	if (atomic_load(&folder->fd) >= 0)
		close(atomic_load(&folder->fd));
	names_free(&folder->names);
	table_free(&folder->table);
	free(folder);
}

static void turn_init(pthread_rwlock_t *turn)
{
	pthread_rwlockattr_t how;
	pthread_rwlockattr_init(&how);
	pthread_rwlockattr_setkind_np(&how, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(turn, &how);
	pthread_rwlockattr_destroy(&how);
}

static struct own_folder *folder_load(struct own *own, const char *id, bool durable)
{
	struct own_folder *folder = calloc(1, sizeof *folder);
	if (folder == NULL)
		return NULL;
	folder->own = own;
	folder->durable = durable;
	folder->references = 1;
	atomic_store(&folder->fd, -1);
	strncpy(folder->folder, id, sizeof folder->folder - 1);
	turn_init(&folder->turn);
	pthread_mutex_init(&folder->names.lock, NULL);
	if (!durable)
		log_take_back(folder); /* it would miss what happens now */
	if (table_init(&folder->table, own_random()) && (!durable || log_load(folder)))
		return folder;
	int error = errno;
	folder_free(folder);
	errno = error;
	return NULL;
}

struct own_folder *own_folder_get(struct own *own, const char *id, bool durable)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	if (id[0] == '\0' || strspn(id, letters) != strlen(id) || strlen(id) >= sizeof own->folders->folder) {
		errno = EINVAL;
		return NULL;
	}
	pthread_mutex_lock(&own->lock);
	struct own_folder *folder = own->folders;
	while (folder && strcmp(folder->folder, id) != 0)
		folder = folder->next;
	if (folder) {
		folder->references++;
	} else if ((folder = folder_load(own, id, durable)) != NULL) {
		folder->next = own->folders;
		own->folders = folder;
	}
	pthread_mutex_unlock(&own->lock);
	return folder;
}

void own_folder_put(struct own_folder *folder)
{
	struct own *own = folder->own;
	pthread_mutex_lock(&own->lock);
	if (--folder->references == 0) {
		struct own_folder **at = &own->folders;
		while (*at != folder)
			at = &(*at)->next;
		*at = folder->next;
		log_seal(folder);
		folder_free(folder);
	}
	pthread_mutex_unlock(&own->lock);
}

bool own_who(struct own_folder *folder, const char *person, const char *grant, struct own_who *who)
{
	return name_number(&folder->names, NAME_PERSON, person, &who->person) &&
	       name_number(&folder->names, NAME_GRANT, grant, &who->grant);
}

/* ---- changes -------------------------------------------------------------------------------- */

/* One change or question: the folder's turn, and the key's shard. */
struct turn {
	struct own_folder *folder;
	const struct own_key *key;
	uint64_t hash;
	struct shard *shard;
	struct entry *entry; /* NULL: nothing is known of the key */
};

static void mend(struct own_folder *folder, bool making)
{
	if (!log_must_be_rewritten(folder, making))
		return;
	pthread_rwlock_wrlock(&folder->turn);
	if (log_must_be_rewritten(folder, making))
		log_rewrite(folder);
	pthread_rwlock_unlock(&folder->turn);
}

static bool begin(struct turn *turn, struct own_folder *folder, const struct own_key *key, bool making)
{
	if (key->kind == OWN_KEY_NONE)
		return false;
	mend(folder, making);
	pthread_rwlock_rdlock(&folder->turn);
	uint64_t hash = table_hash(&folder->table, key);
	struct shard *shard = table_shard(&folder->table, hash);
	pthread_mutex_lock(&shard->lock);
	*turn = (struct turn){ folder, key, hash, shard, shard_find(shard, hash, key) };
	return true;
}

static void end(struct turn *turn)
{
	pthread_mutex_unlock(&turn->shard->lock);
	pthread_rwlock_unlock(&turn->folder->turn);
	if (atomic_load(&turn->folder->broken))
		mend(turn->folder, false);
}

static void say(struct turn *turn, enum op op, int64_t moment)
{
	struct record record = { .op = (uint8_t)op, .moment = moment };
	record_key(&record, turn->key);
	log_append(turn->folder, &record, 1);
}

static void say_made(struct turn *turn)
{
	struct record record;
	log_name(turn->folder, turn->entry->who.person);
	log_name(turn->folder, turn->entry->who.grant);
	made_record(&record, turn->entry);
	log_append(turn->folder, &record, 1);
}

void own_made(struct own_folder *folder, const struct own_key *key, struct own_who who, int64_t now)
{
	struct turn turn;
	if (!begin(&turn, folder, key, true))
		return;
	if (turn.entry == NULL)
		turn.entry = table_put(&folder->table, turn.shard, turn.hash, key);
	if (turn.entry) {
		turn.entry->who = who;
		turn.entry->closed = turn.entry->logged = now;
		turn.entry->opens = 0;
		turn.entry->seen = false;
		say_made(&turn);
	}
	end(&turn);
}

void own_opened(struct own_folder *folder, const struct own_key *key, struct own_who who)
{
	struct turn turn;
	if (!begin(&turn, folder, key, false))
		return;
	if (turn.entry && turn.entry->who.person == who.person) {
		turn.entry->opens++;
	} else if (turn.entry && !turn.entry->seen) {
		turn.entry->seen = true;
		say(&turn, OP_SEEN, 0);
	}
	end(&turn);
}

void own_closed(struct own_folder *folder, const struct own_key *key, struct own_who who, int64_t now)
{
	struct turn turn;
	if (!begin(&turn, folder, key, false))
		return;
	if (turn.entry && turn.entry->who.person == who.person && turn.entry->opens > 0 && --turn.entry->opens == 0) {
		/* Within the same second the log may know the earlier moment alone. */
		bool later = now - turn.entry->logged >= SECOND || now < turn.entry->logged;
		turn.entry->closed = now;
		if (later && !turn.entry->seen) {
			turn.entry->logged = now;
			say(&turn, OP_CLOSED, now);
		}
	}
	end(&turn);
}

void own_forgotten(struct own_folder *folder, const struct own_key *key)
{
	struct turn turn;
	if (!begin(&turn, folder, key, false))
		return;
	if (turn.entry) {
		say(&turn, OP_GONE, 0);
		table_take(&folder->table, turn.shard, turn.entry);
	}
	end(&turn);
}

bool own_establish(struct own_folder *folder, const struct own_key *key, struct own_was *was)
{
	struct turn turn;
	*was = (struct own_was){ .known = false };
	if (!begin(&turn, folder, key, false))
		return true;
	if (turn.entry) {
		*was = (struct own_was){ true, turn.entry->seen, turn.entry->opens, turn.entry->who, turn.entry->closed };
		say(&turn, OP_GONE, 0);
		table_take(&folder->table, turn.shard, turn.entry);
	}
	pthread_mutex_unlock(&turn.shard->lock);
	if (was->known)
		log_sync(folder);
	pthread_rwlock_unlock(&folder->turn);
	mend(folder, false);
	return !was->known || !(atomic_load(&folder->broken) || atomic_load(&folder->poisoned));
}

void own_put_back(struct own_folder *folder, const struct own_key *key, const struct own_was *was)
{
	struct turn turn;
	if (!was->known || !begin(&turn, folder, key, true))
		return;
	if (turn.entry == NULL && (turn.entry = table_put(&folder->table, turn.shard, turn.hash, key)) != NULL) {
		turn.entry->who = was->who;
		turn.entry->closed = turn.entry->logged = was->closed;
		turn.entry->opens = was->opens;
		turn.entry->seen = was->seen;
		say_made(&turn);
	}
	end(&turn);
}

void own_grant_ended(struct own_folder *folder, const char *grant)
{
	pthread_rwlock_rdlock(&folder->turn);
	pthread_mutex_lock(&folder->names.lock);
	for (uint32_t i = 0; i < folder->names.top; i++) {
		struct name *name = name_at(&folder->names, i);
		if (name == NULL || name->kind != NAME_GRANT || strcmp(name->text, grant) != 0)
			continue;
		struct record record = { .op = OP_ENDED, .grant = i };
		if (!atomic_exchange(&name->ended, true) && atomic_load(&name->logged))
			log_append(folder, &record, 1);
	}
	pthread_mutex_unlock(&folder->names.lock);
	pthread_rwlock_unlock(&folder->turn);
	mend(folder, false);
}

/* ---- questions ------------------------------------------------------------------------------ */

static bool is_own(struct turn *turn, struct own_who who)
{
	return turn->entry && turn->entry->who.person == who.person && turn->entry->who.grant == who.grant &&
	       name_is_live(&turn->folder->names, who.grant);
}

bool own_is_own(struct own_folder *folder, const struct own_key *key, struct own_who who)
{
	struct turn turn;
	if (!begin(&turn, folder, key, false))
		return false;
	bool answer = is_own(&turn, who);
	end(&turn);
	return answer;
}

bool own_is_fresh(struct own_folder *folder, const struct own_key *key, struct own_who who, int64_t now,
		  int64_t fresh_for)
{
	struct turn turn;
	if (!begin(&turn, folder, key, false))
		return false;
	bool answer = is_own(&turn, who) && !turn.entry->seen;
	if (answer && turn.entry->opens == 0 && fresh_for != OWN_ALWAYS_FRESH) {
		/* A clock that was set back does not make everything young. */
		int64_t age = now > turn.entry->closed ? now - turn.entry->closed : turn.entry->closed - now;
		answer = age < fresh_for;
	}
	end(&turn);
	return answer;
}

void own_count(struct own_folder *folder, struct own_counts *counts)
{
	counts->known = atomic_load(&folder->table.known);
	counts->records = atomic_load(&folder->records);
	counts->durable = atomic_load(&folder->fd) >= 0 && !atomic_load(&folder->broken);
}

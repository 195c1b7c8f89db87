#include "own_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Not a cipher: it spreads keys over buckets, and tells a record from what is none. Each step
 * can be undone, so two records that differ in one word never meet before the last fold. */
uint64_t own_mix(uint64_t seed, const void *bytes, size_t length)
{
	uint64_t h = seed ^ (length * 0x9E3779B97F4A7C15u);
	const unsigned char *at = bytes;
	while (length > 0) {
		uint64_t word = 0;
		size_t piece = length < sizeof word ? length : sizeof word;
		memcpy(&word, at, piece);
		word *= 0xC6A4A7935BD1E995u;
		word ^= word >> 47;
		h = (h ^ (word * 0xC6A4A7935BD1E995u)) * 0x9FB21C651E98DF25u;
		h ^= h >> 35;
		at += piece;
		length -= piece;
	}
	h *= 0xFF51AFD7ED558CCDu;
	return h ^ (h >> 33);
}

uint64_t own_random(void)
{
	uint64_t value = 0;
	if (getrandom(&value, sizeof value, 0) != sizeof value)
		value = (uint64_t)(uintptr_t)&value; /* it only salts */
	return value;
}

/* ---- names -------------------------------------------------------------------------------- */

static struct name *slot(struct names *names, uint32_t number, bool make)
{
	if (number >= NAMES)
		return NULL;
	struct name *chunk = atomic_load_explicit(&names->chunks[number / NAME_CHUNK], memory_order_acquire);
	if (chunk == NULL && make) {
		chunk = calloc(NAME_CHUNK, sizeof *chunk);
		atomic_store_explicit(&names->chunks[number / NAME_CHUNK], chunk, memory_order_release);
	}
	return chunk ? &chunk[number % NAME_CHUNK] : NULL;
}

struct name *name_at(struct names *names, uint32_t number)
{
	struct name *name = slot(names, number, false);
	return name && name->text ? name : NULL;
}

bool name_is_live(struct names *names, uint32_t number)
{
	struct name *name = name_at(names, number);
	return name && !atomic_load(&name->ended);
}

bool name_define(struct names *names, uint32_t number, enum name_kind kind, const char *text, uint32_t length)
{
	struct name *name = slot(names, number, true);
	if (name == NULL || name->text)
		return false;
	char *copy = malloc(length + 1u);
	if (copy == NULL)
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	*name = (struct name){ .text = copy, .length = length, .kind = kind };
	if (number >= names->top)
		names->top = number + 1;
	return true;
}

bool name_number(struct names *names, enum name_kind kind, const char *text, uint32_t *number)
{
	size_t length = strlen(text);
	bool found = length > 0 && length <= NAME_MAX_LENGTH;
	if (!found)
		return false;
	pthread_mutex_lock(&names->lock);
	uint32_t i = 0, free_number = names->top;
	for (found = false; i < names->top; i++) {
		struct name *name = name_at(names, i);
		if (name == NULL) {
			free_number = i;
		} else if (name->kind == kind && !atomic_load(&name->ended) && strcmp(name->text, text) == 0) {
			found = true;
			break;
		}
	}
	*number = found ? i : free_number;
	if (!found)
		found = name_define(names, free_number, kind, text, (uint32_t)length);
	pthread_mutex_unlock(&names->lock);
	return found;
}

void names_free(struct names *names)
{
	for (size_t i = 0; i < NAME_CHUNKS; i++) {
		struct name *chunk = atomic_load(&names->chunks[i]);
		for (size_t j = 0; chunk && j < NAME_CHUNK; j++)
			free(chunk[j].text);
		free(chunk);
		atomic_store(&names->chunks[i], NULL);
	}
	names->top = 0;
}

/* ---- keys --------------------------------------------------------------------------------- */

bool table_init(struct table *table, uint64_t seed)
{
	table->seed = seed;
	atomic_store(&table->known, 0);
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &table->shards[i];
		*shard = (struct shard){ .size = 16, .buckets = calloc(16, sizeof *shard->buckets) };
		if (shard->buckets == NULL)
			return false;
		pthread_mutex_init(&shard->lock, NULL);
	}
	return true;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &table->shards[i];
		for (size_t j = 0; shard->buckets && j < shard->size; j++) {
			for (struct entry *entry = shard->buckets[j], *next; entry; entry = next) {
				next = entry->next;
				free(entry);
			}
		}
		free(shard->buckets);
		*shard = (struct shard){ .size = 0 };
	}
}

uint64_t table_hash(const struct table *table, const struct own_key *key)
{
	uint64_t seed = table->seed ^ ((uint64_t)(uint32_t)key->type << 8) ^ key->kind;
	return own_mix(seed, key->bytes, key->length);
}

struct shard *table_shard(struct table *table, uint64_t hash) { return &table->shards[hash % SHARDS]; }

static struct entry **bucket(struct shard *shard, uint64_t hash)
{
	return &shard->buckets[(hash / SHARDS) & (shard->size - 1)];
}

struct entry *shard_find(struct shard *shard, uint64_t hash, const struct own_key *key)
{
	for (struct entry *entry = *bucket(shard, hash); entry; entry = entry->next) {
		if (entry->hash == hash && entry->kind == key->kind && entry->type == key->type &&
		    entry->length == key->length && memcmp(entry->bytes, key->bytes, key->length) == 0)
			return entry;
	}
	return NULL;
}

static void grow(struct shard *shard)
{
	struct shard old = { .buckets = shard->buckets, .size = shard->size };
	struct entry **wider = calloc(old.size * 2, sizeof *wider);
	if (wider == NULL)
		return; /* longer chains do as well */
	shard->buckets = wider;
	shard->size = old.size * 2;
	for (size_t i = 0; i < old.size; i++) {
		for (struct entry *entry = old.buckets[i], *next; entry; entry = next) {
			next = entry->next;
			struct entry **at = bucket(shard, entry->hash);
			entry->next = *at;
			*at = entry;
		}
	}
	free(old.buckets);
}

/* A new entry for a key that has none. */
struct entry *table_put(struct table *table, struct shard *shard, uint64_t hash, const struct own_key *key)
{
	struct entry *entry = calloc(1, sizeof *entry + key->length);
	if (entry == NULL)
		return NULL;
	entry->hash = hash;
	entry->kind = key->kind;
	entry->type = key->type;
	entry->length = key->length;
	memcpy(entry->bytes, key->bytes, key->length);
	if (shard->count >= shard->size)
		grow(shard);
	struct entry **at = bucket(shard, hash);
	entry->next = *at;
	*at = entry;
	shard->count++;
	atomic_fetch_add(&table->known, 1);
	return entry;
}

void table_take(struct table *table, struct shard *shard, struct entry *entry)
{
	struct entry **at = bucket(shard, entry->hash);
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	free(entry);
	shard->count--;
	atomic_fetch_sub(&table->known, 1);
}

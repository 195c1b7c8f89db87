#include "expect.h"

#include <stdlib.h>

#define BUCKETS 1024
#define PATIENCE 5000000000 /* nanoseconds; events come within a fraction of that */

struct expected {
	struct expected *next;
	int watch;
	uint64_t name;
	uint32_t what;
	ino_t ino;
	int64_t since;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct expected *table[BUCKETS];

static uint64_t hash_of(const char *name)
{
	uint64_t hash = 0xCBF29CE484222325U;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001B3U;
	return hash;
}

void expect(int watch, const char *name, uint32_t what, ino_t ino)
{
	struct expected *one = malloc(sizeof(*one));
	uint64_t hash = hash_of(name);

	if (!one)
		return; /* then it is taken for somebody else's, which costs a look-up */
	*one = (struct expected){NULL, watch, hash, what, ino, clock_steady()};
	pthread_mutex_lock(&lock);
	one->next = table[hash % BUCKETS];
	table[hash % BUCKETS] = one;
	pthread_mutex_unlock(&lock);
}

static bool is_of(const struct expected *one, int watch, uint64_t hash, uint32_t what)
{
	return one->watch == watch && one->name == hash && one->what == what;
}

/* The newest comes first in its bucket. */
bool expect_met(int watch, const char *name, uint32_t what, ino_t ino)
{
	uint64_t hash = hash_of(name);
	int64_t now = clock_steady();
	bool found = false, met = false;

	pthread_mutex_lock(&lock);
	for (struct expected **at = &table[hash % BUCKETS]; *at;) {
		struct expected *one = *at;
		bool is_late = now - one->since > PATIENCE;
		bool is_this = !is_late && is_of(one, watch, hash, what) && (!found || ino);

		if (!is_late && !is_this) {
			at = &one->next;
			continue;
		}
		met = met || (is_this && !found && one->ino == ino);
		found = found || is_this;
		*at = one->next;
		free(one);
	}
	pthread_mutex_unlock(&lock);
	return met;
}

void expect_nothing(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		while (table[i]) {
			struct expected *one = table[i];

			table[i] = one->next;
			free(one);
		}
	}
	pthread_mutex_unlock(&lock);
}

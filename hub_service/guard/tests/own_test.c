/* What the memory answers while nothing goes wrong, after other boots, and with damaged logs.
 * (own_key_test.c: real files. own_crash_test.c: when the guard dies.) */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "own_model.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define NEXT_BOOT "22222222-2222-3333-4444-555555555555"
#define LOG MODEL_FOLDER ".own"
#define NOW (1700000000 * SECOND)

static char state_path[] = "/tmp/own-test-XXXXXX";
static int state;
static struct own *own;
static struct own_folder *folder;
static struct own_who ben, ana, ben_again;

static void start(const char *boot)
{
	MUST((own = own_open(state, boot)) != NULL);
	MUST((folder = own_folder_get(own, MODEL_FOLDER, true)) != NULL);
	MUST(own_who(folder, "ben", "gnt_00000000000000000000000000", &ben));
	MUST(own_who(folder, "ana", "owner", &ana));
	MUST(own_who(folder, "ben", "gnt_11111111111111111111111111", &ben_again));
}

static void stop(void)
{
	own_folder_put(folder);
	own_close(own);
}

/* The log as it is when the guard is killed: without the seal that stop() adds. */
static void stop_as_if_killed(void)
{
	static char bytes[1 << 24];
	int log = openat(state, LOG, O_RDONLY | O_CLOEXEC);
	ssize_t length = log >= 0 ? read(log, bytes, sizeof bytes) : 0;
	close(log);
	stop();
	log = openat(state, LOG, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);
	MUST(write(log, bytes, (size_t)length) == length && close(log) == 0);
}

static void anew(const char *boot)
{
	unlinkat(state, LOG, 0);
	start(boot);
}

static bool is_fresh(const struct own_key *key, struct own_who who, int64_t now)
{
	return own_is_fresh(folder, key, who, now, FRESH_FOR);
}

/* ---- the rules ------------------------------------------------------------------------------ */

static struct own_was was;

static void makes(const struct own_key *key) { own_made(folder, key, ben, NOW); }
static void makes_and_opens(const struct own_key *key) { makes(key), own_opened(folder, key, ben); }
static void closes(const struct own_key *key) { own_closed(folder, key, ben, NOW + 30 * SECOND); }
static void makes_opens_closes(const struct own_key *key) { makes_and_opens(key), closes(key); }
static void closes_one_of_two(const struct own_key *key) { makes_and_opens(key), own_opened(folder, key, ben), closes(key); }
static void another_opens(const struct own_key *key) { makes_and_opens(key), own_opened(folder, key, ana); }
static void another_closes(const struct own_key *key) { makes_and_opens(key), own_closed(folder, key, ana, NOW); }
static void same_person_opens(const struct own_key *key) { makes(key), own_opened(folder, key, ben_again); }
static void forgets(const struct own_key *key) { makes(key), own_forgotten(folder, key); }
static void establishes(const struct own_key *key) { makes_and_opens(key), own_establish(folder, key, &was); }
static void puts_back(const struct own_key *key) { establishes(key), own_put_back(folder, key, &was); }
static void another_makes(const struct own_key *key) { another_opens(key), own_made(folder, key, ana, NOW); }
static void grant_ends(const struct own_key *key) { makes(key), own_grant_ended(folder, "gnt_00000000000000000000000000"); }
static void other_grant_ends(const struct own_key *key) { makes(key), own_grant_ended(folder, "owner"); }
static void made_before(const struct own_key *key) { own_made(folder, key, ben, NOW - 60 * SECOND); }
static void made_in_the_future(const struct own_key *key) { own_made(folder, key, ben, NOW + 3600 * SECOND); }
static void nothing(const struct own_key *key) { (void)key; }

static const struct {
	const char *because;
	void (*act)(const struct own_key *key);
	bool own, fresh_at_once, fresh_later; /* for ben; later: a minute */
} rules[] = {
	{ "nobody made it here", nothing, false, false, false },
	{ "made, never opened", makes, true, true, false },
	{ "made long ago", made_before, true, false, false },
	{ "made when the clock was wrong", made_in_the_future, true, false, false },
	{ "still open by its maker", makes_and_opens, true, true, true },
	{ "closed half a minute later", makes_opens_closes, true, false, false },
	{ "open twice, closed once", closes_one_of_two, true, true, true },
	{ "somebody else opened it", another_opens, true, false, false },
	{ "somebody else closed what they never opened", another_closes, true, true, true },
	{ "the same person opened it under another grant", same_person_opens, true, true, true },
	{ "its last name went", forgets, false, false, false },
	{ "renamed over somebody else's", establishes, false, false, false },
	{ "a rename that failed", puts_back, true, true, true },
	{ "made again by somebody else", another_makes, false, false, false },
	{ "the grant ended", grant_ends, false, false, false },
	{ "another grant ended", other_grant_ends, true, true, false },
};

static void all_rules(void)
{
	struct own_key key = file_key(0), other = file_key(1);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		const char *because = rules[i].because;
		anew(BOOT);
		rules[i].act(&key);
		CHECK(own_is_own(folder, &key, ben) == rules[i].own, "own: %s", because);
		CHECK(is_fresh(&key, ben, NOW) == rules[i].fresh_at_once, "fresh: %s", because);
		CHECK(is_fresh(&key, ben, NOW + 60 * SECOND) == rules[i].fresh_later, "fresh later: %s", because);
		CHECK(!own_is_own(folder, &key, ben_again), "the other grant's: %s", because);
		CHECK(!own_is_own(folder, &other, ben), "another file: %s", because);
		stop_as_if_killed();
		start(BOOT);
		CHECK(own_is_own(folder, &key, ben) == rules[i].own, "own after a restart: %s", because);
		CHECK(!is_fresh(&key, ben, NOW + 90 * SECOND), "fresh long after a restart: %s", because);
		stop();
	}
}

static void for_ever_fresh(void)
{
	struct own_key key = file_key(0);
	anew(BOOT);
	own_made(folder, &key, ben, NOW);
	CHECK(own_is_fresh(folder, &key, ben, NOW + 1000000 * SECOND, OWN_ALWAYS_FRESH), "makers may always delete");
	own_opened(folder, &key, ana);
	CHECK(!own_is_fresh(folder, &key, ben, NOW, OWN_ALWAYS_FRESH), "but not what others have opened");
	stop();
}

/* A grant that ended and is given again, with the same word, gives nothing back. */
static void the_same_word_again(void)
{
	struct own_key key = file_key(0), later = file_key(1);
	struct own_who again;
	anew(BOOT);
	own_made(folder, &key, ana, NOW);
	own_grant_ended(folder, "owner");
	MUST(own_who(folder, "ana", "owner", &again));
	CHECK(!own_is_own(folder, &key, again), "made under the grant before");
	own_made(folder, &later, ana, NOW);
	CHECK(!own_is_own(folder, &later, ana), "made late under the grant that ended");
	own_made(folder, &key, again, NOW);
	stop_as_if_killed();
	start(BOOT);
	CHECK(own_is_own(folder, &key, ana), "made under the new one");
	CHECK(!own_is_own(folder, &later, ana), "made late, after a restart");
	stop();
}

static void keys_that_are_none(void)
{
	struct own_key none = { .kind = OWN_KEY_NONE };
	anew(BOOT);
	own_made(folder, &none, ben, NOW);
	CHECK(!own_is_own(folder, &none, ben), "what can't be told apart is nobody's own");
	CHECK(own_establish(folder, &none, &was) && !was.known, "and can be made established");
	stop();
	errno = 0;
	MUST((own = own_open(state, BOOT)) != NULL);
	CHECK(own_folder_get(own, "../fld", true) == NULL && errno == EINVAL, "a path as folder");
	CHECK(own_folder_get(own, "", true) == NULL && errno == EINVAL, "no folder");
	own_close(own);
}

/* ---- boots ---------------------------------------------------------------------------------- */

static void after_boots(void)
{
	struct own_key key = file_key(0);
	anew(BOOT);
	own_made(folder, &key, ben, NOW);
	stop_as_if_killed();
	start(NEXT_BOOT);
	CHECK(own_is_own(folder, &key, ben), "a power failure takes no ownership");
	CHECK(!is_fresh(&key, ben, NOW), "but nobody knows who has opened it since");
	own_opened(folder, &key, ben);
	CHECK(!is_fresh(&key, ben, NOW), "and opening it again tells nothing");
	stop();
	anew(BOOT);
	own_made(folder, &key, ben, NOW);
	stop();
	start(NEXT_BOOT);
	CHECK(is_fresh(&key, ben, NOW), "after an end in order everything is known");
	stop_as_if_killed();
	start(BOOT);
	CHECK(!is_fresh(&key, ben, NOW), "the seal was good once");
	stop();
	anew("");
	own_made(folder, &key, ben, NOW);
	stop_as_if_killed();
	start("");
	CHECK(own_is_own(folder, &key, ben) && !is_fresh(&key, ben, NOW), "a system that does not name its boots");
	stop();
}

/* ---- damage --------------------------------------------------------------------------------- */

static off_t log_length(void)
{
	struct stat about;
	return fstatat(state, LOG, &about, 0) == 0 ? about.st_size : 0;
}

static void damage(off_t at)
{
	char byte;
	int log = openat(state, LOG, O_RDWR | O_CLOEXEC);
	MUST(log >= 0 && pread(log, &byte, 1, at) == 1);
	byte = (char)(byte ^ 0x24);
	MUST(pwrite(log, &byte, 1, at) == 1 && close(log) == 0);
}

/* A log in which file 0 is ben's, file 1 was made established, and file 2 is ben's. */
static off_t example(void)
{
	struct own_key keys[] = { file_key(0), file_key(1), file_key(2) };
	anew(BOOT);
	own_made(folder, &keys[0], ben, NOW);
	own_made(folder, &keys[1], ben, NOW);
	own_establish(folder, &keys[1], &was);
	own_made(folder, &keys[2], ben, NOW);
	stop_as_if_killed();
	return log_length();
}

static int how_many_own(const char *boot)
{
	int count = 0;
	start(boot);
	struct own_key established = file_key(1);
	CHECK(!own_is_own(folder, &established, ben), "what was made established came back");
	for (int f = 0; f < FILES; f++) {
		struct own_key key = file_key(f);
		count += own_is_own(folder, &key, ben);
		CHECK(!own_is_own(folder, &key, ana) && !own_is_own(folder, &key, ben_again), "somebody else's");
	}
	stop();
	return count;
}

static void damaged_bytes(void)
{
	off_t length = example();
	MUST(how_many_own(BOOT) == 2);
	for (off_t at = 0; at < length; at += 7) {
		example();
		damage(at);
		CHECK(how_many_own(BOOT) == 0, "byte %jd is damaged, and no power failure was there", (intmax_t)at);
		example();
		damage(at);
		int left = how_many_own(NEXT_BOOT), expected = at >= length - 96 ? 1 : 0;
		CHECK(left == expected, "byte %jd is damaged after a boot: %d", (intmax_t)at, left);
	}
}

static void cut(off_t length)
{
	int log = openat(state, LOG, O_WRONLY | O_CLOEXEC);
	MUST(log >= 0 && ftruncate(log, length) == 0 && close(log) == 0);
}

static void cut_logs(void)
{
	off_t length = example();
	for (off_t at = 0; at < length; at++) {
		example();
		cut(at);
		/* What a cut leaves behind the record that established file 1, or before it was made. */
		start(BOOT);
		struct own_key first = file_key(0), last = file_key(2);
		CHECK(!own_is_own(folder, &last, ben), "cut at %jd: the last record is torn", (intmax_t)at);
		CHECK(own_is_own(folder, &first, ben) == (at >= length - 3 * 96), "cut at %jd", (intmax_t)at);
		own_made(folder, &last, ben, NOW);
		stop_as_if_killed();
		start(BOOT);
		CHECK(own_is_own(folder, &last, ben), "cut at %jd: it goes on", (intmax_t)at);
		stop();
	}
}

static void logs_of_others(void)
{
	example();
	MUST(renameat(state, LOG, state, "fld_another.own") == 0);
	MUST((own = own_open(state, BOOT)) != NULL && (folder = own_folder_get(own, "fld_another", true)) != NULL);
	struct own_key key = file_key(0);
	MUST(own_who(folder, "ben", "gnt_00000000000000000000000000", &ben));
	CHECK(!own_is_own(folder, &key, ben), "another folder's log is not believed");
	stop();
	unlinkat(state, "fld_another.own", 0);
	MUST(symlinkat("/etc/passwd", state, LOG) == 0);
	MUST((own = own_open(state, BOOT)) != NULL);
	CHECK(own_folder_get(own, MODEL_FOLDER, true) == NULL, "a link is not followed");
	CHECK((folder = own_folder_get(own, MODEL_FOLDER, false)) != NULL, "it can do without");
	stop();
}

/* ---- several at once -------------------------------------------------------------------------- */

#define THREADS 6
#define EACH 3000

static struct own_key numbered(uint64_t number)
{
	struct own_key key = { .kind = OWN_KEY_HANDLE, .type = 1, .length = 8 };
	memcpy(key.bytes, &number, sizeof number);
	return key;
}

static void *storm(void *argument)
{
	const uint64_t thread = (uint64_t)(uintptr_t)argument;
	struct own_who who;
	struct own_was mine;
	for (uint64_t i = 0; i < EACH; i++) {
		char grant[20];
		snprintf(grant, sizeof grant, "gnt_%d", (int)(i % 50));
		MUST(own_who(folder, "ben", grant, &who));
		struct own_key key = numbered(thread * EACH + i), shared = numbered(1000000 + i % 10);
		own_made(folder, &key, ben, NOW);
		own_opened(folder, &key, ben);
		own_opened(folder, &shared, who);
		own_closed(folder, &key, ben, NOW);
		own_made(folder, &shared, who, NOW);
		if (i % 3 == 0)
			own_forgotten(folder, &key);
		if (i % 500 == 0)
			own_establish(folder, &shared, &mine), own_grant_ended(folder, grant);
	}
	return NULL;
}

static void storms(void)
{
	pthread_t threads[THREADS];
	struct timespec before, after;
	anew(BOOT);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (uintptr_t i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, storm, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &after);
	stop_as_if_killed();
	start(BOOT);
	for (uint64_t i = 0; i < THREADS * EACH; i++) {
		struct own_key key = numbered(i);
		CHECK(own_is_own(folder, &key, ben) == (i % EACH % 3 != 0), "file %ju of a storm", (uintmax_t)i);
	}
	stop();
	double took = (double)(after.tv_sec - before.tv_sec) * 1e6 + (double)(after.tv_nsec - before.tv_nsec) / 1e3;
	fprintf(stderr, "%.1f microseconds for each file made, opened, closed (and another one).\n", took / (THREADS * EACH));
}

int main(void)
{
	/* A disk would be waited for, a thousand times. */
	if (access("/dev/shm", W_OK) == 0)
		memcpy(state_path, "/dev/shm/own-XXXXXX", sizeof "/dev/shm/own-XXXXXX");
	MUST(mkdtemp(state_path) && (state = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	all_rules();
	for_ever_fresh();
	the_same_word_again();
	keys_that_are_none();
	after_boots();
	damaged_bytes();
	cut_logs();
	logs_of_others();
	storms();
	unlinkat(state, LOG, 0);
	unlinkat(state, LOG ".new", 0);
	rmdir(state_path);
	return verdict();
}

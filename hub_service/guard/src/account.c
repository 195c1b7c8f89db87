#include "account.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD 64
#define RECORDS_AT_ONCE 64
#define ID_SIZE 32
#define LIMIT_AT 8
#define USED_AT 32
#define MOVED_AT 40

/* What one look through the file finds. */
struct found {
	struct account_state state;
	off_t at; /* of the folder's record; 0: it has none */
	uint64_t used, moved;
};

static uint64_t number_at(const char *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return le64toh(number);
}

bool account_is_one(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static void take_record(const char *record, off_t at, const char *folder, struct found *found)
{
	if (!record[0])
		return;
	found->state.used += number_at(record + USED_AT);
	if (folder && !strncmp(record, folder, ID_SIZE)) {
		found->at = at;
		found->used = number_at(record + USED_AT);
		found->moved = number_at(record + MOVED_AT);
	}
}

static bool look(int fd, const char *folder, struct found *found)
{
	char bytes[RECORD * RECORDS_AT_ONCE];
	off_t at = RECORD;
	ssize_t got = pread(fd, bytes, RECORD, 0);

	memset(found, 0, sizeof(*found));
	if (got != RECORD || memcmp(bytes, "VMSACCT1", LIMIT_AT) != 0)
		return false;
	found->state.limit = number_at(bytes + LIMIT_AT);
	while ((got = pread(fd, bytes, sizeof(bytes), at)) >= RECORD) {
		for (ssize_t i = 0; i + RECORD <= got; i += RECORD)
			take_record(bytes + i, at + i, folder, found);
		at += got - got % RECORD;
	}
	return got >= 0;
}

/* One write, so that whoever is killed leaves whole numbers. */
static void put(int fd, const struct found *found, int64_t growth)
{
	uint64_t change = growth < 0 ? (uint64_t)-growth : (uint64_t)growth;
	uint64_t numbers[2];
	ssize_t wrote;

	if (growth < 0)
		numbers[0] = htole64(found->used > change ? found->used - change : 0);
	else
		numbers[0] = htole64(found->used + change);
	numbers[1] = htole64(found->moved + change);
	wrote = pwrite(fd, numbers, sizeof(numbers), found->at + USED_AT);
	(void)wrote; /* a disk that refuses this is mended by the next count */
}

static bool fits(const struct account_state *state, int64_t growth)
{
	if (growth <= 0 || state->limit == ACCOUNT_NO_LIMIT)
		return true;
	return state->used <= state->limit && (uint64_t)growth <= state->limit - state->used;
}

static bool lock(int fd, int how)
{
	while (flock(fd, how))
		if (errno != EINTR)
			return false;
	return true;
}

bool account_grow(int fd, const char *folder, int64_t growth)
{
	struct found found;
	bool room = true;

	if (!growth || !lock(fd, LOCK_EX))
		return true;
	if (look(fd, folder, &found)) {
		room = fits(&found.state, growth);
		if (room && found.at)
			put(fd, &found, growth);
	}
	lock(fd, LOCK_UN);
	return room;
}

bool account_look(int fd, struct account_state *state)
{
	struct found found;
	bool seen;

	if (!lock(fd, LOCK_SH))
		return false;
	seen = look(fd, NULL, &found);
	lock(fd, LOCK_UN);
	*state = found.state;
	return seen;
}

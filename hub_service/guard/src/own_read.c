/* Reading a folder's log at start.
 *
 * A guard that is killed leaves at most a piece of a record at the end, which is left out. A power
 * failure may leave more of the end damaged: from the first damaged record on, nothing is read (what
 * makes a file established was on disk before it counted). Any other damage means that a record
 * may be missing which would have made a file established: then nothing is believed at all. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own_parts.h"

#define AT_ONCE 512 /* records */

enum verdict { GOOD, DAMAGED_END, NOT_BELIEVED, NO_READING };

struct source {
	int fd;
	size_t filled, next; /* bytes of the buffer */
	struct record buffer[AT_ONCE];
};

/* 1: a whole record; 0: the end, perhaps with a piece; -1: errno. */
static int next_record(struct source *source, struct record *record)
{
	if (source->filled - source->next < sizeof *record) {
		char *room = (char *)source->buffer;
		size_t left = source->filled - source->next;
		memmove(room, room + source->next, left);
		source->next = 0;
		source->filled = left;
		while (source->filled < sizeof *record) {
			ssize_t got = read(source->fd, room + source->filled, sizeof source->buffer - source->filled);
			if (got < 0 && errno == EINTR)
				continue;
			if (got <= 0)
				return (int)got;
			source->filled += (size_t)got;
		}
	}
	memcpy(record, (char *)source->buffer + source->next, sizeof *record);
	source->next += sizeof *record;
	return 1;
}

static uint64_t head_salt(const struct own_folder *folder)
{
	return own_mix(OWN_MAGIC, folder->folder, strlen(folder->folder));
}

void log_head(struct own_folder *folder, struct record *head, uint64_t salt)
{
	*head = (struct record){ .op = OP_HEAD, .person = OWN_MAGIC, .grant = OWN_FORMAT, .moment = (int64_t)salt };
	memcpy(head->bytes, folder->own->boot, OWN_BOOT_SIZE);
	head->check = record_check(head, head_salt(folder));
}

static bool read_head(struct own_folder *folder, struct reading *reading, const struct record *head)
{
	if (head->check != record_check(head, head_salt(folder)) || head->op != OP_HEAD ||
	    head->person != OWN_MAGIC || head->grant != OWN_FORMAT)
		return false;
	reading->salt = (uint64_t)head->moment;
	reading->other_boot = folder->own->boot[0] == '\0' || memcmp(head->bytes, folder->own->boot, OWN_BOOT_SIZE) != 0;
	return true;
}

/* `good`: how many records, the head included, are to be kept. */
static enum verdict read_records(struct own_folder *folder, struct reading *reading, int fd, uint64_t *good)
{
	struct source source = { .fd = fd };
	struct record record;
	enum verdict verdict = GOOD;
	int got = next_record(&source, &record);
	if (got <= 0)
		return got < 0 ? NO_READING : NOT_BELIEVED;
	if (!read_head(folder, reading, &record))
		return NOT_BELIEVED;
	*good = 1;
	while ((got = next_record(&source, &record)) > 0) {
		bool whole = record.check == record_check(&record, reading->salt);
		if (!whole && (!reading->other_boot || reading->sealed))
			return NOT_BELIEVED;
		if (whole && (verdict == DAMAGED_END || !log_apply(folder, reading, &record)))
			return NOT_BELIEVED;
		if (!whole)
			verdict = DAMAGED_END;
		else
			*good += 1;
	}
	if (reading->sealed && source.filled > source.next)
		return NOT_BELIEVED;
	*good -= reading->parts; /* of a name that was not written to its end */
	return got < 0 ? NO_READING : verdict;
}

static void forget_everything(struct own_folder *folder)
{
	names_free(&folder->names);
	for (size_t i = 0; i < SHARDS; i++)
		for (size_t j = 0; j < folder->table.shards[i].size; j++)
			while (folder->table.shards[i].buckets[j])
				table_take(&folder->table, &folder->table.shards[i], folder->table.shards[i].buckets[j]);
}

/* After a power failure nobody knows who else has opened what. */
static void count_all_as_seen(struct own_folder *folder)
{
	for (size_t i = 0; i < SHARDS; i++)
		for (size_t j = 0; j < folder->table.shards[i].size; j++)
			for (struct entry *e = folder->table.shards[i].buckets[j]; e; e = e->next)
				e->seen = true;
}

static bool keep(struct own_folder *folder, const struct reading *reading, int fd, uint64_t good)
{
	if (ftruncate(fd, (off_t)(good * sizeof(struct record))) != 0)
		return false;
	atomic_store(&folder->fd, fd);
	atomic_store(&folder->records, good);
	folder->salt = reading->salt;
	if (reading->other_boot && !reading->sealed)
		count_all_as_seen(folder);
	if (reading->other_boot || reading->sealed || log_must_be_rewritten(folder, false))
		log_rewrite(folder);
	return true;
}

bool log_load(struct own_folder *folder)
{
	struct reading reading = { .parts = 0 };
	char name[LOG_NAME_SIZE];
	log_file(folder, name, "");
	int fd = openat(folder->own->directory, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT;
	uint64_t good = 0;
	enum verdict verdict = read_records(folder, &reading, fd, &good);
	if (verdict != NO_READING && verdict != NOT_BELIEVED && keep(folder, &reading, fd, good))
		return true;
	int error = errno;
	close(fd);
	forget_everything(folder);
	errno = error;
	/* Away with it: after the next boot it might look like one whose end is damaged. */
	return verdict == NOT_BELIEVED && unlinkat(folder->own->directory, name, 0) == 0 &&
	       fsync(folder->own->directory) == 0;
}

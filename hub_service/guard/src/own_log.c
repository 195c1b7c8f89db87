/* Writing a folder's log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "own_parts.h"

/* Dead records that are not worth writing a log anew: 6 MiB. Tests have fewer. */
#ifndef OWN_SLACK
#define OWN_SLACK 65536
#endif

void log_file(const struct own_folder *folder, char name[static LOG_NAME_SIZE], const char *more)
{
	snprintf(name, LOG_NAME_SIZE, "%s.own%s", folder->folder, more);
}

static int64_t seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

bool log_must_be_rewritten(struct own_folder *folder, bool making)
{
	if (!folder->durable)
		return false;
	if (atomic_load(&folder->broken))
		return true; /* it is mended, or taken back: neither waits */
	bool wanted = atomic_load(&folder->poisoned) || (making && atomic_load(&folder->fd) < 0) ||
		      atomic_load(&folder->records) > 2 * atomic_load(&folder->table.known) + OWN_SLACK;
	return wanted && seconds() >= atomic_load(&folder->retry_at);
}

/* ---- appending ---------------------------------------------------------------------------- */

void log_append(struct own_folder *folder, struct record *records, size_t count)
{
	int fd = atomic_load(&folder->fd);
	if (fd < 0 || atomic_load(&folder->broken))
		return;
	for (size_t i = 0; i < count; i++)
		records[i].check = record_check(&records[i], folder->salt);
	size_t length = count * sizeof *records;
	ssize_t written;
	do
		written = write(fd, records, length);
	while (written < 0 && errno == EINTR);
	if (written != (ssize_t)length)
		atomic_store(&folder->broken, true);
	else
		atomic_fetch_add(&folder->records, count);
}

/* The log must know a name before a record that has its number. */
void log_name(struct own_folder *folder, uint32_t number)
{
	struct name *name = name_at(&folder->names, number);
	if (name == NULL || atomic_load(&name->logged))
		return;
	struct record records[NAME_RECORDS + 1];
	pthread_mutex_lock(&folder->names.lock);
	if (!atomic_load(&name->logged)) {
		size_t count = name_records(name, number, records);
		if (atomic_load(&name->ended)) /* a log that was written anew has lost that */
			records[count++] = (struct record){ .op = OP_ENDED, .grant = number };
		log_append(folder, records, count);
		atomic_store(&name->logged, true);
	}
	pthread_mutex_unlock(&folder->names.lock);
}

void log_sync(struct own_folder *folder)
{
	int fd = atomic_load(&folder->fd);
	if (fd >= 0 && fdatasync(fd) != 0)
		atomic_store(&folder->broken, true);
}

void log_seal(struct own_folder *folder)
{
	struct record record = { .op = OP_SEAL };
	log_append(folder, &record, 1);
}

/* ---- writing it anew ---------------------------------------------------------------------- */

struct writer {
	int fd;
	uint64_t salt, total;
	bool fine;
	size_t count;
	struct record buffer[256];
};

static void flush(struct writer *writer)
{
	const char *at = (const char *)writer->buffer;
	size_t left = writer->count * sizeof *writer->buffer;
	while (writer->fine && left > 0) {
		ssize_t written = write(writer->fd, at, left);
		if (written < 0 && errno == EINTR)
			continue;
		writer->fine = written > 0;
		at += written > 0 ? written : 0;
		left -= written > 0 ? (size_t)written : 0;
	}
	writer->total += writer->count;
	writer->count = 0;
}

static void put(struct writer *writer, const struct record *record)
{
	if (writer->count == sizeof writer->buffer / sizeof *writer->buffer)
		flush(writer);
	writer->buffer[writer->count] = *record;
	if (record->op != OP_HEAD)
		writer->buffer[writer->count].check = record_check(record, writer->salt);
	writer->count++;
}

/* Entries of ended grants go; the names of the others are marked. */
static void sort_out(struct own_folder *folder)
{
	for (uint32_t i = 0; i < folder->names.top; i++)
		if (name_at(&folder->names, i))
			name_at(&folder->names, i)->used = false;
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &folder->table.shards[i];
		for (size_t j = 0; j < shard->size; j++) {
			for (struct entry *entry = shard->buckets[j], *next; entry; entry = next) {
				next = entry->next;
				if (!name_is_live(&folder->names, entry->who.grant)) {
					table_take(&folder->table, shard, entry);
					continue;
				}
				name_at(&folder->names, entry->who.person)->used = true;
				name_at(&folder->names, entry->who.grant)->used = true;
			}
		}
	}
}

static void put_names(struct own_folder *folder, struct writer *writer)
{
	struct record records[NAME_RECORDS];
	for (uint32_t i = 0; i < folder->names.top; i++) {
		const struct name *name = name_at(&folder->names, i);
		size_t count = name && name->used ? name_records(name, i, records) : 0;
		for (size_t j = 0; j < count; j++)
			put(writer, &records[j]);
	}
}

void made_record(struct record *record, const struct entry *entry)
{
	*record = (struct record){
		.op = OP_MADE,
		.part = entry->seen,
		.kind = entry->kind,
		.length = entry->length,
		.type = entry->type,
		.person = entry->who.person,
		.grant = entry->who.grant,
		.moment = entry->closed,
	};
	memcpy(record->bytes, entry->bytes, entry->length);
}

static void put_entries(struct own_folder *folder, struct writer *writer)
{
	struct record record;
	for (size_t i = 0; i < SHARDS; i++) {
		const struct shard *shard = &folder->table.shards[i];
		for (size_t j = 0; j < shard->size; j++) {
			for (const struct entry *entry = shard->buckets[j]; entry; entry = entry->next) {
				made_record(&record, entry);
				put(writer, &record);
			}
		}
	}
}

static bool write_new(struct own_folder *folder, struct writer *writer)
{
	char new_name[LOG_NAME_SIZE], name[LOG_NAME_SIZE];
	struct record head;
	log_file(folder, new_name, ".new");
	log_file(folder, name, "");
	writer->fd = openat(folder->own->directory, new_name,
			    O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (writer->fd < 0)
		return false;
	log_head(folder, &head, writer->salt);
	put(writer, &head);
	put_names(folder, writer);
	put_entries(folder, writer);
	flush(writer);
	if (writer->fine && fdatasync(writer->fd) == 0 &&
	    renameat(folder->own->directory, new_name, folder->own->directory, name) == 0)
		return true;
	close(writer->fd);
	unlinkat(folder->own->directory, new_name, 0);
	return false;
}

/* What is on disk must not be believed any more: records are missing in it, or will be. */
void log_take_back(struct own_folder *folder)
{
	char name[LOG_NAME_SIZE];
	log_file(folder, name, "");
	int fd = atomic_exchange(&folder->fd, -1);
	bool emptied = fd >= 0 && ftruncate(fd, 0) == 0 && fdatasync(fd) == 0;
	if (fd >= 0)
		close(fd);
	bool removed = emptied || ((unlinkat(folder->own->directory, name, 0) == 0 || errno == ENOENT) &&
				   fsync(folder->own->directory) == 0);
	atomic_store(&folder->poisoned, !removed);
	atomic_store(&folder->broken, false);
}

static void take_over(struct own_folder *folder, const struct writer *writer)
{
	int old = atomic_exchange(&folder->fd, writer->fd);
	if (old >= 0)
		close(old);
	folder->salt = writer->salt;
	atomic_store(&folder->records, writer->total);
	atomic_store(&folder->broken, false);
	/* Else the log of before might be there again after a power failure. */
	atomic_store(&folder->poisoned, fsync(folder->own->directory) != 0);
	for (uint32_t i = 0; i < folder->names.top; i++)
		if (name_at(&folder->names, i))
			atomic_store(&name_at(&folder->names, i)->logged, name_at(&folder->names, i)->used);
}

void log_rewrite(struct own_folder *folder)
{
	struct writer writer = { .salt = own_random(), .fine = true };
	pthread_mutex_lock(&folder->names.lock);
	sort_out(folder);
	bool written = write_new(folder, &writer);
	if (written)
		take_over(folder, &writer);
	pthread_mutex_unlock(&folder->names.lock);
	if (written)
		return;
	atomic_store(&folder->retry_at, seconds() + 1);
	if (atomic_load(&folder->broken) || atomic_load(&folder->poisoned))
		log_take_back(folder);
}

/* How own.c, own_log.c and own_table.c are made inside. Nobody else includes this. */
#ifndef GUARD_OWN_PARTS_H
#define GUARD_OWN_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "own.h"

/* ---- the table of names: persons and grants by number ------------------------------------- */

#define NAME_CHUNK 256
#define NAME_CHUNKS 256
#define NAMES (NAME_CHUNK * NAME_CHUNKS)
#define NAME_MAX_LENGTH 1024

enum name_kind { NAME_PERSON, NAME_GRANT };

struct name {
	char *text; /* NULL: the number is free */
	uint32_t length;
	enum name_kind kind;
	atomic_bool ended;  /* a grant's: nothing is own under it */
	atomic_bool logged; /* the log has it */
	bool used;	    /* while the log is written anew */
};

/* Chunks never move, so that a number once known can be looked up without the lock. */
struct names {
	pthread_mutex_t lock;
	struct name *_Atomic chunks[NAME_CHUNKS];
	uint32_t top; /* every number from here on is free */
};

struct name *name_at(struct names *names, uint32_t number); /* NULL: no such name */
bool name_is_live(struct names *names, uint32_t number);
bool name_define(struct names *names, uint32_t number, enum name_kind kind, const char *text, uint32_t length);
bool name_number(struct names *names, enum name_kind kind, const char *text, uint32_t *number);
void names_free(struct names *names);

/* ---- the table of keys -------------------------------------------------------------------- */

struct entry {
	struct entry *next;
	uint64_t hash;
	int64_t closed; /* when its maker closed it last */
	int64_t logged; /* and what the log says about it */
	struct own_who who;
	uint32_t opens; /* that its maker has */
	bool seen;	/* somebody else has opened it; or has perhaps, before a power failure */
	uint8_t kind, length;
	int32_t type;
	uint8_t bytes[];
};

#define SHARDS 64

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct entry **buckets;
	size_t size, count;
};

struct table {
	uint64_t seed;
	atomic_size_t known;
	struct shard shards[SHARDS];
};

uint64_t own_mix(uint64_t seed, const void *bytes, size_t length);

bool table_init(struct table *table, uint64_t seed);
void table_free(struct table *table);
uint64_t table_hash(const struct table *table, const struct own_key *key);
struct shard *table_shard(struct table *table, uint64_t hash);

/* These want the shard's lock, or that nobody else has the table yet. */
struct entry *shard_find(struct shard *shard, uint64_t hash, const struct own_key *key);
struct entry *table_put(struct table *table, struct shard *shard, uint64_t hash, const struct own_key *key);
void table_take(struct table *table, struct shard *shard, struct entry *entry);

/* ---- the log ------------------------------------------------------------------------------ */

enum op {
	OP_HEAD = 1, /* person: OWN_MAGIC, grant: OWN_FORMAT, moment: the salt, bytes: the boot's id */
	OP_NAME,     /* person: its number, grant: its kind, type: its whole length, part: from 0 */
	OP_MADE,     /* part: 1 when seen; moment: closed */
	OP_CLOSED,   /* moment */
	OP_SEEN,
	OP_GONE,
	OP_ENDED, /* grant */
	OP_SEAL,  /* the guard left in order: all that was before is here */
};

#define OWN_MAGIC 0x6E776F56u
#define OWN_FORMAT 1u

struct record {
	uint32_t check; /* of all that follows, with the log's salt (the head: with the folder) */
	uint8_t op;
	uint8_t kind, length; /* of the key */
	uint8_t part;
	int32_t type;
	uint32_t person, grant;
	uint32_t unused;
	int64_t moment;
	uint8_t bytes[OWN_HANDLE_MAX];
};
_Static_assert(sizeof(struct record) == 96, "records have no holes");

struct own_folder {
	struct own_folder *next;
	struct own *own;
	unsigned references;
	char folder[64];

	/* Changes hold it for reading, writing the log anew holds it for writing. */
	pthread_rwlock_t turn;
	struct names names;
	struct table table;

	bool durable;
	atomic_int fd;		/* of the log; -1: there is none, and nothing to be believed on disk */
	uint64_t salt;
	_Atomic uint64_t records;
	atomic_bool broken;	/* a record could not be written */
	atomic_bool poisoned;	/* nor could what is there be taken back */
	_Atomic int64_t retry_at;
};

struct own {
	int directory;
	char boot[OWN_BOOT_SIZE];
	pthread_mutex_t lock;
	struct own_folder *folders;
};

uint64_t own_random(void);

/* Both are called while nobody else has the folder, or with the turn for writing. */
bool log_load(struct own_folder *folder); /* false: errno; no log, or one not to be believed, is true */
void log_rewrite(struct own_folder *folder);
void log_take_back(struct own_folder *folder);

/* With the turn for reading. */
void log_append(struct own_folder *folder, struct record *records, size_t count);
void log_name(struct own_folder *folder, uint32_t number);
bool log_must_be_rewritten(struct own_folder *folder, bool making);
void log_sync(struct own_folder *folder);
void log_seal(struct own_folder *folder);

#define LOG_NAME_SIZE 80
void log_file(const struct own_folder *folder, char name[static LOG_NAME_SIZE], const char *more);
void log_head(struct own_folder *folder, struct record *head, uint64_t salt);
void made_record(struct record *record, const struct entry *entry);

/* own_apply.c: what the records of a log say, one after the other. */
struct reading {
	uint64_t salt;
	bool other_boot, sealed;
	uint32_t name, name_kind, name_length, parts; /* of a name that is being read */
	char name_text[NAME_MAX_LENGTH + OWN_HANDLE_MAX];
};
uint32_t record_check(const struct record *record, uint64_t salt);
void record_key(struct record *record, const struct own_key *key);
size_t name_records(const struct name *name, uint32_t number, struct record *records);
#define NAME_RECORDS (NAME_MAX_LENGTH / OWN_HANDLE_MAX)
bool log_apply(struct own_folder *folder, struct reading *reading, const struct record *record);

#endif

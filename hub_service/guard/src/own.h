/* Who made which file: durable memory of one node's guard.
 *
 * A key is a file's handle, which has the inode's generation in it: a reused inode number is
 * somebody else's. What is remembered of a key: its maker (a person under a grant), whether
 * somebody else has opened it, when the maker closed it last, and (only while the guard lives)
 * how often the maker has it open now.
 *
 * Every change is one write() to the folder's log, made before the function returns: it holds
 * through a SIGKILL of the guard at any moment. After a power failure memory may be missing, and
 * nothing is fresh; what is missing makes a file more established, never less.
 *
 * All functions may be called from any thread. */
#ifndef GUARD_OWN_H
#define GUARD_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OWN_HANDLE_MAX 64
#define OWN_ALWAYS_FRESH INT64_MAX /* as fresh_for: the operator's `inf` */

enum own_key_kind {
	OWN_KEY_NONE,	/* this file can't be told from a later one: it is nobody's own */
	OWN_KEY_HANDLE, /* name_to_handle_at */
	OWN_KEY_BIRTH,	/* where the file system has no handles: device, inode, moment of birth */
};

struct own_key {
	uint8_t kind;	/* enum own_key_kind */
	uint8_t length; /* of bytes[] */
	int32_t type;	/* file_handle.handle_type */
	uint8_t bytes[OWN_HANDLE_MAX];
};

/* The key of what a descriptor (O_PATH will do) is open on. About a microsecond: keep it with
 * the inode. The kind says how good it is; OWN_KEY_NONE is a key as well, that owns nothing. */
void own_key_of(int fd, struct own_key *key);

struct own;	   /* the memory */
struct own_folder; /* of one folder: handles and makers are known within it */

/* A person under a grant, as this folder numbers them. Ask once for each session's folder. */
struct own_who {
	uint32_t person, grant;
};

#define OWN_BOOT_SIZE 37

/* This boot of the machine; empty where the system does not say, which makes each start count
 * as the first after a power failure. Reads /proc: call it before the sandbox. */
void own_boot(char boot[static OWN_BOOT_SIZE]);

/* `directory` is a descriptor of --state, which own opens again for itself; the uid that the
 * guard becomes must be able to write there. One guard has it at a time: another one is waited
 * for, two seconds at most. NULL: errno says why. */
struct own *own_open(int directory, const char *boot);
void own_close(struct own *own); /* every folder must have been released */

/* Load a folder's memory, or take another reference to it. NULL: errno says why; the folder
 * may be served all the same, with a memory that lasts no longer than the guard, by asking
 * again with `durable` false. */
struct own_folder *own_folder_get(struct own *own, const char *folder, bool durable);
void own_folder_put(struct own_folder *folder);

/* False when memory is short: then nothing counts as own. */
bool own_who(struct own_folder *folder, const char *person, const char *grant, struct own_who *who);

/* A file, directory or link was made just now (`now`: CLOCK_REALTIME in nanoseconds, here and
 * below). Call it after the making and before the answer. What was known of the key is gone. */
void own_made(struct own_folder *folder, const struct own_key *key, struct own_who who, int64_t now);

/* Somebody opens and closes it: call these for each descriptor (create: own_made, then
 * own_opened). An open by another person is remembered before the function returns. */
void own_opened(struct own_folder *folder, const struct own_key *key, struct own_who who);
void own_closed(struct own_folder *folder, const struct own_key *key, struct own_who who, int64_t now);

/* Its last name has gone. Call it after the unlink. */
void own_forgotten(struct own_folder *folder, const struct own_key *key);

/* What was known of a key that was made established, so that it can be put back. */
struct own_was {
	bool known;
	bool seen;
	uint32_t opens;
	struct own_who who;
	int64_t closed;
};

/* It becomes established by what follows (a rename over an established name). Call it BEFORE
 * the act, and put back when the act fails: a guard that dies in between then leaves a file
 * that is nobody's own, never the reverse. On disk (fdatasync) when it returns true; false: the
 * disk refuses, and the act must not be done. Nothing is changed and nothing written where
 * nothing is known of the key. */
bool own_establish(struct own_folder *folder, const struct own_key *key, struct own_was *was);
void own_put_back(struct own_folder *folder, const struct own_key *key, const struct own_was *was);

/* A grant ended: nothing is anybody's own under it any more. Asked for again by own_who, it
 * is another one. */
void own_grant_ended(struct own_folder *folder, const char *grant);

/* Made by this person under this grant? */
bool own_is_own(struct own_folder *folder, const struct own_key *key, struct own_who who);

/* Own, never opened by another person, and open by its maker or closed less than `fresh_for`
 * nanoseconds ago? */
bool own_is_fresh(struct own_folder *folder, const struct own_key *key, struct own_who who,
		  int64_t now, int64_t fresh_for);

/* For reports. */
struct own_counts {
	size_t known;	 /* keys */
	uint64_t records; /* in the log */
	bool durable;	 /* false: the disk refuses, or was never asked */
};
void own_count(struct own_folder *folder, struct own_counts *counts);

#endif

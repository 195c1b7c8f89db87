/* The things of the guard, and how they hang together.
 *
 *   session ── place ── share          a place is a folder as one session sees it: name and level
 *      │         │        │
 *      └──────  tie  ──  node          a tie is an inode as one session's kernel knows it
 *
 * The number that a kernel has for an inode is the address of its tie, so one step leads from a
 * request to the node, to the place and to the level that holds at this moment.
 *
 * Locks, in the order in which they may be taken: `share.tree`, two nodes' `names` (by address), two nodes'
 * `claim` (by address), `session.lock`, `share.lock`. None is held while another session's
 * kernel is told something. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#define FUSE_USE_VERSION 312

#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "own.h"
#include "wire.h"

#define LEVEL_ENDED 0		/* beside the levels of wire.h */
#define SURE_SECONDS 86400.0	/* what we would be told about lives this long in a kernel */
#define UNSURE_SECONDS 0.8	/* everything else: changes in the store show within a second */
#define READ_SIZE (1U << 20)
#define MOST_THREADS 16		/* of one session */

struct notifier;
struct lock_owner;

/* What there is once in the process. */
struct guard {
	int proc_fd;		/* /proc/self/fd, which is the working directory too */
	size_t descriptors;	/* how many may be open */
	atomic_size_t awake;	/* nodes with a descriptor */
	atomic_size_t open;	/* descriptors of open files and directories, and of who has locks */
	int64_t fresh_for;	/* nanoseconds, or OWN_ALWAYS_FRESH */
	bool talkative;		/* --log-level debug */
	struct own *own;
	pthread_mutex_t lock;	/* of the two lists */
	struct session *sessions;
	struct share *shares;
};
extern struct guard guard;

/* One folder's tree in the store, for all sessions that see it. */
struct share {
	struct share *next;
	char id[WIRE_ID_SIZE];
	atomic_uint refs;	/* of places and nodes; the last one goes under guard.lock */
	int top_fd;
	dev_t dev;
	ino_t top_ino;
	bool tells;		/* changes by others show in inotify */
	struct own_folder *own;
	_Atomic uint64_t limit, used;
	pthread_mutex_t counting; /* its owner's account; innermost of all locks */
	atomic_int account_fd;	/* -1: it is in none */
	pthread_rwlock_t tree;	/* names are changed under it; alone: a directory moves with what it holds */
	pthread_mutex_t lock;	/* of everything below, and of every tie's and node's links */
	struct node **buckets;
	size_t bucket_count, node_count, hand; /* hand: the bucket whose files sleep next */
	char *top_path;		/* as the kernel says it now, and when it was asked */
	int64_t top_asked;
};

/* An inode of the store. */
struct node {
	struct node *next;
	struct share *share;
	unsigned refs;
	int fd;			/* O_PATH: as long as it is open the inode number is this file's; -1: asleep */
	ino_t ino;
	bool gone;		/* while it slept its number became another file's: it is in no table */
	mode_t type;
	bool key_known;
	struct own_key key;
	pthread_mutex_t names;	/* a directory's: held across check and act */
	pthread_mutex_t claim;	/* held while it is decided whether this may disappear */
	int64_t loose;		/* bytes that were counted after its last name went; under claim */
	struct tie *ties;
	atomic_uint tie_count;
	atomic_uint writers;	/* descriptors open for writing, in all sessions */
	atomic_uint mappers;	/* those of them by which one may map it and store: all of one session */
	atomic_int watch;	/* inotify's number, or -1 */
	atomic_int told_by;	/* the watch of the directory in which it was found, or -1 */
	_Atomic int64_t inside;	/* when it was last seen to be inside of its share */
	struct lock_owner *locks; /* under claim, as the next two */
	bool opened;
	uint32_t opened_by;	/* the person, as own numbers them; UINT32_MAX: several */
	struct node *home;	/* of files: the directory and the name in which it was found last */
	char *name;
	bool used;		/* since it was last thought of putting it to sleep */
};

/* The times and the size that a kernel was told last. */
struct told {
	struct timespec changed, modified;
	off_t size;
};

/* An inode as one session's kernel knows it. */
struct tie {
	struct node *node;
	struct place *place;
	uint64_t lookups;	/* under share.lock, as all links here */
	unsigned refs;		/* descriptors, and notifications under way */
	struct tie *next_of_node, **at_node;
	struct tie *next_of_place, **at_place;
	atomic_flag telling;
	bool told_known;	/* under telling: nothing that this session did has changed it since */
	struct told told;
	unsigned own_changes;	/* under telling: writes of this session that are under way */
	atomic_bool attributes, pages; /* may the kernel have them cached? */
	atomic_bool names, list;       /* a directory's entries, one by one and as a list */
	atomic_bool unsure; /* it was told of a change while the kernel may not have known the inode yet */
	atomic_uint writers;	/* descriptors of this session that are open for writing */
	atomic_uint mappers;	/* those of them by which it may be mapped and stored to */
	atomic_uint changing;	/* requests under way that hold the directory in that kernel */
};

/* A folder in one session. */
struct place {
	struct place *next;	/* under session.lock */
	off_t number;		/* in the session's list, from 1 on; never used again there */
	struct session *session;
	struct share *share;
	atomic_uint refs;
	char name[WIRE_NAME_SIZE];
	char grant[WIRE_ID_SIZE];
	char owner[WIRE_PERSON_SIZE];
	_Atomic struct own_who who; /* changes with the grant, while requests are under way */
	atomic_int level;
	_Atomic int64_t until;
	_Atomic uint64_t flushed; /* bytes that came from mappings */
	_Atomic uint64_t arrived; /* pages of mappings, also those that came too late */
	atomic_uint phase, under_way[2];
	struct tie *ties;	/* under share.lock, as the next two */
	size_t known;
	struct file *files;
	atomic_uint open, writable;
};

/* One mount. */
struct session {
	struct session *next;
	atomic_uint refs;
	char id[WIRE_ID_SIZE];
	char person[WIRE_PERSON_SIZE];
	uid_t uid;
	gid_t gid;
	int fd;
	atomic_size_t held;	/* descriptors that can't sleep: of directories that it knows, and of what it has open */
	struct fuse_session *fuse;
	atomic_bool begun, leaving, lost;
	pthread_mutex_t lock;
	struct place *places, *past; /* past: ended, but something in a kernel still belongs to them */
	off_t last_number;	/* of a place; under lock, too */
	pthread_t threads[MOST_THREADS]; /* under lock, as the next two */
	unsigned thread_count, resting;
	sem_t call;		/* up once for each that is called; of a condition, glibc 2.36 can lose a signal */
	atomic_uint idle;	/* threads that wait for requests, or are on their way to that */
	struct timespec changed; /* the virtual root's times */
	struct notifier *notifiers[2]; /* of pages, of names */
	atomic_uint root_changing;
};

/* An open file or directory. */
struct file {
	struct tie *tie;
	struct file *next, **at;
	int fd;
	bool writing, appending, direct, mapping, quiet_close;
	atomic_bool wrote;
	struct listing *listing;
};

/* A request that was let in: its place's level holds until call_end. */
struct call {
	fuse_req_t req;
	struct session *session;
	struct tie *tie;
	struct node *node;
	struct place *place;
	int level;
	unsigned phase;
};

/* call.c: the way in and out of every request. False: it was answered already. */
bool call_begin(struct call *call, fuse_req_t req, fuse_ino_t ino);
/* For pages of mappings, which may come until the place has been lowered. */
bool call_begin_page(struct call *call, fuse_req_t req, fuse_ino_t ino);
void call_end(struct call *call);
bool place_enter(struct place *place, unsigned *phase);
void place_leave(struct place *place, unsigned phase);
bool place_wait(struct place *place, int64_t nanoseconds);

/* share.c */
struct share *share_get(const char *id, int top_fd, int *error);
void share_hold(struct share *share);
void share_put(struct share *share);
uint64_t share_used(const struct share *share);
/* Are bytes counted at all? */
bool share_counts(const struct share *share);
/* Count in this account from now on; takes the descriptor. */
void share_set_account(struct share *share, int fd);
/* The limit that is nearest, and what is used of it; false: there is none. */
bool share_limit(struct share *share, uint64_t *limit, uint64_t *used);
/* Room for `growth` bytes more (or fewer); false: the folder's limit, or its owner's, is reached. */
bool share_grow(struct share *share, int64_t growth);

/* node.c; a reference for each that is got. */
struct node *node_get(struct share *share, int fd, const struct stat *st); /* takes the descriptor */
struct node *node_find(struct share *share, ino_t ino);
void node_hold(struct node *node);
/* A reference, with which the descriptor stays open: 0, or ESTALE. A tie's own is none. */
int node_use(struct node *node);
void node_put(struct node *node);
const struct own_key *node_key(struct node *node);
bool node_is_inside(struct node *node);
/* A file that grows (or shrinks) by so much: counted, with its claim held. False: there is no room. */
bool node_grow(struct node *node, const struct stat *st, int64_t growth);
/* Reopen what a node is: errno when that fails. */
int node_open(struct node *node, int flags);

/* sleep.c: more files may be known than descriptors may be open */
void node_found_in(struct node *node, struct node *directory, const char *name);
int node_wake(struct node *node);
/* Is this descriptor of the file that sleeps, or of a later one with its number? */
bool node_is_still(const struct node *node, int fd);
void share_put_to_sleep(struct share *share); /* share.lock is held */

/* tie.c */
struct tie *tie_get(struct place *place, struct node *node); /* one lookup more */
/* Has that session's kernel this inode, and its attributes as they are? */
bool tie_is_known(struct place *place, struct node *node);
void tie_forget(struct tie *tie, uint64_t lookups);
void tie_hold(struct tie *tie);
void tie_put(struct tie *tie);
void tie_tell(struct tie *tie, const struct stat *st, bool cached);
/* The same for pages; not where it has attributes, which may be older. */
void tie_tell_without_attributes(struct tie *tie, const struct stat *st);
bool tie_differs(struct tie *tie, const struct stat *st); /* from what was told; unknown: no */
bool tie_differs_in_contents(struct tie *tie, const struct stat *st);
/* It is told by other means that attributes have changed, or has done it itself. If nothing else has, it differs
 * no more; of contents it goes on being told. */
void tie_keeps_contents(struct tie *tie, const struct stat *st);
bool tie_is_told(struct tie *tie, const struct stat *st); /* exactly this; unknown: no */
void tie_tell_if_unknown(struct tie *tie, const struct stat *st);
void tie_changed_itself(struct tie *tie);
/* A write of this session's: in the end its kernel has what is there then. In between nothing differs. */
void tie_begins_change(struct tie *tie);
void tie_ends_change(struct tie *tie, const struct stat *st);

/* place.c */
struct place *place_new(struct session *session, struct share *share, const struct wire_order *order);
void place_set_grant(struct place *place, const char grant[static WIRE_ID_SIZE]);
void place_hold(struct place *place);
void place_put(struct place *place);
struct place *place_named(struct session *session, const char *name); /* takes a reference */
struct place *place_of_folder(struct session *session, const char *folder);
void place_add(struct place *place);
/* Out of the session's list: new accesses by name find nothing. */
void place_remove(struct place *place);

/* session.c */
struct session *session_new(const struct wire_order *order, int fd, int *error);
bool session_begin(struct session *session);
/* False: a request hangs in the store; the mount is closed all the same. */
bool session_end(struct session *session);
void session_put(struct session *session);
/* One descriptor more? One session can't hold so many that others have none. */
bool session_may_hold(const struct session *session);
struct session *session_find(const char *id); /* takes a reference */

/* attr.c */
void attr_for(const struct place *place, struct stat *st);
void attr_reply(struct call *call, struct stat *st);
double attr_seconds(struct node *node, const struct stat *st);

/* lookup.c. Entries are what a name stands for in one session; each is a lookup of its tie.
 * All answer 0 or an errno; entry_for takes the caller's reference to the node. */
int entry_for(struct place *place, struct node *node, struct fuse_entry_param *entry);
int entry_named(struct place *place, struct node *directory, const char *name, struct fuse_entry_param *entry);
int node_named(struct node *directory, const char *name, struct node **node);
int top_entry(struct place *place, struct fuse_entry_param *entry);
bool is_single_name(const char *name);

/* root.c: the virtual root, which lists the session's folders */
void root_stat(struct session *session, struct stat *st);
void root_lookup(fuse_req_t req, const char *name);
void root_getattr(fuse_req_t req);
void root_access(fuse_req_t req, int mask);
void root_refuse(fuse_req_t req, const char *name); /* to change a name in it */

/* file.c */
struct file *file_new(struct tie *tie, int fd, bool writing);
/* By this one it may be mapped, and stored to. */
void file_may_map(struct file *file);
void file_free(struct file *file);

/* quick words */
static inline struct tie *tie_of(fuse_ino_t ino)
{
	return (struct tie *)(uintptr_t)ino;
}

static inline fuse_ino_t number_of(const struct tie *tie)
{
	return (fuse_ino_t)(uintptr_t)tie;
}

static inline struct file *file_of(const struct fuse_file_info *info)
{
	return (struct file *)(uintptr_t)info->fh;
}

int64_t clock_now(void);    /* CLOCK_REALTIME, nanoseconds */
int64_t clock_steady(void); /* CLOCK_MONOTONIC_COARSE, nanoseconds */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tell_more(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern const struct fuse_lowlevel_ops guard_operations;

#endif

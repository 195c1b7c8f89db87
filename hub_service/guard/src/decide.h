/* What each level lets a system call do: the table of the mounts' operations, and nothing else. */
#ifndef GUARD_DECIDE_H
#define GUARD_DECIDE_H

#include <stdbool.h>

enum deed {
	DEED_READ,	 /* open for reading, read, list, stat, readlink */
	DEED_OPEN_WRITE, /* open for writing or appending, O_TRUNC, truncate by name */
	DEED_STORE,	 /* write, truncate, fallocate through a descriptor that is open */
	DEED_MAKE,	 /* create, mkdir, symlink, mknod of a regular file */
	DEED_MAKE_DEVICE,
	DEED_RENAME,
	DEED_LINK,
	DEED_UNLINK,	 /* and rmdir */
	DEED_CHMOD,
	DEED_CHOWN,	 /* to another id */
	DEED_TIMES,
	DEED_ATTRIBUTE,	 /* user.* */
	DEED_ATTRIBUTE_OTHER,
};

struct facts {
	bool own;	    /* what is to be changed was made by this person under this grant */
	bool fresh;	    /* own, unseen by others, and open or closed a short while ago */
	bool holds_others;  /* a directory that has names of others somewhere inside */
	bool exchange;	    /* RENAME_EXCHANGE */
	bool onto;	    /* the new name is taken … */
	bool onto_own;	    /* … by something own */
	bool same_directory;
};

/* 0, or the errno. `level` is one of wire.h's, or LEVEL_ENDED. `facts` may be NULL where the
 * deed needs none. */
int decide(int level, enum deed deed, const struct facts *facts);

#endif

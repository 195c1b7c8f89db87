/* What the guard takes away from itself before it serves anybody.
 *
 * Afterwards there is no capability, no other uid, of the system's calls those that serving
 * files needs, and no path but /proc/self/fd/17: files are reached by descriptors alone. (The
 * path is for calls that take no descriptor: inotify_add_watch, getxattr of an O_PATH one.) */
#ifndef GUARD_SANDBOX_H
#define GUARD_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sandbox_settings {
	uid_t uid;
	gid_t gid;
	bool seccomp; /* false: --no-seccomp, for builds with sanitizers */
};

/* What is kept from before. */
struct sandbox {
	int proc_fd;	    /* openat(proc_fd, "17", O_RDWR) reopens an O_PATH descriptor */
	int fuse_fd;	    /* /dev/fuse (O_PATH), to be reopened through proc_fd for clones; -1: none */
	size_t descriptors; /* how many may be open */
};

#define SANDBOX_BECAUSE_SIZE 200

/* To be called once, as root, while the process has one thread; every path that is needed
 * must have been opened before. False: `because` is a sentence that says what was refused and
 * what to do; some steps may have been done, so end the process. */
bool sandbox_enter(const struct sandbox_settings *settings, struct sandbox *sandbox,
		   char because[static SANDBOX_BECAUSE_SIZE]);

#endif

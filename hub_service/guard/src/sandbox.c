#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_calls.h"

#define WANTED_DESCRIPTORS (1u << 20) /* one for each inode that some kernel remembers */

static bool refused(char *because, const char *what, const char *do_this)
{
	snprintf(because, SANDBOX_BECAUSE_SIZE, "%s (%s). %s", what, strerror(errno), do_this);
	return false;
}

static bool raise_descriptors(struct sandbox *sandbox, char *because)
{
	struct rlimit limit, no_core = { 0, 0 };
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return refused(because, "The limit of open files can't be read", "Is this Linux?");
	struct rlimit raised = { WANTED_DESCRIPTORS, limit.rlim_max };
	if (limit.rlim_max < WANTED_DESCRIPTORS)
		raised.rlim_max = WANTED_DESCRIPTORS;
	/* Where even root may not have as many: all that there are. */
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
		raised = (struct rlimit){ limit.rlim_max, limit.rlim_max };
		if (setrlimit(RLIMIT_NOFILE, &raised) != 0)
			return refused(because, "The limit of open files can't be raised", "Start the guard as root.");
	}
	sandbox->descriptors = raised.rlim_cur;
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return refused(because, "Core files can't be switched off", "Start the guard as root.");
	return true;
}

static bool keep(struct sandbox *sandbox, char *because)
{
	/* A mount of its own, so that `..` leads nowhere. */
	sandbox->proc_fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (sandbox->proc_fd < 0)
		return refused(because, "/proc/self/fd can't be opened",
			       "Start the guard as root, and mount /proc before.");
	sandbox->fuse_fd = open("/dev/fuse", O_PATH | O_CLOEXEC);
	/* Threads that end want it, and would not find it any more. */
	dlopen("libgcc_s.so.1", RTLD_NOW);
	return true;
}

/* In the empty root, nothing but the descriptors: some calls take a path alone. */
static bool show_descriptors(const struct sandbox *sandbox)
{
	return mkdir("proc", 0555) == 0 && mkdir("proc/self", 0555) == 0 && mkdir("proc/self/fd", 0555) == 0 &&
	       syscall(SYS_move_mount, sandbox->proc_fd, "", AT_FDCWD, "proc/self/fd", MOVE_MOUNT_F_EMPTY_PATH) == 0 &&
	       mount(NULL, "proc/self/fd", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

/* A root without anything else, read-only; nothing of the old one stays in this namespace. It
 * is mounted over /proc for a moment, because that directory is there on every system. */
static bool leave_the_tree(const struct sandbox *sandbox, char *because)
{
	static const char *const as_root = "Start the guard as root, with CAP_SYS_ADMIN.";
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (unshare(CLONE_NEWNS) != 0)
		return refused(because, "The guard can't have a mount namespace of its own", as_root);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return refused(because, "The mount namespace can't be made private", as_root);
	if (mount("none", "/proc", "tmpfs", flags, "mode=0555,size=4k,nr_inodes=5") != 0 || chdir("/proc") != 0)
		return refused(because, "An empty root can't be mounted", as_root);
	if (!show_descriptors(sandbox) || mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) != 0)
		return refused(because, "The empty root can't be furnished", as_root);
	if ( syscall(SYS_pivot_root, ".", ".") != 0)
		return refused(because, "The empty root can't become the root", as_root);
	if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return refused(because, "The old root can't be taken away", as_root);
	return true;
}

static bool drop_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return false;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	return syscall(SYS_capset, &header, none) == 0;
}

static bool become(const struct sandbox_settings *settings, char *because)
{
	unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
			     SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
			     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	if (!drop_bounding_set() || prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0)
		return refused(because, "Capabilities can't be given up for good", "Start the guard with CAP_SETPCAP.");
	if (setgroups(0, NULL) != 0 || setresgid(settings->gid, settings->gid, settings->gid) != 0 ||
	    setresuid(settings->uid, settings->uid, settings->uid) != 0)
		return refused(because, "The guard can't become the service's user", "Start the guard as root.");
	if (!drop_capabilities())
		return refused(because, "Capabilities can't be dropped", "Start the guard as root.");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return refused(because, "The guard can't close itself to others", "A newer kernel is needed.");
	return true;
}

/* Believed only when seen: a mistake above would open every folder to every other mistake. */
static bool look_around(const struct sandbox_settings *settings, char *because)
{
	uid_t r, e, s;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct has[2];
	errno = EPERM;
	if (getresuid(&r, &e, &s) != 0 || r != settings->uid || e != settings->uid || s != settings->uid ||
	    getgroups(0, NULL) != 0 || syscall(SYS_capget, &header, has) != 0 ||
	    (has[0].permitted | has[1].permitted | has[0].effective | has[1].effective) != 0)
		return refused(because, "The guard still has rights that it gave up", "Please report this.");
	if (access("/proc/self/status", F_OK) == 0 || access("/etc", F_OK) == 0)
		return refused(because, "The guard still sees the old root", "Please report this.");
	return true;
}

bool sandbox_enter(const struct sandbox_settings *settings, struct sandbox *sandbox,
		   char because[static SANDBOX_BECAUSE_SIZE])
{
	if (!raise_descriptors(sandbox, because) || !keep(sandbox, because) || !leave_the_tree(sandbox, because) ||
	    !become(settings, because) || !look_around(settings, because))
		return false;
	if (!settings->seccomp)
		return true;
	errno = sandbox_filter_calls();
	return errno == 0 || refused(because, "The filter of system calls can't be set",
				     "The kernel needs seccomp; --no-seccomp is for tests only.");
}

/* share-guard: files of shared folders for the sessions of one node, at the level that each has. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "locks.h"
#include "operations.h"
#include "sandbox.h"
#include "watch.h"

struct guard guard = {.proc_fd = -1, .fresh_for = 600000000000, .lock = PTHREAD_MUTEX_INITIALIZER};

struct settings {
	const char *control, *state;
	struct sandbox_settings sandbox;
	bool has_uid, has_gid;
};

static void fuse_begins(void *userdata, struct fuse_conn_info *connection)
{
	connection->want |= connection->capable &
			    (FUSE_CAP_ASYNC_READ | FUSE_CAP_POSIX_LOCKS | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_FLOCK_LOCKS |
			     FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_ASYNC_DIO |
			     FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_CACHE_SYMLINKS |
			     FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_EXPIRE_ONLY);
	/* Splicing requests costs one system call more for each, and saves a copy of large writes alone. */
	connection->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
					FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_IOCTL_DIR);
	connection->max_write = READ_SIZE;
	connection->max_readahead = READ_SIZE;
	connection->max_background = 64;
	connection->congestion_threshold = 48;
	connection->time_gran = 1;
}

const struct fuse_lowlevel_ops guard_operations = {
	.init = fuse_begins,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.access = op_access,
	.create = op_create,
	.getlk = op_getlk,
	.setlk = op_setlk,
	.flock = op_flock,
	.ioctl = op_ioctl,
	.fallocate = op_fallocate,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
};

static void fail(const char *sentence, const char *detail)
{
	fprintf(stderr, "share-guard: %s%s%s\n", sentence, detail ? ": " : "", detail ? detail : "");
	exit(1);
}

static unsigned long number(const char *word, const char *option, unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(word, &end, 10);
	if (errno || end == word || *end || word[0] == '-' || value > most)
		fail("This option needs a number", option);
	return value;
}

static int64_t fresh_for(const char *word)
{
	char *end;
	double seconds;

	if (!strcmp(word, "inf"))
		return OWN_ALWAYS_FRESH;
	seconds = strtod(word, &end);
	if (end == word || *end || !(seconds >= 0 && seconds <= 1e9))
		fail("This option needs seconds, or inf", "--fresh-seconds");
	return (int64_t)(seconds * 1e9);
}

static void set_option(struct settings *settings, int option, const char *word)
{
	switch (option) {
	case 'c':
		settings->control = word;
		break;
	case 's':
		settings->state = word;
		break;
	case 'u':
		settings->sandbox.uid = (uid_t)number(word, "--uid", UINT32_MAX - 1);
		settings->has_uid = true;
		break;
	case 'g':
		settings->sandbox.gid = (gid_t)number(word, "--gid", UINT32_MAX - 1);
		settings->has_gid = true;
		break;
	case 'f':
		guard.fresh_for = fresh_for(word);
		break;
	case 'l':
		guard.talkative = !strcmp(word, "debug");
		break;
	case 'n':
		settings->sandbox.seccomp = false;
		break;
	default:
		fail("usage: share-guard --control PATH --state DIR --uid U --gid G [--fresh-seconds S|inf] "
		     "[--log-level info|debug] [--no-seccomp]", NULL);
	}
}

static void read_options(int count, char **words, struct settings *settings)
{
	static const struct option options[] = {
		{"control", required_argument, NULL, 'c'}, {"state", required_argument, NULL, 's'},
		{"uid", required_argument, NULL, 'u'},	   {"gid", required_argument, NULL, 'g'},
		{"fresh-seconds", required_argument, NULL, 'f'}, {"log-level", required_argument, NULL, 'l'},
		{"no-seccomp", no_argument, NULL, 'n'},	   {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(count, words, "", options, NULL)) != -1)
		set_option(settings, option, optarg);
	if (optind != count || !settings->control || !settings->state || !settings->has_uid || !settings->has_gid)
		set_option(settings, '?', NULL);
}

static void ends(int signal_number)
{
	control_stop();
}

static void wakes(int signal_number)
{
}

static void set_signals(void)
{
	struct sigaction stop = {.sa_handler = ends}, wake = {.sa_handler = wakes};

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGUSR1, &wake, NULL); /* interrupts a thread that waits for requests */
}

static void enter_sandbox(const struct settings *settings)
{
	char because[SANDBOX_BECAUSE_SIZE];
	struct sandbox sandbox;

	if (!sandbox_enter(&settings->sandbox, &sandbox, because))
		fail(because, NULL);
	guard.proc_fd = sandbox.proc_fd;
	guard.descriptors = sandbox.descriptors;
	if (fchdir(guard.proc_fd))
		fail("Its own descriptors can't be the working directory", strerror(errno));
	umask(0);
}

int main(int count, char **words)
{
	struct settings settings = {.sandbox.seccomp = true};
	char boot[OWN_BOOT_SIZE];
	int state;

	read_options(count, words, &settings);
	umask(077);
	own_boot(boot);
	state = open(settings.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state < 0)
		fail("--state is no directory that can be opened", strerror(errno));
	if (!control_listen(settings.control))
		fail("There can be no socket at --control", strerror(errno));
	set_signals();
	enter_sandbox(&settings);
	guard.own = own_open(state, boot);
	if (!guard.own)
		fail("--state can't be used; it must belong to --uid", strerror(errno));
	if (!locks_start() || !watch_start())
		fail("No thread could be started", strerror(errno));
	control_run();
	return 0;
}

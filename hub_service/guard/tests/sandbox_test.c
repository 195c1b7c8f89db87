/* What the guard can still do inside, and what it can't. Needs root; each case is a process. */
#include "../src/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

#define SOMEBODY 12345

static struct sandbox box;
static int store, file; /* O_PATH, as the guard has them; of SOMEBODY */
static char store_path[] = "/tmp/sandbox-test-XXXXXX";

static void make_store(void)
{
	MUST(mkdtemp(store_path));
	store = open(store_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int made = openat(store, "file", O_CREAT | O_RDWR, 0600);
	MUST(made >= 0 && write(made, "hello", 5) == 5 && fchown(made, SOMEBODY, SOMEBODY) == 0 && close(made) == 0);
	MUST(chown(store_path, SOMEBODY, SOMEBODY) == 0);
	file = openat(store, "file", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	MUST(file >= 0);
}

static int reopen(int fd, int flags)
{
	char number[20];
	snprintf(number, sizeof number, "%d", fd);
	return openat(box.proc_fd, number, flags | O_CLOEXEC);
}

static const char *path_of(int fd)
{
	static char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return path;
}

/* ---- what must go on: 0 or an errno -------------------------------------------------------- */

static int outcome(bool fine) { return fine ? 0 : errno ? errno : -1; }

static int reopening(void)
{
	char text[6] = "";
	int fd = reopen(file, O_RDWR);
	return outcome(fd >= 0 && read(fd, text, 5) == 5 && strcmp(text, "hello") == 0 && close(fd) == 0);
}

static int reopening_by_path(void)
{
	int fd = open(path_of(file), O_RDONLY);
	return outcome(fd >= 0 && close(fd) == 0);
}

static int reopening_what_was_opened_inside(void)
{
	int inner = openat(store, "file", O_PATH | O_NOFOLLOW), fd = reopen(inner, O_WRONLY);
	return outcome(inner >= 0 && fd >= 0);
}

static int making_and_renaming(void)
{
	int fd = openat(store, "new", O_CREAT | O_EXCL | O_RDWR, 0600);
	return outcome(fd >= 0 && fallocate(fd, 0, 0, 4096) == 0 && fsync(fd) == 0 && mkdirat(store, "d", 0700) == 0 &&
		       renameat(store, "new", store, "newer") == 0 && linkat(store, "newer", store, "linked", 0) == 0 && symlinkat("a", store, "s") == 0 &&
		       unlinkat(store, "newer", 0) == 0);
}

static int copying(void)
{
	int from = reopen(file, O_RDONLY), to = openat(store, "copy", O_CREAT | O_RDWR, 0600);
	return outcome(from >= 0 && to >= 0 && copy_file_range(from, NULL, to, NULL, 5, 0) == 5);
}

static int watching(void)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	return outcome(watch >= 0 && inotify_add_watch(watch, path_of(store), IN_CREATE) >= 0);
}

static int locking(void)
{
	int fd = reopen(file, O_RDWR);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return outcome(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0);
}

static int attributes(void)
{
	char value[8];
	errno = 0;
	bool fine = setxattr(path_of(file), "user.a", "b", 1, 0) == 0 && getxattr(path_of(file), "user.a", value, 8) == 1;
	return fine || errno == ENOTSUP ? 0 : errno;
}

static int piping(void)
{
	int ends[2], fd = reopen(file, O_RDONLY);
	return outcome(pipe2(ends, O_CLOEXEC) == 0 && splice(fd, NULL, ends[1], NULL, 5, 0) == 5);
}

static void *nothing(void *argument) { return argument; }

static void *for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static int threads(void)
{
	pthread_t first, second;
	void *result;
	if ((errno = pthread_create(&first, NULL, nothing, &box)) != 0 || pthread_join(first, &result) != 0)
		return errno;
	if ((errno = pthread_create(&second, NULL, for_ever, NULL)) != 0 || pthread_cancel(second) != 0)
		return errno;
	return pthread_join(second, &result) == 0 && result == PTHREAD_CANCELED ? 0 : -1;
}

static int many_descriptors(void)
{
	struct rlimit limit;
	int last = (int)box.descriptors - 1;
	return outcome(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == box.descriptors &&
		       box.descriptors >= 4096 && dup2(file, last) == last);
}

static int nobody_sees_it(void)
{
	return getuid() == SOMEBODY && geteuid() == SOMEBODY && getegid() == SOMEBODY && errno == 0 ? 0 : -1;
}

/* ---- what must not: an errno, or a death ---------------------------------------------------- */

static int old_paths(void) { return outcome(open("/etc/passwd", O_RDONLY) >= 0); }
static int the_old_root(void) { return outcome(open("/../../etc/passwd", O_RDONLY) >= 0); }
static int the_store_by_path(void) { return outcome(access(store_path, F_OK) == 0); }
static int other_processes(void) { return outcome(open("/proc/1/status", O_RDONLY) >= 0); }
static int above_the_descriptors(void) { return outcome(openat(box.proc_fd, "../status", O_RDONLY) >= 0); }
static int above_by_path(void) { return outcome(open("/proc/self/fd/../../../etc/passwd", O_RDONLY) >= 0); }
static int a_socket(void) { return outcome(socket(AF_UNIX, SOCK_STREAM, 0) >= 0); }
static int another_process(void) { return outcome(fork() >= 0); }
static int signals_to_others(void) { return outcome(kill(1, 0) == 0); }
static int a_file_in_the_root(void) { return outcome(open("/new", O_CREAT | O_RDWR, 0600) >= 0); }
static int a_fifo(void) { return outcome(mknodat(store, "fifo", S_IFIFO | 0600, 0) == 0); }
static int giving_away(void) { return outcome(fchownat(file, "", 1, 1, AT_EMPTY_PATH) == 0); }
static int running_memory(void)
{
	return outcome(syscall(SYS_mmap, NULL, 4096, 7, 0x22, -1, 0) != -1);
}
static int a_program(void) { return outcome(execl("/bin/true", "true", NULL) == 0); }
static int mounting(void) { return outcome(mount("none", "/", "tmpfs", 0, NULL) == 0); }
static int tracing(void) { return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0); }
static int a_namespace(void) { return outcome(syscall(SYS_unshare, 0x10000000) == 0); }
static int a_handle(void) { return outcome(syscall(SYS_open_by_handle_at, store, NULL, 0) == 0); }
static int bpf(void) { return outcome(syscall(SYS_bpf, 0, NULL, 0) == 0); }
static int root_again(void) { return outcome(setresuid(0, 0, 0) == 0); }

#define KILLED (-31) /* SIGSYS */
#define SOME_ERROR (-100)
#define ANYTHING (-101) /* where several threads can't have one, it is another error */

static const struct {
	const char *because;
	int (*act)(void);
	int filtered, bare; /* what to expect with the filter of calls, and without */
} cases[] = {
	{ "it is the service's user", nobody_sees_it, 0, 0 },
	{ "an O_PATH descriptor can be opened again", reopening, 0, 0 },
	{ "also by path", reopening_by_path, 0, 0 },
	{ "also one that was opened inside", reopening_what_was_opened_inside, 0, 0 },
	{ "files and names can be made, renamed, linked, removed", making_and_renaming, 0, 0 },
	{ "ranges can be copied", copying, 0, 0 },
	{ "directories can be watched", watching, 0, 0 },
	{ "ranges can be locked", locking, 0, 0 },
	{ "attributes can be set by path", attributes, 0, 0 },
	{ "files can be spliced", piping, 0, 0 },
	{ "threads start and end", threads, 0, 0 },
	{ "many descriptors may be open", many_descriptors, 0, 0 },
	{ "old paths lead nowhere", old_paths, ENOENT, ENOENT },
	{ "nor upwards", the_old_root, ENOENT, ENOENT },
	{ "nor to the store", the_store_by_path, ENOENT, ENOENT },
	{ "nor to other processes", other_processes, ENOENT, ENOENT },
	{ "nor above the descriptors", above_the_descriptors, ENOENT, ENOENT },
	{ "nor above them by path", above_by_path, ENOENT, ENOENT },
	{ "nothing can be made in the root", a_file_in_the_root, EROFS, EROFS },
	{ "nothing can be given to others", giving_away, EPERM, EPERM },
	{ "there are no sockets", a_socket, EPERM, 0 },
	{ "there are no more processes", another_process, EPERM, 0 },
	{ "no signals to others", signals_to_others, EPERM, EPERM },
	{ "no fifos", a_fifo, EPERM, 0 },
	{ "memory is not run", running_memory, EPERM, 0 },
	{ "a program is death", a_program, KILLED, ENOENT },
	{ "mounting is death", mounting, KILLED, EPERM },
	{ "tracing is death", tracing, KILLED, 0 },
	{ "a namespace is death", a_namespace, KILLED, ANYTHING },
	{ "opening by handle is death", a_handle, KILLED, SOME_ERROR },
	{ "bpf is death", bpf, KILLED, SOME_ERROR },
	{ "becoming root is death", root_again, KILLED, EPERM },
};

static void inside(int (*act)(void), uid_t uid, bool seccomp)
{
	struct sandbox_settings settings = { uid, uid, seccomp };
	char because[SANDBOX_BECAUSE_SIZE];
	if (!sandbox_enter(&settings, &box, because)) {
		fprintf(stderr, "%s\n", because);
		_exit(200);
	}
	errno = 0;
	_exit(act());
}

static int result_of(int (*act)(void), uid_t uid, bool seccomp)
{
	int status;
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0) {
		make_store();
		inside(act, uid, seccomp);
	}
	MUST(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int main(void)
{
	if (getuid() != 0 || unshare(CLONE_NEWNS) != 0) {
		fprintf(stderr, "Only root can enter the sandbox: run this test as root, with CAP_SYS_ADMIN.\n");
		return SKIPPED;
	}
	/* So that what the cases leave behind goes with this process. */
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("t", "/tmp", "tmpfs", 0, NULL) == 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int filtered = result_of(cases[i].act, SOMEBODY, true), bare = result_of(cases[i].act, SOMEBODY, false);
		CHECK(filtered == cases[i].filtered, "%s: %d", cases[i].because, filtered);
		CHECK(bare == cases[i].bare || cases[i].bare == ANYTHING || (bare > 0 && cases[i].bare == SOME_ERROR), "without the filter, %s: %d", cases[i].because, bare);
	}
	CHECK(result_of(giving_away, 0, false) == EPERM, "a service that runs as root has no rights either");
	return verdict();
}

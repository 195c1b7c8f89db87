#include "own_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

enum fault fault;
int fault_at, fault_calls;

void fault_set(enum fault which, int at)
{
	fault = which;
	fault_at = at;
	fault_calls = 0;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static bool strikes(void)
{
	if (fault == NO_FAULT)
		return false;
	int call = __atomic_add_fetch(&fault_calls, 1, __ATOMIC_SEQ_CST);
	return fault == DISK_FULL || fault == DISK_DEAD ? call >= fault_at : call == fault_at;
}

static bool refuses(bool struck, bool adds)
{
	if (struck && (fault == KILL_BEFORE || fault == KILL_HALFWAY))
		die();
	if (struck && (fault == FAIL_ONCE || fault == DISK_DEAD || (fault == DISK_FULL && adds))) {
		errno = ENOSPC;
		return true;
	}
	return false;
}

static int result(bool struck, int value)
{
	if (struck && fault == KILL_AFTER)
		die();
	return value;
}

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
	bool struck = strikes();
	if (struck && fault == KILL_HALFWAY) {
		__real_write(fd, bytes, length / 2 + 1);
		die();
	}
	if (struck && fault == HALF_WRITTEN)
		return __real_write(fd, bytes, length / 2);
	if (refuses(struck, true))
		return -1;
	ssize_t written = __real_write(fd, bytes, length);
	result(struck, 0);
	return written;
}

#define WRAPPED(name, adds, parameters, arguments)                            \
	int __real_##name parameters;                                         \
	int __wrap_##name parameters;                                         \
	int __wrap_##name parameters                                          \
	{                                                                     \
		bool struck = strikes();                                      \
		return refuses(struck, adds) ? -1 : result(struck, __real_##name arguments); \
	}

WRAPPED(ftruncate64, false, (int fd, off_t length), (fd, length))
WRAPPED(fdatasync, false, (int fd), (fd))
WRAPPED(fsync, false, (int fd), (fd))
WRAPPED(renameat, true, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAPPED(unlinkat, false, (int fd, const char *name, int flags), (fd, name, flags))

int __real_openat64(int fd, const char *name, int flags, ...);
int __wrap_openat64(int fd, const char *name, int flags, ...);
int __wrap_openat64(int fd, const char *name, int flags, ...)
{
	va_list more;
	va_start(more, flags);
	mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
	va_end(more);
	bool struck = strikes();
	return refuses(struck, flags & O_CREAT) ? -1 : result(struck, __real_openat64(fd, name, flags, mode));
}

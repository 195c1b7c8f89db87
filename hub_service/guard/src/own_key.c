#include "own.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define WANTED (STATX_INO | STATX_BTIME)

/* FUSE gives handles that its next mount gives to other files. */
static bool handles_outlive_the_mount(int fd)
{
	struct statfs about;
	return fstatfs(fd, &about) == 0 && about.f_type != FUSE_SUPER_MAGIC;
}

static bool by_handle(int fd, struct own_key *key)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + OWN_HANDLE_MAX];
	} u = { .handle.handle_bytes = OWN_HANDLE_MAX };
	int mount;
	if (name_to_handle_at(fd, "", &u.handle, &mount, AT_EMPTY_PATH) != 0)
		return false;
	if (u.handle.handle_bytes == 0 || u.handle.handle_bytes > OWN_HANDLE_MAX || !handles_outlive_the_mount(fd))
		return false;
	key->kind = OWN_KEY_HANDLE;
	key->length = (uint8_t)u.handle.handle_bytes;
	key->type = u.handle.handle_type;
	memcpy(key->bytes, u.handle.f_handle, u.handle.handle_bytes);
	return true;
}

static bool by_birth(int fd, struct own_key *key)
{
	struct statx about;
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, WANTED, &about) != 0 ||
	    (about.stx_mask & WANTED) != WANTED)
		return false;
	uint64_t parts[] = {
		((uint64_t)about.stx_dev_major << 32) | about.stx_dev_minor,
		about.stx_ino,
		(uint64_t)about.stx_btime.tv_sec,
		about.stx_btime.tv_nsec,
	};
	key->kind = OWN_KEY_BIRTH;
	key->length = sizeof parts;
	memcpy(key->bytes, parts, sizeof parts);
	return true;
}

void own_key_of(int fd, struct own_key *key)
{
	memset(key, 0, sizeof *key);
	if (by_handle(fd, key) || by_birth(fd, key))
		return;
	memset(key, 0, sizeof *key);
}

void own_boot(char boot[static OWN_BOOT_SIZE])
{
	memset(boot, 0, OWN_BOOT_SIZE);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, boot, OWN_BOOT_SIZE - 1) != OWN_BOOT_SIZE - 1)
		memset(boot, 0, OWN_BOOT_SIZE);
	close(fd);
}

/* By what the memory knows a file: on a real file system, where inode numbers come back. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/own.h"
#include "check.h"

static char state_path[] = "/tmp/own-key-test-XXXXXX";
static int state;

static bool same(const struct own_key *a, const struct own_key *b)
{
	return a->kind == b->kind && a->type == b->type && a->length == b->length &&
	       memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void real_keys(void)
{
	struct own_key first, again, other, link;
	int fd = openat(state, "file", O_CREAT | O_RDWR | O_CLOEXEC, 0600), path = openat(state, "file", O_PATH | O_CLOEXEC);
	MUST(symlinkat("file", state, "link") == 0);
	int link_fd = openat(state, "link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	own_key_of(fd, &first);
	own_key_of(path, &again);
	own_key_of(state, &other);
	own_key_of(link_fd, &link);
	CHECK(first.kind != OWN_KEY_NONE && same(&first, &again), "one file has one key");
	CHECK(!same(&first, &other) && !same(&first, &link), "others have others");
	MUST(renameat(state, "file", state, "renamed") == 0);
	own_key_of(path, &again);
	CHECK(same(&first, &again), "also under another name");
	own_key_of(-1, &again);
	CHECK(again.kind == OWN_KEY_NONE, "no file, no key");
	close(fd), close(path), close(link_fd);
	unlinkat(state, "renamed", 0), unlinkat(state, "link", 0);
}

/* The number of an inode comes back soon; its key never does. */
static void numbers_that_come_back(void)
{
	struct own_key keys[64];
	struct stat about[64];
	int same_number = 0;
	for (int i = 0; i < 64; i++) {
		int fd = openat(state, "reused", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		MUST(fd >= 0 && fstat(fd, &about[i]) == 0);
		own_key_of(fd, &keys[i]);
		close(fd);
		MUST(unlinkat(state, "reused", 0) == 0);
		for (int j = 0; j < i; j++) {
			same_number += about[i].st_ino == about[j].st_ino;
			CHECK(!same(&keys[i], &keys[j]), "inode %ju has an old key", (uintmax_t)about[i].st_ino);
		}
	}
	if (same_number == 0)
		fprintf(stderr, "(No inode number came back on this file system.)\n");
}

int main(void)
{
	MUST(mkdtemp(state_path) && (state = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	real_keys();
	numbers_that_come_back();
	rmdir(state_path);
	return verdict();
}

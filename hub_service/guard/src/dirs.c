/* Directories' lists. */
#include "dirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"
#include "watch.h"

#define LISTING_SIZE 32768

struct listing {
	pthread_mutex_t lock;
	off_t next;		/* the offset behind what stands at `at` */
	size_t filled, at;
	char entries[LISTING_SIZE] __attribute__((aligned(8)));
};

/* One answer being made. */
struct answer {
	char *bytes;
	size_t size, used;
	fuse_ino_t *numbers; /* looked up on the way, to be taken back if nobody reads the answer */
	size_t count;
};

void listing_free(struct listing *listing)
{
	if (!listing)
		return;
	pthread_mutex_destroy(&listing->lock);
	free(listing);
}

static struct listing *listing_new(void)
{
	struct listing *listing = malloc(sizeof(*listing));

	if (!listing)
		return NULL;
	pthread_mutex_init(&listing->lock, NULL);
	listing->next = 0;
	listing->filled = listing->at = 0;
	return listing;
}

/* The list may stay in the kernel as long as we are told what changes. */
static void may_cache(struct call *call, struct fuse_file_info *info)
{
	bool sure = watch_directory(call->node);

	info->cache_readdir = sure;
	info->keep_cache = sure && atomic_load(&call->tie->list);
	atomic_store(&call->tie->list, sure);
	atomic_store(&call->tie->names, true);
}

static int open_directory(struct call *call, struct fuse_file_info *info, struct file **file)
{
	int error = decide(call->level, DEED_READ, NULL);
	int fd;

	if (!error && !S_ISDIR(call->node->type))
		error = ENOTDIR;
	if (error)
		return error;
	pthread_mutex_lock(&call->node->claim);
	fd = node_open(call->node, O_RDONLY | O_DIRECTORY);
	error = fd < 0 ? errno : 0;
	/* Its maker's looking into it does not make it younger. */
	if (!error && !is_own(call->place, call->node))
		note_open(call);
	pthread_mutex_unlock(&call->node->claim);
	if (error)
		return error;
	*file = file_new(call->tie, fd, false);
	if (!*file)
		return ENOMEM;
	(*file)->listing = listing_new();
	if (!(*file)->listing) {
		file_free(*file);
		return ENOMEM;
	}
	may_cache(call, info);
	info->fh = (uint64_t)(uintptr_t)*file;
	return 0;
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct file *file = NULL;
	struct call call;
	int error;

	if (ino == FUSE_ROOT_ID) {
		info->fh = 0;
		fuse_reply_open(req, info);
		return;
	}
	if (!call_begin(&call, req, ino))
		return;
	error = open_directory(&call, info, &file);
	if (error)
		fuse_reply_err(req, error);
	else if (fuse_reply_open(req, info))
		file_free(file);
	call_end(&call);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	if (info->fh)
		file_free(file_of(info));
	fuse_reply_err(req, 0);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info)
{
	int failed = info->fh ? fsync(file_of(info)->fd) : 0;

	fuse_reply_err(req, failed ? errno : 0);
}

/* The next entry, or NULL: the end, or `error`. */
static struct dirent64 *listing_peek(struct file *file, int *error)
{
	struct listing *listing = file->listing;

	*error = 0;
	if (listing->at >= listing->filled) {
		ssize_t got = getdents64(file->fd, listing->entries, sizeof(listing->entries));

		listing->at = 0;
		listing->filled = got > 0 ? (size_t)got : 0;
		if (got < 0)
			*error = errno;
		if (got <= 0)
			return NULL;
	}
	return (struct dirent64 *)(void *)(listing->entries + listing->at);
}

static int listing_seek(struct file *file, off_t offset)
{
	struct listing *listing = file->listing;

	if (offset == listing->next)
		return 0;
	listing->filled = listing->at = 0;
	listing->next = offset;
	return lseek(file->fd, offset, SEEK_SET) < 0 ? errno : 0;
}

static bool add_plain(fuse_req_t req, struct answer *answer, const char *name, const struct stat *st, off_t next)
{
	size_t left = answer->size - answer->used;
	size_t took = fuse_add_direntry(req, answer->bytes + answer->used, left, name, st, next);

	if (took > left)
		return false;
	answer->used += took;
	return true;
}

/* Does this kernel know the inode and, for long, its attributes? */
static bool is_known_well(struct call *call, ino_t ino)
{
	struct node *node = node_find(call->node->share, ino);
	bool known;

	if (!node)
		return false;
	known = atomic_load(&node->told_by) >= 0 && tie_is_known(call->place, node);
	node_put(node);
	return known;
}

/* With what a lookup would have told: it saves one round trip for each name that is new. */
static bool add_plus(struct call *call, struct answer *answer, const struct dirent64 *found)
{
	size_t left = answer->size - answer->used;
	struct fuse_entry_param entry = {.ino = 0};

	if (fuse_add_direntry_plus(call->req, NULL, 0, found->d_name, NULL, 0) > left)
		return false;
	if (!is_single_name(found->d_name) || is_known_well(call, found->d_ino) ||
	    entry_named(call->place, call->node, found->d_name, &entry)) {
		entry.ino = 0;
		entry.attr.st_ino = found->d_ino;
		entry.attr.st_mode = (mode_t)found->d_type << 12;
	}
	if (entry.ino)
		answer->numbers[answer->count++] = entry.ino;
	answer->used += fuse_add_direntry_plus(call->req, answer->bytes + answer->used, left, found->d_name, &entry,
					       found->d_off);
	return true;
}

static bool add(struct call *call, struct answer *answer, const struct dirent64 *found, bool plus)
{
	struct stat st = {.st_ino = found->d_ino, .st_mode = (mode_t)found->d_type << 12};

	if (plus)
		return add_plus(call, answer, found);
	return add_plain(call->req, answer, found->d_name, &st, found->d_off);
}

static int fill(struct call *call, struct file *file, struct answer *answer, off_t offset, bool plus)
{
	struct listing *listing = file->listing;
	struct dirent64 *found;
	int error;

	pthread_mutex_lock(&listing->lock);
	error = listing_seek(file, offset);
	while (!error && (found = listing_peek(file, &error)) && add(call, answer, found, plus)) {
		listing->at += found->d_reclen;
		listing->next = found->d_off;
	}
	pthread_mutex_unlock(&listing->lock);
	return answer->used ? 0 : error;
}

/* The entries are real ones, so that a folder's new name is known as soon as somebody has listed
 * it: working directories in it go on under that name. */
static bool add_place_entry(fuse_req_t req, struct answer *answer, struct place *place, bool plus)
{
	struct stat st = {.st_ino = place->share->top_ino, .st_mode = S_IFDIR};
	size_t left = answer->size - answer->used;
	struct fuse_entry_param entry = {.ino = 0};

	if (!plus)
		return add_plain(req, answer, place->name, &st, place->number);
	if (fuse_add_direntry_plus(req, NULL, 0, place->name, NULL, 0) > left)
		return false;
	if (top_entry(place, &entry)) {
		entry.ino = 0;
		entry.attr = st;
	} else {
		answer->numbers[answer->count++] = entry.ino;
	}
	answer->used += fuse_add_direntry_plus(req, answer->bytes + answer->used, left, place->name, &entry,
					       place->number);
	return true;
}

/* The next one after that with this number; 0: the first. The list begins with the newest, which has the
 * highest number, so what comes and goes meanwhile makes nobody skip another one or meet it twice. */
static struct place *place_after(struct session *session, off_t number)
{
	struct place *place;

	pthread_mutex_lock(&session->lock);
	place = session->places;
	while (place && number && place->number >= number)
		place = place->next;
	if (place)
		place_hold(place);
	pthread_mutex_unlock(&session->lock);
	return place;
}

static int fill_root(fuse_req_t req, struct answer *answer, off_t offset, bool plus)
{
	struct session *session = fuse_req_userdata(req);
	struct place *place;
	bool fits = true;

	while (fits && (place = place_after(session, offset))) {
		offset = place->number;
		fits = add_place_entry(req, answer, place, plus);
		place_put(place);
	}
	return 0;
}

/* Nobody reads the answer: what was looked up for it is forgotten. */
static void take_back(const struct answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		tie_forget(tie_of(answer->numbers[i]), 1);
}

static int list_directory(fuse_req_t req, fuse_ino_t ino, struct answer *answer, off_t offset,
			  struct fuse_file_info *info, bool plus)
{
	struct call call;
	int error;

	if (ino == FUSE_ROOT_ID)
		return fill_root(req, answer, offset, plus);
	if (!call_begin(&call, req, ino))
		return -1; /* it was answered */
	error = fill(&call, file_of(info), answer, offset, plus);
	call_end(&call);
	return error;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info, bool plus)
{
	struct answer answer = {.size = size};
	int error = ENOMEM;

	answer.bytes = malloc(size);
	answer.numbers = calloc(size / 128 + 1, sizeof(*answer.numbers));
	if (answer.bytes && answer.numbers)
		error = list_directory(req, ino, &answer, offset, info, plus);
	if (error > 0)
		fuse_reply_err(req, error);
	else if (!error && fuse_reply_buf(req, answer.bytes, answer.used))
		take_back(&answer);
	free(answer.bytes);
	free(answer.numbers);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	list(req, ino, size, offset, info, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
	list(req, ino, size, offset, info, true);
}

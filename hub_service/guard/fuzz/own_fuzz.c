/* Any bytes as the log of a folder's memory.
 *
 * The first byte chooses: a history is written by the memory itself, damaged as the input says,
 * and read again (then nobody may own what they did not own at that point of the history); or
 * records of the input's making are given right checksums, so that reading gets deep into them
 * (then nothing may break); or the bytes are the log. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/own_parts.h"
#include "../tests/own_model.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define NEXT_BOOT "22222222-2222-3333-4444-555555555555"
#define LOG MODEL_FOLDER ".own"
#define MOST 200 /* steps */
#define ROOM (1 << 18)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int state = -1;
static uint8_t log_bytes[ROOM];

static void require(bool holds)
{
	if (!holds)
		abort();
}

static char path[] = "/dev/shm/own-fuzz-XXXXXX";

static void clear_up(void)
{
	unlinkat(state, LOG, 0);
	rmdir(path);
}

static void prepare(void)
{
	if (state < 0) {
		require(mkdtemp(path) != NULL && atexit(clear_up) == 0);
		state = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	require(state >= 0);
	unlinkat(state, LOG, 0);
}

static void write_log(const void *bytes, size_t length)
{
	int fd = openat(state, LOG, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
	close(fd);
}

static size_t read_log(void)
{
	int fd = openat(state, LOG, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, log_bytes, sizeof log_bytes) : 0;
	close(fd);
	return length > 0 ? (size_t)length : 0;
}

static void load_and_ask(const char *boot, bool own_now[FILES][PEOPLE], size_t *known)
{
	struct own *own = own_open(state, boot);
	require(own != NULL);
	struct own_folder *folder = own_folder_get(own, MODEL_FOLDER, true);
	require(folder != NULL);
	struct own_counts counts;
	own_count(folder, &counts);
	*known = counts.known;
	for (int f = 0; f < FILES; f++) {
		struct own_key key = file_key(f);
		for (int p = 0; p < PEOPLE; p++) {
			struct own_who who;
			require(own_who(folder, person_name(p), grant_name(p), &who));
			own_now[f][p] = own_is_own(folder, &key, who);
			require(own_now[f][p] || !own_is_fresh(folder, &key, who, 0, OWN_ALWAYS_FRESH));
		}
	}
	own_folder_put(folder);
	own_close(own);
}

/* ---- histories that are damaged --------------------------------------------------------------- */

static struct model models[MOST + 1];
static size_t lengths[MOST + 1]; /* of the log, after so many steps */

static struct step scripted(const uint8_t *bytes, int64_t i)
{
	static const enum act acts[] = { MADE, OPENED, CLOSED, FORGOTTEN, ESTABLISHED, TRIED, ENDED, MADE };
	return (struct step){ acts[bytes[0] & 7], (bytes[0] >> 3) % FILES, bytes[1] % PEOPLE, i * SECOND };
}

static int play_history(const uint8_t *bytes, int steps)
{
	struct own *own = own_open(state, BOOT);
	require(own != NULL);
	struct own_folder *folder = own_folder_get(own, MODEL_FOLDER, true);
	require(folder != NULL);
	models[0] = (struct model){ .grants = { 0 } };
	lengths[0] = 0;
	for (int i = 0; i < steps; i++) {
		struct step step = scripted(bytes + 2 * i, i);
		require(own_step(own, &folder, step));
		models[i + 1] = models[i];
		model_step(&models[i + 1], step);
		lengths[i + 1] = read_log();
	}
	own_folder_put(folder);
	own_close(own);
	return steps;
}

/* Something of the history's first steps, as much of them as is in `length` bytes; or nothing. */
static void require_a_moment(bool own_now[FILES][PEOPLE], size_t known, int steps, size_t length)
{
	int last = steps;
	while (last > 0 && lengths[last] > length)
		last--;
	for (int f = 0; f < FILES; f++) {
		for (int p = 0; p < PEOPLE; p++) {
			bool then = model_own(&models[last], f, p);
			require(!own_now[f][p] || then);
			/* Of the step that is cut, an act that was only tried may be there by half. */
			require(known == 0 || own_now[f][p] == then || last < steps);
		}
	}
}

static void damaged_history(const uint8_t *bytes, size_t length)
{
	bool own_now[FILES][PEOPLE];
	size_t known, whole, cut;
	if (length < 4)
		return;
	int steps = (int)((length - 4) / 2 < MOST ? (length - 4) / 2 : MOST);
	const bool other_boot = bytes[0] & 1, flip = bytes[0] & 2;
	play_history(bytes + 4, steps);
	whole = steps ? lengths[steps] : 0;
	(void)read_log();
	size_t at = whole ? (size_t)(bytes[1] | bytes[2] << 8) % whole : 0;
	cut = flip ? whole : at;
	if (flip && whole)
		log_bytes[at] ^= bytes[3] ? bytes[3] : 1;
	write_log(log_bytes, cut);
	load_and_ask(other_boot ? NEXT_BOOT : BOOT, own_now, &known);
	require_a_moment(own_now, known, steps, at);
}

/* ---- records of the input's making -------------------------------------------------------------- */

static void forged_records(const uint8_t *bytes, size_t length)
{
	static struct own own;
	static struct own_folder folder;
	bool own_now[FILES][PEOPLE];
	size_t count = length / sizeof(struct record), known;
	struct record *records = (struct record *)(void *)log_bytes;
	if (count + 1 > ROOM / sizeof *records)
		return;
	strcpy(own.boot, BOOT);
	strcpy(folder.folder, MODEL_FOLDER);
	folder.own = &own;
	log_head(&folder, &records[0], 42);
	memcpy(&records[1], bytes, count * sizeof *records);
	for (size_t i = 1; i <= count; i++)
		records[i].check = record_check(&records[i], 42);
	write_log(records, (count + 1) * sizeof *records);
	load_and_ask(BOOT, own_now, &known);
	load_and_ask(NEXT_BOOT, own_now, &known);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	bool own_now[FILES][PEOPLE];
	size_t known;
	if (length == 0)
		return 0;
	prepare();
	switch (bytes[0] % 4) {
	case 0:
		write_log(bytes + 1, length - 1);
		load_and_ask(BOOT, own_now, &known);
		require(known == 0 || length > sizeof(struct record));
		break;
	case 1:
		forged_records(bytes + 1, length - 1);
		break;
	default:
		damaged_history(bytes + 1, length - 1);
	}
	return 0;
}

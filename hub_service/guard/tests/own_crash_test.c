/* The guard is killed, or refused by the disk, at every call that its memory makes; the next
 * start may believe what was so when the last change was answered, or the change under way. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "own_faults.h"
#include "own_model.h"

#define STEPS 90
#define BOOT "11111111-2222-3333-4444-555555555555"

static struct progress {
	unsigned done; /* steps that were answered */
	bool refused[STEPS + 1];
	int calls;
} *progress;

static char state_path[] = "/tmp/own-crash-XXXXXX";
static int state;

static void empty_state(void)
{
	unlinkat(state, MODEL_FOLDER ".own", 0);
	unlinkat(state, MODEL_FOLDER ".own.new", 0);
}

/* `ends`: with the step in which the fault was. */
static void live(uint64_t seed, unsigned from, unsigned to, enum fault which, int at, bool ends)
{
	struct own *own = own_open(state, BOOT);
	MUST(own);
	fault_set(which, at);
	struct own_folder *folder = own_folder_get(own, MODEL_FOLDER, true);
	if (folder == NULL)
		folder = own_folder_get(own, MODEL_FOLDER, false);
	for (unsigned i = from; folder && i < to && !(ends && fault_calls >= at); i++) {
		progress->refused[i] = !own_step(own, &folder, step_of(seed, i));
		__atomic_store_n(&progress->done, i + 1, __ATOMIC_SEQ_CST);
	}
	progress->calls = fault_calls;
	_exit(0);
}

/* True when the process was killed. */
static bool live_and_die(uint64_t seed, unsigned from, unsigned to, enum fault which, int at, bool ends)
{
	int status;
	progress->done = from;
	pid_t child = fork();
	MUST(child >= 0);
	if (child == 0)
		live(seed, from, to, which, at, ends);
	MUST(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0, "status %d", status);
	return WIFSIGNALED(status);
}

struct belief {
	bool own[FILES][PEOPLE], fresh[FILES][PEOPLE], still_fresh[FILES][PEOPLE];
};

static void believe(struct belief *belief, int64_t now)
{
	struct own *own = own_open(state, BOOT);
	MUST(own);
	struct own_folder *folder = own_folder_get(own, MODEL_FOLDER, true);
	MUST(folder);
	for (int f = 0; f < FILES; f++) {
		struct own_key key = file_key(f);
		for (int p = 0; p < PEOPLE; p++) {
			struct own_who who;
			MUST(own_who(folder, person_name(p), grant_name(p), &who));
			belief->own[f][p] = own_is_own(folder, &key, who);
			belief->fresh[f][p] = own_is_fresh(folder, &key, who, now, FRESH_FOR);
			belief->still_fresh[f][p] = own_is_fresh(folder, &key, who, now, FRESH_FOR + SECOND);
		}
	}
	own_folder_put(folder);
	own_close(own);
}

/* Which steps the model has played: those that were answered, and what the disk refused. */
static void replay(struct model *model, uint64_t seed, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct step step = step_of(seed, i);
		if (progress->refused[i])
			model->files[step.file].unsure = true; /* not done: it may be as before, or not own */
		else
			model_step(model, step);
	}
}

static void compare(const struct model *before, const struct model *after, const struct belief *belief, int64_t now,
		    bool exactly, const char *because, int at)
{
	for (int f = 0; f < FILES; f++) {
		for (int p = 0; p < PEOPLE; p++) {
			bool own = belief->own[f][p], first = model_own(before, f, p), second = model_own(after, f, p);
			CHECK(!own || first || second, "%s %d: file %d is not person %d's", because, at, f, p);
			CHECK(!exactly || own == first || own == second, "%s %d: file %d is person %d's", because, at, f, p);
			if (before->files[f].unsure)
				continue;
			bool fresh = model_fresh(before, f, p, now) || model_fresh(after, f, p, now);
			CHECK(!belief->fresh[f][p] || fresh, "%s %d: file %d is not fresh", because, at, f);
			bool surely = model_fresh(before, f, p, now) && model_fresh(after, f, p, now);
			CHECK(!exactly || !surely || belief->still_fresh[f][p], "%s %d: file %d is fresh", because, at, f);
		}
	}
}

/* The step under way, as if it had been done; an act that was only tried may be half done. */
static struct model one_more(const struct model *before, uint64_t seed, unsigned i)
{
	struct model after = *before;
	if (i >= STEPS)
		return after;
	struct step step = step_of(seed, i);
	model_step(&after, step);
	if (step.act == TRIED)
		after.files[step.file].known = false;
	return after;
}

/* Opens are not durable: the model forgets them when the guard dies. */
static void close_all(struct model *model)
{
	for (int f = 0; f < FILES; f++)
		model->files[f].opens = 0;
}

static void one_death(uint64_t seed, enum fault which, int at, const char *because)
{
	struct model before = { .grants = { 0 } };
	struct belief belief;
	replay(&before, seed, 0, progress->done);
	struct model after = one_more(&before, seed, progress->done);
	int64_t now = step_of(seed, progress->done).now;
	close_all(&before);
	close_all(&after);
	for (int start = 0; start < 2; start++) { /* what one start makes of it, the next one reads */
		believe(&belief, now);
		compare(&before, &after, &belief, now, which <= KILL_HALFWAY, because, at);
	}
}

static void killed_between_any_two_calls(void)
{
	static const char *const words[] = { "", "killed before call", "killed after call", "killed in the middle of call" };
	for (uint64_t seed = 1; seed <= 2; seed++) {
		for (int which = KILL_BEFORE; which <= KILL_HALFWAY; which++) {
			bool killed = true;
			for (int at = 1; killed; at++) {
				empty_state();
				memset(progress->refused, 0, sizeof progress->refused);
				killed = live_and_die(seed, 0, STEPS, (enum fault)which, at, false);
				one_death(seed, (enum fault)which, at, words[which]);
			}
			CHECK(progress->calls > STEPS / 2, "only %d calls", progress->calls);
		}
	}
}

static void refused_by_the_disk(bool ends)
{
	static const char *const words[] = { "the disk refuses call", "half a write at call", "the disk is full from call" };
	for (uint64_t seed = 4; seed <= 5; seed++) {
		for (int which = FAIL_ONCE; which <= DISK_FULL; which++) {
			int calls = 1;
			for (int at = 1; at <= calls; at++) {
				struct model model = { .grants = { 0 } };
				struct belief belief;
				empty_state();
				memset(progress->refused, 0, sizeof progress->refused);
				CHECK(!live_and_die(seed, 0, STEPS, (enum fault)which, at, ends), "it died");
				calls = which == DISK_FULL || ends ? 110 : progress->calls;
				replay(&model, seed, 0, progress->done);
				int64_t now = step_of(seed, progress->done).now;
				close_all(&model);
				believe(&belief, now);
				compare(&model, &model, &belief, now, false, words[which - FAIL_ONCE], at);
			}
		}
	}
}

/* Where not even removing works, nothing can be made established: the caller is told. */
static void refused_in_everything(void)
{
	struct own_key key = file_key(0);
	struct own_was was;
	struct own_who who;
	empty_state();
	struct own *own = own_open(state, BOOT);
	struct own_folder *folder = own ? own_folder_get(own, MODEL_FOLDER, true) : NULL;
	MUST(folder && own_who(folder, "ben", "owner", &who));
	own_made(folder, &key, who, SECOND);
	CHECK(own_establish(folder, &key, &was), "while the disk is well");
	own_put_back(folder, &key, &was);
	fault_set(DISK_DEAD, 1);
	CHECK(!own_establish(folder, &key, &was), "it said yes, and the log still has it");
	own_put_back(folder, &key, &was);
	CHECK(own_is_own(folder, &key, who), "put back it is own again");
	fault_set(NO_FAULT, 0);
	own_folder_put(folder);
	own_close(own);
}

/* The model takes over what was believed of the step under way: all of it, or nothing. */
static void settle(struct model *model, const struct model *after, const struct belief *belief, struct step step)
{
	if (step.act == MADE || step.act == OPENED || step.act == CLOSED)
		model->files[step.file].unsure = true;
	for (int f = 0; f < FILES; f++) {
		for (int p = 0; p < PEOPLE; p++) {
			if (belief->own[f][p] != model_own(model, f, p)) {
				bool unsure = model->files[f].unsure;
				*model = *after;
				model->files[f].unsure = unsure;
				return;
			}
		}
	}
}

static void many_lives(void)
{
	for (uint64_t seed = 100; seed < 120; seed++) {
		struct model model = { .grants = { 0 } };
		unsigned from = 0;
		empty_state();
		memset(progress->refused, 0, sizeof progress->refused);
		for (unsigned life = 0; from < STEPS; life++) {
			struct belief belief;
			uint64_t r = spread(seed * 77 + life);
			live_and_die(seed, from, STEPS, (enum fault)(KILL_BEFORE + (int)(r % 3)), 1 + (int)((r >> 8) % 30), false);
			replay(&model, seed, from, progress->done);
			struct model after = one_more(&model, seed, progress->done);
			int64_t now = step_of(seed, progress->done).now;
			close_all(&model);
			close_all(&after);
			believe(&belief, now);
			compare(&model, &after, &belief, now, true, "life", (int)life);
			settle(&model, &after, &belief, step_of(seed, progress->done));
			from = progress->done + 1; /* what was under way is not tried again */
		}
	}
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0)
		memcpy(state_path, "/dev/shm/own-XXXXXXX", sizeof state_path - 1);
	MUST(mkdtemp(state_path) && (state = open(state_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(progress != MAP_FAILED);
	killed_between_any_two_calls();
	refused_by_the_disk(false);
	refused_by_the_disk(true);
	refused_in_everything();
	many_lives();
	empty_state();
	rmdir(state_path);
	return verdict();
}

/* Histories of a few people and files, and what a simple model thinks of them. The same number
 * always plays the same history. */
#ifndef GUARD_OWN_MODEL_H
#define GUARD_OWN_MODEL_H

#include <string.h>

#include "../src/own.h"

#define PEOPLE 3
#define FILES 6
#define SECOND 1000000000LL
#define FRESH_FOR (20 * SECOND)
#define MODEL_FOLDER "fld_zzzzzzzzzzzzzzzzzzzzzzzzzz"

enum act { MADE, OPENED, CLOSED, FORGOTTEN, ESTABLISHED, TRIED, ENDED, RELEASED, ACTS };

struct step {
	enum act act;
	int file, person;
	int64_t now;
};

struct fact {
	bool known, seen, unsure; /* unsure: nobody can say when it was closed, or who saw it */
	int person, opens;
	unsigned grant; /* which of the person's, one after the other */
	int64_t closed;
};

struct model {
	struct fact files[FILES];
	unsigned grants[PEOPLE];
};

static inline const char *person_name(int person)
{
	/* One has a name of several records, one of exactly one. */
	static const char *const names[PEOPLE] = {
		"ben",
		"a name of exactly sixty-four bytes, which fill one record's room",
		("a very long name, as a hub takes it from an identity provider that knows people by what their "
		 "institution calls them: department of very long names, faculty of names, university of institutions"),
	};
	return names[person];
}

static inline const char *grant_name(int person)
{
	static const char *const names[PEOPLE] = { "owner", "gnt_00000000000000000000000000", "gnt_11111111111111111111111111" };
	return names[person];
}

static inline struct own_key file_key(int file)
{
	struct own_key key = { .kind = OWN_KEY_HANDLE, .length = (uint8_t)(file == 5 ? OWN_HANDLE_MAX : 8), .type = file == 4 ? 2 : 1 };
	key.bytes[0] = (uint8_t)(file == 4 ? 3 : file); /* two that the type alone tells apart */
	key.bytes[key.length - 1] = 7;
	return key;
}

static inline uint64_t spread(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x7FB5D329728EA185u;
	x = (x ^ (x >> 27)) * 0x81DADEF4BC2DD44Du;
	return x ^ (x >> 33);
}

static inline struct step step_of(uint64_t seed, unsigned i)
{
	static const enum act often[] = { MADE, MADE, MADE, OPENED, OPENED, OPENED, CLOSED, CLOSED,
					  CLOSED, FORGOTTEN, ESTABLISHED, TRIED, ENDED, RELEASED };
	uint64_t r = spread(seed * 1000003 + i + 1);
	return (struct step){
		.act = often[(r & 255) % (sizeof often / sizeof *often)],
		.file = (int)((r >> 8) & 255) % FILES,
		.person = (int)((r >> 16) & 255) % PEOPLE,
		.now = 1700000000 * SECOND + (int64_t)i * 3 * SECOND,
	};
}

static inline void model_step(struct model *model, struct step step)
{
	struct fact *fact = &model->files[step.file];
	switch (step.act) {
	case MADE:
		*fact = (struct fact){ .known = true, .person = step.person, .grant = model->grants[step.person], .closed = step.now };
		break;
	case OPENED:
		if (fact->person == step.person)
			fact->opens++;
		else
			fact->seen = true;
		break;
	case CLOSED:
		if (fact->person == step.person && fact->opens > 0 && --fact->opens == 0)
			fact->closed = step.now;
		break;
	case FORGOTTEN:
	case ESTABLISHED:
		*fact = (struct fact){ .known = false };
		break;
	case ENDED:
		model->grants[step.person]++;
		break;
	case RELEASED:
		for (int f = 0; f < FILES; f++)
			model->files[f].opens = 0;
		break;
	case TRIED: /* and put back */
	case ACTS:
		break;
	}
}

static inline bool model_own(const struct model *model, int file, int person)
{
	const struct fact *fact = &model->files[file];
	return fact->known && fact->person == person && fact->grant == model->grants[person];
}

static inline bool model_fresh(const struct model *model, int file, int person, int64_t now)
{
	const struct fact *fact = &model->files[file];
	return model_own(model, file, person) && !fact->seen && (fact->opens > 0 || now - fact->closed < FRESH_FOR);
}

/* The same with the real one. False: it refused to make something established. */
static inline bool own_step(struct own *own, struct own_folder **folder, struct step step)
{
	struct own_key key = file_key(step.file);
	struct own_who who;
	struct own_was was;
	if (!own_who(*folder, person_name(step.person), grant_name(step.person), &who))
		return false;
	switch (step.act) {
	case MADE: own_made(*folder, &key, who, step.now); break;
	case OPENED: own_opened(*folder, &key, who); break;
	case CLOSED: own_closed(*folder, &key, who, step.now); break;
	case FORGOTTEN: own_forgotten(*folder, &key); break;
	case ESTABLISHED: return own_establish(*folder, &key, &was);
	case TRIED:
		if (!own_establish(*folder, &key, &was))
			return false;
		own_put_back(*folder, &key, &was);
		break;
	case ENDED: own_grant_ended(*folder, grant_name(step.person)); break;
	case RELEASED:
		own_folder_put(*folder);
		*folder = own_folder_get(own, MODEL_FOLDER, true);
		if (*folder == NULL)
			*folder = own_folder_get(own, MODEL_FOLDER, false);
		break;
	case ACTS: break;
	}
	return true;
}

#endif

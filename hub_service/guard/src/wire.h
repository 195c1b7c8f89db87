/* The control protocol (docs/reference/mount-protocols.md): one packet is one message.
 *
 * Nothing here allocates, and nothing is believed: a packet is either an order that holds in
 * every part, or a refusal with a sentence. */
#ifndef GUARD_WIRE_H
#define GUARD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1
#define WIRE_MAX 65536      /* bytes of one packet, in either direction */
#define WIRE_ID_SIZE 31     /* three letters, "_", 26 of Crockford's alphabet, NUL */
#define WIRE_NAME_SIZE 256  /* a folder's name in a session, as the file system allows it */
#define WIRE_PERSON_SIZE 1025 /* 255 characters in UTF-8 at most, and some room */
#define WIRE_WHY_SIZE 33
#define WIRE_BECAUSE_SIZE 200

#define WIRE_NO_LIMIT UINT64_MAX /* `-` as limit or used */
#define WIRE_NO_END INT64_MAX    /* `-` as until; and what lies after the year 2262 */

enum wire_verb {
	WIRE_HELLO,
	WIRE_SESSION,
	WIRE_DROP,
	WIRE_FOLDER,
	WIRE_REMOVE,
	WIRE_REPORT,
	WIRE_QUIT,
};

/* In order: a higher level may do everything that a lower one may. */
enum wire_level {
	WIRE_VIEW = 1,
	WIRE_EDIT = 2,
	WIRE_EDIT_DELETE = 3,
};

enum wire_code {
	WIRE_MALFORMED,
	WIRE_UNKNOWN_SESSION,
	WIRE_UNKNOWN_FOLDER,
	WIRE_EXISTS,
	WIRE_NAME_TAKEN,
	WIRE_NO_DESCRIPTOR,
	WIRE_FAILED,
};

/* What one order says. Fields that its verb has no key for are zero. All text ends with NUL
 * and has none inside. */
struct wire_order {
	enum wire_verb verb;
	uint64_t n;
	uint64_t version;
	uint32_t uid, gid; /* never (uint32_t)-1 */
	char session[WIRE_ID_SIZE];
	char folder[WIRE_ID_SIZE];
	char grant[WIRE_ID_SIZE]; /* an id, or "owner" */
	char person[WIRE_PERSON_SIZE];
	char owner[WIRE_PERSON_SIZE];
	char name[WIRE_NAME_SIZE]; /* 1 to 255 bytes, no "/", neither "." nor ".." */
	char why[WIRE_WHY_SIZE];   /* a word: [a-z][a-z_-]* */
	enum wire_level level;
	int64_t until;		/* nanoseconds since 1970, or WIRE_NO_END */
	uint64_t limit, used;	/* bytes, or WIRE_NO_LIMIT */
	bool account;		/* `limit=account`: the last descriptor is the owner's account */
};

struct wire_refusal {
	enum wire_code code;
	char because[WIRE_BECAUSE_SIZE]; /* a sentence for the log; never bytes of the packet */
};

/* Read one packet. False: `refusal` says why; `order->n` is then the order's number where it
 * could be read, else 0, so that the answer can repeat it. `packet` needs no NUL at its end. */
bool wire_parse(const void *packet, size_t length, struct wire_order *order,
		struct wire_refusal *refusal);

/* May this byte stand in a value as it is? All others are %XX. */
bool wire_is_plain(char c);

const char *wire_verb_word(enum wire_verb verb);
const char *wire_level_word(enum wire_level level);
const char *wire_code_word(enum wire_code code);

/* A packet being written. What does not fit makes the whole packet not whole, never shorter. */
struct wire_packet {
	size_t length;
	bool overflowed;
	char bytes[WIRE_MAX];
};

void wire_begin(struct wire_packet *packet, const char *verb);
void wire_text(struct wire_packet *packet, const char *key, const char *value);
void wire_number(struct wire_packet *packet, const char *key, uint64_t value);
void wire_bytes_or_none(struct wire_packet *packet, const char *key, uint64_t value); /* WIRE_NO_LIMIT: `-` */
void wire_moment(struct wire_packet *packet, const char *key, int64_t nanoseconds);   /* WIRE_NO_END: `-` */
bool wire_is_whole(const struct wire_packet *packet);

/* `ok n=`, to which further words may be added; and a whole `error n= code= because=`. */
void wire_ok(struct wire_packet *packet, uint64_t n);
void wire_error(struct wire_packet *packet, uint64_t n, enum wire_code code, const char *because);

#endif

#include "wire.h"

#include <stdio.h>
#include <string.h>

/* A piece of the packet. It does not end with NUL. */
struct slice {
	const char *at;
	size_t length;
};

#define DECODED_SIZE WIRE_PERSON_SIZE /* the longest value that any key takes, and NUL */

static bool refuse(struct wire_refusal *refusal, const char *sentence, const char *key)
{
	refusal->code = WIRE_MALFORMED;
	snprintf(refusal->because, sizeof refusal->because, "%s%s%s.", sentence, key ? " " : "",
		 key ? key : "");
	return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/* May stand in a value as it is; all else is %XX. */
bool wire_is_plain(char c)
{
	return is_digit(c) || is_lower(c) || is_upper(c) || (c != '\0' && strchr("-._:~@,+", c));
}

static int hexadecimal(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value as text, and its end with NUL; false when it is too long or not encoded as it
 * must be. NUL can't be said at all: it would end the text early. */
static bool decode(struct slice value, char text[static DECODED_SIZE])
{
	size_t length = 0;
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		if (c == '%') {
			if (value.length - i < 3)
				return false;
			int high = hexadecimal(value.at[i + 1]), low = hexadecimal(value.at[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(unsigned char)(high * 16 + low);
			i += 2;
		} else if (!wire_is_plain(c)) {
			return false;
		}
		if (c == '\0' || length + 1 >= DECODED_SIZE)
			return false;
		text[length++] = c;
	}
	text[length] = '\0';
	return length > 0;
}

/* ---- values ----------------------------------------------------------------------------- */

/* Decimal digits as a number is written: no sign, no leading zero, nothing after it. */
static bool read_number(const char *text, uint64_t most, uint64_t *number)
{
	if (!is_digit(text[0]) || (text[0] == '0' && text[1] != '\0'))
		return false;
	uint64_t value = 0;
	for (; *text; text++) {
		if (!is_digit(*text))
			return false;
		uint64_t digit = (uint64_t)(*text - '0');
		if (value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return value <= most;
}

static bool read_uid(const char *text, uint32_t *uid)
{
	uint64_t number;
	if (!read_number(text, UINT32_MAX - 1, &number)) /* (uid_t)-1 means "leave it" to chown */
		return false;
	*uid = (uint32_t)number;
	return true;
}

/* Bytes, or `-`. Half the range: so that sums of two never wrap. */
static bool read_bytes(const char *text, uint64_t *bytes)
{
	if (strcmp(text, "-") == 0) {
		*bytes = WIRE_NO_LIMIT;
		return true;
	}
	return read_number(text, INT64_MAX, bytes);
}

static bool read_limit(const char *text, struct wire_order *order)
{
	order->account = strcmp(text, "account") == 0;
	return read_bytes(order->account ? "-" : text, &order->limit);
}

/* Nanoseconds of up to nine digits after the point. */
static bool read_fraction(const char *digits, int64_t *nanoseconds)
{
	int64_t value = 0, unit = 100000000;
	if (*digits == '\0')
		return false;
	for (; *digits; digits++, unit /= 10) {
		if (!is_digit(*digits) || unit == 0)
			return false;
		value += (*digits - '0') * unit;
	}
	*nanoseconds = value;
	return true;
}

static bool read_moment(const char *text, int64_t *moment)
{
	if (strcmp(text, "-") == 0) {
		*moment = WIRE_NO_END;
		return true;
	}
	char whole[13] = "";
	const char *point = strchr(text, '.');
	size_t length = point ? (size_t)(point - text) : strlen(text);
	if (length >= sizeof whole)
		return false;
	memcpy(whole, text, length);
	uint64_t seconds;
	int64_t fraction = 0;
	if (!read_number(whole, UINT64_MAX, &seconds) || (point && !read_fraction(point + 1, &fraction)))
		return false;
	if (seconds >= (uint64_t)(INT64_MAX / 1000000000))
		*moment = WIRE_NO_END; /* beyond what this clock will ever show */
	else
		*moment = (int64_t)seconds * 1000000000 + fraction;
	return true;
}

static bool read_level(const char *text, enum wire_level *level)
{
	for (enum wire_level l = WIRE_VIEW; l <= WIRE_EDIT_DELETE; l++) {
		if (strcmp(text, wire_level_word(l)) == 0) {
			*level = l;
			return true;
		}
	}
	return false;
}

/* [a-z]{3}_[0-9a-hjkmnp-tv-z]{26} */
static bool read_id(const char *text, char id[static WIRE_ID_SIZE])
{
	if (strlen(text) != WIRE_ID_SIZE - 1 || text[3] != '_')
		return false;
	for (size_t i = 0; i < WIRE_ID_SIZE - 1; i++) {
		bool fits = i < 3 ? is_lower(text[i]) : is_digit(text[i]) || is_lower(text[i]);
		if (i != 3 && (!fits || (i > 3 && strchr("ilou", text[i]))))
			return false;
	}
	memcpy(id, text, WIRE_ID_SIZE);
	return true;
}

static bool read_grant(const char *text, char id[static WIRE_ID_SIZE])
{
	if (strcmp(text, "owner") != 0)
		return read_id(text, id);
	memcpy(id, text, sizeof "owner");
	return true;
}

static bool read_text(const char *text, char *into, size_t size)
{
	size_t length = strlen(text);
	if (length >= size)
		return false;
	memcpy(into, text, length + 1);
	return true;
}

static bool read_name(const char *text, char name[static WIRE_NAME_SIZE])
{
	if (strchr(text, '/') || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	return read_text(text, name, WIRE_NAME_SIZE);
}

static bool read_why(const char *text, char why[static WIRE_WHY_SIZE])
{
	if (!is_lower(text[0]) || strspn(text, "abcdefghijklmnopqrstuvwxyz_-") != strlen(text))
		return false;
	return read_text(text, why, WIRE_WHY_SIZE);
}

/* ---- keys and verbs --------------------------------------------------------------------- */

enum key { N, VERSION, SESSION, FOLDER, UID, GID, PERSON, NAME, LEVEL, GRANT, OWNER, UNTIL, LIMIT, USED, WHY, KEYS };

static const char *const key_words[KEYS] = {
	"n",	 "version", "session", "folder", "uid",	  "gid",   "person",
	"name", "level",   "grant",	"owner",  "until", "limit", "used",   "why",
};

/* Which keys each verb has: all of them must be there, and no others. */
#define HAS(key) (1u << (key))
static const struct {
	const char *word;
	unsigned keys;
} verbs[] = {
	[WIRE_HELLO] = { "hello", HAS(N) | HAS(VERSION) },
	[WIRE_SESSION] = { "session", HAS(N) | HAS(SESSION) | HAS(UID) | HAS(GID) | HAS(PERSON) },
	[WIRE_DROP] = { "drop", HAS(N) | HAS(SESSION) },
	[WIRE_FOLDER] = { "folder", HAS(N) | HAS(SESSION) | HAS(FOLDER) | HAS(NAME) | HAS(LEVEL) | HAS(GRANT) |
					    HAS(OWNER) | HAS(UNTIL) | HAS(LIMIT) | HAS(USED) },
	[WIRE_REMOVE] = { "remove", HAS(N) | HAS(SESSION) | HAS(FOLDER) | HAS(WHY) },
	[WIRE_REPORT] = { "report", HAS(N) },
	[WIRE_QUIT] = { "quit", HAS(N) },
};
#define VERBS (sizeof verbs / sizeof *verbs)

const char *wire_verb_word(enum wire_verb verb) { return verbs[verb].word; }

static bool read_value(enum key key, const char *text, struct wire_order *order)
{
	switch (key) {
	case N: return read_number(text, UINT64_MAX, &order->n);
	case VERSION: return read_number(text, UINT64_MAX, &order->version);
	case SESSION: return read_id(text, order->session);
	case FOLDER: return read_id(text, order->folder);
	case UID: return read_uid(text, &order->uid);
	case GID: return read_uid(text, &order->gid);
	case PERSON: return read_text(text, order->person, sizeof order->person);
	case NAME: return read_name(text, order->name);
	case LEVEL: return read_level(text, &order->level);
	case GRANT: return read_grant(text, order->grant);
	case OWNER: return read_text(text, order->owner, sizeof order->owner);
	case UNTIL: return read_moment(text, &order->until);
	case LIMIT: return read_limit(text, order);
	case USED: return read_bytes(text, &order->used);
	case WHY: return read_why(text, order->why);
	case KEYS: break;
	}
	return false;
}

/* The next piece up to one space; false after the last. A doubled, leading or trailing space
 * makes an empty piece, which nothing takes. */
static bool next_piece(struct slice *rest, struct slice *piece)
{
	if (rest->at == NULL)
		return false;
	const char *space = memchr(rest->at, ' ', rest->length);
	piece->at = rest->at;
	piece->length = space ? (size_t)(space - rest->at) : rest->length;
	rest->at = space ? space + 1 : NULL;
	rest->length = space ? rest->length - piece->length - 1 : 0;
	return true;
}

static bool is_word(struct slice piece, const char *word)
{
	return piece.length == strlen(word) && memcmp(piece.at, word, piece.length) == 0;
}

/* key=value taken apart; KEYS for a key that no verb has. */
static enum key split(struct slice piece, struct slice *value)
{
	const char *equals = memchr(piece.at, '=', piece.length);
	if (equals == NULL)
		return KEYS;
	struct slice key = { piece.at, (size_t)(equals - piece.at) };
	*value = (struct slice){ equals + 1, piece.length - key.length - 1 };
	enum key known = 0;
	while (known < KEYS && !is_word(key, key_words[known]))
		known++;
	return known;
}

/* The order's number, also out of an order that does not hold otherwise. */
static uint64_t number_of(struct slice rest)
{
	struct slice piece, value;
	char text[DECODED_SIZE];
	uint64_t n;
	while (next_piece(&rest, &piece))
		if (split(piece, &value) == N && decode(value, text) && read_number(text, UINT64_MAX, &n))
			return n;
	return 0;
}

static bool read_keys(struct slice rest, struct wire_order *order, struct wire_refusal *refusal)
{
	unsigned missing = verbs[order->verb].keys;
	struct slice piece, value;
	char text[DECODED_SIZE];
	while (next_piece(&rest, &piece)) {
		enum key key = split(piece, &value);
		if (key == KEYS)
			return refuse(refusal, "A word is not key=value with a known key, or stands after two spaces", NULL);
		if (!(verbs[order->verb].keys & HAS(key)))
			return refuse(refusal, "This verb does not have the key", key_words[key]);
		if (!(missing & HAS(key)))
			return refuse(refusal, "There are two words with the key", key_words[key]);
		if (!decode(value, text) || !read_value(key, text, order))
			return refuse(refusal, "There is a bad value for the key", key_words[key]);
		missing &= ~HAS(key);
	}
	for (enum key key = 0; key < KEYS; key++)
		if (missing & HAS(key))
			return refuse(refusal, "There is no word with the key", key_words[key]);
	return true;
}

static bool read_order(struct slice packet, struct wire_order *order, struct wire_refusal *refusal)
{
	struct slice verb = { NULL, 0 };
	if (packet.length == 0 || packet.length > WIRE_MAX)
		return refuse(refusal, "A packet has from 1 to 65,536 bytes", NULL);
	next_piece(&packet, &verb);
	for (size_t i = 0; i < VERBS; i++) {
		if (is_word(verb, verbs[i].word)) {
			order->verb = (enum wire_verb)i;
			return read_keys(packet, order, refusal);
		}
	}
	return refuse(refusal, "There is no such verb", NULL);
}

bool wire_parse(const void *packet, size_t length, struct wire_order *order, struct wire_refusal *refusal)
{
	struct slice whole = { packet, length };
	memset(order, 0, sizeof *order);
	memset(refusal, 0, sizeof *refusal);
	if (read_order(whole, order, refusal))
		return true;
	memset(order, 0, sizeof *order);
	order->n = length <= WIRE_MAX ? number_of(whole) : 0;
	return false;
}

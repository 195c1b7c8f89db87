/* What the guard says: answers, reports and events. */
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const level_words[] = {
	[WIRE_VIEW] = "view",
	[WIRE_EDIT] = "edit",
	[WIRE_EDIT_DELETE] = "edit_delete",
};

static const char *const code_words[] = {
	[WIRE_MALFORMED] = "malformed",
	[WIRE_UNKNOWN_SESSION] = "unknown-session",
	[WIRE_UNKNOWN_FOLDER] = "unknown-folder",
	[WIRE_EXISTS] = "exists",
	[WIRE_NAME_TAKEN] = "name-taken",
	[WIRE_NO_DESCRIPTOR] = "no-descriptor",
	[WIRE_FAILED] = "failed",
};

const char *wire_level_word(enum wire_level level) { return level_words[level]; }
const char *wire_code_word(enum wire_code code) { return code_words[code]; }

static void add(struct wire_packet *packet, const char *bytes, size_t length)
{
	if (packet->overflowed || length > WIRE_MAX - packet->length) {
		packet->overflowed = true;
		return;
	}
	memcpy(packet->bytes + packet->length, bytes, length);
	packet->length += length;
}

static void add_key(struct wire_packet *packet, const char *key)
{
	add(packet, " ", 1);
	add(packet, key, strlen(key));
	add(packet, "=", 1);
}

void wire_begin(struct wire_packet *packet, const char *verb)
{
	packet->length = 0;
	packet->overflowed = false;
	add(packet, verb, strlen(verb));
}

void wire_text(struct wire_packet *packet, const char *key, const char *value)
{
	static const char digits[] = "0123456789ABCDEF";
	add_key(packet, key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		char encoded[3] = { '%', digits[c >> 4], digits[c & 15] };
		if (wire_is_plain(*value))
			add(packet, value, 1);
		else
			add(packet, encoded, sizeof encoded);
	}
}

void wire_number(struct wire_packet *packet, const char *key, uint64_t value)
{
	char digits[24];
	snprintf(digits, sizeof digits, "%" PRIu64, value);
	wire_text(packet, key, digits);
}

void wire_bytes_or_none(struct wire_packet *packet, const char *key, uint64_t value)
{
	if (value == WIRE_NO_LIMIT)
		wire_text(packet, key, "-");
	else
		wire_number(packet, key, value);
}

void wire_moment(struct wire_packet *packet, const char *key, int64_t nanoseconds)
{
	if (nanoseconds == WIRE_NO_END) {
		wire_text(packet, key, "-");
		return;
	}
	int64_t since_1970 = nanoseconds < 0 ? 0 : nanoseconds;
	char text[40];
	int length = snprintf(text, sizeof text, "%" PRId64 ".%09" PRId64, since_1970 / 1000000000,
			      since_1970 % 1000000000);
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	text[length] = '\0';
	wire_text(packet, key, text);
}

bool wire_is_whole(const struct wire_packet *packet) { return !packet->overflowed; }

void wire_ok(struct wire_packet *packet, uint64_t n)
{
	wire_begin(packet, "ok");
	wire_number(packet, "n", n);
}

void wire_error(struct wire_packet *packet, uint64_t n, enum wire_code code, const char *because)
{
	wire_begin(packet, "error");
	wire_number(packet, "n", n);
	wire_text(packet, "code", wire_code_word(code));
	wire_text(packet, "because", because);
}

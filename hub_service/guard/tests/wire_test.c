#include "../src/wire.h"

#include <string.h>

#include "check.h"

#define SES "ses_0123456789abcdefghjkmnpqrs"
#define FLD "fld_zzzzzzzzzzzzzzzzzzzzzzzzzz"
#define GNT "gnt_00000000000000000000000000"
#define FOLDER_WITH(name, level, grant, until, limit)                                  \
	"folder n=7 session=" SES " folder=" FLD " name=" name " level=" level " grant=" grant \
	" owner=ana until=" until " limit=" limit " used=0"

static struct wire_order order;
static struct wire_refusal refusal;

static bool parse(const char *packet) { return wire_parse(packet, strlen(packet), &order, &refusal); }

static const struct {
	const char *because, *packet;
} good[] = {
	{ "hello", "hello n=1 version=1" },
	{ "the keys in another order", "hello version=1 n=1" },
	{ "a number may be zero", "report n=0" },
	{ "the greatest number", "report n=18446744073709551615" },
	{ "a session", "session n=2 session=" SES " uid=1001 gid=1001 person=ben" },
	{ "a person of other bytes", "session n=2 session=" SES " uid=0 gid=0 person=%D0%91%D0%B5%D0%BD%2F." },
	{ "a folder", FOLDER_WITH("tests", "edit", GNT, "1764094035.25", "-") },
	{ "an owner's folder", FOLDER_WITH("a%20b%3D%25", "edit_delete", "owner", "-", "1073741824") },
	{ "an account's folder", FOLDER_WITH("tests", "edit", "owner", "-", "account") },
	{ "what needs no encoding may have one", FOLDER_WITH("%74ests", "view", GNT, "-", "-") },
	{ "names that only look like dots", FOLDER_WITH("...", "view", GNT, "-", "-") },
	{ "remove", "remove n=3 session=" SES " folder=" FLD " why=revoked" },
	{ "drop", "drop n=3 session=" SES },
	{ "quit", "quit n=4" },
};

static const struct {
	const char *because, *packet;
	uint64_t n; /* what the answer repeats */
} bad[] = {
	{ "nothing", "", 0 },
	{ "no such verb", "mount n=5", 5 },
	{ "a verb in capitals", "HELLO n=5 version=1", 5 },
	{ "a verb's beginning", "hell n=5 version=1", 5 },
	{ "no keys", "hello", 0 },
	{ "a space first", " hello n=5 version=1", 5 },
	{ "a space last", "hello n=5 version=1 ", 5 },
	{ "two spaces", "hello  n=5 version=1", 5 },
	{ "a line's end", "hello n=5 version=1\n", 5 },
	{ "a tab between", "hello n=5\tversion=1", 0 },
	{ "a missing key", "hello n=5", 5 },
	{ "a missing number", "hello version=1", 0 },
	{ "a doubled key", "hello n=5 version=1 version=1", 5 },
	{ "a doubled number", "hello n=5 n=6 version=1", 5 },
	{ "an unknown key", "hello n=5 version=1 more=1", 5 },
	{ "another verb's key", "hello n=5 version=1 uid=1", 5 },
	{ "a word without a value's sign", "hello n=5 version", 5 },
	{ "an empty value", "hello n=5 version=", 5 },
	{ "an empty key", "hello n=5 version=1 =1", 5 },
	{ "two signs", "hello n=5 version=1=1", 5 },
	{ "a number with a sign", "hello n=+5 version=1", 0 },
	{ "a negative number", "hello n=-5 version=1", 0 },
	{ "a leading zero", "hello n=05 version=1", 0 },
	{ "hexadecimal", "hello n=0x5 version=1", 0 },
	{ "a number that is too great", "hello n=18446744073709551616 version=1", 0 },
	{ "a number that wraps to five", "hello n=184467440737095516165 version=1", 0 },
	{ "a uid that means none", "session n=5 session=" SES " uid=4294967295 gid=1 person=ben", 5 },
	{ "a uid that wraps to root", "session n=5 session=" SES " uid=4294967296 gid=1 person=ben", 5 },
	{ "a short id", "drop n=5 session=ses_0", 5 },
	{ "a long id", "drop n=5 session=" SES "0", 5 },
	{ "an id in capitals", "drop n=5 session=ses_0123456789ABCDEFGHJKMNPQRS", 5 },
	{ "letters that ids leave out", "drop n=5 session=ses_iiiiiiiiiiiiiiiiiiiiiiiiii", 5 },
	{ "a path as id", "drop n=5 session=ses_..%2F..%2F..%2F..%2F..%2F..%2F..%2F..%2Fet", 5 },
	{ "an id without its line", "drop n=5 session=ses-0123456789abcdefghjkmnpqrs", 5 },
	{ "an owner as folder", "remove n=5 session=" SES " folder=owner why=revoked", 5 },
	{ "why as a sentence", "remove n=5 session=" SES " folder=" FLD " why=so%20what", 5 },
	{ "a very long why", "remove n=5 session=" SES " folder=" FLD " why=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 5 },
	{ "half an encoding", "session n=5 session=" SES " uid=1 gid=1 person=%4", 5 },
	{ "a bare per cent", "session n=5 session=" SES " uid=1 gid=1 person=%", 5 },
	{ "no hexadecimal digits", "session n=5 session=" SES " uid=1 gid=1 person=%G0", 5 },
	{ "lower case", "session n=5 session=" SES " uid=1 gid=1 person=%2f", 5 },
	{ "an encoded NUL", "session n=5 session=" SES " uid=1 gid=1 person=ben%00root", 5 },
	{ "bytes that must be encoded", "session n=5 session=" SES " uid=1 gid=1 person=b\xC3\xA9", 5 },
	{ "a name with a stroke", FOLDER_WITH("a%2Fb", "view", GNT, "-", "-"), 7 },
	{ "a plain stroke", FOLDER_WITH("a/b", "view", GNT, "-", "-"), 7 },
	{ "the directory itself", FOLDER_WITH(".", "view", GNT, "-", "-"), 7 },
	{ "the directory above", FOLDER_WITH("%2E%2E", "view", GNT, "-", "-"), 7 },
	{ "an empty name", FOLDER_WITH("", "view", GNT, "-", "-"), 7 },
	{ "no such level", FOLDER_WITH("a", "own", GNT, "-", "-"), 7 },
	{ "an empty level", FOLDER_WITH("a", "", GNT, "-", "-"), 7 },
	{ "no such grant", FOLDER_WITH("a", "view", "owners", "-", "-"), 7 },
	{ "a moment with an exponent", FOLDER_WITH("a", "view", GNT, "1e9", "-"), 7 },
	{ "a moment before 1970", FOLDER_WITH("a", "view", GNT, "-1", "-"), 7 },
	{ "a moment with two points", FOLDER_WITH("a", "view", GNT, "1.2.3", "-"), 7 },
	{ "a moment that ends with its point", FOLDER_WITH("a", "view", GNT, "1.", "-"), 7 },
	{ "a moment that starts with its point", FOLDER_WITH("a", "view", GNT, ".5", "-"), 7 },
	{ "more than nanoseconds", FOLDER_WITH("a", "view", GNT, "1.1234567891", "-"), 7 },
	{ "a moment of no number", FOLDER_WITH("a", "view", GNT, "nan", "-"), 7 },
	{ "a moment that never comes", FOLDER_WITH("a", "view", GNT, "inf", "-"), 7 },
	{ "a moment of too many digits", FOLDER_WITH("a", "view", GNT, "1234567890123", "-"), 7 },
	{ "a limit with a fraction", FOLDER_WITH("a", "view", GNT, "-", "1.5"), 7 },
	{ "a limit that reads as none", FOLDER_WITH("a", "view", GNT, "-", "18446744073709551615"), 7 },
};

static void tables(void)
{
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(parse(good[i].packet), "%s: %s", good[i].because, refusal.because);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK(!parse(bad[i].packet), "%s", bad[i].because);
		CHECK(order.n == bad[i].n, "%s: the answer would repeat %ju", bad[i].because, (uintmax_t)order.n);
		CHECK(refusal.because[0] && order.session[0] == '\0', "%s", bad[i].because);
	}
}

static void bytes_that_text_hides(void)
{
	static const char nul_in_a_value[] = "hello n=5 version=1\0", nul_in_a_verb[] = "hello\0 n=5 version=1";
	CHECK(!wire_parse(nul_in_a_value, sizeof nul_in_a_value - 1, &order, &refusal), "NUL in a value");
	CHECK(!wire_parse(nul_in_a_verb, sizeof nul_in_a_verb - 1, &order, &refusal), "NUL in a verb");
	static char long_packet[WIRE_MAX + 1];
	memset(long_packet, '1', sizeof long_packet);
	memcpy(long_packet, "report n=", 9);
	CHECK(!wire_parse(long_packet, WIRE_MAX, &order, &refusal), "a number of 65,527 digits");
	CHECK(!wire_parse(long_packet, WIRE_MAX + 1, &order, &refusal), "a packet that is too long");
}

/* A value that is as long as it may be, and one byte more. */
static void lengths(void)
{
	char packet[4000], value[2000];
	const struct {
		const char *before, *after;
		size_t most;
	} cases[] = {
		{ "session n=5 session=" SES " uid=1 gid=1 person=", "", WIRE_PERSON_SIZE - 1 },
		{ "folder n=5 session=" SES " folder=" FLD " name=",
		  " level=view grant=owner owner=ana until=- limit=- used=-", WIRE_NAME_SIZE - 1 },
		{ "remove n=5 session=" SES " folder=" FLD " why=", "", WIRE_WHY_SIZE - 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(value, 'a', sizeof value);
		value[cases[i].most] = '\0';
		snprintf(packet, sizeof packet, "%s%s%s", cases[i].before, value, cases[i].after);
		CHECK(parse(packet), "as long as may be: %s: %s", cases[i].before, refusal.because);
		value[cases[i].most] = 'a';
		value[cases[i].most + 1] = '\0';
		snprintf(packet, sizeof packet, "%s%s%s", cases[i].before, value, cases[i].after);
		CHECK(!parse(packet), "one byte more: %s", cases[i].before);
	}
}

static void values(void)
{
	MUST(parse(FOLDER_WITH("a%20b%3D%25%0A", "edit", GNT, "1764094035.25", "1073741824")));
	CHECK(order.verb == WIRE_FOLDER && order.n == 7, "verb and number");
	CHECK(strcmp(order.name, "a b=%\n") == 0, "the name is \"%s\"", order.name);
	CHECK(order.level == WIRE_EDIT && strcmp(order.grant, GNT) == 0, "level and grant");
	CHECK(strcmp(order.session, SES) == 0 && strcmp(order.folder, FLD) == 0, "ids");
	CHECK(order.until == 1764094035250000000, "until %jd", (intmax_t)order.until);
	CHECK(order.limit == 1073741824 && order.used == 0, "limit and used");
	MUST(parse(FOLDER_WITH("a", "view", "owner", "-", "-")));
	CHECK(order.until == WIRE_NO_END && order.limit == WIRE_NO_LIMIT, "no end and no limit");
	CHECK(strcmp(order.grant, "owner") == 0 && strcmp(order.owner, "ana") == 0, "the owner's");
	MUST(parse(FOLDER_WITH("a", "view", "owner", "0.000000001", "-")));
	CHECK(order.until == 1, "the first nanosecond: %jd", (intmax_t)order.until);
	MUST(parse(FOLDER_WITH("a", "view", "owner", "253402300799.0", "-")));
	CHECK(order.until == WIRE_NO_END, "the year 9999: %jd", (intmax_t)order.until);
	MUST(parse("session n=2 session=" SES " uid=4294967294 gid=5 person=%41na"));
	CHECK(order.uid == 4294967294u && order.gid == 5 && strcmp(order.person, "Ana") == 0, "a session");
}

static struct wire_packet packet;

static bool says(const char *text)
{
	return wire_is_whole(&packet) && packet.length == strlen(text) && memcmp(packet.bytes, text, packet.length) == 0;
}

static void answers(void)
{
	wire_ok(&packet, 9);
	wire_number(&packet, "known", 12);
	CHECK(says("ok n=9 known=12"), "%.*s", (int)packet.length, packet.bytes);
	wire_error(&packet, 0, WIRE_NAME_TAKEN, "It's taken: \xC3\xA9/.");
	CHECK(says("error n=0 code=name-taken because=It%27s%20taken:%20%C3%A9%2F."), "%.*s", (int)packet.length,
	      packet.bytes);
	wire_begin(&packet, "folder");
	wire_moment(&packet, "until", 1764094035250000000);
	wire_moment(&packet, "until", 1764094035000000000);
	wire_moment(&packet, "until", WIRE_NO_END);
	wire_bytes_or_none(&packet, "limit", WIRE_NO_LIMIT);
	wire_bytes_or_none(&packet, "limit", 10);
	CHECK(says("folder until=1764094035.25 until=1764094035 until=- limit=- limit=10"), "%.*s",
	      (int)packet.length, packet.bytes);
}

static void packets_that_are_full(void)
{
	wire_begin(&packet, "ok");
	while (wire_is_whole(&packet))
		wire_text(&packet, "a", "/////////");
	CHECK(packet.length <= WIRE_MAX, "%zu bytes", packet.length);
	wire_text(&packet, "b", "1");
	CHECK(!wire_is_whole(&packet), "it can't become whole again");
	wire_ok(&packet, 1);
	CHECK(says("ok n=1"), "it can be begun anew");
}

/* What is written is read back as it was, whatever bytes a name has. */
static void there_and_back(void)
{
	char name[] = "x??";
	for (int a = 1; a < 256; a++) {
		name[1] = (char)a, name[2] = (char)(255 - a ? 255 - a : 'x');
		wire_begin(&packet, "session");
		wire_number(&packet, "n", 1);
		wire_text(&packet, "session", SES);
		wire_number(&packet, "uid", 1);
		wire_number(&packet, "gid", 1);
		wire_text(&packet, "person", name);
		CHECK(wire_parse(packet.bytes, packet.length, &order, &refusal) && strcmp(order.person, name) == 0,
		      "byte %d: %s", a, refusal.because);
	}
}

int main(void)
{
	tables();
	bytes_that_text_hides();
	lengths();
	values();
	answers();
	packets_that_are_full();
	there_and_back();
	return verdict();
}

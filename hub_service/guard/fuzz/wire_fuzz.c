/* Any bytes as a control packet: an order that holds in every part, or a refusal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../src/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct wire_packet packet;

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void ends(const char *text, size_t size) { require(memchr(text, '\0', size) != NULL); }

static void check_texts(const struct wire_order *order)
{
	ends(order->session, sizeof order->session);
	ends(order->folder, sizeof order->folder);
	ends(order->grant, sizeof order->grant);
	ends(order->person, sizeof order->person);
	ends(order->owner, sizeof order->owner);
	ends(order->name, sizeof order->name);
	ends(order->why, sizeof order->why);
	require(strchr(order->name, '/') == NULL && strcmp(order->name, ".") != 0 && strcmp(order->name, "..") != 0);
	require(order->uid != UINT32_MAX && order->gid != UINT32_MAX && order->until >= 0);
}

/* Written as the guard writes it in a report, and read again, it is the same order. */
static void there_and_back(const struct wire_order *order)
{
	static struct wire_order again;
	struct wire_refusal refusal;
	wire_begin(&packet, "folder");
	wire_number(&packet, "n", order->n);
	wire_text(&packet, "session", order->session);
	wire_text(&packet, "folder", order->folder);
	wire_text(&packet, "name", order->name);
	wire_text(&packet, "level", wire_level_word(order->level));
	wire_text(&packet, "grant", order->grant);
	wire_text(&packet, "owner", order->owner);
	wire_moment(&packet, "until", order->until);
	if (order->account)
		wire_text(&packet, "limit", "account");
	else
		wire_bytes_or_none(&packet, "limit", order->limit);
	wire_bytes_or_none(&packet, "used", order->used);
	require(wire_is_whole(&packet) && wire_parse(packet.bytes, packet.length, &again, &refusal));
	require(memcmp(order, &again, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct wire_order order;
	struct wire_refusal refusal;
	char *exact = malloc(length ? length : 1); /* so that a byte too many is seen */
	memcpy(exact, bytes, length);
	bool holds = wire_parse(exact, length, &order, &refusal);
	free(exact);
	check_texts(&order);
	if (!holds) {
		ends(refusal.because, sizeof refusal.because);
		require(refusal.code == WIRE_MALFORMED && refusal.because[0] != '\0');
		wire_error(&packet, order.n, refusal.code, refusal.because);
		require(wire_is_whole(&packet));
	} else if (order.verb == WIRE_FOLDER) {
		require(order.name[0] && order.level >= WIRE_VIEW && order.level <= WIRE_EDIT_DELETE);
		there_and_back(&order);
	}
	return 0;
}

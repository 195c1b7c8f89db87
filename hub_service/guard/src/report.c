/* What is served: one packet for each session, and for each folder in it. */
#include "orders.h"

static void report_place(const struct place *place, const struct wire_order *order, struct wire_packet *packet,
			 sender send)
{
	const struct share *share = place->share;

	wire_begin(packet, "folder");
	wire_number(packet, "n", order->n);
	wire_text(packet, "session", place->session->id);
	wire_text(packet, "folder", share->id);
	wire_text(packet, "name", place->name);
	wire_text(packet, "level", wire_level_word((enum wire_level)atomic_load(&place->level)));
	wire_text(packet, "grant", place->grant);
	wire_text(packet, "owner", place->owner);
	wire_moment(packet, "until", atomic_load(&place->until));
	wire_bytes_or_none(packet, "limit", atomic_load(&share->limit));
	wire_bytes_or_none(packet, "used", atomic_load(&share->limit) == WIRE_NO_LIMIT ? WIRE_NO_LIMIT : share_used(share));
	wire_number(packet, "known", place->known);
	wire_number(packet, "open", atomic_load(&place->open));
	wire_number(packet, "writable", atomic_load(&place->writable));
	send(packet);
}

static void report_session(struct session *session, const struct wire_order *order, struct wire_packet *packet,
			   sender send)
{
	unsigned threads;

	pthread_mutex_lock(&session->lock);
	threads = session->thread_count;
	pthread_mutex_unlock(&session->lock);
	wire_begin(packet, "session");
	wire_number(packet, "n", order->n);
	wire_text(packet, "session", session->id);
	wire_number(packet, "uid", session->uid);
	wire_number(packet, "gid", session->gid);
	wire_text(packet, "person", session->person);
	wire_number(packet, "threads", threads);
	send(packet);
}

/* Orders alone change the two lists, one after the other in this thread. So no lock is held while
 * something is sent: an agent that does not read would hold up everybody. */
void order_report(const struct wire_order *order, struct wire_packet *packet, sender send)
{
	for (struct session *session = guard.sessions; session; session = session->next) {
		report_session(session, order, packet, send);
		for (struct place *place = session->places; place; place = place->next)
			report_place(place, order, packet, send);
	}
	wire_ok(packet, order->n);
}

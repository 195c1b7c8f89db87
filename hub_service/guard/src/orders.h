#ifndef GUARD_ORDERS_H
#define GUARD_ORDERS_H

#include "guard.h"

#define MOST_DESCRIPTORS 4

typedef void (*sender)(const struct wire_packet *packet);

/* One order carried out: the answer is in `packet`. Descriptors that were taken are -1 after. */
struct handed {
	int first, last; /* last: where there is more than one */
};
void order_carry_out(const struct wire_order *order, struct handed *handed, struct wire_packet *packet,
		     sender send);
void order_report(const struct wire_order *order, struct wire_packet *packet, sender send);
/* What has ended by its date, and mounts that were lost: events. Returns the next moment to look. */
int64_t orders_look(struct wire_packet *packet, sender send);
void orders_end_all(void);

#endif

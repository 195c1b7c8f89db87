#ifndef GUARD_ORDERS_H
#define GUARD_ORDERS_H

#include "guard.h"

#define MOST_DESCRIPTORS 4

/* One order carried out: the answer is in `packet`. Descriptors that were taken are -1 after. */
void order_carry_out(const struct wire_order *order, int *descriptor, struct wire_packet *packet,
		     void (*send)(const struct wire_packet *packet));
/* What has ended by its date, and mounts that were lost: events. Returns the next moment to look. */
int64_t orders_look(struct wire_packet *packet, void (*send)(const struct wire_packet *packet));
void orders_end_all(void);

#endif

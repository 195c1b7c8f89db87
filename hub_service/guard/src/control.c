#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "orders.h"

static int listener = -1, agent = -1;
static int wake_read = -1, wake_write = -1;
static int end_dates = -1;
static volatile sig_atomic_t stopped;

static int bind_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	unlink(path); /* a dead guard's */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool control_listen(const char *path)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return false;
	wake_read = ends[0];
	wake_write = ends[1];
	end_dates = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (end_dates < 0)
		return false;
	listener = bind_to(path);
	return listener >= 0;
}

void control_wake(void)
{
	ssize_t wrote = write(wake_write, "", 1);

	(void)wrote; /* a full pipe wakes as well */
}

void control_stop(void)
{
	stopped = 1;
	control_wake();
}

static void send_packet(const struct wire_packet *packet)
{
	struct pollfd room = {.fd = agent, .events = POLLOUT};

	if (agent < 0)
		return;
	if (!wire_is_whole(packet)) {
		note("An answer was too long, and was not sent.");
		return;
	}
	/* An agent that reads nothing must not stop end dates. */
	poll(&room, 1, 2000);
	if (send(agent, packet->bytes, packet->length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		close(agent);
		agent = -1;
	}
}

/* The one new connection takes the place of the old one. */
static void accept_agent(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.uid != 0) {
		note("Somebody who is not root wanted to give orders.");
		close(fd);
		return;
	}
	if (agent >= 0)
		close(agent);
	agent = fd;
}

static void put_descriptor(struct handed *handed, int fd)
{
	if (handed->first < 0)
		handed->first = fd;
	else if (handed->last < 0)
		handed->last = fd;
	else
		close(fd);
}

/* The first two descriptors of a message; further ones are closed. */
static struct handed take_descriptors(struct msghdr *message)
{
	struct handed handed = {-1, -1};

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fds[MOST_DESCRIPTORS];

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS || count > MOST_DESCRIPTORS)
			continue;
		memcpy(fds, CMSG_DATA(part), count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			put_descriptor(&handed, fds[i]);
	}
	return handed;
}

static void handle_packet(const char *bytes, size_t length, struct handed *handed, struct wire_packet *answer)
{
	struct wire_refusal refusal;
	struct wire_order order;

	if (!wire_parse(bytes, length, &order, &refusal)) {
		wire_error(answer, order.n, refusal.code, refusal.because);
		send_packet(answer);
		return;
	}
	order_carry_out(&order, handed, answer, send_packet);
	send_packet(answer);
	if (order.verb == WIRE_QUIT)
		stopped = 1;
}

static void receive_order(struct wire_packet *answer)
{
	static char bytes[WIRE_MAX + 1];
	union {
		char bytes[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	ssize_t got = recvmsg(agent, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct handed handed;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		close(agent);
		agent = -1;
		return;
	}
	handed = take_descriptors(&message);
	handle_packet(bytes, (size_t)got, &handed, answer);
	if (handed.first >= 0)
		close(handed.first);
	if (handed.last >= 0)
		close(handed.last);
}

/* The timer wakes us at this moment, and when somebody sets the clock: other dates may be due then. */
static void wake_at(int64_t moment)
{
	struct itimerspec when = {.it_value = {moment / 1000000000, moment % 1000000000}};

	timerfd_settime(end_dates, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

void control_run(void)
{
	static struct wire_packet packet;

	while (!stopped) {
		int64_t next = orders_look(&packet, send_packet);
		struct pollfd ready[] = {
			{.fd = wake_read, .events = POLLIN},
			{.fd = listener, .events = POLLIN},
			{.fd = agent, .events = POLLIN},
			{.fd = end_dates, .events = POLLIN},
		};
		char drained[64];

		wake_at(next);
		if (poll(ready, 4, -1) <= 0)
			continue;
		if (ready[0].revents)
			while (read(wake_read, drained, sizeof(drained)) == (ssize_t)sizeof(drained))
				;
		if (ready[2].revents)
			receive_order(&packet);
		if (ready[1].revents)
			accept_agent();
	}
	orders_end_all();
}

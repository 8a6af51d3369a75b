/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces that are carried into a guest, in network namespaces of the test's own: what is
 * read of them, what the guest's agent makes of that, and where frames go. A pair of veth
 * devices: eth0 is the container's, and "out" the other end.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/unit.h"
#include "vm-sandbox/guest/net.c" /* NOLINT(bugprone-suspicious-include) */
#include "vm-sandbox/wire.h"

#define MAC "02:aa:bb:cc:dd:01"

enum { CANNOT = 77 };

static const uint8_t mac[] = { 2, 0xaa, 0xbb, 0xcc, 0xdd, 1 };

static void ip(const char *words)
{
	char command[400];

	(void)snprintf(command, sizeof(command), "ip %s", words);
	if (system(command) != 0) { /* NOLINT(cert-env33-c) */
		(void)fprintf(stderr, "failed: %s\n", command);
		_exit(1);
	}
}

/* What cmocka's asserts are to a process of its own. */
#define CHECK(x)                                                              \
	do {                                                                  \
		if (!(x)) {                                                   \
			(void)fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
			_exit(1);                                             \
		}                                                             \
	} while (0)

static void new_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		_exit(CANNOT);
}

static void make_pair(void)
{
	ip("link add eth0 address " MAC " mtu 1400 type veth peer name out");
	ip("link set out up");
	ip("link set eth0 up");
}

/* Runs it in a child with a network namespace of its own. */
static void apart(void (*f)(void))
{
	int status = 0;
	pid_t child;

	/* cppcheck-suppress nullPointer ; system(3) takes NULL */
	if (geteuid() != 0 || system("ip -V >/dev/null 2>&1") != 0) { /* NOLINT(cert-env33-c) */
		print_message("skipped: a network namespace takes root and iproute2\n");
		skip();
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		new_namespace();
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
		print_message("skipped: no network namespace, or no tap and redirection here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void read_wires(struct wires *w)
{
	struct err e = { 0 };

	if (wires_read(w, &e) == 0)
		return;
	(void)fprintf(stderr, "%s\n", e.text);
	_exit(1);
}

/* --- what is read --------------------------------------------------------------------------- */

static const struct agent_address *address_of(const struct wire *w, const char *text)
{
	const struct agent_address *a = (const void *)w->addresses.data;
	uint8_t want[AGENT_IP] = { 0 };
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	CHECK(inet_pton(family, text, want) == 1);
	for (size_t i = 0; i < w->addresses.len / sizeof(*a); i++) {
		if (a[i].family == family && memcmp(a[i].local, want, AGENT_IP) == 0)
			return &a[i];
	}
	return NULL;
}

static const struct agent_route *route_of(const struct wire *w, const char *text, unsigned int len)
{
	const struct agent_route *r = (const void *)w->routes.data;
	uint8_t want[AGENT_IP] = { 0 };
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;

	CHECK(inet_pton(family, text, want) == 1);
	for (size_t i = 0; i < w->routes.len / sizeof(*r); i++) {
		if (r[i].family == family && r[i].prefix_len == len &&
		    memcmp(r[i].destination, want, AGENT_IP) == 0)
			return &r[i];
	}
	return NULL;
}

static void dress(void)
{
	if (access("/proc/sys/net/ipv6", F_OK) < 0)
		_exit(CANNOT);
	ip("link add eth0 address " MAC " mtu 1400 type veth peer name out");
	ip("link set eth0 addrgenmode none"); /* nor is the guest to have a link-local one */
	ip("link set out up");
	ip("link set eth0 up");
	ip("addr add 10.1.2.3/24 brd 10.1.2.255 dev eth0");
	ip("addr add 10.9.9.9 peer 10.9.9.1/32 dev eth0");
	ip("addr add fd00:1::3/64 dev eth0 nodad");
	/* the default route is told first, though its gateway takes the other */
	ip("route add 169.254.1.1/32 dev eth0 scope link");
	ip("route add default via 169.254.1.1 dev eth0 metric 50 mtu 1300");
	ip("route add 10.7.0.0/16 via 10.1.2.1 dev eth0 src 10.1.2.3");
	ip("route add 10.8.0.0/16 via 10.77.0.1 dev eth0 onlink");
	ip("-6 route add default via fd00:1::1 dev eth0");
}

static void reads_all(void)
{
	const struct agent_address *a;
	const struct agent_route *r;
	BUF struct buf message = { 0 };
	struct err e = { 0 };
	struct wires w;

	dress();
	ip("link set out down"); /* what is down is not carried */
	read_wires(&w);
	CHECK(w.count == 1);
	CHECK(strcmp(w.v[0].name, "eth0") == 0 && memcmp(w.v[0].mac, mac, NET_MAC) == 0);
	CHECK(w.v[0].mtu == 1400 && w.v[0].ipv6);
	a = address_of(&w.v[0], "10.1.2.3");
	CHECK(a && a->prefix_len == 24 && a->flags == AGENT_HAS_BROADCAST);
	CHECK(a->broadcast[3] == 255);
	a = address_of(&w.v[0], "10.9.9.9");
	CHECK(a && a->prefix_len == 32 && a->flags == AGENT_HAS_PEER && a->peer[3] == 1);
	a = address_of(&w.v[0], "fd00:1::3");
	CHECK(a && a->prefix_len == 64);
	r = route_of(&w.v[0], "0.0.0.0", 0);
	CHECK(r && r->flags == AGENT_HAS_GATEWAY && r->metric == 50 && r->mtu == 1300);
	CHECK(r->gateway[0] == 169);
	r = route_of(&w.v[0], "169.254.1.1", 32);
	CHECK(r && r->flags == 0 && r->scope == RT_SCOPE_LINK);
	r = route_of(&w.v[0], "10.7.0.0", 16);
	CHECK(r && r->flags == (AGENT_HAS_GATEWAY | AGENT_HAS_SOURCE) && r->source[3] == 3);
	r = route_of(&w.v[0], "10.8.0.0", 16);
	CHECK(r && r->flags == (AGENT_HAS_GATEWAY | AGENT_ON_LINK));
	CHECK(route_of(&w.v[0], "::", 0));
	/* the kernel makes this one of the address */
	CHECK(!route_of(&w.v[0], "10.1.2.0", 24));
	CHECK(wire_message(&w.v[0], &message, &e) == 0);
	CHECK(!agent_check(AGENT_HOST, 1, message.data, message.len));
	wires_done(&w);
}

static void refuses_what_is_no_ethernet(void)
{
	struct err e = { 0 };
	struct wires w;

	read_wires(&w);
	CHECK(w.count == 0);
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		_exit(CANNOT);
	ip("tuntap add point mode tun");
	read_wires(&w);
	CHECK(w.count == 0);
	ip("link set point up");
	CHECK(wires_read(&w, &e) < 0 && e.kind == ERR_REFUSED && strstr(e.text, "point"));
}

static void refuses_too_many(void)
{
	struct err e = { 0 };
	struct wires w;

	for (int i = 0; i < WIRES_MAX / 2; i++) {
		char words[100];

		(void)snprintf(words, sizeof(words), "link add a%d up type veth peer name b%d", i,
		               i);
		ip(words);
		(void)snprintf(words, sizeof(words), "link set b%d up", i);
		ip(words);
	}
	read_wires(&w);
	CHECK(w.count == WIRES_MAX);
	wires_done(&w);
	make_pair();
	CHECK(wires_read(&w, &e) < 0 && e.kind == ERR_REFUSED);
}

/* --- what the agent makes of it --------------------------------------------------------------- */

static bool same_set(const struct buf *a, const struct buf *b, size_t size)
{
	size_t found = 0;

	for (size_t i = 0; i < a->len; i += size)
		for (size_t k = 0; k < b->len; k += size)
			found += memcmp(a->data + i, b->data + k, size) == 0;
	return a->len == b->len && found == a->len / size;
}

/* A namespace with the agent's work is read as the host's was. */
static void the_agent_makes_the_same(void)
{
	BUF struct buf message = { 0 };
	struct err e = { 0 };
	struct wires host, guest;

	dress();
	ip("link set out down");
	read_wires(&host);
	CHECK(wire_message(&host.v[0], &message, &e) == 0);
	new_namespace();
	/* its name is another's, by the order in which a kernel finds them */
	ip("link add eth0 type veth peer name eth1 address " MAC);
	ip("link set eth0 up");
	if (net_configure(message.data, message.len, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	ip("link set $(ip -o link | sed -n 's/.*: \\(link[0-9]*\\)@.*/\\1/p') down"); /* which had
	                                                                                 the name */
	read_wires(&guest);
	CHECK(guest.count == 1);
	CHECK(strcmp(guest.v[0].name, "eth0") == 0 && memcmp(guest.v[0].mac, mac, NET_MAC) == 0);
	CHECK(guest.v[0].mtu == 1400);
	CHECK(same_set(&host.v[0].addresses, &guest.v[0].addresses, sizeof(struct agent_address)));
	CHECK(same_set(&host.v[0].routes, &guest.v[0].routes, sizeof(struct agent_route)));
	/* and the kernel will add no address of its own, when it finds time */
	/* NOLINTNEXTLINE(cert-env33-c) */
	CHECK(system("grep -qx 1 /proc/sys/net/ipv6/conf/eth0/addr_gen_mode") == 0);
	/* nobody else has this hardware address */
	CHECK(net_configure(message.data, message.len, &e) < 0 && strstr(e.text, "no interface"));
	wires_done(&host);
	wires_done(&guest);
}

/* A process that waits in a namespace of its own, until we are gone. */
static pid_t elsewhere(void)
{
	char byte;
	int ends[2];
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		new_namespace();
		CHECK(write(ends[1], "", 1) == 1);
		for (;;)
			(void)pause();
	}
	CHECK(read(ends[0], &byte, 1) == 1);
	return pid;
}

/* Where a container's user namespace owns its network. */
static void the_agent_brings_it_elsewhere(void)
{
	BUF struct buf message = { 0 };
	struct err e = { 0 };
	struct wires host, guest;

	dress();
	ip("link set out down");
	read_wires(&host);
	CHECK(wire_message(&host.v[0], &message, &e) == 0);
	CHECK(net_configure(message.data, message.len, &e) == 0);
	if (net_move(elsewhere(), &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	CHECK(if_nametoindex("out") == 0); /* which has stayed */
	read_wires(&guest);
	CHECK(guest.count == 1 && guest.v[0].mtu == 1400 && done.n == 1);
	CHECK(same_set(&host.v[0].addresses, &guest.v[0].addresses, sizeof(struct agent_address)));
	CHECK(same_set(&host.v[0].routes, &guest.v[0].routes, sizeof(struct agent_route)));
	CHECK(net_move(INT32_MAX, &e) < 0 && strstr(e.text, "/ns/net"));
	wires_done(&host);
	wires_done(&guest);
}

static void without_ipv6_there_is_none(void)
{
	struct agent_link link = { .head.type = AGENT_NETCFG, .mtu = 1500, .name = "eth0" };
	struct err e = { 0 };
	struct wires w;

	memcpy(link.mac, mac, sizeof(link.mac));
	make_pair();
	ip("link set eth0 down");
	CHECK(net_configure(&link, sizeof(link), &e) == 0);
	ip("link set out down");
	read_wires(&w);
	CHECK(w.count == 1 && !w.v[0].ipv6 && w.v[0].addresses.len == 0 && w.v[0].mtu == 1500);
	link.name[0] = '/';
	CHECK(net_configure(&link, sizeof(link), &e) < 0);
}

/* --- where frames go ------------------------------------------------------------------------ */

enum { FRAME = 60, MARK = 0x88b5 /* for experiments, IEEE 802 */ };

/* The other end of the pair, for frames of a protocol. */
static int other_end(unsigned int protocol)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)protocol),
		.sll_ifindex = (int)if_nametoindex("out"),
	};
	const struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons((uint16_t)protocol));

	CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
	return fd;
}

static void connect_wires(struct wires *w)
{
	struct err e = { 0 };

	ip("addr add 10.1.2.3/24 dev eth0");
	ip("link set out down");
	read_wires(w);
	ip("link set out up");
	if (wires_connect(w, &e) == 0)
		return;
	(void)fprintf(stderr, "%s\n", e.text);
	/* a kernel without taps, or traffic control */
	_exit(e.sys == ENOENT || e.sys == EOPNOTSUPP || e.sys == ENODEV ? CANNOT : 1);
}

/* Reads from the tap until this frame comes: the kernel may have said something, too. */
static void comes_in(int tap, const uint8_t *frame)
{
	uint8_t got[NET_HEADER + 2000];
	struct pollfd p = { .fd = tap, .events = POLLIN };

	do {
		CHECK(poll(&p, 1, 60000) == 1);
		CHECK(read(tap, got, sizeof(got)) >= NET_HEADER + FRAME);
	} while (memcmp(got + NET_HEADER, frame, FRAME) != 0);
}

static void frames_go_both_ways(void)
{
	struct {
		uint8_t header[NET_HEADER], frame[FRAME];
	} m = { .frame = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5,
		           'x' } };
	uint8_t got[200];
	struct wires w;
	int out;

	make_pair();
	connect_wires(&w);
	out = other_end(MARK);
	CHECK(send(out, m.frame, FRAME, 0) == FRAME);
	comes_in(w.v[0].tap, m.frame);
	m.frame[20] = 'y';
	CHECK(write(w.v[0].tap, &m, sizeof(m)) == sizeof(m));
	CHECK(recv(out, got, sizeof(got), 0) == FRAME);
	CHECK(memcmp(got, m.frame, FRAME) == 0);
}

/* A question for the interface's address gets to the guest, and has no answer of the host's. */
static void its_addresses_do_not_answer(void)
{
	static const uint8_t question[FRAME] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 9, 8, 6, 0, 1, 8, 0,  6, 4, 0,
		1,    2,    0,    0,    0,    0,    9, 10, 1, 2, 9, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3,
	};
	struct wires w;
	uint8_t got[200];
	int out;

	make_pair();
	connect_wires(&w);
	out = other_end(0x806);
	CHECK(send(out, question, FRAME, 0) == FRAME);
	comes_in(w.v[0].tap, question);
	CHECK(recv(out, got, sizeof(got), MSG_DONTWAIT) < 0);
	/* nor when the guest has ended */
	wires_done(&w);
	CHECK(send(out, question, FRAME, 0) == FRAME);
	CHECK(recv(out, got, sizeof(got), MSG_DONTWAIT) < 0);
}

static unsigned int count_taps(void)
{
	struct if_nameindex *all = if_nameindex();
	unsigned int n = 0;

	CHECK(all);
	for (const struct if_nameindex *i = all; i->if_name; i++)
		n += strncmp(i->if_name, "caisson", 7) == 0;
	if_freenameindex(all);
	return n;
}

static void one_guest_for_each(void)
{
	struct wires first, second;
	struct err e = { 0 };

	make_pair();
	connect_wires(&first);
	CHECK(count_taps() == 1);
	second = first;
	second.v[0].tap = -1;
	second.v[0].redirected = false;
	CHECK(wires_connect(&second, &e) < 0);
	CHECK(e.kind == ERR_REFUSED && strstr(e.text, "eth0") && count_taps() == 1);
	CHECK(close(first.v[0].tap) == 0);
	CHECK(count_taps() == 0);
	e = (struct err){ 0 };
	CHECK(wires_connect(&second, &e) == 0);
	CHECK(count_taps() == 1);
	first.v[0].tap = -1;
}

/* One that comes later: of what was opened before, and with no look at what is there already. */
static void more_of_them(void)
{
	struct wires first, second;
	struct err e = { 0 };
	uint32_t known[2];
	int tun;

	make_pair();
	connect_wires(&first);
	known[0] = first.v[0].index;
	known[1] = first.v[0].tap_index;
	CHECK(known[1] != 0);
	ip("link set out down"); /* a peer that is up is an interface, too */
	CHECK(wires_read_more(known, 2, &second, &e) == 0);
	CHECK(second.count == 0);
	tun = wire_tun(&e);
	CHECK(tun >= 0);
	ip("link add eth1 type veth peer name other");
	ip("link set eth1 up");
	CHECK(wires_read_more(known, 2, &second, &e) == 0);
	CHECK(second.count == 1 && strcmp(second.v[0].name, "eth1") == 0);
	second.v[0].tap = tun;
	CHECK(wires_connect(&second, &e) == 0);
	CHECK(second.v[0].tap == tun && count_taps() == 2);
	CHECK(close(tun) == 0);
	CHECK(count_taps() == 1);
}

static bool is_redirected(const char *name)
{
	char command[80];

	(void)snprintf(command, sizeof(command), "tc qdisc show dev %s | grep -q ingress", name);
	/* NOLINTNEXTLINE(cert-env33-c) */
	return system(command) == 0;
}

/* What goes to a tap that is no more; neither one that lives nor what somebody else has made. */
static void what_is_left_is_cleared(void)
{
	struct wires w;
	struct err e = { 0 };

	make_pair();
	connect_wires(&w);
	/* NOLINTNEXTLINE(cert-env33-c) */
	CHECK(system("tc qdisc add dev out ingress") == 0);
	CHECK(wires_clear(&e) == 0);
	CHECK(is_redirected("eth0") && is_redirected("out"));
	wires_done(&w);
	CHECK(is_redirected("eth0"));
	CHECK(wires_clear(&e) == 0);
	CHECK(!is_redirected("eth0") && is_redirected("out"));
	CHECK(wires_clear(&e) == 0);
}

static void the_kernel_is_asked_whether_it_can(void)
{
	struct wires w;
	struct err e = { 0 };

	make_pair();
	connect_wires(&w); /* or else it cannot */
	CHECK(wires_probe(&e) == 0);
	CHECK(is_redirected("lo"));
	CHECK(wires_probe(&e) < 0 && e.sys == EEXIST && strstr(e.text, "sch_ingress"));
	wires_done(&w);
}

/* Of two interfaces the second fails: the first is as it was. */
static void nothing_stays_of_a_failure(void)
{
	struct wires w;
	struct err e = { 0 };

	make_pair();
	connect_wires(&w);
	wires_done(&w);
	ip("link del eth0");
	make_pair();
	read_wires(&w);
	CHECK(w.count == 2);
	w.v[1].index = 9999;
	CHECK(wires_connect(&w, &e) < 0 && strstr(e.text, w.v[1].name));
	wires_done(&w);
	CHECK(count_taps() == 0);
	ip("link set eth0 down");
	/* NOLINTNEXTLINE(cert-env33-c) */
	CHECK(system("tc qdisc show | grep -q ingress") != 0);
}

#define APART(f)                       \
	static void test_##f(void **s) \
	{                              \
		(void)s;               \
		apart(f);              \
	}

APART(reads_all)
APART(refuses_what_is_no_ethernet)
APART(refuses_too_many)
APART(the_agent_makes_the_same)
APART(the_agent_brings_it_elsewhere)
APART(without_ipv6_there_is_none)
APART(frames_go_both_ways)
APART(its_addresses_do_not_answer)
APART(one_guest_for_each)
APART(more_of_them)
APART(what_is_left_is_cleared)
APART(the_kernel_is_asked_whether_it_can)
APART(nothing_stays_of_a_failure)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_all),
		cmocka_unit_test(test_refuses_what_is_no_ethernet),
		cmocka_unit_test(test_refuses_too_many),
		cmocka_unit_test(test_the_agent_makes_the_same),
		cmocka_unit_test(test_the_agent_brings_it_elsewhere),
		cmocka_unit_test(test_without_ipv6_there_is_none),
		cmocka_unit_test(test_frames_go_both_ways),
		cmocka_unit_test(test_its_addresses_do_not_answer),
		cmocka_unit_test(test_one_guest_for_each),
		cmocka_unit_test(test_more_of_them),
		cmocka_unit_test(test_what_is_left_is_cleared),
		cmocka_unit_test(test_the_kernel_is_asked_whether_it_can),
		cmocka_unit_test(test_nothing_stays_of_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

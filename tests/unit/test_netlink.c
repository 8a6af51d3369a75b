/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of rtnetlink that lie about their lengths; and one talk with the kernel. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/netlink.h"
#include "base/scope.h"
#include "unit.h"

enum { SEQUENCE = 7 };

static unsigned int visits;

static void count(void *context, uint16_t type, const void *payload, size_t len)
{
	size_t *bytes = context;

	assert_int_equal(type, RTM_NEWLINK);
	/* every byte that is handed out may be read */
	for (size_t i = 0; i < len; i++)
		*bytes += ((const unsigned char *)payload)[i];
	visits++;
}

/* Reads from a copy of exactly that size, so that a sanitizer sees what is beyond. */
static int read_copy(const void *packet, size_t len, struct err *e)
{
	char *copy = malloc(len ? len : 1);
	size_t bytes = 0;

	*e = (struct err){ 0 };
	visits = 0;
	memcpy(copy, packet, len);
	int result = netlink_read(copy, len, SEQUENCE, count, &bytes, e);
	free(copy);
	return result;
}

static void lengths_are_checked_before_they_are_followed(void **unused)
{
	struct {
		struct nlmsghdr first;
		char payload[20];
		struct nlmsghdr done;
		int status;
	} packet = {
		.first = { .nlmsg_len = 36, .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = SEQUENCE },
		.done = { .nlmsg_len = 20, .nlmsg_type = NLMSG_DONE, .nlmsg_seq = SEQUENCE },
	};
	static const uint32_t lies[] = { 0, 1, 15, 57, 100, UINT32_MAX, UINT32_MAX - 3 };
	struct err e;

	(void)unused;
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), 1);
	assert_int_equal(visits, 1);
	for (size_t i = 0; i < LEN(lies); i++) {
		packet.first.nlmsg_len = lies[i];
		assert_int_equal(read_copy(&packet, sizeof(packet), &e), -1);
		assert_int_equal(visits, 0);
	}
	packet.first.nlmsg_len = 36;
	for (size_t len = 0; len < sizeof(packet); len++)
		assert_int_not_equal(read_copy(&packet, len, &e), 1);
	packet.first.nlmsg_seq = SEQUENCE + 1; /* an answer to somebody else */
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), 1);
	assert_int_equal(visits, 0);
	packet.done.nlmsg_flags = NLM_F_DUMP_INTR;
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), -1);
	assert_int_equal(e.sys, EINTR);
}

static void errors_come_with_the_kernels_words(void **unused)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		struct nlattr attribute;
		char text[12];
	} packet = {
		.head = { .nlmsg_len = sizeof(packet),
		          .nlmsg_type = NLMSG_ERROR,
		          .nlmsg_flags = NLM_F_ACK_TLVS | NLM_F_CAPPED,
		          .nlmsg_seq = SEQUENCE },
		.error = { .error = -ENODEV },
		.attribute = { .nla_len = 16, .nla_type = NLMSGERR_ATTR_MSG },
		.text = "it is gone",
	};
	struct err e;

	(void)unused;
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), -1);
	assert_int_equal(e.sys, ENODEV);
	assert_string_equal(e.hint, "it is gone");
	memset(packet.text, 'x', sizeof(packet.text)); /* no end */
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), -1);
	assert_string_equal(e.hint, "");
	packet.attribute.nla_len = 200;
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), -1);
	assert_string_equal(e.hint, "");
	packet.error.error = 0;
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), 1);
	packet.head.nlmsg_len = 18;
	assert_int_equal(read_copy(&packet, sizeof(packet), &e), -1);
}

static void attributes_end_where_the_message_ends(void **unused)
{
	struct {
		uint32_t header;
		struct nlattr first;
		uint32_t value;
		struct nlattr second;
		char odd[4]; /* three and one of padding */
	} payload = {
		.first = { .nla_len = 8, .nla_type = 1 },
		.value = 5,
		.second = { .nla_len = 7, .nla_type = 2 | NLA_F_NESTED },
		.odd = "abc",
	};
	size_t len = 0;

	(void)unused;
	assert_ptr_equal(netlink_attribute(&payload, sizeof(payload), 4, 1, 4, NULL),
	                 &payload.value);
	assert_ptr_equal(netlink_attribute(&payload, sizeof(payload), 4, 2, 0, &len), payload.odd);
	assert_int_equal(len, 3);
	assert_null(netlink_attribute(&payload, sizeof(payload), 4, 1, 16, NULL));
	assert_null(netlink_attribute(&payload, sizeof(payload), 4, 3, 0, NULL));
	assert_null(netlink_attribute(&payload, 3, 4, 1, 0, NULL));
	assert_null(netlink_attribute(&payload, 11, 4, 1, 0, NULL));
	payload.first.nla_len = 3; /* would never get on */
	assert_null(netlink_attribute(&payload, sizeof(payload), 4, 2, 0, NULL));
	payload.first.nla_len = 60000;
	assert_null(netlink_attribute(&payload, sizeof(payload), 4, 1, 0, NULL));
}

static void what_does_not_fit_is_not_sent(void **unused)
{
	const struct ifinfomsg link = { 0 };
	char large[NETLINK_MESSAGE_MAX] = "";
	struct netlink_message m;
	struct err e = { 0 };

	(void)unused;
	netlink_begin(&m, RTM_GETLINK, 0, &link, sizeof(link));
	netlink_put(&m, IFLA_IFNAME, large, sizeof(large) - 16);
	assert_true(m.cut);
	netlink_begin(&m, RTM_GETLINK, 0, &link, sizeof(link));
	netlink_put(&m, IFLA_IFNAME, large, SIZE_MAX - 2);
	assert_true(m.cut);
	assert_int_equal(netlink_talk(-1, &m, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_BUG);
}

static void loopback(void *context, uint16_t type, const void *payload, size_t len)
{
	size_t name_len = 0;
	const char *name = netlink_attribute(payload, len, sizeof(struct ifinfomsg), IFLA_IFNAME, 0,
	                                     &name_len);

	assert_int_equal(type, RTM_NEWLINK);
	assert_non_null(name);
	*(bool *)context = name_len == 3 && strcmp(name, "lo") == 0;
}

static void the_kernel_answers(void **unused)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	struct netlink_message m;
	struct err e = { 0 };
	bool found = false;
	FD int sock = netlink_open(&e);

	(void)unused;
	assert_true(sock >= 0);
	netlink_begin(&m, RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	netlink_put(&m, IFLA_IFNAME, "lo", 3);
	assert_int_equal(netlink_talk(sock, &m, loopback, &found, &e), 0);
	assert_true(found);
	netlink_begin(&m, RTM_GETLINK, NLM_F_ACK, &link, sizeof(link));
	netlink_put(&m, IFLA_IFNAME, "nothere", 8);
	assert_int_equal(netlink_talk(sock, &m, NULL, NULL, &e), -1);
	assert_int_equal(e.sys, ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_checked_before_they_are_followed),
		cmocka_unit_test(errors_come_with_the_kernels_words),
		cmocka_unit_test(attributes_end_where_the_message_ends),
		cmocka_unit_test(what_does_not_fit_is_not_sent),
		cmocka_unit_test(the_kernel_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

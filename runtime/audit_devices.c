/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules and nodes. A rule counts when no later one refuses everything again; to
 * make a node (m alone) opens nothing. The devices that every container has are in
 * neither list of a config.
 */
#include <string.h>

#include "base/scope.h"
#include "runtime/audit.h"

enum { ANY = -1 };

/* From the kernel's Documentation/admin-guide/devices.txt. minor ANY: all of them. */
static const struct {
	char type;
	int64_t major, minor;
	enum audit_severity severity;
	const char *what;
} devices[] = {
	{ 'c', 1, 1, AUDIT_HIGH, "the host's memory" },
	{ 'c', 1, 2, AUDIT_HIGH, "the kernel's memory" },
	{ 'c', 1, 4, AUDIT_HIGH, "the host's hardware" },
	{ 'c', 1, 11, AUDIT_MEDIUM, "the kernel's messages" },
	{ 'c', 4, ANY, AUDIT_MEDIUM, "the host's consoles" },
	{ 'c', 13, ANY, AUDIT_MEDIUM, "the host's keyboards and mice" },
	{ 'c', 21, ANY, AUDIT_HIGH, "the host's SCSI devices" },
	{ 'c', 29, ANY, AUDIT_MEDIUM, "the host's screen" },
	{ 'c', 10, 196, AUDIT_HIGH, "hardware of the host (VFIO)" },
	{ 'c', 10, 200, AUDIT_LOW, "network tunnels" },
	{ 'c', 10, 229, AUDIT_LOW, "FUSE: the kernel trusts its answers" },
	{ 'c', 10, 232, AUDIT_LOW, "KVM: a large interface of the kernel" },
	{ 'c', 10, 237, AUDIT_MEDIUM, "loop devices: files become disks" },
};

static bool is_default(char type, int64_t major, int64_t minor)
{
	static const int64_t minors[] = { 3, 5, 7, 8, 9 }; /* null zero full random urandom */

	for (size_t i = 0; type == 'c' && major == 1 && i < LEN(minors); i++) {
		if (minor == minors[i])
			return true;
	}
	return type == 'c' && ((major == 5 && minor >= 0 && minor <= 2) || major == 136);
}

static const char *judge(char type, int64_t major, int64_t minor, enum audit_severity *ret)
{
	if (type == 'b') {
		*ret = AUDIT_HIGH;
		return "a disk of the host";
	}
	for (size_t i = 0; i < LEN(devices); i++) {
		if (devices[i].type == type && devices[i].major == major &&
		    (devices[i].minor == ANY || devices[i].minor == minor)) {
			*ret = devices[i].severity;
			return devices[i].what;
		}
	}
	*ret = AUDIT_LOW;
	return "a device of the host";
}

static void check_rule(struct audit *a, const struct oci_device_rule *rule, size_t index)
{
	const char *at = arena_printf(a->arena, "/linux/resources/devices/%zu", index);
	int64_t major = rule->major.set ? rule->major.value : ANY;
	int64_t minor = rule->minor.set ? rule->minor.value : ANY;
	enum audit_severity severity;

	if (!rule->allow || (!rule->read && !rule->write))
		return;
	if (rule->type == 'a' || major == ANY) {
		audit_add(a, AUDIT_HIGH, "all-devices", at,
		          "refuse all, and allow those that are needed by number",
		          "%s devices of the host can be opened",
		          rule->type == 'a'   ? "all"
		          : rule->type == 'b' ? "all block"
		                              : "all character");
		return;
	}
	if (is_default(rule->type, major, minor))
		return;
	const char *what = judge(rule->type, major, minor, &severity);
	audit_add(a, severity, "device-rule", at, "take the rule out",
	          minor == ANY ? "%s can be opened (%c %lld:*)" : "%s can be opened (%c %lld:%lld)",
	          what, rule->type, (long long)major, (long long)minor);
}

/* The first rule that the last "refuse everything" has not taken back. */
static size_t first_valid(const struct oci_resources *r)
{
	size_t first = 0;

	for (size_t i = 0; i < r->device_count; i++) {
		const struct oci_device_rule *rule = &r->devices[i];

		if (!rule->allow && rule->type == 'a' && rule->read && rule->write)
			first = i + 1;
	}
	return first;
}

void audit_devices(struct audit *a)
{
	const struct oci_linux *l = a->config->linux_;
	const struct oci_resources *r = l->resources;

	for (size_t i = r ? first_valid(r) : 0; r && i < r->device_count; i++)
		check_rule(a, &r->devices[i], i);
	for (size_t i = 0; i < l->device_count; i++) {
		const struct oci_device *d = &l->devices[i];
		enum audit_severity severity;

		if (d->type == 'p' || is_default(d->type, d->major, d->minor))
			continue;
		const char *what = judge(d->type, d->major, d->minor, &severity);
		audit_add(a, severity, "device-node",
		          arena_printf(a->arena, "/linux/devices/%zu", i), "take the node out",
		          "%s: %s", d->path, what);
	}
}

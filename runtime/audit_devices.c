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

/* Character devices, from the kernel's Documentation/admin-guide/devices.txt. minor ANY: all of
 * them. */
static const struct {
	int64_t major, minor;
	const char *what;
	enum audit_severity severity;
} devices[] = {
	{ 1, 1, "the host's memory", AUDIT_HIGH },
	{ 1, 2, "the kernel's memory", AUDIT_HIGH },
	{ 1, 4, "the host's hardware", AUDIT_HIGH },
	{ 1, 11, "the kernel's messages", AUDIT_MEDIUM },
	{ 4, ANY, "the host's consoles", AUDIT_MEDIUM },
	{ 13, ANY, "the host's keyboards and mice", AUDIT_MEDIUM },
	{ 21, ANY, "the host's SCSI devices", AUDIT_HIGH },
	{ 29, ANY, "the host's screen", AUDIT_MEDIUM },
	{ 10, 196, "hardware of the host (VFIO)", AUDIT_HIGH },
	{ 10, 200, "network tunnels", AUDIT_LOW },
	{ 10, 229, "FUSE: the kernel trusts its answers", AUDIT_LOW },
	{ 10, 232, "KVM: a large interface of the kernel", AUDIT_LOW },
	{ 10, 237, "loop devices: files become disks", AUDIT_MEDIUM },
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
		if (type == 'c' && devices[i].major == major &&
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

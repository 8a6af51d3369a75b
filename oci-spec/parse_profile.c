/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp profile in a file of its own. Engines keep theirs in a format from which
 * they make what stands in config.json: architectures in an archMap, and rules that
 * hold only with (includes) or without (excludes) some capabilities or on some
 * architectures. Here the choice is made for a container with the capabilities that
 * Docker gives by default, on x86-64, with a kernel of today.
 */
#include <linux/capability.h>
#include <string.h>

#include "base/scope.h"
#include "oci-spec/parse.h"

#define CAP(name) (1ULL << CAP_##name)

static const uint64_t docker_capabilities =
	CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) | CAP(MKNOD) | CAP(NET_RAW) |
	CAP(SETGID) | CAP(SETUID) | CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |
	CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE);

/* Whether the list names a capability that is given, and all are. */
static void match_caps(const struct json *list, bool *ret_any, bool *ret_all)
{
	*ret_any = false;
	*ret_all = true;
	for (const struct json *j = list ? list->first : NULL; j; j = j->next) {
		int number = j->kind == JSON_STRING ? oci_capability_number(j->text) : -1;
		bool given = number >= 0 && (docker_capabilities & 1ULL << number);

		*ret_any |= given;
		*ret_all &= given;
	}
}

/* The list names us, by Go's name of the architecture. */
static bool match_arch(const struct json *list)
{
	for (const struct json *j = list ? list->first : NULL; j; j = j->next) {
		if (j->kind == JSON_STRING && strcmp(j->text, "amd64") == 0)
			return true;
	}
	return false;
}

static bool applies(const struct json *rule)
{
	const struct json *includes = read_member(rule, "includes");
	const struct json *excludes = read_member(rule, "excludes");
	const struct json *arches = read_member(includes, "arches");
	bool any, all;

	match_caps(read_member(includes, "caps"), &any, &all);
	if (!all || (arches && arches->count > 0 && !match_arch(arches)))
		return false;
	match_caps(read_member(excludes, "caps"), &any, &all);
	return !any && !match_arch(read_member(excludes, "arches"));
}

/* The architectures that archMap puts beside x86-64. */
static void read_arch_map(struct reader *r, const struct json *profile, struct oci_seccomp *ret)
{
	const struct json *map = read_list(r, profile, "archMap", JSON_OBJECT);

	for (const struct json *j = map->first; j; j = j->next) {
		const char *name = read_text(r, j, "architecture");

		if (name && strcmp(name, "SCMP_ARCH_X86_64") == 0)
			ret->architectures = read_texts(r, j, "subArchitectures");
	}
}

int oci_profile_parse(struct arena *a, const char *text, size_t len, const struct oci_seccomp **ret,
                      struct err *e)
{
	struct reader r = { .arena = a, .e = e };
	const struct json *j = parse_text(&r, text, len);

	if (!j)
		return -1;
	struct oci_seccomp *profile = parse_profile(&r, j, applies);
	if (profile && profile->architectures.n == 0)
		read_arch_map(&r, j, profile);
	TRY(faults_end(&r));
	*ret = profile;
	return 0;
}

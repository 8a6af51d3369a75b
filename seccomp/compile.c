/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.seccomp to what seccomp(2) takes: checks what the spec forbids, decides
 * the flags, and gets the filter from the cache or from libseccomp. The checks come
 * first, so that a profile that is refused is refused with and without a cache.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scope.h"
#include "seccomp/cache.h"
#include "seccomp/filter.h"
#include "seccomp/seccomp.h"

static const struct {
	const char *name;
	uint32_t flag;
} flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
};

/* What init calls between loading the filter and handing over its listener: nobody
 * could answer. */
static const char *const calls_of_init[] = { "write", "sendmsg" };

static int check_notify_rule(const struct oci_seccomp_rule *rule, size_t index, struct err *e)
{
	for (size_t i = 0; i < rule->names.n; i++) {
		for (size_t k = 0; k < LEN(calls_of_init); k++) {
			if (strcmp(rule->names.v[i], calls_of_init[k]) == 0)
				return err_set(e, ERR_SPEC,
				               "linux.seccomp.syscalls[%zu]: SCMP_ACT_NOTIFY "
				               "cannot be used for the %s syscall",
				               index, calls_of_init[k]);
		}
	}
	return 0;
}

bool seccomp_notifies(const struct oci_seccomp *profile)
{
	for (size_t i = 0; i < profile->rule_count; i++) {
		if (profile->rules[i].action == OCI_ACT_NOTIFY)
			return true;
	}
	return false;
}

static int check_notify(const struct oci_seccomp *profile, struct err *e)
{
	if (profile->default_action == OCI_ACT_NOTIFY)
		return err_set(e, ERR_SPEC,
		               "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as "
		               "default action");
	for (size_t i = 0; i < profile->rule_count; i++) {
		if (profile->rules[i].action != OCI_ACT_NOTIFY)
			continue;
		TRY(check_notify_rule(&profile->rules[i], i, e));
	}
	if (seccomp_notifies(profile) && !profile->listener_path)
		return err_set(e, ERR_SPEC,
		               "linux.seccomp.listenerPath: SCMP_ACT_NOTIFY is used, but nobody is "
		               "named to listen");
	return 0;
}

/* The kernel looks at the flags before the filter: EFAULT means that it knows them. */
static bool kernel_takes(uint32_t bits)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, bits, NULL) == 0 || errno == EFAULT;
}

static int add_flag(const char *name, size_t index, uint32_t *bits, struct err *e)
{
	for (size_t i = 0; i < LEN(flags); i++) {
		if (strcmp(name, flags[i].name) == 0) {
			*bits |= flags[i].flag;
			return 0;
		}
	}
	return err_set(e, ERR_SPEC, "linux.seccomp.flags[%zu]: \"%s\" is not supported", index,
	               name);
}

/* Without `flags` in the profile, SPEC_ALLOW: no container pays for a mitigation that
 * its profile did not ask for, as with runc; an empty list asks for none. */
static int compile_flags(const struct oci_seccomp *profile, bool notify, uint32_t *ret,
                         struct err *e)
{
	uint32_t bits = profile->flags_set ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;

	for (size_t i = 0; i < profile->flags.n; i++)
		TRY(add_flag(profile->flags.v[i], i, &bits, e));
	if (notify)
		bits |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	else
		bits &= ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV; /* of a listener */
	if (notify && (bits & SECCOMP_FILTER_FLAG_TSYNC))
		bits |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH; /* or a listener and an error look alike */
	if (profile->flags.n > 0 && !kernel_takes(bits))
		return err_set(e, ERR_REFUSED,
		               "linux.seccomp.flags: this kernel does not support all of them");
	*ret = bits;
	return 0;
}

int seccomp_compile(struct arena *a, const struct oci_seccomp *profile, int cache_dir,
                    struct seccomp_program *ret, struct err *e)
{
	struct seccomp_program program = { 0 };
	struct cache_key key = { 0 };
	struct filter_maker maker;
	struct filter filter;

	TRY(check_notify(profile, e));
	program.notify = profile->listener_path != NULL;
	TRY(compile_flags(profile, program.notify, &program.flags, e));

	filter_maker(&maker);
	if (cache_dir >= 0)
		cache_key(a, profile, &maker, &key);
	if (cache_dir < 0 || !cache_load(a, cache_dir, &key, &filter)) {
		TRY(filter_compile(a, profile, false, &filter, e));
		TRY(filter_check_rules(profile, e));
		if (!filter_finish(a, profile, maker.native_arch, &filter))
			TRY(filter_compile(a, profile, true, &filter, e));
		if (cache_dir >= 0)
			cache_store(cache_dir, &key, &filter);
	}
	program.filter = filter.v;
	program.length = filter.n;
	*ret = program;
	return 0;
}

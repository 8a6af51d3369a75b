/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp to classic BPF by libseccomp. It decides what a rule of config.json
 * means as rules of libseccomp:
 *
 * - names that libseccomp does not know are skipped (a profile may name system calls of
 *   newer kernels; the default action stands for them);
 * - rules whose action is the default are skipped: libseccomp refuses them, and they
 *   say nothing;
 * - conditions on different arguments must all hold; where one argument has several, any
 *   of the rule's is enough: that is what engines' profiles were written for, since
 *   libseccomp cannot tie them, and takes each as a rule of its own;
 * - a system call newer than the whole profile is none that the profile forbids
 *   (enosys_x86_64.c).
 *
 * Most rules do not come here (rules.c); finish.c makes the program that is loaded.
 */
#include "seccomp/filter.h"

#include <ctype.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/scope.h"
#include "seccomp/enosys.h"

enum {
	ERRNO_MAX = 4094, /* what libseccomp takes; the kernel cuts what is above 4095 */
	ARGS_MAX = 6,
	FILTER_BYTES_MAX = BPF_MAXINSNS * sizeof(struct sock_filter),
};

static void release(scmp_filter_ctx *ctx)
{
	seccomp_release(*ctx);
}

int filter_action(enum oci_seccomp_action action, struct opt_u32 errno_ret, uint32_t *ret,
                  struct err *e)
{
	static const uint32_t plain[] = {
		[OCI_ACT_KILL] = SCMP_ACT_KILL_THREAD,
		[OCI_ACT_KILL_PROCESS] = SCMP_ACT_KILL_PROCESS,
		[OCI_ACT_TRAP] = SCMP_ACT_TRAP,
		[OCI_ACT_ERRNO] = SCMP_ACT_ERRNO(0),
		[OCI_ACT_TRACE] = SCMP_ACT_TRACE(0),
		[OCI_ACT_ALLOW] = SCMP_ACT_ALLOW,
		[OCI_ACT_LOG] = SCMP_ACT_LOG,
		[OCI_ACT_NOTIFY] = SCMP_ACT_NOTIFY,
	};
	uint32_t number = errno_ret.set ? errno_ret.value : EPERM;
	uint32_t max = action == OCI_ACT_ERRNO ? ERRNO_MAX : UINT16_MAX;

	if (action != OCI_ACT_ERRNO && action != OCI_ACT_TRACE) {
		if (errno_ret.set)
			return err_set(e, ERR_SPEC, "the action takes no errno");
		*ret = plain[action];
		return 0;
	}
	if (number > max)
		return err_set(e, ERR_SPEC, "%u: must be at most %u", number, max);
	*ret = plain[action] | number;
	return 0;
}

/* libseccomp's names are those of config.json in lower case, without "SCMP_ARCH_". */
uint32_t filter_arch(const char *name)
{
	static const char prefix[] = "SCMP_ARCH_";
	char lower[32] = "";

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	(void)snprintf(lower, sizeof(lower), "%s", name + sizeof(prefix) - 1);
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return seccomp_arch_resolve_name(lower);
}

bool filter_has_arch(const struct oci_seccomp *profile, uint32_t arch)
{
	if (arch == seccomp_arch_native())
		return true; /* libseccomp adds it by itself */
	for (size_t i = 0; i < profile->architectures.n; i++) {
		if (filter_arch(profile->architectures.v[i]) == arch)
			return true;
	}
	return false;
}

static int add_arch(scmp_filter_ctx ctx, const char *name, size_t index, struct err *e)
{
	uint32_t arch = filter_arch(name);

	if (arch == 0)
		return err_set(
			e, ERR_SPEC,
			"linux.seccomp.architectures[%zu]: \"%s\" is not known to libseccomp",
			index, name);

	int result = seccomp_arch_add(ctx, arch);
	if (result == 0 || result == -EEXIST)
		return 0;
	errno = -result;
	return err_sys(e, "linux.seccomp.architectures[%zu]: %s", index, name);
}

static struct scmp_arg_cmp condition(const struct oci_seccomp_arg *arg)
{
	static const enum scmp_compare operators[] = {
		[OCI_CMP_NE] = SCMP_CMP_NE,
		[OCI_CMP_LT] = SCMP_CMP_LT,
		[OCI_CMP_LE] = SCMP_CMP_LE,
		[OCI_CMP_EQ] = SCMP_CMP_EQ,
		[OCI_CMP_GE] = SCMP_CMP_GE,
		[OCI_CMP_GT] = SCMP_CMP_GT,
		[OCI_CMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};

	/* for MASKED_EQ the first value is the mask */
	return (struct scmp_arg_cmp){ .arg = arg->index,
		                      .op = operators[arg->op],
		                      .datum_a = arg->value,
		                      .datum_b = arg->value_two };
}

bool filter_repeats_argument(const struct oci_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->arg_count; i++) {
		if (seen & 1U << rule->args[i].index)
			return true;
		seen |= 1U << rule->args[i].index;
	}
	return false;
}

/* The rule for one system call. Returns as libseccomp does: 0 or -errno. */
static int add_syscall(scmp_filter_ctx ctx, uint32_t action, int number,
                       const struct oci_seccomp_rule *rule)
{
	struct scmp_arg_cmp conditions[ARGS_MAX];

	if (!filter_repeats_argument(rule)) {
		for (size_t i = 0; i < rule->arg_count; i++)
			conditions[i] = condition(&rule->args[i]);
		return seccomp_rule_add_array(ctx, action, number, (unsigned int)rule->arg_count,
		                              conditions);
	}
	for (size_t i = 0; i < rule->arg_count; i++) {
		conditions[0] = condition(&rule->args[i]);

		int result = seccomp_rule_add_array(ctx, action, number, 1, conditions);
		if (result < 0)
			return result;
	}
	return 0;
}

bool filter_is_bundled(const struct oci_seccomp *profile, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name);

	/* libseccomp's numbers below -100 are such parts (seccomp-syscalls.h) */
	return filter_has_arch(profile, SCMP_ARCH_X86) &&
	       (number == 102 || number == 117 || (number <= -100 && number > -300));
}

uint32_t filter_rule_action(const struct oci_seccomp_rule *rule)
{
	struct err ignored = { 0 };
	uint32_t ret = 0;

	return filter_action(rule->action, rule->errno_ret, &ret, &ignored) < 0 ? 0 : ret;
}

static int add_rule(scmp_filter_ctx ctx, const struct oci_seccomp *profile, size_t index, bool all,
                    uint32_t default_action, struct err *e)
{
	const struct oci_seccomp_rule *rule = &profile->rules[index];
	uint32_t action;

	if (filter_action(rule->action, rule->errno_ret, &action, e) < 0)
		return err_in(e, "linux.seccomp.syscalls[%zu].errnoRet", index);
	for (size_t i = 0; i < rule->arg_count; i++) {
		if (rule->args[i].index >= ARGS_MAX)
			return err_set(e, ERR_SPEC,
			               "linux.seccomp.syscalls[%zu].args[%zu].index: %u: must be "
			               "from 0 to 5",
			               index, i, rule->args[i].index);
	}
	if (action == default_action)
		return 0;
	for (size_t i = 0; i < rule->names.n; i++) {
		int number = seccomp_syscall_resolve_name(rule->names.v[i]);

		if (number == __NR_SCMP_ERROR ||
		    (!all && !filter_is_bundled(profile, rule->names.v[i])))
			continue;

		int result = add_syscall(ctx, action, number, rule);
		if (result == -EEXIST)
			return err_set(
				e, ERR_SPEC,
				"linux.seccomp.syscalls[%zu]: an earlier rule for %s with the "
				"same conditions has another action",
				index, rule->names.v[i]);
		if (result < 0) {
			errno = -result;
			return err_sys(e, "linux.seccomp.syscalls[%zu]: libseccomp's rule for %s",
			               index, rule->names.v[i]);
		}
	}
	return 0;
}

/* The stub in front, in the arena. */
static int join(struct arena *a, const struct oci_seccomp *profile, const struct buf *code,
                struct filter *ret, struct err *e)
{
	struct sock_filter stub[ENOSYS_STUB_MAX];
	size_t in_front = enosys_stub(profile, stub);
	size_t n = code->len / sizeof(*stub);

	if (in_front + n > BPF_MAXINSNS)
		return err_set(e, ERR_SPEC,
		               "linux.seccomp: the kernel takes at most %d instructions",
		               BPF_MAXINSNS);

	struct sock_filter *all = arena_array(a, in_front + n, sizeof(*all));
	memcpy(all, stub, in_front * sizeof(*stub));
	memcpy(all + in_front, code->data, code->len);
	*ret = (struct filter){ .v = all, .n = in_front + n };
	return 0;
}

/* The finished program, by way of a memfd: libseccomp 2.5 writes only to files. */
static int export(struct arena *a, scmp_filter_ctx ctx, const struct oci_seccomp *profile,
                  struct filter *ret, struct err *e)
{
	BUF struct buf code = { 0 };
	FD int fd = memfd_create("seccomp", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "memfd_create for the seccomp filter");

	int result = seccomp_export_bpf(ctx, fd);
	if (result < 0) {
		errno = -result;
		return err_sys(e, "linux.seccomp: libseccomp cannot write the filter");
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(e, "rewind the seccomp filter");
	if (fd_read_all(fd, FILTER_BYTES_MAX, "the seccomp filter", &code, e) < 0)
		return err_in(e, "linux.seccomp: the kernel takes at most %d instructions",
		              BPF_MAXINSNS);
	if (code.len == 0 || code.len % sizeof(struct sock_filter) != 0)
		return err_set(e, ERR_BUG, "libseccomp wrote a filter of %zu bytes", code.len);
	return join(a, profile, &code, ret, e);
}

int filter_compile(struct arena *a, const struct oci_seccomp *profile, bool all, struct filter *ret,
                   struct err *e)
{
	uint32_t default_action;

	if (filter_action(profile->default_action, profile->default_errno_ret, &default_action, e) <
	    0)
		return err_in(e, "linux.seccomp.defaultErrnoRet");

	__attribute__((cleanup(release))) scmp_filter_ctx ctx = seccomp_init(default_action);
	if (!ctx)
		return err_set(
			e, ERR_REFUSED,
			"linux.seccomp.defaultAction: libseccomp or this kernel cannot do it");
	/* A binary tree over the numbers instead of a chain: the kernel walks it for every
	 * number when it is loaded. */
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
		return err_set(e, ERR_BUG, "libseccomp has no binary trees");
	for (size_t i = 0; i < profile->architectures.n; i++)
		TRY(add_arch(ctx, profile->architectures.v[i], i, e));
	for (size_t i = 0; i < profile->rule_count; i++)
		TRY(add_rule(ctx, profile, i, all, default_action, e));
	return export(a, ctx, profile, ret, e);
}

void filter_maker(struct filter_maker *ret)
{
	const struct scmp_version *v = seccomp_version();

	*ret = (struct filter_maker){ .native_arch = seccomp_arch_native(),
		                      .version = { v->major, v->minor, v->micro } };
	(void)uname(&ret->kernel); /* EFAULT alone */
}

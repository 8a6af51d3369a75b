/* SPDX-License-Identifier: Apache-2.0 */
/* From refusals to walls. */
#include "runtime/why.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/scope.h"
#include "runtime/mount_options.h"
#include "seccomp/verdict.h"

/* Calls that want one capability, and what the kernel says without: capabilities(7). */
static const struct {
	const char *call;
	int capability, errno_value;
} wants[] = {
	{ "mount", CAP_SYS_ADMIN, EPERM },
	{ "umount2", CAP_SYS_ADMIN, EPERM },
	{ "pivot_root", CAP_SYS_ADMIN, EPERM },
	{ "setns", CAP_SYS_ADMIN, EPERM },
	{ "unshare", CAP_SYS_ADMIN, EPERM },
	{ "clone", CAP_SYS_ADMIN, EPERM },
	{ "clone3", CAP_SYS_ADMIN, EPERM },
	{ "fsopen", CAP_SYS_ADMIN, EPERM },
	{ "open_tree", CAP_SYS_ADMIN, EPERM },
	{ "move_mount", CAP_SYS_ADMIN, EPERM },
	{ "sethostname", CAP_SYS_ADMIN, EPERM },
	{ "setdomainname", CAP_SYS_ADMIN, EPERM },
	{ "swapon", CAP_SYS_ADMIN, EPERM },
	{ "swapoff", CAP_SYS_ADMIN, EPERM },
	{ "chroot", CAP_SYS_CHROOT, EPERM },
	{ "reboot", CAP_SYS_BOOT, EPERM },
	{ "settimeofday", CAP_SYS_TIME, EPERM },
	{ "clock_settime", CAP_SYS_TIME, EPERM },
	{ "adjtimex", CAP_SYS_TIME, EPERM },
	{ "clock_adjtime", CAP_SYS_TIME, EPERM },
	{ "mknod", CAP_MKNOD, EPERM },
	{ "mknodat", CAP_MKNOD, EPERM },
	{ "chown", CAP_CHOWN, EPERM },
	{ "fchown", CAP_CHOWN, EPERM },
	{ "lchown", CAP_CHOWN, EPERM },
	{ "fchownat", CAP_CHOWN, EPERM },
	{ "chmod", CAP_FOWNER, EPERM },
	{ "fchmod", CAP_FOWNER, EPERM },
	{ "fchmodat", CAP_FOWNER, EPERM },
	{ "setuid", CAP_SETUID, EPERM },
	{ "setreuid", CAP_SETUID, EPERM },
	{ "setresuid", CAP_SETUID, EPERM },
	{ "setgid", CAP_SETGID, EPERM },
	{ "setregid", CAP_SETGID, EPERM },
	{ "setresgid", CAP_SETGID, EPERM },
	{ "setgroups", CAP_SETGID, EPERM },
	{ "kill", CAP_KILL, EPERM },
	{ "tgkill", CAP_KILL, EPERM },
	{ "bind", CAP_NET_BIND_SERVICE, EACCES },
	{ "socket", CAP_NET_RAW, EPERM },
	{ "ptrace", CAP_SYS_PTRACE, EPERM },
	{ "process_vm_readv", CAP_SYS_PTRACE, EPERM },
	{ "init_module", CAP_SYS_MODULE, EPERM },
	{ "finit_module", CAP_SYS_MODULE, EPERM },
	{ "delete_module", CAP_SYS_MODULE, EPERM },
	{ "iopl", CAP_SYS_RAWIO, EPERM },
	{ "ioperm", CAP_SYS_RAWIO, EPERM },
	{ "bpf", CAP_BPF, EPERM },
	{ "perf_event_open", CAP_PERFMON, EACCES },
	{ "syslog", CAP_SYSLOG, EPERM },
	{ "setpriority", CAP_SYS_NICE, EACCES },
	{ "sched_setscheduler", CAP_SYS_NICE, EPERM },
	{ "sched_setattr", CAP_SYS_NICE, EPERM },
	{ "ioprio_set", CAP_SYS_ADMIN, EPERM },
	{ "setrlimit", CAP_SYS_RESOURCE, EPERM },
	{ "prlimit64", CAP_SYS_RESOURCE, EPERM },
	{ "mlock", CAP_IPC_LOCK, EPERM },
	{ "mlockall", CAP_IPC_LOCK, EPERM },
	{ "open_by_handle_at", CAP_DAC_READ_SEARCH, EPERM },
	{ "acct", CAP_SYS_PACCT, EPERM },
};

static const struct {
	int number;
	const char *name;
} errno_names[] = {
	{ EPERM, "EPERM" },
	{ EACCES, "EACCES" },
	{ EROFS, "EROFS" },
	{ ENOSYS, "ENOSYS" },
};

/* --- seccomp --------------------------------------------------------------------------------- */

void why_filtered(struct arena *a, const struct oci_seccomp *profile, struct why *w)
{
	BUF struct buf text = { 0 };
	struct verdict v;
	size_t rule = 0;

	w->layer = "seccomp";
	w->certain = true;
	w->pointer = "/linux/seccomp";
	w->what = "the seccomp filter refused it";
	if (!profile || !verdict_of(profile, w->call, &v))
		return;
	if (!verdict_next_rule(profile, w->call, &rule)) {
		w->pointer = "/linux/seccomp/defaultAction";
		w->what = v.newer ? "seccomp: it is newer than all that the profile names"
		                  : "seccomp: no rule names it, and the default refuses it";
		return;
	}
	w->pointer = arena_printf(a, "/linux/seccomp/syscalls/%zu", rule);
	verdict_conditions(&profile->rules[rule], w->call, &text);
	w->what = text.len > 0
	                  ? arena_printf(a, "seccomp: decided by its arguments (%s)", text.data)
	                  : "seccomp: the rule refuses it";
}

/* --- everything else -------------------------------------------------------------------------- */

static uint64_t held(const struct oci_config *config)
{
	const struct oci_capabilities *c = config->process ? config->process->capabilities : NULL;

	return c ? c->bounding & c->permitted & c->effective : 0;
}

static bool by_capability(struct arena *a, const struct oci_config *config, struct why *w)
{
	const struct oci_namespace *user = &config->linux_->namespaces[OCI_NS_USER];

	for (size_t i = 0; i < LEN(wants); i++) {
		const char *name = oci_capability_name(wants[i].capability);
		bool has = held(config) & 1ULL << wants[i].capability;

		if (strcmp(wants[i].call, w->call) != 0 ||
		    wants[i].errno_value != (int)w->errno_value || (has && !user->wanted))
			continue;
		w->layer = has ? "user-namespace" : "capability";
		w->what = arena_printf(a, "it wants %s, which the %s", name,
		                       has ? "user namespace gives over its own things alone"
		                           : "config does not give");
		w->pointer = has ? arena_printf(a, "/linux/namespaces/%u", user->index)
		                 : "/process/capabilities";
		return true;
	}
	return false;
}

static void read_only(struct why *w, const char *what, const char *pointer)
{
	w->layer = "read-only";
	w->what = what;
	w->pointer = pointer;
}

static bool listed(struct arena *a, const struct oci_strings *list, const char *path,
                   size_t *ret_index)
{
	for (size_t i = 0; i < list->n; i++) {
		if (path_is_below(path, path_clean(a, "/", list->v[i]))) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

/* The mount that the path lies in: of several that hold it, the last of the deepest.
 * False: the root. */
static bool mount_of(struct arena *a, const struct oci_config *config, const char *path,
                     size_t *ret_index)
{
	size_t deepest = 0;

	for (size_t i = 0; i < config->mount_count; i++) {
		const char *at = path_clean(a, "/", config->mounts[i].destination);

		if (!path_is_below(path, at) || strlen(at) < deepest)
			continue;
		deepest = strlen(at);
		*ret_index = i;
	}
	return deepest > 0;
}

/* By the path's text: links and what the program has mounted are not known. */
static void by_readonly_path(struct arena *a, const struct oci_config *config, const char *path,
                             struct why *w)
{
	size_t i;

	if (listed(a, &config->linux_->masked_paths, path, &i)) {
		read_only(w, "it is masked", arena_printf(a, "/linux/maskedPaths/%zu", i));
		w->layer = "masked";
	} else if (listed(a, &config->linux_->readonly_paths, path, &i)) {
		read_only(w, "it is a read-only path",
		          arena_printf(a, "/linux/readonlyPaths/%zu", i));
	} else if (mount_of(a, config, path, &i)) {
		read_only(w,
		          arena_printf(a, "the mount on %s is read-only",
		                       config->mounts[i].destination),
		          arena_printf(a, "/mounts/%zu/options", i));
	} else {
		read_only(w, "the root is read-only",
		          config->root_readonly ? "/root/readonly" : "");
	}
}

/* The first thing that the config makes read-only. */
static void by_readonly(struct arena *a, const struct oci_config *config, struct why *w)
{
	read_only(w, "it would write to a read-only mount", "");
	if (config->root_readonly) {
		read_only(w, "it would write to a read-only mount, and the root is one",
		          "/root/readonly");
		return;
	}
	for (size_t i = 0; i < config->mount_count; i++) {
		struct mount_options o;

		mount_options_parse(a, &config->mounts[i], &o);
		if (o.attr_set & MOUNT_ATTR_RDONLY) {
			w->pointer = arena_printf(a, "/mounts/%zu/options", i);
			return;
		}
	}
	if (config->linux_->readonly_paths.n > 0)
		w->pointer = "/linux/readonlyPaths";
}

static void by_rights(const struct oci_config *config, struct why *w)
{
	enum syscall_group group = syscall_group_of(w->call);
	bool opens = strcmp(w->call, "open") == 0 || strcmp(w->call, "openat") == 0 ||
	             strcmp(w->call, "openat2") == 0;

	w->layer = "permissions";
	w->what = "the mode or the owner of the file, or a rule of the kernel's";
	if (config->landlock && w->errno_value == EACCES &&
	    (group == GROUP_FILES || group == GROUP_NETWORK || strncmp(w->call, "exec", 4) == 0)) {
		w->layer = "landlock";
		w->what = "no rule of Landlock allows it, or the file's mode";
		w->pointer = "/annotations/" OCI_LANDLOCK_ANNOTATION;
	} else if (opens && w->errno_value == EPERM) {
		w->layer = "devices";
		w->what = "no device rule allows it";
		w->pointer = "/linux/resources/devices";
	} else if (w->errno_value == EACCES && config->process &&
	           (config->process->apparmor_profile || config->process->selinux_label)) {
		w->what = "the mode or the owner of the file, or the security module";
	}
}

void why_refused(struct arena *a, const struct oci_config *config, const struct trace_refusal *r,
                 struct why *w)
{
	w->pointer = "";
	if (r->filtered) {
		why_filtered(a, config->linux_->seccomp, w);
	} else if (w->errno_value == ENOSYS) {
		w->layer = "kernel";
		w->certain = true;
		w->what = "this kernel does not have the call";
	} else if (w->errno_value == EROFS && r->path && r->path[0] == '/') {
		by_readonly_path(a, config, path_clean(a, "/", r->path), w);
	} else if (w->errno_value == EROFS) {
		by_readonly(a, config, w);
	} else if (!by_capability(a, config, w)) {
		by_rights(config, w);
	}
}

void why_explain(struct arena *a, const struct oci_config *config,
                 const struct trace_result *result, struct why **ret, size_t *ret_count)
{
	struct why *v = arena_array(a, result->refusal_count + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < result->refusal_count; i++) {
		const struct trace_refusal *r = &result->refusals[i];
		const char *name = verdict_call_name(a, r->number);

		if (!name)
			continue;
		v[n] = (struct why){ .call = name,
			             .path = r->path,
			             .answer = why_answer(a, r->errno_value),
			             .errno_value = r->errno_value,
			             .count = r->count };
		why_refused(a, config, r, &v[n++]);
	}
	*ret = v;
	*ret_count = n;
}

static const char *errno_name(uint32_t number)
{
	for (size_t i = 0; i < LEN(errno_names); i++) {
		if ((uint32_t)errno_names[i].number == number)
			return errno_names[i].name;
	}
	return NULL;
}

bool why_is_refusal(uint32_t errno_value)
{
	return errno_name(errno_value) != NULL;
}

const char *why_answer(struct arena *a, uint32_t errno_value)
{
	const char *name = errno_name(errno_value);

	if (errno_value == 0)
		return "SIGSYS";
	return name ? name : arena_printf(a, "errno %u", errno_value);
}

void why_text(const struct why *v, size_t n, struct buf *ret)
{
	for (size_t i = 0; i < n; i++) {
		buf_plain(ret, v[i].call);
		if (v[i].who) {
			buf_text(ret, " (");
			buf_plain(ret, v[i].who);
			buf_text(ret, ")");
		}
		buf_printf(ret, ": %s, %llu time%s: ", v[i].answer, (unsigned long long)v[i].count,
		           v[i].count == 1 ? "" : "s");
		if (v[i].path) {
			buf_plain(ret, v[i].path);
			buf_text(ret, ": ");
		}
		buf_text(ret, v[i].certain ? "" : "most likely ");
		buf_plain(ret, v[i].what);
		buf_printf(ret, "%s%s%s\n", *v[i].pointer ? " (" : "", v[i].pointer,
		           *v[i].pointer ? ")" : "");
	}
}

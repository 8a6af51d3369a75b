/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher and the hooks need of the host: all of it is looked at, nothing
 * opened for writing, no socket connected to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/scope.h"
#include "runtime/check.h"
#include "runtime/console.h"
#include "runtime/launch/slots.h"
#include "seccomp/seccomp.h"

static void check_namespaces(struct check *c)
{
	const struct plan_fd *entry = plan_array(c->plan, c->plan->fds);

	for (uint32_t i = 0; i < c->plan->fds.count; i++) {
		const char *origin = plan_text(c->plan, entry[i].origin);
		struct err e = { 0 };

		if (entry[i].kind != PLAN_FD_NAMESPACE)
			continue;
		FD int fd = slots_open_namespace(plan_text(c->plan, entry[i].path),
		                                 entry[i].ns_type, &e);
		if (fd < 0)
			(void)err_in(&e, "%s", origin);
		check_result(c, origin, fd, &e);
	}
}

/* Nobody else may be in the unit that systemd is asked for. */
static void check_scope(struct check *c, const char *path)
{
	struct err e = { 0 };
	FD int cgroup = cgroup_open(&c->facts->cgroup, path, &e);
	int populated = cgroup < 0 ? 0 : cgroup_is_populated(cgroup, &e);

	if (cgroup < 0 && e.sys == ENOENT)
		e = (struct err){ 0 };
	if (populated > 0)
		populated = err_set(&e, ERR_STATE,
		                    "linux.cgroupsPath: there are processes in %s already", path);
	check_result(c, "linux.cgroupsPath", e.kind ? -1 : populated, &e);
}

static void check_cgroup(struct check *c)
{
	const struct plan_cgroup *group = &c->plan->cgroup;
	const struct plan_cgroup_write *write = plan_array(c->plan, group->writes);
	const char *path = plan_text(c->plan, group->path);
	unsigned int controllers = 0;
	struct err e = { 0 };

	if (!path)
		return;
	if (group->unit) { /* its parents are systemd's to make */
		check_scope(c, path);
		return;
	}
	for (uint32_t i = 0; i < group->writes.count; i++)
		controllers |= cgroup_file_controller(plan_text(c->plan, write[i].file));
	int result = cgroup_check(&c->facts->cgroup, path, controllers, &e);
	if (result < 0)
		(void)err_in(&e, "linux.cgroupsPath");
	check_result(c, "linux.cgroupsPath", result, &e);
}

/* A program of the host that somebody is to execute later. */
static int check_file(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_SPEC, "%s: is not a file", path);
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

static void check_hooks(struct check *c)
{
	for (int kind = 0; kind < OCI_HOOK_KINDS; kind++) {
		const struct oci_hook_list *list = &c->config->hooks[kind];

		if (kind == OCI_HOOK_START_CONTAINER)
			continue; /* the container's: check_process.c */
		for (size_t i = 0; i < list->n; i++) {
			char subject[64];
			struct err e = { 0 };
			int result = check_file(list->v[i].path, &e);

			(void)snprintf(subject, sizeof(subject), "hooks.%s[%zu].path",
			               oci_hook_kind_name((enum oci_hook_kind)kind), i);
			if (result < 0)
				(void)err_in(&e, "%s", subject);
			check_result(c, subject, result, &e);
		}
	}
}

static int check_socket(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_SPEC, "%s: is not a socket", path);
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
		return err_sys(e, "%s", path);
	return 0;
}

static void check_sockets(struct check *c)
{
	const struct oci_seccomp *seccomp = c->config->linux_->seccomp;
	const char *console = c->request->console_socket;
	bool terminal = c->config->process->terminal;
	struct err e = { 0 };

	if (console) {
		int result = console_check(terminal, false, console, &e);

		if (result == 0)
			result = check_socket(console, &e);
		if (result < 0)
			(void)err_in(&e, "console socket");
		check_result(c, "console socket", result, &e);
	} else if (terminal) {
		check_unknown(c, "process.terminal",
		              "create needs a --console-socket for it, and none was given");
	}
	if (seccomp && seccomp->listener_path && seccomp_notifies(seccomp)) {
		e = (struct err){ 0 };
		int result = check_socket(seccomp->listener_path, &e);

		if (result < 0)
			(void)err_in(&e, "linux.seccomp.listenerPath");
		check_result(c, "linux.seccomp.listenerPath", result, &e);
	}
}

/* Each line of the file is "NAME (MODE)"; who may not read it cannot know. */
static void check_apparmor(struct check *c)
{
	static const char field[] = "process.apparmorProfile";
	const char *profile = c->config->process->apparmor_profile;
	FILE *loaded;
	char line[1024];
	bool found = false;

	if (!profile || !*profile || !c->facts->apparmor || strcmp(profile, "unconfined") == 0)
		return;
	loaded = fopen("/sys/kernel/security/apparmor/profiles", "re");
	if (!loaded) {
		check_unknown(c, field, "the list of loaded profiles cannot be read");
		return;
	}
	while (!found && fgets(line, sizeof(line), loaded)) {
		char *mode = strrchr(line, '(');

		if (mode && mode > line)
			mode[-1] = '\0';
		found = strcmp(line, profile) == 0;
	}
	(void)fclose(loaded);

	struct err e = { 0 };
	(void)err_set(&e, ERR_SPEC, "%s: %s: the profile is not loaded on this host", field,
	              profile);
	check_result(c, field, found ? 0 : -1, &e);
}

void check_host(struct check *c)
{
	check_namespaces(c);
	check_cgroup(c);
	check_hooks(c);
	check_sockets(c);
	check_apparmor(c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launch/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/num.h"
#include "base/scope.h"
#include "base/sys.h"

void slots_close(struct slots *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->ours[i] && s->fd[i] >= 0)
			(void)close(s->fd[i]);
	}
	s->count = 0;
}

static const char *namespace_word(uint64_t type)
{
	switch (type) {
	case CLONE_NEWPID:
		return "pid";
	case CLONE_NEWNET:
		return "network";
	case CLONE_NEWNS:
		return "mount";
	case CLONE_NEWIPC:
		return "ipc";
	case CLONE_NEWUTS:
		return "uts";
	case CLONE_NEWUSER:
		return "user";
	case CLONE_NEWCGROUP:
		return "cgroup";
	case CLONE_NEWTIME:
		return "time";
	default:
		return "unknown";
	}
}

/* Only its owner has rights in a user namespace, and those who have them all around it
 * (user_namespaces(7)). */
static int check_owner(int fd, const char *path, struct err *e)
{
	uid_t owner;

	if (geteuid() == 0)
		return 0;
	if (ioctl(fd, NS_GET_OWNER_UID, &owner) < 0)
		return err_sys(e, "%s: ask for its owner", path);
	if (owner == geteuid())
		return 0;
	err_set(e, ERR_REFUSED,
	        "%s is a user namespace of uid %u: the kernel lets only its owner join it", path,
	        owner);
	return err_hint(e, "we are uid %u", geteuid());
}

int slots_open_namespace(const char *path, uint64_t type, struct err *e)
{
	/* O_NONBLOCK: the path is the config's, and may be a fifo */
	FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open %s namespace %s", namespace_word(type), path);

	int is = ioctl(fd, NS_GET_NSTYPE);
	if (is < 0)
		return err_set(e, ERR_SPEC, "%s is not a namespace file", path);
	if ((uint64_t)is != type)
		return err_set(e, ERR_SPEC, "%s is a %s namespace, not a %s namespace", path,
		               namespace_word((uint64_t)is), namespace_word(type));
	if (type == CLONE_NEWUSER)
		TRY(check_owner(fd, path, e));
	return fd_give(&fd);
}

/* Of our descriptors the config may mean those that our caller left open, which no
 * execve(2) has closed: whatever we opened ourselves is nothing that it can know. */
static int check_descriptor(const char *path, struct err *e)
{
	static const char *const places[] = { "/proc/self/fd/", "/proc/thread-self/fd/",
		                              "/dev/fd/" };
	uint64_t fd;

	for (size_t i = 0; i < LEN(places); i++) {
		size_t len = strlen(places[i]);
		char digits[12];

		if (strncmp(path, places[i], len) != 0)
			continue;
		(void)snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(path + len, "/"),
		               path + len);
		if (num_u64(digits, INT32_MAX, &fd) < 0)
			continue;
		int flags = fcntl((int)fd, F_GETFD);
		if (flags < 0 || flags & FD_CLOEXEC)
			return err_set(e, ERR_SPEC, "%s: the caller has no such descriptor open",
			               path);
	}
	return 0;
}

static int open_tree_clone(const char *path, bool recursive, struct err *e)
{
	TRY(check_descriptor(path, e));
	int fd = sys_open_tree(AT_FDCWD, path,
	                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
	                               (recursive ? AT_RECURSIVE : 0U));

	return fd < 0 ? err_sys(e, "open_tree %s", path) : fd;
}

static int open_slot(const struct plan *plan, const struct plan_fd *entry,
                     const struct launch_options *options, struct slots *s, struct err *e)
{
	const char *path = plan_text(plan, entry->path);
	int *fd = &s->fd[s->count];

	s->ours[s->count] = false;
	switch (entry->kind) {
	case PLAN_FD_NAMESPACE:
		*fd = slots_open_namespace(path, entry->ns_type, e);
		s->ours[s->count] = true;
		break;
	case PLAN_FD_TREE:
		*fd = open_tree_clone(path, entry->recursive, e);
		s->ours[s->count] = true;
		break;
	case PLAN_FD_CONTAINER:
		*fd = options->container_pidfd;
		break;
	case PLAN_FD_LISTENER:
		*fd = options->listener;
		break;
	default:
		return err_set(e, ERR_BUG, "plan: fd kind %u", entry->kind);
	}
	if (*fd < 0)
		return entry->origin ? err_in(e, "%s", plan_text(plan, entry->origin)) : -1;
	s->count++;
	return 0;
}

int slots_open(const struct plan *plan, const struct launch_options *options, struct slots *ret,
               struct err *e)
{
	const struct plan_fd *entries = plan_array(plan, plan->fds);

	ret->count = 0;
	if (plan->fds.count > SLOTS_MAX)
		return err_set(e, ERR_REFUSED,
		               "%u descriptors are needed to start; %d are possible",
		               plan->fds.count, SLOTS_MAX);
	for (uint32_t i = 0; i < plan->fds.count; i++)
		TRY(open_slot(plan, &entries[i], options, ret, e));
	return 0;
}

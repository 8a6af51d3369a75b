/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of bits and their words. Within a table a word that covers several bits
 * comes before those that cover some of them, and is used if all its bits are set.
 */
#include "runtime/plan_words.h"

#include <linux/mempolicy.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/scope.h"
#include "oci-spec/spec.h"
#include "runtime/launch/plan.h"

struct word {
	uint64_t bits;
	const char *text;
};

#define WORD(flag)                      \
	{                               \
		(uint64_t)(flag), #flag \
	}

static void add_word(struct buf *ret, size_t start, const char *text)
{
	if (ret->len > start)
		buf_text(ret, "|");
	buf_text(ret, text);
}

static void add_words(struct buf *ret, uint64_t value, const struct word *words, size_t count)
{
	size_t start = ret->len;

	for (size_t i = 0; i < count; i++) {
		if ((value & words[i].bits) != words[i].bits)
			continue;
		add_word(ret, start, words[i].text);
		value &= ~words[i].bits;
	}
	if (value) {
		add_word(ret, start, "");
		buf_printf(ret, "0x%llx", (unsigned long long)value);
	}
}

void plan_words_mount(struct buf *ret, uint64_t flags)
{
	static const struct word words[] = {
		WORD(MS_REC),    WORD(MS_PRIVATE),    WORD(MS_SLAVE),
		WORD(MS_SHARED), WORD(MS_UNBINDABLE),
	};

	add_words(ret, flags, words, LEN(words));
}

void plan_words_attr(struct buf *ret, uint64_t attributes)
{
	static const struct word words[] = {
		WORD(MOUNT_ATTR_RDONLY),      WORD(MOUNT_ATTR_NOSUID),     WORD(MOUNT_ATTR_NODEV),
		WORD(MOUNT_ATTR_NOEXEC),      WORD(MOUNT_ATTR__ATIME),     WORD(MOUNT_ATTR_NOATIME),
		WORD(MOUNT_ATTR_STRICTATIME), WORD(MOUNT_ATTR_NODIRATIME), WORD(MOUNT_ATTR_IDMAP),
		WORD(MOUNT_ATTR_NOSYMFOLLOW),
	};

	add_words(ret, attributes, words, LEN(words));
}

void plan_words_namespaces(struct buf *ret, uint64_t flags)
{
	static const struct word words[] = {
		WORD(CLONE_NEWUSER), WORD(CLONE_NEWPID), WORD(CLONE_NEWNET),    WORD(CLONE_NEWNS),
		WORD(CLONE_NEWIPC),  WORD(CLONE_NEWUTS), WORD(CLONE_NEWCGROUP), WORD(CLONE_NEWTIME),
	};

	add_words(ret, flags, words, LEN(words));
}

void plan_words_target(struct buf *ret, uint64_t flags)
{
	static const struct word words[] = {
		WORD(PLAN_TARGET_FILE), WORD(PLAN_TARGET_PLAIN),   WORD(PLAN_BIND_RECURSIVE),
		WORD(PLAN_BIND_IDMAP),  WORD(PLAN_BIND_IDMAP_ALL), WORD(PLAN_COVER_MODE),
		WORD(PLAN_COVER_OWNER), WORD(PLAN_COVER_CONTENT),
	};

	add_words(ret, flags, words, LEN(words));
}

void plan_words_seccomp(struct buf *ret, uint64_t flags)
{
	static const struct word words[] = {
		WORD(SECCOMP_FILTER_FLAG_TSYNC),       WORD(SECCOMP_FILTER_FLAG_LOG),
		WORD(SECCOMP_FILTER_FLAG_SPEC_ALLOW),  WORD(SECCOMP_FILTER_FLAG_NEW_LISTENER),
		WORD(SECCOMP_FILTER_FLAG_TSYNC_ESRCH), WORD(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
	};

	add_words(ret, flags, words, LEN(words));
}

void plan_words_scheduler(struct buf *ret, uint64_t flags)
{
	static const struct word words[] = {
		WORD(SCHED_FLAG_RESET_ON_FORK),  WORD(SCHED_FLAG_RECLAIM),
		WORD(SCHED_FLAG_DL_OVERRUN),     WORD(SCHED_FLAG_KEEP_POLICY),
		WORD(SCHED_FLAG_KEEP_PARAMS),    WORD(SCHED_FLAG_UTIL_CLAMP_MIN),
		WORD(SCHED_FLAG_UTIL_CLAMP_MAX),
	};

	add_words(ret, flags, words, LEN(words));
}

void plan_words_mempolicy(struct buf *ret, uint64_t flags)
{
	static const struct word words[] = {
		WORD(MPOL_F_NUMA_BALANCING),
		WORD(MPOL_F_RELATIVE_NODES),
		WORD(MPOL_F_STATIC_NODES),
	};

	add_words(ret, flags, words, LEN(words));
}

const char *plan_policy_name(uint32_t policy)
{
	static const char *const names[] = {
		[SCHED_NORMAL] = "SCHED_OTHER", [SCHED_FIFO] = "SCHED_FIFO",
		[SCHED_RR] = "SCHED_RR",        [SCHED_BATCH] = "SCHED_BATCH",
		[SCHED_IDLE] = "SCHED_IDLE",    [SCHED_DEADLINE] = "SCHED_DEADLINE",
	};

	return policy < LEN(names) ? names[policy] : NULL;
}

void plan_words_caps(struct buf *ret, uint64_t set)
{
	size_t start = ret->len;

	for (int number = 0; number < 64; number++) {
		const char *name = oci_capability_name(number);

		if (!(set >> number & 1))
			continue;
		add_word(ret, start, name ? name : "");
		if (!name)
			buf_printf(ret, "CAP_%d", number);
	}
}

const char *plan_limit_name(uint32_t resource)
{
	static const char *const names[] = {
		[RLIMIT_CPU] = "RLIMIT_CPU",           [RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_DATA] = "RLIMIT_DATA",         [RLIMIT_STACK] = "RLIMIT_STACK",
		[RLIMIT_CORE] = "RLIMIT_CORE",         [RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",       [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",   [RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",       [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE", [RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",     [RLIMIT_RTTIME] = "RLIMIT_RTTIME",
	};

	return resource < LEN(names) ? names[resource] : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs, as instructions. One is called at each system call of every process, so
 * the first thing that it asks is whether the process is one of ours. Registers: 6 the
 * context, 7 the number, 8 the switch; the process's registers are copied to the stack.
 *
 * A context of a raw tracepoint is an array of the tracepoint's arguments: of both, the
 * first is a struct pt_regs * (include/trace/events/syscalls.h).
 */
#include <asm/unistd_64.h>
#include <errno.h>
#include <string.h>

#include "base/scope.h"
#include "seccomp/trace.h"

enum {
	/* struct pt_regs of arch/x86/include/asm/ptrace.h */
	REGS_SIZE = 168,
	REGS_ORIG_AX = 120,
	REGS_CS = 136,
	CS_32_BIT = 0x23, /* __USER32_CS */

	/* the stack */
	REGS = -REGS_SIZE,
	KEY = REGS - 8, /* of the map of calls */
	VALUE_KEY = KEY - 16,
	ONE = VALUE_KEY - 8,
	THREAD = ONE - 8,
	REFUSAL = THREAD - 8,
	PATH_KEY = REFUSAL - 8 - TRACE_PATH_ROOM,
};

/* Where an argument is in struct pt_regs. */
static const int16_t argument_at[] = { 112, 104, 96, 56, 72, 64 };

/* Arguments that decide what a call may do, and are mostly constant in a program. */
static const struct {
	uint32_t number;
	int index;
	bool wide; /* an unsigned long; else the kernel looks at 32 bits */
} arguments[] = {
	{ __NR_socket, 0, false },  { __NR_socketpair, 0, false },  { __NR_clone, 0, true },
	{ __NR_unshare, 0, true },  { __NR_ioctl, 1, false },       { __NR_prctl, 0, false },
	{ __NR_fcntl, 1, false },   { __NR_personality, 0, false }, { __NR_setns, 1, false },
	{ __NR_keyctl, 0, false },  { __NR_arch_prctl, 0, false },  { __NR_madvise, 2, false },
	{ __NR_mprotect, 2, true }, { __NR_setsockopt, 1, false },
};

/* Calls that are refused for what lies at a path, and which argument that is: of two
 * paths the one that is made. */
static const struct {
	uint32_t number;
	int index;
} path_calls[] = {
	{ __NR_open, 0 },       { __NR_creat, 0 },      { __NR_mkdir, 0 },
	{ __NR_rmdir, 0 },      { __NR_unlink, 0 },     { __NR_chmod, 0 },
	{ __NR_chown, 0 },      { __NR_lchown, 0 },     { __NR_mknod, 0 },
	{ __NR_truncate, 0 },   { __NR_execve, 0 },     { __NR_access, 0 },
	{ __NR_chdir, 0 },      { __NR_stat, 0 },       { __NR_lstat, 0 },
	{ __NR_umount2, 0 },    { __NR_setxattr, 0 },   { __NR_lsetxattr, 0 },
	{ __NR_chroot, 0 },     { __NR_readlink, 0 },   { __NR_openat, 1 },
	{ __NR_openat2, 1 },    { __NR_mkdirat, 1 },    { __NR_unlinkat, 1 },
	{ __NR_fchmodat, 1 },   { __NR_fchownat, 1 },   { __NR_mknodat, 1 },
	{ __NR_utimensat, 1 },  { __NR_execveat, 1 },   { __NR_faccessat, 1 },
	{ __NR_faccessat2, 1 }, { __NR_newfstatat, 1 }, { __NR_statx, 1 },
	{ __NR_mount, 1 },      { __NR_link, 1 },       { __NR_symlink, 1 },
	{ __NR_rename, 1 },     { __NR_readlinkat, 1 }, { __NR_symlinkat, 2 },
};
enum { PATH_INDEXES = 3 };

int trace_argument(uint32_t number, bool *ret_wide)
{
	for (size_t i = 0; i < LEN(arguments); i++) {
		if (arguments[i].number == number) {
			*ret_wide = arguments[i].wide;
			return arguments[i].index;
		}
	}
	return -1;
}

int trace_path_argument(uint32_t number)
{
	for (size_t i = 0; i < LEN(path_calls); i++) {
		if (path_calls[i].number == number)
			return path_calls[i].index;
	}
	return -1;
}

/* The program while it grows. Jumps to the end and to "count" are filled in last. */
struct builder {
	struct bpf_insn *v;
	size_t n;
	size_t to_end[64], ends;
	size_t to_count[8], counts;
};

/* Of what a code is made of, BPF_K, BPF_LD and BPF_IMM are 0, and not spelled out. */
static void add(struct builder *b, int code, int dst, int src, int16_t off, int32_t imm)
{
	b->v[b->n++] = (struct bpf_insn){ .code = (uint8_t)code,
		                          .dst_reg = (uint8_t)(dst & 15),
		                          .src_reg = (uint8_t)(src & 15),
		                          .off = off,
		                          .imm = imm };
}

static void move(struct builder *b, uint8_t to, uint8_t from)
{
	add(b, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static void set(struct builder *b, uint8_t to, int32_t value)
{
	add(b, BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}

static void load(struct builder *b, uint8_t to, uint8_t from, int16_t off)
{
	add(b, BPF_LDX | BPF_MEM | BPF_DW, to, from, off, 0);
}

static void store(struct builder *b, uint8_t to, int16_t off, uint8_t from)
{
	add(b, BPF_STX | BPF_MEM | BPF_DW, to, from, off, 0);
}

/* to = r10 + off */
static void stack(struct builder *b, uint8_t to, int32_t off)
{
	move(b, to, BPF_REG_10);
	add(b, BPF_ALU64 | BPF_ADD, to, 0, 0, off);
}

static void map(struct builder *b, uint8_t to, int fd)
{
	add(b, BPF_DW, to, BPF_PSEUDO_MAP_FD, 0, fd);
	add(b, 0, 0, 0, 0, 0);
}

static void call(struct builder *b, int32_t helper)
{
	add(b, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void end_if(struct builder *b, uint8_t condition, uint8_t reg, int32_t value)
{
	b->to_end[b->ends++] = b->n;
	add(b, BPF_JMP | condition | BPF_K, reg, 0, 0, value);
}

/* r0 = the place of the map of calls that r7 (or `place`) names */
static void find_place(struct builder *b, const struct trace_maps *maps, int32_t place)
{
	if (place < 0)
		add(b, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_7, KEY, 0);
	else
		add(b, BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, KEY, place);
	map(b, BPF_REG_1, maps->calls);
	stack(b, BPF_REG_2, KEY);
	call(b, BPF_FUNC_map_lookup_elem);
	end_if(b, BPF_JEQ, BPF_REG_0, 0);
}

/* *r0 += 1 */
static void count(struct builder *b)
{
	set(b, BPF_REG_1, 1);
	add(b, BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD);
}

static void only_ours(struct builder *b, const struct trace_maps *maps)
{
	move(b, BPF_REG_6, BPF_REG_1);
	map(b, BPF_REG_1, maps->cgroups);
	set(b, BPF_REG_2, 0);
	call(b, BPF_FUNC_current_task_under_cgroup);
	end_if(b, BPF_JNE, BPF_REG_0, 1);
}

/* r7 = the number, the process's registers on the stack, all of them or what tells the call;
 * each byte is paid for at each call. 32-bit calls are only counted, in
 * places of their own. (Those that a 64-bit program makes by int 0x80 look like its own.) */
static void read_registers(struct builder *b, bool all)
{
	const int first = all ? 0 : REGS_ORIG_AX, end = all ? REGS_SIZE : REGS_CS + 8;
	size_t native;

	stack(b, BPF_REG_1, REGS + first);
	set(b, BPF_REG_2, end - first);
	load(b, BPF_REG_3, BPF_REG_6, 0);
	add(b, BPF_ALU64 | BPF_ADD, BPF_REG_3, 0, 0, first);
	call(b, BPF_FUNC_probe_read_kernel);
	end_if(b, BPF_JNE, BPF_REG_0, 0);
	load(b, BPF_REG_7, BPF_REG_10, REGS + REGS_ORIG_AX);
	load(b, BPF_REG_1, BPF_REG_10, REGS + REGS_CS);
	native = b->n;
	add(b, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_1, 0, 0, CS_32_BIT);
	end_if(b, BPF_JGE, BPF_REG_7, TRACE_CALLS);
	add(b, BPF_ALU64 | BPF_ADD, BPF_REG_7, 0, 0, TRACE_COMPAT);
	b->to_count[b->counts++] = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	b->v[native].off = (int16_t)(b->n - native - 1);
	end_if(b, BPF_JGE, BPF_REG_7, TRACE_CALLS); /* -1 after rt_sigreturn(2), too */
}

/* Nothing counts before the first execve: until then it is the runtime that calls. */
static void only_when_armed(struct builder *b, const struct trace_maps *maps, bool enter)
{
	size_t arms[2], armed, counts;

	find_place(b, maps, TRACE_ARMED);
	move(b, BPF_REG_8, BPF_REG_0);
	if (enter) {
		arms[0] = b->n;
		add(b, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, __NR_execve);
		arms[1] = b->n;
		add(b, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, __NR_execveat);
	}
	load(b, BPF_REG_1, BPF_REG_8, 0);
	end_if(b, BPF_JEQ, BPF_REG_1, 0);
	if (!enter)
		return;
	counts = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	armed = b->n;
	for (size_t i = 0; i < LEN(arms); i++)
		b->v[arms[i]].off = (int16_t)(armed - arms[i] - 1);
	set(b, BPF_REG_1, 1);
	store(b, BPF_REG_8, 0, BPF_REG_1);
	b->v[counts].off = (int16_t)(b->n - counts - 1);
}

/* Puts {number << 8 | index, value} on the stack, if it is this call, and returns where
 * it jumps to the noting then. */
static size_t take_argument(struct builder *b, size_t i)
{
	size_t other = b->n;

	add(b, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_7, 0, 0, (int32_t)arguments[i].number);
	set(b, BPF_REG_1, (int32_t)(arguments[i].number << 8 | (uint32_t)arguments[i].index));
	store(b, BPF_REG_10, VALUE_KEY, BPF_REG_1);
	load(b, BPF_REG_1, BPF_REG_10, (int16_t)(REGS + argument_at[arguments[i].index]));
	if (!arguments[i].wide)
		add(b, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_1, 0, 0);
	store(b, BPF_REG_10, VALUE_KEY + 8, BPF_REG_1);
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	b->v[other].off = (int16_t)(b->n - other - 1);
	return b->n - 1;
}

/* Where there is no room for a value any more, that it is lost. */
static void note_arguments(struct builder *b, const struct trace_maps *maps)
{
	size_t taken[LEN(arguments)];

	for (size_t i = 0; i < LEN(arguments); i++)
		taken[i] = take_argument(b, i);
	b->to_count[b->counts++] = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	for (size_t i = 0; i < LEN(arguments); i++)
		b->v[taken[i]].off = (int16_t)(b->n - taken[i] - 1);
	set(b, BPF_REG_1, 1);
	store(b, BPF_REG_10, ONE, BPF_REG_1);
	map(b, BPF_REG_1, maps->values);
	stack(b, BPF_REG_2, VALUE_KEY);
	stack(b, BPF_REG_3, ONE);
	set(b, BPF_REG_4, BPF_ANY);
	call(b, BPF_FUNC_map_update_elem);
	b->to_count[b->counts++] = b->n;
	add(b, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
	find_place(b, maps, TRACE_LOST);
	count(b);
}

/* The thread is the key under which it is known that its call came in. */
static void find_thread(struct builder *b, const struct trace_maps *maps)
{
	call(b, BPF_FUNC_get_current_pid_tgid);
	store(b, BPF_REG_10, THREAD, BPF_REG_0);
	map(b, BPF_REG_1, maps->entered);
	stack(b, BPF_REG_2, THREAD);
}

/* Its place is taken once and then written to, which is far cheaper than to put it in and
 * take it out for each call. */
static void note_entry(struct builder *b, const struct trace_maps *maps)
{
	size_t new, done;

	find_thread(b, maps);
	call(b, BPF_FUNC_map_lookup_elem);
	new = b->n;
	add(b, BPF_JMP | BPF_JEQ, BPF_REG_0, 0, 0, 0);
	store(b, BPF_REG_0, 0, BPF_REG_7);
	done = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	b->v[new].off = (int16_t)(b->n - new - 1);
	map(b, BPF_REG_1, maps->entered);
	stack(b, BPF_REG_2, THREAD);
	store(b, BPF_REG_10, ONE, BPF_REG_7);
	stack(b, BPF_REG_3, ONE);
	set(b, BPF_REG_4, BPF_ANY);
	call(b, BPF_FUNC_map_update_elem);
	b->v[done].off = (int16_t)(b->n - done - 1);
}

/* r8 = 0, or the bit of the key where the call has left that never came in. */
static void find_filtered(struct builder *b, const struct trace_maps *maps)
{
	size_t missing, other;

	find_thread(b, maps);
	call(b, BPF_FUNC_map_lookup_elem);
	set(b, BPF_REG_8, TRACE_KEY_FILTERED);
	missing = b->n;
	add(b, BPF_JMP | BPF_JEQ, BPF_REG_0, 0, 0, 0);
	load(b, BPF_REG_1, BPF_REG_0, 0);
	set(b, BPF_REG_2, -1); /* no call's number: none is inside */
	store(b, BPF_REG_0, 0, BPF_REG_2);
	other = b->n;
	add(b, BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, BPF_REG_7, 0, 0);
	set(b, BPF_REG_8, 0);
	b->v[missing].off = (int16_t)(b->n - missing - 1);
	b->v[other].off = (int16_t)(b->n - other - 1);
}

/* r3 = the path that the call was given. Returns where it jumps if there is none. */
static size_t load_path(struct builder *b)
{
	size_t calls[LEN(path_calls)], loaded[PATH_INDEXES], none;

	for (size_t i = 0; i < LEN(path_calls); i++) {
		calls[i] = b->n;
		add(b, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_7, 0, 0, (int32_t)path_calls[i].number);
	}
	none = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	for (int index = 0; index < PATH_INDEXES; index++) {
		for (size_t i = 0; i < LEN(path_calls); i++) {
			if (path_calls[i].index == index)
				b->v[calls[i]].off = (int16_t)(b->n - calls[i] - 1);
		}
		load(b, BPF_REG_3, BPF_REG_10, (int16_t)(REGS + argument_at[index]));
		loaded[index] = b->n;
		add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	}
	for (size_t i = 0; i < LEN(loaded); i++)
		b->v[loaded[i]].off = (int16_t)(b->n - loaded[i] - 1);
	return none;
}

/* Counts {refusal, path}, where there is room. The path may have been changed since the
 * kernel read it: this tells, it does not decide. */
static void note_path(struct builder *b, const struct trace_maps *maps)
{
	size_t none = load_path(b), unread, seen, done;

	set(b, BPF_REG_1, 0);
	for (int at = 0; at < TRACE_PATH_ROOM; at += 8)
		store(b, BPF_REG_10, (int16_t)(PATH_KEY + 8 + at), BPF_REG_1);
	load(b, BPF_REG_1, BPF_REG_10, REFUSAL);
	store(b, BPF_REG_10, PATH_KEY, BPF_REG_1);
	stack(b, BPF_REG_1, PATH_KEY + 8);
	set(b, BPF_REG_2, TRACE_PATH_ROOM);
	call(b, BPF_FUNC_probe_read_user_str);
	unread = b->n;
	add(b, BPF_JMP | BPF_JSLE | BPF_K, BPF_REG_0, 0, 0, 1);
	map(b, BPF_REG_1, maps->paths);
	stack(b, BPF_REG_2, PATH_KEY);
	call(b, BPF_FUNC_map_lookup_elem);
	seen = b->n;
	add(b, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_0, 0, 0, 0);
	set(b, BPF_REG_1, 1);
	store(b, BPF_REG_10, ONE, BPF_REG_1);
	map(b, BPF_REG_1, maps->paths);
	stack(b, BPF_REG_2, PATH_KEY);
	stack(b, BPF_REG_3, ONE);
	set(b, BPF_REG_4, BPF_ANY);
	call(b, BPF_FUNC_map_update_elem);
	done = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	b->v[seen].off = (int16_t)(b->n - seen - 1);
	count(b);
	b->v[none].off = (int16_t)(b->n - none - 1);
	b->v[unread].off = (int16_t)(b->n - unread - 1);
	b->v[done].off = (int16_t)(b->n - done - 1);
}

/* Counts {number, filtered, errno}. A child comes out of a clone that it never went
 * into, but without an errno. */
static void note_refusal(struct builder *b, const struct trace_maps *maps)
{
	static const int32_t forbidden[] = { EPERM, EACCES, EROFS, ENOSYS };
	size_t taken[LEN(forbidden) + 2], entered, failed, filtered, seen;

	find_filtered(b, maps);
	load(b, BPF_REG_9, BPF_REG_6, 8);
	/* before it sends SIGSYS, the filter rolls back: the number is in the result's place */
	entered = b->n;
	add(b, BPF_JMP | BPF_JEQ, BPF_REG_8, 0, 0, 0);
	failed = b->n;
	add(b, BPF_JMP | BPF_JNE | BPF_X, BPF_REG_9, BPF_REG_7, 0, 0);
	set(b, BPF_REG_9, 0);
	taken[LEN(forbidden) + 1] = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	b->v[entered].off = (int16_t)(b->n - entered - 1);
	b->v[failed].off = (int16_t)(b->n - failed - 1);
	add(b, BPF_ALU64 | BPF_NEG, BPF_REG_9, 0, 0, 0);
	b->to_count[b->counts++] = b->n; /* not from 1 to 4095: it has not failed */
	add(b, BPF_JMP | BPF_JGE, BPF_REG_9, 0, 0, 4096);
	b->to_count[b->counts++] = b->n;
	add(b, BPF_JMP | BPF_JEQ, BPF_REG_9, 0, 0, 0);
	for (size_t i = 0; i < LEN(forbidden); i++) {
		taken[i] = b->n;
		add(b, BPF_JMP | BPF_JEQ, BPF_REG_9, 0, 0, forbidden[i]);
	}
	taken[LEN(forbidden)] = b->n;
	add(b, BPF_JMP | BPF_JNE, BPF_REG_8, 0, 0, 0);
	b->to_count[b->counts++] = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	for (size_t i = 0; i < LEN(taken); i++)
		b->v[taken[i]].off = (int16_t)(b->n - taken[i] - 1);
	move(b, BPF_REG_1, BPF_REG_7);
	add(b, BPF_ALU64 | BPF_LSH, BPF_REG_1, 0, 0, TRACE_KEY_NUMBER);
	add(b, BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_1, BPF_REG_8, 0, 0);
	add(b, BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_1, BPF_REG_9, 0, 0);
	store(b, BPF_REG_10, REFUSAL, BPF_REG_1);
	filtered = b->n; /* the filter looks at no path */
	add(b, BPF_JMP | BPF_JNE | BPF_K, BPF_REG_8, 0, 0, 0);
	note_path(b, maps);
	b->v[filtered].off = (int16_t)(b->n - filtered - 1);
	map(b, BPF_REG_1, maps->refusals);
	stack(b, BPF_REG_2, REFUSAL);
	call(b, BPF_FUNC_map_lookup_elem);
	seen = b->n;
	add(b, BPF_JMP | BPF_JNE, BPF_REG_0, 0, 0, 0);
	set(b, BPF_REG_1, 1);
	store(b, BPF_REG_10, ONE, BPF_REG_1);
	map(b, BPF_REG_1, maps->refusals);
	stack(b, BPF_REG_2, REFUSAL);
	stack(b, BPF_REG_3, ONE);
	set(b, BPF_REG_4, BPF_ANY);
	call(b, BPF_FUNC_map_update_elem);
	b->to_count[b->counts++] = b->n;
	add(b, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	b->v[seen].off = (int16_t)(b->n - seen - 1);
	count(b);
}

size_t trace_program(const struct trace_maps *maps, bool enter,
                     struct bpf_insn ret[TRACE_PROGRAM_MAX])
{
	struct builder b = { .v = ret };

	only_ours(&b, maps);
	read_registers(&b, enter ? maps->values >= 0 : maps->refusals >= 0);
	only_when_armed(&b, maps, enter);
	if (maps->entered >= 0 && enter)
		note_entry(&b, maps);
	else if (maps->entered >= 0)
		note_refusal(&b, maps);
	if (enter && maps->values >= 0)
		note_arguments(&b, maps);
	for (size_t i = 0; i < b.counts; i++)
		ret[b.to_count[i]].off = (int16_t)(b.n - b.to_count[i] - 1);
	find_place(&b, maps, -1);
	count(&b);
	for (size_t i = 0; i < b.ends; i++)
		ret[b.to_end[i]].off = (int16_t)(b.n - b.to_end[i] - 1);
	set(&b, BPF_REG_0, 0);
	add(&b, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return b.n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: what is found again, what must never be believed, and writers at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "seccomp/cache.h"
#include "seccomp/seccomp.h"
#include "tests/unit/unit.h"

#define SET(n)                            \
	{                                 \
		.set = true, .value = (n) \
	}

struct folder {
	char path[64];
	int fd;
};

static int set_up(void **state)
{
	static struct folder f;

	(void)snprintf(f.path, sizeof(f.path), "/tmp/caisson-test-XXXXXX");
	if (!mkdtemp(f.path))
		return -1;
	f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &f;
	return f.fd < 0 ? -1 : 0;
}

/* Calls use() for each file, or just counts where it is NULL. */
static size_t each_file(const struct folder *f, void (*use)(int dir, const char *name))
{
	DIR *dir = opendir(f->path);
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (use)
			use(f->fd, entry->d_name);
		count++;
	}
	(void)closedir(dir);
	return count;
}

static void remove_file(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) < 0)
		(void)unlinkat(dir, name, AT_REMOVEDIR);
}

static int tear_down(void **state)
{
	struct folder *f = *state;

	(void)each_file(f, remove_file);
	(void)close(f->fd);
	return rmdir(f->path);
}

static const struct sock_filter code[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 39, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0x50001),
	BPF_STMT(BPF_RET | BPF_K, 0x7fff0000),
};
static const struct filter sample = { code, LEN(code) };
static const unsigned char key_bytes[16] = { 1, 2, 3, 0xff };
static const struct cache_key key = { key_bytes, sizeof(key_bytes), 0x10203ff };
static const char key_name[] = "00000000010203ff";

/* Loads the sample's key: whether it came, which then must be the sample. */
static bool loads(const struct folder *f)
{
	ARENA struct arena a;
	struct filter found = { 0 };

	arena_init(&a, 0);
	if (!cache_load(&a, f->fd, &key, &found)) {
		assert_null(found.v);
		return false;
	}
	assert_int_equal(found.n, sample.n);
	assert_memory_equal(found.v, sample.v, sizeof(code));
	return true;
}

static size_t read_sample(const struct folder *f, uint8_t *bytes, size_t room)
{
	FD int fd = openat(f->fd, key_name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, room);

	assert_in_range(n, sizeof(code), room - 1);
	return (size_t)n;
}

static void write_sample(const struct folder *f, const uint8_t *bytes, size_t len)
{
	FD int fd = openat(f->fd, key_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, len), len);
}

static void test_found_again(void **state)
{
	struct folder *f = *state;

	assert_false(loads(f));
	cache_store(f->fd, &key, &sample);
	assert_true(loads(f));
	cache_store(f->fd, &key, &sample);
	assert_true(loads(f));
	assert_int_equal(each_file(f, NULL), 1);
}

static void test_damaged_content(void **state)
{
	struct folder *f = *state;
	uint8_t bytes[512];

	cache_store(f->fd, &key, &sample);
	size_t len = read_sample(f, bytes, sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1U << bit);
			write_sample(f, bytes, len);
			assert_false(loads(f));
			bytes[i] ^= (uint8_t)(1U << bit);
		}
	}
	for (size_t shorter = 0; shorter < len; shorter++) {
		write_sample(f, bytes, shorter);
		assert_false(loads(f));
	}
	for (size_t longer = len + 1; longer < len + 20; longer++) {
		write_sample(f, bytes, longer);
		assert_false(loads(f));
	}
	write_sample(f, bytes, len);
	assert_true(loads(f)); /* it was the damage that mattered */
}

static void test_wrong_kinds_of_files(void **state)
{
	struct folder *f = *state;
	static const mode_t writable[] = { 0620, 0602, 0666 };

	/* a link, even to a sound file */
	cache_store(f->fd, &key, &sample);
	assert_int_equal(renameat(f->fd, key_name, f->fd, "sound"), 0);
	assert_int_equal(symlinkat("sound", f->fd, key_name), 0);
	assert_false(loads(f));
	remove_file(f->fd, key_name);
	assert_int_equal(mkfifoat(f->fd, key_name, 0600), 0);
	assert_false(loads(f));
	remove_file(f->fd, key_name);
	assert_int_equal(mkdirat(f->fd, key_name, 0700), 0);
	assert_false(loads(f));
	remove_file(f->fd, key_name);

	/* others may write it, or it is another's */
	assert_int_equal(renameat(f->fd, "sound", f->fd, key_name), 0);
	for (size_t i = 0; i < LEN(writable); i++) {
		assert_int_equal(fchmodat(f->fd, key_name, writable[i], 0), 0);
		assert_false(loads(f));
	}
	assert_int_equal(fchmodat(f->fd, key_name, 0644, 0), 0);
	assert_true(loads(f));
	if (geteuid() != 0) {
		print_message("skipped: another's file: only root can make one\n");
		return;
	}
	assert_int_equal(fchownat(f->fd, key_name, 1, 1, 0), 0);
	assert_false(loads(f));
}

/* Two keys with one hash: that of the file is another, which ends like ours or not. */
static void test_another_keys_file(void **state)
{
	struct folder *f = *state;
	unsigned char bytes[24] = { 1, 2, 3, 0xff };
	struct cache_key other = { bytes, sizeof(key_bytes), key.hash };
	struct filter found;
	ARENA struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(key_bytes); i++) {
		bytes[i] ^= 1;
		cache_store(f->fd, &other, &sample);
		assert_false(loads(f));
		bytes[i] ^= 1;
	}
	for (other.len = 8; other.len <= sizeof(bytes); other.len += 8) {
		cache_store(f->fd, &other, &sample);
		assert_true(cache_load(&a, f->fd, &other, &found));
		assert_int_equal(loads(f), other.len == key.len);
	}
	assert_int_equal(each_file(f, NULL), 1);
}

static void test_number_of_files(void **state)
{
	struct folder *f = *state;
	FD int foreign = openat(f->fd, "not-ours", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct cache_key numbered = key;
	ARENA struct arena a;
	struct filter found;

	assert_true(foreign >= 0);
	arena_init(&a, 0);
	for (unsigned int i = 0; i < CACHE_FILES_MAX + 100; i++) {
		numbered.hash = i;
		cache_store(f->fd, &numbered, &sample);
		assert_in_range(each_file(f, NULL), 1, CACHE_FILES_MAX + 1);
		assert_true(cache_load(&a, f->fd, &numbered, &found)); /* the newest stays */
	}
	assert_int_equal(faccessat(f->fd, "not-ours", F_OK, 0), 0);
	numbered.hash = 0;
	assert_false(cache_load(&a, f->fd, &numbered, &found)); /* the oldest went */
}

/* Writers and readers of one key at once: a reader finds the whole file, always. */
static void test_writers_at_once(void **state)
{
	struct folder *f = *state;
	pid_t writers[3];

	cache_store(f->fd, &key, &sample);
	for (size_t i = 0; i < LEN(writers); i++) {
		writers[i] = fork();
		if (writers[i] == 0) {
			for (int round = 0; round < 300; round++)
				cache_store(f->fd, &key, &sample);
			_exit(0);
		}
	}
	for (int round = 0; round < 300; round++)
		assert_true(loads(f));
	for (size_t i = 0; i < LEN(writers); i++) {
		int status = -1;

		assert_int_equal(waitpid(writers[i], &status, 0), writers[i]);
		assert_int_equal(status, 0);
	}
	assert_true(loads(f));
	assert_int_equal(each_file(f, NULL), 1);
}

/* --- with the compiler ---------------------------------------------------------------- */

static const char *const names[] = { "getpid", "getppid", NULL };
static const struct oci_seccomp_arg args[] = { { 0, OCI_CMP_EQ, 1, 2 } };
static const struct oci_seccomp_rule rules[] = {
	{ .names = { names, 2 }, .action = OCI_ACT_ERRNO, .args = args, .arg_count = 1 }
};
static const struct oci_seccomp profile = { .default_action = OCI_ACT_ALLOW,
	                                    .rules = rules,
	                                    .rule_count = 1 };

static struct seccomp_program compile(struct arena *a, int dir)
{
	struct seccomp_program program;
	struct err e = { 0 };

	if (seccomp_compile(a, &profile, dir, &program, &e) < 0)
		fail_msg("%s", e.text);
	return program;
}

static struct cache_key key_of(struct arena *a, const struct oci_seccomp *of,
                               const struct filter_maker *maker)
{
	struct cache_key made;

	cache_key(a, of, maker, &made);
	assert_int_equal(made.len % 8, 0);
	return made;
}

static bool same_key(const struct cache_key *x, const struct cache_key *y)
{
	bool same = x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0;

	assert_int_equal(same, x->hash == y->hash);
	return same;
}

static void break_file(int dir, const char *name)
{
	FD int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "x", 1, 60), 1);
}

static void test_compiler_uses_it(void **state)
{
	struct folder *f = *state;
	ARENA struct arena a;
	struct filter_maker maker;
	struct cache_key profile_key;

	arena_init(&a, 0);
	struct seccomp_program none = compile(&a, -1);
	assert_int_equal(each_file(f, NULL), 0);
	struct seccomp_program first = compile(&a, f->fd);
	assert_int_equal(each_file(f, NULL), 1);
	struct seccomp_program second = compile(&a, f->fd);
	assert_int_equal(none.length, first.length);
	assert_int_equal(first.length, second.length);
	assert_memory_equal(none.filter, first.filter, first.length * sizeof(*first.filter));
	assert_memory_equal(first.filter, second.filter, first.length * sizeof(*first.filter));

	/* it really reads it: another filter under the profile's key comes out */
	filter_maker(&maker);
	profile_key = key_of(&a, &profile, &maker);
	cache_store(f->fd, &profile_key, &sample);
	assert_int_equal(compile(&a, f->fd).length, sample.n);

	/* and a broken one is compiled anew and replaced */
	cache_store(f->fd, &profile_key, &(struct filter){ first.filter, first.length });
	(void)each_file(f, break_file);
	struct filter found;
	assert_false(cache_load(&a, f->fd, &profile_key, &found));
	struct seccomp_program third = compile(&a, f->fd);
	assert_memory_equal(first.filter, third.filter, first.length * sizeof(*first.filter));
	assert_true(cache_load(&a, f->fd, &profile_key, &found));
}

static void test_no_folder_to_write(void **state)
{
	ARENA struct arena a;
	FD int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	arena_init(&a, 0);
	assert_true(compile(&a, proc).length > 0);
}

/* Whatever changes the filter changes the key; what does not, does not. */
static void test_keys(void **state)
{
	static const char *const joined[] = { "getpidgetppid", NULL };
	static const char *const arches[] = { "SCMP_ARCH_X86", "SCMP_ARCH_X86_64", NULL };
	static const struct filter_maker maker = { 1,
		                                   { 2, 5, 4 },
		                                   { .release = "6.1.0", .version = "#1" } };
	struct filter_maker makers[] = { maker, maker, maker, maker, maker, maker };
	struct oci_seccomp profiles[12];
	struct oci_seccomp_rule changed[8];
	struct oci_seccomp_arg arg[4];
	struct cache_key keys[LEN(makers) + LEN(profiles)], again;
	ARENA struct arena a = { 0 };
	size_t n = 0;

	(void)state;
	makers[0].native_arch++;
	makers[1].version[0]++;
	makers[2].version[1]++;
	makers[3].version[2]++;
	makers[4].kernel.release[0]++;
	makers[5].kernel.version[1]++;
	for (size_t i = 0; i < LEN(makers); i++)
		keys[n++] = key_of(&a, &profile, &makers[i]);

	for (size_t i = 0; i < LEN(profiles); i++)
		profiles[i] = profile;
	for (size_t i = 0; i < LEN(changed); i++) {
		changed[i] = rules[0];
		profiles[i].rules = &changed[i];
	}
	for (size_t i = 0; i < LEN(arg); i++) {
		arg[i] = args[0];
		changed[i].args = &arg[i];
	}
	arg[0].index++;
	arg[1].op++;
	arg[2].value++;
	arg[3].value_two++;
	changed[4].arg_count = 0;
	changed[5].names = (struct oci_strings){ names, 1 };
	changed[6].names = (struct oci_strings){ joined, 1 };
	changed[7].errno_ret = (struct opt_u32)SET(0);
	profiles[8].default_action = OCI_ACT_LOG;
	profiles[9].architectures = (struct oci_strings){ arches, 2 };
	profiles[10].architectures = (struct oci_strings){ arches, 1 };
	profiles[11].rule_count = 0;
	for (size_t i = 0; i < LEN(profiles); i++)
		keys[n++] = key_of(&a, &profiles[i], &maker);

	again = key_of(&a, &profile, &maker);
	for (size_t i = 0; i < n; i++) {
		assert_false(same_key(&keys[i], &again));
		for (size_t k = 0; k < i; k++)
			assert_false(same_key(&keys[i], &keys[k]));
	}
}

/* What is not in the filter is not in the key. */
static void test_same_key(void **state)
{
	static const struct filter_maker maker = { .native_arch = 1 };
	struct oci_seccomp same = profile;
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	same.flags_set = true;
	same.listener_path = "/run/agent";
	struct cache_key with = key_of(&a, &same, &maker), without = key_of(&a, &profile, &maker);
	assert_true(same_key(&with, &without));
}

/* Around the room that a key is given first, each byte counts as well. */
static void test_long_keys(void **state)
{
	enum { LONGEST = 20000 };
	static char name[LONGEST + 1];
	const char *const long_names[] = { name, NULL };
	struct oci_seccomp_rule rule = { .names = { long_names, 1 } };
	const struct oci_seccomp of = { .rules = &rule, .rule_count = 1 };
	static const struct filter_maker maker = { .native_arch = 1 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t len = 7900; len < LONGEST; len += len < 8200 ? 1 : 1999) {
		memset(name, 'n', len);
		name[len] = '\0';
		struct cache_key one = key_of(&a, &of, &maker), again = key_of(&a, &of, &maker);
		assert_in_range(one.len, len, len + 200);
		assert_true(same_key(&one, &again));
		name[len - 1] = 'm';
		again = key_of(&a, &of, &maker);
		assert_false(same_key(&one, &again));
		name[len - 1] = '\0';
		again = key_of(&a, &of, &maker);
		assert_false(same_key(&one, &again));
		rule.action = OCI_ACT_LOG;
		name[len - 1] = 'n';
		again = key_of(&a, &of, &maker);
		assert_false(same_key(&one, &again));
		rule.action = OCI_ACT_KILL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_found_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_content, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_kinds_of_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_keys_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_number_of_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writers_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_compiler_uses_it, set_up, tear_down),
		cmocka_unit_test(test_no_folder_to_write),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_same_key),
		cmocka_unit_test(test_long_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar as a table: a command line as an engine or a person types it, and what
 * it is read as: the command, then each option with its value in the order given,
 * then "|" and the positionals; or the error. Words are separated by blanks, and ''
 * is an empty word.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/scope.h"
#include "runtime/cli.h"
#include "unit.h"

enum { WORDS_MAX = 64 };

/* Splits the line into argv, with "caisson" in front. */
static char **make_argv(struct arena *a, const char *line)
{
	char **argv = arena_array(a, WORDS_MAX, sizeof(*argv));
	char *rest = arena_printf(a, "%s", line);
	size_t n = 0;

	argv[n++] = arena_printf(a, "/usr/bin/caisson");
	for (char *word; (word = strsep(&rest, " ")) && n + 1 < WORDS_MAX;) {
		if (strcmp(word, "''") == 0)
			argv[n++] = word + 2;
		else if (*word)
			argv[n++] = word;
	}
	return argv;
}

/* What was read, as one line; or "!" and the error with its hint. */
static const char *read_line(struct arena *a, const char *line)
{
	struct invocation in;
	struct err e = { 0 };

	if (cli_parse(a, make_argv(a, line), &in, &e) < 0)
		return arena_printf(a, "!%d %s%s%s%s", in.failure, e.text, *e.hint ? " (" : "",
		                    e.hint, *e.hint ? ")" : "");

	char *text = arena_printf(a, "%s", in.command->name);
	for (size_t i = 0; i < in.value_count; i++) {
		const struct option_value *v = &in.values[i];

		text = arena_printf(a, "%s %s=%s", text, v->option->name,
		                    v->text   ? v->text
		                    : v->flag ? "true"
		                              : "false");
	}
	for (size_t i = 0; i < in.args.n; i++)
		text = arena_printf(a, "%s%s%s", text, i == 0 ? " | " : " ", in.args.v[i]);
	assert_null(in.args.v[in.args.n]);
	return text;
}

struct line {
	const char *argv, *read;
};

static void check_lines(const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		const char *got = read_line(&a, lines[i].argv);
		if (strcmp(got, lines[i].read) != 0)
			fail_msg("caisson %s\n  read as:  %s\n  expected: %s", lines[i].argv, got,
			         lines[i].read);
	}
}

static void grammar(void **state)
{
	static const struct line lines[] = {
		{ "", "help" },
		{ "-h", "help" },
		{ "--help", "help" },
		{ "-help", "help" },
		{ "help", "help" },
		{ "help create", "help | create" },
		{ "create --help", "help | create" },
		{ "create -h x y z", "help | create" },
		{ "create x --help", "help | create" },
		{ "exec x --help", "exec | x --help" },
		{ "-v", "version version=true" },
		{ "--version", "version version=true" },
		{ "--version list", "version version=true" },
		{ "--version=false list", "list version=false" },
		{ "version", "version" },
		{ "create a", "create | a" },
		{ "create -b /b a", "create bundle=/b | a" },
		{ "create -b=/b a", "create bundle=/b | a" },
		{ "create --bundle /b a", "create bundle=/b | a" },
		{ "create --bundle=/b a", "create bundle=/b | a" },
		{ "create -bundle /b a", "create bundle=/b | a" },
		{ "create -bundle=/b a", "create bundle=/b | a" },
		{ "create a -b /b", "create bundle=/b | a" },
		{ "create a --no-pivot", "create no-pivot=true | a" },
		{ "create -no-pivot a", "create no-pivot=true | a" },
		{ "create --no-pivot=false a", "create no-pivot=false | a" },
		{ "create --no-pivot=0 a", "create no-pivot=false | a" },
		{ "create --no-pivot=F a", "create no-pivot=false | a" },
		{ "create --no-pivot=TRUE a", "create no-pivot=true | a" },
		{ "create --bundle= a", "create bundle= | a" },
		{ "create --bundle=a=b c", "create bundle=a=b | c" },
		{ "create --bundle --no-pivot a", "create bundle=--no-pivot | a" },
		{ "create -- -a", "create | -a" },
		{ "create -", "create | -" },
		{ "-- create a", "create | a" },
		{ "run -d --keep --no-subreaper a",
		  "run detach=true keep=true no-subreaper=true | a" },
		{ "run a -- -d", "!1 run: unexpected argument \"-d\" (see 'caisson run --help')" },
		{ "exec a -- ls -l", "exec | a -- ls -l" },
		{ "exec -e A=1 -e B=2,3 -t a sh -c -t",
		  "exec env=A=1 env=B=2,3 tty=true | a sh -c -t" },
		{ "kill a KILL", "kill | a KILL" },
		{ "kill a --all", "kill | a --all" },
		{ "ps -f json a", "ps format=json | a" },
		{ "ps a -e -o pid", "ps | a -e -o pid" },
		{ "list -q=true -f=table", "list quiet=true format=table" },
		{ "plan /b", "plan | /b" },
		{ "plan", "plan" },
		{ "create --preserve-fds 3 a", "create preserve-fds=3 | a" },
	};

	(void)state;
	check_lines(lines, LEN(lines));
}

static void mistakes(void **state)
{
	static const struct line lines[] = {
		{ "creat a", "!3 unknown command \"creat\"; did you mean \"create\"? "
		             "(see 'caisson --help')" },
		{ "checkpoint --help", "!3 unknown command \"checkpoint\" (see 'caisson --help')" },
		{ "help creat", "!3 unknown command \"creat\"; did you mean \"create\"? "
		                "(see 'caisson --help')" },
		{ "'' a", "!3 unknown command \"\" (see 'caisson --help')" },
		{ "--bogus list", "!1 unknown option --bogus (see 'caisson --help')" },
		{ "--rot /x list",
		  "!1 unknown option --rot; did you mean --root? (see 'caisson --help')" },
		{ "create --bundel /b a", "!1 unknown option --bundel; did you mean --bundle? "
		                          "(see 'caisson create --help')" },
		{ "create --bundel=/b a", "!1 unknown option --bundel; did you mean --bundle? "
		                          "(see 'caisson create --help')" },
		{ "create --root /r a",
		  "!1 unknown option --root; it belongs in front of \"create\" "
		  "(see 'caisson create --help')" },
		{ "create -z a", "!1 unknown option -z (see 'caisson create --help')" },
		{ "create --=x a", "!1 unknown option -- (see 'caisson create --help')" },
		{ "create -b",
		  "!1 flag needs an argument: --bundle (see 'caisson create --help')" },
		{ "--root", "!1 flag needs an argument: --root (see 'caisson --help')" },
		{ "create", "!1 create: argument ID is missing (see 'caisson create --help')" },
		{ "create a b",
		  "!1 create: unexpected argument \"b\" (see 'caisson create --help')" },
		{ "exec", "!1 exec: argument ID is missing (see 'caisson exec --help')" },
		{ "list a", "!1 list: unexpected argument \"a\" (see 'caisson list --help')" },
		{ "kill a 9 b", "!1 kill: unexpected argument \"b\" (see 'caisson kill --help')" },
		{ "--debug=maybe list",
		  "!1 --debug: \"maybe\": must be true or false (see 'caisson --help')" },
		{ "--debug= list",
		  "!1 --debug: \"\": must be true or false (see 'caisson --help')" },
		{ "--log-format xml list",
		  "!1 --log-format: \"xml\": must be text or json (see 'caisson --help')" },
		{ "--log-format tex list",
		  "!1 --log-format: \"tex\": must be text or json (see 'caisson --help')" },
		{ "--log-level= list",
		  "!1 --log-level: \"\": must be error, warning, info or debug "
		  "(see 'caisson --help')" },
		{ "--rootless=1 list",
		  "!1 --rootless: \"1\": must be true, false or auto (see 'caisson --help')" },
		{ "list -f xml",
		  "!1 --format: \"xml\": must be table or json (see 'caisson list --help')" },
		{ "create --preserve-fds -1 a",
		  "!1 --preserve-fds: \"-1\": must be a number from 0 to "
		  "1048576 (see 'caisson create --help')" },
		{ "create --preserve-fds 1048577 a",
		  "!1 --preserve-fds: \"1048577\": must be a number from 0 to 1048576 "
		  "(see 'caisson create --help')" },
	};

	(void)state;
	check_lines(lines, LEN(lines));
}

/* What the engines send, word for word but for the paths. */
static void engines(void **state)
{
	static const struct line lines[] = {
		/* containerd and dockerd: go-runc */
		{ "--root /run/containerd/runc/k8s.io --debug --log /b/log.json --log-format json "
		  "--systemd-cgroup --rootless=false create --bundle /b --pid-file /b/init.pid "
		  "--console-socket /tmp/pty.sock --pidfd-socket /tmp/p.sock --no-pivot "
		  "--no-new-keyring --detach --preserve-fds 2 web",
		  "create root=/run/containerd/runc/k8s.io debug=true log=/b/log.json log-format=json "
		  "systemd-cgroup=true rootless=false bundle=/b pid-file=/b/init.pid "
		  "console-socket=/tmp/pty.sock pidfd-socket=/tmp/p.sock no-pivot=true "
		  "no-new-keyring=true detach=true preserve-fds=2 | web" },
		{ "--root /var/run/docker/runtime-runc/moby --log /b/log.json --log-format json start web",
		  "start root=/var/run/docker/runtime-runc/moby log=/b/log.json log-format=json | web" },
		{ "--root /r --log /b/log.json --log-format json exec --process /tmp/runc-process1 "
		  "--console-socket /tmp/s --detach --pid-file /b/x.pid web",
		  "exec root=/r log=/b/log.json log-format=json process=/tmp/runc-process1 "
		  "console-socket=/tmp/s detach=true pid-file=/b/x.pid | web" },
		{ "--root /r kill --all web 9", "kill root=/r all=true | web 9" },
		{ "--root /r delete --force web", "delete root=/r force=true | web" },
		{ "--root /r ps --format json web", "ps root=/r format=json | web" },
		{ "--root /r ps --format table web -o pid,cmd",
		  "ps root=/r format=table | web -o pid,cmd" },
		{ "--root /r list --format=json", "list root=/r format=json" },
		/* buildkit */
		{ "--log /x/runc-log.json --log-format json run --bundle /x/b --no-pivot --keep abc",
		  "run log=/x/runc-log.json log-format=json bundle=/x/b no-pivot=true keep=true | abc" },
		{ "--log /x/runc-log.json --log-format json exec --process /p --pid-file /q abc",
		  "exec log=/x/runc-log.json log-format=json process=/p pid-file=/q | abc" },
		/* conmon and podman */
		{ "--systemd-cgroup --log-format=json --log /run/oci-log create --bundle /b --pid-file "
		  "/b/pidfile --no-pivot --no-new-keyring --preserve-fds 1 --console-socket /s web",
		  "create systemd-cgroup=true log-format=json log=/run/oci-log bundle=/b "
		  "pid-file=/b/pidfile no-pivot=true no-new-keyring=true preserve-fds=1 "
		  "console-socket=/s | web" },
		{ "--cgroup-manager disabled create --bundle /b --pid-file /p web",
		  "create cgroup-manager=disabled bundle=/b pid-file=/p | web" },
		{ "exec --pid-file /p --process /q --detach --console-socket /s web",
		  "exec pid-file=/p process=/q detach=true console-socket=/s | web" },
		/* CRI-O */
		{ "--root /run/runc --systemd-cgroup state web",
		  "state root=/run/runc systemd-cgroup=true | web" },
		{ "--root /run/runc kill web KILL", "kill root=/run/runc | web KILL" },
		{ "--root /run/runc kill -a web 9", "kill root=/run/runc all=true | web 9" },
		{ "--root /run/runc exec --process /p web",
		  "exec root=/run/runc process=/p | web" },
		/* conmon-rs repeats what the program's options say */
		{ "--root=/r --root=/r --systemd-cgroup --systemd-cgroup create --bundle /b --pid-file /p "
		  "--console-socket=/s web",
		  "create root=/r root=/r systemd-cgroup=true systemd-cgroup=true bundle=/b pid-file=/p "
		  "console-socket=/s | web" },
		{ "--root=/r exec -d --console-socket=/s --tty --pid-file=/p web ls -la",
		  "exec root=/r detach=true console-socket=/s tty=true pid-file=/p | web ls -la" },
	};

	(void)state;
	check_lines(lines, LEN(lines));
}

/* --- what the program's options mean --------------------------------------------------- */

/* "ROOT given|default cgroupfs|systemd", or "!" and the error. */
static const char *context_of(struct arena *a, const char *line,
                              const struct cli_surroundings *around)
{
	struct invocation in;
	struct err e = { 0 };

	if (cli_parse(a, make_argv(a, line), &in, &e) < 0 || cli_context(&in, around, &e) < 0)
		return arena_printf(a, "!%s", e.text);
	static const char *const rootless[] = {
		[ROOTLESS_AUTO] = "", [ROOTLESS_TRUE] = " true", [ROOTLESS_FALSE] = " false"
	};
	return arena_printf(a, "%s %s %s%s", in.context.root,
	                    in.context.root_given ? "given" : "default",
	                    in.context.systemd_cgroup ? "systemd"
	                    : in.context.no_cgroup    ? "disabled"
	                                              : "cgroupfs",
	                    rootless[in.context.rootless]);
}

static const struct cli_surroundings real_root = { .cwd = "/home/u" };

static void roots(void **state)
{
	static const struct cli_surroundings user = { .cwd = "/home/u",
		                                      .euid = 1000,
		                                      .runtime_dir = "/run/user/1000" };
	static const struct cli_surroundings bare_user = { .cwd = "/home/u", .euid = 1000 };
	static const struct cli_surroundings odd_user = { .cwd = "/home/u",
		                                          .euid = 1000,
		                                          .runtime_dir = "here" };
	static const struct cli_surroundings root_with_dir = { .cwd = "/home/u",
		                                               .runtime_dir = "/run/user/0" };
	static const struct cli_surroundings mapped = { .cwd = "/home/u",
		                                        .user_namespace = true,
		                                        .runtime_dir = "/run/user/1000",
		                                        .user = "ann" };
	static const struct cli_surroundings mapped_root = { .cwd = "/home/u",
		                                             .user_namespace = true,
		                                             .runtime_dir = "/run/user/0",
		                                             .user = "root" };
	static const struct cli_surroundings nested = { .cwd = "/home/u", .user_namespace = true };
	static const struct {
		const char *line;
		const struct cli_surroundings *around;
		const char *context;
	} cases[] = {
		{ "list", &real_root, "/run/caisson default cgroupfs" },
		{ "list", &root_with_dir, "/run/caisson default cgroupfs" },
		{ "list", &user, "/run/user/1000/caisson default cgroupfs" },
		{ "list", &bare_user, "/run/user/1000/caisson default cgroupfs" },
		{ "list", &odd_user, "/run/user/1000/caisson default cgroupfs" },
		{ "list", &mapped, "/run/user/1000/caisson default cgroupfs" },
		{ "list", &mapped_root, "/run/caisson default cgroupfs" },
		{ "list", &nested, "/run/caisson default cgroupfs" },
		{ "--root /r list", &user, "/r given cgroupfs" },
		{ "--root r/../s//t list", &user, "/home/u/s/t given cgroupfs" },
		{ "--root /a --root /b list", &user, "/b given cgroupfs" },
		{ "--root '' list", &user, "!--root: must not be empty or /" },
		{ "--root / list", &user, "!--root: must not be empty or /" },
		{ "--root ../.. list", &user, "!--root: must not be empty or /" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		assert_string_equal(context_of(&a, cases[i].line, cases[i].around),
		                    cases[i].context);
	}
}

/* Where the administrator's configuration is looked for: a user has his own. */
static void config_folders(void **state)
{
	static const struct cli_surroundings with_home = { .cwd = "/",
		                                           .euid = 7,
		                                           .home = "/home/u" },
					     with_both = { .cwd = "/",
		                                           .euid = 7,
		                                           .home = "/home/u",
		                                           .config_home = "/home/u/c" },
					     relative = { .cwd = "/", .euid = 7, .home = "u" },
					     mapped = { .cwd = "/",
		                                        .user_namespace = true,
		                                        .runtime_dir = "/run/user/7",
		                                        .home = "/home/u" };
	static const struct {
		const struct cli_surroundings *around;
		const char *folder;
	} cases[] = {
		{ &real_root, "/etc/caisson" },         { &with_home, "/home/u/.config/caisson" },
		{ &with_both, "/home/u/c/caisson" },    { &relative, NULL },
		{ &mapped, "/home/u/.config/caisson" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char *argv[] = { (char[]){ "caisson" }, (char[]){ "list" }, NULL };
		struct invocation in = { 0 };
		struct err e = { 0 };
		ARENA struct arena a;

		arena_init(&a, 0);
		assert_int_equal(cli_parse(&a, argv, &in, &e), 0);
		assert_int_equal(cli_context(&in, cases[i].around, &e), 0);
		if (cases[i].folder)
			assert_string_equal(in.context.config_dir, cases[i].folder);
		else
			assert_null(in.context.config_dir);
	}
}

static void cgroup_managers(void **state)
{
	static const struct line cases[] = {
		{ "--systemd-cgroup list", "/run/caisson default systemd" },
		{ "--systemd-cgroup=false list", "/run/caisson default cgroupfs" },
		{ "--cgroup-manager systemd list", "/run/caisson default systemd" },
		{ "--cgroup-manager=cgroupfs list", "/run/caisson default cgroupfs" },
		{ "--systemd-cgroup --cgroup-manager=cgroupfs list",
		  "/run/caisson default cgroupfs" },
		{ "--cgroup-manager=cgroupfs --systemd-cgroup list",
		  "/run/caisson default systemd" },
		{ "--cgroup-manager disabled list", "/run/caisson default disabled" },
		{ "--cgroup-manager disabled --systemd-cgroup list",
		  "/run/caisson default systemd" },
		{ "--rootless true list", "/run/caisson default cgroupfs true" },
		{ "--rootless=false list", "/run/caisson default cgroupfs false" },
		{ "--rootless=false --rootless auto list", "/run/caisson default cgroupfs" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		ARENA struct arena a;

		arena_init(&a, 0);
		assert_string_equal(context_of(&a, cases[i].argv, &real_root), cases[i].read);
	}
}

static void asking(void **state)
{
	struct invocation in;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cli_parse(&a,
	                           make_argv(&a, "exec -e A=1 --cwd /x --cwd /y --user= -e B=2 "
	                                         "--preserve-fds 7 --pid-file p --tty --tty=0 a b"),
	                           &in, &e),
	                 0);
	assert_int_equal(cli_context(&in, &real_root, &e), 0);
	assert_string_equal(cli_text(&in, "cwd"), "/y");
	assert_null(cli_text(&in, "user"));
	assert_null(cli_text(&in, "apparmor"));
	assert_false(cli_flag(&in, "tty"));
	assert_false(cli_flag(&in, "detach"));
	assert_int_equal(cli_number(&in, "preserve-fds"), 7);
	assert_string_equal(cli_path(&in, "pid-file"), "/home/u/p");
	assert_null(cli_path(&in, "process"));
	struct oci_strings env = cli_list(&in, "env");
	assert_int_equal(env.n, 2);
	assert_string_equal(env.v[0], "A=1");
	assert_string_equal(env.v[1], "B=2");
	assert_null(env.v[2]);
	assert_int_equal(cli_list(&in, "cap").n, 0);
}

/* The program's --rootless takes a word and changes nothing; that of spec is a flag. */
static void same_name(void **state)
{
	struct invocation in;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cli_parse(&a, make_argv(&a, "--rootless true spec"), &in, &e), 0);
	assert_false(cli_given(&in, "rootless"));
	assert_int_equal(cli_parse(&a, make_argv(&a, "--rootless false spec --rootless"), &in, &e),
	                 0);
	assert_true(cli_flag(&in, "rootless"));
}

/* A failed line still tells what stood before the mistake: the log, for one. */
static void values_before_a_mistake(void **state)
{
	struct invocation in;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cli_parse(&a, make_argv(&a, "--log /l --log-format json create --bogus a"),
	                           &in, &e),
	                 -1);
	assert_string_equal(cli_text(&in, "log"), "/l");
	assert_string_equal(cli_text(&in, "log-format"), "json");
	assert_int_equal(e.kind, ERR_USAGE);
}

/* argv may be empty when the caller used execve(2) carelessly. */
static void empty_argv(void **state)
{
	char *none[] = { NULL };
	struct invocation in;
	struct err e = { 0 };
	ARENA struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cli_parse(&a, none, &in, &e), 0);
	assert_string_equal(in.program, "caisson");
	assert_string_equal(in.command->name, "help");
}

/* --- the tables themselves --------------------------------------------------------------- */

static void check_options(const struct option_spec *options, const char *owner)
{
	for (const struct option_spec *o = options; o->name; o++) {
		bool wants_value = o->kind != OPTION_FLAG;

		assert_non_null(o->help);
		if (wants_value != (o->value != NULL))
			fail_msg("%s --%s: value and kind disagree", owner, o->name);
		if (o->help[strlen(o->help) - 1] == '.')
			fail_msg("%s --%s: a full stop", owner, o->name);
		if (strcmp(o->name, "help") == 0 || o->letter == 'h')
			fail_msg("%s --%s: taken by --help", owner, o->name);
		for (const struct option_spec *other = options; other != o; other++) {
			if (strcmp(other->name, o->name) == 0 ||
			    (o->letter && other->letter == o->letter))
				fail_msg("%s --%s: twice", owner, o->name);
		}
		/* a command's option hides the program's, and so must not bear the name
		 * of one that every command heeds */
		for (const struct option_spec *g = global_options; g->name; g++) {
			if (options != global_options && strcmp(g->name, o->name) == 0 &&
			    strcmp(o->name, "rootless") != 0)
				fail_msg("%s --%s: is the program's, too", owner, o->name);
		}
	}
}

static void tables_hold_together(void **state)
{
	(void)state;
	check_options(global_options, "caisson");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		assert_true(i == 0 || strcmp(commands[i - 1]->name, c->name) < 0);
		assert_ptr_equal(command_find(c->name), c);
		assert_non_null(c->arguments);
		assert_non_null(c->summary);
		assert_non_null(c->description);
		assert_non_null(c->run);
		assert_true(c->args_min <= c->args_max);
		check_options(c->options, c->name);
	}
}

static void ids(void **state)
{
	static const char *const good[] = { "a", "A.b-c_d+9", "...", "-a", "a.", ".a" };
	static const char *const bad[] = { "", ".", "..", "a/b", "a b", "a\n", "ä", "a:b", "a@b" };
	char longest[1025] = "", too_long[1026] = "";
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(good); i++)
		assert_int_equal(container_id_check(good[i], &e), 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(container_id_check(bad[i], &e), -1);
		assert_string_equal(e.text, "invalid container ID format");
	}
	memset(longest, 'x', 1024);
	memset(too_long, 'x', 1025);
	assert_int_equal(container_id_check(longest, &e), 0);
	assert_int_equal(container_id_check(too_long, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(engines),
		cmocka_unit_test(roots),
		cmocka_unit_test(config_folders),
		cmocka_unit_test(cgroup_managers),
		cmocka_unit_test(asking),
		cmocka_unit_test(same_name),
		cmocka_unit_test(values_before_a_mistake),
		cmocka_unit_test(empty_argv),
		cmocka_unit_test(tables_hold_together),
		cmocka_unit_test(ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

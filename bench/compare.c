/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare [-j] [-n ROUNDS] FILE: times commands side by side.
 *
 * Each line of FILE is "CONTENDER STEP WORD...": a command, run without a shell. A round
 * runs all steps of each contender in turn, so that whatever else the machine does hits
 * all alike; the contenders' order changes from round to round. A command that fails
 * ends everything: a time counts only if the work was done.
 *
 * Printed for each step and contender: median, minimum, 10th and 90th percentile of the
 * wall time in milliseconds, median CPU time, peak memory (never less than the driver's
 * own, which every child starts with), and the ratio of the median to that of each
 * contender before it. -j: the same as JSON, one object a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MAX = 64, WORDS_MAX = 64, WARM_UP = 3, ROUNDS_MAX = 100000 };

struct command {
	char *contender, *step;
	char *argv[WORDS_MAX];
	double *wall_ms, *cpu_ms; /* one for each round */
	long memory_kib;          /* peak over all rounds */
};

struct bench {
	struct command commands[COMMANDS_MAX];
	size_t count;
	size_t rounds;
	bool json;
	posix_spawn_file_actions_t quiet; /* stdin and stdout: /dev/null */
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "compare: %s: %s\n", what, why);
	exit(1);
}

static void read_commands(struct bench *b, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		die(path, strerror(errno));
	while (getline(&line, &size, file) > 0) {
		struct command *c = &b->commands[b->count];
		char *rest = strdup(line), *word;
		size_t words = 0;

		if (!rest || b->count == COMMANDS_MAX)
			die(path, "too many lines");
		c->contender = strsep(&rest, " \t\n");
		c->step = strsep(&rest, " \t\n");
		while ((word = strsep(&rest, " \t\n")))
			if (*word && words < WORDS_MAX - 1)
				c->argv[words++] = word;
		if (words == 0)
			die(path, "a line has no command");
		c->wall_ms = calloc(b->rounds, sizeof(double));
		c->cpu_ms = calloc(b->rounds, sizeof(double));
		if (!c->wall_ms || !c->cpu_ms)
			die(path, "out of memory");
		b->count++;
	}
	free(line);
	(void)fclose(file);
	if (b->count == 0)
		die(path, "nothing to do");
}

static double milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

/* Runs it once; a negative round is not kept. */
static void run(const struct bench *b, struct command *c, long round)
{
	struct timespec from, to;
	struct rusage used;
	int status = 0, error;
	pid_t pid;

	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	error = posix_spawn(&pid, c->argv[0], &b->quiet, NULL, c->argv, environ);
	if (error != 0)
		die(c->argv[0], strerror(error));
	if (wait4(pid, &status, 0, &used) < 0)
		die("wait4", strerror(errno));
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "compare: %s %s ended with status 0x%x\n", c->contender, c->step,
		        (unsigned int)status);
		exit(1);
	}
	if (round < 0)
		return;
	c->wall_ms[round] =
		(double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	c->cpu_ms[round] = milliseconds(used.ru_utime) + milliseconds(used.ru_stime);
	if (used.ru_maxrss > c->memory_kib)
		c->memory_kib = used.ru_maxrss;
}

/* Where the Nth contender's commands begin, or b->count. */
static size_t contender_at(const struct bench *b, size_t n)
{
	size_t i = 0;

	for (; i < b->count; i++)
		if (i > 0 && strcmp(b->commands[i].contender, b->commands[i - 1].contender) != 0 &&
		    n-- == 1)
			break;
	return i;
}

/* All commands, from those of the Nth contender on. False if there is no Nth. */
static bool run_round(struct bench *b, size_t n, long round)
{
	size_t first = n == 0 ? 0 : contender_at(b, n);

	if (first == b->count)
		return false;
	for (size_t i = 0; i < b->count; i++)
		run(b, &b->commands[(first + i) % b->count], round);
	return true;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const double *sorted, size_t count, unsigned int percent)
{
	return sorted[(count - 1) * percent / 100];
}

static void print_ratios(const struct bench *b, const struct command *c)
{
	for (const struct command *o = b->commands; o < c; o++) {
		double ratio = percentile(c->wall_ms, b->rounds, 50) /
		               percentile(o->wall_ms, b->rounds, 50);

		if (strcmp(o->step, c->step) != 0)
			continue;
		if (b->json)
			printf(",\"to_%s\":%.3f", o->contender, ratio);
		else
			printf("  %s x %.2f", o->contender, ratio);
	}
}

static void print(const struct bench *b, const struct command *c)
{
	double median = percentile(c->wall_ms, b->rounds, 50), min = c->wall_ms[0];
	double p10 = percentile(c->wall_ms, b->rounds, 10);
	double p90 = percentile(c->wall_ms, b->rounds, 90);
	double cpu = percentile(c->cpu_ms, b->rounds, 50);

	if (b->json)
		printf("{\"step\":\"%s\",\"contender\":\"%s\",\"median_ms\":%.3f,\"min_ms\":%.3f,"
		       "\"p10_ms\":%.3f,\"p90_ms\":%.3f,\"cpu_ms\":%.3f,\"memory_kib\":%ld",
		       c->step, c->contender, median, min, p10, p90, cpu, c->memory_kib);
	else
		printf("%-8s %-9s %8.2f %8.2f %8.2f %8.2f %8.2f %8ld ", c->step, c->contender,
		       median, min, p10, p90, cpu, c->memory_kib);
	print_ratios(b, c);
	puts(b->json ? "}" : "");
}

/* Step by step, in the order in which the steps appear first. */
static void print_all(struct bench *b)
{
	if (!b->json)
		printf("%-8s %-9s %8s %8s %8s %8s %8s %8s\n", "step", "", "median", "min", "p10",
		       "p90", "cpu", "KiB");
	for (size_t i = 0; i < b->count; i++) {
		qsort(b->commands[i].wall_ms, b->rounds, sizeof(double), by_value);
		qsort(b->commands[i].cpu_ms, b->rounds, sizeof(double), by_value);
	}
	for (size_t i = 0; i < b->count; i++) {
		const char *step = b->commands[i].step;
		bool seen = false;

		for (size_t o = 0; o < i; o++)
			seen |= strcmp(b->commands[o].step, step) == 0;
		for (size_t o = i; !seen && o < b->count; o++)
			if (strcmp(b->commands[o].step, step) == 0)
				print(b, &b->commands[o]);
	}
}

int main(int argc, char **argv)
{
	static struct bench b = { .rounds = 100 };
	size_t next = 0; /* contender that begins the round */
	int option;

	while ((option = getopt(argc, argv, "jn:")) != -1) {
		if (option == 'j')
			b.json = true;
		else if (option == 'n')
			b.rounds = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind + 1 != argc || b.rounds < 1 || b.rounds > ROUNDS_MAX)
		die("usage", "compare [-j] [-n ROUNDS] FILE");
	read_commands(&b, argv[optind]);
	if (posix_spawn_file_actions_init(&b.quiet) != 0 ||
	    posix_spawn_file_actions_addopen(&b.quiet, STDIN_FILENO, "/dev/null", O_RDWR, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(&b.quiet, STDIN_FILENO, STDOUT_FILENO) != 0)
		die("posix_spawn", "out of memory");
	for (long i = -WARM_UP; i < (long)b.rounds; i++, next++) {
		if (run_round(&b, next, i))
			continue;
		next = 0;
		(void)run_round(&b, next, i);
	}
	print_all(&b);
	return 0;
}

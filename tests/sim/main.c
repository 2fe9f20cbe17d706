/*
 * The simulator: real engines on a real store, in a world where time and chance come from a seed
 * (world.c). Receivers have moods (simnet.c), the disk takes its time and forgets what was not on
 * it (simstore.c), people do what people do (operator.c), the node between them is the host that
 * engine.h describes (node.c, node_work.c), and a judge checks the rules (judge*.c). At the end
 * of each world everything is mended, and then everything that was accepted must come to its end.
 *
 *	simulate --seeds 2000              worlds 1 .. 2000
 *	simulate --seed 17 --verbose       one of them, told in full
 *	simulate --seeds 50 --break lose-commit    the test of the test: must find something wrong
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "judge.h"
#include "node.h"
#include "simnet.h"

static const char *const breakage_words[BREAK_COUNT] = { "nothing",	"lose-commit",	 "reorder-commits",
							 "double-send", "false-success", "early-retry",
							 "false-ack",	"lose-report",	 "double-report" };

#define FAILED_MOST  10
#define REPEAT_EVERY 50

struct options {
	uint64_t first, count;
	bool verbose;
	enum breakage broken;
};

static void run_until(struct sim *s, int64_t upto_ms)
{
	while (!s->failed && world_step(&s->world, upto_ms))
		continue;
}

static int64_t longest_age(const struct sim *s)
{
	int64_t most = 0;

	for (int i = 0; i < s->endpoint_count; i++)
		if (s->endpoints[i].max_age_ms > most)
			most = s->endpoints[i].max_age_ms;
	return most;
}

/* Runs the healed world until everything has come to its end. */
static void heal(struct sim *s)
{
	int64_t limit_ms = s->world.now_ms + longest_age(s) + 2 * 3600000;

	while (!s->failed && s->world.now_ms < limit_ms) {
		bool ready = operator_heals(s);

		run_until(s, s->world.now_ms + 1000);
		if (ready && operator_heals(s) && judge_is_quiet(s))
			return;
	}
}

/* A stop in order, and a start that finds nothing to do. */
static void stop_and_start(struct sim *s)
{
	int64_t limit_ms = s->world.now_ms + 120000;

	node_begin_stop(s->node);
	while (!s->failed && node_is_stopping(s->node) && s->world.now_ms < limit_ms)
		run_until(s, s->world.now_ms + 100);
	if (!s->failed && node_is_stopping(s->node))
		judge_fail(s, "clean stop", "it does not come to an end");
	if (s->failed)
		return;
	node_start(s->node);
	run_until(s, s->world.now_ms + 20000);
}

static struct sim *sim_new(uint64_t seed, const struct options *o)
{
	struct sim *s = mem_zalloc(sizeof(*s));

	world_init(&s->world, seed, o->verbose);
	s->broken = o->broken;
	cast_limits(s);
	judge_start(s);
	s->net = simnet_new(s);
	s->node = node_new(s);
	return s;
}

static void sim_free(struct sim *s)
{
	operator_free(s);
	node_free(&s->node);
	simnet_free(&s->net);
	judge_free(s);
	cast_free(s);
	world_free(&s->world);
	mem_free(s);
}

static void add_totals(struct sim_totals *sum, const struct sim_totals *t)
{
	sum->events += t->events;
	sum->exchanges += t->exchanges;
	sum->crashes += t->crashes;
	sum->stops += t->stops;
	sum->duplicates += t->duplicates;
	sum->replays += t->replays;
	sum->changes += t->changes;
	sum->dead += t->dead;
	sum->superseded += t->superseded;
	sum->finals += t->finals;
	sum->reports += t->reports;
	sum->passed += t->passed;
	sum->virtual_ms += t->virtual_ms;
}

/* One world, from its beginning to the verdict. False when a rule was broken. */
static bool run_seed(uint64_t seed, const struct options *o, struct sim_totals *totals, uint64_t *ret_trace)
{
	struct sim *s = sim_new(seed, o);
	int64_t began_ms = s->world.now_ms;
	bool ok;

	node_start(s->node);
	operator_start(s);
	run_until(s, began_ms + s->traffic_ms);
	heal(s);
	if (!s->failed)
		judge_verdict(s);
	if (!s->failed)
		stop_and_start(s);
	if (!s->failed)
		judge_verdict(s);
	s->totals.virtual_ms = s->world.now_ms - began_ms;
	add_totals(totals, &s->totals);
	*ret_trace = s->world.trace;
	ok = !s->failed || (o->broken != BREAK_NOTHING && !s->sabotaged);
	if (!ok && o->broken == BREAK_NOTHING)
		fprintf(stderr, "  replay it: simulate --seed %" PRIu64 " --verbose\n", seed);
	sim_free(s);
	return ok;
}

static bool read_options(int argc, char **argv, struct options *o)
{
	*o = (struct options){ .first = 1, .count = 100 };
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(argv[i], "--verbose") == 0) {
			o->verbose = true;
			continue;
		}
		if (!value)
			return false;
		i++;
		if (strcmp(argv[i - 1], "--seeds") == 0) {
			o->count = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i - 1], "--seed") == 0) {
			o->first = strtoull(value, NULL, 10);
			o->count = 1;
		} else if (strcmp(argv[i - 1], "--from") == 0) {
			o->first = strtoull(value, NULL, 10);
		} else if (strcmp(argv[i - 1], "--break") == 0) {
			while (o->broken < BREAK_COUNT && strcmp(breakage_words[o->broken], value) != 0)
				o->broken++;
			if (o->broken == BREAK_COUNT)
				return false;
		} else {
			return false;
		}
	}
	return true;
}

/* The same seed tells the same story, or nothing that is found here could be found again. */
static bool repeats_itself(uint64_t seed, const struct options *o, uint64_t trace)
{
	struct sim_totals ignored = { 0 };
	uint64_t again;

	run_seed(seed, o, &ignored, &again);
	if (again == trace)
		return true;
	fprintf(stderr, "seed %" PRIu64 " does not repeat itself\n", seed);
	return false;
}

static void print_totals(const struct options *o, const struct sim_totals *t, uint64_t trace, uint64_t failed)
{
	printf("%" PRIu64 " worlds, %.1f days, %" PRIu64 " events, %" PRIu64 " exchanges, %" PRIu64
	       " seen twice, %" PRIu64 " dead, %" PRIu64 " superseded, %" PRIu64 " after a final one, ",
	       o->count, (double)t->virtual_ms / 86400000, t->events, t->exchanges, t->duplicates, t->dead,
	       t->superseded, t->finals);
	printf("%" PRIu64 " crashes, %" PRIu64 " clean stops, %" PRIu64 " changes, %" PRIu64 " replayed, %" PRIu64
	       " reports, %" PRIu64 " passed; trace %016" PRIx64 "; %" PRIu64 " failed\n",
	       t->crashes, t->stops, t->changes, t->replays, t->reports, t->passed, trace, failed);
}

int main(int argc, char **argv)
{
	struct options o;
	struct sim_totals totals = { 0 };
	uint64_t trace = 0, failed = 0;

	if (!read_options(argc, argv, &o)) {
		fprintf(stderr, "simulate [--seeds N] [--from K] [--seed K] [--verbose] [--break WHAT]\n");
		return 2;
	}
	for (uint64_t seed = o.first; seed < o.first + o.count && failed < FAILED_MOST; seed++) {
		failed += !run_seed(seed, &o, &totals, &trace);
		if (failed > 0 && o.broken != BREAK_NOTHING)
			break;
		if (seed % REPEAT_EVERY == 1 && o.count > 1)
			failed += !repeats_itself(seed, &o, trace);
	}
	print_totals(&o, &totals, trace, failed);
	if (o.broken != BREAK_NOTHING) /* the test of the test */
		return failed > 0 ? 0 : 1;
	return failed > 0;
}

/*
 * Numbers as Prometheus reads them (text format 0.0.4). Labels are bounded: the endpoints with
 * the most trouble and traffic have lines of their own, all others are summed as
 * endpoint="other", so that ten thousand customers do not become a hundred thousand time series.
 *
 * Counters of endpoints start at zero with the process, as Prometheus expects of a restart.
 */
#include "api/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/answer.h"
#include "api/handlers.h"
#include "base/failure.h"
#include "base/mem.h"
#include "engine/stats.h"

/* --- text --- */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void plain(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	family(out, name, type, help);
	buf_addf(out, "%s %.15g\n", name, value);
}

static void add_label_value(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n') {
			buf_add_str(out, "\\n");
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
}

/* --- one endpoint's numbers, or the sum of several --- */

#define CODES_MAX 64

struct code_count {
	int code, outcome;
	uint64_t count;
};

struct numbers {
	int64_t pending, waiting, in_flight, oldest_ms, up;
	uint64_t delivered, dead, expired;
	struct code_count codes[CODES_MAX]; /* the last one counts what has no room */
	size_t code_count;
};

static void add_code(struct numbers *n, int code, int outcome, uint64_t count)
{
	struct code_count *c = n->codes;

	if (count == 0)
		return;
	while (c < n->codes + n->code_count && (c->code != code || c->outcome != outcome))
		c++;
	if (c == n->codes + n->code_count) {
		if (n->code_count == CODES_MAX - 1 && code != -FAILURE_INTERNAL) {
			add_code(n, -FAILURE_INTERNAL, outcome, count);
			return;
		}
		if (n->code_count == CODES_MAX)
			c--;
		else
			*c = (struct code_count){ code, outcome, 0 }, n->code_count++;
	}
	c->count += count;
}

static int64_t get(const _Atomic int64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a && (!b || a < b) ? a : b;
}

static void numbers_add(struct numbers *n, const struct endpoint_stats *s)
{
	n->pending += get(&s->pending);
	n->waiting += get(&s->waiting);
	n->in_flight += get(&s->in_flight);
	n->oldest_ms = earlier(n->oldest_ms, earlier(get(&s->oldest_memory_ms), get(&s->oldest_stored_ms)));
	n->up += get(&s->failing_since_ms) == 0;
	n->delivered += atomic_load_explicit(&s->delivered, memory_order_relaxed);
	n->dead += atomic_load_explicit(&s->dead, memory_order_relaxed);
	n->expired += atomic_load_explicit(&s->expired, memory_order_relaxed);
	for (size_t i = 0; i < STATS_CODES; i++) {
		int code = atomic_load_explicit(&s->codes[i].code, memory_order_relaxed);

		for (int o = 0; code && o < 3; o++)
			add_code(n, code, o, atomic_load_explicit(&s->codes[i].counts[o], memory_order_relaxed));
	}
}

/* --- who has lines of his own --- */

struct line {
	struct endpoint *endpoint; /* NULL: all others */
	struct endpoint_stats *stats;
	int64_t trouble;
	uint64_t traffic;
};

struct lines {
	struct line *all;
	size_t count, cap;
};

static bool collect(void *ctx, const struct endpoint_view *v)
{
	struct lines *ls = ctx;
	struct endpoint_stats *s = v->stats;

	if (ls->count == ls->cap) {
		ls->cap = ls->cap ? ls->cap * 2 : 64;
		ls->all = mem_realloc(ls->all, ls->cap * sizeof(*ls->all));
	}
	ls->all[ls->count++] = (struct line){
		.endpoint = endpoint_ref(v->endpoint),
		.stats = endpoint_stats_ref(s),
		.trouble = get(&s->pending) + (get(&s->failing_since_ms) ? 1 : 0),
		.traffic = atomic_load_explicit(&s->attempt.count, memory_order_relaxed),
	};
	return true;
}

static int by_weight(const void *pa, const void *pb)
{
	const struct line *a = pa, *b = pb;

	if (a->trouble != b->trouble)
		return a->trouble < b->trouble ? 1 : -1;
	return (a->traffic < b->traffic) - (a->traffic > b->traffic);
}

static void lines_free(struct lines *ls)
{
	for (size_t i = 0; i < ls->count; i++) {
		endpoint_unref(&ls->all[i].endpoint);
		endpoint_stats_unref(&ls->all[i].stats);
	}
	mem_free(ls->all);
}

/* --- endpoint families --- */

struct shown {
	const struct endpoint *endpoint; /* NULL: all others */
	struct numbers numbers;
};

static void add_labels(struct buf *out, const struct endpoint *ep)
{
	if (!ep) {
		buf_add_str(out, "project=\"\",endpoint=\"other\"");
		return;
	}
	buf_add_str(out, "project=\"");
	add_label_value(out, slice_str(ep->of_organization ? "" : ep->owner));
	buf_add_str(out, "\",endpoint=\"");
	add_label_value(out, slice_str(ep->id));
	buf_add_char(out, '"');
	if (ep->of_organization) {
		buf_add_str(out, ",organization=\"");
		add_label_value(out, slice_str(ep->owner));
		buf_add_char(out, '"');
	}
}

static double value_pending(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->pending;
}

static double value_oldest(const struct numbers *n, int64_t now_ms)
{
	return n->oldest_ms && n->oldest_ms < now_ms ? (double)(now_ms - n->oldest_ms) / 1000 : 0;
}

static double value_waiting(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->waiting;
}

static double value_in_flight(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->in_flight;
}

static double value_up(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->up;
}

static double value_delivered(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->delivered;
}

static double value_dead(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->dead;
}

static double value_expired(const struct numbers *n, int64_t now_ms)
{
	(void)now_ms;
	return (double)n->expired;
}

static const struct endpoint_family {
	const char *name, *type, *help;
	double (*value)(const struct numbers *n, int64_t now_ms);
} families[] = {
	{ "postrider_endpoint_pending", "gauge", "Events accepted and not yet settled at this endpoint.",
	  value_pending },
	{ "postrider_endpoint_oldest_pending_seconds", "gauge", "Age of the oldest of them.", value_oldest },
	{ "postrider_endpoint_retrying", "gauge", "Deliveries waiting for a retry.", value_waiting },
	{ "postrider_endpoint_in_flight", "gauge", "Requests on the wire.", value_in_flight },
	{ "postrider_endpoint_up", "gauge",
	  "1 when its last exchange succeeded, or none was made; of `other`: how many.", value_up },
	{ "postrider_events_delivered_total", "counter", "Events delivered.", value_delivered },
	{ "postrider_events_failed_total", "counter", "Events that failed for good.", value_dead },
	{ "postrider_events_expired_total", "counter", "Events whose age ended them.", value_expired },
};

static void add_family(struct buf *out, const struct endpoint_family *f, const struct shown *all, size_t count,
		       int64_t now_ms)
{
	family(out, f->name, f->type, f->help);
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%s{", f->name);
		add_labels(out, all[i].endpoint);
		buf_addf(out, "} %.15g\n", f->value(&all[i].numbers, now_ms));
	}
}

static void add_attempts(struct buf *out, const struct shown *all, size_t count)
{
	static const char *const outcomes[] = { "ok", "retry", "failed" };
	char code[20];

	family(out, "postrider_attempts_total", "counter",
	       "Delivery attempts by outcome and code (HTTP status or class of error).");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < all[i].numbers.code_count; j++) {
			const struct code_count *c = &all[i].numbers.codes[j];

			failure_code_text(c->code, code);
			buf_add_str(out, "postrider_attempts_total{");
			add_labels(out, all[i].endpoint);
			buf_addf(out, ",outcome=\"%s\",code=\"%s\"} %llu\n", outcomes[c->outcome], code,
				 (unsigned long long)c->count);
		}
}

/* --- histograms: over all endpoints --- */

struct sums {
	uint64_t counts[STATS_BUCKETS], sum_us, count;
};

static void sums_add(struct sums *sum, const struct stats_histogram *h)
{
	for (int i = 0; i < STATS_BUCKETS; i++) {
		uint64_t n = atomic_load_explicit(&h->counts[i], memory_order_relaxed);

		sum->counts[i] += n;
		sum->count += n; /* of the same reads as the buckets: +Inf and _count must agree */
	}
	sum->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

static void add_histogram(struct buf *out, const char *name, const char *help, const struct sums *sum)
{
	uint64_t below = 0;

	family(out, name, "histogram", help);
	for (int i = 0; i < STATS_BUCKETS; i++) {
		below += sum->counts[i];
		if (stats_bucket_us[i] == INT64_MAX)
			buf_addf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)below);
		else
			buf_addf(out, "%s_bucket{le=\"%g\"} %llu\n", name, (double)stats_bucket_us[i] / 1e6,
				 (unsigned long long)below);
	}
	buf_addf(out, "%s_sum %.6f\n%s_count %llu\n", name, (double)sum->sum_us / 1e6, name,
		 (unsigned long long)sum->count);
}

static void add_histograms(struct buf *out, const struct lines *ls)
{
	struct sums attempt = { 0 }, delivery = { 0 };

	for (size_t i = 0; i < ls->count; i++) {
		sums_add(&attempt, &ls->all[i].stats->attempt);
		sums_add(&delivery, &ls->all[i].stats->delivery);
	}
	add_histogram(out, "postrider_attempt_seconds", "Time of one exchange, name look-up included.", &attempt);
	add_histogram(out, "postrider_delivery_seconds", "From acceptance to delivery.", &delivery);
}

/* --- the process --- */

static double count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	double n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 3 ? n - 3 : 0; /* ., .. and the folder itself */
}

static double resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[128], *at;
	double pages = 0;

	if (f && fgets(line, sizeof(line), f) && (at = strchr(line, ' ')))
		pages = strtod(at, NULL);
	if (f)
		fclose(f);
	return pages * (double)sysconf(_SC_PAGESIZE);
}

static void add_process(struct buf *out, const struct node_numbers *n)
{
	struct rusage usage = { 0 };
	struct rlimit limit = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &limit);
	plain(out, "process_cpu_seconds_total", "counter", "CPU time used.",
	      (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	plain(out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes());
	plain(out, "process_open_fds", "gauge", "Open file descriptors.", count_fds());
	plain(out, "process_max_fds", "gauge", "Most file descriptors that may be open.", (double)limit.rlim_cur);
	plain(out, "process_start_time_seconds", "gauge", "When the process started, Unix seconds.",
	      (double)n->started_ms / 1000);
	family(out, "postrider_build_info", "gauge", "The version that runs.");
	buf_add_str(out, "postrider_build_info{version=\"" POSTRIDER_VERSION "\"} 1\n");
}

static void add_node(struct buf *out, const struct node *node, const struct node_numbers *n)
{
	const struct {
		const char *name, *type, *help;
		double value;
	} all[] = {
		{ "postrider_ready", "gauge", "1 while events are taken, as /readyz says.", node_ready(node, NULL) },
		{ "postrider_events_accepted_total", "counter", "Events on disk and answered 202.",
		  (double)n->accepted },
		{ "postrider_events_duplicate_total", "counter", "Events that were known already.",
		  (double)n->duplicates },
		{ "postrider_events_refused_total", "counter", "Events refused with 503.", (double)n->refused_busy },
		{ "postrider_store_commits_total", "counter", "Commits to disk.", (double)n->commits },
		{ "postrider_store_rows_total", "counter", "Changes in them.", (double)n->committed_rows },
		{ "postrider_store_bytes", "gauge", "Size of the store on disk.", (double)n->store_bytes },
		{ "postrider_store_queue_bytes", "gauge", "Events waiting for their commit, bytes.",
		  (double)n->queue_bytes },
		{ "postrider_store_queue_events", "gauge", "Events waiting for their commit.",
		  (double)n->queue_events },
		{ "postrider_log_last_seq", "gauge", "The last number given out in the log.", (double)n->last_seq },
		{ "postrider_log_floor_seq", "gauge", "All events up to here are settled or pending on disk.",
		  (double)n->floor },
		{ "postrider_projects", "gauge", "Projects.", (double)n->projects },
		{ "postrider_endpoints", "gauge", "Endpoints.", (double)n->endpoints },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		plain(out, all[i].name, all[i].type, all[i].help, all[i].value);
}

/* How many endpoints are in which state: six numbers, however many endpoints there are. */
static void add_states(struct buf *out, const struct lines *ls)
{
	uint64_t counts[LANE_DELETED] = { 0 };

	for (size_t i = 0; i < ls->count; i++) {
		int state = atomic_load_explicit(&ls->all[i].stats->state, memory_order_relaxed);

		if (state >= 0 && state < LANE_DELETED)
			counts[state]++;
	}
	family(out, "postrider_endpoints_in_state", "gauge", "Endpoints by state, internal ones among them.");
	for (int s = 0; s < LANE_DELETED; s++)
		buf_addf(out, "postrider_endpoints_in_state{state=\"%s\"} %llu\n", lane_state_word((enum lane_state)s),
			 (unsigned long long)counts[s]);
}

/* --- all of it --- */

static size_t show(const struct lines *ls, size_t own, struct shown *ret)
{
	size_t count = ls->count < own ? ls->count : own;

	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct shown){ .endpoint = ls->all[i].endpoint };
		numbers_add(&ret[i].numbers, ls->all[i].stats);
	}
	if (ls->count <= own)
		return count;
	ret[count] = (struct shown){ .endpoint = NULL };
	for (size_t i = count; i < ls->count; i++)
		numbers_add(&ret[count].numbers, ls->all[i].stats);
	return count + 1;
}

void metrics_write(struct node *node, size_t own, struct buf *out)
{
	struct shown *shown = mem_alloc((own + 1) * sizeof(*shown));
	struct lines ls = { 0 };
	struct node_numbers n;
	size_t count;

	node_numbers(node, &n);
	node_endpoint_list(node, (struct owner){ slice_str(""), false }, true, slice_str(""), collect, &ls);
	if (ls.count > 0)
		qsort(ls.all, ls.count, sizeof(*ls.all), by_weight);
	count = show(&ls, own, shown);
	add_node(out, node, &n);
	add_states(out, &ls);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		add_family(out, &families[i], shown, count, node_now_ms(node));
	add_attempts(out, shown, count);
	add_histograms(out, &ls);
	add_process(out, &n);
	lines_free(&ls);
	mem_free(shown);
}

void metrics_show(struct call *c)
{
	answer_begin(c);
	metrics_write(c->node, METRICS_ENDPOINTS, &c->out);
	answer_text(c, "text/plain; version=0.0.4; charset=utf-8");
}

/* Counters that one loop writes and any thread reads. */
#include "engine/stats.h"

#include <string.h>

#include "base/failure.h"
#include "base/mem.h"

const int64_t stats_bucket_us[STATS_BUCKETS] = { 1000,	   2500,     5000,	10000,	  25000,   50000,
						 100000,   250000,   500000,	1000000,  2500000, 5000000,
						 10000000, 60000000, 600000000, INT64_MAX };

const char *lane_state_word(enum lane_state s)
{
	static const char *const words[] = { "ready", "throttled", "probe", "paused", "disabled", "deleted" };

	return words[s];
}

struct endpoint_stats *endpoint_stats_new(void)
{
	struct endpoint_stats *s = mem_zalloc(sizeof(*s));

	atomic_init(&s->refs, 1);
	return s;
}

struct endpoint_stats *endpoint_stats_ref(struct endpoint_stats *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void endpoint_stats_unref(struct endpoint_stats **s)
{
	struct endpoint_stats *old = *s;

	*s = NULL;
	if (old && atomic_fetch_sub_explicit(&old->refs, 1, memory_order_acq_rel) == 1)
		mem_free(old);
}

void stats_observe(struct stats_histogram *h, int64_t us)
{
	int i = 0;

	if (us < 0)
		us = 0;
	while (us > stats_bucket_us[i])
		i++;
	atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, (uint64_t)us, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

void stats_count_code(struct endpoint_stats *s, int code, int outcome)
{
	int i;

	/* Only this endpoint's loop writes, so a free slot found here cannot be taken by another thread. */
	for (i = 0; i < STATS_CODES - 1; i++) {
		int32_t known = atomic_load_explicit(&s->codes[i].code, memory_order_relaxed);

		if (known == code)
			break;
		if (known == 0) {
			atomic_store_explicit(&s->codes[i].code, code, memory_order_release);
			break;
		}
	}
	if (i == STATS_CODES - 1)
		atomic_store_explicit(&s->codes[i].code, -FAILURE_INTERNAL, memory_order_release);
	atomic_fetch_add_explicit(&s->codes[i].counts[outcome], 1, memory_order_relaxed);
}

bool stats_tls_key_set(struct endpoint_stats *s, const uint8_t key[32])
{
	uint32_t turn = atomic_load_explicit(&s->tls_key_turn, memory_order_relaxed);
	uint64_t words[4];
	bool same = turn > 0;

	memcpy(words, key, sizeof(words));
	for (int i = 0; i < 4; i++)
		same &= words[i] == atomic_load_explicit(&s->tls_key[i], memory_order_relaxed);
	if (same)
		return false;
	/* Each word released: who sees a new one sees the odd turn too. */
	atomic_store_explicit(&s->tls_key_turn, turn + 1, memory_order_relaxed);
	for (int i = 0; i < 4; i++)
		atomic_store_explicit(&s->tls_key[i], words[i], memory_order_release);
	atomic_store_explicit(&s->tls_key_turn, turn + 2, memory_order_release);
	return true;
}

bool stats_tls_key_get(const struct endpoint_stats *s, uint8_t ret[32])
{
	uint32_t before, after;
	uint64_t words[4];

	do {
		before = atomic_load_explicit(&s->tls_key_turn, memory_order_acquire);
		for (int i = 0; i < 4; i++)
			words[i] = atomic_load_explicit(&s->tls_key[i], memory_order_acquire);
		after = atomic_load_explicit(&s->tls_key_turn, memory_order_relaxed);
	} while (before != after || before % 2);
	memcpy(ret, words, sizeof(words));
	return before > 0;
}

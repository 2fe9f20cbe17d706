/*
 * Numbers of one endpoint that other threads read while its loop writes them: the API's status, /metrics, the console.
 * Relaxed atomics; each number is right by itself, not all of them at one instant.
 */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum lane_state { LANE_READY, LANE_THROTTLED, LANE_PROBE, LANE_PAUSED, LANE_DISABLED, LANE_DELETED };
const char *lane_state_word(enum lane_state s); /* "ready", "throttled", "probe", "paused", "disabled", "deleted" */

/* Upper bounds in microseconds of the latency histograms' buckets; the last one is without bound. */
#define STATS_BUCKETS 16
extern const int64_t stats_bucket_us[STATS_BUCKETS];

struct stats_histogram {
	_Atomic uint64_t counts[STATS_BUCKETS];
	_Atomic uint64_t sum_us, count;
};

#define STATS_CODES 12
struct stats_code {
	_Atomic int32_t code;	    /* HTTP status or -enum failure; 0: free slot */
	_Atomic uint64_t counts[3]; /* by enum attempt_outcome */
};

struct endpoint_stats {
	_Atomic int refs;
	_Atomic int state;	   /* enum lane_state */
	_Atomic int64_t pending;   /* events that wait: in memory, on the wire, in pending rows */
	_Atomic int64_t waiting;   /* of them: deliveries waiting for a retry */
	_Atomic int64_t in_flight; /* exchanges on the wire */
	_Atomic int64_t window;
	_Atomic int64_t oldest_memory_ms; /* acceptance of the oldest event in memory, 0 when none */
	_Atomic int64_t oldest_stored_ms; /* of the oldest in pending rows, 0 when none; kept by the node */
	_Atomic int64_t next_retry_ms;	  /* 0 when none */
	_Atomic int64_t failing_since_ms; /* first failure after the last success, 0 when it is well */
	_Atomic int32_t last_code;
	_Atomic int64_t last_time_ms;
	_Atomic uint64_t delivered, dead, expired; /* events */
	/*
	 * SHA-256 of the receiver's public key. Counts up twice a change: odd while it is written, 0 before the first.
	 */
	_Atomic uint32_t tls_key_turn;
	_Atomic uint64_t tls_key[4];
	struct stats_code
		codes[STATS_CODES]; /* attempts; when full, the last slot counts the rest with code -FAILURE_INTERNAL */
	struct stats_histogram attempt, delivery; /* one exchange; acceptance to delivery */
};

struct endpoint_stats *endpoint_stats_new(void); /* one reference, all zero, ready */
struct endpoint_stats *endpoint_stats_ref(struct endpoint_stats *s);
void endpoint_stats_unref(struct endpoint_stats **s);
void stats_observe(struct stats_histogram *h, int64_t us);
void stats_count_code(struct endpoint_stats *s, int code, int outcome);
/* Only for the loop; true when the key is another than before, or the first. */
bool stats_tls_key_set(struct endpoint_stats *s, const uint8_t key[32]);
/* Any thread; false when none is known. */
bool stats_tls_key_get(const struct endpoint_stats *s, uint8_t ret[32]);

#endif

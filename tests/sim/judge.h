/* The judge knows the rules and sees everything that happens; see judge.c for the rules. */
#ifndef SIM_JUDGE_H
#define SIM_JUDGE_H

#include "sim.h"

/* One request as the world sees it. */
struct sighting {
	struct sim_endpoint *endpoint;
	const struct endpoint *settings;
	uint16_t events[BATCH_MAX]; /* indexes, in order */
	int count;
	char delivery_id[DELIVERY_ID_BYTES];
	uint32_t attempt;
	uint64_t body_hash;
	size_t body_bytes;
	int64_t sent_ms;
	bool taken[BATCH_MAX]; /* by the receiver, in so many words where it is to name them */
};

void judge_start(struct sim *s);
void judge_free(struct sim *s);
/* Prints the broken rule, once; the run ends. */
void judge_fail(struct sim *s, const char *rule, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The event entered the engines, or was found at recovery: for this endpoint
 * it must be delivered, or (while its settings are changed) may be.
 */
void judge_routed(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep, bool must);
void judge_replayed(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep);

void judge_sent(struct sim *s, const struct sighting *x);
/* The request is at the receiver, who takes some of it, or nothing. */
void judge_arrived(struct sim *s, const struct sighting *x);
/* The engine is told. */
void judge_answered(struct sim *s, const struct sighting *x, const struct http_answer *answer);

/* The hub is told, in a transaction that is being made. */
void judge_reported(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep,
		    const struct engine_report *r);

/* A transaction was handed to the store; was applied there. */
void judge_asked(struct sim *s, const struct tx *tx);
void judge_applied(struct sim *s, const struct tx *tx);

void judge_turn_begin(struct sim *s);
void judge_turn_end(struct sim *s);
void judge_settings(struct sim *s, const struct sim_endpoint *ep); /* new ones are in force */
void judge_stalled(struct sim *s, int64_t until_ms);		   /* the disk may take nothing until then */
void judge_crashed(struct sim *s);
/* A start has found in the log that a final status of this event's message was acknowledged. */
void judge_final(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep);
void judge_started(struct sim *s);
void judge_stopped(struct sim *s, int64_t floor); /* in order */
/* Everything that was accepted has come to its end. */
bool judge_is_quiet(struct sim *s);
void judge_verdict(struct sim *s);
/* The events above the floor at a start after a clean stop. */
void judge_restarted(struct sim *s, int events_above_floor);

#endif

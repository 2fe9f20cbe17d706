/*
 * What the judge keeps; shared by judge.c (what happens on the wire), judge_store.c (what is on disk, start, stop, the
 * end) and judge_time.c (not too early, not too late).
 */
#ifndef SIM_JUDGE_IMPL_H
#define SIM_JUDGE_IMPL_H

#include "base/map.h"
#include "judge.h"
#include "node.h"
#include "simnet.h"

enum end { END_NONE, END_DONE, END_DEAD, END_OTHER };

/* One event at one endpoint. */
struct fate {
	bool routed, must;
	bool may_send; /* something explains one more request with it */
	bool replayed;
	bool regrouped; /* others of its delivery ended alone, so the rest goes on under another id */
	uint16_t sends, sights, successes;
	uint16_t acked, recorded;  /* answers that arrived and said that it was taken; and what is on disk of them */
	int delivered, left, dead; /* items of attempt rows on disk, by what became of it */
	bool tried;		   /* an attempt was made, as the engine knows */
	int16_t code;		   /* of an end without an exchange */
	uint8_t asked;		   /* enum end: decided by the engine */
	uint8_t settled;	   /* enum end: and on disk */
	int64_t free_ms;	   /* when it could be sent the next time, apart from retry delays */
};

/* One delivery: the same items under the same id. */
struct delivery {
	struct map_node node;
	const struct sim_endpoint *endpoint;
	char id[DELIVERY_ID_BYTES];
	uint32_t attempt, revision;
	uint32_t recorded; /* attempts on disk */
	uint64_t body_hash;
	int64_t earliest_ms, latest_ms; /* of the next attempt */
	bool unsaved;			/* what is known of it is not on disk yet */
	bool regrouped;
	bool unsure; /* a crash or a replay: it may begin anew */
};

/* One endpoint, as far as time is concerned. */
struct watch {
	bool blocked;
	int64_t blocked_ms; /* the last moment at which something allowed or demanded to wait */
	int64_t sent_ms;
	uint32_t failures;
	int64_t failed_ms, not_before_ms;
	double tokens;
	int64_t tokens_ms;
	int64_t message_free_ms[MESSAGES_MAX];
	bool message_final[MESSAGES_MAX]; /* a final status of it was acknowledged, and the engine knows */
	int last_acked[MESSAGES_MAX];	  /* index + 1 of the event that the receiver acknowledged last; 0: none */
};

/* An event that seems to have overtaken another one. */
struct suspicion {
	const struct sim_endpoint *endpoint;
	int event, overtaken;
};

#define SUSPICIONS_MAX 64

struct judge {
	struct suspicion suspicions[SUSPICIONS_MAX];
	int suspicion_count;
	struct fate fates[EVENTS_MAX][ENDPOINTS_MAX];
	struct watch watches[ENDPOINTS_MAX];
	struct map deliveries;
	int64_t trouble_ms; /* the last moment of a crash, a stop, a full disk */
	bool up;
};

struct fate *fate_of(struct sim *s, const struct sim_event *ev, const struct sim_endpoint *ep);
struct delivery *delivery_find(struct judge *j, const struct sim_endpoint *ep, struct slice id);
const struct endpoint *settings_of(const struct sim_endpoint *ep); /* in force */
bool is_strict(const struct sim_endpoint *ep);
bool is_ordered(const struct sim_endpoint *ep);

/* All attempts of the transaction are counted. */
void rule_reports(struct sim *s, const struct tx *tx);
void rule_all_reports(struct sim *s);
void rule_memory(struct sim *s, const struct engine *e);
void order_judge(struct sim *s); /* at the end of a turn */
void time_sent(struct sim *s, const struct sighting *x);
/* ok: a success; whole: and all of it was taken */
void time_answered(struct sim *s, const struct sighting *x, const struct http_answer *answer, bool ok, bool whole);
void time_reset(struct sim *s, const struct sim_endpoint *ep);

#endif

/*
 * Which endpoints fail, and when somebody is to be told: at once, then at most once an endpoint and digest while it
 * goes on, and once when it recovers. Counting only, in memory and bounded; the clock is the caller's. Any thread.
 */
#ifndef HUB_TROUBLE_H
#define HUB_TROUBLE_H

#include "dialect/endpoint.h"

/* Endpoints that are known to fail at once; what more fail are only counted (troubles_left_out). */
#define TROUBLES_MAX 10000
/* Endpoints that one message names; of more of the same project it says how many. */
#define TROUBLES_NAMED 20

struct troubles;
struct troubles *troubles_new(int64_t digest_ms);
void troubles_free(struct troubles **t);
void troubles_set_digest(struct troubles *t, int64_t digest_ms);

/* As node_hooks.trouble. Short: it counts. True when somebody is to be told at once. */
bool troubles_note(struct troubles *t, const struct endpoint *ep, bool ok, int code, struct slice reason,
		   int64_t now_ms);

enum trouble_what {
	TROUBLE_BEGINS,	  /* its first failure */
	TROUBLE_GOES_ON,  /* more since the last mail */
	TROUBLE_RECOVERS, /* after a mail that it failed */
	TROUBLE_PASSED	  /* failed again and recovered between two mails */
};

struct trouble_news {
	enum trouble_what what;
	struct endpoint *endpoint; /* one reference */
	uint32_t failures;	   /* since the last news of it */
	int64_t first_ms, last_ms; /* of the failures of this spell: since when it fails, and the last one */
	int code;		   /* of the last one */
	char reason[400];
};

/* The news of one owner, a project or an organization. */
struct trouble_letter {
	struct trouble_news news[TROUBLES_NAMED];
	size_t count;
	size_t more; /* further endpoints with news, not named */
};

/*
 * Takes the news that are due, of the owner for whom something is due longest. False: there is none. The letter is then
 * to be sent and let go with trouble_letter_free.
 */
bool troubles_take(struct troubles *t, int64_t now_ms, struct trouble_letter *ret);
void trouble_letter_free(struct trouble_letter *l);
/* When something is due next; INT64_MAX: never. */
int64_t troubles_next(struct troubles *t);
/* Failures since the last call of endpoints that found no place. */
uint64_t troubles_left_out(struct troubles *t);

/* --- the mail (trouble_mail.c) --- */

struct trouble_writer {
	const char *public_url;
	struct json project; /* its settings: name, timezone */
	/* The name of a service or phone by its id, appended; false when it has none. */
	bool (*name)(void *ctx, struct slice id, struct buf *out);
	void *ctx;
};
void trouble_mail(const struct trouble_writer *w, const struct trouble_letter *l, struct buf *subject,
		  struct buf *text);

#endif

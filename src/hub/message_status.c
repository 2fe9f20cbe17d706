/*
 * The status of a message moves one way. Reports of gateways come late, twice and in any order (Kannel sends 8 and 1
 * in parallel), so each word has a rank, and a word of a lower rank than the one that stands is no news:
 *
 *	queued -> sent, failed_queued, … in any order -> partly_delivered -> an end
 *
 * The first end stands. Only `read` follows `delivered`. Sent and failed_queued may follow each other: a gateway that
 * refuses for now is tried again, a call that nobody takes is made again.
 *
 * A word that is not in the table is somebody's own, and is as good as `sent`.
 */
#include "hub/broadcast.h"
#include "hub/message_parts.h"
#include "hub/notice.h"

#define HISTORY_MAX ((size_t)8 * 1024) /* bytes; of a message that is tried for days the rest is not kept */

enum rank { RANK_QUEUED, RANK_GOING, RANK_PARTLY, RANK_END };

struct status_row {
	const char *word, *counted;
	enum rank rank;
	bool left; /* it has left our hands: time_sent is known */
};

static const struct status_row rows[] = {
	{ "queued", "queued", RANK_QUEUED, false },
	{ "sent", "sent", RANK_GOING, true },
	{ "unknown", "sent", RANK_GOING, true },
	{ "failed_queued", "failed_queued", RANK_GOING, false },
	{ "next_attempt", "failed_queued", RANK_GOING, false },
	{ "partly_delivered", "sent", RANK_PARTLY, true },
	{ "delivered", "delivered", RANK_END, true },
	{ "read", "delivered", RANK_END, true },
	{ "not_delivered", "not_delivered", RANK_END, false },
	{ "expired", "not_delivered", RANK_END, false },
	{ "not_reached", "not_delivered", RANK_END, false },
	{ "failed", "failed", RANK_END, false },
	{ "incorrect_number", "failed", RANK_END, false },
	{ "opted_out", "failed", RANK_END, false },
	{ "not_whitelisted", "failed", RANK_END, false },
	{ "spam", "failed", RANK_END, false },
	{ "cancelled", "cancelled", RANK_END, false },
};
static const struct status_row own_word = { "", "sent", RANK_GOING, false };

static const struct status_row *row_of(struct slice status)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_is(status, rows[i].word))
			return &rows[i];
	return &own_word;
}

struct slice status_counted(struct slice status)
{
	return slice_str(row_of(status)->counted);
}

static bool is_forward(struct slice from, struct slice to)
{
	const struct status_row *now = row_of(from), *then = row_of(to);

	if (slice_eq(from, to))
		return false;
	if (now->rank == RANK_END)
		return slice_is(from, "delivered") && slice_is(to, "read");
	return then->rank > now->rank || (then->rank == now->rank && now->rank == RANK_GOING);
}

/* [["queued",1547125199],["sent",1547125200]], the hub's own member: shown where one message is shown. */
static void remember(struct deed *d, struct record *m, struct slice status)
{
	struct slice before = record_raw(m, "_history");
	struct buf out;

	if (before.n > HISTORY_MAX)
		return;
	buf_init(&out, 2 * HISTORY_MAX);
	buf_add_char(&out, '[');
	if (before.n > 2) {
		buf_add(&out, before.p + 1, before.n - 2);
		buf_add_char(&out, ',');
	}
	buf_add_char(&out, '[');
	json_add_string(&out, status);
	buf_add_char(&out, ',');
	buf_add_i64(&out, d->now_ms / 1000);
	buf_add_str(&out, "]]");
	record_set(m, "_history", buf_slice(&out));
	buf_free(&out);
}

static void set_status(struct deed *d, struct record *m, struct slice status)
{
	record_set_text(m, "status", status);
	record_set_i64(m, "time_updated", d->now_ms / 1000);
	remember(d, m, status);
}

void status_begin(struct deed *d, struct record *message, const char *status)
{
	set_status(d, message, slice_str(status));
}

static void set_times(struct deed *d, struct record *m, const struct status_row *row)
{
	if (row->left && record_raw(m, "time_sent").n == 0)
		record_set_i64(m, "time_sent", d->now_ms / 1000);
	if (row->rank == RANK_END && record_raw(m, "time_done").n == 0)
		record_set_i64(m, "time_done", d->now_ms / 1000);
}

/* An error stands as long as its status does. */
static void set_error(struct record *m, const char *name, struct slice text)
{
	if (text.n > 0)
		record_set_text(m, name, text);
	else
		record_unset(m, name);
}

bool status_step(struct deed *d, struct record *message, struct slice status, struct slice error_message,
		 struct slice error_code)
{
	if (!is_forward(record_text(message, "status"), status))
		return false;
	set_status(d, message, status);
	set_times(d, message, row_of(status));
	set_error(message, "error_message", error_message);
	set_error(message, "error_code", error_code);
	return true;
}

void status_count(struct deed *d, struct record *message, struct slice before)
{
	struct slice broadcast = record_text(message, "broadcast_id");

	if (broadcast.n > 0)
		broadcast_count(d, broadcast, before, record_text(message, "status"));
}

bool message_status(struct deed *d, struct record *message, const char *status, struct slice error_message,
		    struct slice error_code)
{
	struct slice before = record_text(message, "status");

	if (!status_step(d, message, slice_str(status), error_message, error_code))
		return false;
	status_count(d, message, before);
	notice_status(d, message, message_contact(d, message));
	record_save(d, message);
	return true;
}

bool message_waits(struct record *message)
{
	struct slice status = record_text(message, "status");

	return slice_is(status, "queued") || slice_is(status, "failed_queued");
}

/* Only the test route's script is ours to end: an order goes out some day whatever the message says. */
bool message_cancel(struct deed *d, struct record *message)
{
	if (!message_waits(message) || !record_true(message, "simulated"))
		return false;
	record_set_due(message, OBJECT_NEVER_DUE);
	return message_status(d, message, "cancelled", SLICE_LIT(""), SLICE_LIT(""));
}

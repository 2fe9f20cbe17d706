/*
 * Which items of a request an answer acknowledges. The ids of the request are put into a
 * map; an id of the answer marks every item that has it. Marks are kept aside until the
 * whole answer has been read: a parse error at its end makes all of it worth nothing.
 */
#include "dialect/ack.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/list.h"
#include "base/map.h"
#include "dialect/ack_parts.h"

struct sent_id {
	struct map_node node;
	struct slice id;
	size_t index; /* of the item */
};

struct marks {
	struct map ids;
	struct hash_key key;
	struct arena arena;
	bool *acked;
	size_t foreign;
};

bool ack_status(const struct endpoint *ep, int status)
{
	return endpoint_success(ep, status) || ep->ack_any_status;
}

static void mark(void *ctx, struct slice id)
{
	struct marks *m = ctx;
	uint64_t h = hash_bytes(&m->key, id);
	bool known = false;

	for (struct map_node *n = map_first(&m->ids, h); n; n = map_next(n, h)) {
		const struct sent_id *sent = CONTAINER_OF(n, struct sent_id, node);

		if (!slice_eq(sent->id, id))
			continue;
		m->acked[sent->index] = known = true;
	}
	m->foreign += !known;
}

static void marks_init(struct marks *m, struct event *const *events, size_t count, bool *acked)
{
	*m = (struct marks){ .acked = acked };
	arena_init(&m->arena);
	map_init(&m->ids);
	random_secure(&m->key, sizeof(m->key)); /* the receiver must not be able to choose collisions */
	for (size_t i = 0; i < count; i++) {
		struct sent_id *sent = arena_alloc(&m->arena, sizeof(*sent));

		sent->id = events[i]->message_id;
		sent->index = i;
		acked[i] = false;
		map_add(&m->ids, &sent->node, hash_bytes(&m->key, sent->id));
	}
}

static void marks_free(struct marks *m)
{
	map_free(&m->ids);
	arena_free(&m->arena);
}

static struct ack_result all_or_none(bool all, size_t count, bool *acked)
{
	for (size_t i = 0; i < count; i++)
		acked[i] = all;
	return (struct ack_result){ all ? count : 0, 0, !all };
}

static struct ack_result read_ids(const struct endpoint *ep, struct event *const *events, size_t count,
				  struct slice body, bool *acked, struct buf *reason)
{
	struct ack_result result = { 0, 0, false };
	struct marks m;
	char why[200];
	const char *wrong;

	marks_init(&m, events, count, acked);
	wrong = ep->ack == ACK_IDS_XML ? ack_xml_ids(body, "id_sms", mark, &m, why)
				       : ack_json_ids(body, "id_sms", mark, &m, why);
	marks_free(&m);
	if (wrong) {
		buf_addf(reason, "the answer acknowledges nothing: %s; list each accepted id as id_sms", wrong);
		return all_or_none(false, count, acked);
	}
	for (size_t i = 0; i < count; i++)
		result.acked += acked[i];
	result.foreign = m.foreign;
	if (result.acked < count)
		buf_addf(reason, "the answer acknowledges %zu of %zu ids; the others are sent again", result.acked,
			 count);
	if (result.foreign > 0)
		buf_addf(reason, "%s%zu ids in the answer were not in the request and are ignored",
			 reason->n > 0 ? "; " : "", result.foreign);
	return result;
}

static bool begins_with_one(const struct endpoint *ep, struct slice body)
{
	for (size_t i = 0; i < ep->ack_prefix_count; i++)
		if (slice_starts(body, slice_str(ep->ack_prefixes[i])))
			return true;
	return false;
}

struct ack_result ack_read(const struct endpoint *ep, struct event *const *events, size_t count, struct slice body,
			   bool *ret_acked, struct buf *reason)
{
	struct slice trimmed = slice_trim(body);
	bool ok = true;

	switch (ep->ack) {
	case ACK_NONE:
		break;
	case ACK_IDS_XML:
	case ACK_IDS_JSON:
		if (body.n > 0)
			return read_ids(ep, events, count, body, ret_acked, reason);
		buf_add_str(reason, "the answer is empty and acknowledges nothing; list each accepted id as id_sms");
		ok = false;
		break;
	case ACK_BODY_EQUALS:
		while (trimmed.n > 0 && (trimmed.p[trimmed.n - 1] == '\n' || trimmed.p[trimmed.n - 1] == '\r'))
			trimmed.n--;
		ok = slice_is(trimmed, ep->ack_body);
		if (!ok)
			buf_addf(reason, "the answer's body was to be \"%s\" and is %zu bytes of something else",
				 ep->ack_body, body.n);
		break;
	case ACK_BODY_PREFIX:
		ok = begins_with_one(ep, body);
		if (!ok)
			buf_addf(reason,
				 "the answer's body was to begin with \"%s\"%s and is %zu bytes of something else",
				 ep->ack_prefixes[0],
				 ep->ack_prefix_count > 1 ? " or another text of success.body_prefix" : "", body.n);
		break;
	case ACK_BODY_NOT_EMPTY:
		ok = body.n > 0;
		if (!ok)
			buf_add_str(reason, "the answer has no body; any body acknowledges");
		break;
	}
	return all_or_none(ok, count, ret_acked);
}

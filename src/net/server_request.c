/*
 * A request as its handler sees it. The target is kept as it was sent (libmicrohttpd's own copy is decoded in place,
 * which cannot be undone); arguments are decoded here, once, and only when somebody asks. Headers stay in
 * libmicrohttpd's memory, which does not move while the request is open.
 */
#include "net/server_request.h"

#include <stdint.h>

#include "base/mem.h"
#include "base/text.h"

struct server_request *server_request_new(struct server *s, struct MHD_Connection *connection, const char *target)
{
	struct server_request *rq = mem_zalloc(sizeof(*rq));
	struct slice whole;
	size_t mark;

	rq->server = s;
	rq->connection = connection;
	arena_init(&rq->arena);
	whole = arena_slice(&rq->arena, slice_str(target));
	mark = slice_find(whole, '?');
	rq->path = slice_of(whole.p, mark);
	rq->query = mark < whole.n ? slice_from(whole, mark + 1) : slice_str("");
	return rq;
}

void server_request_free(struct server_request *rq)
{
	if (rq->has_body)
		server_body_free(&rq->body);
	if (rq->response)
		MHD_destroy_response(rq->response);
	arena_free(&rq->arena);
	mem_free(rq);
}

/* --- the head --- */

struct framing {
	unsigned hosts, lengths, codings;
	bool coding_known;
};

static enum MHD_Result framing_count(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = ctx;
	struct slice header = slice_str(name);

	(void)kind;
	if (slice_eq_nocase(header, SLICE_LIT("host")))
		f->hosts++;
	if (slice_eq_nocase(header, SLICE_LIT("content-length")))
		f->lengths++;
	if (slice_eq_nocase(header, SLICE_LIT("transfer-encoding"))) {
		f->codings++;
		f->coding_known = slice_eq_nocase(slice_str(value), SLICE_LIT("chunked"));
	}
	return MHD_YES;
}

static bool path_is_plain(struct slice path)
{
	for (size_t i = 0; i < path.n; i++)
		if ((unsigned char)path.p[i] <= ' ' || (unsigned char)path.p[i] >= 0x7f)
			return false;
	return path.n > 0 && path.p[0] == '/';
}

const char *server_request_fault(struct server_request *rq)
{
	struct framing f = { 0 };

	MHD_get_connection_values(rq->connection, MHD_HEADER_KIND, framing_count, &f);
	if (f.hosts > 1)
		return "more than one Host header; send one";
	if (f.lengths > 1)
		return "more than one Content-Length header; send one";
	if (f.lengths > 0 && f.codings > 0)
		return "both Content-Length and Transfer-Encoding; send one of them";
	if (f.codings > 1 || (f.codings == 1 && !f.coding_known))
		return "the only Transfer-Encoding known here is chunked";
	if (!path_is_plain(rq->path))
		return "the request's target must be a path that begins with / and has other bytes than visible ASCII "
		       "percent-encoded";
	return NULL;
}

/* --- what the handler asks --- */

struct slice server_method(const struct server_request *rq)
{
	return rq->method;
}

struct slice server_path(const struct server_request *rq)
{
	return rq->path;
}

struct slice server_query(const struct server_request *rq)
{
	return rq->query;
}

static struct slice decoded(struct server_request *rq, struct slice text)
{
	struct buf out;

	buf_init(&out, text.n);
	percent_decode(&out, text, true);
	return arena_take_buf(&rq->arena, &out);
}

static void arguments_decode(struct server_request *rq)
{
	struct slice rest = rq->query, piece;
	size_t most = 1, equals;

	rq->arguments_known = true;
	for (size_t i = 0; i < rest.n; i++)
		most += rest.p[i] == '&';
	rq->arguments = arena_alloc(&rq->arena, most * sizeof(*rq->arguments));
	while (rest.n > 0) {
		piece = slice_of(rest.p, slice_find(rest, '&'));
		rest = slice_from(rest, piece.n < rest.n ? piece.n + 1 : piece.n);
		if (piece.n == 0)
			continue;
		equals = slice_find(piece, '=');
		rq->arguments[rq->argument_count++] = (struct request_argument){
			decoded(rq, slice_of(piece.p, equals)),
			decoded(rq, slice_from(piece, equals < piece.n ? equals + 1 : equals)),
		};
	}
}

bool server_argument_at(struct server_request *rq, size_t index, struct slice *ret_name, struct slice *ret_value)
{
	if (!rq->arguments_known)
		arguments_decode(rq);
	if (index >= rq->argument_count)
		return false;
	*ret_name = rq->arguments[index].name;
	*ret_value = rq->arguments[index].value;
	return true;
}

bool server_argument(struct server_request *rq, const char *name, struct slice *ret)
{
	struct slice candidate, value;

	for (size_t i = 0; server_argument_at(rq, i, &candidate, &value); i++)
		if (slice_is(candidate, name)) {
			*ret = value;
			return true;
		}
	return false;
}

struct slice server_header(const struct server_request *rq, const char *name)
{
	const char *value = NULL;
	size_t n = 0;

	if (MHD_lookup_connection_value_n(rq->connection, MHD_HEADER_KIND, name, strlen(name), &value, &n) != MHD_YES ||
	    !value)
		return slice_str("");
	return slice_of(value, n);
}

struct header_search {
	size_t index, at;
	bool found;
	struct slice name, value;
};

static enum MHD_Result header_search_step(void *ctx, enum MHD_ValueKind kind, const char *name, size_t name_n,
					  const char *value, size_t value_n)
{
	struct header_search *search = ctx;

	(void)kind;
	if (search->at++ < search->index)
		return MHD_YES;
	search->found = true;
	search->name = slice_of(name, name_n);
	search->value = value ? slice_of(value, value_n) : slice_str("");
	return MHD_NO;
}

bool server_header_at(const struct server_request *rq, size_t index, struct slice *ret_name, struct slice *ret_value)
{
	struct header_search search = { .index = index };

	MHD_get_connection_values_n(rq->connection, MHD_HEADER_KIND, header_search_step, &search);
	if (!search.found)
		return false;
	*ret_name = search.name;
	*ret_value = search.value;
	return true;
}

struct slice server_body(const struct server_request *rq)
{
	return rq->has_body ? buf_slice(&rq->body.content) : slice_str("");
}

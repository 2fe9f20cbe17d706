/*
 * The console's files: `/` is its index.html, `/console/{file}` one of the others. They are in the binary, compressed
 * when it was built, so an answer is a copy; for the rare client that takes no gzip they are expanded. Everything may
 * be kept by a browser but is asked for again (no-cache): with the ETag that costs an empty 304, and after an upgrade
 * nobody has old scripts beside new ones.
 *
 * The headers are the browser's orders: scripts, styles and calls from here and nowhere else, nothing inline; the pages
 * of others may frame it only where the operator says so. So a script that came in through a name or a message
 * would not run even if the console showed it as markup, which it never does.
 *
 * With console_dir the files come from a folder instead, read anew each time: for who works on the console.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "api/answer.h"
#include "api/console_file.h"
#include "api/handlers.h"
#include "base/mem.h"
#include "base/text.h"

#define FILE_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define NAME_MAX_BYTES 64
#define HEADERS_MAX    12
#define GZIP_WINDOW    (15 + 16) /* zlib's largest, and a gzip header */

/* --- headers --- */

struct heads {
	struct server_header_out rows[HEADERS_MAX];
	size_t count;
	struct buf policy;
};

static void add(struct heads *h, const char *name, const char *value)
{
	h->rows[h->count++] = (struct server_header_out){ name, value };
}

static void heads_begin(struct heads *h, const struct call *c)
{
	const char *ancestors = c->api->options.frame_ancestors;

	*h = (struct heads){ .count = 0 };
	buf_init(&h->policy, 8192);
	buf_addf(&h->policy,
		 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
		 "base-uri 'none'; form-action 'none'; frame-ancestors %s",
		 ancestors ? ancestors : "'none'");
	add(h, "Content-Security-Policy", buf_str(&h->policy));
	add(h, "X-Content-Type-Options", "nosniff");
	add(h, "Referrer-Policy", "no-referrer");
	add(h, "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
	add(h, "Cross-Origin-Opener-Policy", "same-origin"); /* of no effect inside a frame */
	add(h, "Cache-Control", "no-cache");
	if (!ancestors)
		add(h, "X-Frame-Options", "DENY"); /* for browsers that know no frame-ancestors */
}

static void give(struct call *c, int status, const char *type, struct slice body, struct heads *h)
{
	server_answer(c->rq, status, type, body, h->rows, h->count);
	buf_free(&h->policy);
	call_end(c);
}

/* --- from the binary --- */

static const struct console_file *find(struct slice name)
{
	for (const struct console_file *f = console_files; f->name; f++)
		if (slice_is(name, f->name))
			return f;
	return NULL;
}

/* "gzip", "gzip;q=0.5" and "*" take it, "gzip;q=0" does not. */
static bool takes_gzip(const struct call *c)
{
	struct slice rest = server_header(c->rq, "Accept-Encoding");

	while (rest.n > 0) {
		size_t n = slice_find(rest, ',');
		struct slice item = slice_trim(slice_of(rest.p, n)), coding = slice_of(item.p, slice_find(item, ';'));
		struct slice weight = slice_trim(slice_from(item, coding.n < item.n ? coding.n + 1 : item.n));

		rest = slice_from(rest, n < rest.n ? n + 1 : n);
		coding = slice_trim(coding);
		if (slice_eq_nocase(coding, SLICE_LIT("gzip")) || slice_is(coding, "*"))
			return !slice_is(weight, "q=0") && !slice_is(weight, "q=0.0") && !slice_is(weight, "q=0.000");
	}
	return false;
}

/* Has the client this content already? A weak tag is as good: the content is the same. */
static bool is_known(const struct call *c, const char *etag)
{
	struct slice rest = server_header(c->rq, "If-None-Match");

	while (rest.n > 0) {
		size_t n = slice_find(rest, ',');
		struct slice tag = slice_trim(slice_of(rest.p, n));

		rest = slice_from(rest, n < rest.n ? n + 1 : n);
		if (slice_starts(tag, SLICE_LIT("W/")))
			tag = slice_from(tag, 2);
		if (slice_is(tag, etag) || slice_is(tag, "*"))
			return true;
	}
	return false;
}

/* Our own bytes, made by the build: that they do not expand is a fault of the program. */
static char *expanded(const struct console_file *f)
{
	char *text = mem_alloc(f->size + 1);
	/* zlib's interface has no const; it does not write there. */
	z_stream z = { .next_in = (Bytef *)(uintptr_t)f->gzip,
		       .avail_in = (uInt)f->gzip_size,
		       .next_out = (Bytef *)text,
		       .avail_out = (uInt)f->size + 1 };
	int rc = inflateInit2(&z, GZIP_WINDOW);

	assert(rc == Z_OK);
	rc = inflate(&z, Z_FINISH);
	assert(rc == Z_STREAM_END && z.total_out == f->size);
	inflateEnd(&z);
	return text;
}

static void give_embedded(struct call *c, const struct console_file *f)
{
	struct heads h;
	char *text;

	heads_begin(&h, c);
	add(&h, "ETag", f->etag);
	add(&h, "Vary", "Accept-Encoding");
	if (is_known(c, f->etag)) {
		give(c, 304, NULL, slice_str(""), &h);
		return;
	}
	if (takes_gzip(c)) {
		add(&h, "Content-Encoding", "gzip");
		give(c, 200, f->type, slice_of(f->gzip, f->gzip_size), &h);
		return;
	}
	text = expanded(f);
	give(c, 200, f->type, slice_of(text, f->size), &h);
	mem_free(text);
}

/* --- from a folder --- */

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
		{ ".css", "text/css; charset=utf-8" },
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".png", "image/png" },
		{ ".svg", "image/svg+xml" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(dot, types[i][0]) == 0)
			return types[i][1];
	return "application/octet-stream";
}

static bool read_whole(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? 1 : -1;
	char *room;

	while (n > 0 && (room = buf_extend(out, 65536))) {
		n = read(fd, room, 65536);
		buf_truncate(out, out->n - 65536 + (size_t)(n > 0 ? n : 0));
	}
	if (fd >= 0)
		close(fd);
	return n == 0;
}

/* False: it is not there. */
static bool give_from_folder(struct call *c, const char *name)
{
	struct buf path, content;
	struct heads h;
	bool found;

	buf_init(&path, 8192);
	buf_init(&content, FILE_MAX_BYTES);
	buf_addf(&path, "%s/%s", c->api->options.console_dir, name);
	found = read_whole(buf_str(&path), &content);
	if (found) {
		heads_begin(&h, c);
		give(c, 200, type_of(name), buf_slice(&content), &h);
	}
	buf_free(&content);
	buf_free(&path);
	return found;
}

/* --- calls --- */

/* In a folder nothing but plain names is looked for, so nothing outside of it is reached. */
static void show(struct call *c, struct slice name)
{
	const struct console_file *f = find(name);
	char plain[NAME_MAX_BYTES + 1];

	slice_copy(plain, sizeof(plain), name);
	if (c->api->options.console_dir && id_valid(name, NAME_MAX_BYTES) && give_from_folder(c, plain))
		return;
	if (f)
		give_embedded(c, f);
	else
		answer_error(c, 404, "not_found", NULL, "the console has no such file");
}

void console_index(struct call *c)
{
	show(c, SLICE_LIT("index.html"));
}

void console_show(struct call *c)
{
	show(c, c->params[0]);
}

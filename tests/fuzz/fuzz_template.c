/*
 * Any template with any values. The first byte chooses the grammar; the template reaches up to the first NUL byte, and
 * what follows are values with NUL bytes between them, JSON string text with escapes where they are that, plain text
 * where not. Whatever compiles must render to valid JSON, well-formed XML, a URL that our own reader takes, a header of
 * one line, a form value of safe characters. Pipes see maps, a status map, a zone with summer time and a secret.
 */
#include <assert.h>
#include <expat.h>

#include "base/url.h"
#include "dialect/maps.h"
#include "dialect/status.h"
#include "dialect/template.h"
#include "dialect/zone.h"

#define OUTPUT_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice take_part(struct slice *rest)
{
	struct slice part = slice_of(rest->p, slice_find(*rest, '\0'));

	*rest = slice_from(*rest, part.n < rest->n ? part.n + 1 : part.n);
	return part;
}

/* As a JSON string. */
static void add_value(struct buf *out, struct slice value)
{
	struct json_doc doc;
	struct buf text;

	json_doc_init(&doc);
	buf_init(&text, OUTPUT_MAX);
	buf_add_char(&text, '"');
	buf_add_slice(&text, value);
	buf_add_char(&text, '"');
	if (json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0)
		buf_add_slice(out, buf_slice(&text));
	else
		json_add_string(out, value);
	buf_free(&text);
	json_doc_free(&doc);
}

static struct event *make_event(struct slice values)
{
	static const char *const members[] = { ",\"from_number\":",  ",\"to_number\":",	  ",\"content\":",
					       ",\"recipient_id\":", ",\"vars\":{\"a\":", "},\"num_parts\":",
					       ",\"fields\":[" };
	struct event *e = NULL;
	struct json_doc doc;
	struct buf text;

	json_doc_init(&doc);
	buf_init(&text, OUTPUT_MAX);
	buf_add_str(&text,
		    "{\"type\":\"send_status\",\"message\":{\"id\":17,\"status\":\"delivered\",\"time_sent\":1.5");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		buf_add_str(&text, members[i]);
		add_value(&text, take_part(&values));
	}
	for (int i = 0; i < 50 && values.n > 0; i++) {
		buf_add_char(&text, ',');
		add_value(&text, take_part(&values));
	}
	buf_add_str(&text, "]}}");
	assert(json_parse(&doc, buf_slice(&text), &json_limits_default, NULL) == 0);
	assert(event_parse(json_root(&doc), SLICE_LIT("p"), 0, &e, NULL) == 0);
	json_doc_free(&doc);
	buf_free(&text);
	return e;
}

/* Member names that hold placeholders may become the same; that alone is no fault. */
static void check_json(struct slice text)
{
	struct fault fault = { .message = "" };
	struct json_doc doc;

	json_doc_init(&doc);
	assert(json_parse(&doc, text, &json_limits_default, &fault) == 0 || strstr(fault.message, "occurs twice"));
	json_doc_free(&doc);
}

static void check_xml(struct slice text)
{
	XML_Parser parser = XML_ParserCreate("UTF-8");

	assert(XML_Parse(parser, text.p, (int)text.n, 1) == XML_STATUS_OK);
	XML_ParserFree(parser);
}

static void check_url(struct slice text)
{
	struct url url;

	assert(url_parse(text, &url, NULL) == 0);
	for (size_t i = 0; i < text.n; i++)
		assert(text.p[i] > ' ' && text.p[i] < 0x7f);
}

static void check_header(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		assert(text.p[i] == '\t' || ((uint8_t)text.p[i] >= 0x20 && text.p[i] != 0x7f));
}

static void check_form(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		assert(text.p[i] > ' ' && text.p[i] < 0x7f && !strchr("&=#?\"<>", text.p[i]));
}

/* What an endpoint lends its templates. */
struct surroundings {
	struct maps *maps;
	struct status_map *statuses;
	struct zone *zone;
};

static void surroundings_init(struct surroundings *s)
{
	static const char maps[] = "{\"m\":{\"delivered\":1.5,\"17\":\"\\u0022<&>\\r\\n\",\"x\":null,\"true\":false,\"*"
				   "\":\"\\ud800]]>\"},\"n\":{}}";
	static const char statuses[] = "{\"delivered\":\"<D&\\u0022>\",\"x\":null}";
	struct json_doc doc;

	json_doc_init(&doc);
	assert(json_parse(&doc, slice_str(maps), &json_limits_default, NULL) == 0);
	assert(maps_compile(json_root(&doc), &s->maps, NULL) == 0);
	assert(json_parse(&doc, slice_str(statuses), &json_limits_default, NULL) == 0);
	assert(status_map_compile(json_root(&doc), &s->statuses, NULL) == 0);
	assert(zone_read(SLICE_LIT("+05:45"), &s->zone, NULL) == 0);
	json_doc_free(&doc);
}

static void surroundings_free(struct surroundings *s)
{
	maps_free(&s->maps);
	status_map_free(&s->statuses);
	zone_free(&s->zone);
}

static void check(enum template_grammar grammar, const struct template *t, const struct surroundings *s,
		  struct slice values)
{
	static void (*const checks[])(struct slice) = { [TEMPLATE_JSON] = check_json,
							[TEMPLATE_XML] = check_xml,
							[TEMPLATE_URL] = check_url,
							[TEMPLATE_HEADER] = check_header,
							[TEMPLATE_FORM] = check_form };
	struct event *e = make_event(values);
	struct scope scope = { .event = e,
			       .statuses = s->statuses,
			       .organization_id = SLICE_LIT("org"),
			       .delivery_id = SLICE_LIT("d1"),
			       .attempt = 1,
			       .zone = s->zone,
			       .secret = SLICE_LIT("secret") };
	struct buf out;
	int err;

	buf_init(&out, OUTPUT_MAX);
	err = template_render(t, &scope, &out);
	if (err == 0)
		checks[grammar](buf_slice(&out));
	else
		assert(err == ERR_INVALID && (grammar == TEMPLATE_URL || grammar == TEMPLATE_HEADER));
	buf_free(&out);
	event_unref(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size), text;
	struct fault fault = { .message = "" };
	struct template *t = NULL;
	struct surroundings around;
	enum template_grammar grammar;

	if (size == 0)
		return 0;
	grammar = (enum template_grammar)(data[0] % 5);
	rest = slice_from(rest, 1);
	text = take_part(&rest);
	surroundings_init(&around);
	if (template_compile_with(grammar, text, around.maps, &t, &fault) == 0)
		check(grammar, t, &around, rest);
	else
		assert(fault.message[0] && fault.position >= 0 && (size_t)fault.position <= text.n);
	template_free(&t);
	surroundings_free(&around);
	return 0;
}

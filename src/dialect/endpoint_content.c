/*
 * Readers of what shapes the content beside templates: the fields of a form, value maps, the time zone, what a JSON
 * batch is wrapped in; and the ports that a preset's vendor allows.
 */
#include "base/mem.h"
#include "base/text.h"
#include "dialect/endpoint_field.h"

#define FIELD_NAME_MAX 128

static void decode(struct json v, struct buf *out)
{
	buf_init(out, json_raw(v).n + 1);
	json_text(v, out);
}

/* --- fields --- */

static bool is_line(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static char *encoded(struct slice name)
{
	struct buf out;

	buf_init(&out, 3 * FIELD_NAME_MAX);
	form_add(&out, name);
	return buf_take(&out);
}

static int add_field(const struct field *f, struct endpoint *ep, struct slice name, struct json v, struct fault *fault)
{
	struct template *value = NULL;
	struct buf text;
	int err;

	if (name.n == 0 || name.n > FIELD_NAME_MAX || !is_line(name))
		return fault_param(fault, "", "has a name that is empty, longer than %d bytes or no plain text",
				   FIELD_NAME_MAX);
	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a string, the template of the value");
	if (ep->field_count == ENDPOINT_FIELDS_MAX)
		return fault_param(fault, "", "is one field too many; at most %d are allowed", ENDPOINT_FIELDS_MAX);
	decode(v, &text);
	err = text.n > (size_t)f->most
		      ? fault_param(fault, "", "is longer than %.0f bytes", f->most)
		      : template_compile_with(TEMPLATE_FORM, buf_slice(&text), ep->maps, &value, fault);
	if (!err)
		ep->fields[ep->field_count++] = (struct endpoint_form_field){ encoded(name), value };
	buf_free(&text);
	return err;
}

static size_t members(struct json v)
{
	size_t n = 0;

	for (struct json_iter it = json_each(v); json_next(&it);)
		n++;
	return n;
}

static int check_place(struct json v, const struct endpoint *ep, struct fault *fault)
{
	if (json_type(v) != JSON_OBJECT)
		return field_wrong(v, fault, "an object from names of parameters to templates of their values");
	if (ep->content != CONTENT_FORM && ep->content != CONTENT_QUERY)
		return fault_param(fault, "",
				   "are the parameters of content_type form or query; set it to one of them, or leave "
				   "fields out");
	return 0;
}

int read_fields(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct json_iter it = json_each(v);
	struct buf scratch;
	int err = 0;

	if (json_is_nil(v))
		return 0;
	if (check_place(v, ep, fault) != 0)
		return ERR_INVALID;
	ep->fields = mem_zalloc((members(v) + 1) *
				sizeof(*ep->fields)); /* never NULL: an empty object is no parameter at all */
	buf_init(&scratch, 64 * 1024);
	while (!err && json_next(&it)) {
		struct slice name = json_text_slice(it.key, &scratch);

		err = add_field(f, ep, name, it.value, fault);
		if (err)
			fault_within(fault, "%.*s", SLICE_HEAD(name, 80));
	}
	buf_free(&scratch);
	return err;
}

/* --- maps, zone, wrap --- */

int read_maps(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	(void)f;
	return json_is_nil(v) ? 0 : maps_compile(v, &ep->maps, fault);
}

int read_time_zone(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct buf text;
	int err;

	if (json_type(v) != JSON_STRING)
		return field_wrong(v, fault, "a time zone such as \"UTC\", \"+02:00\" or \"Europe/Berlin\"");
	decode(v, &text);
	if (text.n > (size_t)f->most || memchr(buf_str(&text), 0, text.n))
		err = fault_param(fault, "", "is no time zone; write one such as UTC, +02:00 or Europe/Berlin");
	else
		err = zone_read(buf_slice(&text), &ep->zone, fault);
	buf_free(&text);
	return err;
}

int read_wrap(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	int err = read_line(f, v, ep, fault);

	if (!err && ep->batch.wrap[0] == '\0')
		return fault_param(fault, "",
				   "must be the name that the items of a batch stand under, or [] for a bare array");
	return err;
}

/* --- ports --- */

/*
 * An endpoint may narrow what the daemon allows. It must not open the services below 1024 that the daemon keeps shut.
 */
static int add_port(const struct field *f, struct json v, uint16_t *list, size_t *count, struct fault *fault)
{
	int64_t port;

	if (!json_i64(v, &port) || port < (int64_t)f->least || port > (int64_t)f->most)
		return field_wrong(v, fault, "a port from %.0f to %.0f", f->least, f->most);
	if (port < 1024 && port != 80 && port != 443)
		return fault_param(fault, "", "must be 80, 443 or above 1023; other ports only the operator can open");
	if (*count == ENDPOINT_PORTS_MAX)
		return fault_param(fault, "", "is one port too many; at most %d are allowed", ENDPOINT_PORTS_MAX);
	list[(*count)++] = (uint16_t)port;
	return 0;
}

int read_ports(const struct field *f, struct json v, struct endpoint *ep, struct fault *fault)
{
	struct json_iter it = json_each(v);
	uint16_t list[ENDPOINT_PORTS_MAX];
	size_t count = 0;

	if (json_is_nil(v))
		return 0;
	if (json_type(v) != JSON_ARRAY)
		return field_wrong(v, fault, "a list of ports, or null for those that the daemon allows");
	while (json_next(&it)) {
		if (add_port(f, it.value, list, &count, fault) == 0)
			continue;
		fault_within(fault, "[%u]", it.index);
		return ERR_INVALID;
	}
	if (count == 0)
		return fault_param(fault, "", "is an empty list, so nothing could be sent; name a port, or use null");
	ep->peer.ports = mem_dup(list, count * sizeof(*list));
	ep->peer.port_count = count;
	return 0;
}

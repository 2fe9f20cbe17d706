/*
 * Pipes: what a placeholder does with its value before it is written, {message.to_number|msisdn}.
 * They exist so that another vendor's format is a file: a date in the vendor's notation, a number
 * without its plus sign, a code instead of a word. One row of the table is one pipe; arguments
 * are checked when the template is compiled, so applying one can't fail.
 *
 * A missing value goes through all pipes untouched but `or` and `default`, which exist for it. Whether a value stands
 * in JSON with quotes is the value's own matter: times in Unix seconds and numbers of a map stand without.
 */
#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "dialect/maps.h"
#include "dialect/moment.h"
#include "dialect/nearest.h"
#include "dialect/status.h"
#include "dialect/template_parts.h"

#define STEPS_MAX	8
#define LONG_NUMBER_MIN 7 /* digits; fewer are a short code, which no country's prefix belongs to (telerivet.md) */
#define MSISDN_MAX	32

struct pipe {
	const char *name;
	/* NULL: the pipe takes no argument. Otherwise checks it, and fills what of the step depends on it. */
	int (*prepare)(struct builder *b, size_t at, struct step *step);
	/*
	 * Changes *v; new text goes to out, which does not hold the
	 * old one. Called for missing values only with on_missing.
	 */
	void (*apply)(const struct step *step, const struct looking *look, struct buf *out, struct value *v);
	bool on_missing;
};

/* --- what stands in for a missing value --- */

/* A name without a dot is a member of the event itself: {message.time_done|or:time}. */
static int prepare_or(struct builder *b, size_t at, struct step *step)
{
	int found = source_read(b, at, step->argument, &step->other);

	if (found < 0)
		return found;
	if (found == 0)
		step->other.path = step->argument;
	return step->argument.n > 0 ? 0 : builder_fail(b, at, "or needs a name, as in {message.time_done|or:time}");
}

static void apply_or(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	if (v->missing)
		source_value(&step->other, look, out, v);
}

static int prepare_default(struct builder *b, size_t at, struct step *step)
{
	(void)b;
	(void)at;
	(void)step;
	return 0;
}

static void apply_default(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	(void)look;
	(void)out;
	if (v->missing)
		*v = (struct value){ .text = step->argument, .bare = is_json_number(step->argument) };
}

/* SOURCE=WORD,WORD: what is said only sometimes, as the time of a delivery that a failure has too. */
static int prepare_when(struct builder *b, size_t at, struct step *step)
{
	size_t equals = slice_find(step->argument, '=');
	int found = source_read(b, at, slice_of(step->argument.p, equals), &step->other);

	if (found < 0)
		return found;
	if (found == 0 || equals == step->argument.n)
		return builder_fail(
			b, at,
			"when needs a name and words, as in {message.time_done|when:message.status=delivered,read}");
	step->argument = slice_from(step->argument, equals + 1);
	return 0;
}

static bool is_among(struct slice words, struct slice word)
{
	for (;;) {
		size_t comma = slice_find(words, ',');

		if (slice_eq(slice_of(words.p, comma), word))
			return true;
		if (comma == words.n)
			return false;
		words = slice_from(words, comma + 1);
	}
}

static void apply_when(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	struct value other;

	source_value(&step->other, look, out, &other);
	if (other.missing || !is_among(step->argument, other.text))
		*v = (struct value){ .text = SLICE_LIT(""), .missing = true };
}

/* --- arrays --- */

static void apply_count(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	struct json_doc doc;
	int64_t count = 0;

	(void)step;
	(void)look;
	json_doc_init(&doc);
	if (v->bare && json_parse(&doc, v->text, &json_limits_default, NULL) == 0)
		for (struct json_iter it = json_each(json_root(&doc)); json_next(&it);)
			count++;
	json_doc_free(&doc);
	buf_reset(out);
	buf_add_i64(out, count);
	*v = (struct value){ .text = buf_slice(out), .bare = true };
}

/* --- times --- */

static int prepare_time(struct builder *b, size_t at, struct step *step)
{
	struct fault why = NO_FAULT;

	return moment_check(step->argument, &why) == 0 ? 0 : builder_fail(b, at, "%s", why.message);
}

static void put_time(const struct step *step, const struct zone *zone, struct buf *out, struct value *v)
{
	int64_t us;

	if (!when_read_unix(v->text, &us)) {
		*v = (struct value){ .text = SLICE_LIT(""), .missing = true };
		return;
	}
	buf_reset(out);
	moment_add(out, step->argument, us, zone);
	*v = (struct value){ .text = buf_slice(out), .bare = moment_is_number(step->argument) };
}

static void apply_time(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	put_time(step, look->subject->scope->zone, out, v);
}

static void apply_utc(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	(void)look;
	put_time(step, NULL, out, v);
}

/* --- words --- */

static int prepare_map(struct builder *b, size_t at, struct step *step)
{
	struct slice near;

	step->map = maps_find(b->maps, step->argument);
	if (json_type(step->map) == JSON_OBJECT)
		return 0;
	near = maps_near(b->maps, step->argument);
	if (near.n > 0)
		return builder_fail(b, at, "there is no map \"%.*s\"; did you mean \"%.*s\"?",
				    SLICE_ARG(step->argument), SLICE_ARG(near));
	return builder_fail(b, at, "there is no map \"%.*s\"; give it in the setting maps", SLICE_ARG(step->argument));
}

static void apply_map(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	struct json found = maps_value(step->map, v->text);

	(void)look;
	if (json_type(found) == JSON_NULL)
		*v = (struct value){ .text = SLICE_LIT(""), .missing = true };
	else if (json_type(found) != JSON_NONE)
		*v = (struct value){ .text = json_text_slice(found, out), .bare = json_type(found) != JSON_STRING };
}

/* What {STATUS} does with message.status, for any other word: a leg of message.channel_status. */
static void apply_status(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	const struct subject *s = look->subject;
	struct buf type;
	bool sent;

	(void)step;
	buf_init(&type, out->max);
	buf_reset(out);
	sent = status_map_word(s->scope->statuses, event_message_type(s->scope->event, &type), v->text,
			       json_type(json_get(s->message, "simulated")) == JSON_TRUE, out);
	*v = (struct value){ .text = buf_slice(out), .missing = !sent };
	buf_free(&type);
}

static void change_case(char first, struct buf *out, struct value *v)
{
	buf_reset(out);
	buf_add_slice(out, v->text);
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] >= first && out->p[i] < first + 26)
			out->p[i] ^= 0x20;
	v->text = buf_slice(out);
}

/* ASCII only: what is meant are words of a protocol, not of a language. */
static void apply_upper(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	(void)step;
	(void)look;
	change_case('a', out, v);
}

static void apply_lower(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	(void)step;
	(void)look;
	change_case('A', out, v);
}

/* --- numbers of telephones --- */

/*
 * The digits of a number written with or without + or 00 and marks
 * between; 0 when it is none, such as an alphanumeric sender.
 */
static size_t digits_of(struct slice text, char ret[MSISDN_MAX], bool *ret_international)
{
	size_t n = 0;

	*ret_international = slice_starts(text, SLICE_LIT("+")) || slice_starts(text, SLICE_LIT("00"));
	if (*ret_international)
		text = slice_from(text, text.p[0] == '+' ? 1 : 2);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] >= '0' && text.p[i] <= '9' && n < MSISDN_MAX)
			ret[n++] = text.p[i];
		else if (!strchr(" -./()", text.p[i]))
			return 0;
	}
	return n;
}

/* A number that begins with one 0 is a national one, and which country's is not ours to guess: it stays as it is. */
static void put_number(const char *prefix, struct buf *out, struct value *v)
{
	char digits[MSISDN_MAX];
	bool international;
	size_t n = digits_of(v->text, digits, &international);

	v->bare = false;
	if (n == 0 || (!international && (digits[0] == '0' || n < LONG_NUMBER_MIN)))
		return;
	buf_reset(out);
	buf_add_str(out, prefix);
	buf_add(out, digits, n);
	v->text = buf_slice(out);
}

static void apply_msisdn(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	(void)step;
	(void)look;
	put_number("", out, v);
}

static void apply_e164(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	(void)step;
	(void)look;
	put_number("+", out, v);
}

/* --- proof --- */

/* What TurboSMS calls a signature; the checking side is sign_turbosms.c. */
static void apply_secret_sha1(const struct step *step, const struct looking *look, struct buf *out, struct value *v)
{
	struct slice secret = look->subject->scope->secret;
	const struct slice parts[] = { secret, v->text };
	uint8_t digest[SHA1_BYTES];

	(void)step;
	if (!secret.p) {
		*v = (struct value){ .text = SLICE_LIT(""), .missing = true };
		return;
	}
	sha1_parts(parts, 2, digest);
	buf_reset(out);
	hex_add(out, digest, sizeof(digest));
	*v = (struct value){ .text = buf_slice(out) };
}

/* --- the table --- */

/* clang-format off: a table is read by its columns */
static const struct pipe pipes[] = {
	/* name, prepare, apply, on_missing */
	{ "or", prepare_or, apply_or, true },
	{ "default", prepare_default, apply_default, true },
	{ "when", prepare_when, apply_when, false },
	{ "time", prepare_time, apply_time, false },
	{ "utc", prepare_time, apply_utc, false },
	{ "map", prepare_map, apply_map, false },
	{ "status", NULL, apply_status, false },
	{ "msisdn", NULL, apply_msisdn, false },
	{ "e164", NULL, apply_e164, false },
	{ "upper", NULL, apply_upper, false },
	{ "lower", NULL, apply_lower, false },
	{ "count", NULL, apply_count, false },
	{ "secret_sha1", NULL, apply_secret_sha1, false },
};
/* clang-format on */
#define PIPES (sizeof(pipes) / sizeof(pipes[0]))

static const struct pipe *pipe_find(struct slice name)
{
	for (size_t i = 0; i < PIPES; i++)
		if (slice_is(name, pipes[i].name))
			return &pipes[i];
	return NULL;
}

static int refuse_pipe(struct builder *b, size_t at, struct slice name)
{
	struct nearest nearest;

	nearest_begin(&nearest, name);
	for (size_t i = 0; i < PIPES; i++)
		nearest_offer(&nearest, slice_str(pipes[i].name));
	return builder_fail(b, at, "\"%.*s\" is nothing that a placeholder can do; did you mean |%.*s?",
			    SLICE_HEAD(name, 40), SLICE_ARG(nearest.best));
}

/*
 * Characters that mean something in one of the grammars around it, so that an argument reads the same in all of them.
 */
static int check_argument(struct builder *b, size_t at, struct slice argument)
{
	for (size_t i = 0; i < argument.n; i++)
		if ((uint8_t)argument.p[i] < 0x20 || argument.p[i] == 0x7f || strchr("{\"'\\<>&", argument.p[i]))
			return builder_fail(b, at + i,
					    "a character in a placeholder's argument that can't stand there; none of "
					    "{ } | \" ' \\ < > & and no control character can");
	return 0;
}

static int add_step(struct builder *b, size_t at, const struct step *step, struct hole *hole)
{
	struct template *t = b->t;

	if (hole->step_count == STEPS_MAX)
		return builder_fail(b, at, "more than %d pipes in one placeholder", STEPS_MAX);
	t->steps = mem_realloc(t->steps, (t->step_count + 1) * sizeof(*t->steps));
	t->steps[t->step_count++] = *step;
	hole->step_count++;
	return 0;
}

int pipe_read(struct builder *b, size_t at, struct slice text, struct hole *hole)
{
	size_t colon = slice_find(text, ':');
	struct slice name = slice_of(text.p, colon);
	struct step step = { .pipe = pipe_find(name), .argument = slice_from(text, colon) };
	int err;

	if (!step.pipe)
		return refuse_pipe(b, at, name);
	if (colon < text.n && !step.pipe->prepare)
		return builder_fail(b, at + colon, "|%s takes no argument", step.pipe->name);
	if (colon == text.n && step.pipe->prepare)
		return builder_fail(b, at + colon, "|%s needs an argument, behind a colon", step.pipe->name);
	if (colon < text.n)
		step.argument = slice_from(text, colon + 1);
	err = check_argument(b, at + colon + 1, step.argument);
	if (!err && step.pipe->prepare)
		err = step.pipe->prepare(b, at + colon + 1, &step);
	return err ? err : add_step(b, at, &step, hole);
}

/* --- applying --- */

static bool points_into(struct slice s, const struct buf *b)
{
	return b->p && s.p >= b->p && s.p <= b->p + b->n;
}

void hole_value(const struct template *t, const struct hole *hole, struct looking *look, struct value *ret)
{
	source_value(&hole->source, look, &look->scratch[0], ret);
	for (uint32_t i = 0; i < hole->step_count; i++) {
		const struct step *step = &t->steps[hole->first_step + i];
		struct buf *out = &look->scratch[points_into(ret->text, &look->scratch[0]) ? 1 : 0];

		if (!ret->missing || step->pipe->on_missing)
			step->pipe->apply(step, look, out, ret);
	}
}

/*
 * Reading settings: three sources call one function, settings_set, which knows the rows (settings_table.c)
 * and nothing of where the text came from. A name that nobody knows is refused and the nearest
 * is named: a misspelt setting that is passed over would be found on the day it was needed.
 */
#include "daemon/settings.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "daemon/settings_table.h"
#include "dialect/nearest.h"
#include "net/mail.h"

#define MIB (INT64_C(1) << 20)

/* "allow_net" from "allow-net" or "ALLOW_NET". */
static void plain_name(char ret[64], struct slice s)
{
	slice_copy(ret, 64, s);
	for (char *p = ret; *p; p++) {
		if (*p == '-')
			*p = '_';
		else if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
}

static int unknown(const char *where, struct slice name, struct fault *fault)
{
	struct nearest near;

	nearest_begin(&near, name);
	for (size_t i = 0; setting_at(i); i++)
		nearest_offer(&near, slice_str(setting_at(i)->name));
	return fault_param(fault, where, "there is no setting '%.*s' - did you mean '%.*s'?", SLICE_ARG(name),
			   SLICE_ARG(near.best));
}

/* --- values --- */

static void list_clear(struct text_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		mem_free(l->items[i]);
	mem_free(l->items);
	*l = (struct text_list){ NULL, 0 };
}

static void list_add(struct text_list *l, struct slice value)
{
	l->items = mem_realloc(l->items, (l->count + 1) * sizeof(char *));
	l->items[l->count++] = slice_dup(value);
}

static int set_number(const struct setting *r, int64_t *target, struct slice value, const char *where,
		      struct fault *fault)
{
	long long n;

	if (!slice_to_i64(value, &n) || n < r->least || n > r->most)
		return fault_param(fault, where, "'%.*s' is no number for %s - write one from %lld to %lld",
				   SLICE_ARG(value), r->name, (long long)r->least, (long long)r->most);
	*target = n;
	return 0;
}

static int set_size(const struct setting *r, int64_t *target, struct slice value, const char *where,
		    struct fault *fault)
{
	int64_t n;

	if (!size_read(value, &n) || n < r->least || n > r->most)
		return fault_param(fault, where,
				   "'%.*s' is no size for %s - write one from %lldM to %lldM, as 64M or 2G",
				   SLICE_ARG(value), r->name, (long long)(r->least / MIB), (long long)(r->most / MIB));
	*target = n;
	return 0;
}

static int set_choice(const struct setting *r, int *target, struct slice value, const char *where, struct fault *fault)
{
	struct slice rest = slice_str(r->words);

	for (int i = 0; rest.n > 0; i++) {
		size_t n = slice_find(rest, ' ');

		if (slice_eq(value, slice_of(rest.p, n))) {
			*target = i;
			return 0;
		}
		rest = slice_from(rest, n < rest.n ? n + 1 : n);
	}
	return fault_param(fault, where, "'%.*s' is no value of %s - write one of: %s", SLICE_ARG(value), r->name,
			   r->words);
}

static int set_text(const struct setting *r, char **target, struct slice value, const char *where, struct fault *fault)
{
	struct fault why;
	struct url url;

	if (r->kind == SETTING_URL && url_parse(value, &url, &why))
		return fault_param(fault, where, "'%.*s' is no URL: %s - write one as https://hooks.example.org",
				   SLICE_ARG(value), why.message);
	mem_free(*target);
	*target = slice_dup(value);
	return 0;
}

/* first: of this row in this source, so that a list begins anew. */
static int settings_set(struct serve_settings *s, const struct setting *r, struct slice value, bool first,
			const char *where, struct fault *fault)
{
	void *target = (char *)s + r->offset;

	slice_copy(s->where[setting_index(r)], sizeof(s->where[0]), slice_str(where));
	switch (r->kind) {
	case SETTING_TEXT:
	case SETTING_URL:
		return set_text(r, target, value, where, fault);
	case SETTING_LIST:
		if (first)
			list_clear(target);
		list_add(target, value);
		return 0;
	case SETTING_NUMBER:
		return set_number(r, target, value, where, fault);
	case SETTING_SIZE:
		return set_size(r, target, value, where, fault);
	case SETTING_CHOICE:
		return set_choice(r, target, value, where, fault);
	}
	return ERR_INVALID;
}

/* --- sources --- */

/* Which rows a source has given already. */
struct source {
	struct serve_settings *s;
	struct fault *fault;
	bool given[SETTINGS_MAX];
};

static int source_set(struct source *src, const struct setting *r, struct slice value, const char *where)
{
	bool *given = &src->given[setting_index(r)], first = !*given;

	if (!first && r->kind != SETTING_LIST)
		return fault_param(src->fault, where, "%s is given twice - leave one of them", r->name);
	*given = true;
	return settings_set(src->s, r, value, first, where, src->fault);
}

static int read_defaults(struct serve_settings *s, struct fault *fault)
{
	const struct setting *r;

	for (size_t i = 0; (r = setting_at(i)); i++)
		if (r->fallback && settings_set(s, r, slice_str(r->fallback), true, "", fault))
			return ERR_INVALID;
	return 0;
}

/* The file, with the number of the line that inih does not tell. */
struct file_source {
	struct source source;
	const char *path;
	FILE *file;
	int line, faulty_line; /* 0: none yet */
	int error;	       /* of reading, errno */
};

static char *file_line(char *text, int n, void *ctx)
{
	struct file_source *fs = ctx;
	char *got = fgets(text, n, fs->file);

	fs->line++;
	if (!got && ferror(fs->file))
		fs->error = errno;
	return got;
}

static int file_pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct file_source *fs = ctx;
	const struct setting *r = setting_find(slice_str(name));
	char where[64];
	int err;

	if (fs->faulty_line)
		return 0;
	snprintf(where, sizeof(where), "%.48s:%d", fs->path, fs->line);
	if (section[0] && strcmp(section, "postrider") != 0)
		err = fault_param(fs->source.fault, where,
				  "there is no section [%.40s] - leave the heading out, or write [postrider]", section);
	else if (!r || strcmp(name, "config") == 0)
		err = unknown(where, slice_str(name), fs->source.fault);
	else
		err = source_set(&fs->source, r, slice_str(value), where);
	if (err)
		fs->faulty_line = fs->line;
	return !err;
}

/* Also a folder, which can be opened and looks like an empty file until the error of reading it is asked for. */
static int unreadable(const struct serve_settings *s, int error, struct fault *fault)
{
	return fault_param(fault, settings_where(s, "config"),
			   "cannot read %.200s: %s - give the path of a settings file", s->config, strerror(error));
}

static int read_file(struct serve_settings *s, struct fault *fault)
{
	struct file_source fs = { .source = { .s = s, .fault = fault }, .path = s->config };
	int first_bad;
	char where[64];

	if (!s->config)
		return 0;
	fs.file = fopen(s->config, "re");
	if (!fs.file)
		return unreadable(s, errno, fault);
	first_bad = ini_parse_stream(file_line, &fs, file_pair, &fs);
	fclose(fs.file);
	if (fs.error)
		return unreadable(s, fs.error, fault);
	if (first_bad == 0)
		return 0;
	if (fs.faulty_line && fs.faulty_line <= first_bad)
		return ERR_INVALID;
	snprintf(where, sizeof(where), "%.48s:%d", s->config, first_bad);
	return fault_param(fault, where, "the line is no setting - write name = value");
}

/* Variables of the commands, and of systemd's making. */
static bool is_others(struct slice name)
{
	return slice_is(name, "URL") || slice_is(name, "KEY") || slice_is(name, "PROJECT");
}

static int read_variable(struct source *src, struct slice entry)
{
	static const struct slice prefix = SLICE_LIT("POSTRIDER_");
	struct slice name, value;
	const struct setting *r;
	char plain[64], where[64];
	size_t equals = slice_find(entry, '=');

	if (!slice_starts(entry, prefix) || equals >= entry.n || equals + 1 == entry.n)
		return 0;
	name = slice_of(entry.p + prefix.n, equals - prefix.n);
	value = slice_from(entry, equals + 1);
	if (is_others(name))
		return 0;
	slice_copy(where, sizeof(where), slice_of(entry.p, equals));
	plain_name(plain, name);
	r = setting_find(slice_str(plain));
	if (!r)
		return unknown(where, slice_str(plain), src->fault);
	if (strcmp(plain, "config") == 0) /* read before, it names the file */
		return 0;
	if (r->kind != SETTING_LIST)
		return source_set(src, r, value, where);
	while (value.n > 0) {
		size_t n = slice_find(value, ',');

		if (source_set(src, r, slice_trim(slice_of(value.p, n)), where))
			return ERR_INVALID;
		value = slice_from(value, n < value.n ? n + 1 : n);
	}
	return 0;
}

static int read_variables(struct serve_settings *s, char *const *environment, struct fault *fault)
{
	struct source src = { .s = s, .fault = fault };

	for (char *const *entry = environment; *entry; entry++)
		if (read_variable(&src, slice_str(*entry)))
			return ERR_INVALID;
	return 0;
}

/*
 * Walks the command line. only_config: takes --config and passes
 * over the rest, whose faults are found in the second walk.
 */
static int read_options(struct serve_settings *s, int argc, char **argv, bool only_config, struct fault *fault)
{
	struct source src = { .s = s, .fault = fault };

	for (int i = 1; i < argc; i++) {
		struct slice arg = slice_str(argv[i]), value = slice_str("");
		size_t equals = slice_find(arg, '=');
		char plain[64], where[64];
		const struct setting *r;

		if (slice_is(arg, "--help") || slice_is(arg, "-h"))
			return SETTINGS_HELP;
		slice_copy(where, sizeof(where), slice_of(arg.p, equals));
		if (!slice_starts(arg, SLICE_LIT("--")) || arg.n == 2)
			return fault_param(fault, where,
					   "serve takes options only - `postrider serve --help` lists them");
		plain_name(plain, slice_from(slice_of(arg.p, equals), 2));
		r = setting_find(slice_str(plain));
		if (!r)
			return unknown(where, slice_str(plain), fault);
		if (equals < arg.n)
			value = slice_from(arg, equals + 1);
		else if (i + 1 < argc)
			value = slice_str(argv[++i]);
		if (value.n == 0)
			return fault_param(fault, where, "%s is missing - write %s %s", r->argument, where,
					   r->argument);
		if (only_config == (strcmp(r->name, "config") == 0) && source_set(&src, r, value, where))
			return ERR_INVALID;
	}
	return 0;
}

static void config_from_environment(struct serve_settings *s, char *const *environment)
{
	static const struct slice name = SLICE_LIT("POSTRIDER_CONFIG=");

	for (char *const *entry = environment; *entry && !s->config; entry++)
		if (slice_starts(slice_str(*entry), name) && (*entry)[name.n]) {
			s->config = mem_strdup(*entry + name.n);
			slice_copy(s->where[setting_index(setting_find(SLICE_LIT("config")))], sizeof(s->where[0]),
				   SLICE_LIT("POSTRIDER_CONFIG"));
		}
}

/* --- what several settings must agree in --- */

/* Before anything is started: the node asks for the same, but by then the log has begun to speak. */
static bool is_key(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n >= 16 && n <= 200;
}

/* Nothing that would end the host inside a URL. */
static bool host_is_plain(const char *host)
{
	return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == strlen(host) ||
	       (strchr(host, ':') && strspn(host, "0123456789abcdefABCDEF:.") == strlen(host));
}

/* A mail server half described is a mistake that would be found when the first mail is needed. */
static int check_mail(const struct serve_settings *s, struct fault *fault)
{
	static const char *const wants_host[] = { "smtp_user", "smtp_password", "smtp_password_file", "smtp_from",
						  "smtp_ca" };
	const char *has_password = s->smtp_password	   ? "smtp_password"
				   : s->smtp_password_file ? "smtp_password_file"
							   : NULL;

	for (size_t i = 0; i < sizeof(wants_host) / sizeof(wants_host[0]) && !s->smtp_host; i++)
		if (*(char *const *)((const char *)s + setting_find(slice_str(wants_host[i]))->offset))
			return fault_param(fault, settings_where(s, wants_host[i]),
					   "there is no mail server that it could be for - give smtp_host too");
	if (s->smtp_host && !host_is_plain(s->smtp_host))
		return fault_param(fault, settings_where(s, "smtp_host"),
				   "'%.100s' is no host - write a name or an address; the port is smtp_port",
				   s->smtp_host);
	if (s->smtp_host && !s->smtp_from)
		return fault_param(fault, settings_where(s, "smtp_host"),
				   "mails need an address that they come from - give smtp_from too");
	if (s->smtp_from && !mail_address(slice_str(s->smtp_from)))
		return fault_param(fault, settings_where(s, "smtp_from"),
				   "'%.100s' is no mail address - write one as postrider@example.org", s->smtp_from);
	if (s->smtp_password && s->smtp_password_file)
		return fault_param(fault, settings_where(s, "smtp_password_file"),
				   "smtp_password is given as well - leave one of them");
	if (s->smtp_user && !has_password)
		return fault_param(fault, settings_where(s, "smtp_user"),
				   "logging in needs a password - give smtp_password_file or smtp_password too");
	if (has_password && !s->smtp_user)
		return fault_param(fault, settings_where(s, has_password),
				   "a password is for logging in as somebody - give smtp_user too");
	return 0;
}

static int check(const struct serve_settings *s, struct fault *fault)
{
	if (s->admin_key && !is_key(s->admin_key))
		return fault_param(
			fault, settings_where(s, "admin_key"),
			"an admin key has 16 to 200 visible ASCII characters, without blanks - give another one");
	if (s->admin_key && s->admin_key_file)
		return fault_param(fault, settings_where(s, "admin_key_file"),
				   "admin_key is given as well - leave one of them");
	if (s->store && strncmp(s->store, "postgresql:", 11) == 0)
		return fault_param(
			fault, settings_where(s, "store"),
			"the shared store on PostgreSQL is not in this version - leave it out and give --data DIR");
	if (s->store)
		return fault_param(fault, settings_where(s, "store"),
				   "'%.100s' is no store - leave it out and give --data DIR", s->store);
	if (!s->tls_cert != !s->tls_key)
		return fault_param(fault, settings_where(s, s->tls_cert ? "tls_cert" : "tls_key"),
				   "HTTPS needs both tls_cert and tls_key - give the other one too");
	return check_mail(s, fault);
}

static void default_data(struct serve_settings *s, char *const *environment)
{
	static const struct slice name = SLICE_LIT("STATE_DIRECTORY=");

	for (char *const *entry = environment; *entry && !s->data; entry++)
		if (slice_starts(slice_str(*entry), name) && (*entry)[name.n])
			s->data = slice_dup(slice_of(*entry + name.n, slice_find(slice_str(*entry + name.n), ':')));
	if (!s->data)
		s->data = mem_strdup("/var/lib/postrider");
}

int settings_read(struct serve_settings *s, int argc, char **argv, char *const *environment, struct fault *fault)
{
	int err;

	*s = (struct serve_settings){ .config = NULL };
	err = read_options(s, argc, argv, true, fault);
	config_from_environment(s, environment);
	if (!err)
		err = read_defaults(s, fault);
	if (!err)
		err = read_file(s, fault);
	if (!err)
		err = read_variables(s, environment, fault);
	if (!err)
		err = read_options(s, argc, argv, false, fault);
	if (err)
		return err;
	default_data(s, environment);
	return check(s, fault);
}

void settings_free(struct serve_settings *s)
{
	const struct setting *r;

	for (size_t i = 0; (r = setting_at(i)); i++) {
		void *target = (char *)s + r->offset;

		if (r->kind == SETTING_LIST)
			list_clear(target);
		else if (r->kind == SETTING_TEXT || r->kind == SETTING_URL)
			mem_free(*(char **)target);
	}
	*s = (struct serve_settings){ .config = NULL };
}

const char *settings_where(const struct serve_settings *s, const char *name)
{
	const struct setting *r = setting_find(slice_str(name));

	return r && s->where[setting_index(r)][0] ? s->where[setting_index(r)] : name;
}

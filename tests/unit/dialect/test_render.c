/* `postrider render` on the examples of Wiraya's own pages (seed 000), on batches, and on what it refuses. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cmd_render.h"
#include "settings.h"

static char folder[] = "/tmp/postrider-render-XXXXXX";
static char endpoint_path[64], event_path_[64], out_path[64], err_path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(endpoint_path, sizeof(endpoint_path), "%s/endpoint", folder);
	snprintf(event_path_, sizeof(event_path_), "%s/event", folder);
	snprintf(out_path, sizeof(out_path), "%s/out", folder);
	snprintf(err_path, sizeof(err_path), "%s/err", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(endpoint_path);
	unlink(event_path_);
	unlink(out_path);
	unlink(err_path);
	return rmdir(folder);
}

static void put_file(const char *path, const char *text)
{
	char *json = quoted(text);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(json, f);
	fclose(f);
	mem_free(json);
}

/* mem_free it */
static char *get_file(const char *path)
{
	struct buf text;
	char chunk[1000];
	size_t n;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf_init(&text, 1000000);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&text, chunk, n);
	fclose(f);
	return buf_take(&text);
}

/* Sends a stream of this process into a file; restore() takes what this returns. */
static int divert(FILE *stream, const char *path)
{
	int kept;

	fflush(stream);
	kept = dup(fileno(stream));
	if (kept < 0 || !freopen(path, "w", stream))
		fail_msg("can't divert to %s", path);
	return kept;
}

static void restore(FILE *stream, int kept)
{
	fflush(stream);
	dup2(kept, fileno(stream));
	close(kept);
}

/* The exit code; *out and *err are what was printed, mem_free both. */
static int render(const char *endpoint, const char *event, char **out, char **err)
{
	char name[] = "render", e[] = "--endpoint", v[] = "--event", t[] = "--time=1547125300", p[] = "--project",
	     pid[] = "p1";
	char *argv[] = { name, e, endpoint_path, v, event_path_, t, p, pid, NULL };
	int kept_out, kept_err, code;

	put_file(endpoint_path, endpoint);
	put_file(event_path_, event);
	kept_out = divert(stdout, out_path);
	kept_err = divert(stderr, err_path);
	code = cmd_render(8, argv);
	restore(stdout, kept_out);
	restore(stderr, kept_err);
	*out = get_file(out_path);
	*err = get_file(err_path);
	return code;
}

static void renders(const char *endpoint, const char *event, const char *expected, const char *note)
{
	char *out, *err, *wanted = quoted(expected);
	int code = render(endpoint, event, &out, &err);

	if (code != 0)
		fail_msg("%s", err);
	assert_string_equal(out, wanted);
	if (strcmp(note, "") == 0)
		assert_string_equal(err, "");
	else
		assert_non_null(strstr(err, note));
	mem_free(wanted);
	mem_free(out);
	mem_free(err);
}

static void refuses(const char *endpoint, const char *event, const char *sentence)
{
	char *out, *err;

	assert_int_equal(render(endpoint, event, &out, &err), 2);
	assert_string_equal(out, "");
	if (!strstr(err, sentence) || strchr(err, '\n') != err + strlen(err) - 1)
		fail_msg("expected one line with %s, got %s", sentence, err);
	mem_free(out);
	mem_free(err);
}

#define OWN "User-Agent: postrider/" POSTRIDER_VERSION "\n"
#define SMS(id, to, sent)                                                                                              \
	"{'type':'send_status','id':'e" #id "','message':{'id':'" #id "','status':'delivered','to_number':'" to        \
	"','time_sent':" #sent "}}"

static void test_seed_get(void **state)
{
	(void)state;
	renders("{'preset':'wiraya-push','method':'GET','headers_extra':false,"
		"'url':'https://push.company.org/receiver.php?contact={RID}&id={ID}&to={RECIPIENT}&status={STATUS}'}",
		"{'type':'send_status','message':{'id':'1000007','status':'failed','to_number':'+46710000123','"
		"recipient_id':'Åsa & Co'}}",
		"GET "
		"https://push.company.org/"
		"receiver.php?contact=%C3%85sa%20%26%20Co&id=1000007&to=%2B46710000123&status=FAILURE\n"
		"Host: push.company.org\n" OWN "\n",
		"");
}

static void test_seed_body(void **state)
{
	(void)state;
	renders("{'preset':'wiraya-push','headers_extra':false,'url':'http://push.company.org:8080/"
		"','headers':{'X-T':'{ID}'},"
		"'auth':{'username':'u','password':'p'},"
		"'body':'{\\'id\\':{ID},\\'UUID\\':\\'{3}\\',\\'unixtime\\':{DONE_UNIXTIME},\\'recipient "
		"status\\':\\'{RECIPIENT_STATUS}\\'}'}",
		"{'type':'send_status','message':{'id':1000007,'status':'delivered','fields':['Anna','Svensson','"
		"8f14e45f'],"
		"'time_done':1547125204,'recipient_status':'EXISTS'}}",
		"POST http://push.company.org:8080/\nHost: push.company.org:8080\nAuthorization: Basic dTpw\n"
		"Content-Type: application/json; charset=utf-8\n" OWN "X-T: 1000007\nContent-Length: 82\n\n"
		"{'id':1000007,'UUID':'8f14e45f','unixtime':1547125204,'recipient status':'EXISTS'}",
		"");
}

static void test_seed_batch_of_three(void **state)
{
	(void)state;
	renders("{'preset':'wiraya-callback','headers_extra':false,'url':'https://push.company.org/"
		"','batch':{'max_items':3},"
		"'body':'{\\'id\\':{ID},\\'to\\':\\'{RECIPIENT}\\',\\'when\\':\\'{SENT_DATEISO}\\'}'}",
		SMS(1000007, "46710000123", 1547125200) "\n" SMS(1000088, "46710000456", 1547125204) "\n" SMS(
			1000105, "46710000789", 1547125211) "\n" SMS(1000106, "46710000789", 1547125211) "\n",
		"POST https://push.company.org/\nHost: push.company.org\nContent-Type: application/json; "
		"charset=utf-8\n" OWN "Content-Length: 203\n\n"
		"{'batch':[{'id':1000007,'to':'46710000123','when':'2019-01-10T13:00:00Z'},"
		"{'id':1000088,'to':'46710000456','when':'2019-01-10T13:00:04Z'},"
		"{'id':1000105,'to':'46710000789','when':'2019-01-10T13:00:11Z'}]}\n--------\n"
		"POST https://push.company.org/\nHost: push.company.org\nContent-Type: application/json; "
		"charset=utf-8\n" OWN
		"Content-Length: 75\n\n{'batch':[{'id':1000106,'to':'46710000789','when':'2019-01-10T13:00:11Z'}]}",
		"");
}

/* W9: only events with the same URL share a batch. */
static void test_groups(void **state)
{
	(void)state;
	renders("{'preset':'wiraya-push','headers_extra':false,'url':'https://h.org/"
		"{RECIPIENT}','batch':{'max_items':10},"
		"'body':'{ID}'}",
		"[" SMS(1, "a", 1) "," SMS(2, "b", 1) "," SMS(3, "a", 1) "]",
		"POST https://h.org/a\nHost: h.org\nContent-Type: application/json; charset=utf-8\n" OWN
		"Content-Length: 15\n\n{'batch':[1,3]}\n--------\n"
		"POST https://h.org/b\nHost: h.org\nContent-Type: application/json; charset=utf-8\n" OWN
		"Content-Length: 13\n\n{'batch':[2]}",
		"");
}

static void test_filter_is_only_noted(void **state)
{
	(void)state;
	renders("{'url':'https://h.org/{PRID}','method':'GET','events':['send_broadcast'],'headers_extra':false}",
		SMS(1, "a", 1), "GET https://h.org/p1\nHost: h.org\n" OWN "\n", "would not have let event e1 pass");
}

static void test_refusals(void **state)
{
	static const char sound[] = "{'url':'https://h.org/'}";

	(void)state;
	refuses("{'url':'https://h.org/','timeout_ms':1}", SMS(1, "a", 1), "endpoint: timeout_ms: must be");
	refuses("[]", SMS(1, "a", 1), "endpoint: must hold one object");
	refuses("{", SMS(1, "a", 1), "endpoint: ");
	refuses(sound, "{'type':'send_status'}", "event: message.id: ");
	refuses(sound, "[" SMS(1, "a", 1) ",{'type':'send_status'}]", "event: [1].message.id: ");
	refuses(sound, SMS(1, "a", 1) "\n\n{'type':'send_status'}\n", "event: line 3.message.id: ");
	refuses(sound, "[]", "event: holds no event");
	refuses(sound, "", "event: ");
}

static void test_usage(void **state)
{
	char name[] = "render", bad[] = "--nope", lone[] = "--event";
	char *nothing[] = { name, NULL }, *unknown[] = { name, bad, NULL }, *cut[] = { name, lone, NULL };
	int kept = divert(stderr, err_path), codes[3];

	(void)state;
	codes[0] = cmd_render(1, nothing);
	codes[1] = cmd_render(2, unknown);
	codes[2] = cmd_render(2, cut);
	restore(stderr, kept);
	for (size_t i = 0; i < COUNT_OF(codes); i++)
		assert_int_equal(codes[i], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed_get),
		cmocka_unit_test(test_seed_body),
		cmocka_unit_test(test_seed_batch_of_three),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_filter_is_only_noted),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

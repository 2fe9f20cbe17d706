/*
 * Signatures: the vendors' own examples, so that signing and checking cannot be wrong together; then each kind through
 * a whole request, there and back, and what a receiver says of requests that were changed on their way.
 */
#include "settings.h"

#include "dialect/request.h"

#define NOW    1614265330
#define SHARED "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
/* The pair that the specification's reference server publishes. */
#define PRIVATE "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define SEED	"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
#define PUBLIC	"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
#define V1	"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define V1A	"v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

/* --- what a kind adds --- */

struct added {
	char *values[SIGN_HEADERS_MAX];
	size_t count;
};

static void on_header(void *ctx, const char *name, struct slice value)
{
	struct added *a = ctx;

	assert_true(a->count < SIGN_HEADERS_MAX);
	assert_true(sign_sets_header(SIGNATURE_TWILIO, slice_str(name)));
	a->values[a->count++] = slice_dup(value);
}

static void added_free(struct added *a)
{
	for (size_t i = 0; i < a->count; i++)
		mem_free(a->values[i]);
}

/* --- Standard Webhooks --- */

static void assert_standard(char *first, char *second, const char *expected)
{
	char *secrets[2] = { first, second };
	struct buf out;

	buf_init(&out, 1024);
	assert_true(sign_standard(secrets, SLICE_LIT("msg_p5jXN8AQM9LWM0D4loKWxJek"), NOW,
				  SLICE_LIT("{\"test\": 2432232314}"), &out));
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void test_standard_vectors(void **state)
{
	static char shared[] = SHARED, private[] = PRIVATE, seed[] = SEED;

	(void)state;
	assert_standard(shared, NULL, V1);
	assert_standard(private, NULL, V1A);
	assert_standard(seed, NULL, V1A);
	assert_standard(private, shared, V1A " " V1);
	assert_standard(shared, private, V1 " " V1A);
}

static const char *standard_check(const char *secret, const char *signatures, const char *body, int64_t now_s)
{
	const struct http_header headers[] = {
		{ SLICE_LIT("Webhook-Id"), SLICE_LIT("msg_p5jXN8AQM9LWM0D4loKWxJek") },
		{ SLICE_LIT("webhook-timestamp"), SLICE_LIT("1614265330") },
		{ SLICE_LIT("webhook-signature"), slice_str(signatures) },
	};
	struct http_request rq = { .headers = headers, .header_count = 3, .body = slice_str(body) };

	return sign_verify(SIGNATURE_STANDARD_WEBHOOKS, secret, &rq, now_s);
}

static void test_standard_checks(void **state)
{
	static const char body[] = "{\"test\": 2432232314}";

	(void)state;
	assert_null(standard_check(SHARED, V1, body, NOW));
	assert_null(standard_check(SHARED, "v1,AAAA v2,zz v1a,xyz " V1, body, NOW + 299));
	assert_null(standard_check(PUBLIC, V1 " " V1A, body, NOW));
	assert_null(standard_check(PRIVATE, V1A, body, NOW));
	assert_non_null(strstr(standard_check(PUBLIC, V1, body, NOW), "no signature fits"));
	assert_non_null(strstr(standard_check(SHARED, V1A, body, NOW), "no signature fits"));
	assert_non_null(strstr(standard_check(PUBLIC, V1A, "{\"test\": 2432232315}", NOW), "no signature fits"));
	assert_non_null(strstr(standard_check(SHARED, V1, "{\"test\": 2432232315}", NOW), "no signature fits"));
	assert_non_null(strstr(standard_check(SHARED, V1, body, NOW + 301), "5 minutes off"));
	assert_non_null(strstr(standard_check(PUBLIC, V1A, body, NOW - 301), "5 minutes off"));
	assert_non_null(strstr(standard_check(SHARED, "", body, NOW), "missing"));
}

static void test_standard_keys(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_true(sign_public_key(PRIVATE, &out));
	assert_string_equal(buf_str(&out), PUBLIC);
	assert_false(sign_public_key(SHARED, &out));
	assert_false(sign_public_key("any text", &out));
	assert_string_equal(buf_str(&out), PUBLIC);
	buf_reset(&out);
	sign_secret_make(NULL, &out);
	assert_memory_equal(buf_str(&out), "whsec_", 6);
	assert_null(sign_secret_wanted(SIGNATURE_STANDARD_WEBHOOKS, buf_str(&out)));
	buf_reset(&out);
	sign_secret_make(PRIVATE, &out);
	assert_memory_equal(buf_str(&out), "whsk_", 5);
	assert_string_not_equal(buf_str(&out), PRIVATE);
	assert_null(sign_secret_wanted(SIGNATURE_STANDARD_WEBHOOKS, buf_str(&out)));
	buf_free(&out);
}

static void test_secrets_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"whsec_",
		"whsec_AAAA",
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*",
		PUBLIC,
		"whsk_AAAA",
		/* the public half is another key's */
		"whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlaaaaaaaaaaAJ6p9lMicMFs6Kvg==",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(sign_secret_wanted(SIGNATURE_STANDARD_WEBHOOKS, wrong[i]));
	assert_non_null(sign_secret_wanted(SIGNATURE_STANDARD_WEBHOOKS, NULL));
	assert_non_null(sign_secret_wanted(SIGNATURE_TWILIO, NULL));
	assert_non_null(sign_secret_wanted(SIGNATURE_SINCH, ""));
	assert_null(sign_secret_wanted(SIGNATURE_TWILIO, "12345"));
	assert_null(sign_secret_wanted(SIGNATURE_NONE, NULL));
	assert_null(sign_verify_wanted(SIGNATURE_STANDARD_WEBHOOKS, PUBLIC));
	assert_non_null(sign_verify_wanted(SIGNATURE_STANDARD_WEBHOOKS, "plain"));
}

/* --- Twilio --- */

#define TWILIO_URL "https://mycompany.com/myapp.php?foo=1&bar=2"

static void assert_twilio(const char *url, const char *type, const char *body, const char *signature, bool fits)
{
	const struct http_header headers[] = { { SLICE_LIT("content-type"), slice_str(type) },
					       { SLICE_LIT("x-twilio-signature"), slice_str(signature) } };
	struct http_request rq = {
		.url = slice_str(url), .headers = headers, .header_count = 2, .body = slice_str(body)
	};
	const char *reason = sign_verify(SIGNATURE_TWILIO, "12345", &rq, NOW);

	assert_true((reason == NULL) == fits);
}

static void test_twilio_vectors(void **state)
{
	static const char form[] = "application/x-www-form-urlencoded; charset=utf-8";
	static const char one[] =
		"To=%2B18005551212&Digits=1234&CallSid=CA1234567890ABCDE&From=%2B14158675309&Caller=%2B14158675309";
	static const char two[] =
		"From=%2B12349013030&Caller=%2B12349013030&CallSid=CA1234567890ABCDE&Digits=1234&To=%2B18005551212";

	(void)state;
	assert_twilio(TWILIO_URL, form, one, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", true);
	assert_twilio(TWILIO_URL, form, two, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", true);
	assert_twilio(TWILIO_URL, form, two, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", false);
	assert_twilio("https://MyCompany.com:443/myapp.php?foo=1&bar=2", form, one,
		      "RSOYDt4T1cUTdK1PDd93/VVr8B8=", true);
	assert_twilio("http://mycompany.com/myapp.php?foo=1&bar=2", form, one, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", false);
	assert_twilio("https://mycompany.com/myapp.php?foo=1&bar=3", form, one, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", false);
	assert_twilio(TWILIO_URL, form, one, "", false);
}

static void test_twilio_fields(void **state)
{
	/* Twice the same field counts once; other values of a name are sorted too; empty ones stay. */
	static const char *const same[] = { "a=1&b=2&b=3", "b=3&a=1&b=2", "b=3&a=1&b=2&b=3&&a=1" };
	char *secrets[2] = { (char[]){ "12345" }, NULL };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct signing s = { .kind = SIGNATURE_TWILIO,
				     .secrets = secrets,
				     .form = true,
				     .url = SLICE_LIT("http://a.example"),
				     .body = slice_str(same[i]) };
		struct added added = { .count = 0 };

		sign_headers(&s, on_header, &added);
		/* HMAC-SHA1("12345", "http://a.example/a1b2b3"), by openssl */
		assert_int_equal(added.count, 1);
		assert_string_equal(added.values[0], "r580fKU/3mrU5u7ILV5jKej6O/c=");
		added_free(&added);
	}
}

#define DIGEST "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"

static void test_twilio_json(void **state)
{
	static const char type[] = "application/json", signature[] = "1GgN8nEpt8zPd8zDAaVw1GrLTTo=";

	(void)state;
	assert_twilio("https://example.com/cb?bodySHA256=" DIGEST, type, "{\"a\":1}", signature, true);
	assert_twilio("https://example.com/cb?bodySHA256=" DIGEST, type, "{\"a\":2}", signature, false);
	assert_twilio("https://example.com/cb", type, "{\"a\":1}", signature, false);
	assert_twilio("https://example.com/cb?x=bodySHA256=" DIGEST, type, "{\"a\":1}", signature, false);
}

/* --- Sinch, Plivo, TurboSMS --- */

#define SINCH_BODY                                                                                                     \
	"{\"app_id\":\"\",\"accepted_time\":\"2021-10-18T17:49:13.813615Z\",\"project_id\":\"e2df3a34-a71b-4448-9db5-" \
	"a8d2baad28e4\","                                                                                              \
	"\"contact_create_notification\":{\"contact\":{\"id\":\"01FJA8B466Y0R2GNXD78MD9SM1\",\"channel_identities\":[" \
	"{\"channel\":"                                                                                                \
	"\"SMS\",\"identity\":\"48123456789\",\"app_id\":\"\"}],\"display_name\":\"New Test Contact\",\"email\":"      \
	"\"new.contact@email.com\",\"external_id\":\"\",\"metadata\":\"\",\"language\":\"EN_US\"}},\"message_"         \
	"metadata\":\"\"}"

static const char *sinch_check(const char *body, int64_t now_s)
{
	const struct http_header headers[] = {
		{ SLICE_LIT("X-Sinch-Webhook-Signature"), SLICE_LIT("6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE=") },
		{ SLICE_LIT("X-Sinch-Webhook-Signature-Nonce"), SLICE_LIT("01FJA8B4A7BM43YGWSG9GBV067") },
		{ SLICE_LIT("X-Sinch-Webhook-Signature-Timestamp"), SLICE_LIT("1634579353") },
	};
	struct http_request rq = { .headers = headers, .header_count = 3, .body = slice_str(body) };

	return sign_verify(SIGNATURE_SINCH, "foo_secret1234", &rq, now_s);
}

static void test_sinch_vector(void **state)
{
	(void)state;
	assert_null(sinch_check(SINCH_BODY, 1634579353));
	assert_non_null(strstr(sinch_check(SINCH_BODY " ", 1634579353), "does not fit"));
	assert_non_null(strstr(sinch_check(SINCH_BODY, 1634579353 + 301), "5 minutes off"));
}

static const char *plivo_check(const char *url)
{
	const struct http_header headers[] = {
		/* HMAC-SHA256("NTk0Y2QwNTMyMGQ3", "https://example.com/answer/12345"), by openssl */
		{ SLICE_LIT("X-Plivo-Signature-V2"), SLICE_LIT("C6yc5PJ8bqP1sApdkLprOsBDwhBTmtt+K2EeSs39USg=") },
		{ SLICE_LIT("X-Plivo-Signature-V2-Nonce"), SLICE_LIT("12345") },
	};
	struct http_request rq = { .url = slice_str(url), .headers = headers, .header_count = 2 };

	return sign_verify(SIGNATURE_PLIVO_V2, "NTk0Y2QwNTMyMGQ3", &rq, NOW);
}

static void test_plivo_vector(void **state)
{
	(void)state;
	assert_null(plivo_check("https://example.com/answer/"));
	assert_null(plivo_check("https://example.com/answer/?a=1")); /* the query is not covered */
	assert_non_null(strstr(plivo_check("https://example.com/answer"), "does not fit"));
}

static const char *turbosms_check(const char *type, const char *body)
{
	const struct http_header headers[] = { { SLICE_LIT("Content-Type"), slice_str(type) } };
	struct http_request rq = { .headers = headers, .header_count = 1, .body = slice_str(body) };

	return sign_verify(SIGNATURE_TURBOSMS, "secret", &rq, NOW);
}

static void test_turbosms(void **state)
{
	static const char form[] = "application/x-www-form-urlencoded";

	(void)state;
	assert_null(turbosms_check("application/json",
				   "{\"id\":\"7f0c\",\"signature\":\"7b0ef338320cdec3177d518297280374a1855d28\"}"));
	assert_null(turbosms_check(form, "id=7f0c&signature=7b0ef338320cdec3177d518297280374a1855d28"));
	assert_non_null(strstr(turbosms_check(form, "id=7f0d&signature=7b0ef338320cdec3177d518297280374a1855d28"),
			       "does not fit"));
	assert_non_null(strstr(turbosms_check(form, "id=7f0c"), "no fields"));
	assert_non_null(strstr(turbosms_check("application/json", "{\"id\":"), "no fields"));
}

/* --- requests, there and back --- */

#define EVENT                                                                                                          \
	"{'type':'send_status','id':'evt-1','time':1,'message':{'id':7,'status':'delivered','to_number':'46710000123'" \
	"}}"

static void render(const struct endpoint *ep, uint32_t attempt, int64_t now_s, struct request *rq)
{
	struct event *e = event_of(EVENT);
	struct fault fault;
	size_t taken;

	request_init(rq);
	if (request_render(ep, &e, 1, true, attempt, now_s, rq, &taken, &fault) != 0)
		fail_msg("%s: %s", fault.param, fault.message);
	event_unref(&e);
}

static const char *header_of(const struct request *rq, const char *name)
{
	for (size_t i = 0; i < rq->http.header_count; i++)
		if (slice_eq_nocase(rq->http.headers[i].name, slice_str(name)))
			return rq->http.headers[i].value.p;
	return NULL;
}

/* What is sent is what its receiver takes for right; with another secret or another body he does not. */
static void check_there_and_back(const char *settings, const char *secret, bool covers_body)
{
	struct endpoint *ep = endpoint_of(settings);
	struct http_request changed;
	struct request rq;
	char *body;

	render(ep, 1, NOW, &rq);
	if (sign_verify(ep->signature, secret, &rq.http, NOW))
		fail_msg("%s: %s", settings, sign_verify(ep->signature, secret, &rq.http, NOW));
	assert_non_null(sign_verify(ep->signature, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &rq.http, NOW));
	changed = rq.http;
	if (changed.body.n > 0) {
		body = slice_dup(changed.body);
		body[changed.body.n / 2] ^= 1;
		changed.body.p = body;
		assert_int_equal(sign_verify(ep->signature, secret, &changed, NOW) != NULL, covers_body);
		mem_free(body);
	}
	request_free(&rq);
	endpoint_unref(&ep);
}

static void test_there_and_back(void **state)
{
	(void)state;
	check_there_and_back("{'url':'https://h.example/cb','signature':'standard_webhooks','secret':'" SHARED "'}",
			     SHARED, true);
	check_there_and_back("{'url':'https://h.example/cb','signature':'standard_webhooks','secret':'" PRIVATE "'}",
			     PUBLIC, true);
	check_there_and_back("{'url':'https://h.example/cb?a=1','signature':'twilio','secret':'12345'}", "12345", true);
	check_there_and_back("{'url':'http://h.example:8080','signature':'twilio','secret':'12345'}", "12345", true);
	check_there_and_back(
		"{'url':'https://h.example/cb?a={ID}','signature':'twilio','secret':'12345','content_type':'form'}",
		"12345", true);
	check_there_and_back(
		"{'url':'https://h.example/cb?a={ID}','signature':'twilio','secret':'12345','method':'GET'}", "12345",
		true);
	check_there_and_back("{'url':'https://h.example/cb','signature':'sinch','secret':'s'}", "s", true);
	check_there_and_back("{'url':'https://h.example/cb?a=1','signature':'plivo_v2','secret':'s'}", "s", false);
}

/* While a secret is rotated, who knows either of them is satisfied. */
static void test_rotation(void **state)
{
	struct endpoint *ep = endpoint_of("{'url':'https://h.example/','preset':'standard-webhooks','secret':'" PRIVATE
					  "','previous_secret':'" SHARED "'}");
	struct request rq;

	(void)state;
	render(ep, 1, NOW, &rq);
	assert_null(sign_verify(SIGNATURE_STANDARD_WEBHOOKS, SHARED, &rq.http, NOW));
	assert_null(sign_verify(SIGNATURE_STANDARD_WEBHOOKS, PUBLIC, &rq.http, NOW));
	request_free(&rq);
	endpoint_unref(&ep);
}

/* The same attempt at the same time is the same request; anything else has another nonce. */
static void test_nonces(void **state)
{
	struct endpoint *ep = endpoint_of("{'url':'https://h.example/','signature':'sinch','secret':'s'}");
	static const char name[] = "x-sinch-webhook-signature-nonce";
	struct request same, again, retry, later;

	(void)state;
	render(ep, 1, NOW, &same);
	render(ep, 1, NOW, &again);
	render(ep, 2, NOW, &retry);
	render(ep, 1, NOW + 1, &later);
	assert_string_equal(header_of(&same, name), header_of(&again, name));
	assert_string_not_equal(header_of(&same, name), header_of(&retry, name));
	assert_string_not_equal(header_of(&same, name), header_of(&later, name));
	assert_string_equal(header_of(&same, "x-sinch-webhook-signature-algorithm"), "HmacSHA256");
	request_free(&same);
	request_free(&again);
	request_free(&retry);
	request_free(&later);
	endpoint_unref(&ep);
}

static void test_settings_refused(void **state)
{
	(void)state;
	assert_refused("{'url':'https://h.example/','signature':'standard_webhooks'}", "secret",
		       "is missing: give whsec_");
	assert_refused("{'url':'https://h.example/','signature':'standard_webhooks','secret':'" PUBLIC "'}", "secret",
		       "must be whsec_");
	assert_refused("{'url':'https://h.example/','signature':'standard_webhooks','secret':'" SHARED
		       "','previous_secret':'x'}",
		       "previous_secret", "signature standard_webhooks");
	assert_refused("{'url':'https://h.example/','signature':'twilio'}", "secret", "signature twilio needs it");
	assert_refused("{'url':'https://h.example/','signature':'turbosms','secret':'x'}", "signature",
		       "must be one of");
	assert_refused("{'url':'https://h.example/"
		       "','signature':'sinch','secret':'x','headers':{'X-Sinch-Webhook-Signature':'x'}}",
		       "headers.X-Sinch-Webhook-Signature", "set by signature already");
}

static void test_words(void **state)
{
	(void)state;
	for (int i = 0; i < SIGNATURE_KINDS; i++)
		assert_int_equal(sign_kind_read(sign_word((enum signature_kind)i)), i);
	assert_int_equal(sign_kind_read("standard-webhooks"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard_vectors),
		cmocka_unit_test(test_standard_checks),
		cmocka_unit_test(test_standard_keys),
		cmocka_unit_test(test_secrets_refused),
		cmocka_unit_test(test_twilio_vectors),
		cmocka_unit_test(test_twilio_fields),
		cmocka_unit_test(test_twilio_json),
		cmocka_unit_test(test_sinch_vector),
		cmocka_unit_test(test_plivo_vector),
		cmocka_unit_test(test_turbosms),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_settings_refused),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

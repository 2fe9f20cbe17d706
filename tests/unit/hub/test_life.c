/* The hub's beginning and end: what it signs with stays the same over a restart, and differs from folder to folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/hub_impl.h"

static int unlink_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* Starts and stops all of it on this folder; what the hub signs with. */
static void live_once(const char *dir, uint8_t ret_key[32])
{
	struct guard *guard = guard_new();
	struct hub_options options = { .public_url = "https://p.example.org" };
	struct node_options node = { .guard = guard, .data_dir = dir, .limits = engine_limits_default };
	struct fault fault = NO_FAULT;
	struct hub *hub = hub_new(&options);
	struct node *n;

	node.hooks = hub_hooks(hub);
	if (node_start(&node, &n, &fault))
		fail_msg("%s: %s", fault.param, fault.message);
	memcpy(ret_key, hub->sign_key, 32); /* what recovery reports may have to be signed at once */
	assert_int_equal(hub_attach(hub, n, &fault), 0);
	assert_string_equal(hub_public_url(hub), "https://p.example.org");
	assert_memory_equal(ret_key, hub->sign_key, 32);
	hub_detach(hub);
	hub_detach(hub); /* as after a start that came half way */
	node_stop(&n);
	hub_free(&hub);
	guard_free(&guard);
}

static void key_stays(void **state)
{
	char dirs[2][32] = { "/tmp/hub-life-XXXXXX", "/tmp/hub-life-XXXXXX" };
	uint8_t keys[3][32];

	(void)state;
	assert_non_null(mkdtemp(dirs[0]));
	assert_non_null(mkdtemp(dirs[1]));
	live_once(dirs[0], keys[0]);
	live_once(dirs[0], keys[1]);
	live_once(dirs[1], keys[2]);
	assert_memory_equal(keys[0], keys[1], 32);
	assert_memory_not_equal(keys[0], keys[2], 32);
	for (int i = 0; i < 2; i++)
		nftw(dirs[i], unlink_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void without_a_node(void **state)
{
	struct hub_options options = { .mail = { .host = "127.0.0.1", .from = "a@b.c", .user = "u", .password = "p" } };
	struct hub *hub = hub_new(&options);

	(void)state;
	assert_true(mailer_works(hub->mailer));
	hub_detach(hub);
	hub_free(&hub);
	assert_null(hub);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(key_stays), cmocka_unit_test(without_a_node) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The cast of one world, drawn from its seed: limits of the engine, endpoints and their settings, events of messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim.h"

static struct world *w_of(struct sim *s)
{
	return &s->world;
}

/* Half of the worlds have hardly any memory, so that spilling and refilling is their daily life. */
void cast_limits(struct sim *s)
{
	struct world *w = &s->world;

	s->limits = engine_limits_default;
	s->engine_count = world_chance(w, 0.3) ? 2 : 1;
	s->traffic_ms = world_draw(w, 1, 20) * (world_chance(w, 0.3) ? 900000 : 60000);
	if (world_chance(w, 0.5))
		return;
	s->limits.lane_items = (size_t)world_draw(w, 1, 24);
	s->limits.lane_bytes = (size_t)world_draw(w, 1, 16) * 1024;
	s->limits.memory_bytes = (size_t)world_draw(w, 2, 60) * 1024;
	s->limits.lane_share = (size_t)world_draw(w, 1, 4) * 512;
	s->limits.lane_waiting = (size_t)world_draw(w, 1, 20);
	s->limits.memory_age_ms = world_draw(w, 1000, 30000);
	s->limits.uncommitted_max = (uint32_t)world_draw(w, 1, 30);
	s->limits.throttle_after = (uint32_t)world_draw(w, 2, 10);
}

const char *cast_organization(int project)
{
	static const char *const names[PROJECTS] = { "o0", "o0", "" };

	return names[project];
}

bool cast_owns(const struct sim_endpoint *ep, const struct sim_event *ev)
{
	return ep->organization ? cast_organization(ev->project)[0] != '\0' : ep->owner == ev->project;
}

/* --- endpoints --- */

static void compile(struct sim *s, struct sim_endpoint *ep, const char *settings)
{
	char owner[8];
	struct json_doc doc;
	struct fault fault;
	struct endpoint_identity who = { .number = ep->number,
					 .revision = ep->revision_count + 1,
					 .of_organization = ep->organization,
					 .internal = ep->internal,
					 .id = slice_str(ep->id) };

	if (s->world.verbose)
		fprintf(stderr, "endpoint %d: %s\n", ep->index, settings);
	snprintf(owner, sizeof(owner), "%c%d", ep->organization ? 'o' : 'p', ep->owner);
	who.owner = slice_str(owner);
	who.organization_id = slice_str(ep->organization ? owner : cast_organization(ep->owner));
	json_doc_init(&doc);
	if (json_parse(&doc, slice_str(settings), &json_limits_default, &fault) != 0 ||
	    endpoint_compile(json_root(&doc), &who, &ep->revisions[ep->revision_count], &fault) != 0) {
		fprintf(stderr, "the simulator's own settings are refused: %s: %s\n%s\n", fault.param, fault.message,
			settings);
		abort();
	}
	json_doc_free(&doc);
	ep->revision_count++;
}

static void draw_delays(struct world *w, struct buf *out)
{
	static const char *const often[] = { "5,30,120", "60,120,300,600,1800,3600", "20,60" };
	static const char *const rare[] = { "", "1", "0.5,2" };

	buf_addf(out, "\"delays_s\":[%s]",
		 world_chance(w, 0.1) ? rare[world_draw(w, 0, 2)] : often[world_draw(w, 0, 2)]);
}

static void draw_settings(struct sim *s, struct sim_endpoint *ep, bool active, struct buf *out)
{
	struct world *w = &s->world;
	bool batch = world_chance(w, 0.5);

	buf_addf(out, "{\"url\":\"http://r%d.example/%s\",\"active\":%s,", ep->index,
		 world_chance(w, 0.2) ? "?s={STATUS}" : "", active ? "true" : "false");
	if (ep->internal)
		buf_add_str(out, "\"reports\":true,");
	if (ep->reads_text)
		buf_add_str(out, "\"headers\":{\"X-Text\":\"{CONTENT}\"},");
	buf_addf(out, "\"batch\":{\"max_items\":%d,\"max_wait_ms\":%d,\"max_bytes\":%d},",
		 batch ? (int)world_draw(w, 2, world_chance(w, 0.5) ? 4 : BATCH_MAX) : 1,
		 (int)world_draw(w, 0, 4) * 5000, world_chance(w, 0.2) ? (int)world_draw(w, 1024, 3000) : 1048576);
	if (ep->acks)
		buf_addf(out, "\"success\":{\"ack\":\"ids_xml\"},\"newest_replaces\":%s,",
			 world_chance(w, 0.85) ? "true" : "false");
	if (ep->finals)
		buf_add_str(out, "\"final_statuses\":[\"read\"],");
	buf_addf(out, "\"timeout_ms\":%d,\"concurrency\":%d,\"rate_per_s\":%g,\"order\":\"%s\",",
		 (int)world_draw(w, 1, 20) * 1000, (int)world_draw(w, 1, 8),
		 world_chance(w, 0.15) ? (double)world_draw(w, 1, 40) / 10 : 0, ep->order);
	buf_add_str(out, "\"retry\":{");
	draw_delays(w, out);
	buf_addf(out, ",\"jitter\":%g,\"max_attempts\":%d,\"max_age_s\":%" PRId64 "},",
		 world_chance(w, 0.5) ? 0.1 : (double)world_draw(w, 0, 10) / 10,
		 world_chance(w, 0.15) ? (int)world_draw(w, 1, 6) : 0, ep->max_age_ms / 1000);
	buf_addf(out, "\"disable_after_s\":%d,\"statuses\":%s}",
		 !s->healed && world_chance(w, 0.1) ? (int)world_draw(w, 60, 1800) : 0,
		 world_chance(w, 0.1) ? "[\"delivered\",\"sent\"]" : "null");
}

bool cast_revision(struct sim *s, struct sim_endpoint *ep, bool active)
{
	struct buf text;

	/* The last few are for the end, when everything is made active again. */
	if (ep->revision_count >= (s->healed ? REVISIONS_MAX : REVISIONS_MAX - 6))
		return false;
	buf_init(&text, 4096);
	draw_settings(s, ep, active, &text);
	compile(s, ep, buf_str(&text));
	buf_free(&text);
	return true;
}

struct sim_endpoint *cast_endpoint(struct sim *s)
{
	static const char *const orders[] = { "none", "message", "message", "strict" };
	struct world *w = w_of(s);
	struct sim_endpoint *ep;

	if (s->endpoint_count == ENDPOINTS_MAX)
		return NULL;
	ep = &s->endpoints[s->endpoint_count];
	ep->index = s->endpoint_count++;
	ep->number = (uint64_t)ep->index + 1;
	ep->internal = world_chance(w, 0.3);
	ep->organization = !ep->internal && world_chance(w, 0.2);
	ep->owner = ep->organization ? 0 : (int)world_draw(w, 0, PROJECTS - 1);
	snprintf(ep->id, sizeof(ep->id), "e%d", ep->index);
	ep->order = orders[world_draw(w, 0, 3)];
	ep->reads_text = world_chance(w, 0.15);
	ep->acks = !ep->internal && ep->order[0] == 'm' && world_chance(w, 0.5);
	ep->finals = !ep->internal && ep->order[0] != 'n' && world_chance(w, ep->acks ? 0.5 : 0.2);
	ep->max_age_ms = world_draw(w, 5, 180) * 60000;
	ep->receiver.picky = world_chance(w, 0.5);
	ep->receiver.refusal = (int[]){ 400, 413, 422 }[world_draw(w, 0, 2)];
	ep->stats = NULL;
	cast_revision(s, ep, true);
	return ep;
}

/* --- events --- */

/* The number of an internal endpoint of the event's project, or 0: not every event has a target. */
static int draw_target(struct sim *s, const struct sim_event *ev)
{
	int numbers[ENDPOINTS_MAX], count = 0;

	for (int i = 0; i < s->endpoint_count; i++)
		if (s->endpoints[i].internal && s->endpoints[i].owner == ev->project && !s->endpoints[i].deleted)
			numbers[count++] = (int)s->endpoints[i].number;
	return count > 0 && world_chance(&s->world, 0.5) ? numbers[world_draw(&s->world, 0, count - 1)] : 0;
}

static void make(struct sim *s, struct sim_event *ev, const char *status)
{
	char text[12000], project[8], target[40] = "";
	static char big[9000];
	int to = draw_target(s, ev);

	snprintf(project, sizeof(project), "p%d", ev->project);
	memset(big, 'x', sizeof(big) - 1);
	if (to > 0)
		snprintf(target, sizeof(target), ",\"postrider\":{\"to\":%d}", to);
	snprintf(text, sizeof(text),
		 "{\"type\":\"send_status\",\"id\":\"%s\",\"time\":1547125200,\"message\":{\"id\":\"m%d\",\"status\":"
		 "\"%s\","
		 "\"to_number\":\"+46710000123\",\"content\":\"%s\"}%s}",
		 ev->id, ev->message, status,
		 ev->oversize	 ? big
		 : ev->index % 3 ? "Hi"
				 : "Hello",
		 target);
	ev->event = event_make(slice_str(text), slice_str(project), s->world.now_ms);
}

struct sim_event *cast_event(struct sim *s)
{
	static const char *const statuses[] = { "queued", "sent", "delivered", "read" };
	struct world *w = &s->world;
	struct sim_event *ev;
	int64_t status;
	int recent = s->event_count / 3 + 1;

	if (s->event_count == EVENTS_MAX)
		return NULL;
	ev = &s->events[s->event_count];
	*ev = (struct sim_event){ .index = s->event_count++ };
	/* Several events of one message come close together. */
	ev->message = (int)world_draw(w, recent > 6 ? recent - 6 : 0, recent) % MESSAGES_MAX;
	ev->project = ev->message % PROJECTS;
	snprintf(ev->id, sizeof(ev->id), "ev%04d", ev->index);
	ev->poison = world_chance(w, 0.02);
	ev->oversize = world_chance(w, 0.02);
	status = world_draw(w, 0, 3);
	ev->final = status == 3;
	make(s, ev, statuses[status]);
	s->totals.events++;
	return ev;
}

struct sim_event *cast_by_seq(struct sim *s, int64_t seq)
{
	for (int i = 0; i < s->event_count; i++)
		if (s->events[i].seq == seq)
			return &s->events[i];
	return NULL;
}

void cast_free(struct sim *s)
{
	for (int i = 0; i < s->event_count; i++)
		event_unref(&s->events[i].event);
	for (int i = 0; i < s->endpoint_count; i++) {
		for (uint32_t r = 0; r < s->endpoints[i].revision_count; r++)
			endpoint_unref(&s->endpoints[i].revisions[r]);
		endpoint_stats_unref(&s->endpoints[i].stats);
	}
}

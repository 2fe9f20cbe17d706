/* The handlers of the routes, by file. What the parameters of a path are is in routes.c. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/call.h"

typedef void handler(struct call *c);

/* health.c */
handler health_live, health_ready;
/* metrics.c */
handler metrics_show;
/* openapi.c */
handler openapi_show;
/* console.c */
handler console_index, console_show;
/* projects.c */
handler projects_list, projects_of_organization, project_get, project_put, project_change, project_delete;
/* whoami.c */
handler whoami_show, settings_show;
/* presets.c */
handler presets_list, preset_get;
/* portal_links.c */
handler portal_link_create, portal_links_end;
/* drafts.c */
handler draft_render, draft_send;
/* dead.c */
handler dead_list;
/* keys.c */
handler keys_list, key_create, key_delete;
/* endpoints.c */
handler endpoints_list, endpoint_create, endpoint_get, endpoint_put, endpoint_change, endpoint_delete;
/* endpoint_actions.c */
handler endpoint_enable, endpoint_disable, endpoint_rotate_secret;
/* overview.c */
handler overview_show, overview_of_project;
/* endpoint_numbers.c */
handler endpoint_numbers_list, endpoint_numbers_of_project;
/* endpoint_detail.c */
handler endpoint_numbers_get, endpoint_retries;
/* endpoint_try.c */
handler endpoint_test, endpoint_render;
/* replays.c */
handler replay_start, replay_get, replay_cancel;
/* events.c */
handler events_post;
/* messaging.c: what the route's `op` does */
handler messaging_call;
/* gateways.c */
handler kannel_message, kannel_report, link_follow;
/* history.c */
handler events_list, event_get;
/* stream.c */
handler stream_project, stream_all;
/* attempts.c */
handler attempts_list, attempt_get;

#endif

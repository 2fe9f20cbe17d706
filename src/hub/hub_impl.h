/* The hub's own structure, for files of src/hub that keep something between two deeds. */
#ifndef HUB_HUB_IMPL_H
#define HUB_HUB_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "hub/hub.h"
#include "hub/mailer.h"
#include "hub/tick.h"

struct hub {
	struct hub_options options; /* strings are copies */
	struct log *log;
	struct node *node; /* NULL before hub_attach */
	struct node_hooks hooks;
	struct mailer *mailer;
	struct tick *tick;
	uint8_t sign_key[NODE_SECRET_BYTES]; /* of delivery-report URLs; node_start fills it in */
	/* the store thread's own: ids that are made sort by time */
	int64_t last_id_ms;
	uint32_t last_id_count;
	/* projects that have objects; intake.c */
	pthread_rwlock_t projects_lock;
	struct map projects;
};

#endif

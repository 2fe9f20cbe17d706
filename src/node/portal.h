/*
 * Links that open a project to somebody for a while, without a key: a token says which project, until when and whether
 * it may change anything, and is signed with a secret of the node. Nothing is stored for a link; what ends all links of
 * a project at once is a moment kept with the project, before which those made do not count.
 */
#ifndef NODE_PORTAL_H
#define NODE_PORTAL_H

#include "node/node.h"

#define PORTAL_TOKEN_BYTES 192 /* a token and its NUL fit */
#define PORTAL_PREFIX	   "prl_"

struct portal_link {
	char project[256];
	int64_t ends_s; /* Unix seconds */
	bool write;	/* may change things; otherwise it only looks */
};

enum portal_answer { PORTAL_UNKNOWN, PORTAL_VALID, PORTAL_EXPIRED };

/*
 * A token for link->project. ERR_NOT_FOUND when there is no such project, ERR_INVALID when its id is too long for one.
 */
int node_portal_make(struct node *n, const struct portal_link *link, char ret_token[PORTAL_TOKEN_BYTES],
		     struct fault *fault);
/*
 * What the token opens. PORTAL_UNKNOWN also for one of a deleted project, or made before its
 * links were ended; *ret is filled in otherwise. Constant time in what is signed.
 */
enum portal_answer node_portal_check(struct node *n, struct slice token, struct portal_link *ret);
/* All links of the project made until now end. */
int node_portal_end(struct node *n, struct slice project, struct fault *fault);

#endif

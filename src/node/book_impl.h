/* What the book's files share. */
#ifndef NODE_BOOK_IMPL_H
#define NODE_BOOK_IMPL_H

#include "node/book.h"

struct book {
	struct node *node;
	struct store *store;
	int64_t now_ms;
	bool writes; /* inside a step */
	/* the project that was last written to, and whether it exists */
	char project[256];
	bool project_exists;
};

/* Over a reader, or (writes) inside a step. Lives on the stack; nothing is to be freed. */
void book_open(struct book *b, struct node *n, struct store *store, bool writes);
/* book_endpoint; *ret_created: it was not there. */
uint64_t book_endpoint_make(struct book *b, struct slice project, struct slice id, struct slice settings,
			    bool *ret_created, struct fault *fault);

#endif

/* Shared bytes: one allocation, one counter. */
#include "base/blob.h"

#include <string.h>

#include "base/mem.h"

struct blob *blob_new(struct slice text)
{
	struct blob *b = mem_alloc(sizeof(*b) + text.n);

	atomic_init(&b->refs, 1);
	b->n = text.n;
	if (text.n > 0)
		memcpy(b->bytes, text.p, text.n);
	return b;
}

struct blob *blob_ref(struct blob *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void blob_unref(struct blob **bp)
{
	struct blob *b = *bp;

	*bp = NULL;
	if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		mem_free(b);
}

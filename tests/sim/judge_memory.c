/* What the judge says about memory; the only place that looks into the engine. */
#include "engine/impl.h"
#include "judge_impl.h"

#define RETRIES_MOST 64
#define EVENT_BYTES  (32u * 1024) /* more than any event of the simulator takes */

/* "What the engine holds stays within its limits, and it knows how much that is." */
void rule_memory(struct sim *s, const struct engine *e)
{
	size_t bytes = 0, lanes = 0;

	LIST_EACH (l, &e->all) {
		const struct lane *lane = CONTAINER_OF(l, struct lane, all);

		lanes++;
		bytes += lane->bytes;
		if (lane->items > s->limits.lane_items + RETRIES_MOST || lane->retry_count > RETRIES_MOST)
			judge_fail(s, "memory", "endpoint %d holds %zu items and %zu retries", (int)lane->number - 1,
				   lane->items, lane->retry_count);
	}
	if (bytes != e->bytes)
		judge_fail(s, "memory", "%zu bytes are held, %zu counted", bytes, e->bytes);
	if (bytes > s->limits.memory_bytes + lanes * (s->limits.lane_share + EVENT_BYTES))
		judge_fail(s, "memory", "%zu bytes are held", bytes);
}

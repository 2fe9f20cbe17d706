/* As Prometheus' histogram_quantile does it, so that the console and a Grafana board show the same. */
#include "watch/latency.h"

static double bound_ms(int bucket)
{
	return bucket < 0 ? 0 : (double)stats_bucket_us[bucket] / 1000;
}

double latency_quantile(const uint32_t counts[STATS_BUCKETS], double q)
{
	double total = 0, below = 0, wanted;
	int i;

	for (i = 0; i < STATS_BUCKETS; i++)
		total += counts[i];
	if (total <= 0)
		return -1;
	wanted = total * q;
	for (i = 0; i < STATS_BUCKETS - 1 && below + counts[i] < wanted; i++)
		below += counts[i];
	if (i == STATS_BUCKETS - 1)
		return bound_ms(i - 1);
	if (counts[i] == 0)
		return bound_ms(i - 1);
	return bound_ms(i - 1) + (bound_ms(i) - bound_ms(i - 1)) * (wanted - below) / counts[i];
}

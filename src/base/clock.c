/*
 * The only file that calls clock_gettime. CLOCK_BOOTTIME is not used for durations: a retry that became due while the
 * machine slept is sent a little later, and CLOCK_MONOTONIC is what libuv and curl count in.
 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;
	int r = clock_gettime(id, &ts);

	assert(r == 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void clock_start(struct clock *c)
{
	c->wall_start_us = read_us(CLOCK_REALTIME);
	c->mono_start_us = read_us(CLOCK_MONOTONIC);
}

int64_t clock_us(const struct clock *c)
{
	return c->wall_start_us + (read_us(CLOCK_MONOTONIC) - c->mono_start_us);
}

int64_t clock_ms(const struct clock *c)
{
	return clock_us(c) / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

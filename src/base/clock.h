/*
 * The only two places where the program asks the system for the time. Loops ask once per turn and hand the result down;
 * below them time is a parameter, so that a simulator can be the clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * A clock that shows Unix time but never steps: wall time at its start plus monotonic time since. Due times are kept in
 * it, so that setting the machine's clock back neither holds nor repeats a retry.
 */
struct clock {
	int64_t wall_start_us, mono_start_us;
};

void clock_start(struct clock *c);
/* Microseconds and milliseconds of Unix time by this clock. */
int64_t clock_us(const struct clock *c);
int64_t clock_ms(const struct clock *c);
/* The machine's own idea of Unix time, for signatures and log lines. */
int64_t clock_wall_ms(void);
/* Monotonic microseconds, for durations. */
int64_t clock_mono_us(void);

#endif

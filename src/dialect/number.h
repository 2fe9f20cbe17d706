/* Telephone numbers as people and platforms write them, and which of them an event names. */
#ifndef DIALECT_NUMBER_H
#define DIALECT_NUMBER_H

#include "base/slice.h"

#define NUMBER_DIGITS_LEAST 3 /* fewer are nothing to look for */

/*
 * A number's digits alone, without the 00 in front of them: "+46 70-123" and "004670123" are the same number. Points
 * into out. What has more digits is cut off: no number has them.
 */
#define NUMBER_DIGITS_MAX 32
struct slice number_digits(struct slice text, char out[NUMBER_DIGITS_MAX]);

/*
 * Calls fn with the digits of every number that the event of this normalised text may name: of all members from_number,
 * to_number and phone_number, wherever they stand, that have digits enough. One that the event names is never left out;
 * NUMBERS_MAX calls at the most. Fast, for it skims the text.
 */
#define NUMBERS_MAX 11
typedef void number_fn(void *ctx, struct slice digits);
void number_each(struct slice event, number_fn *fn, void *ctx);
/* Is this number message.from_number, message.to_number or contact.phone_number? */
bool number_is_named(struct slice event, struct slice digits);

#endif

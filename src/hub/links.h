/* Short links: in place of the URLs of a message's content, to know when one is opened. */
#ifndef HUB_LINKS_H
#define HUB_LINKS_H

#include "hub/record.h"

/* Short links are the public URL, this, and a code: GET of one answers 302 with where links_follow says. */
#define LINKS_PATH "/s/"
/* Replaces the URLs of a content by short ones, stored, but at most 20; short_urls of the message is set. */
struct slice links_shorten(struct deed *d, struct record *message, struct slice content);
/*
 * Where the short link `code` leads, in the arena; empty when there is none, or its message is gone. Told as the
 * message's first click, unless the deed's origin is another than platform (somebody only looked).
 */
struct slice links_follow(struct deed *d, struct slice code);
/* A link is due: it is deleted when its message is gone, otherwise looked at again a month later. */
void links_step(struct deed *d, struct record *link);

#endif

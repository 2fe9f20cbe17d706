/*
 * A request's body on its way in: collected under a ceiling,
 * expanded when it came as gzip. Private to the server adapter.
 */
#ifndef NET_SERVER_BODY_H
#define NET_SERVER_BODY_H

#include <zlib.h>

#include "base/buf.h"

enum server_body_state {
	BODY_OPEN,	  /* bytes may follow */
	BODY_WHOLE,	  /* server_body_end was called and all is well */
	BODY_TOO_LARGE,	  /* as sent or expanded: over the ceiling */
	BODY_BROKEN,	  /* no valid gzip */
	BODY_UNSUPPORTED, /* a Content-Encoding that we do not read */
	BODY_NO_ROOM,	  /* dropped, because all bodies together hold too much */
	BODY_UNWANTED,	  /* dropped, because nobody will look at it */
};

struct server_body {
	struct buf content; /* expanded */
	enum server_body_state state;
	size_t received; /* bytes as sent, those thrown away included */
	bool gzip;
	bool member_ended; /* gzip: the last member is complete */
	z_stream z;
};

/*
 * encoding: the value of Content-Encoding, empty when there is
 * none. max: of the bytes as sent and of the expanded ones.
 */
void server_body_begin(struct server_body *b, struct slice encoding, size_t max);
/* Takes the next bytes as sent. Once the state says an error, bytes are counted and thrown away. */
void server_body_add(struct server_body *b, struct slice bytes);
/* The last byte has come: BODY_WHOLE or the error. */
enum server_body_state server_body_end(struct server_body *b);
/* The memory that it holds. */
size_t server_body_bytes(const struct server_body *b);
/* Gives the memory back; what still comes is thrown away. why: BODY_NO_ROOM or BODY_UNWANTED. */
void server_body_drop(struct server_body *b, enum server_body_state why);
void server_body_free(struct server_body *b);

#endif

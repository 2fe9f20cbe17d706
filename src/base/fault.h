/*
 * Errors. A function that can fail returns 0 or one of enum err; when the caller (an API client, an
 * operator) must learn what to change, the function also fills a struct fault.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdarg.h>

enum err {
	ERR_NONE = 0,
	ERR_INVALID = -1,   /* the input is wrong; a fault says where and what to do */
	ERR_TOO_BIG = -2,   /* a size limit was passed */
	ERR_NOT_FOUND = -3, /* no such thing */
	ERR_EXISTS = -4,    /* there is one already */
	ERR_BUSY = -5,	    /* no room just now; try later */
	ERR_FULL = -6,	    /* the disk is full; nothing was written */
	ERR_IO = -7,	    /* the disk failed; the outcome is unknown */
	ERR_CORRUPT = -8,   /* stored bytes are not what was written */
	ERR_SYSTEM = -9	    /* a system call failed; the fault names it */
};

/* What is wrong, said so that the author of the input can mend it. Plain data; copy it freely. */
struct fault {
	char code[24];	   /* "invalid_param", "not_found", "too_large", … as in api.md */
	char param[200];   /* the field: "events[3].message.id"; empty if the whole input is meant */
	char message[500]; /* the reason, then the cure */
	long position;	   /* byte offset inside the field's text, -1 when it has none */
};

/* A fault that says nothing yet. */
#define NO_FAULT                                                                                                       \
	{                                                                                                              \
		.position = -1                                                                                         \
	}

/* Fills *f (NULL is fine) and returns ERR_INVALID, so that `return fault_set(…)` reads well. */
int fault_set(struct fault *f, const char *code, const char *param, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* As fault_set with code "invalid_param". */
int fault_param(struct fault *f, const char *param, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts a prefix before f->param: fault_within(f, "events[%zu]", 3) makes "message.id" into
 * "events[3].message.id". A following '[' gets no dot. */
void fault_within(struct fault *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A constant, human word for an enum err: "disk full". */
const char *err_text(int err);

#endif

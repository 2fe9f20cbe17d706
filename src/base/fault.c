/*
 * Faults: what an API client or an operator is told. They are plain arrays so that they can live on the stack, be
 * copied between threads and never need freeing; text that does not fit is cut.
 */
#include "base/fault.h"

#include <stdio.h>

#include "base/slice.h"

static void fault_fill(struct fault *f, const char *code, const char *param, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void fault_fill(struct fault *f, const char *code, const char *param, const char *fmt, va_list ap)
{
	if (!f)
		return;
	slice_copy(f->code, sizeof(f->code), slice_str(code));
	slice_copy(f->param, sizeof(f->param), slice_str(param));
	vsnprintf(f->message, sizeof(f->message), fmt, ap);
	f->position = -1;
}

int fault_set(struct fault *f, const char *code, const char *param, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_fill(f, code, param, fmt, ap);
	va_end(ap);
	return ERR_INVALID;
}

int fault_param(struct fault *f, const char *param, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fault_fill(f, "invalid_param", param, fmt, ap);
	va_end(ap);
	return ERR_INVALID;
}

void fault_within(struct fault *f, const char *fmt, ...)
{
	char prefix[sizeof(f->param)], joined[2 * sizeof(f->param) + 1];
	const char *dot;
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	dot = prefix[0] && f->param[0] && f->param[0] != '[' ? "." : "";
	snprintf(joined, sizeof(joined), "%s%s%s", prefix, dot, f->param);
	slice_copy(f->param, sizeof(f->param), slice_str(joined));
}

const char *err_text(int err)
{
	switch ((enum err)err) {
	case ERR_NONE:
		return "no error";
	case ERR_INVALID:
		return "invalid input";
	case ERR_TOO_BIG:
		return "too big";
	case ERR_NOT_FOUND:
		return "not found";
	case ERR_EXISTS:
		return "exists already";
	case ERR_BUSY:
		return "no room just now";
	case ERR_FULL:
		return "disk full";
	case ERR_IO:
		return "disk failure";
	case ERR_CORRUPT:
		return "stored data damaged";
	case ERR_SYSTEM:
		return "system call failed";
	}
	return "unknown error";
}

/* Intrusive doubly linked lists with a sentinel. An element is in at most one list per link; list_del
 * makes it point to itself, so list_linked can tell. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* Walks; the body may delete the current element. */
#define LIST_EACH(it, head)                                                                                            \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head); it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}
static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}
static inline bool list_linked(const struct list *l)
{
	return l->next != l;
}
static inline void list_insert_before(struct list *pos, struct list *l)
{
	l->prev = pos->prev;
	l->next = pos;
	pos->prev->next = l;
	pos->prev = l;
}
static inline void list_push(struct list *head, struct list *l)
{
	list_insert_before(head, l);
}
static inline void list_push_front(struct list *head, struct list *l)
{
	list_insert_before(head->next, l);
}
static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}
/* The first element taken off, or NULL. */
static inline struct list *list_pop(struct list *head)
{
	struct list *l = head->next;

	if (l == head)
		return NULL;
	list_del(l);
	return l;
}
/* Moves all of src to the front of dst, order kept; src ends empty. */
static inline void list_splice_front(struct list *dst, struct list *src)
{
	if (list_empty(src))
		return;
	src->prev->next = dst->next;
	dst->next->prev = src->prev;
	dst->next = src->next;
	src->next->prev = dst;
	list_init(src);
}

#endif

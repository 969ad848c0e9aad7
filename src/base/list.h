/* An intrusive doubly linked list with a head node. A node in no list points to itself. */
#ifndef GUST_BASE_LIST_H
#define GUST_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct gust__list {
    struct gust__list *next;
    struct gust__list *previous;
};

#define GUST__CONTAINER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void gust__list_init(struct gust__list *node)
{
    node->next = node;
    node->previous = node;
}

static inline bool gust__list_empty(const struct gust__list *node)
{
    return node->next == node;
}

static inline void gust__list_insert_before(struct gust__list *place, struct gust__list *node)
{
    node->next = place;
    node->previous = place->previous;
    place->previous->next = node;
    place->previous = node;
}

static inline void gust__list_append(struct gust__list *head, struct gust__list *node)
{
    gust__list_insert_before(head, node);
}

static inline void gust__list_prepend(struct gust__list *head, struct gust__list *node)
{
    gust__list_insert_before(head->next, node);
}

/* Takes node out of the list it is in; harmless for a node in none. */
static inline void gust__list_remove(struct gust__list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    gust__list_init(node);
}

/* The first node, taken out; NULL for an empty list. */
static inline struct gust__list *gust__list_take_first(struct gust__list *head)
{
    struct gust__list *node = head->next;
    if (node == head)
        return NULL;
    gust__list_remove(node);
    return node;
}

/* Moves all of from's nodes to the end of to. */
static inline void gust__list_splice(struct gust__list *to, struct gust__list *from)
{
    if (gust__list_empty(from))
        return;
    from->next->previous = to->previous;
    to->previous->next = from->next;
    from->previous->next = to;
    to->previous = from->previous;
    gust__list_init(from);
}

#endif

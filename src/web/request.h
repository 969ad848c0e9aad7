/*
 * A request as the web layer keeps it: the exchange's `request`, zeroed when the exchange begins. What is
 * asked of it is worked out when it is first asked: groups, arguments, cookies, forms.
 *
 * The life of a request, function by function:
 *
 *     admit (serve.c)              on the loop, the head only: the route, its limits
 *     serve                        in the coroutine: deadline, the chain of middleware, the handler
 *       gust_next -> run_handler   each under a catcher; a throw becomes an error answer (error_answer.c)
 *       settle                     what the handler left: the answer is finished, or cut off when it is too
 * late end_request                the group is cancelled and joined, gust_after's functions run
 */
#ifndef GUST_WEB_REQUEST_H
#define GUST_WEB_REQUEST_H

#include "base/list.h"
#include "base/log_int.h"
#include "http/coding.h"
#include "http/exchange.h"
#include "web/app.h"

#include <gust/coroutine.h>
#include <gust/error.h>
#include <gust/web.h>

/* A function to be called later with the request; in the arena. */
struct gust__call {
    struct gust__call *next;
    void (*with_request)(gust_request *request, void *argument); /* gust_before_headers */
    void (*plain)(void *argument);                               /* gust_after */
    void *argument;
};

struct gust__arguments;   /* web/arguments.c */
struct gust__files;       /* web/form.c */
struct gust__cookies;     /* web/cookies.c */
struct gust__coded_body;  /* web/coded_body.c */
struct gust__file_hashes; /* web/file_hash.c */

struct gust_request {
    struct gust__exchange *exchange;
    const struct gust__route *route; /* NULL: none matched */
    gust_app *app;                   /* the route's, or the innermost that was asked */
    struct gust__slice path;         /* behind the prefixes of mounts */
    void *data;
    void *state;
    size_t next_middleware; /* how far the chain has come */

    /* what was asked, once it was */
    char **groups; /* decoded; [0] unused */
    unsigned group_count;
    bool groups_known;
    struct gust__arguments *arguments;
    struct gust__files *files;
    struct gust__cookies *cookies;
    const char *xsrf_token; /* of this answer */
    const struct gust_locale *locale;
    struct gust__session *session; /* web/session.c */
    const char *user;
    bool user_known;
    struct gust__coded_body *coded_body; /* NULL: the body came as it is */
    void *json;                          /* of the body: json_t, freed when the request ends */
    char *method_text, *uri_text, *path_text, *query_text, *host_text;
    const char **header_texts; /* values with a NUL behind, by index; made when asked */

    /* the answer */
    int status;
    const char *reason;
    struct gust__answer_header *headers;
    unsigned header_count, header_capacity;
    struct gust__answer_header first_headers[4];
    char *output; /* in the arena: written and not yet sent */
    size_t output_size, output_capacity;
    int64_t content_length; /* that the handler set, plus one; 0: it did not */
    struct gust__call *before_headers;
    struct gust__call *after;
    struct gust__encoder *encoder; /* the answer is encoded as it goes */
    char *encoded;                 /* in the arena: what comes out of it */
    enum gust__coding coding;      /* of the answer, once coding_planned */
    bool coding_planned;
    bool has_content_type;
    bool has_default_type; /* a default header's: what is JSON says so nevertheless */
    bool finished;
    bool writes_error; /* write_error runs: it must not fail again */
    bool detached, completed;
    bool has_turn;       /* of its route's .max_running */
    gust_error *failure; /* in development: what the error page shows */
    unsigned wakes_on;
    const char *problems;      /* of gust_bind: the JSON body for the error whose text is ... */
    const char *problems_text; /* ... this */

    const char *id_text;            /* request_id.c */
    uint64_t id;                    /* in its thread, from 1; 0: nobody asked yet */
    struct gust__list drain_member; /* of the loop's requests that wake on drain */
    gust_group *group;              /* in serve's frame */
};

/* What the web layer keeps for a loop. */
struct gust__web_state {
    struct gust__loop_state state;
    pcre2_match_data *match_data;
    struct gust__list wake_on_drain;
    struct gust__file_hashes *file_hashes; /* NULL: none yet */
    bool draining;
};

/* Makes the loop's state. NULL: ENOMEM. */
struct gust__web_state *gust__web_state_new(gust_loop *loop);

/* The loop's state, made when there is none. NULL: ENOMEM. */
static inline struct gust__web_state *gust__web_state(gust_loop *loop)
{
    struct gust__loop_state *state = gust__loop_state(loop, GUST__LOOP_WEB);
    return state ? (struct gust__web_state *)(void *)state : gust__web_state_new(loop);
}

/* From now on gust_draining() is true on this loop, and waits of requests that asked end. */
void gust__web_drain(gust_loop *loop);

/* Ends the handler with 503: memory ran out. */
_Noreturn void gust__no_memory(void);

/* Copy of a slice in the arena, NULs inside included, a NUL behind; "" for an empty one. Never NULL. */
char *gust__request_text(gust_request *request, struct gust__slice slice);

/* ---- answer.c ---- */

/* Output is kept up to this size, then sent as it is: nginx's and Tornado's size of a chunk. */
enum { GUST__OUTPUT_MAX = 64 << 10 };

/* Adds a header whose texts last until the request ends, unchecked. */
void gust__answer_add(gust_request *request, struct gust__slice name, struct gust__slice value);
/* The value of a header that is set; data is NULL: it is not. */
struct gust__slice gust__answer_header_set(const gust_request *request, struct gust__slice name);
/* [blk] Sends parts of the body as they are, behind the head if that has not gone. As the exchange's send. */
int gust__answer_send(gust_request *request, const struct iovec *parts, size_t count, bool last);
/* Room for size more bytes of output; commit by output_size. Ends the handler with 503. */
char *gust__answer_reserve(gust_request *request, size_t size);
/* Sends what is left and ends the answer. 0; -1: the client is gone. */
int gust__answer_finish(gust_request *request);
/* Forgets status, headers and output, but for default headers; the head must not have been sent. */
void gust__answer_reset(gust_request *request);
/* Adds the default headers of the application and of those that it is mounted in. */
void gust__answer_defaults(gust_request *request);

/* ---- error_answer.c ---- */

/* Turns the context's last error into an answer (or an abort, when the head has gone), and logs what must be.
 */
void gust__answer_error(gust_request *request);
/* Answers with a status and its default body. text NULL: the reason only. */
void gust__answer_status(gust_request *request, int status, const char *text);

/* ---- error_page.c ---- */

/* The body of an error answer that nobody else writes: text, or a page for browsers; text NULL: the reason
 * only. */
void gust__error_page(gust_request *request, int status, const char *text);

/* ---- xsrf.c ---- */

/* Ends the handler with 403 if the method changes things and the request did not bring its token. */
void gust__xsrf_guard(gust_request *request);

/* ---- auth.c ---- */

/* Ends the handler, or sends to the login, unless the user may have the route. */
void gust__auth_check(gust_request *request);

/* ---- request_id.c ---- */

/* Writes the request's id, made now if nobody has asked yet, and a NUL. On its loop. -> the length */
size_t gust__request_id(struct gust__exchange *exchange, char to[GUST__LOG_REQUEST]);

/* The same of the request that the running coroutine serves, for gust__log_request. 0: none. */
size_t gust__request_id_here(char to[GUST__LOG_REQUEST]);

/* ---- serve.c ---- */

/* What serves one application: http/exchange.h's service and the application (borrowed, frozen). */
struct gust__web_service {
    struct gust__http_service service;
    gust_app *app;
};

/* What a body of this request may have at most, decoded. */
int64_t gust__body_limit(const gust_request *request);

void gust__web_service_init(struct gust__web_service *service, gust_app *app);

/* Ends what form.c, json.c hold outside the arena. */
void gust__form_end(gust_request *request);
void gust__json_end(gust_request *request);

#endif

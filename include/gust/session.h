/*
 * gust/session.h - who is at the other end: sessions, logging in, passwords
 *
 *     gust_sessions *sessions = gust_sessions_new(.store = "sqlite:sessions.db");
 *     gust_app_set(app, .sessions = sessions, .login_url = "/login", .xsrf_cookies = true);
 *     gust_route(app, "GET /mail", show_mail, .login = true);
 *
 *     static void log_in(gust_request *req)                              // POST /login
 *     {
 *         struct account *account = find_account(gust_need_arg(req, "name"));
 *         if (!gust_password_fits(gust_need_arg(req, "password"), account ? account->password : NULL))
 *             gust_fail(403, "wrong name or password");
 *         gust_log_in(req, account->name);
 *         gust_redirect(req, gust_next_url(req, "/mail"), 303);
 *     }
 *
 *     static void show_mail(gust_request *req)
 *     {
 *         gust_printf(req, "Mail for %s\n", gust_user(req));
 *     }
 *
 * A session is a few texts that the server keeps for a browser, which only has a random number of 256 bits as
 * a cookie (HttpOnly, SameSite=Lax). It begins with the first value that is set, gets a new number when
 * somebody logs in (so that nobody can have planted the old one), and ends by gust_session_end, when it was
 * not used for the idle time, or at its greatest age. The store knows numbers only by their SHA-256: who
 * reads it cannot take over sessions.
 *
 * It is read from the store when a request first asks for it, and written back just before the answer's head
 * goes out. Two requests of one browser at the same time each have their own copy: what is written last
 * counts.
 *
 * Stores: "memory", for one process: it forgets at each restart, and beyond .max sessions the one that was
 * not used for longest; "sqlite:FILE", for the processes of one machine, worked on the thread pool;
 * "redis://[:PASSWORD@]HOST[:PORT][/DB]" and "redis+unix:FILE", over gust's own streams, for several
 * machines.
 */
#ifndef GUST_SESSION_H
#define GUST_SESSION_H

#include <gust/base.h>
#include <gust/web.h>

GUST_BEGIN_DECLARATIONS

typedef struct gust_sessions gust_sessions;

typedef struct gust_sessions_options {
    size_t size;
    const char *store GUST_ZERO;  /* default "memory" */
    int64_t idle GUST_ZERO;       /* unused so long: over; default 30 min */
    int64_t absolute GUST_ZERO;   /* so old: over, used or not; default 12 h */
    const char *cookie GUST_ZERO; /* its name; default "session" */
    bool secure GUST_ZERO;        /* the cookie is sent over https only: set it where there is https */
    size_t max_bytes GUST_ZERO;   /* of a session's names and values; default 16 KiB */
    size_t max GUST_ZERO;         /* sessions in memory; default 100,000 */
} gust_sessions_options;

/* [any] Nothing is connected to yet: a store is opened in each process when it is first needed. One
 * gust_sessions serves any number of applications and loops. NULL: EINVAL (a store that is none), ENOTSUP
 * (one that this build does not have), ENOMEM. */
GUST_API gust_sessions *gust_sessions_new_with(const gust_sessions_options *options);
#define gust_sessions_new(...) gust_sessions_new_with(GUST_OPTIONS(gust_sessions_options, ##__VA_ARGS__))

/* [any] When no loop serves with it any more; NULL is allowed. */
GUST_API void gust_sessions_free(gust_sessions *sessions);

/* ---- the request's session. All end the handler with 503 when the store fails, with 500 when the
 * application has no .sessions. ---- */

/* [blk] A value; NULL: there is none. Lasts until it is set again or the request ends. */
GUST_API const char *gust_session_get(gust_request *request, const char *name);

/* [blk] Sets a value (copied; NULL removes it). 0; -1: EMSGSIZE (more than max_bytes), EINVAL (no UTF-8),
 * EALREADY (the head has been sent: it could not be written back). */
GUST_API int gust_session_set(gust_request *request, const char *name, const char *value);

/* [blk] Gives the session a new number, its values kept: whenever the user's rights change. EALREADY as
 * above. */
GUST_API int gust_session_rotate(gust_request *request);

/* [blk] Ends the session: its values are gone, the cookie is deleted. EALREADY as above. */
GUST_API int gust_session_end(gust_request *request);

/* ---- users ---- */

/* [blk] The session is the user's from now on, under a new number, and stored at once. */
GUST_API void gust_log_in(gust_request *request, const char *user);

/* [blk] The same as gust_session_end. */
GUST_API void gust_log_out(gust_request *request);

/* [blk] Who is logged in, or what the application's .current_user says; NULL: nobody. Asked once a request.
 */
GUST_API const char *gust_user(gust_request *request);

/* [blk] The user. Without one a GET or HEAD is redirected to .login_url with ?next= and its own URL, and
 * anything else ends with 403. Routes with .login ask before their handler begins; those with .role then ask
 * .has_role, and end with 403. */
GUST_API const char *gust_need_user(gust_request *request);

/* [loop] The argument next, if it is a path of this site; else otherwise. For after a login: a link must not
 * lead through it to another site. */
GUST_API const char *gust_next_url(gust_request *request, const char *otherwise);

/* ---- passwords ---- */

enum { GUST_PASSWORD_ROOM = 384 };

/* [blk] A password as it may be stored: yescrypt by the system's crypt(3), salted, on the thread pool, for it
 * takes time and is meant to. 0; -1: EINVAL (longer than 511 bytes), what crypt and the pool say. */
GUST_API int gust_password_hash(const char *password, char to[GUST_PASSWORD_ROOM]);

/* [blk] Whether it is the password; any hash that the system's crypt(3) knows. hash NULL (there is no such
 * user): false, after the same work. */
GUST_API bool gust_password_fits(const char *password, const char *hash);

GUST_END_DECLARATIONS

#endif

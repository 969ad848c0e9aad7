/*
 * gust dev: keeps the listening sockets, and hands them to whatever serves: the program, or the page that
 * says why there is none. It builds after each change; a build that makes another program starts that one,
 * any other has the browsers load their pages again.
 */
#include "child.h"
#include "commands.h"
#include "detect.h"
#include "state.h"
#include "watch.h"

#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "Usage: gust dev [OPTIONS] [PROGRAM [ARGUMENTS]]\n"
    "       gust dev [OPTIONS] -- ARGUMENTS\n"
    "\n"
    "Builds the project in this directory, runs its program, and does so again whenever a source, a template or\n"
    "another file of it changes; pages in browsers load themselves again. What is wrong with a build, or how the\n"
    "program ended, is shown in the browser.\n"
    "\n"
    "  --port PORT            listen on this port (default 8888; 0: any free one)\n"
    "  --address HOST         listen on this address (default 127.0.0.1)\n"
    "  --build COMMAND        what builds it, a command of the shell. Default: cmake in build/ where there is a\n"
    "                         CMakeLists.txt, else make where there is a Makefile\n"
    "  --directory DIRECTORY  the project's directory\n"
    "  --help                 this text\n"
    "\n"
    "PROGRAM is what the build makes; default: the first add_executable of CMakeLists.txt, in build/. It must use\n"
    "gust_main, which takes the listening sockets over.\n";

enum { MOST_SOCKETS = 16, MOST_ARGUMENTS = 256 };

struct options {
    const char *port, *address, *build, *directory;
    char **program; /* and its arguments, ended by NULL; empty: to be found */
};

struct dev {
    const struct options *options;
    char build[DETECT_ROOM], found[DETECT_ROOM];
    const char *program[MOST_ARGUMENTS + 1];
    gust_listener *listener;
    int sockets[MOST_SOCKETS];
    size_t socket_count;
    struct watcher *watcher;
    gust_watch *signals[3];
    struct state state;
    gust_event event; /* something of the following */
    bool changed, ending;
    struct child *child; /* what serves; NULL: nothing, connections wait */
    bool is_program;     /* it is the program, not the page */
    struct stat made_of; /* the program's file when it was started */
};

/* ---- what serves ---- */

static void stop_child(struct dev *dev)
{
    if (!dev->child)
        return;
    if (dev->child->ended)
        child_join(dev->child);
    else
        child_stop(dev->child);
    child_free(dev->child);
    dev->child = NULL;
}

/* The one before has ended then: it may hold a lock, or a port of its own. */
static int serve(struct dev *dev, const char *const *arguments, int in, bool is_program)
{
    stop_child(dev);
    state_next_program(&dev->state);
    const struct child_options options = {.arguments = arguments,
                                          .sockets = dev->sockets,
                                          .socket_count = dev->socket_count,
                                          .in = in,
                                          .silent = !is_program,
                                          .event = &dev->event};
    dev->child = child_start(&options);
    dev->is_program = is_program;
    if (!dev->child)
        fprintf(stderr, "gust dev: cannot start %s: %s\n", arguments[0], strerror(errno));
    return dev->child ? 0 : -1;
}

static void start_program(struct dev *dev)
{
    if (stat(dev->program[0], &dev->made_of) < 0)
        dev->made_of = (struct stat){0};
    if (serve(dev, dev->program, 0, true) == 0)
        printf("gust dev: started %s\n", dev->program[0]);
    fflush(stdout);
}

/* The text goes along in a file without a name: it may be longer than a pipe holds. */
static void show_page(struct dev *dev, const char *title, const char *text, size_t size)
{
    const char *const arguments[] = {"/proc/self/exe", "page", title, NULL};
    int file = memfd_create("gust-dev", MFD_CLOEXEC);
    bool written = file >= 0 && write(file, text, size) == (ssize_t)size && lseek(file, 0, SEEK_SET) == 0;
    if (!written)
        fprintf(stderr, "gust dev: cannot show a page: %s\n", strerror(errno));
    serve(dev, arguments, file > 0 ? file : 0, false);
    if (file >= 0)
        close(file);
}

/* Of a program that ended by itself. The page does not: if it cannot run, nothing else helps. */
static void report_end(struct dev *dev)
{
    char how[64], title[128];
    struct child *child = dev->child;
    dev->child = NULL;
    child_join(child);
    child_describe(child, how, sizeof(how));
    snprintf(title, sizeof(title), "%s has ended: %s", dev->is_program ? "The program" : "The page", how);
    fprintf(stderr, "gust dev: %s\n", title);
    if (dev->is_program)
        show_page(dev, title, child->output, child->output_size);
    child_free(child);
}

/* ---- building ---- */

static bool is_same_program(const struct dev *dev)
{
    struct stat now;
    const struct stat *then = &dev->made_of;
    return stat(dev->program[0], &now) == 0 && now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
           now.st_size == then->st_size && now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

static void take_build(struct dev *dev, const struct child *build)
{
    if (!child_succeeded(build)) {
        char how[64], title[128];
        child_describe(build, how, sizeof(how));
        snprintf(title, sizeof(title), "The build has failed: %s", how);
        printf("gust dev: %s\n", title);
        show_page(dev, title, build->output, build->output_size);
    } else if (dev->child && dev->is_program && !dev->child->ended && is_same_program(dev)) {
        state_next_change(&dev->state);
        printf("gust dev: reloaded\n");
    } else {
        start_program(dev);
    }
    fflush(stdout);
}

/* What serves goes on meanwhile. A change in the middle of a build starts the next one when this one is done.
 */
static void build(struct dev *dev)
{
    const char *const arguments[] = {"/bin/sh", "-c", dev->build, NULL};
    const struct child_options options = {.arguments = arguments, .event = &dev->event};
    printf("gust dev: building\n");
    fflush(stdout);
    struct child *child = child_start(&options);
    if (!child) {
        fprintf(stderr, "gust dev: cannot start the build: %s\n", strerror(errno));
        return;
    }
    while (!child->ended && !dev->ending) {
        gust_event_wait(&dev->event);
        gust_event_clear(&dev->event);
    }
    if (child->ended)
        child_join(child);
    else
        child_kill(child);
    if (!dev->ending)
        take_build(dev, child);
    child_free(child);
}

/* ---- beginning and end ---- */

static void on_change(void *argument)
{
    struct dev *dev = argument;
    dev->changed = true;
    gust_event_set(&dev->event);
}

static int on_signal(int number, unsigned zero, void *argument)
{
    struct dev *dev = argument;
    (void)number, (void)zero;
    dev->ending = true;
    gust_event_set(&dev->event);
    return 0;
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

static int open_sockets(struct dev *dev)
{
    char address[300];
    const char *host = dev->options->address;
    bool bare_v6 = strchr(host, ':') && host[0] != '[';
    snprintf(address, sizeof(address), bare_v6 ? "[%s]:%s" : "%s:%s", host, dev->options->port);
    dev->listener = gust_listen(address);
    if (!dev->listener) {
        fprintf(stderr, "gust dev: cannot listen on %s: %s%s\n", address, strerror(errno),
                errno == EADDRINUSE ? "; --port PORT chooses another port" : "");
        return -1;
    }
    dev->socket_count = gust__listener_sockets(dev->listener, dev->sockets, MOST_SOCKETS);
    return 0;
}

static int watch_all(struct dev *dev)
{
    for (size_t i = 0; i < GUST_LEN(ending_signals); i++) {
        dev->signals[i] = gust_watch_signal(gust_loop_current(), ending_signals[i], on_signal, dev);
        if (!dev->signals[i])
            return -1;
    }
    dev->watcher = watcher_new(".", on_change, dev);
    return dev->watcher ? 0 : -1;
}

static int begin(struct dev *dev)
{
    if (open_sockets(dev) < 0)
        return -1;
    if (watch_all(dev) < 0 || state_open(&dev->state) < 0) {
        const char *text = gust_error_text(gust_error_last());
        fprintf(stderr, "gust dev: cannot watch the project: %s\n", *text ? text : strerror(errno));
        return -1;
    }
    printf("gust dev: listening on http://%s\n", gust_listener_address(dev->listener));
    return 0;
}

static void finish(struct dev *dev)
{
    stop_child(dev);
    state_close(&dev->state);
    watcher_free(dev->watcher);
    for (size_t i = 0; i < GUST_LEN(dev->signals); i++)
        gust_watch_free(dev->signals[i]);
    gust_listener_free(dev->listener);
}

static int run(void *argument)
{
    struct dev *dev = argument;
    int result = begin(dev);
    dev->changed = result == 0;
    while (result == 0 && !dev->ending) {
        if (dev->changed) {
            dev->changed = false;
            build(dev);
        } else if (dev->child && dev->child->ended) {
            report_end(dev);
        } else {
            gust_event_wait(&dev->event);
            gust_event_clear(&dev->event);
        }
    }
    finish(dev);
    return result;
}

/* ---- the command ---- */

/* -1: go on; else what main returns. */
static int read_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},  {"address", required_argument, NULL, 'a'},
        {"build", required_argument, NULL, 'b'}, {"directory", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},        {0}};
    *options = (struct options){.port = "8888", .address = "127.0.0.1"};
    for (int option; (option = getopt_long(argc, argv, "+h", known, NULL)) != -1;) {
        const char **value = option == 'p'   ? &options->port
                             : option == 'a' ? &options->address
                             : option == 'b' ? &options->build
                             : option == 'd' ? &options->directory
                                             : NULL;
        if (!value) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_SUCCESS : WRONG_ARGUMENT;
        }
        *value = optarg;
    }
    options->program = argv + optind;
    return -1;
}

static int choose_program(struct dev *dev)
{
    size_t count = 0;
    char **at = dev->options->program;
    if (!*at || **at == '-') { /* behind "--": its arguments only */
        if (detect_program(dev->found) < 0) {
            fprintf(stderr, "gust dev: which program does the build make? Say gust dev PROGRAM\n");
            return -1;
        }
        dev->program[count++] = dev->found;
    }
    while (*at && count < MOST_ARGUMENTS)
        dev->program[count++] = *at++;
    if (*at)
        fprintf(stderr, "gust dev: more than %d arguments for the program\n", MOST_ARGUMENTS);
    return *at ? -1 : 0;
}

static int prepare(struct dev *dev)
{
    const struct options *options = dev->options;
    if (options->directory && chdir(options->directory) < 0) {
        fprintf(stderr, "gust dev: %s: %s\n", options->directory, strerror(errno));
        return -1;
    }
    if (options->build)
        snprintf(dev->build, sizeof(dev->build), "%s", options->build);
    else if (detect_build(dev->build) < 0) {
        fprintf(stderr, "gust dev: no CMakeLists.txt and no Makefile here. Is this the project's directory?\n"
                        "--build COMMAND says what else builds it, \"gust new NAME\" makes a project.\n");
        return -1;
    }
    detect_environment();
    setenv("GUST_ENV", "development", 1);
    return choose_program(dev);
}

int command_dev(int argc, char **argv)
{
    static struct dev dev; /* large */
    struct options options;
    sigset_t ending;
    int result = read_options(&options, argc, argv);
    if (result >= 0)
        return result;
    dev.options = &options;
    if (prepare(&dev) < 0)
        return WRONG_ARGUMENT;
    sigemptyset(&ending);
    for (size_t i = 0; i < GUST_LEN(ending_signals); i++)
        sigaddset(&ending, ending_signals[i]);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    signal(SIGPIPE, SIG_IGN);
    return gust_run(run, &dev, 0) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

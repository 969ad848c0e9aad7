#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_FOLDERS = 10000, LONGEST_PATH = 4096, DEEPEST = 32 };

#define QUIET     GUST_MS(100)
#define AT_LATEST GUST_S(1)

struct watcher {
    int fd;
    gust_loop *loop;
    gust_watch *watch;
    gust_timer timer;
    int64_t first; /* when the changes that are not told yet began; 0: there are none */
    void (*changed)(void *argument);
    void *argument;
    char **folders; /* by inotify's number */
    size_t count;
};

/* ---- what counts ---- */

/* What a build makes (main.o), what editors leave (main.c~, .main.c.swp, 4913) and what programs write (a
 * database) must not start a build: so it is told by what counts. */
bool watch_counts_file(const char *name)
{
    static const char *const endings[] = {".c",   ".h",   ".cc",  ".cpp", ".cxx", ".hh",  ".hpp",   ".S",
                                          ".l",   ".y",   ".def", ".in",  ".inc", ".mk",  ".cmake", ".html",
                                          ".htm", ".xml", ".svg", ".css", ".js",  ".mjs", ".txt",   ".json",
                                          ".md",  ".po",  ".mo",  ".sql", ".png", ".jpg", ".webp",  ".ico"};
    static const char *const names[] = {"Makefile", "GNUmakefile", "makefile"};
    const char *dot = strrchr(name, '.');
    if (name[0] == '.' || name[0] == '#')
        return false;
    for (size_t i = 0; dot && i < GUST_LEN(endings); i++) {
        if (strcmp(dot, endings[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < GUST_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

bool watch_counts_folder(const char *name)
{
    static const char *const others[] = {"node_modules", "CMakeFiles", "data", "var", "__pycache__"};
    if (name[0] == '.' || strncmp(name, "build", 5) == 0)
        return false;
    for (size_t i = 0; i < GUST_LEN(others); i++) {
        if (strcmp(name, others[i]) == 0)
            return false;
    }
    return true;
}

/* ---- telling ---- */

static int tell(void *argument)
{
    struct watcher *watcher = argument;
    watcher->first = 0;
    watcher->changed(watcher->argument);
    return 0;
}

static void note(struct watcher *watcher)
{
    int64_t now = gust_loop_time(watcher->loop);
    if (!watcher->first)
        watcher->first = now;
    int64_t when = now + QUIET, latest = watcher->first + AT_LATEST;
    gust_timer_start(watcher->loop, &watcher->timer, when < latest ? when : latest);
}

/* ---- folders ---- */

static int remember(struct watcher *watcher, int number, const char *path)
{
    size_t index = (size_t)number;
    if (index >= watcher->count) {
        char **larger = realloc(watcher->folders, (index + 1) * sizeof(*larger));
        if (!larger)
            return -1;
        memset(larger + watcher->count, 0, (index + 1 - watcher->count) * sizeof(*larger));
        watcher->folders = larger;
        watcher->count = index + 1;
    }
    free(watcher->folders[index]); /* looked at twice: it was made while we looked */
    watcher->folders[index] = strdup(path);
    return watcher->folders[index] ? 0 : -1;
}

/* Another program's build folder has any name. */
static bool is_build(const char *path)
{
    char cache[LONGEST_PATH];
    int length = snprintf(cache, sizeof(cache), "%s/CMakeCache.txt", path);
    return length > 0 && (size_t)length < sizeof(cache) && access(cache, F_OK) == 0;
}

static int add_folder(struct watcher *watcher, const char *path, unsigned depth, bool is_new);

static int look_at(struct watcher *watcher, const char *folder, const char *name, unsigned depth, bool is_new)
{
    char path[LONGEST_PATH];
    struct stat status;
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof(path) || lstat(path, &status) < 0)
        return 0; /* gone again */
    if (S_ISDIR(status.st_mode))
        return watch_counts_folder(name) && !is_build(path) ? add_folder(watcher, path, depth + 1, is_new)
                                                            : 0;
    if (is_new && watch_counts_file(name))
        note(watcher); /* it was there before we watched its folder */
    return 0;
}

static int add_folder(struct watcher *watcher, const char *path, unsigned depth, bool is_new)
{
    enum { EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR };
    int result = 0;
    int number = inotify_add_watch(watcher->fd, path, EVENTS);
    if (number < 0)
        return is_new && errno == ENOENT ? 0 : -1;
    if (number > MOST_FOLDERS || depth > DEEPEST) {
        errno = EMSGSIZE;
        return -1;
    }
    if (remember(watcher, number, path) < 0)
        return -1;
    DIR *directory = opendir(path);
    if (!directory)
        return is_new ? 0 : -1;
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = look_at(watcher, path, entry->d_name, depth, is_new);
    }
    closedir(directory);
    return result;
}

/* ---- events ---- */

static unsigned depth_of(const char *path)
{
    unsigned depth = 0;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

static void take(struct watcher *watcher, const struct inotify_event *event)
{
    size_t index = (size_t)event->wd;
    if (event->mask & IN_Q_OVERFLOW)
        note(watcher);
    if (event->wd < 0 || event->len == 0 || index >= watcher->count || !watcher->folders[index])
        return;
    if (!(event->mask & IN_ISDIR)) {
        if (!(event->mask & IN_CREATE) && watch_counts_file(event->name))
            note(watcher);
        return;
    }
    if (!watch_counts_folder(event->name))
        return;
    if (event->mask & (IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE))
        note(watcher);
    const char *folder = watcher->folders[index];
    if (event->mask & (IN_CREATE | IN_MOVED_TO) &&
        look_at(watcher, folder, event->name, depth_of(folder), true) < 0)
        fprintf(stderr, "gust: cannot watch %s/%s: %s\n", folder, event->name, strerror(errno));
}

static int on_events(int fd, unsigned events, void *argument)
{
    _Alignas(struct inotify_event) char data[16 << 10];
    (void)events;
    ssize_t size;
    while ((size = read(fd, data, sizeof(data))) > 0) {
        for (char *at = data; at < data + size;) {
            const struct inotify_event *event = (const struct inotify_event *)(void *)at;
            take(argument, event);
            at += sizeof(*event) + event->len;
        }
    }
    return 0;
}

struct watcher *watcher_new(const char *root, void (*changed)(void *argument), void *argument)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    if (!watcher)
        return NULL;
    watcher->loop = gust_loop_current();
    watcher->changed = changed;
    watcher->argument = argument;
    watcher->timer = (gust_timer){.function = tell, .argument = watcher};
    watcher->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watcher->fd >= 0 && add_folder(watcher, root, depth_of(root), false) == 0)
        watcher->watch = gust_watch_new(watcher->loop, watcher->fd, GUST_READABLE, on_events, watcher);
    if (watcher->watch)
        return watcher;
    int code = errno;
    watcher_free(watcher);
    errno = code;
    return NULL;
}

void watcher_free(struct watcher *watcher)
{
    if (!watcher)
        return;
    gust_watch_free(watcher->watch);
    gust_timer_stop(watcher->loop, &watcher->timer);
    if (watcher->fd >= 0)
        close(watcher->fd);
    for (size_t i = 0; i < watcher->count; i++)
        free(watcher->folders[i]);
    free(watcher->folders);
    free(watcher);
}

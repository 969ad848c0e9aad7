/*
 * Tells when files of a project have changed: sources, templates, what pages are made of. Looks into every
 * folder below the root but hidden ones, builds, and what programs write themselves; folders that come later
 * too.
 *
 * Changes that come close together are one: it is told when a tenth of a second was quiet, or one second
 * after the first.
 */
#ifndef GUST_TOOL_WATCH_H
#define GUST_TOOL_WATCH_H

#include <gust/gust.h>

struct watcher;

/* [loop] Calls changed(argument) on the loop. NULL: ENOENT, ENOTDIR, EMFILE, ENOSPC (the system's limit of
 * watched folders, fs.inotify.max_user_watches), EMSGSIZE (more than 10,000 folders), ENOMEM. */
struct watcher *watcher_new(const char *root, void (*changed)(void *argument), void *argument);
void watcher_free(struct watcher *watcher); /* [loop] NULL is allowed */

/* Whether a file or folder of this name counts (the name alone, without its path). */
bool watch_counts_file(const char *name);
bool watch_counts_folder(const char *name);

#endif

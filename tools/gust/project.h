/* The files of a new project, as they are in tools/gust/project. */
#ifndef GUST_TOOL_PROJECT_H
#define GUST_TOOL_PROJECT_H

#include <stddef.h>

struct project_file {
    const char *path; /* in the project */
    const char *start, *end;
};

extern const struct project_file project_files[];
extern const size_t project_file_count;

#endif

/* Files as answers. */
#ifndef BLOG_FILES_H
#define BLOG_FILES_H

#include <gust/gust.h>

/* The whole file (no link). The path is used as it is. 0; -1 and nothing is written. */
int send_file(gust_request *req, const char *path);

#endif

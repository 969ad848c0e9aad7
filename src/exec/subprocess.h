/* A subprocess, as gust_command sees it. */
#ifndef GUST_EXEC_SUBPROCESS_H
#define GUST_EXEC_SUBPROCESS_H

#include <gust/subprocess.h>

/* Its time was up: its group was killed, which may have been after its own end. */
bool gust__subprocess_overran(const gust_subprocess *process);

#endif

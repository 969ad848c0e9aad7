/* What is done about a callback that failed: a line in the log, with the context's last error. */
#ifndef GUST_BASE_FAILURE_H
#define GUST_BASE_FAILURE_H

/* Logs "what: text of the last error". errno and the last error are kept. Any thread. */
void gust__failure_log(const char *what);

#endif

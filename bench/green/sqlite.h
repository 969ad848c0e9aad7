/* A select of SQLite's whose pages are in its cache: the part that is the same wherever it runs. Nothing here
 * knows of gust. */
#ifndef BENCH_GREEN_SQLITE_H
#define BENCH_GREEN_SQLITE_H

/* Measures, and prints a line for each kind of select: NAME N ns. 0; 1: it has been said why not. */
int sqlite_measure(void);

#endif

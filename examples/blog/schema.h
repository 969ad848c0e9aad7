/* The tables. */
#ifndef BLOG_SCHEMA_H
#define BLOG_SCHEMA_H

#include <sqlite3.h>

/* Creates what is not there yet. SQLite's result code. */
int schema_create(sqlite3 *connection);

#endif

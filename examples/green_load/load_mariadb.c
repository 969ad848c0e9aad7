/* SELECT SLEEP(...) through libmariadb. */
#include "load.h"

#include <stdio.h>

#include <mysql.h>

static void *open_connection(const struct load *load)
{
    char user[64], password[64], host[256], database[64];
    unsigned port;
    if (sscanf(load->url, "mysql://%63[^:]:%63[^@]@%255[^:]:%u/%63s", user, password, host, &port,
               database) != 5) {
        fprintf(stderr, "not mysql://user:password@host:port/database: %s\n", load->url);
        return NULL;
    }
    MYSQL *connection = mysql_init(NULL);
    if (mysql_real_connect(connection, host, user, password, database, port, NULL, 0))
        return connection;
    fprintf(stderr, "%s\n", mysql_error(connection));
    mysql_close(connection);
    return NULL;
}

static int call(void *connection, const struct load *load)
{
    char query[64];
    snprintf(query, sizeof(query), "SELECT SLEEP(%.3f)", load->seconds);
    if (mysql_query(connection, query)) {
        fprintf(stderr, "%s\n", mysql_error(connection));
        return -1;
    }
    mysql_free_result(mysql_store_result(connection));
    return 0;
}

static void close_connection(void *connection)
{
    mysql_close(connection);
}

const struct load_kind load_mariadb = {"mariadb", "mysql_query(\"SELECT SLEEP(...)\")", open_connection, call,
                                       close_connection};

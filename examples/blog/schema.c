/* The tables. Accounts are known by their names, which never change; a number that was a post's or a
 * comment's is never another's, for links to it may be anywhere. */
#include "schema.h"

#include "store.h"

static const char tables[] = "CREATE TABLE IF NOT EXISTS accounts("
                             "  name TEXT PRIMARY KEY COLLATE NOCASE,"
                             "  password TEXT NOT NULL," /* hashed */
                             "  role TEXT NOT NULL CHECK (role IN ('admin', 'author')),"
                             "  banned INTEGER NOT NULL DEFAULT 0,"
                             "  created INTEGER NOT NULL DEFAULT (" STORE_NOW ")) WITHOUT ROWID;"

                             "CREATE TABLE IF NOT EXISTS posts("
                             "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  author TEXT NOT NULL REFERENCES accounts,"
                             "  title TEXT NOT NULL,"
                             "  text TEXT NOT NULL," /* Markdown */
                             "  published INTEGER,"  /* NULL: a draft */
                             "  changed INTEGER NOT NULL DEFAULT (" STORE_NOW "));"
                             "CREATE INDEX IF NOT EXISTS posts_by_time ON posts(published DESC, id DESC);"
                             "CREATE INDEX IF NOT EXISTS posts_by_author ON posts(author);"

                             "CREATE TABLE IF NOT EXISTS comments("
                             "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                             "  post INTEGER NOT NULL REFERENCES posts ON DELETE CASCADE,"
                             "  author TEXT NOT NULL REFERENCES accounts,"
                             "  text TEXT NOT NULL,"
                             "  created INTEGER NOT NULL DEFAULT (" STORE_NOW "));"
                             "CREATE INDEX IF NOT EXISTS comments_by_post ON comments(post);"

                             "CREATE TABLE IF NOT EXISTS uploads("
                             "  name TEXT PRIMARY KEY," /* of the file */
                             "  author TEXT NOT NULL REFERENCES accounts,"
                             "  size INTEGER NOT NULL,"
                             "  created INTEGER NOT NULL DEFAULT (" STORE_NOW ")) WITHOUT ROWID;"

                             "CREATE TABLE IF NOT EXISTS attempts(" /* to log in */
                             "  who TEXT PRIMARY KEY COLLATE NOCASE,"
                             "  count INTEGER NOT NULL,"
                             "  since INTEGER NOT NULL) WITHOUT ROWID;";

/* The index of words has no copy of the texts: triggers keep it in step with the posts. */
static const char words[] =
    "CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5("
    "  title, text, content = 'posts', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');"
    "CREATE TRIGGER IF NOT EXISTS words_of_new AFTER INSERT ON posts BEGIN"
    "  INSERT INTO words(rowid, title, text) VALUES (new.id, new.title, new.text);"
    "END;"
    "CREATE TRIGGER IF NOT EXISTS words_of_deleted AFTER DELETE ON posts BEGIN"
    "  INSERT INTO words(words, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);"
    "END;"
    "CREATE TRIGGER IF NOT EXISTS words_of_changed AFTER UPDATE OF title, text ON posts BEGIN"
    "  INSERT INTO words(words, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);"
    "  INSERT INTO words(rowid, title, text) VALUES (new.id, new.title, new.text);"
    "END;";

int schema_create(sqlite3 *connection)
{
    int code = sqlite3_exec(connection, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(connection, tables, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(connection, words, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(connection, "COMMIT", NULL, NULL, NULL);
    return code;
}

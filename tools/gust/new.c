/* gust new: writes a project. Its files are those of tools/gust/project, with the project's name where @NAME@
 * stands. */
#include "commands.h"
#include "project.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gust/base.h>

enum { LONGEST_NAME = 64 };

static const char usage[] =
    "Usage: gust new NAME [--directory DIRECTORY]\n"
    "\n"
    "Makes a project: a program with a page, its templates, style sheet and tests. NAME begins with a lower-case\n"
    "letter and has only these, digits, '-' and '_'; the program is called so.\n"
    "\n"
    "  --directory DIRECTORY  where to; it may be there if it is empty. Default: NAME\n"
    "  --help                 this text\n";

/* ---- names ---- */

/* Targets that CMake has itself, or the project. */
static bool is_taken(const char *name)
{
    static const char *const taken[] = {"all",
                                        "build",
                                        "clean",
                                        "edit_cache",
                                        "gust",
                                        "help",
                                        "app",
                                        "main",
                                        "install",
                                        "package",
                                        "test",
                                        "package_source",
                                        "list_install_components",
                                        "rebuild_cache"};
    for (size_t i = 0; i < GUST_LEN(taken); i++) {
        if (strcmp(name, taken[i]) == 0)
            return true;
    }
    return false;
}

static const char *mistake_in(const char *name)
{
    if (name[0] < 'a' || name[0] > 'z')
        return "must begin with a lower-case letter";
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")])
        return "may only have lower-case letters, digits, '-' and '_'";
    if (strlen(name) > LONGEST_NAME)
        return "is longer than 64 characters";
    return is_taken(name) ? "has a meaning of its own in a build" : NULL;
}

/* ---- writing ---- */

static int write_text(FILE *file, const char *text, size_t size, const char *name)
{
    static const char mark[] = "@NAME@";
    const char *end = text + size;
    for (const char *at; (at = memmem(text, (size_t)(end - text), mark, sizeof(mark) - 1));) {
        fwrite(text, 1, (size_t)(at - text), file);
        fputs(name, file);
        text = at + sizeof(mark) - 1;
    }
    fwrite(text, 1, (size_t)(end - text), file);
    return ferror(file) ? -1 : 0;
}

/* Never over a file that is there. */
static int write_file(int directory, const struct project_file *source, const char *name)
{
    int fd = openat(directory, source->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file)
        return -1;
    int result = write_text(file, source->start, (size_t)(source->end - source->start), name);
    return fclose(file) < 0 ? -1 : result;
}

static int write_files(int directory, const char *name)
{
    if (mkdirat(directory, "templates", 0777) < 0 || mkdirat(directory, "static", 0777) < 0)
        return -1;
    for (size_t i = 0; i < project_file_count; i++) {
        if (write_file(directory, &project_files[i], name) < 0)
            return -1;
    }
    return 0;
}

/* A directory that is there and empty, or made now. Its descriptor; -1 and errno. */
static int open_directory(const char *path)
{
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), copy = fd < 0 ? -1 : dup(fd);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (!directory)
        return -1;
    unsigned entries = 0;
    while (readdir(directory))
        entries++;
    closedir(directory);
    if (entries <= 2) /* "." and ".." */
        return fd;
    close(fd);
    errno = ENOTEMPTY;
    return -1;
}

static int make(const char *name, const char *path)
{
    int directory = open_directory(path);
    if (directory < 0 || write_files(directory, name) < 0) {
        fprintf(stderr, "gust new: %s: %s\n", path,
                errno == ENOTEMPTY ? "is there already, and not empty" : strerror(errno));
        return EXIT_FAILURE;
    }
    close(directory);
    printf("%s is a project now. Go on with\n\n    cd %s\n    gust dev\n\nand open http://127.0.0.1:8888.\n",
           path, path);
    return EXIT_SUCCESS;
}

int command_new(int argc, char **argv)
{
    static const struct option options[] = {
        {"directory", required_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *path = NULL;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        }
        if (option != 'd') {
            fputs(usage, stderr);
            return WRONG_ARGUMENT;
        }
        path = optarg;
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return WRONG_ARGUMENT;
    }
    const char *name = argv[optind], *mistake = mistake_in(name);
    if (mistake) {
        fprintf(stderr, "gust new: the name \"%s\" %s\n", name, mistake);
        return WRONG_ARGUMENT;
    }
    return make(name, path ? path : name);
}

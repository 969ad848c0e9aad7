/* gust: makes projects (new) and runs them while they are written (dev). docs/development.md is its manual.
 */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gust/base.h>

static const char usage[] =
    "Usage: gust COMMAND [ARGUMENTS]\n"
    "\n"
    "  gust new NAME    makes a project that builds, in a folder of that name\n"
    "  gust dev         builds and runs the project here, anew whenever a file changes,\n"
    "                   and shows it, or what is wrong with it, in the browser\n"
    "  gust --version   prints gust's version\n"
    "\n"
    "gust COMMAND --help says more.\n";

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {{"new", command_new}, {"dev", command_dev}, {"page", command_page}};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < GUST_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    if (strcmp(name, "--version") == 0) {
        printf("gust %s\n", gust_version_string());
        return EXIT_SUCCESS;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (*name)
        fprintf(stderr, "gust: there is no command \"%s\"\n\n", name);
    fputs(usage, stderr);
    return WRONG_ARGUMENT;
}

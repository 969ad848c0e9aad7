#include "detect.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int detect_build(char command[DETECT_ROOM])
{
    static const char cmake[] = "{ [ -f build/CMakeCache.txt ] || cmake -S . -B build; } && "
                                "cmake --build build --parallel";
    static const char *const makefiles[] = {"GNUmakefile", "makefile", "Makefile"};
    if (access("CMakeLists.txt", R_OK) == 0) {
        strcpy(command, cmake);
        return 0;
    }
    for (size_t i = 0; i < sizeof(makefiles) / sizeof(*makefiles); i++) {
        if (access(makefiles[i], R_OK) == 0) {
            strcpy(command, "make");
            return 0;
        }
    }
    return -1;
}

int detect_program(char program[DETECT_ROOM])
{
    FILE *file = fopen("CMakeLists.txt", "r");
    char line[1024], name[256];
    int result = -1;
    while (file && result < 0 && fgets(line, sizeof(line), file)) {
        if (sscanf(line, " add_executable ( %255[A-Za-z0-9_.+-]", name) == 1) {
            snprintf(program, DETECT_ROOM, "build/%s", name);
            result = 0;
        }
    }
    if (file)
        fclose(file);
    return result;
}

static void put_first(const char *variable, const char *folder)
{
    char value[2 * PATH_MAX];
    const char *others = getenv(variable);
    snprintf(value, sizeof(value), "%s%s%s", folder, others && *others ? ":" : "", others ? others : "");
    setenv(variable, value, 1);
}

void detect_environment(void)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0)
        return;
    path[size] = 0;
    for (int up = 0; up < 2; up++) { /* PREFIX/bin/gust */
        char *slash = strrchr(path, '/');
        if (!slash)
            return;
        *slash = 0;
    }
    put_first("CMAKE_PREFIX_PATH", path);
}

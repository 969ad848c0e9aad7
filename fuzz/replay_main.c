/*
 * Stands in for libFuzzer in builds without it: runs the target once on nothing, then on each file of the
 * folders and files named as arguments. A folder that does not exist holds no inputs.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void die(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(2);
}

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1); /* exactly as large as the input, for the sanitizers' sake */
    if (!file || !data || fread(data, 1, size, file) != size)
        die(path);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last line before a crash names the input */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int replay(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) {
        if (errno == ENOENT)
            return 0;
        die(path);
    }
    if (S_ISREG(status.st_mode)) {
        replay_file(path, (size_t)status.st_size);
        return 1;
    }
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    int replayed = 0;
    if (count < 0)
        die(path);
    for (int i = 0; i < count; i++) {
        char inner[4096];
        if (entries[i]->d_name[0] != '.') {
            snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
            replayed += replay(inner);
        }
        free(entries[i]);
    }
    free(entries);
    return replayed;
}

int main(int argc, char **argv)
{
    int replayed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        replayed += replay(argv[i]);
    printf("%d inputs replayed\n", replayed);
    return 0;
}

/* Passwords, by the system's crypt(3). */
#include "web/request.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include <gust/session.h>
#include <gust/threads.h>

_Static_assert(GUST_PASSWORD_ROOM >= CRYPT_OUTPUT_SIZE, "crypt's output fits");

static const char method[] = "$y$"; /* yescrypt: what Debian and Ubuntu store passwords by */

struct work {
    const char *password;
    const char *setting; /* a hash, or what gensalt made */
    char output[CRYPT_OUTPUT_SIZE];
};

/* On a thread. crypt_data is 32 KiB, and holds the password afterwards. */
static int hash(void *argument)
{
    struct work *work = argument;
    struct crypt_data data = {0};
    const char *output = crypt_rn(work->password, work->setting, &data, sizeof(data));
    int result = output ? 0 : gust_error_set(errno, "crypt: %s", strerror(errno));
    if (output)
        snprintf(work->output, sizeof(work->output), "%s", output);
    OPENSSL_cleanse(&data, sizeof(data));
    return result;
}

static int make_setting(char setting[CRYPT_GENSALT_OUTPUT_SIZE])
{
    if (crypt_gensalt_rn(method, 0, NULL, 0, setting, CRYPT_GENSALT_OUTPUT_SIZE))
        return 0;
    return gust_error_set(errno, "crypt has no yescrypt: %s", strerror(errno));
}

static int check_length(const char *password)
{
    if (strlen(password) < CRYPT_MAX_PASSPHRASE_SIZE)
        return 0;
    return gust_error_set(EINVAL, "a password of more than %d bytes", CRYPT_MAX_PASSPHRASE_SIZE - 1);
}

int gust_password_hash(const char *password, char to[GUST_PASSWORD_ROOM])
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct work work = {.password = password, .setting = setting};
    if (check_length(password) < 0 || make_setting(setting) < 0 || gust_threads_run(NULL, hash, &work) < 0)
        return -1;
    snprintf(to, GUST_PASSWORD_ROOM, "%s", work.output);
    return 0;
}

bool gust_password_fits(const char *password, const char *stored)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct work work = {.password = password, .setting = stored};
    if (!stored) { /* the same work: how long it takes must not tell who has an account */
        work.setting = setting;
        if (make_setting(setting) < 0)
            return false;
    }
    if (check_length(password) < 0 || gust_threads_run(NULL, hash, &work) < 0 || !stored)
        return false;
    size_t size = strlen(stored);
    return size > 0 && strlen(work.output) == size && CRYPTO_memcmp(work.output, stored, size) == 0;
}

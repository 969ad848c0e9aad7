/* curl_easy_perform over TLS, to a server that takes its time. */
#include "load.h"

#include <stdio.h>

#include <curl/curl.h>

static size_t drop(char *data, size_t size, size_t count, void *unused)
{
    (void)data;
    (void)unused;
    return size * count;
}

/* A handle: libcurl connects with the first call. */
static void *open_connection(const struct load *load)
{
    CURL *handle = curl_easy_init();
    if (!handle) {
        fprintf(stderr, "curl_easy_init failed\n");
        return NULL;
    }
    curl_easy_setopt(handle, CURLOPT_URL, load->url);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
    if (load->certificate)
        curl_easy_setopt(handle, CURLOPT_CAINFO, load->certificate);
    return handle;
}

static int call(void *handle, const struct load *load)
{
    (void)load;
    CURLcode code = curl_easy_perform(handle);
    if (code == CURLE_OK)
        return 0;
    fprintf(stderr, "%s\n", curl_easy_strerror(code));
    return -1;
}

static void close_connection(void *handle)
{
    curl_easy_cleanup(handle);
}

const struct load_kind load_https = {"https", "curl_easy_perform", open_connection, call, close_connection};

static const char *address, *certificate;

static gust_pool *open_pool(char *where)
{
    address = where;
    certificate = getenv("GUST_CERTIFICATE");
    return new_pool();
}

static void give_back(gust_pool *pool, void *client)
{
    give(pool, client);
}

static size_t keep(char *data, size_t size, size_t count, void *answer)
{
    snprintf(answer, ANSWER_SIZE, "%.*s", (int)(size * count), data);
    return size * count;
}

static int fetch(CURL *handle, unsigned number, const char *seconds, char answer[ANSWER_SIZE])
{
    char url[300];
    snprintf(url, sizeof(url), "%s%u?seconds=%s", address, number, seconds);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_CAINFO, certificate);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
    return curl_easy_perform(handle) == CURLE_OK ? 0 : -1;
}

static int ask_slowly(void *client)
{
    char answer[ANSWER_SIZE];
    return fetch(client, 0, "3", answer);
}

static int ask(void *client, unsigned number, char answer[ANSWER_SIZE])
{
    return fetch(client, number, "0", answer);
}

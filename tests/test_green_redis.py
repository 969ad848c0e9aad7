"""Unmodified hiredis, fifty blocking calls at once on one thread, against a real Redis."""
import shutil
import socket
import subprocess
import time

import pytest

PROGRAM = r"""
#include <gust/coroutine.h>
#include <gust/green.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS = 50 };

static int port;
static redisContext *clients[CLIENTS];
static int answered;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int open_client(void *client)
{
    redisContext **place = client;
    *place = redisConnect("127.0.0.1", port);
    return *place && !(*place)->err ? 0 : -1;
}

static int block(void *client)
{
    redisReply *reply = redisCommand(*(redisContext **)client, "BLPOP nothing 1");
    answered += reply && reply->type == REDIS_REPLY_NIL;
    freeReplyObject(reply);
    return 0;
}

static int all(int (*function)(void *))
{
    GUST_GROUP(group);
    for (int i = 0; i < CLIENTS; i++)
        gust_go(&group, function, &clients[i]);
    return gust_group_wait(&group);
}

/* A question whose time was up, and another on the same connection: it must not get the first one's answer. */
static int interrupted(void)
{
    redisContext *client;
    if (open_client(&client) < 0)
        return -1;
    {
        GUST_DEADLINE(GUST_MS(100));
        void *reply = redisCommand(client, "BLPOP nothing 1");
        printf("interrupted: %s, error %d\n", reply ? "answered" : "no answer", client->err);
        freeReplyObject(reply);
    }
    client->err = 0; /* as a careless caller does */
    redisReply *next = redisCommand(client, "PING");
    printf("next: %s\n", next ? "answered" : "no answer");
    freeReplyObject(next);
    redisFree(client);
    return 0;
}

static int run(void *unused)
{
    (void)unused;
    if (all(open_client) < 0)
        return -1;
    double began = now();
    all(block);
    printf("%d answers, %s\n", answered, now() - began < 3 ? "at once" : "one after the other");
    for (int i = 0; i < CLIENTS; i++)
        redisFree(clients[i]);
    return interrupted();
}

int main(int count, char **arguments)
{
    (void)count;
    port = atoi(arguments[1]);
    gust_green_require();
    signal(SIGPIPE, SIG_IGN); /* hiredis writes without MSG_NOSIGNAL */
    return gust_run(run, NULL, GUST_S(60)) < 0;
}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def redis(tmp_path):
    """-> the port of a Redis of our own"""
    port = free_port()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.plain
@pytest.mark.skipif(not shutil.which("redis-server"), reason="tools/install-deps --tests installs redis-server")
def test_fifty_blocking_calls_wait_together(root, build, tmp_path, redis):
    source, program = tmp_path / "x.c", tmp_path / "x"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", "-O1", "-g", f"-I{root}/include", source, "-o", program, f"-L{build}", f"-Wl,-rpath,{build}",
                    "-lgust-green", "-lgust", "-lhiredis"], check=True)
    done = subprocess.run([program, str(redis)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "50 answers, at once"
    assert second.startswith("interrupted: no answer, error ") and not second.endswith(" 0")
    assert third == "next: no answer"

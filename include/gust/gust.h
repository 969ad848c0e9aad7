/* gust.h - everything: write blocking C, serve like nginx. Each header below opens with its own manual. */
#ifndef GUST_H
#define GUST_H

#include <gust/base.h>
#include <gust/error.h>
#include <gust/log.h>
#include <gust/scope.h>
#include <gust/loop.h>
#include <gust/future.h>
#include <gust/coroutine.h>
#include <gust/sync.h>
#include <gust/queue.h>
#include <gust/threads.h>
#include <gust/pool.h>
#include <gust/processes.h>
#include <gust/net.h>
#include <gust/subprocess.h>
#include <gust/fetch.h>
#include <gust/web.h>
#include <gust/files.h>
#include <gust/template.h>
#include <gust/secure.h>
#include <gust/session.h>
#include <gust/locale.h>
#include <gust/server.h>
#include <gust/debug.h>
#include <gust/options.h>
#include <gust/main.h>

#endif

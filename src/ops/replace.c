/* SIGHUP and SIGUSR2: another process takes this one's place. */
#include "base/sys.h"
#include "ops/program.h"

#include <errno.h>
#include <signal.h>

enum { INIT = 1 };

static void decided(void *argument, bool serves)
{
    struct gust__program *program = argument;
    if (!serves) {
        gust_log(GUST_ERROR, "no successor: %s; this process serves on", program->successor.reason);
        gust__notify(&program->notify, "READY=1\nSTATUS=serving; the last reload failed: %s",
                     program->successor.reason);
        return;
    }
    int heir = (int)program->successor.heir;
    program->leaving = true;
    gust_log(GUST_INFO, "process %d serves now; finishing what runs here", heir);
    gust__notify(&program->notify, "READY=1\nMAINPID=%d\nSTATUS=serving", heir);
    gust__listening_keep_files(&program->listening);
    program->replaced(program);
}

static void tell_of_start(const struct gust__program *program, bool new_file)
{
    gust_log(GUST_INFO, "starting a successor%s%s", new_file ? " from " : "",
             new_file ? program->image.file : "");
}

/* The first process of a container (or of a machine) ends it by its own end. */
static const char *reason_against(const struct gust__program *program)
{
    if (program->leaving)
        return "this process is ending";
    if (program->successor.pid > 0)
        return "one is starting already";
    if (gust__sys_getpid() == INIT)
        return "process 1 cannot be replaced, its end would end the container; run it under an init";
    if (!program->image.file[0])
        return "the program's file is not known";
    return NULL;
}

int gust__program_replace(int number, unsigned zero, void *argument)
{
    struct gust__program *program = argument;
    struct gust__succession how = {
        .image = &program->image,
        .listening = &program->listening,
        .notify = &program->notify,
        .new_file = number == SIGUSR2,
        .at_most = program->takeover_timeout,
        .decided = decided,
        .argument = program,
    };
    const char *against = reason_against(program);
    (void)zero;
    if (against) {
        gust_log(GUST_WARNING, "no successor is started: %s", against);
        return 0;
    }
    tell_of_start(program, how.new_file);
    gust__notify_reloading(&program->notify);
    if (gust__successor_start(&program->successor, gust_loop_current(), &how) < 0) {
        gust_log(GUST_ERROR, "no successor can be started: %m; this process serves on");
        gust__notify(&program->notify, "READY=1\nSTATUS=serving; the last reload failed: %m");
    }
    return 0;
}

void gust__program_leave(struct gust__program *program)
{
    program->leaving = true;
    gust__successor_cancel(&program->successor);
    gust__notify(&program->notify, "STOPPING=1\nSTATUS=finishing what runs");
}

/* ---- the watchdog ---- */

static int feed(void *argument)
{
    const struct gust__program *program = argument;
    gust__notify(&program->notify, "WATCHDOG=1");
    return 0;
}

gust_periodic *gust__program_feed_watchdog(struct gust__program *program, gust_loop *loop)
{
    if (!program->notify.watchdog || !program->notify.address[0])
        return NULL;
    return gust_every(program->notify.watchdog / 2, feed, program, .loop = loop);
}

/* Errors of a process pool: what workers send, and how they and the zygote died. */
#include "base/children.h"
#include "exec/processes_int.h"

#include <stdio.h>

struct gust_error *gust__process_error(int code, const char *text)
{
    return gust__error_from_elsewhere(NULL, 0, code, NULL, 0, text);
}

struct gust_error *gust__process_error_read(const void *bytes, size_t length)
{
    struct gust__worker_error error;
    if (length != sizeof(error))
        return gust__process_error(EPROTO, "a worker's answer makes no sense");
    memcpy(&error, bytes, sizeof(error));
    error.domain[GUST__ERROR_DOMAIN] = error.text[GUST__ERROR_TEXT] = '\0';
    bool usual = strcmp(error.domain, "errno") == 0;
    return gust__error_from_elsewhere(usual ? NULL : error.domain, error.detail, error.code, error.frames,
                                      error.frame_count, error.text);
}

/* "SIGSEGV"; of those without a name "signal 35". */
static const char *signal_name(int signal, char *to, size_t size)
{
    const char *name = sigabbrev_np(signal);
    if (name)
        snprintf(to, size, "SIG%s", name);
    else
        snprintf(to, size, "signal %d", signal);
    return to;
}

static struct gust_error *death_by_signal(const struct gust__worker *worker, int signal)
{
    char text[96], name[32];
    snprintf(text, sizeof(text), "the worker was killed by %s", signal_name(signal, name, sizeof(name)));
    struct gust_error *crash = worker->crash;
    size_t frames = crash && crash->detail == signal ? crash->frame_count : 0;
    return gust__error_from_elsewhere("signal", signal, ECHILD, frames ? crash->frames : NULL, frames, text);
}

static struct gust_error *death_by_processor_time(const gust_processes *processes)
{
    char text[96];
    snprintf(text, sizeof(text), "the worker was killed: its job used more than %g s of processor time",
             (double)processes->options.max_cpu / 1e9);
    return gust__error_from_elsewhere("signal", SIGXCPU, ECHILD, NULL, 0, text);
}

struct gust_error *gust__worker_death(const struct gust__worker *worker,
                                      const struct gust__zygote_report *report)
{
    char text[96];
    if (worker->out_of_time)
        return death_by_processor_time(worker->processes);
    if (report->code != CLD_EXITED)
        return death_by_signal(worker, report->status);
    snprintf(text, sizeof(text), "the worker exited with status %d", report->status);
    return gust__error_from_elsewhere("exit", report->status, ECHILD, NULL, 0, text);
}

/* What is left of it is waited for when the pool is freed. */
struct gust_error *gust__zygote_death(const gust_processes *processes)
{
    siginfo_t info;
    char text[128];
    if (gust__children_wait(processes->zygote, &info, WEXITED | WNOHANG | WNOWAIT) <= 0)
        return gust__process_error(ECHILD, "the process pool's zygote has gone");
    if (info.si_code == CLD_EXITED) {
        snprintf(text, sizeof(text), "the process pool's zygote exited with status %d", info.si_status);
        return gust__error_from_elsewhere("exit", info.si_status, ECHILD, NULL, 0, text);
    }
    char name[32];
    snprintf(text, sizeof(text), "the process pool's zygote was killed by %s",
             signal_name(info.si_status, name, sizeof(name)));
    return gust__error_from_elsewhere("signal", info.si_status, ECHILD, NULL, 0, text);
}

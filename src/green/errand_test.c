/* Calls that leave the loop: siblings go on meanwhile, deadlines and cancels reach in, nothing is left. */
#include "green/errand.h"

#include <gust/coroutine.h>
#include <gust/green.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <mqueue.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <linux/futex.h>

#include <cmocka.h>

/* ---- A call and its sibling ---- */

struct both {
    int (*call)(void *argument);
    void *argument;
    int result;
    int code;
    bool ended;
    unsigned turns; /* of the sibling, while the call waited */
};

static int run_call(void *argument)
{
    struct both *both = argument;
    errno = 0;
    both->result = both->call(both->argument);
    both->code = errno;
    both->ended = true;
    return 0;
}

static int count_turns(void *argument)
{
    struct both *both = argument;
    while (!both->ended) {
        both->turns++;
        if (gust_sleep(GUST_MS(1)) < 0)
            return 0;
    }
    return 0;
}

static int run_both(void *argument)
{
    GUST_GROUP(group);
    gust_go(&group, run_call, argument);
    gust_go(&group, count_turns, argument);
    return gust_group_wait(&group);
}

/* The call's result; the sibling must have had a turn meanwhile: a loop that is held up gives it none. */
static int beside_a_sibling(int (*call)(void *argument), void *argument)
{
    struct both both = {.call = call, .argument = argument};
    assert_int_equal(gust_run(run_both, &both, GUST_S(60)), 0);
    assert_true(both.ended);
    assert_in_range(both.turns, 1, 1000000);
    errno = both.code;
    return both.result;
}

static void wait_for_errands(void)
{
    const struct timespec pause = {0, 1000000};
    for (int i = 0; i < 20000 && gust__green_errands() > 0; i++)
        nanosleep(&pause, NULL);
    assert_int_equal(gust__green_errands(), 0);
}

static const struct timespec thirty = {0, 30000000};

/* ---- Each lets its sibling go on ---- */

static int sleeps(void *unused)
{
    struct timespec until;
    (void)unused;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++; /* at most a second from now */
    return usleep(10000) | nanosleep(&thirty, NULL) | thrd_sleep(&thirty, NULL) |
           clock_nanosleep(CLOCK_BOOTTIME, 0, &thirty, NULL) | clock_nanosleep(CLOCK_TAI, 0, &thirty, NULL) |
           clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
}

static int yields(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100000; i++) /* until the sibling's milliseconds have passed */
        sched_yield();
    return 0;
}

static int system_call(void *unused)
{
    (void)unused;
    return system("sleep 0.03");
}

/* What a child begins with. (Debian's sh clears its mask itself, so it looks at its parent thread's.) */
static int mask_of_system(void *unused)
{
    (void)unused;
    return system("for task in /proc/$PPID/task/*; do"
                  "  if grep -q '^Name:.system$' $task/status; then"
                  "    grep -q 'SigBlk:.*fffffff' $task/status && exit 1; exit 0;"
                  "  fi;"
                  "done; exit 2");
}

static void commands_begin_with_the_caller_s_mask(void **state)
{
    (void)state;
    assert_int_equal(gust_run(mask_of_system, NULL, GUST_S(30)), 0);
}

static int pclose_call(void *unused)
{
    (void)unused;
    return pclose(popen("sleep 0.03", "r"));
}

static pid_t sleeping_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        gust__sys_nanosleep(&thirty, NULL);
        _exit(0);
    }
    return pid;
}

static int waitpid_call(void *unused)
{
    int status = -1;
    (void)unused;
    return waitpid(sleeping_child(), &status, 0) > 0 ? status : -1;
}

static int wait_call(void *unused)
{
    int status = -1;
    (void)unused;
    sleeping_child();
    return wait(&status) > 0 ? status : -1;
}

static void siblings_go_on(void **state)
{
    (void)state;
    assert_int_equal(beside_a_sibling(sleeps, NULL), 0);
    assert_int_equal(beside_a_sibling(yields, NULL), 0);
    assert_int_equal(beside_a_sibling(system_call, NULL), 0);
    assert_int_equal(beside_a_sibling(pclose_call, NULL), 0);
    assert_int_equal(beside_a_sibling(waitpid_call, NULL), 0);
    assert_int_equal(beside_a_sibling(wait_call, NULL), 0);
}

/* ---- Deadlines reach in ---- */

static int cut_short(int (*call)(void *argument), void *argument)
{
    GUST_DEADLINE(GUST_MS(20));
    return call(argument);
}

static const struct timespec minute = {60, 0};

static int long_sleep(void *unused)
{
    (void)unused;
    return cut_short((int (*)(void *))(void (*)(void))sleep, (void *)60);
}

static int nanosleep_minute(void *left)
{
    return nanosleep(&minute, left);
}

static int long_nanosleep(void *left)
{
    return cut_short(nanosleep_minute, left);
}

static int boottime_minute(void *left)
{
    return clock_nanosleep(CLOCK_BOOTTIME, 0, &minute, left);
}

static int long_boottime(void *left)
{
    return cut_short(boottime_minute, left);
}

static int minute_of_tai(void *left)
{
    struct timespec half = {0, 500000000}; /* its thread ends after it */
    return clock_nanosleep(CLOCK_TAI, 0, &half, left);
}

static int long_tai(void *left)
{
    return cut_short(minute_of_tai, left);
}

static void deadlines_end_sleeps(void **state)
{
    struct timespec left = {0};
    (void)state;
    assert_in_range(beside_a_sibling(long_sleep, NULL), 58, 60);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(beside_a_sibling(long_nanosleep, &left), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_in_range(left.tv_sec, 30, 59);
    left.tv_sec = 0;
    assert_int_equal(beside_a_sibling(long_boottime, &left), ETIMEDOUT);
    assert_in_range(left.tv_sec, 30, 59);
    assert_int_equal(beside_a_sibling(long_tai, &left), ETIMEDOUT);
    assert_int_equal(left.tv_nsec, 500000000);
    wait_for_errands();
}

static int pause_call(void *unused)
{
    (void)unused;
    return pause();
}

static int wait_for_signal(void *unused)
{
    sigset_t set;
    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigwaitinfo(&set, NULL);
}

static int long_command(void *unused)
{
    (void)unused;
    return system("sleep 0.3");
}

static int wait_for_child(void *pid)
{
    return waitpid(*(pid_t *)pid, NULL, 0);
}

static int wait_for_any(void *unused)
{
    (void)unused;
    return waitpid(-1, NULL, 0);
}

static int receive_nothing(void *queue)
{
    struct {
        long type;
        char text[4];
    } message;
    return (int)msgrcv(*(int *)queue, &message, 4, 0, 0);
}

static int down(void *set)
{
    return semop(*(int *)set, &(struct sembuf){0, -1, 0}, 1);
}

static int mq_nothing(void *queue)
{
    char data[8];
    return (int)mq_receive(*(mqd_t *)queue, data, sizeof(data), NULL);
}

struct timed {
    int (*call)(void *argument);
    void *argument;
};

static int run_timed(void *argument)
{
    struct timed *timed = argument;
    return cut_short(timed->call, timed->argument);
}

static void ends_by_deadline(int (*call)(void *argument), void *argument)
{
    struct timed timed = {call, argument};
    assert_int_equal(beside_a_sibling(run_timed, &timed), -1);
    assert_int_equal(errno, ETIMEDOUT);
}

static void deadlines_end_other_waits(void **state)
{
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    int messages = msgget(IPC_PRIVATE, 0600), set = semget(IPC_PRIVATE, 1, 0600);
    mqd_t queue = mq_open("/gust-errand-test", O_CREAT | O_RDWR, 0600, &attributes);
    (void)state;
    mq_unlink("/gust-errand-test");
    ends_by_deadline(pause_call, NULL);
    ends_by_deadline(wait_for_signal, NULL);
    ends_by_deadline(long_command, NULL);
    ends_by_deadline(receive_nothing, &messages);
    ends_by_deadline(down, &set);
    ends_by_deadline(mq_nothing, &queue);
    msgctl(messages, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
    mq_close(queue);
    wait_for_errands();
}

static void deadlines_end_waits_for_children_and_leave_them(void **state)
{
    int status;
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            gust__sys_nanosleep(&minute, NULL);
    ends_by_deadline(wait_for_child, &pid);
    for (int i = 0; i < 3; i++)
        ends_by_deadline(wait_for_any, NULL);
    assert_int_equal(gust__green_errands(), 1); /* they shared one thread */
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    wait_for_errands();
}

/* ---- Cancelled ---- */

static int cancel_it(void *argument)
{
    struct both *both = argument;
    GUST_GROUP(group);
    gust_go(&group, run_call, both);
    gust_sleep(GUST_MS(5));
    gust_group_cancel(&group);
    gust_group_wait(&group);
    return 0;
}

static void ends_by_cancel(int (*call)(void *argument), void *argument, int result)
{
    struct both both = {.call = call, .argument = argument};
    assert_int_equal(gust_run(cancel_it, &both, 0), 0);
    assert_true(both.ended);
    assert_int_equal(both.result, result);
    assert_int_equal(both.code, ECANCELED);
}

static void cancelled_waits_end(void **state)
{
    struct timespec left;
    int set = semget(IPC_PRIVATE, 1, 0600);
    (void)state;
    ends_by_cancel(nanosleep_minute, &left, -1);
    ends_by_cancel(pause_call, NULL, -1);
    ends_by_cancel(wait_for_signal, NULL, -1);
    ends_by_cancel(long_command, NULL, -1);
    ends_by_cancel(down, &set, -1);
    semctl(set, 0, IPC_RMID);
    wait_for_errands();
}

/* ---- FIFOs: opened on a thread that may be left behind; and how many there can be ---- */

static char fifo[64];

static int open_fifo(void *unused)
{
    (void)unused;
    return open(fifo, O_RDONLY);
}

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void let_all_in(void)
{
    int fd;
    const struct timespec pause = {0, 1000000};
    while (gust__green_errands() > 0) {
        fd = open(fifo, O_WRONLY | O_NONBLOCK);
        if (fd >= 0)
            close(fd);
        nanosleep(&pause, NULL);
    }
}

static void a_fifo_that_nobody_waits_for_any_more_is_closed(void **state)
{
    (void)state;
    int before = descriptors();
    ends_by_deadline(open_fifo, NULL);
    assert_int_equal(gust__green_errands(), 1);
    let_all_in();
    ends_by_deadline(open_fifo, NULL); /* which also ends the one before */
    let_all_in();
    wait_for_errands();
    usleep(1000);
    ends_by_deadline(long_command, NULL);
    assert_int_equal(descriptors(), before);
    wait_for_errands();
}

static int open_too_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < GUST__GREEN_ERRANDS; i++) {
        GUST_DEADLINE(GUST_MS(1));
        if (open(fifo, O_RDONLY) >= 0 || errno != ETIMEDOUT)
            return i;
    }
    errno = 0;
    return open(fifo, O_RDONLY) < 0 && errno == EAGAIN ? GUST__GREEN_ERRANDS : -1;
}

static int open_one(void *unused)
{
    (void)unused;
    return system("true");
}

static void there_is_a_most_of_them(void **state)
{
    (void)state;
    assert_int_equal(gust_run(open_too_many, NULL, 0), GUST__GREEN_ERRANDS);
    assert_int_equal(gust__green_errands(), GUST__GREEN_ERRANDS);
    let_all_in();
    assert_int_equal(gust_run(open_one, NULL, 0), 0);
    wait_for_errands();
}

/* ---- Names ---- */

static int keep_records(void *unused)
{
    (void)unused;
    const struct hostent *host = gethostbyname("127.0.0.1");
    const struct servent *service = getservbyname("http", "tcp");
    gust_sleep(GUST_MS(5)); /* a sibling asks for others */
    return host && service && strcmp(host->h_name, "127.0.0.1") == 0 && strcmp(service->s_name, "http") == 0
               ? 0
               : -1;
}

static int ask_for_others(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++) {
        if (!gethostbyname("127.0.0.2") || !getservbyname("https", "tcp"))
            return -1;
    }
    return 0;
}

static int records_in_two(void *unused)
{
    GUST_GROUP(group);
    gust_go(&group, keep_records, unused);
    gust_go(&group, ask_for_others, unused);
    return gust_group_wait(&group);
}

static void records_are_the_coroutine_s_own(void **state)
{
    (void)state;
    assert_int_equal(gust_run(records_in_two, NULL, GUST_S(30)), 0);
}

static int search(void *unused)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME}, *list = NULL;
    (void)unused;
    if (getaddrinfo("localhost", "http", &hints, &list) != 0)
        return -1;
    bool right = list->ai_addr && list->ai_canonname && list->ai_addrlen >= sizeof(struct sockaddr_in);
    freeaddrinfo(list);
    return right ? 0 : -1;
}

static int search_many(void *unused)
{
    GUST_GROUP(group);
    for (int i = 0; i < 20; i++)
        gust_go(&group, search, unused);
    gust_yield(); /* all of them have asked */
    if (gust__green_errands() > 1)
        return -1;
    return gust_group_wait(&group);
}

static void searches_for_the_same_share_one(void **state)
{
    (void)state;
    assert_int_equal(gust_run(search_many, NULL, GUST_S(30)), 0);
    wait_for_errands();
}

static int search_in_no_time(void *unused)
{
    struct addrinfo *list;
    GUST_DEADLINE(1);
    (void)unused;
    int code = getaddrinfo("localhost", "http", NULL, &list);
    if (code == 0)
        freeaddrinfo(list);
    return code == EAI_SYSTEM && errno == ETIMEDOUT;
}

/* Nearly always before the look-up ends. */
static void a_deadline_ends_a_search(void **state)
{
    int ended = 0;
    (void)state;
    for (int i = 0; i < 20; i++) {
        errno = 0;
        ended += gust_run(search_in_no_time, NULL, 0);
        wait_for_errands();
    }
    assert_in_range(ended, 1, 20);
}

/* ---- File locks, futexes: their siblings go on too ---- */

static int files[2];
static _Atomic int word;

static int wait_for_lock(void *unused)
{
    (void)unused;
    return flock(files[1], LOCK_EX);
}

static int wait_for_word(void *unused)
{
    (void)unused;
    return (int)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &thirty, NULL, 0);
}

static int wait_then_let_go(void *argument)
{
    struct both *both = argument;
    GUST_GROUP(group);
    gust_go(&group, run_call, both);
    gust_go(&group, count_turns, both);
    gust_sleep(GUST_MS(20));
    flock(files[0], LOCK_UN);
    return gust_group_wait(&group);
}

static void locks_and_futexes_do_not_hold_up_siblings(void **state)
{
    struct both both = {.call = wait_for_lock};
    char path[] = "/tmp/gust-errand-XXXXXX";
    (void)state;
    files[0] = mkstemp(path);
    files[1] = open(path, O_RDWR);
    unlink(path);
    assert_int_equal(flock(files[0], LOCK_EX), 0);
    assert_int_equal(gust_run(wait_then_let_go, &both, GUST_S(30)), 0);
    assert_int_equal(both.result, 0);
    assert_in_range(both.turns, 1, 1000000);
    close(files[0]);
    close(files[1]);
    assert_int_equal(beside_a_sibling(wait_for_word, NULL), -1);
    assert_int_equal(errno, ETIMEDOUT);
}

/* ---- fork ---- */

static int fork_meanwhile(void *unused)
{
    int status = -1;
    (void)unused;
    cut_short(open_fifo, NULL); /* a thread is left that the child has not */
    pid_t pid = fork();
    if (pid == 0)
        _exit(gust__green_errands() == 0 && usleep(1000) == 0 && system("true") == 0 ? 0 : 1);
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void a_forked_child_has_none(void **state)
{
    (void)state;
    assert_int_equal(gust_run(fork_meanwhile, NULL, GUST_S(30)), 0);
    let_all_in();
}

static int make_fifo(void **state)
{
    (void)state;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    snprintf(fifo, sizeof(fifo), "/tmp/gust-errand-fifo-%d", (int)getpid());
    return mkfifo(fifo, 0600);
}

static int remove_fifo(void **state)
{
    (void)state;
    return unlink(fifo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siblings_go_on),
        cmocka_unit_test(commands_begin_with_the_caller_s_mask),
        cmocka_unit_test(deadlines_end_sleeps),
        cmocka_unit_test(deadlines_end_other_waits),
        cmocka_unit_test(deadlines_end_waits_for_children_and_leave_them),
        cmocka_unit_test(cancelled_waits_end),
        cmocka_unit_test(a_fifo_that_nobody_waits_for_any_more_is_closed),
        cmocka_unit_test(there_is_a_most_of_them),
        cmocka_unit_test(records_are_the_coroutine_s_own),
        cmocka_unit_test(searches_for_the_same_share_one),
        cmocka_unit_test(a_deadline_ends_a_search),
        cmocka_unit_test(locks_and_futexes_do_not_hold_up_siblings),
        cmocka_unit_test(a_forked_child_has_none),
    };
    alarm(200);
    return cmocka_run_group_tests(tests, make_fifo, remove_fifo);
}

// A throw through C++ frames: destructors and GUST_DEFERs run in the order in which C++ would run them.
#include <gust/error.h>
#include <gust/scope.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static std::string trail;

static void check(bool holds, const char *what)
{
    if (holds)
        return;
    std::fprintf(stderr, "FAILED: %s (trail \"%s\")\n", what, trail.c_str());
    std::exit(1);
}

static void mark(const char *text)
{
    trail += text;
}

struct Guard {
    const char *name;
    explicit Guard(const char *name) : name(name)
    {
    }
    Guard(const Guard &) = delete;
    ~Guard()
    {
        trail += name;
    }
};

static int bottom(void *code)
{
    Guard g("g");
    GUST_DEFER(mark, "f");
    Guard e("e");
    std::string heap(100, 'x'); // a leak if its destructor does not run
    GUST_DEFER(mark, "d");
    if (*static_cast<int *>(code))
        gust_throw(*static_cast<int *>(code), "thrown through %s", "C++");
    return 7;
}

static int middle(void *code)
{
    GUST_DEFER(mark, "j");
    Guard i("i");
    {
        GUST_DEADLINE(GUST_S(10));
        Guard h("h");
        return bottom(code);
    }
}

static void destructors_and_defers_run_in_order()
{
    for (int code : {0, ENOENT}) {
        trail.clear();
        errno = 0;
        check(gust_try(middle, &code) == (code ? -1 : 7), "result");
        check(errno == code, "errno");
        check(trail == "defghij", "order");
        check(gust_deadline_left() == INT64_MAX, "the deadline ended");
    }
    check(std::strcmp(gust_error_text(gust_error_last()), "thrown through C++") == 0, "text");
}

static int with_inner_throw(void *code)
{
    struct Inner {
        ~Inner()
        {
            int inner = EIO;
            gust_try(bottom, &inner);
        }
    } inner;
    return bottom(code);
}

static void a_destructor_may_try()
{
    int code = ENOENT;
    trail.clear();
    check(gust_try(with_inner_throw, &code) == -1, "result");
    check(trail == "defgdefg", "order");
}

static int rethrow(void *code)
{
    try {
        return bottom(code);
    } catch (...) {
        mark("c");
        throw;
    }
}

static void a_catch_all_that_rethrows_is_passed()
{
    int code = ENOENT;
    trail.clear();
    check(gust_try(rethrow, &code) == -1, "result");
    check(errno == ENOENT, "errno");
    check(trail == "defgc", "order");
}

static int keep(void *code)
{
    try {
        return bottom(code);
    } catch (...) {
        return 0;
    }
}

static void a_catch_all_that_keeps_it_aborts()
{
    pid_t child = fork();
    if (child == 0) {
        int code = ENOENT;
        struct rlimit none = {};
        setrlimit(RLIMIT_CORE, &none);
        std::signal(SIGABRT, SIG_DFL);
        if (!std::freopen("/dev/null", "w", stderr))
            _exit(3);
        gust_try(keep, &code);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "it aborts");
}

static int throw_cpp(void *)
{
    GUST_DEFER(mark, "b");
    Guard a("a");
    throw 5;
}

static void an_exception_of_cpp_ends_scopes_too()
{
    trail.clear();
    try {
        throw_cpp(nullptr);
    } catch (int five) {
        check(five == 5, "value");
    }
    check(trail == "ab", "order");
}

int main()
{
    destructors_and_defers_run_in_order();
    a_destructor_may_try();
    a_catch_all_that_rethrows_is_passed();
    a_catch_all_that_keeps_it_aborts();
    an_exception_of_cpp_ends_scopes_too();
    return 0;
}

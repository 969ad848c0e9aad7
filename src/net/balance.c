#include "net/balance.h"
#include "base/alloc.h"
#include "base/sys.h"
#include "net/listener.h"
#include "net/state.h"

#include <errno.h>
#include <sys/eventfd.h>

enum { CACHE_LINE = 64 };

struct slot {
    _Alignas(CACHE_LINE) _Atomic unsigned connections;
    _Atomic bool serving;
    int doorbell; /* an eventfd, the same number in each process */
};

struct gust__balance {
    unsigned count;
    struct slot slots[];
};

static size_t size_of(unsigned count)
{
    return sizeof(struct gust__balance) + count * sizeof(struct slot);
}

/* ---- beginning and end ---- */

struct gust__balance *gust__balance_new(unsigned count)
{
    struct gust__balance *balance =
        gust__sys_mmap(NULL, size_of(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (balance == MAP_FAILED)
        return NULL;
    balance->count = count;
    for (unsigned i = 0; i < count; i++)
        balance->slots[i].doorbell = -1;
    for (unsigned i = 0; i < count; i++) {
        balance->slots[i].doorbell = gust__sys_eventfd2(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (balance->slots[i].doorbell < 0) {
            gust__balance_free(balance);
            return NULL;
        }
    }
    return balance;
}

void gust__balance_free(struct gust__balance *balance)
{
    int saved = errno;
    if (!balance)
        return;
    for (unsigned i = 0; i < balance->count; i++) {
        if (balance->slots[i].doorbell >= 0)
            gust__sys_close(balance->slots[i].doorbell);
    }
    gust__sys_munmap(balance, size_of(balance->count));
    errno = saved;
}

/* ---- taking part ---- */

/* Edge-triggered: each ring is reported once, and the count is never read. */
static void rung(void *owner, uint32_t events)
{
    (void)events;
    gust__listeners_rung(owner);
}

int gust__balance_join(gust_loop *loop, struct gust__balance *balance, unsigned slot)
{
    struct gust__net *net = gust__net_of(loop);
    if (!net)
        return -1;
    if (gust__loop_add(loop, balance->slots[slot].doorbell, EPOLLIN | EPOLLET, rung, net) < 0)
        return -1;
    net->seat = (struct gust__seat){balance, slot};
    atomic_store(&balance->slots[slot].serving, true);
    return 0;
}

void gust__balance_leave(struct gust__seat *seat)
{
    if (seat->balance)
        atomic_store(&seat->balance->slots[seat->slot].serving, false);
}

void gust__balance_end(struct gust__seat *seat, gust_loop *loop)
{
    if (!seat->balance)
        return;
    gust__balance_leave(seat);
    gust__loop_remove(loop, seat->balance->slots[seat->slot].doorbell);
    seat->balance = NULL;
}

static void ring(const struct slot *slot)
{
    static const uint64_t one = 1;
    int saved = errno;
    gust__sys_write(slot->doorbell, &one, sizeof(one)); /* full: it is rung already */
    errno = saved;
}

void gust__balance_clear(struct gust__balance *balance, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        atomic_store(&balance->slots[i].serving, false);
        atomic_store(&balance->slots[i].connections, 0);
    }
    for (unsigned i = 0; i < balance->count; i++) {
        if (atomic_load(&balance->slots[i].serving))
            ring(&balance->slots[i]);
    }
}

unsigned gust__balance_connections(const struct gust__balance *balance, unsigned slot)
{
    return atomic_load(&balance->slots[slot].connections);
}

/* ---- for listeners ---- */

void gust__balance_opened(struct gust__seat *seat)
{
    if (seat->balance)
        atomic_fetch_add_explicit(&seat->balance->slots[seat->slot].connections, 1, memory_order_relaxed);
}

void gust__balance_closed(struct gust__seat *seat)
{
    if (seat->balance)
        atomic_fetch_sub_explicit(&seat->balance->slots[seat->slot].connections, 1, memory_order_relaxed);
}

/* More than one, and a sixty-fourth, above the mean. The one keeps two loops with few connections from
 * passing each of them on; a sixty-fourth spares thousands of connections the exactness that nobody needs.
 * All loops cannot be above the mean at once, so somebody always accepts. */
bool gust__balance_heavy(const struct gust__seat *seat)
{
    const struct gust__balance *balance = seat->balance;
    uint64_t sum = 0, serving = 0;
    if (!balance)
        return false;
    for (unsigned i = 0; i < balance->count; i++) {
        const struct slot *slot = &balance->slots[i];
        if (!atomic_load_explicit(&slot->serving, memory_order_relaxed))
            continue;
        sum += atomic_load_explicit(&slot->connections, memory_order_relaxed);
        serving++;
    }
    uint64_t mine = atomic_load_explicit(&balance->slots[seat->slot].connections, memory_order_relaxed);
    return serving > 1 && mine * serving * 64 > sum * 65 + serving * 64;
}

void gust__balance_pass(const struct gust__seat *seat)
{
    const struct gust__balance *balance = seat->balance;
    const struct slot *lightest = NULL;
    for (unsigned i = 0; balance && i < balance->count; i++) {
        const struct slot *slot = &balance->slots[i];
        if (i == seat->slot || !atomic_load_explicit(&slot->serving, memory_order_relaxed))
            continue;
        if (!lightest || atomic_load_explicit(&slot->connections, memory_order_relaxed) <
                             atomic_load_explicit(&lightest->connections, memory_order_relaxed))
            lightest = slot;
    }
    if (lightest)
        ring(lightest);
}

/*
 * Every libc function that libgust-green provides, once: whoever includes this has defined
 *
 *     GUST__HOOK(result, name, parameters, arguments, early)
 *
 * and gets one for each. The struct of next definitions (green_int.h), their resolution (next.c), the
 * self-test (bindings.c) and tools/green-scan are all derived from this list. `early` is the answer while
 * the next definition is still being looked for, by whoever allocates under dlsym: a raw system call where
 * there is one.
 *
 * Variadic functions stand here with the parameters that they read: on x86-64 and aarch64 Linux both are
 * called alike.
 *
 * A section belongs to the file that its comment names. GUST__LATER(name) is a function that blocks, or goes
 * with one that does, and has no hook: tools/green-scan reports it as uncovered.
 */
// clang-format off

#ifndef GUST__LATER
#define GUST__LATER(name)
#define GUST__LATER_DEFINED_HERE
#endif

/* ---- read.c ---- */
GUST__HOOK(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size), gust__sys_read(fd, data, size))
GUST__HOOK(ssize_t, __read, (int fd, void *data, size_t size), (fd, data, size), gust__sys_read(fd, data, size))
GUST__HOOK(ssize_t, __read_chk, (int fd, void *data, size_t size, size_t room), (fd, data, size, room), gust__sys_read(fd, data, size))
GUST__HOOK(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), gust__sys_write(fd, data, size))
GUST__HOOK(ssize_t, __write, (int fd, const void *data, size_t size), (fd, data, size), gust__sys_write(fd, data, size))
GUST__HOOK(ssize_t, readv, (int fd, const struct iovec *vector, int count), (fd, vector, count), gust__sys_readv(fd, vector, count))
GUST__HOOK(ssize_t, writev, (int fd, const struct iovec *vector, int count), (fd, vector, count), gust__sys_writev(fd, vector, count))
GUST__HOOK(int, eventfd_read, (int fd, uint64_t *value), (fd, value), gust__sys_read(fd, value, 8) == 8 ? 0 : -1)
GUST__HOOK(int, eventfd_write, (int fd, uint64_t value), (fd, value), gust__sys_write(fd, &value, 8) == 8 ? 0 : -1)

/* ---- messages.c ---- */
GUST__HOOK(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags), gust__sys_recv(fd, data, size, flags))
GUST__HOOK(ssize_t, __recv_chk, (int fd, void *data, size_t size, size_t room, int flags), (fd, data, size, room, flags), gust__sys_recv(fd, data, size, flags))
GUST__HOOK(ssize_t, recvfrom, (int fd, void *data, size_t size, int flags, struct sockaddr *address, socklen_t *length), (fd, data, size, flags, address, length), gust__sys_recvfrom(fd, data, size, flags, address, length))
GUST__HOOK(ssize_t, __recvfrom_chk, (int fd, void *data, size_t size, size_t room, int flags, struct sockaddr *address, socklen_t *length), (fd, data, size, room, flags, address, length), gust__sys_recvfrom(fd, data, size, flags, address, length))
GUST__HOOK(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), gust__sys_recvmsg(fd, message, flags))
GUST__HOOK(int, recvmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout), (fd, messages, count, flags, timeout), (int)gust__sys_call("recvmmsg", SYS_recvmmsg, fd, (long)messages, (long)count, flags, (long)timeout, 0))
GUST__HOOK(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags), gust__sys_send(fd, data, size, flags))
GUST__HOOK(ssize_t, __send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags), gust__sys_send(fd, data, size, flags))
GUST__HOOK(ssize_t, sendto, (int fd, const void *data, size_t size, int flags, const struct sockaddr *address, socklen_t length), (fd, data, size, flags, address, length), gust__sys_sendto(fd, data, size, flags, address, length))
GUST__HOOK(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), gust__sys_sendmsg(fd, message, flags))
GUST__HOOK(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags), (fd, messages, count, flags), (int)gust__sys_call("sendmmsg", SYS_sendmmsg, fd, (long)messages, (long)count, flags, 0, 0))

/* ---- splice.c ---- */
GUST__HOOK(ssize_t, sendfile, (int out, int in, off_t *offset, size_t size), (out, in, offset, size), gust__sys_sendfile(out, in, offset, size))
GUST__HOOK(ssize_t, sendfile64, (int out, int in, off64_t *offset, size_t size), (out, in, offset, size), gust__sys_sendfile(out, in, offset, size))
GUST__HOOK(ssize_t, splice, (int in, off64_t *in_offset, int out, off64_t *out_offset, size_t size, unsigned flags), (in, in_offset, out, out_offset, size, flags), gust__sys_call("splice", SYS_splice, in, (long)in_offset, out, (long)out_offset, (long)size, flags))
GUST__HOOK(ssize_t, tee, (int in, int out, size_t size, unsigned flags), (in, out, size, flags), gust__sys_call("tee", SYS_tee, in, out, (long)size, flags, 0, 0))
GUST__HOOK(ssize_t, vmsplice, (int fd, const struct iovec *vector, size_t count, unsigned flags), (fd, vector, count, flags), gust__sys_call("vmsplice", SYS_vmsplice, fd, (long)vector, (long)count, flags, 0, 0))

/* ---- connect.c ---- */
GUST__HOOK(int, connect, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length), gust__sys_connect(fd, address, length))
GUST__HOOK(int, __connect, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length), gust__sys_connect(fd, address, length))
GUST__HOOK(int, accept, (int fd, struct sockaddr *address, socklen_t *length), (fd, address, length), gust__sys_accept4(fd, address, length, 0))
GUST__HOOK(int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags), gust__sys_accept4(fd, address, length, flags))

/* ---- poll.c (early: only those who block there are hurt by an error) ---- */
GUST__HOOK(int, poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout), -1)
GUST__HOOK(int, __poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout), -1)
GUST__HOOK(int, __poll_chk, (struct pollfd *fds, nfds_t count, int timeout, size_t room), (fds, count, timeout, room), -1)
GUST__HOOK(int, ppoll, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals), (fds, count, timeout, signals), gust__sys_ppoll(fds, count, timeout, signals))
GUST__HOOK(int, __ppoll_chk, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals, size_t room), (fds, count, timeout, signals, room), gust__sys_ppoll(fds, count, timeout, signals))
GUST__HOOK(int, select, (int count, fd_set *reads, fd_set *writes, fd_set *exceptions, struct timeval *timeout), (count, reads, writes, exceptions, timeout), -1)
GUST__HOOK(int, __select, (int count, fd_set *reads, fd_set *writes, fd_set *exceptions, struct timeval *timeout), (count, reads, writes, exceptions, timeout), -1)
GUST__HOOK(int, pselect, (int count, fd_set *reads, fd_set *writes, fd_set *exceptions, const struct timespec *timeout, const sigset_t *signals), (count, reads, writes, exceptions, timeout, signals), -1)
GUST__HOOK(long, __fdelt_chk, (long fd), (fd), fd / __NFDBITS)
GUST__HOOK(int, epoll_wait, (int epoll, struct epoll_event *events, int max, int timeout), (epoll, events, max, timeout), -1)
GUST__HOOK(int, epoll_pwait, (int epoll, struct epoll_event *events, int max, int timeout, const sigset_t *signals), (epoll, events, max, timeout, signals), -1)
GUST__HOOK(int, epoll_pwait2, (int epoll, struct epoll_event *events, int max, const struct timespec *timeout, const sigset_t *signals), (epoll, events, max, timeout, signals), -1)

/* ---- control.c ---- */
GUST__HOOK(int, close, (int fd), (fd), gust__sys_close(fd))
GUST__HOOK(int, __close, (int fd), (fd), gust__sys_close(fd))
GUST__HOOK(int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags), (int)gust__sys_call("close_range", SYS_close_range, first, last, flags, 0, 0, 0))
GUST__HOOK(void, closefrom, (int first), (first), (void)0)
GUST__HOOK(int, fclose, (FILE *file), (file), -1)
GUST__HOOK(FILE *, freopen, (const char *path, const char *mode, FILE *file), (path, mode, file), NULL)
GUST__HOOK(FILE *, freopen64, (const char *path, const char *mode, FILE *file), (path, mode, file), NULL)
GUST__HOOK(int, dup, (int fd), (fd), gust__sys_fcntl(fd, F_DUPFD, 0))
GUST__HOOK(int, dup2, (int from, int to), (from, to), gust__sys_dup3(from, to, 0))
GUST__HOOK(int, __dup2, (int from, int to), (from, to), gust__sys_dup3(from, to, 0))
GUST__HOOK(int, dup3, (int from, int to, int flags), (from, to, flags), gust__sys_dup3(from, to, flags))
GUST__HOOK(int, fcntl, (int fd, int command, long argument), (fd, command, argument), gust__sys_fcntl(fd, command, argument))
GUST__HOOK(int, fcntl64, (int fd, int command, long argument), (fd, command, argument), gust__sys_fcntl(fd, command, argument))
GUST__HOOK(int, __fcntl, (int fd, int command, long argument), (fd, command, argument), gust__sys_fcntl(fd, command, argument))
GUST__HOOK(int, socket, (int domain, int type, int protocol), (domain, type, protocol), gust__sys_socket(domain, type, protocol))
GUST__HOOK(int, socketpair, (int domain, int type, int protocol, int *fds), (domain, type, protocol, fds), gust__sys_socketpair(domain, type, protocol, fds))
GUST__HOOK(int, pipe, (int *fds), (fds), gust__sys_pipe2(fds, 0))
GUST__HOOK(int, pipe2, (int *fds, int flags), (fds, flags), gust__sys_pipe2(fds, flags))
GUST__HOOK(int, eventfd, (unsigned start, int flags), (start, flags), gust__sys_eventfd2(start, flags))
GUST__HOOK(int, epoll_create, (int size), (size), gust__sys_epoll_create1(size > 0 ? 0 : -1))
GUST__HOOK(int, epoll_create1, (int flags), (flags), gust__sys_epoll_create1(flags))
GUST__HOOK(int, timerfd_create, (int clock, int flags), (clock, flags), gust__sys_timerfd_create(clock, flags))
GUST__HOOK(int, signalfd, (int fd, const sigset_t *signals, int flags), (fd, signals, flags), gust__sys_signalfd4(fd, signals, flags))
GUST__HOOK(int, inotify_init, (void), (), (int)gust__sys_call("inotify_init1", SYS_inotify_init1, 0, 0, 0, 0, 0, 0))
GUST__HOOK(int, inotify_init1, (int flags), (flags), (int)gust__sys_call("inotify_init1", SYS_inotify_init1, flags, 0, 0, 0, 0, 0))

/* ---- known.c ---- */
GUST__HOOK(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t length), (fd, level, option, value, length), (int)gust__sys_call("setsockopt", SYS_setsockopt, fd, level, option, (long)value, (long)length, 0))
GUST__HOOK(int, ioctl, (int fd, unsigned long request, void *argument), (fd, request, argument), gust__sys_ioctl(fd, request, argument))

/* ---- mutex.c: pthread_mutex_* ---- */
GUST__HOOK(int, pthread_mutex_init, (pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes), (mutex, attributes), (memset(mutex, 0, sizeof(*mutex)), 0))
GUST__HOOK(int, pthread_mutex_destroy, (pthread_mutex_t *mutex), (mutex), 0)
GUST__HOOK(int, pthread_mutex_lock, (pthread_mutex_t *mutex), (mutex), 0)
GUST__HOOK(int, pthread_mutex_trylock, (pthread_mutex_t *mutex), (mutex), 0)
GUST__HOOK(int, pthread_mutex_timedlock, (pthread_mutex_t *mutex, const struct timespec *time), (mutex, time), 0)
GUST__HOOK(int, pthread_mutex_clocklock, (pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time), (mutex, clock, time), 0)
GUST__HOOK(int, pthread_mutex_unlock, (pthread_mutex_t *mutex), (mutex), 0)

/* ---- condition.c: pthread_cond_* (versioned by the map, resolved by dlvsym) ---- */
GUST__HOOK(int, pthread_cond_init, (pthread_cond_t *cond, const pthread_condattr_t *attributes), (cond, attributes), (memset(cond, 0, sizeof(*cond)), 0))
GUST__HOOK(int, pthread_cond_destroy, (pthread_cond_t *cond), (cond), 0)
GUST__HOOK(int, pthread_cond_wait, (pthread_cond_t *cond, pthread_mutex_t *mutex), (cond, mutex), 0)
GUST__HOOK(int, pthread_cond_timedwait, (pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *time), (cond, mutex, time), 0)
GUST__HOOK(int, pthread_cond_clockwait, (pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *time), (cond, mutex, clock, time), 0)
GUST__HOOK(int, pthread_cond_signal, (pthread_cond_t *cond), (cond), 0)
GUST__HOOK(int, pthread_cond_broadcast, (pthread_cond_t *cond), (cond), 0)

/* ---- rwlock.c ---- */
GUST__HOOK(int, pthread_rwlock_init, (pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes), (lock, attributes), (memset(lock, 0, sizeof(*lock)), 0))
GUST__HOOK(int, pthread_rwlock_destroy, (pthread_rwlock_t *lock), (lock), 0)
GUST__HOOK(int, pthread_rwlock_rdlock, (pthread_rwlock_t *lock), (lock), 0)
GUST__HOOK(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t *lock), (lock), 0)
GUST__HOOK(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t *lock, const struct timespec *time), (lock, time), 0)
GUST__HOOK(int, pthread_rwlock_clockrdlock, (pthread_rwlock_t *lock, clockid_t clock, const struct timespec *time), (lock, clock, time), 0)
GUST__HOOK(int, pthread_rwlock_wrlock, (pthread_rwlock_t *lock), (lock), 0)
GUST__HOOK(int, pthread_rwlock_trywrlock, (pthread_rwlock_t *lock), (lock), 0)
GUST__HOOK(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t *lock, const struct timespec *time), (lock, time), 0)
GUST__HOOK(int, pthread_rwlock_clockwrlock, (pthread_rwlock_t *lock, clockid_t clock, const struct timespec *time), (lock, clock, time), 0)
GUST__HOOK(int, pthread_rwlock_unlock, (pthread_rwlock_t *lock), (lock), 0)

/* ---- semaphore.c, once.c, apart.c (joins, barriers), turns.c, c11.c ---- */
GUST__HOOK(int, sem_init, (sem_t *semaphore, int shared, unsigned value), (semaphore, shared, value), -1)
GUST__HOOK(int, sem_destroy, (sem_t *semaphore), (semaphore), 0)
GUST__HOOK(int, sem_wait, (sem_t *semaphore), (semaphore), 0)
GUST__HOOK(int, sem_trywait, (sem_t *semaphore), (semaphore), 0)
GUST__HOOK(int, sem_timedwait, (sem_t *semaphore, const struct timespec *time), (semaphore, time), 0)
GUST__HOOK(int, sem_clockwait, (sem_t *semaphore, clockid_t clock, const struct timespec *time), (semaphore, clock, time), 0)
GUST__HOOK(int, sem_post, (sem_t *semaphore), (semaphore), 0)
GUST__HOOK(int, pthread_once, (pthread_once_t *control, void (*function)(void)), (control, function), (function(), 0))
GUST__HOOK(int, pthread_join, (pthread_t thread, void **result), (thread, result), EAGAIN)
GUST__HOOK(int, pthread_tryjoin_np, (pthread_t thread, void **result), (thread, result), EAGAIN)
GUST__HOOK(int, pthread_timedjoin_np, (pthread_t thread, void **result, const struct timespec *time), (thread, result, time), EAGAIN)
GUST__HOOK(int, pthread_clockjoin_np, (pthread_t thread, void **result, clockid_t clock, const struct timespec *time), (thread, result, clock, time), EAGAIN)
GUST__HOOK(int, pthread_barrier_init, (pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes, unsigned count), (barrier, attributes, count), EAGAIN)
GUST__HOOK(int, pthread_barrier_destroy, (pthread_barrier_t *barrier), (barrier), 0)
GUST__HOOK(int, pthread_barrier_wait, (pthread_barrier_t *barrier), (barrier), 0)
GUST__HOOK(int, pthread_spin_trylock, (pthread_spinlock_t *lock), (lock), 0)
GUST__HOOK(int, pthread_spin_lock, (pthread_spinlock_t *lock), (lock), 0)
GUST__HOOK(int, mtx_init, (mtx_t *mutex, int type), (mutex, type), (memset(mutex, 0, sizeof(*mutex)), thrd_success))
GUST__HOOK(void, mtx_destroy, (mtx_t *mutex), (mutex), (void)0)
GUST__HOOK(int, mtx_lock, (mtx_t *mutex), (mutex), thrd_success)
GUST__HOOK(int, mtx_trylock, (mtx_t *mutex), (mutex), thrd_success)
GUST__HOOK(int, mtx_timedlock, (mtx_t *mutex, const struct timespec *time), (mutex, time), thrd_success)
GUST__HOOK(int, mtx_unlock, (mtx_t *mutex), (mutex), thrd_success)
GUST__HOOK(int, cnd_init, (cnd_t *condition), (condition), thrd_success)
GUST__HOOK(void, cnd_destroy, (cnd_t *condition), (condition), (void)0)
GUST__HOOK(int, cnd_wait, (cnd_t *condition, mtx_t *mutex), (condition, mutex), thrd_success)
GUST__HOOK(int, cnd_timedwait, (cnd_t *condition, mtx_t *mutex, const struct timespec *time), (condition, mutex, time), thrd_success)
GUST__HOOK(int, cnd_signal, (cnd_t *condition), (condition), thrd_success)
GUST__HOOK(int, cnd_broadcast, (cnd_t *condition), (condition), thrd_success)
GUST__HOOK(int, thrd_join, (thrd_t thread, int *result), (thread, result), thrd_error)
GUST__HOOK(void, call_once, (once_flag *flag, void (*function)(void)), (flag, function), function())
GUST__HOOK(int, sched_yield, (void), (), 0)
GUST__HOOK(void, thrd_yield, (void), (), (void)0)
GUST__HOOK(int, pthread_yield, (void), (), 0)

/* ---- values.c: thread-specific values, kept per coroutine where a library needs it; c11.c ---- */
GUST__HOOK(int, pthread_key_create, (pthread_key_t *key, void (*destructor)(void *)), (key, destructor), EAGAIN)
GUST__HOOK(int, pthread_key_delete, (pthread_key_t key), (key), 0)
GUST__HOOK(void *, pthread_getspecific, (pthread_key_t key), (key), NULL)
GUST__HOOK(int, pthread_setspecific, (pthread_key_t key, void *value), (key, value), ENOMEM)
GUST__HOOK(int, tss_create, (tss_t *key, tss_dtor_t destructor), (key, destructor), thrd_error)
GUST__HOOK(void, tss_delete, (tss_t key), (key), (void)0)
GUST__HOOK(void *, tss_get, (tss_t key), (key), NULL)
GUST__HOOK(int, tss_set, (tss_t key, void *value), (key, value), thrd_error)

/* ---- sleep.c ---- */
GUST__HOOK(unsigned, sleep, (unsigned seconds), (seconds), seconds)
GUST__HOOK(int, usleep, (useconds_t microseconds), (microseconds), 0)
GUST__HOOK(int, nanosleep, (const struct timespec *time, struct timespec *left), (time, left), gust__sys_nanosleep(time, left))
GUST__HOOK(int, __nanosleep, (const struct timespec *time, struct timespec *left), (time, left), gust__sys_nanosleep(time, left))
GUST__HOOK(int, clock_nanosleep, (clockid_t clock, int flags, const struct timespec *time, struct timespec *left), (clock, flags, time, left), gust__sys_clock_nanosleep(clock, flags, time, left))
GUST__HOOK(int, thrd_sleep, (const struct timespec *time, struct timespec *left), (time, left), gust__sys_nanosleep(time, left))

/* ---- addresses.c, hosts.c, accounts.c, resolver.c ---- */
GUST__HOOK(int, getaddrinfo, (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result), (node, service, hints, result), EAI_AGAIN)
GUST__HOOK(int, getnameinfo, (const struct sockaddr *address, socklen_t length, char *host, socklen_t host_size, char *service, socklen_t service_size, int flags), (address, length, host, host_size, service, service_size, flags), EAI_AGAIN)
GUST__HOOK(struct hostent *, gethostbyname, (const char *name), (name), NULL)
GUST__HOOK(int, gethostbyname_r, (const char *name, struct hostent *host, char *data, size_t size, struct hostent **result, int *problem), (name, host, data, size, result, problem), EAGAIN)
GUST__HOOK(struct hostent *, gethostbyname2, (const char *name, int family), (name, family), NULL)
GUST__HOOK(int, gethostbyname2_r, (const char *name, int family, struct hostent *host, char *data, size_t size, struct hostent **result, int *problem), (name, family, host, data, size, result, problem), EAGAIN)
GUST__HOOK(struct hostent *, gethostbyaddr, (const void *address, socklen_t length, int family), (address, length, family), NULL)
GUST__HOOK(int, gethostbyaddr_r, (const void *address, socklen_t length, int family, struct hostent *host, char *data, size_t size, struct hostent **result, int *problem), (address, length, family, host, data, size, result, problem), EAGAIN)
GUST__HOOK(struct passwd *, getpwuid, (uid_t user), (user), NULL)
GUST__HOOK(int, getpwuid_r, (uid_t number, struct passwd *user, char *data, size_t size, struct passwd **result), (number, user, data, size, result), EAGAIN)
GUST__HOOK(struct passwd *, getpwnam, (const char *name), (name), NULL)
GUST__HOOK(int, getpwnam_r, (const char *name, struct passwd *user, char *data, size_t size, struct passwd **result), (name, user, data, size, result), EAGAIN)
GUST__HOOK(struct group *, getgrgid, (gid_t group), (group), NULL)
GUST__HOOK(int, getgrgid_r, (gid_t number, struct group *group, char *data, size_t size, struct group **result), (number, group, data, size, result), EAGAIN)
GUST__HOOK(struct group *, getgrnam, (const char *name), (name), NULL)
GUST__HOOK(int, getgrnam_r, (const char *name, struct group *group, char *data, size_t size, struct group **result), (name, group, data, size, result), EAGAIN)
GUST__HOOK(int, getgrouplist, (const char *user, gid_t group, gid_t *groups, int *count), (user, group, groups, count), -1)
GUST__HOOK(struct servent *, getservbyname, (const char *name, const char *protocol), (name, protocol), NULL)
GUST__HOOK(int, getservbyname_r, (const char *name, const char *protocol, struct servent *service, char *data, size_t size, struct servent **result), (name, protocol, service, data, size, result), EAGAIN)
GUST__HOOK(struct servent *, getservbyport, (int port, const char *protocol), (port, protocol), NULL)
GUST__HOOK(int, getservbyport_r, (int port, const char *protocol, struct servent *service, char *data, size_t size, struct servent **result), (port, protocol, service, data, size, result), EAGAIN)
GUST__HOOK(int, res_search, (const char *name, int class, int type, unsigned char *answer, int length), (name, class, type, answer, length), -1)
GUST__HOOK(int, res_query, (const char *name, int class, int type, unsigned char *answer, int length), (name, class, type, answer, length), -1)
GUST__HOOK(int, res_nsearch, (struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int length), (state, name, class, type, answer, length), -1)
GUST__HOOK(int, res_nquery, (struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int length), (state, name, class, type, answer, length), -1)
GUST__HOOK(int, res_send, (const unsigned char *message, int message_length, unsigned char *answer, int length), (message, message_length, answer, length), -1)
GUST__HOOK(int, res_nsend, (struct __res_state *state, const unsigned char *message, int message_length, unsigned char *answer, int length), (state, message, message_length, answer, length), -1)
GUST__HOOK(int, __res_search, (const char *name, int class, int type, unsigned char *answer, int length), (name, class, type, answer, length), -1)
GUST__HOOK(int, __res_query, (const char *name, int class, int type, unsigned char *answer, int length), (name, class, type, answer, length), -1)
GUST__HOOK(int, __res_nsearch, (struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int length), (state, name, class, type, answer, length), -1)
GUST__HOOK(int, __res_nquery, (struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int length), (state, name, class, type, answer, length), -1)

/* ---- wait_process.c, commands.c, signals.c ---- */
GUST__HOOK(pid_t, wait, (int *status), (status), (pid_t)gust__sys_call("wait4", SYS_wait4, -1, (long)status, 0, 0, 0, 0))
GUST__HOOK(pid_t, wait3, (int *status, int options, struct rusage *usage), (status, options, usage), (pid_t)gust__sys_call("wait4", SYS_wait4, -1, (long)status, options, (long)usage, 0, 0))
GUST__HOOK(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage), (pid, status, options, usage), (pid_t)gust__sys_call("wait4", SYS_wait4, pid, (long)status, options, (long)usage, 0, 0))
GUST__HOOK(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options), gust__sys_waitid(type, id, info, options))
GUST__HOOK(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), (pid_t)gust__sys_call("wait4", SYS_wait4, pid, (long)status, options, 0, 0, 0))
GUST__HOOK(int, system, (const char *text), (text), -1)
GUST__HOOK(FILE *, popen, (const char *text, const char *mode), (text, mode), NULL)
GUST__HOOK(int, pclose, (FILE *stream), (stream), -1)
GUST__HOOK(int, sigwait, (const sigset_t *signals, int *signal), (signals, signal), ENOSYS)
GUST__HOOK(int, sigwaitinfo, (const sigset_t *signals, siginfo_t *info), (signals, info), -1)
GUST__HOOK(int, sigtimedwait, (const sigset_t *signals, siginfo_t *info, const struct timespec *timeout), (signals, info, timeout), -1)
GUST__HOOK(int, sigsuspend, (const sigset_t *mask), (mask), -1)
GUST__HOOK(int, pause, (void), (), -1)

/* ---- open.c, positioned.c, sync.c, file_locks.c ---- */
GUST__HOOK(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), gust__sys_openat(AT_FDCWD, path, flags, mode))
GUST__HOOK(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode), gust__sys_openat(AT_FDCWD, path, flags, mode))
GUST__HOOK(int, openat, (int directory, const char *path, int flags, mode_t mode), (directory, path, flags, mode), gust__sys_openat(directory, path, flags, mode))
GUST__HOOK(int, openat64, (int directory, const char *path, int flags, mode_t mode), (directory, path, flags, mode), gust__sys_openat(directory, path, flags, mode))
GUST__HOOK(int, creat, (const char *path, mode_t mode), (path, mode), gust__sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode))
GUST__HOOK(int, creat64, (const char *path, mode_t mode), (path, mode), gust__sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode))
GUST__HOOK(int, __open, (const char *path, int flags, mode_t mode), (path, flags, mode), gust__sys_openat(AT_FDCWD, path, flags, mode))
GUST__HOOK(int, __open64, (const char *path, int flags, mode_t mode), (path, flags, mode), gust__sys_openat(AT_FDCWD, path, flags, mode))
GUST__HOOK(int, __open_2, (const char *path, int flags), (path, flags), gust__sys_openat(AT_FDCWD, path, flags, 0))
GUST__HOOK(int, __open64_2, (const char *path, int flags), (path, flags), gust__sys_openat(AT_FDCWD, path, flags, 0))
GUST__HOOK(int, __openat_2, (int directory, const char *path, int flags), (directory, path, flags), gust__sys_openat(directory, path, flags, 0))
GUST__HOOK(int, __openat64_2, (int directory, const char *path, int flags), (directory, path, flags), gust__sys_openat(directory, path, flags, 0))
GUST__HOOK(ssize_t, pread, (int fd, void *data, size_t size, off_t offset), (fd, data, size, offset), gust__sys_pread(fd, data, size, offset))
GUST__HOOK(ssize_t, pread64, (int fd, void *data, size_t size, off_t offset), (fd, data, size, offset), gust__sys_pread(fd, data, size, offset))
GUST__HOOK(ssize_t, __pread64, (int fd, void *data, size_t size, off_t offset), (fd, data, size, offset), gust__sys_pread(fd, data, size, offset))
GUST__HOOK(ssize_t, __pread_chk, (int fd, void *data, size_t size, off_t offset, size_t room), (fd, data, size, offset, room), gust__sys_pread(fd, data, size, offset))
GUST__HOOK(ssize_t, __pread64_chk, (int fd, void *data, size_t size, off_t offset, size_t room), (fd, data, size, offset, room), gust__sys_pread(fd, data, size, offset))
GUST__HOOK(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset), gust__sys_pwrite(fd, data, size, offset))
GUST__HOOK(ssize_t, pwrite64, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset), gust__sys_pwrite(fd, data, size, offset))
GUST__HOOK(ssize_t, __pwrite64, (int fd, const void *data, size_t size, off_t offset), (fd, data, size, offset), gust__sys_pwrite(fd, data, size, offset))
GUST__HOOK(ssize_t, preadv, (int fd, const struct iovec *vector, int count, off_t offset), (fd, vector, count, offset), gust__sys_preadv2(fd, vector, count, offset, 0))
GUST__HOOK(ssize_t, preadv64, (int fd, const struct iovec *vector, int count, off_t offset), (fd, vector, count, offset), gust__sys_preadv2(fd, vector, count, offset, 0))
GUST__HOOK(ssize_t, preadv2, (int fd, const struct iovec *vector, int count, off_t offset, int flags), (fd, vector, count, offset, flags), gust__sys_preadv2(fd, vector, count, offset, flags))
GUST__HOOK(ssize_t, preadv64v2, (int fd, const struct iovec *vector, int count, off_t offset, int flags), (fd, vector, count, offset, flags), gust__sys_preadv2(fd, vector, count, offset, flags))
GUST__HOOK(ssize_t, pwritev, (int fd, const struct iovec *vector, int count, off_t offset), (fd, vector, count, offset), gust__sys_pwritev2(fd, vector, count, offset, 0))
GUST__HOOK(ssize_t, pwritev64, (int fd, const struct iovec *vector, int count, off_t offset), (fd, vector, count, offset), gust__sys_pwritev2(fd, vector, count, offset, 0))
GUST__HOOK(ssize_t, pwritev2, (int fd, const struct iovec *vector, int count, off_t offset, int flags), (fd, vector, count, offset, flags), gust__sys_pwritev2(fd, vector, count, offset, flags))
GUST__HOOK(ssize_t, pwritev64v2, (int fd, const struct iovec *vector, int count, off_t offset, int flags), (fd, vector, count, offset, flags), gust__sys_pwritev2(fd, vector, count, offset, flags))
GUST__HOOK(ssize_t, copy_file_range, (int in, off_t *from, int out, off_t *to, size_t size, unsigned flags), (in, from, out, to, size, flags), gust__sys_call("copy_file_range", SYS_copy_file_range, in, (long)from, out, (long)to, (long)size, (long)flags))
GUST__HOOK(int, fsync, (int fd), (fd), gust__sys_fsync(fd))
GUST__HOOK(int, fdatasync, (int fd), (fd), gust__sys_fdatasync(fd))
GUST__HOOK(int, sync_file_range, (int fd, off_t offset, off_t length, unsigned flags), (fd, offset, length, flags), (int)gust__sys_call("sync_file_range", SYS_sync_file_range, fd, offset, length, (long)flags, 0, 0))
GUST__HOOK(int, syncfs, (int fd), (fd), (int)gust__sys_call("syncfs", SYS_syncfs, fd, 0, 0, 0, 0, 0))
GUST__HOOK(int, ftruncate, (int fd, off_t length), (fd, length), gust__sys_ftruncate(fd, length))
GUST__HOOK(int, ftruncate64, (int fd, off_t length), (fd, length), gust__sys_ftruncate(fd, length))
GUST__HOOK(int, truncate, (const char *path, off_t length), (path, length), (int)gust__sys_call("truncate", SYS_truncate, (long)path, length, 0, 0, 0, 0))
GUST__HOOK(int, truncate64, (const char *path, off_t length), (path, length), (int)gust__sys_call("truncate", SYS_truncate, (long)path, length, 0, 0, 0, 0))
GUST__HOOK(int, fallocate, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length), (int)gust__sys_call("fallocate", SYS_fallocate, fd, mode, offset, length, 0, 0))
GUST__HOOK(int, fallocate64, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length), (int)gust__sys_call("fallocate", SYS_fallocate, fd, mode, offset, length, 0, 0))
GUST__HOOK(int, posix_fallocate, (int fd, off_t offset, off_t length), (fd, offset, length), ENOSYS)
GUST__HOOK(int, posix_fallocate64, (int fd, off_t offset, off_t length), (fd, offset, length), ENOSYS)
GUST__HOOK(int, flock, (int fd, int operation), (fd, operation), (int)gust__sys_call("flock", SYS_flock, fd, operation, 0, 0, 0, 0))
GUST__HOOK(int, lockf, (int fd, int operation, off_t length), (fd, operation, length), -1)
GUST__HOOK(int, lockf64, (int fd, int operation, off_t length), (fd, operation, length), -1)
GUST__HOOK(int, sync, (void), (), (int)gust__sys_call("sync", SYS_sync, 0, 0, 0, 0, 0, 0))
GUST__HOOK(int, msync, (void *address, size_t length, int flags), (address, length, flags), (int)gust__sys_call("msync", SYS_msync, (long)address, (long)length, flags, 0, 0, 0))
GUST__HOOK(FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
GUST__HOOK(FILE *, fopen64, (const char *path, const char *mode), (path, mode), NULL)

/* ---- queues.c: System V and POSIX message queues, semaphores; system_call.c ---- */
GUST__HOOK(int, mq_send, (mqd_t queue, const char *data, size_t size, unsigned priority), (queue, data, size, priority), -1)
GUST__HOOK(ssize_t, mq_receive, (mqd_t queue, char *data, size_t size, unsigned *priority), (queue, data, size, priority), -1)
GUST__HOOK(int, mq_timedsend, (mqd_t queue, const char *data, size_t size, unsigned priority, const struct timespec *until), (queue, data, size, priority, until), -1)
GUST__HOOK(ssize_t, mq_timedreceive, (mqd_t queue, char *data, size_t size, unsigned *priority, const struct timespec *until), (queue, data, size, priority, until), -1)
GUST__HOOK(ssize_t, msgrcv, (int queue, void *message, size_t size, long type, int flags), (queue, message, size, type, flags), gust__sys_call("msgrcv", SYS_msgrcv, queue, (long)message, (long)size, type, flags, 0))
GUST__HOOK(int, msgsnd, (int queue, const void *message, size_t size, int flags), (queue, message, size, flags), (int)gust__sys_call("msgsnd", SYS_msgsnd, queue, (long)message, (long)size, flags, 0, 0))
GUST__HOOK(int, semop, (int set, struct sembuf *operations, size_t count), (set, operations, count), (int)gust__sys_call("semop", SYS_semop, set, (long)operations, (long)count, 0, 0, 0))
GUST__HOOK(int, semtimedop, (int set, struct sembuf *operations, size_t count, const struct timespec *timeout), (set, operations, count, timeout), (int)gust__sys_call("semtimedop", SYS_semtimedop, set, (long)operations, (long)count, (long)timeout, 0, 0))
GUST__HOOK(long, syscall, (long number, long a, long b, long c, long d, long e, long f), (number, a, b, c, d, e, f), gust__sys_call("syscall", number, a, b, c, d, e, f))
GUST__HOOK(ssize_t, getrandom, (void *data, size_t size, unsigned flags), (data, size, flags), gust__sys_getrandom(data, size, flags))

// clang-format on
#ifdef GUST__LATER_DEFINED_HERE
#undef GUST__LATER_DEFINED_HERE
#undef GUST__LATER
#endif
#undef GUST__HOOK

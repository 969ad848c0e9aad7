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
GUST__LATER(sleep)
GUST__LATER(usleep)
GUST__LATER(nanosleep)
GUST__LATER(__nanosleep)
GUST__LATER(clock_nanosleep)
GUST__LATER(thrd_sleep)

/* ---- names.c ---- */
GUST__LATER(getaddrinfo)
GUST__LATER(getnameinfo)
GUST__LATER(gethostbyname)
GUST__LATER(gethostbyname_r)
GUST__LATER(gethostbyname2)
GUST__LATER(gethostbyname2_r)
GUST__LATER(gethostbyaddr)
GUST__LATER(gethostbyaddr_r)
GUST__LATER(getpwuid)
GUST__LATER(getpwuid_r)
GUST__LATER(getpwnam)
GUST__LATER(getpwnam_r)
GUST__LATER(getgrgid)
GUST__LATER(getgrgid_r)
GUST__LATER(getgrnam)
GUST__LATER(getgrnam_r)
GUST__LATER(getgrouplist)
GUST__LATER(getservbyname)
GUST__LATER(getservbyname_r)
GUST__LATER(getservbyport)
GUST__LATER(getservbyport_r)
GUST__LATER(res_search)
GUST__LATER(res_query)
GUST__LATER(res_nsearch)
GUST__LATER(res_nquery)
GUST__LATER(res_send)
GUST__LATER(res_nsend)
GUST__LATER(__res_search)
GUST__LATER(__res_query)
GUST__LATER(__res_nsearch)
GUST__LATER(__res_nquery)

/* ---- processes.c ---- */
GUST__LATER(wait)
GUST__LATER(wait3)
GUST__LATER(wait4)
GUST__LATER(waitid)
GUST__LATER(waitpid)
GUST__LATER(system)
GUST__LATER(popen)
GUST__LATER(pclose)
GUST__LATER(sigwait)
GUST__LATER(sigwaitinfo)
GUST__LATER(sigtimedwait)
GUST__LATER(sigsuspend)
GUST__LATER(pause)

/* ---- files.c ---- */
GUST__LATER(open)
GUST__LATER(open64)
GUST__LATER(openat)
GUST__LATER(openat64)
GUST__LATER(creat)
GUST__LATER(creat64)
GUST__LATER(__open)
GUST__LATER(__open64)
GUST__LATER(__open_2)
GUST__LATER(__open64_2)
GUST__LATER(__openat_2)
GUST__LATER(__openat64_2)
GUST__LATER(pread)
GUST__LATER(pread64)
GUST__LATER(__pread64)
GUST__LATER(__pread_chk)
GUST__LATER(__pread64_chk)
GUST__LATER(pwrite)
GUST__LATER(pwrite64)
GUST__LATER(__pwrite64)
GUST__LATER(preadv)
GUST__LATER(preadv64)
GUST__LATER(preadv2)
GUST__LATER(preadv64v2)
GUST__LATER(pwritev)
GUST__LATER(pwritev64)
GUST__LATER(pwritev2)
GUST__LATER(pwritev64v2)
GUST__LATER(copy_file_range)
GUST__LATER(fsync)
GUST__LATER(fdatasync)
GUST__LATER(sync_file_range)
GUST__LATER(syncfs)
GUST__LATER(ftruncate)
GUST__LATER(ftruncate64)
GUST__LATER(truncate)
GUST__LATER(truncate64)
GUST__LATER(fallocate)
GUST__LATER(fallocate64)
GUST__LATER(posix_fallocate)
GUST__LATER(posix_fallocate64)
GUST__LATER(flock)
GUST__LATER(lockf)
GUST__LATER(lockf64)

/* ---- queues.c: System V and POSIX message queues, semaphores; syscall ---- */
GUST__LATER(mq_send)
GUST__LATER(mq_receive)
GUST__LATER(mq_timedsend)
GUST__LATER(mq_timedreceive)
GUST__LATER(msgrcv)
GUST__LATER(msgsnd)
GUST__LATER(semop)
GUST__LATER(semtimedop)
GUST__LATER(syscall)

// clang-format on
#ifdef GUST__LATER_DEFINED_HERE
#undef GUST__LATER_DEFINED_HERE
#undef GUST__LATER
#endif
#undef GUST__HOOK

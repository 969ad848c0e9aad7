#include "exec/wire.h"

#include <stdbool.h>

int gust__wire_send(int fd, const struct iovec *vector, size_t count, int passed, int flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)vector, .msg_iovlen = count};
    if (passed >= 0) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
    }
    ssize_t sent;
    do {
        sent = gust__sys_sendmsg(fd, &message, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static int passed_with(struct msghdr *message)
{
    int fd = -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    return fd;
}

ssize_t gust__wire_receive(int fd, const struct iovec *vector, size_t count, int *passed, int flags)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)vector,
                             .msg_iovlen = count,
                             .msg_control = control.room,
                             .msg_controllen = sizeof(control.room)};
    ssize_t got;
    do {
        got = gust__sys_recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    *passed = got > 0 ? passed_with(&message) : -1;
    if (got <= 0 || !(message.msg_flags & MSG_TRUNC))
        return got;
    if (*passed >= 0)
        gust__sys_close(*passed);
    *passed = -1;
    errno = EPROTO;
    return -1;
}

/* ---- shared memory ---- */

int gust__shared_new(void)
{
    return gust__sys_memfd_create("gust", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

int gust__shared_seal(int fd, size_t length)
{
    if (gust__sys_ftruncate(fd, (off_t)length + 1) < 0)
        return -1;
    return gust__sys_fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL);
}

void *gust__shared_map(int fd, size_t length)
{
    struct stat status;
    if (gust__sys_fstat(fd, &status) < 0)
        return NULL;
    int seals = gust__sys_fcntl(fd, F_GET_SEALS, 0);
    if (seals < 0 || (seals & SEALS) != SEALS || (uint64_t)status.st_size <= length) {
        errno = EPROTO;
        return NULL;
    }
    void *memory = gust__sys_mmap(NULL, length + 1, PROT_READ, MAP_PRIVATE, fd, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

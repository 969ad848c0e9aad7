/* Hashes of files' contents, for URLs that may be kept for ever. */
#include "web/files.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "http/etag.h"

#include <string.h>

#include <gust/error.h>
#include <gust/sync.h>
#include <gust/threads.h>

enum { SLOTS = 1024, PIECE = 64 << 10 };

struct entry {
    uint64_t device, inode, size;
    struct timespec modified, changed;
    char hash[GUST__FILE_HASH_ROOM]; /* "": the slot is empty */
};

/* Of one loop. A file has one slot; two files of one slot work each other's hash out again. */
struct gust__file_hashes {
    gust_mutex hashing; /* one file at a time, and each once, however many ask */
    struct entry slots[SLOTS];
};

static struct gust__file_hashes *hashes_of(gust_request *request)
{
    struct gust__web_state *state = gust__web_state(request->exchange->loop);
    if (state && !state->file_hashes)
        state->file_hashes = gust__calloc(1, sizeof(*state->file_hashes));
    if (!state || !state->file_hashes)
        gust__no_memory();
    return state->file_hashes;
}

static struct entry *slot_of(struct gust__file_hashes *hashes, const struct stat *status)
{
    uint64_t key = ((uint64_t)status->st_ino ^ (uint64_t)status->st_dev << 32) * UINT64_C(0x9e3779b97f4a7c15);
    return &hashes->slots[key >> 54];
}

static bool same_time(struct timespec one, struct timespec other)
{
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

static bool is_of(const struct entry *entry, const struct stat *status)
{
    return entry->hash[0] && entry->device == (uint64_t)status->st_dev &&
           entry->inode == (uint64_t)status->st_ino && entry->size == (uint64_t)status->st_size &&
           same_time(entry->modified, status->st_mtim) && same_time(entry->changed, status->st_ctim);
}

/* ---- working it out ---- */

struct job {
    int fd;
    char *piece;
    char hash[GUST__FILE_HASH_ROOM];
};

static int hash_file(void *argument)
{
    struct job *job = argument;
    struct gust__etag_hash hash = {0};
    char etag[GUST__ETAG_ROOM];
    off_t offset = 0;
    ssize_t got;
    while ((got = gust__sys_pread(job->fd, job->piece, PIECE, offset)) > 0) {
        gust__etag_hash_add(&hash, job->piece, (size_t)got);
        offset += got;
    }
    if (got < 0)
        return gust_error_set(errno, "reading a file for its hash");
    gust__etag_hash_write(&hash, etag);
    memcpy(job->hash, etag + 1, GUST__FILE_HASH_ROOM - 1);
    job->hash[GUST__FILE_HASH_ROOM - 1] = 0;
    return 0;
}

static int work_out(int fd, const struct stat *status, struct entry *entry)
{
    struct job job = {.fd = fd, .piece = gust__malloc(PIECE)};
    int result = -1;
    if (!job.piece)
        return -1;
    result =
        status->st_size < GUST__HASHED_INLINE ? hash_file(&job) : gust_threads_run(NULL, hash_file, &job);
    gust__free(job.piece);
    if (result < 0)
        return -1;
    *entry = (struct entry){
        .device = (uint64_t)status->st_dev,
        .inode = (uint64_t)status->st_ino,
        .size = (uint64_t)status->st_size,
        .modified = status->st_mtim,
        .changed = status->st_ctim,
    };
    memcpy(entry->hash, job.hash, sizeof(job.hash));
    return 0;
}

int gust__file_hash(gust_request *request, int fd, const struct stat *status, char hash[GUST__FILE_HASH_ROOM])
{
    struct gust__file_hashes *hashes = hashes_of(request);
    struct entry *entry = slot_of(hashes, status), made;
    int result = 0;
    if (!is_of(entry, status)) {
        if (gust_mutex_lock(&hashes->hashing) < 0)
            return -1;
        if (!is_of(entry, status)) {
            result = work_out(fd, status, &made);
            if (result == 0)
                *entry = made;
        }
        gust_mutex_unlock(&hashes->hashing);
    }
    if (result == 0)
        memcpy(hash, entry->hash, GUST__FILE_HASH_ROOM);
    return result;
}

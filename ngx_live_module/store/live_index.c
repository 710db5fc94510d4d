/*
 * The index file: made, opened, checked, locked; a worker's slot in it.
 */

#include "live_store_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>


#define live_align(n)  (((n) + LIVE_STORE_PAGE - 1)                           \
                        & ~((uint64_t) LIVE_STORE_PAGE - 1))


static int live_store_known(const char *path,
    const live_index_header_t *header, ssize_t n, char *err, size_t errlen);
static int live_store_look(int dir, const char *path, char *err,
    size_t errlen);
static int live_store_directory(const char *path, uid_t owner, gid_t group,
    char *err, size_t errlen);
static int live_store_format(live_store_t *store, char *err, size_t errlen);
static int live_store_check(live_store_t *store, char *err, size_t errlen);
static int live_store_there(const live_store_t *store);
static int live_store_try(live_store_t *store, uid_t owner, gid_t group,
    uint32_t streams, char *err, size_t errlen);
static void live_store_erase(live_store_t *store);
static int live_store_map(live_store_t *store, uint32_t streams, char *err,
    size_t errlen);


int64_t
live_store_monotonic(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


int64_t
live_store_utc(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


const char *
live_store_path(const live_store_t *store)
{
    return store->path;
}


/*
 * OFD locks: dropped by the kernel when the last descriptor of the open file
 * goes, and, unlike process locks, not when any descriptor of the file is closed.
 */

int
live_store_lock(live_store_t *store, off_t byte, short type, int wait)
{
    int           rc;
    struct flock  fl;

    memset(&fl, 0, sizeof(struct flock));
    fl.l_type = type;
    fl.l_whence = SEEK_SET;
    fl.l_start = byte;
    fl.l_len = 1;

    do {
        rc = fcntl(store->lock_fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &fl);
    } while (rc == -1 && errno == EINTR);

    return rc == -1 ? LIVE_AGAIN : LIVE_OK;
}


/* 1 if anybody else holds the byte */

int
live_store_held(live_store_t *store, off_t byte)
{
    struct flock  fl;

    memset(&fl, 0, sizeof(struct flock));
    fl.l_type = F_WRLCK;
    fl.l_whence = SEEK_SET;
    fl.l_start = byte;
    fl.l_len = 1;

    if (fcntl(store->lock_fd, F_OFD_GETLK, &fl) == -1) {
        return 1;
    }

    return fl.l_type != F_UNLCK;
}


uint32_t
live_store_hash(const char *name, size_t len)
{
    size_t    i;
    uint32_t  h;

    h = 2166136261u;

    for (i = 0; i < len; i++) {
        h = (h ^ (uint8_t) name[i]) * 16777619u;
    }

    return h ? h : 1;
}


live_index_block_t *
live_store_block(live_store_t *store, uint32_t n)
{
    return (live_index_block_t *) (store->map + store->blocks_at
                           + (n - 1) * live_align(sizeof(live_index_block_t)));
}


live_index_stream_t *
live_store_get(live_store_t *store, live_store_ref_t ref)
{
    live_index_stream_t  *stream;

    stream = &store->streams[ref.stream];

    if (atomic_load(&stream->birth) != ref.birth
        || atomic_load(&stream->state) == LIVE_STORE_FREE)
    {
        return NULL;
    }

    return stream;
}


/* number of the stream with this name, or LIVE_AGAIN */

int
live_store_lookup(live_store_t *store, const char *name, size_t len)
{
    uint32_t              i, h;
    live_index_stream_t  *stream;

    if (len == 0 || len >= LIVE_STORE_NAME_MAX) {
        return LIVE_AGAIN;
    }

    h = live_store_hash(name, len);

    for (i = 0; i < store->header->streams; i++) {

        if (atomic_load_explicit(&store->hashes[i], memory_order_acquire)
            != h)
        {
            continue;
        }

        stream = &store->streams[i];

        if (atomic_load(&stream->state) != LIVE_STORE_FREE
            && !atomic_load(&stream->hidden)
            && memcmp(stream->info.name, name, len) == 0
            && stream->info.name[len] == '\0')
        {
            return (int) i;
        }
    }

    return LIVE_AGAIN;
}


/* LIVE_OK: an index of ours; LIVE_AGAIN: begun and not written yet */

static int
live_store_known(const char *path, const live_index_header_t *header,
    ssize_t n, char *err, size_t errlen)
{
    if (n == 0 || (n == sizeof(live_index_header_t) && header->magic == 0)) {
        return LIVE_AGAIN;
    }

    if (n != sizeof(live_index_header_t) || header->magic != LIVE_STORE_MAGIC)
    {
        snprintf(err, errlen, "\"%s/index\" is not an index of ours: "
                 "remove it or name another path", path);
        return LIVE_EINVAL;
    }

    if (header->version != LIVE_STORE_VERSION
        || header->stream_size != sizeof(live_index_stream_t)
        || header->block_size != sizeof(live_index_block_t))
    {
        snprintf(err, errlen, "\"%s/index\" has layout version %u, this module "
                 "has %u: stop nginx and remove \"%s\", or name another path",
                 path, header->version, LIVE_STORE_VERSION, path);
        return LIVE_EINVAL;
    }

    return LIVE_OK;
}


/*
 * Before anything is changed: files below a path that was meant for something
 * else must keep their owner, and not be swept away with old segments.
 */

static int
live_store_look(int dir, const char *path, char *err, size_t errlen)
{
    int                   fd, rc;
    DIR                  *d;
    ssize_t               n;
    struct dirent        *de;
    live_index_header_t   header;

    fd = openat(dir, "index", O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd != -1) {
        n = pread(fd, &header, sizeof(live_index_header_t), 0);
        close(fd);

        rc = live_store_known(path, &header, n, err, errlen);

        return rc == LIVE_AGAIN ? LIVE_OK : rc;
    }

    if (errno != ENOENT) {
        snprintf(err, errlen, "cannot open \"%s/index\": %s", path,
                 strerror(errno));
        return LIVE_EIO;
    }

    fd = openat(dir, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    d = (fd == -1) ? NULL : fdopendir(fd);

    if (d == NULL) {
        snprintf(err, errlen, "cannot read \"%s\": %s", path,
                 strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return LIVE_EIO;
    }

    rc = LIVE_OK;

    while ((de = readdir(d)) != NULL) {
        /* an index: another nginx that starts has just made it */

        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0
            && strcmp(de->d_name, "index") != 0)
        {
            snprintf(err, errlen, "\"%s\" is not empty and has no index of "
                     "ours: name a directory of its own as path", path);
            rc = LIVE_EINVAL;
            break;
        }
    }

    closedir(d);

    return rc;
}


static int
live_store_directory(const char *path, uid_t owner, gid_t group, char *err,
    size_t errlen)
{
    int          fd, rc;
    uid_t        uid;
    struct stat  st;

    uid = (owner == (uid_t) -1) ? geteuid() : owner;

    if (mkdir(path, 0700) == -1 && errno != EEXIST) {
        snprintf(err, errlen, "cannot make directory \"%s\": %s", path,
                 strerror(errno));
        return LIVE_EIO;
    }

    fd = open(path, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) == -1) {
        snprintf(err, errlen, "\"%s\" is not a directory of ours: %s", path,
                 strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return LIVE_EINVAL;
    }

    if (st.st_uid != uid && st.st_uid != geteuid()) {
        snprintf(err, errlen, "\"%s\" belongs to user %ld, not to us (%ld): "
                 "name a directory of its own as path", path,
                 (long) st.st_uid, (long) uid);
        close(fd);
        return LIVE_EINVAL;
    }

    rc = live_store_look(fd, path, err, errlen);

    if (rc != LIVE_OK) {
        close(fd);
        return rc;
    }

    if (st.st_uid != uid && fchown(fd, uid, group) == -1) {
        snprintf(err, errlen, "cannot give \"%s\" to user %ld: %s", path,
                 (long) uid, strerror(errno));
        close(fd);
        return LIVE_EIO;
    }

    if ((st.st_mode & 07777) != 0700 && fchmod(fd, 0700) == -1) {
        snprintf(err, errlen, "cannot set mode 0700 of \"%s\": %s", path,
                 strerror(errno));
        close(fd);
        return LIVE_EIO;
    }

    close(fd);

    return LIVE_OK;
}


static uint64_t
live_store_blocks_at(uint32_t streams)
{
    return live_align(sizeof(live_index_header_t))
           + live_align(LIVE_STORE_WORKERS * sizeof(live_index_worker_t))
           + live_align(streams * sizeof(uint32_t))
           + live_align(streams * sizeof(live_index_stream_t));
}


static int
live_store_map(live_store_t *store, uint32_t streams, char *err, size_t errlen)
{
    uint8_t  *p;

    store->blocks_at = live_store_blocks_at(streams);
    store->nblocks = streams * 2;
    store->size = store->blocks_at
                  + store->nblocks * live_align(sizeof(live_index_block_t));

    p = mmap(NULL, store->size, PROT_READ|PROT_WRITE, MAP_SHARED, store->fd,
             0);

    if (p == MAP_FAILED) {
        snprintf(err, errlen, "cannot map the index: %s", strerror(errno));
        return LIVE_EIO;
    }

    store->map = p;
    store->header = (live_index_header_t *) p;
    p += live_align(sizeof(live_index_header_t));
    store->workers = (live_index_worker_t *) p;
    p += live_align(LIVE_STORE_WORKERS * sizeof(live_index_worker_t));
    store->hashes = (_Atomic uint32_t *) p;
    p += live_align(streams * sizeof(uint32_t));
    store->streams = (live_index_stream_t *) p;

    return LIVE_OK;
}


/* a new index; what a writer touches later gets its memory when it is claimed */

static int
live_store_format(live_store_t *store, char *err, size_t errlen)
{
    int                  rc;
    live_index_header_t  header;

    live_store_sweep(store);

    if (ftruncate(store->fd, 0) == -1
        || ftruncate(store->fd, (off_t) store->size) == -1)
    {
        snprintf(err, errlen, "cannot size the index: %s", strerror(errno));
        return LIVE_EIO;
    }

    /* without its memory a full tmpfs would be a SIGBUS */

    rc = posix_fallocate(store->fd, 0, (off_t) store->blocks_at);

    if (rc != 0) {
        snprintf(err, errlen, "no room for the index (%lu bytes) in \"%s\": %s",
                 (unsigned long) store->blocks_at, store->path, strerror(rc));
        return LIVE_EIO;
    }

    memset(&header, 0, sizeof(live_index_header_t));

    header.version = LIVE_STORE_VERSION;
    header.stream_size = sizeof(live_index_stream_t);
    header.block_size = sizeof(live_index_block_t);
    header.streams = store->nblocks / 2;

    memcpy(store->header, &header, sizeof(live_index_header_t));
    store->header->magic = LIVE_STORE_MAGIC;

    return LIVE_OK;
}


/* LIVE_OK: ours to use; LIVE_AGAIN: stale or empty, to be made anew */

static int
live_store_check(live_store_t *store, char *err, size_t errlen)
{
    int                  rc;
    ssize_t              n;
    struct stat          st;
    live_index_header_t  header;

    n = pread(store->fd, &header, sizeof(live_index_header_t), 0);

    rc = live_store_known(store->path, &header, n, err, errlen);

    if (rc != LIVE_OK) {
        return rc;
    }

    if (header.streams != store->nblocks / 2) {

        if (live_store_held(store, LIVE_STORE_LOCK_ALIVE)) {
            snprintf(err, errlen, "streams=%u differs from the running "
                     "nginx's %u: restart nginx to change it",
                     store->nblocks / 2, header.streams);
            return LIVE_EINVAL;
        }

        return LIVE_AGAIN;
    }

    if (fstat(store->fd, &st) == -1 || (size_t) st.st_size != store->size) {
        return LIVE_AGAIN;
    }

    return LIVE_OK;
}


static int
live_store_open_index(live_store_t *store, uid_t owner, gid_t group,
    char *err, size_t errlen)
{
    int          n;
    char         path[PATH_MAX + 8];
    struct stat  st;

    n = snprintf(path, sizeof(path), "%s/index", store->path);

    store->fd = open(path, O_RDWR|O_CREAT|O_NOFOLLOW|O_CLOEXEC, 0600);

    if (n < 0 || store->fd == -1 || fstat(store->fd, &st) == -1
        || !S_ISREG(st.st_mode))
    {
        snprintf(err, errlen, "cannot open \"%s\": %s", path, strerror(errno));
        return LIVE_EIO;
    }

    if (owner != (uid_t) -1 && st.st_uid != owner
        && fchown(store->fd, owner, group) == -1)
    {
        snprintf(err, errlen, "cannot give \"%s\" to user %ld: %s", path,
                 (long) owner, strerror(errno));
        return LIVE_EIO;
    }

    store->lock_fd = open(path, O_RDWR|O_NOFOLLOW|O_CLOEXEC);

    if (store->lock_fd == -1) {
        snprintf(err, errlen, "cannot open \"%s\": %s", path, strerror(errno));
        return LIVE_EIO;
    }

    return LIVE_OK;
}


/* 0 if who had it has removed it while we waited for the lock */

static int
live_store_there(const live_store_t *store)
{
    struct stat  st, lock;

    return fstat(store->fd, &st) == 0 && fstat(store->lock_fd, &lock) == 0
           && st.st_nlink && st.st_ino == lock.st_ino;
}


/* LIVE_ELOST: it was just being removed, try again */

static int
live_store_try(live_store_t *store, uid_t owner, gid_t group, uint32_t streams,
    char *err, size_t errlen)
{
    int           rc;
    struct flock  fl;

    rc = live_store_directory(store->path, owner, group, err, errlen);

    if (rc == LIVE_OK) {
        rc = live_store_open_index(store, owner, group, err, errlen);
    }

    if (rc == LIVE_OK) {
        rc = live_store_map(store, streams, err, errlen);
    }

    if (rc != LIVE_OK) {
        return rc;
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_WRLCK, 1);

    if (!live_store_there(store)) {
        snprintf(err, errlen, "\"%s\" is being removed", store->path);
        live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);
        return LIVE_ELOST;
    }

    rc = live_store_check(store, err, errlen);

    if (rc == LIVE_AGAIN) {
        rc = live_store_format(store, err, errlen);

        if (rc == LIVE_OK) {
            store->made = 1;

        } else {
            live_store_erase(store);
        }
    }

    if (rc == LIVE_OK) {
        memset(&fl, 0, sizeof(struct flock));
        fl.l_type = F_RDLCK;
        fl.l_start = LIVE_STORE_LOCK_ALIVE;
        fl.l_len = 1;
        (void) fcntl(store->fd, F_OFD_SETLK, &fl);
    }

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);

    return rc;
}


int
live_store_open(const char *path, uid_t owner, gid_t group, uint32_t streams,
    live_store_t **storep, char *err, size_t errlen)
{
    int            rc, tries;
    live_store_t  *store;

    if (streams == 0 || streams > LIVE_STORE_STREAMS_MAX || path[0] != '/') {
        snprintf(err, errlen, "path must be absolute, streams 1 to %u",
                 LIVE_STORE_STREAMS_MAX);
        return LIVE_EINVAL;
    }

    /* a doorbell's name must fit struct sockaddr_un */

    if (strlen(path) + sizeof("/w255.sock")
        > sizeof(((struct sockaddr_un *) 0)->sun_path))
    {
        snprintf(err, errlen, "path \"%s\" is longer than %u characters", path,
                 (unsigned) (sizeof(((struct sockaddr_un *) 0)->sun_path)
                             - sizeof("/w255.sock")));
        return LIVE_EINVAL;
    }

    for (tries = 0; tries < 10; tries++) {

        store = calloc(1, sizeof(live_store_t));
        if (store == NULL) {
            snprintf(err, errlen, "out of memory");
            return LIVE_ENOMEM;
        }

        store->fd = -1;
        store->lock_fd = -1;
        store->bell = -1;
        snprintf(store->path, sizeof(store->path), "%s", path);

        rc = live_store_try(store, owner, group, streams, err, errlen);

        if (rc == LIVE_OK) {
            *storep = store;
            return LIVE_OK;
        }

        live_store_close(store);

        if (rc != LIVE_ELOST) {
            return rc;
        }
    }

    return LIVE_EIO;
}


void
live_store_limit(live_store_t *store, uint64_t bytes_max)
{
    atomic_store(&store->header->bytes_max, bytes_max);
}


void
live_store_close(live_store_t *store)
{
    if (store->map) {
        munmap(store->map, store->size);
    }

    if (store->bell != -1) {
        close(store->bell);
    }

    if (store->lock_fd != -1) {
        close(store->lock_fd);
    }

    if (store->fd != -1) {
        close(store->fd);
    }

    free(store);
}


/* all that is in the directory, and it; under the table's lock */

static void
live_store_erase(live_store_t *store)
{
    uint32_t  i;
    char      name[PATH_MAX + 16];

    live_store_sweep(store);

    for (i = 0; i < LIVE_STORE_WORKERS; i++) {
        snprintf(name, sizeof(name), "%s/w%u.sock", store->path, i);
        (void) unlink(name);
    }

    snprintf(name, sizeof(name), "%s/index", store->path);
    (void) unlink(name);
    (void) rmdir(store->path);
}


int
live_store_remove(live_store_t *store)
{
    struct flock  fl;

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_WRLCK, 1);

    /* give up our own share first, it would hide nobody else's */

    memset(&fl, 0, sizeof(struct flock));
    fl.l_type = F_UNLCK;
    fl.l_start = LIVE_STORE_LOCK_ALIVE;
    fl.l_len = 1;
    (void) fcntl(store->fd, F_OFD_SETLK, &fl);

    if (live_store_held(store, LIVE_STORE_LOCK_ALIVE)
        || !live_store_there(store))
    {
        live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);
        return LIVE_AGAIN;
    }

    live_store_erase(store);

    live_store_lock(store, LIVE_STORE_LOCK_TABLE, F_UNLCK, 0);

    return LIVE_OK;
}


int
live_store_made(const live_store_t *store)
{
    return store->made;
}


static int
live_store_bind(live_store_t *store, uint32_t slot, char *err, size_t errlen)
{
    int                 fd;
    struct sockaddr_un  sun;

    memset(&sun, 0, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;

    if (snprintf(sun.sun_path, sizeof(sun.sun_path), "%.97s/w%u.sock",
                 store->path, slot) >= (int) sizeof(sun.sun_path))
    {
        snprintf(err, errlen, "path \"%s\" is too long", store->path);
        return LIVE_EIO;
    }

    (void) unlink(sun.sun_path);

    fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (fd == -1
        || bind(fd, (struct sockaddr *) &sun, sizeof(struct sockaddr_un))
           == -1)
    {
        snprintf(err, errlen, "cannot bind doorbell \"%s\": %s", sun.sun_path,
                 strerror(errno));

        if (fd != -1) {
            close(fd);
        }

        return LIVE_EIO;
    }

    store->bell = fd;

    return LIVE_OK;
}


int
live_store_join(live_store_t *store, char *err, size_t errlen)
{
    int       rc, fd;
    char      name[PATH_MAX + 8];
    uint32_t  i, slot;

    /* the description inherited from the master is shared with our siblings */

    snprintf(name, sizeof(name), "%s/index", store->path);

    fd = open(name, O_RDWR|O_NOFOLLOW|O_CLOEXEC);
    if (fd == -1) {
        snprintf(err, errlen, "cannot open \"%s\": %s", name, strerror(errno));
        return LIVE_EIO;
    }

    close(store->lock_fd);
    store->lock_fd = fd;

    for (slot = 0; slot < LIVE_STORE_WORKERS; slot++) {
        if (live_store_lock(store, LIVE_STORE_LOCK_WORKER + slot, F_WRLCK, 0)
            == LIVE_OK)
        {
            break;
        }
    }

    if (slot == LIVE_STORE_WORKERS) {
        snprintf(err, errlen, "more than %u workers, old ones included",
                 LIVE_STORE_WORKERS);
        return LIVE_ENOSPC;
    }

    rc = live_store_bind(store, slot, err, errlen);

    if (rc != LIVE_OK) {
        live_store_lock(store, LIVE_STORE_LOCK_WORKER + slot, F_UNLCK, 0);
        return rc;
    }

    live_store_disown(store, slot);

    store->slot = slot;
    memset(&store->workers[slot], 0, sizeof(live_index_worker_t));

    for (i = 0; i < store->header->streams; i++) {
        live_store_unwatch(store, i);
    }

    return LIVE_OK;
}


void
live_store_leave(live_store_t *store)
{
    char  name[PATH_MAX + 16];

    if (store->bell == -1) {
        return;
    }

    snprintf(name, sizeof(name), "%s/w%u.sock", store->path, store->slot);

    close(store->bell);
    store->bell = -1;
    (void) unlink(name);

    live_store_lock(store, LIVE_STORE_LOCK_WORKER + store->slot, F_UNLCK, 0);
}

/* Preloaded into a process, it keeps what a loss of power would take away: for each write to a file below FORGET_ROOT that
   has not been synced, what was there before, and for each new or renamed file whose folder has not been synced, its name.
   The records lie in FORGET_JOURNAL, so that they outlive the process; support/forgetful.py takes the writes back. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int below_root(int fd, struct stat *about) {
    const char *root = getenv("FORGET_ROOT");
    char link[64], path[PATH_MAX];
    if (!root || fstat(fd, about)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return !strncmp(path, root, strlen(root));
}

static int journal(char kind, ino_t inode, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%c%lu", getenv("FORGET_JOURNAL"), kind, (unsigned long)inode);
    return REAL(open)(path, O_CREAT | O_WRONLY | O_CLOEXEC | flags, 0600);
}

/* Keep the bytes that are about to be written over or cut off. */
static void keep(int fd, off_t offset, size_t size) {
    struct stat about;
    int saved = errno;
    if (below_root(fd, &about) && S_ISREG(about.st_mode)) {
        uint64_t old = about.st_size, there = 0;
        if (offset < about.st_size) there = (uint64_t)(about.st_size - offset) < size ? (uint64_t)(about.st_size - offset) : size;
        char *record = malloc(24 + there);
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int reading = there ? REAL(open)(path, O_RDONLY | O_CLOEXEC) : -1;
        if (reading >= 0) there = pread(reading, record + 24, there, offset);
        if (reading >= 0) close(reading);
        uint64_t start = offset;
        memcpy(record, &start, 8), memcpy(record + 8, &there, 8), memcpy(record + 16, &old, 8);
        int out = journal('f', about.st_ino, O_APPEND);
        if (REAL(write)(out, record, 24 + there) < 0) abort();
        close(out), free(record);
    }
    errno = saved;
}

static void synced(int fd) {
    struct stat about;
    int saved = errno;
    if (below_root(fd, &about)) close(journal(S_ISDIR(about.st_mode) ? 'd' : 'f', about.st_ino, O_TRUNC));
    errno = saved;
}

/* Keep what is about to be done to a name in a folder. */
static void keep_name(const char *what, const char *from, const char *to) {
    const char *root = getenv("FORGET_ROOT");
    char folder[PATH_MAX], line[3 * PATH_MAX];
    struct stat about;
    int saved = errno;
    if (root && to[0] == '/' && !strncmp(to, root, strlen(root))) {
        snprintf(folder, sizeof folder, "%s", to);
        *strrchr(folder, '/') = 0;
        if (!stat(folder, &about)) {
            int size = snprintf(line, sizeof line, "%s\t%s\t%s\n", what, from, to);
            int out = journal('d', about.st_ino, O_APPEND);
            if (REAL(write)(out, line, size) < 0) abort();
            close(out);
        }
    }
    errno = saved;
}

ssize_t write(int fd, const void *data, size_t size) {
    off_t place = lseek(fd, 0, SEEK_CUR);
    if (place >= 0) {
        struct stat about;
        if (fcntl(fd, F_GETFL) & O_APPEND && !fstat(fd, &about)) place = about.st_size;
        keep(fd, place, size);
    }
    return REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t place) { keep(fd, place, size); return REAL(pwrite)(fd, data, size, place); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t place) { keep(fd, place, size); return REAL(pwrite64)(fd, data, size, place); }
int ftruncate(int fd, off_t size) { keep(fd, size, SIZE_MAX / 4); return REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off_t size) { keep(fd, size, SIZE_MAX / 4); return REAL(ftruncate64)(fd, size); }
int fsync(int fd) { int done = REAL(fsync)(fd); if (!done) synced(fd); return done; }
int fdatasync(int fd) { int done = REAL(fdatasync)(fd); if (!done) synced(fd); return done; }

static int opened(const char *path, int flags, mode_t mode) {
    if (flags & O_CREAT && access(path, F_OK)) keep_name("create", "", path);
    int fd = REAL(open)(path, flags & ~O_TRUNC, mode);
    if (fd >= 0 && flags & O_TRUNC && ftruncate(fd, 0)) abort();
    return fd;
}
#define MODE va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest)
int open(const char *path, int flags, ...) { MODE; return opened(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE; return opened(path, flags, mode); }

int rename(const char *from, const char *to) {
    if (!access(to, F_OK)) {
        static unsigned number;
        char copy[PATH_MAX];
        const char *root = getenv("FORGET_ROOT");
        if (root && !strncmp(to, root, strlen(root))) {
            snprintf(copy, sizeof copy, "%s/c%d-%u", getenv("FORGET_JOURNAL"), getpid(), number++);
            if (!link(to, copy)) keep_name("replace", copy, to);
        }
    }
    keep_name("rename", from, to);
    return REAL(rename)(from, to);
}

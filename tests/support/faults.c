/* Preloaded into a process: while the file FAULT_READONLY exists, nothing below FAULT_ROOT can be written, as on a disk that
   was mounted anew; and the clock is off by as many seconds as the file FAULT_CLOCK says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSE(condition) if (condition) { errno = EROFS; return -1; }

static int readonly(const char *path) {
    const char *root = getenv("FAULT_ROOT"), *flag = getenv("FAULT_READONLY");
    int saved = errno, found = root && flag && !strncmp(path, root, strlen(root)) && !access(flag, F_OK);
    errno = saved;
    return found;
}

static int refused(int fd) {
    char link[64], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (size < 0) return 0;
    path[size] = 0;
    return readonly(path);
}

ssize_t write(int fd, const void *data, size_t size) { REFUSE(refused(fd)) return REAL(write)(fd, data, size); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { REFUSE(refused(fd)) return REAL(pwrite)(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) { REFUSE(refused(fd)) return REAL(pwrite64)(fd, data, size, at); }
int ftruncate(int fd, off_t size) { REFUSE(refused(fd)) return REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off_t size) { REFUSE(refused(fd)) return REAL(ftruncate64)(fd, size); }
int rename(const char *from, const char *to) { REFUSE(readonly(to)) return REAL(rename)(from, to); }
int unlink(const char *path) { REFUSE(readonly(path)) return REAL(unlink)(path); }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        REFUSE((flags & (O_WRONLY | O_RDWR | O_CREAT)) && readonly(path)) \
        return REAL(name)(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

static long long off(void) {
    const char *name = getenv("FAULT_CLOCK");
    char text[32] = "";
    int saved = errno, fd = name ? REAL(open)(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = 0;
    if (fd >= 0) close(fd);
    errno = saved;
    return atoll(text);
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int done = REAL(clock_gettime)(id, now);
    if (!done && id == CLOCK_REALTIME) now->tv_sec += off();
    return done;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    int done = REAL(gettimeofday)(out, zone);
    if (!done) out->tv_sec += off();
    return done;
}

/* A preloaded library that makes the wall clock jump at each reading: back by ten years, before
 * 1970, beyond 64 bits of nanoseconds, to 1970, and back to the time. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jump(time_t now) {
    static atomic_uint looks;
    const time_t times[] = {now, now - 315000000, -1000, 16000000000, 0};
    return times[atomic_fetch_add(&looks, 1) % 5];
}

int clock_gettime(clockid_t id, struct timespec *time) {
    int status = (int)syscall(SYS_clock_gettime, id, time);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        time->tv_sec = jump(time->tv_sec);
    return status;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    int status = (int)syscall(SYS_gettimeofday, time, zone);
    time->tv_sec = jump(time->tv_sec);
    return status;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

/*
 * Notifies a service manager about a run, by the datagrams that sd_notify(3) describes, without its
 * library.
 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The first failure is said, the others are most likely the same one. */
static void failed(cli_notify *notify) {
    if (!notify->failed)
        cli_say("the service manager cannot be told at '%s': %s", notify->path, strerror(errno));
    notify->failed = true;
}

/* The address at path; a leading @ stands for a name that is in no folder. */
static socklen_t address_init(struct sockaddr_un *address, const char *path) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path) {
        errno = EINVAL;
        return 0;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, path, length);
    if (*path == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static void tell(cli_notify *notify, const char *text) {
    struct sockaddr_un address;
    socklen_t size = address_init(&address, notify->path);
    int fd = size > 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    bool sent = fd >= 0 && sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                                  (const struct sockaddr *)&address, size) >= 0;
    if (!sent)
        failed(notify);
    if (fd >= 0)
        close(fd);
}

static void on_ready(void *ud) {
    tell(ud, "READY=1");
}

static void on_stopping(void *ud) {
    tell(ud, "STOPPING=1");
}

static void on_beat(void *ud) {
    tell(ud, "WATCHDOG=1");
}

/* Half of the manager's watchdog interval; 0: it has none, or an invalid one. */
static uint64_t beat_ms(void) {
    const char *time_us = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    if (!time_us || (pid && strtoimax(pid, NULL, 10) != getpid()))
        return 0;
    char *end;
    uintmax_t us = strtoumax(time_us, &end, 10);
    if (us == 0 || *end != '\0' || *time_us == '-')
        return 0;
    return us < 2000 ? 1 : us / 2000;
}

void cli_notify_init(cli_notify *notify, dynsup_lua_config *config) {
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path)
        return;
    *notify = (cli_notify){.path = path};
    notify->service = (dynsup_lua_service){.on_ready = on_ready,
                                           .on_stopping = on_stopping,
                                           .on_beat = on_beat,
                                           .beat_ms = beat_ms(),
                                           .ud = notify};
    config->service = &notify->service;
}

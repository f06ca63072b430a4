#!/bin/sh
# Checks what the libraries for embedding have to do with the program around them: that their names
# are their own, and that only the files which are there for it use threads, signals, the output,
# the environment and the program's end. Takes the archives.
set -eu

# What is of interest, and the files that may use it: signals and threads that a config asks for.
watched='printf|puts|putchar|fprintf|vfprintf|vprintf|fputs|fputc|fwrite|perror|stdin|stdout|stderr'
watched="$watched|exit|_exit|quick_exit|abort|raise|kill|getenv|secure_getenv|setenv|putenv|system"
watched="$watched|fork|vfork|signal|sigaction|sigprocmask|pthread_sigmask|pthread_create|pthread_kill"
watched="$watched|uv_queue_work|uv_getaddrinfo|uv_thread_create|uv_spawn|uv_signal_start|uv_loop_init"
allowed='http_load:uv_queue_work interrupt:_exit interrupt:sigaction interrupt:raise interrupt:signal job:uv_queue_work
net_connect:uv_getaddrinfo pipe_guard:pthread_sigmask sigpipe:sigaction uv_host:uv_loop_init
uv_host:uv_signal_start uv_loop:uv_loop_init watchdog:pthread_create watchdog:pthread_kill
watchdog:pthread_sigmask watchdog:sigaction'
allowed=$(echo "$allowed" | tr '\n' ' ')

problems=$(
    for archive; do
        nm -A -u "$archive" 2>/dev/null |
            sed -nE "s/^.*:([a-z_0-9]*)\.c\.o:.* U ($watched)(@.*)?$/\1:\2/p" |
            while read -r use; do
                case " $allowed" in
                *" $use "*) ;;
                *) echo "${use%:*}.c uses ${use#*:}" ;;
                esac
            done
        nm -A -g --defined-only "$archive" 2>/dev/null |
            sed -nE 's/^.*:([a-z_0-9]*\.c)\.o:[0-9a-f]+ [A-Z] (.*)$/\1 defines \2/p' |
            grep -vE ' (dynsup_|dsi_|dsl_|luaopen_dynsup$|__|_sub_)' || true
    done
)
if [ -n "$problems" ]; then
    echo "$problems"
    exit 1
fi

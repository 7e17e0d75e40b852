#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the compiled library may not have.

Nowhere: variables that change, an end of the process, words on the standard streams.
On floors 0 to 2 (which see no system): files, sockets, clocks, randomness, the environment,
threads. Looked up in the undefined symbols of each object file.
"""
import re
import subprocess

from common import finish, objects
from floors import house, room_of

NOWHERE = """
exit _exit _Exit quick_exit abort __assert_fail __assert raise atexit
printf vprintf puts putchar putc putchar_unlocked perror stdout stderr stdin warn warnx err errx
rand srand random srandom drand48 system popen strtok setlocale gets strerror
json_dumps localtime gmtime asctime ctime getpwnam getpwuid inet_ntoa gethostbyname
""".split()

NOT_BELOW = """
open openat creat close read write pread pwrite lseek stat fstat lstat access unlink rename mkdir
rmdir opendir readdir scandir mmap munmap ioctl fcntl pipe dup dup2 sync fsync
fopen fdopen freopen fclose fread fwrite fprintf vfprintf fputs fputc fgets getline fscanf fileno
socket connect bind listen accept send sendto sendmsg recv recvfrom recvmsg setsockopt getsockopt
getaddrinfo getnameinfo if_nametoindex if_indextoname poll ppoll select epoll_create1 epoll_wait
time clock clock_gettime gettimeofday times nanosleep clock_nanosleep sleep usleep alarm
timerfd_create localtime_r gmtime_r mktime strftime
getrandom getentropy rand_r arc4random uuid_generate
getenv secure_getenv setenv putenv uname gethostname getpid getuid geteuid sysconf
fork vfork execv execve execvp execvpe posix_spawn posix_spawnp waitpid wait kill signal sigaction
syscall prctl unshare setns mount umount
pthread_create pthread_mutex_lock pthread_key_create pthread_once thrd_create mtx_lock
json_load_file json_loadf json_dump_file json_dumpf yaml_parser_set_input_file
yaml_emitter_set_output_file dlopen dlsym
""".split()

MUTABLE = re.compile(r"\.(data|bss|tdata|tbss|sdata|sbss)(\.|$)|\*COM\*")
CONSTANT = re.compile(r"\.data\.rel\.ro(\.|$)")


def plain(symbol):
    """fopen64 and __fopen_chk are fopen too."""
    symbol = re.sub(r"@.*", "", symbol)
    symbol = re.sub(r"^__(\w+)_chk$", r"\1", symbol)
    symbol = re.sub(r"^__isoc\d\d_", "", symbol)
    return re.sub(r"64$", "", symbol)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def variables(path):
    """Symbols of variables that can change."""
    for line in run("objdump", "-t", path).splitlines():
        match = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line)
        if not match:
            continue
        flags, section, name = match.groups()
        if "O" in flags and MUTABLE.match(section) and not CONSTANT.match(section):
            yield name


def main():
    rooms, faults, looked_at = house(), [], 0
    for source, path in objects():
        looked_at += 1
        room = room_of(str(source), rooms)
        below = room is not None and rooms[room][0] <= 2
        for line in run("nm", "-u", path).splitlines():
            name = plain(line.split()[-1])
            if name in NOWHERE:
                instead = "; lsvm_json_text() does it" if name == "json_dumps" else ""
                faults.append(f"{source}: {name} has no place in the library{instead}")
            elif below and name in NOT_BELOW:
                faults.append(f"{source}: {name} is for lib/host and lib/role, not for floor "
                              f"{rooms[room][0]}")
        for name in variables(path):
            faults.append(f"{source}: {name} is a variable that can change; make it const")
    finish(faults, looked_at)


if __name__ == "__main__":
    main()

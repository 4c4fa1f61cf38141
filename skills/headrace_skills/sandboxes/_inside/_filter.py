"""A seccomp filter, written by hand: which system calls a script is refused.

What is not named is allowed, up to the newest call that this module knows; later ones do not exist
for the script. The tables hold the two architectures that Flink and Python wheels are common on.
"""

from __future__ import annotations

import errno
import platform
import struct
from functools import cache
from typing import NamedTuple

__all__ = ["ARCHITECTURES", "Architecture", "FilterError", "build_births", "build_filter"]

_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _KILL, _ERRNO, _ASK = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
_WHOLE = 0xFFFFFFFF
_NEWEST = 469  # file_setattr, of Linux 6.17

# Calls of Linux 5.1 and later have one number on all architectures.
_COMMON = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "statmount": 457,
    "listmount": 458,
    "setxattrat": 463,
    "removexattrat": 466,
    "open_tree_attr": 467,
    "file_setattr": 469,
}
# The others: name, number on x86_64, number on aarch64 (which lacks some).
_OLDER = """
    ioctl 16 29; socket 41 198; connect 42 203; accept 43 202; sendto 44 206; bind 49 200;
    listen 50 201; socketpair 53 199; clone 56 220; fork 57 -; vfork 58 -;
    kill 62 129; fcntl 72 25; truncate 76 45;
    shmget 29 194; shmat 30 196; shmctl 31 195; semget 64 190; semop 65 193; semctl 66 191;
    semtimedop 220 192; msgget 68 186; msgsnd 69 189; msgrcv 70 188; msgctl 71 187;
    chmod 90 -; fchmod 91 52; fchmodat 268 53; chown 92 -; fchown 93 55; lchown 94 -;
    fchownat 260 54; utime 132 -; utimes 235 -; utimensat 280 88; futimesat 261 -;
    ptrace 101 117; syslog 103 116; personality 135 92; setpriority 141 140;
    sched_setparam 142 118; sched_setscheduler 144 119; sched_setaffinity 203 122;
    sched_setattr 314 274; vhangup 153 58; modify_ldt 154 -; pivot_root 155 41; chroot 161 51;
    acct 163 89; settimeofday 164 170; mount 165 40; umount2 166 39; swapon 167 224;
    swapoff 168 225; reboot 169 142; sethostname 170 161; setdomainname 171 162; iopl 172 -;
    ioperm 173 -; init_module 175 105; delete_module 176 106; finit_module 313 273;
    quotactl 179 60; nfsservctl 180 42; setxattr 188 5; lsetxattr 189 6; fsetxattr 190 7;
    removexattr 197 14; lremovexattr 198 15; fremovexattr 199 16; tkill 200 130;
    tgkill 234 131; lookup_dcookie 212 18; clock_settime 227 112; clock_adjtime 305 266;
    adjtimex 159 171; mq_open 240 180; mq_unlink 241 181; kexec_load 246 104;
    kexec_file_load 320 294; add_key 248 217; request_key 249 218; keyctl 250 219;
    ioprio_set 251 30; inotify_init 253 -; inotify_init1 294 26; inotify_add_watch 254 27;
    migrate_pages 256 238; move_pages 279 239; unshare 272 97; setns 308 268; accept4 288 242;
    prlimit64 302 261; perf_event_open 298 241; fanotify_init 300 262; fanotify_mark 301 263;
    name_to_handle_at 303 264; open_by_handle_at 304 265; process_vm_readv 310 270;
    process_vm_writev 311 271; kcmp 312 272; bpf 321 280; userfaultfd 323 282;
    rt_sigqueueinfo 129 138; rt_tgsigqueueinfo 297 240; uselib 134 -; create_module 174 -
"""


class FilterError(Exception):
    """This machine's architecture has no table here."""


class Architecture(NamedTuple):
    """A kind of processor, as the kernel's audit names it."""

    audit: int
    """AUDIT_ARCH of its 64-bit system calls."""
    numbers: dict[str, int]
    """System calls by name."""
    foreign: int | None = None
    """The bit in a number that marks another set of calls (x32), which has no place here."""


_TABLE = [line.split() for line in _OLDER.split(";")]
_NAMES = {*_COMMON, *(line[0] for line in _TABLE)}


def _numbers(column: int) -> dict[str, int]:
    older = {line[0]: int(line[column]) for line in _TABLE if line[column] != "-"}
    return {**_COMMON, **older}


ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, _numbers(1), 0x40000000),
    "aarch64": Architecture(0xC00000B7, _numbers(2)),
}


class _Test(NamedTuple):
    """Something asked of an argument; of 64 bits, the half that is meant."""

    argument: int
    value: int
    equal: bool
    mask: int = _WHOLE
    high: bool = False

    def code(self) -> list[tuple[int, int]]:
        offset = 16 + 8 * self.argument + (4 if self.high else 0)
        code = [(_LOAD, offset)]
        return code if self.mask == _WHOLE else [*code, (_AND, self.mask)]


def _is(argument: int, value: int, mask: int = _WHOLE) -> _Test:
    return _Test(argument, value, equal=True, mask=mask)


def _is_not(argument: int, value: int, mask: int = _WHOLE, *, high: bool = False) -> _Test:
    return _Test(argument, value, equal=False, mask=mask, high=high)


class _Rule(NamedTuple):
    """Calls that fail with an error where all tests hold; 0 is a success that does nothing."""

    names: str
    error: int = errno.EPERM
    tests: tuple[_Test, ...] = ()

    @property
    def action(self) -> int:
        return _ERRNO | self.error


class _Asked(_Rule):
    """Calls that the warden is asked about."""

    @property
    def action(self) -> int:
        return _ASK


_NAMESPACES = 0x7E020080  # CLONE_NEW...: user, pid, net, ipc, uts, cgroup, mount, time
_UNIX, _INET, _INET6 = 1, 2, 10
_STREAM, _SEQPACKET = 1, 5
_TIOCSTI, _TIOCLINUX, _TIOCSETD = 0x5412, 0x541C, 0x5423

# Refused in every sandbox: other processes, namespaces and mounts, the kernel's widest doors.
_ALWAYS = (
    _Rule("ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp"),
    _Rule("pidfd_getfd move_pages migrate_pages"),
    _Rule("unshare setns"),
    _Rule("clone", tests=(_is_not(0, 0, _NAMESPACES),)),
    _Rule(
        "clone3", errno.ENOSYS
    ),  # its flags lie in memory, where no filter looks; libc asks clone
    _Rule("mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick move_mount open_tree"),
    _Rule("open_tree_attr mount_setattr statmount listmount"),
    _Rule("open_by_handle_at name_to_handle_at fanotify_init fanotify_mark"),
    _Rule("io_uring_setup io_uring_enter io_uring_register bpf perf_event_open", errno.ENOSYS),
    _Rule("userfaultfd memfd_secret", errno.ENOSYS),
    _Rule("keyctl add_key request_key"),
    _Rule("kexec_load kexec_file_load init_module finit_module delete_module create_module"),
    _Rule("reboot swapon swapoff acct quotactl quotactl_fd syslog vhangup nfsservctl uselib"),
    _Rule("iopl ioperm modify_ldt lookup_dcookie"),
    _Rule("personality", tests=(_is_not(0, 0), _is_not(0, _WHOLE))),
    _Rule("settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname"),
    _Rule("ioctl", tests=(_is(1, _TIOCSTI),)),
    _Rule("ioctl", tests=(_is(1, _TIOCLINUX),)),
    _Rule("ioctl", tests=(_is(1, _TIOCSETD),)),
    # Families that a network namespace does not hold (vsock reaches the host), or none needs.
    _Rule(
        "socket",
        errno.EAFNOSUPPORT,
        (_is_not(0, _UNIX), _is_not(0, _INET), _is_not(0, _INET6)),
    ),
)

# Refused where there are no namespaces, since Landlock does not hold them: every socket but a
# connected pair, other processes by their number, what is shared by the user's processes, and the
# owner's right to change a file's mode, owner, times and attributes by its path.
_ALONE = (
    _Rule("socket connect bind listen accept accept4", errno.EACCES),
    _Rule("socketpair", errno.EACCES, (_is_not(0, _UNIX),)),
    _Rule(
        "socketpair",
        errno.EACCES,
        (_is_not(1, _STREAM, 0xF), _is_not(1, _SEQPACKET, 0xF)),
    ),
    _Rule("sendto", errno.EACCES, (_is_not(4, 0),)),
    _Rule("sendto", errno.EACCES, (_is_not(4, 0, high=True),)),
    _Rule("shmget shmat shmctl semget semop semctl semtimedop msgget msgsnd msgrcv msgctl"),
    _Rule("mq_open mq_unlink"),
    _Rule(
        "prlimit64 sched_setaffinity sched_setscheduler sched_setparam sched_setattr",
        tests=(_is_not(0, 0),),
    ),
    _Rule("setpriority", tests=(_is_not(0, 0),)),
    _Rule("setpriority", tests=(_is_not(1, 0),)),
    _Rule("ioprio_set", tests=(_is_not(0, 1),)),
    _Rule("ioprio_set", tests=(_is_not(1, 0),)),
    _Rule("inotify_init inotify_init1 inotify_add_watch"),
    # cp, tar and shutil.copy fail where these fail: they succeed, and nothing changes.
    _Rule("chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat", 0),
    _Rule("utime utimes utimensat futimesat", 0),
    _Rule("setxattr lsetxattr fsetxattr setxattrat", errno.EOPNOTSUPP),
    _Rule("removexattr lremovexattr fremovexattr removexattrat file_setattr", errno.EOPNOTSUPP),
    _Rule("ioctl", errno.EOPNOTSUPP, (_is(1, 0x40086602),)),  # FS_IOC_SETFLAGS
    _Rule("ioctl", errno.EOPNOTSUPP, (_is(1, 0x401C5820),)),  # FS_IOC_FSSETXATTR
)


_BIRTHS: tuple[_Rule, ...] = (_Asked("clone"), _Asked("fork vfork"))


def _signals(own: int) -> tuple[_Rule, ...]:
    """Before Linux 6.12 Landlock does not hold signals: a process may then signal itself only."""
    return (
        _Rule("kill", tests=(_is_not(0, 0), _is_not(0, own))),
        _Rule("tgkill", tests=(_is_not(0, own),)),
        _Rule("tkill pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo"),
        *(_Rule("fcntl", tests=(_is(1, command),)) for command in (8, 10, 15)),  # F_SETOWN, ...
        *(_Rule("ioctl", tests=(_is(1, command),)) for command in (0x8901, 0x8902)),
    )


@cache
def build_filter(
    machine: str | None = None,
    *,
    alone: bool,
    signals_of: int | None = None,
    births: bool = False,
) -> bytes:
    """The filter's program, as the kernel takes it.

    Args:
        machine: The processor's name; that of this machine if None.
        alone: Whether it must hold what namespaces hold otherwise.
        signals_of: The process that may signal itself, where nothing else holds signals.
        births: Whether a listener is asked about new processes.

    Raises:
        FilterError: There is no table for the processor.
    """
    rules = _ALWAYS + (_ALONE if alone else ())
    if signals_of is not None:
        rules += _signals(signals_of)
    return _program(machine, rules + (_BIRTHS if births else ()))


@cache
def build_births(machine: str | None = None) -> bytes:
    """The program of a filter that only asks about new processes; others come on top of it.

    Raises:
        FilterError: There is no table for the processor.
    """
    return _program(machine, (*_BIRTHS, _Asked("clone3")))


def _program(machine: str | None, rules: tuple[_Rule, ...]) -> bytes:
    machine = machine or platform.machine()
    try:
        architecture = ARCHITECTURES[machine]
    except KeyError:
        known = " and ".join(ARCHITECTURES)
        raise FilterError(f"seccomp filters are written for {known}, not {machine}") from None
    code = [
        _step(_LOAD, 4),
        _step(_EQUAL, architecture.audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, 0),
    ]
    if architecture.foreign is not None:
        code += [_step(_AT_LEAST, architecture.foreign, 0, 1), _step(_RETURN, _KILL)]
    code += [_step(_AT_LEAST, _NEWEST + 1, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    for rule in rules:
        for name in rule.names.split():
            if name in architecture.numbers:
                code += _compiled(architecture.numbers[name], rule)
            elif name not in _NAMES:  # a slip of the pen must not open a door
                raise FilterError(f"the system call {name} has no number")
    code.append(_step(_RETURN, _ALLOW))
    return b"".join(code)


def _compiled(number: int, rule: _Rule) -> list[bytes]:
    body = [(step, test) for test in rule.tests for step in [*test.code(), None]]
    length = len(body) + 1 + bool(body)  # the return, and the number loaded again
    code = [_step(_EQUAL, number, 0, length)]
    for place, (step, test) in enumerate(body):
        if step is not None:
            code.append(_step(*step))
            continue
        out = len(body) - place  # past the return
        code.append(_step(_EQUAL, test.value, *((0, out) if test.equal else (out, 0))))
    code.append(_step(_RETURN, rule.action))
    if body:
        code.append(_step(_LOAD, 0))
    return code


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)

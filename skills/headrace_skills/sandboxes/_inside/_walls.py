"""The kernel's own walls around this process and all that it starts: Landlock and seccomp."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import struct
from contextlib import suppress

from ._filter import FilterError, build_births, build_filter

__all__ = [
    "WallError",
    "adopt_orphans",
    "ask_for_births",
    "die_with_parent",
    "hold_signals",
    "landlock_version",
    "put_up_walls",
]

OLDEST = 3  # Linux 6.2; those before let a file be cut short that may only be read
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # one number on all architectures
_SET_PDEATHSIG, _SET_NO_NEW_PRIVS, _SET_CHILD_SUBREAPER = 1, 38, 36
_CAPBSET_DROP, _CAP_AMBIENT, _CAP_AMBIENT_CLEAR = 24, 47, 4
_SET_MODE_FILTER, _NEW_LISTENER = ctypes.c_uint(1), 8
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_CAPABILITY_VERSION = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_REFER = 1 << 13  # moving a file from a folder to another one
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_DEVICES = 1 << 6 | 1 << 11  # making character and block devices
_SIGNALS = 6  # the version from which signals are held

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:4]]
    result: int = _libc.prctl(option, *padded)
    return result


class WallError(Exception):
    """A wall that this kernel does not put up."""


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends, which may be now."""
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Be the parent of whatever loses its own: a process cannot leave by forking twice."""
    # Where this is no Linux, the process group is what can be ended.
    with suppress(AttributeError, OSError):
        _prctl(_SET_CHILD_SUBREAPER, 1)


def landlock_version() -> int:
    """The version of Landlock's interface that the kernel has.

    Raises:
        WallError: It has none.
    """
    version: int = _libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if version < 1:
        raise WallError(f"the kernel has no Landlock ({_told()})")
    return version


def hold_signals() -> bool:
    """Wall this process in so far that it can signal none but those that it starts.

    Then ``kill(-1)`` reaches all of these, wherever they have gone, and nobody else, in one call
    that no fork slips out of. So it must be certain: it is, if not even our parent can be reached.
    """
    try:
        if landlock_version() < _SIGNALS or _prctl(_SET_NO_NEW_PRIVS, 1) != 0:
            return False
        rules = _create(struct.pack("=QQQ", _REFER, 0, 2))
        _allow(rules, "/", _REFER)  # any other ruleset takes it away
    except WallError:
        return False
    held: bool = _libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0)) == 0
    os.close(rules)
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return held
    except OSError:
        pass
    return False


def put_up_walls(read: list[str], write: list[str]) -> int | None:
    """Leave this process, and those that it starts, the given paths and no network.

    Returns:
        Where each new process is asked about; None if the kernel has no such thing.

    Raises:
        WallError: A wall cannot be had; what was put up before it stays.
    """
    version = landlock_version()
    if version < OLDEST:
        raise WallError(f"the kernel's Landlock is of version {version}, and {OLDEST} is needed")
    if _prctl(_SET_NO_NEW_PRIVS, 1) != 0:
        raise WallError(f"no_new_privs was refused ({_told()})")
    rules = _ruleset(version)
    # Every right on files that this version knows, without devices.
    for path in write:
        _allow(rules, path, _handled(version) & ~_DEVICES)
    for path in read:
        _allow(rules, path, _READ)
    for path in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"):
        _allow(rules, path, _READ_FILE | _WRITE_FILE)
    _drop_capabilities()
    if _libc.syscall(_RESTRICT, ctypes.c_int(rules), ctypes.c_uint(0)) != 0:
        raise WallError(f"Landlock was refused ({_told()})")
    os.close(rules)
    return _filter(os.getpid() if version < _SIGNALS else None)


def _handled(version: int) -> int:
    return (1 << 16) - 1 if version >= 5 else (1 << 15) - 1  # noqa: PLR2004 - 5 brought ioctl


def _ruleset(version: int) -> int:
    network = 3 if version >= 4 else 0  # noqa: PLR2004 - binding and connecting TCP
    scoped = 3 if version >= _SIGNALS else 0  # abstract Unix sockets and signals
    attributes = struct.pack("=QQQ", _handled(version), network, scoped)
    return _create(attributes[: 24 if scoped else 16 if network else 8])


def _create(attributes: bytes) -> int:
    size = ctypes.c_size_t(len(attributes))
    rules: int = _libc.syscall(_CREATE, attributes, size, ctypes.c_uint(0))
    if rules < 0:
        raise WallError(f"Landlock was refused ({_told()})")
    return rules


def _allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_FILES
        rule = struct.pack("=Qi", access, place)
        beneath = ctypes.c_int(1)
        if _libc.syscall(_ADD, ctypes.c_int(rules), beneath, rule, ctypes.c_uint(0)) != 0:
            raise WallError(f"Landlock refused a rule for {path} ({_told()})")
    finally:
        os.close(place)


def _drop_capabilities() -> None:
    """Give up what root may do. Without new privileges nothing brings it back."""
    for capability in range(64):
        if _prctl(_CAPBSET_DROP, capability) != 0 and capability == 0:
            break  # it has no right to drop from the set, and none to use it
    _prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    number = _CAPSET.get(os.uname().machine)
    if number is None or _libc.syscall(number, header, bytes(24)) != 0:
        raise WallError(f"capabilities cannot be dropped ({_told()})")


def ask_for_births() -> int | None:
    """Have each new process asked about at the descriptor that is given; None if that cannot be.

    Raises:
        WallError: There is no filter for this machine.
    """
    if _prctl(_SET_NO_NEW_PRIVS, 1) != 0:
        raise WallError(f"no_new_privs was refused ({_told()})")
    try:
        return _load(build_births(), _NEW_LISTENER)
    except FilterError as error:
        raise WallError(str(error)) from None


def _filter(signals_of: int | None) -> int | None:
    try:
        asking = build_filter(alone=True, signals_of=signals_of, births=True)
        listener = _load(asking, _NEW_LISTENER)
        if listener is not None:
            return listener
        if _load(build_filter(alone=True, signals_of=signals_of), 0) is None:
            raise WallError(f"seccomp was refused ({_told()})")
    except FilterError as error:
        raise WallError(str(error)) from None
    return None


def _load(code: bytes, flags: int) -> int | None:
    memory = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(memory))
    number = _SECCOMP[os.uname().machine]
    result: int = _libc.syscall(number, _SET_MODE_FILTER, ctypes.c_uint(flags), program)
    return None if result < 0 else result


def _told() -> str:
    number = ctypes.get_errno()
    with suppress(KeyError):
        return errno.errorcode[number]
    return str(number)

"""The seccomp filter: what its program answers, read by what knows nothing of its making.

The kernel's answers are in the escape suite, for the processor at hand; here for both.
"""

from __future__ import annotations

import errno
import struct

import pytest

from headrace_skills.sandboxes._inside._filter import (
    ARCHITECTURES,
    FilterError,
    build_births,
    build_filter,
)

ALLOW, KILL, ASK = "allow", "kill", "ask"
X86, ARM = 0xC000003E, 0xC00000B7
I386 = 0x40000003


def answer(program: bytes, arch: int, number: int, *arguments: int):
    """Run a classic BPF program over what seccomp gives it."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("<HBBI", program))
    accumulator = place = 0
    while True:
        code, if_true, if_false, value = steps[place]
        place += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif code == 0x54:
            accumulator &= value
        elif code == 0x15:
            place += if_true if accumulator == value else if_false
        elif code == 0x35:
            place += if_true if accumulator >= value else if_false
        elif code == 0x06:
            break
        else:
            raise AssertionError(f"unknown step {code:#x}")
    kinds = {0x7FFF0000: ALLOW, 0x80000000: KILL, 0x7FC00000: ASK}
    return kinds.get(value) or errno.errorcode.get(value & 0xFFFF, "0")


# Numbers as the kernel's headers have them: on x86_64, on aarch64.
REFUSED = {
    "ptrace": (101, 117),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "process_vm_readv": (310, 270),
    "init_module": (175, 105),
    "chroot": (161, 51),
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "open_by_handle_at": (304, 265),
}
ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "openat": (257, 56),
    "mmap": (9, 222),
    "execve": (59, 221),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "wait4": (61, 260),
    "pipe2": (293, 59),
    "getrandom": (318, 278),
}


@pytest.mark.parametrize(("machine", "arch", "column"), [("x86_64", X86, 0), ("aarch64", ARM, 1)])
@pytest.mark.parametrize("alone", [False, True])
def test_what_is_refused_and_what_is_not(machine, arch, column, alone):
    program = build_filter(machine, alone=alone)
    said = {name: answer(program, arch, numbers[column]) for name, numbers in REFUSED.items()}
    assert set(said.values()) <= {"EPERM", "ENOSYS"}, said
    said = {name: answer(program, arch, numbers[column]) for name, numbers in ALLOWED.items()}
    assert set(said.values()) == {ALLOW}, said


@pytest.mark.parametrize(
    ("number", "arguments", "namespaced", "alone"),
    [
        (56, (0x01200011,), ALLOW, ALLOW),  # clone as fork does it
        (56, (0x003D0F00,), ALLOW, ALLOW),  # as threads do
        (56, (0x10000011,), "EPERM", "EPERM"),  # a user namespace
        (56, (0x00000091,), "EPERM", "EPERM"),  # a time namespace
        (41, (1, 1), ALLOW, "EACCES"),  # socket: Unix
        (41, (2, 1), ALLOW, "EACCES"),
        (41, (10, 2), ALLOW, "EACCES"),
        (41, (16, 3), "EAFNOSUPPORT", "EAFNOSUPPORT"),  # netlink
        (41, (40, 1), "EAFNOSUPPORT", "EAFNOSUPPORT"),  # vsock
        (53, (1, 1), ALLOW, ALLOW),  # a pair of streams
        (53, (1, 0x80801), ALLOW, ALLOW),  # that does not block and is closed on exec
        (53, (1, 5), ALLOW, ALLOW),
        (53, (1, 2), ALLOW, "EACCES"),  # of datagrams, which take addresses
        (53, (2, 1), ALLOW, "EACCES"),
        (44, (3, 0, 0, 0, 0), ALLOW, ALLOW),  # send
        (44, (3, 0, 0, 0, 0x1000), ALLOW, "EACCES"),  # sendto
        (44, (3, 0, 0, 0, 0x7F0000000000), ALLOW, "EACCES"),
        (302, (0, 7), ALLOW, ALLOW),  # prlimit64 of itself
        (302, (4711, 7), ALLOW, "EPERM"),
        (141, (0, 0, 5), ALLOW, ALLOW),  # nice
        (141, (0, 4711, 5), ALLOW, "EPERM"),
        (141, (2, 0, 5), ALLOW, "EPERM"),  # all of the user
        (90, (), ALLOW, "0"),  # chmod: a success that does nothing
        (92, (), ALLOW, "0"),  # chown
        (16, (0, 0x5401), ALLOW, ALLOW),  # ioctl: what isatty asks
        (16, (0, 0x5412), "EPERM", "EPERM"),  # typing into a terminal
        (135, (0xFFFFFFFF,), ALLOW, ALLOW),  # personality: which it is
        (135, (0x0040000,), "EPERM", "EPERM"),
        (62, (4711, 9), ALLOW, ALLOW),  # kill: Landlock holds it
    ],
)
def test_arguments_are_looked_at(number, arguments, namespaced, alone):
    assert answer(build_filter("x86_64", alone=False), X86, number, *arguments) == namespaced
    assert answer(build_filter("x86_64", alone=True), X86, number, *arguments) == alone


@pytest.mark.parametrize(
    ("number", "arguments", "said"),
    [
        (62, (0, 9), ALLOW),  # kill: its own group
        (62, (100, 9), ALLOW),  # itself
        (62, (4711, 9), "EPERM"),
        (62, (0xFFFFFFFF, 9), "EPERM"),  # everyone
        (234, (100, 100, 6), ALLOW),  # tgkill: as abort does it
        (234, (4711, 4711, 9), "EPERM"),
        (424, (3, 9), "EPERM"),  # pidfd_send_signal
        (72, (1, 8, 4711), "EPERM"),  # fcntl: who is signalled
        (72, (1, 2), ALLOW),
    ],
)
def test_where_landlock_does_not_hold_signals_the_filter_does(number, arguments, said):
    program = build_filter("x86_64", alone=True, signals_of=100)
    assert answer(program, X86, number, *arguments) == said


@pytest.mark.parametrize(
    ("arch", "number", "said"),
    [
        (I386, 20, KILL),  # 32-bit calls have other numbers
        (ARM, 0, KILL),
        (X86, 0x40000000, KILL),  # so have those of x32
        (X86, 469, errno.errorcode[errno.EOPNOTSUPP]),  # file_setattr
        (X86, 470, "ENOSYS"),  # newer than what is known
        (X86, 1000, "ENOSYS"),
    ],
)
def test_other_kinds_of_calls_have_no_place(arch, number, said):
    assert answer(build_filter("x86_64", alone=True), arch, number) == said


def test_new_processes_are_asked_about_where_that_is_wanted():
    asking = build_filter("x86_64", alone=True, births=True)
    assert [answer(asking, X86, one) for one in (56, 57, 58)] == [ASK] * 3
    assert answer(asking, X86, 56, 0x10000000) == "EPERM", "refusing comes first"
    below = build_births("x86_64")
    assert [answer(below, X86, one) for one in (56, 57, 58, 435)] == [ASK] * 4
    assert answer(below, X86, 101) == ALLOW


def test_another_processor_has_no_filter():
    with pytest.raises(FilterError, match="riscv64"):
        build_filter("riscv64", alone=True)
    assert set(ARCHITECTURES) == {"x86_64", "aarch64"}

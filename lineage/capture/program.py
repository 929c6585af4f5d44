# SPDX-License-Identifier: Apache-2.0
"""Runs a program as if nobody stood between it and its shell: it has the same descriptors, terminal, process
group and signals, and whoever asks learns how it ended.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

#: Signals that end or tell a program something, which whoever sends them to us means for it. Those of job control
#: stay as they are: a terminal sends them to the whole group.
_MEANT = frozenset(
    getattr(signal, name)
    for name in (
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGTERM",
        "SIGUSR1",
        "SIGUSR2",
        "SIGXCPU",
        "SIGALRM",
    )
)
#: What a terminal sends by its keys comes from the kernel (``si_code`` of sigaction(2)), to the whole group: the
#: program has it already.
_FROM_KERNEL = 0x80
#: Python ignores these, which a program must not inherit.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
#: Seconds between two looks where no signal comes.
_TICK = 15.0


@dataclass(slots=True)
class Ended:
    """How a program ended: its exit code, or the signal that killed it; after how many seconds; the most memory
    that it or a child of it had (bytes; ``None`` where it was less than ours, which the system counts as well), and
    its CPU seconds. ``sent`` are the signals that were sent to us and handed on, each with the process that sent it,
    where that is known.
    """

    code: int | None = None
    signal: int | None = None
    seconds: float = 0.0
    peak: int | None = None
    cpu: float = 0.0
    sent: list[tuple[int, int | None]] = field(default_factory=list)


class Program:
    """A program that has been started."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start it. Raises ``OSError`` where it cannot be started."""
        # Blocked before it starts, so that no signal falls between; the program has them as they were.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _MEANT | {signal.SIGCHLD})
        self._began = time.monotonic()
        self._own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            self.pid: int = _spawned(words, environ, before)
        except BaseException:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise

    def wait(self, tick: Callable[[], None]) -> Ended:
        """Wait for its end, and hand on what is sent to us. ``tick`` is called now and then."""
        ended = Ended()
        while True:
            pid, status, used = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            found = signal.sigtimedwait(_MEANT | {signal.SIGCHLD}, _TICK)
            if found is None:
                tick()
            elif found.si_signo != signal.SIGCHLD and found.si_code != _FROM_KERNEL:
                self._hand_on(found.si_signo, found.si_pid or None, ended)
        ended.seconds = time.monotonic() - self._began
        ended.peak = used.ru_maxrss * 1024 if used.ru_maxrss > self._own else None
        ended.cpu = used.ru_utime + used.ru_stime
        if os.WIFSIGNALED(status):
            ended.signal = os.WTERMSIG(status)
        else:
            ended.code = os.WEXITSTATUS(status)
        return ended

    def _hand_on(self, number: int, sender: int | None, ended: Ended) -> None:
        ended.sent.append((number, sender))
        with suppress(OSError):  # it may have become another user's
            # Not reaped yet, so that the number is still its own.
            os.kill(self.pid, number)


def _spawned(words: Sequence[str], environ: Mapping[str, str], mask: Iterable[int]) -> int:
    try:
        return os.posix_spawnp(words[0], list(words), environ, setsigmask=mask, setsigdef=_RESTORED)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script that does not say what runs it: a shell runs it itself (execvp of POSIX).
    path = shutil.which(words[0]) or words[0]
    script = ["sh", path, *words[1:]]
    return os.posix_spawn("/bin/sh", script, environ, setsigmask=mask, setsigdef=_RESTORED)


def alone(words: Sequence[str]) -> NoReturn:
    """Become the program, without a record of it. Raises ``OSError`` where it cannot be started."""
    for number in _RESTORED:
        signal.signal(number, signal.SIG_DFL)
    os.execvp(words[0], list(words))  # noqa: S606 - what was typed, and nothing else


def end_like(ended: Ended) -> NoReturn:
    """End this process as the program ended: with its exit code, or by the signal that killed it."""
    if ended.signal is None:
        os._exit(ended.code or 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):  # the one that nobody can handle
        signal.signal(ended.signal, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {ended.signal})
    os.kill(os.getpid(), ended.signal)
    os._exit(128 + ended.signal)  # what cannot kill us

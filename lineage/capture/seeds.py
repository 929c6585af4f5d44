# SPDX-License-Identifier: Apache-2.0
"""Sees by which seeds the random numbers of a program came: calls that seed, and the states of the generators that it
shares, at their first sight and at the end of the process. No number is drawn, and no state is set.

It stands alone, on the standard library, as ``watch`` does: it is also loaded by its path into programs whose Python does
not have this package.
"""

from __future__ import annotations

import atexit
import functools
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False  # that of ``typing`` costs five milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from lineage.capture.loads import Loads

    #: Told of each call that seeds, and of the states when the process ends.
    Say: TypeAlias = Callable[[dict[str, Any]], None]

#: Calls of one process that are told, and characters of a seed.
MOST, _LONGEST = 100, 100
#: Module -> its functions that seed.
_SEEDING = {
    "random": ("seed",),
    "numpy.random": ("seed", "default_rng"),
    "torch": ("manual_seed",),
    "torch.cuda": ("manual_seed", "manual_seed_all"),
    "jax.random": ("PRNGKey", "key"),
    "tensorflow._api.v2.random": ("set_seed",),
}
#: What stands in the names of modules that people call otherwise: ``tf.random`` is ``tensorflow._api.v2.random``.
_INNER = "._api.v2"
#: Module whose processes end without the handlers of exit: they have their own.
_WORKERS = "multiprocessing.util"
#: Variables and settings that make the same numbers come again, or not.
_VARIABLES = ("PYTHONHASHSEED", "CUBLAS_WORKSPACE_CONFIG", "TF_DETERMINISTIC_OPS")


class Seeds:
    """What is seen in this process. It may be started once: what is replaced in a module stays so."""

    def __init__(self) -> None:
        self._say: Say | None = None
        self._told: set[tuple[str, str]] = set()
        #: The states of generators when they were seen first.
        self._first: dict[str, str] = {}
        self._is_started = False
        #: Modules that are loaded to their end.
        self._whole: set[str] = set()
        #: What stands in modules in the place of their functions.
        self._ours: list[Any] = []
        self._finished: int | None = None

    def start(self, say: Say, loads: Loads) -> None:
        """Tell from now on of calls that seed, in modules that are loaded already and in those that will be."""
        self._say, self._finished = say, None
        self._told.clear()
        self._first = self._states()
        if not self._is_started:
            self._is_started = True
            for name in (*_SEEDING, _WORKERS):
                loads.tell(name, self._loaded)
            atexit.register(self.finish)

    def finish(self) -> None:
        """Tell the states of the generators, once in a process; nothing is told after that."""
        say, self._say = self._say, None
        if say is not None and self._finished != os.getpid():
            self._finished = os.getpid()
            with suppress(Exception):  # the program ends as it would
                say({"event": "states", "pid": os.getpid(), **self._now()})

    def _now(self) -> dict[str, Any]:
        last = self._states()
        return {
            # A generator that nobody drew from is as it was; what was loaded later counts from then on.
            "drawn": sorted(name for name, state in last.items() if self._first.get(name) != state),
            "states": last,
            "settings": _settings(self._whole),
        }

    def _states(self) -> dict[str, str]:
        """Digests of the states of the generators that all of a program shares, of modules that are loaded."""
        found: dict[str, str] = {}
        for name, state in _STATES.items():
            with suppress(Exception):  # another version has it otherwise
                if name in self._whole:
                    found[name] = _digest(state(sys.modules[name]))
        return found

    # --- modules as they are loaded ---

    def _loaded(self, name: str, module: Any) -> None:
        if name == _WORKERS:
            module.register_after_fork(self, lambda seeds: seeds.begin_worker(module))
            return
        self._whole.add(name)
        for function in _SEEDING[name]:
            original = getattr(module, function, None)
            if original is not None and not any(original is one for one in self._ours):
                setattr(module, function, self._told_of(original, name, function))
        self._first = {**self._states(), **self._first}

    def begin_worker(self, util: Any) -> None:
        """In a process that ``multiprocessing`` forked: it tells its own states when it ends."""
        self._first = self._states()
        util.Finalize(None, self.finish, exitpriority=0)

    def _told_of(self, original: Any, module: str, name: str) -> Any:
        @functools.wraps(original)
        def seeding(*args: Any, **kwargs: Any) -> Any:
            self._note(f"{module.replace(_INNER, '')}.{name}", args, kwargs)
            return original(*args, **kwargs)

        # It is pickled by the name under which it is found (pickle, "what can be pickled").
        seeding.__module__, seeding.__qualname__ = module, name
        self._ours.append(seeding)
        return seeding

    def _note(self, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            given = [*args, *kwargs.values()]
            seed = "" if not given or given[0] is None else _shown(given[0])
            if self._say is None or (call, seed) in self._told or len(self._told) >= MOST:
                return
            self._told.add((call, seed))
            self._say({"event": "seeded", "pid": os.getpid(), "call": call, "seed": seed})
        except Exception:  # noqa: BLE001, S110 - the program seeds as it would
            pass


def _python(module: Any) -> bytes:
    return repr(module.getstate()).encode()


def _numpy(module: Any) -> bytes:
    name, keys, *others = module.get_state(legacy=True)
    return bytes(keys.tobytes()) + repr((name, others)).encode()


def _torch(module: Any) -> bytes:
    return bytes(module.random.get_rng_state().numpy().tobytes())


#: Module -> its state; ``Callable`` is known to type checkers only.
_STATES: dict[str, Callable[[Any], bytes]] = {
    "random": _python,
    "numpy.random": _numpy,
    "torch": _torch,
}


def _shown(seed: Any) -> str:
    """A seed as it is told; of an array of JAX, which may have to come from a device first, only that it is one."""
    if type(seed).__module__.startswith(("jax", "tensorflow")):
        return f"<{type(seed).__name__}>"
    return repr(seed)[:_LONGEST]


def _digest(state: bytes) -> str:
    import hashlib

    return hashlib.sha256(state).hexdigest()[:32]


def _settings(whole: set[str]) -> dict[str, Any]:
    """What makes the same numbers come again, as far as it is set."""
    found: dict[str, Any] = {n: value for n, value in os.environ.items() if n in _VARIABLES}
    torch = sys.modules.get("torch") if "torch" in whole else None
    with suppress(Exception):  # another version has it otherwise
        if "jax.random" in whole:
            config = sys.modules["jax"].config
            found["jax.default_prng_impl"] = config.jax_default_prng_impl
            found["jax.threefry_partitionable"] = config.jax_threefry_partitionable
    with suppress(Exception):
        if f"tensorflow{_INNER}.random" in whole:
            # Its generators cannot be looked at: what they begin with is all that is known of them.
            context = sys.modules["tensorflow.python.eager.context"]
            seed = context.global_seed() if context.context_safe() is not None else None
            found["tensorflow.global_seed"] = "not set" if seed is None else str(seed)
            config = sys.modules["tensorflow.python.framework.config"]
            found["tensorflow.deterministic"] = config.is_op_determinism_enabled()
    with suppress(Exception):
        if torch is not None:
            backend = torch.backends.cudnn
            found["torch.initial_seed"] = str(torch.initial_seed())
            found["torch.deterministic"] = torch.are_deterministic_algorithms_enabled()
            found["cudnn.deterministic"] = backend.deterministic
            found["cudnn.benchmark"] = backend.benchmark
    return found


def seeds() -> Seeds:
    """The one of this process, whoever loaded it."""
    found: Seeds | None = getattr(sys, _NAME, None)
    if found is None:
        found = Seeds()
        setattr(sys, _NAME, found)
    return found


#: Where the one of this process stands, so that two copies of this file are one.
_NAME = "_lineage_seeds"

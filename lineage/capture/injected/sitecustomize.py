# SPDX-License-Identifier: Apache-2.0
"""Loaded at the start of a Python that ``lineage run`` started: takes itself off the path again, lets the module of
this name that the user may have run as it would, and watches which files are opened,
which objects of remote stores are read and written, and by what it is seeded.

It may be loaded by any Python 3, which need not have this package: no syntax is newer than 3.6, and what goes wrong
here is nobody's error.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _user_own() -> None:
    """Take this folder and its variable away, and load the user's module, once, as Python would have."""
    import os

    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - old Pythons have no pathlib
    before = os.environ.pop("LINEAGE_PYTHONPATH", None)
    if before is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = before
    sys.path[:] = [path for path in sys.path if not path or os.path.abspath(path) != here]  # noqa: PTH100
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ImportError:
        # The import system wants to find what it is loading, and this is all there is.
        if ours is not None:
            sys.modules["sitecustomize"] = ours


def _watch() -> None:
    import os

    file = os.environ.get("LINEAGE_RUN_FILE")
    if not file or sys.version_info < (3, 10):
        return
    from importlib.util import module_from_spec, spec_from_file_location

    def loaded(name: str, path: str) -> "Any":
        spec = spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(path)
        made = module_from_spec(spec)
        sys.modules[name] = made  # dataclasses look there
        spec.loader.exec_module(made)
        return made

    room = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    floor = os.path.join(os.path.dirname(room), "sources", "run_file.py")  # noqa: PTH118, PTH120
    held: dict[str, Any] = {}

    def say(said: "dict[str, object]") -> None:
        # What writes to the file is loaded when there is something to write.
        if not held:
            from pathlib import Path

            held["file"], held["to"] = loaded("_lineage_run_file", floor), Path(file)
        step = os.environ.get("LINEAGE_STEP")
        append = held["file"].append
        append(held["to"], said if step is None else {**said, "step": step}, durable=False)

    watch = loaded("_lineage_watch_file", os.path.join(room, "watch.py"))  # noqa: PTH118
    watch.watch().start(say)
    loads = loaded("_lineage_loads_file", os.path.join(room, "loads.py")).loads()  # noqa: PTH118
    seeds = loaded("_lineage_seeds_file", os.path.join(room, "seeds.py"))  # noqa: PTH118
    seeds.seeds().start(say, loads)
    objects = loaded("_lineage_objects_file", os.path.join(room, "objects.py"))  # noqa: PTH118
    objects.objects().start(say, loads)


_user_own()
try:  # noqa: SIM105 - the library for it costs milliseconds
    _watch()
except Exception:  # noqa: BLE001, S110 - the program starts, whatever cannot be watched
    pass

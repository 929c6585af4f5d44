# SPDX-License-Identifier: Apache-2.0
"""Sees the machine that a program runs on: system, processors, memory, accelerators; and how much of it the
program may have. What cannot be read is left out, and said: there are no defaults.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes import cgroups, scheduler
from lineage.capture.probes.container import container
from lineage.capture.probes.gpus import gpus
from lineage.capture.system_files import attempt, text

#: Variables by which libraries are told how many threads to start.
_THREADS = re.compile(
    r"(?:OMP|GOMP|KMP|MKL|OPENBLAS|GOTO|BLIS|NUMEXPR|VECLIB|NUMBA|RAYON|POLARS|TBB|JULIA|NVPL)_[A-Z_]*"
    r"|TF_NUM_INT(?:RA|ER)OP_THREADS|GOMAXPROCS|MALLOC_ARENA_MAX|TOKENIZERS_PARALLELISM|LOKY_MAX_CPU_COUNT"
    r"|ARROW_NUM_THREADS|OMP_NUM_THREADS"
)
#: What of the flags of a processor says which instructions numerical code can take.
_SIMD = re.compile(
    r"(?:ss|sss)e\w*|avx\w*|fma\w*|f16c|bmi\d|amx\w*|sha_ni|vaes|gfni|vpclmulqdq|popcnt|abm|pni"
    r"|asimd\w*|neon|sve\w*|sme(?:[\d_]\w*)?|i8mm|bf16|fp16|fphp|crc32|atomics|vsx|altivec|v"
)
_KIB = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_FIELD = re.compile(r"^([^:\n]+?)\s*:[ \t]*(.*)$", re.MULTILINE)
_SETTING = re.compile(r"""^(\w+)=["']?(.*?)["']?$""", re.MULTILINE)
_ULIMIT = re.compile(r"^Max (.+?)\s{2,}(\S+)\s+(\S+)", re.MULTILINE)
#: The field of /proc/self/stat behind the name that holds the nice value (proc_pid_stat(5)).
_NICE = 16


def probe(
    *,
    proc: Path = Path("/proc"),
    sys: Path = Path("/sys"),
    root: Path = Path("/"),
    environ: Mapping[str, str],
    budget: Budget,
) -> Found:
    """See the machine through /proc, /sys and a few files below /; ``environ`` are the variables that the
    program is started with.
    """
    found = Found()
    cpu = _cpu(proc, sys, found)
    memory = _memory(proc, found)
    mounted = cgroups.mounts(proc, found)
    member = cgroups.memberships(proc, found)
    limits = cgroups.limits(sys, mounted, member, found)
    process = _process(proc, found)
    found.facts |= {
        "os": _os(proc, root, found),
        "cpu": cpu,
        "memory": memory,
        "limits": limits,
        "process": process,
        "effective": _effective(cpu, memory, limits, process),
        "threads": {x: scrub(y) for x, y in sorted(environ.items()) if _THREADS.fullmatch(x)},
        "container": container(member, mounted, environ, root, found),
        "schedulers": scheduler.known(scheduler.SCHEDULERS, environ),
        "ci": scheduler.known(scheduler.CI, environ),
        "gpus": gpus(proc, sys, environ, budget, found),
    }
    return found


def _os(proc: Path, root: Path, found: Found) -> dict[str, Json]:
    """The system: its distribution, its kernel, its C library, and what it is called."""
    release = attempt(root / "etc/os-release")[0] or attempt(root / "usr/lib/os-release")[0]
    if release is None:
        found.miss("distribution", f"there is no {root / 'etc/os-release'}")
    said = dict(_SETTING.findall(release or ""))
    facts: dict[str, Json] = {
        "distribution": said.get("PRETTY_NAME") or said.get("NAME"),
        "distribution_id": said.get("ID"),
        "distribution_version": said.get("VERSION_ID"),
        "architecture": os.uname().machine,
        "libc": _libc(found),
    }
    for name in ("ostype", "osrelease", "version", "hostname"):
        shown = {"ostype": "system", "osrelease": "kernel", "version": "kernel_build"}.get(
            name, name
        )
        facts[shown] = text(proc / "sys/kernel" / name, found, shown.replace("_", " "))
    return facts


def _libc(found: Found) -> str | None:
    try:
        said = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        said = None
    if said is None:
        found.miss("C library", "it does not tell its version, as the one of GNU does")
    return said


def _cpu(proc: Path, sys: Path, found: Found) -> dict[str, Json]:
    """Processors: what model, how many threads, cores and sockets, and which instructions."""
    path = proc / "cpuinfo"
    said = text(path, found, "processors")
    if said is None:
        return {}
    blocks = [dict(_FIELD.findall(x)) for x in re.split(r"\n\s*\n", said)]
    each = [x for x in blocks if "processor" in x]
    facts: dict[str, Json] = {"threads": len(each) or None, "file": str(path)}
    for name, fields in (("models", ("model name", "cpu model")), ("vendors", ("vendor_id",))):
        facts[name] = [*dict.fromkeys(x[f] for x in blocks for f in fields if x.get(f))]
    if not facts["models"]:
        found.miss("model of the processor", f"{path} does not name it")
        # Arm names what it is made of instead.
        parts = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision")
        facts["parts"] = {x: each[0][x] for x in parts if each and x in each[0]}
    flags = {x for block in each for y in ("flags", "Features") for x in block.get(y, "").split()}
    facts["simd"] = sorted(x for x in flags if _SIMD.fullmatch(x))
    if not flags:
        found.miss("instructions of the processor", f"{path} does not list them")
    facts["microcode"] = next((x["microcode"] for x in each if x.get("microcode")), None)
    facts |= _topology(each, sys, found)
    nodes = attempt(sys / "devices/system/node/online")[0]
    facts["numa_nodes"] = nodes
    return facts


def _topology(each: list[dict[str, str]], sys: Path, found: Found) -> dict[str, Json]:
    """How many sockets and cores there are: in /proc/cpuinfo, else in /sys."""
    places = [(x.get("physical id"), x.get("core id")) for x in each]
    if not places or any(None in place for place in places):
        folders = sorted((sys / "devices/system/cpu").glob("cpu[0-9]*/topology"))
        names = ("physical_package_id", "core_id")
        read = [tuple(attempt(folder / name)[0] for name in names) for folder in folders]
        places = [(x, y) for x, y in read]
    # Where the firmware does not say it, the kernel writes -1.
    if not places or any(x in (None, "-1") or y is None for x, y in places):
        found.miss("sockets and cores", "neither /proc/cpuinfo nor /sys tells them")
        return {"sockets": None, "cores": None}
    return {"sockets": len({x for x, _ in places}), "cores": len(set(places))}


def _memory(proc: Path, found: Found) -> dict[str, Json]:
    """Memory of the whole machine (bytes)."""
    path = proc / "meminfo"
    said = {x: int(y) * 1024 for x, y in _KIB.findall(text(path, found, "memory") or "")}
    facts: dict[str, Json] = {"file": str(path)}
    for name, key in (("total", "MemTotal"), ("available", "MemAvailable"), ("swap", "SwapTotal")):
        facts[name] = said.get(key)
        if key not in said:
            found.miss(f"memory: {name}", f"{path} does not state it")
    return facts


def _process(proc: Path, found: Found) -> dict[str, Json]:
    """What this process hands on to the program: processors, priority, resource limits."""
    status = dict(_FIELD.findall(text(proc / "self/status", found, "affinity") or ""))
    fields = (text(proc / "self/stat", found, "nice value") or "").rpartition(")")[2].split()
    nice = fields[_NICE] if len(fields) > _NICE else ""
    limits = text(proc / "self/limits", found, "resource limits") or ""
    return {
        "affinity": status.get("Cpus_allowed_list"),
        "affinity_file": str(proc / "self/status"),
        "nice": int(nice) if re.fullmatch(r"-?\d+", nice) else None,
        "ulimits": {
            name.replace(" ", "_"): {"soft": _amount(soft), "hard": _amount(hard)}
            for name, soft, hard in _ULIMIT.findall(limits)
            if name != "Limit"
        },
    }


def _amount(said: str) -> Json:
    """A number, or ``unlimited``."""
    return int(said) if said.isdecimal() else said


def _effective(
    cpu: Mapping[str, Json],
    memory: Mapping[str, Json],
    limits: Mapping[str, Json],
    process: Mapping[str, Json],
) -> dict[str, Json]:
    """How much the program can have of what the host has, with the file that says so: the least of all
    limits. It is not known where one of them is not; the affinity is within the set of processors always.
    """
    said: dict[str, Json] = {}
    affinity = (_count(process["affinity"]), process["affinity_file"])
    quota = (_of(limits, "cpu", "limit"), _of(limits, "cpu", "file"))
    for name, host, known in (
        ("cpus", (cpu.get("threads"), cpu.get("file")), [affinity, quota]),
        (
            "memory",
            (memory.get("total"), memory.get("file")),
            [(_of(limits, "memory", "limit"), _of(limits, "memory", "file"))],
        ),
    ):
        every = [host, *known]
        numbers = [(x, file) for x, file in every if isinstance(x, int | float)]
        if any(x is None for x, _ in every):
            said[name] = None
            continue
        number, file = min(numbers, key=lambda x: x[0])
        said[name] = {"host": host[0], "effective": number, "file": file}
    return said


def _of(limits: Mapping[str, Json], name: str, key: str) -> Json:
    said = limits.get(name)
    return said.get(key) if isinstance(said, dict) else None


def _count(listed: Json) -> int | None:
    """How many processors a list of the kernel has.

    >>> _count("0-3,8"), _count("")
    (5, None)
    """
    if not isinstance(listed, str) or not re.fullmatch(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", listed):
        return None
    ends = [x.split("-") for x in listed.split(",")]
    return sum(int(x[-1]) - int(x[0]) + 1 for x in ends)

# SPDX-License-Identifier: Apache-2.0
"""Sees accelerators, and which of them the program was given: from the files of their drivers, and from NVML
where the package ``nvidia-ml-py`` is there to ask it.
"""

from __future__ import annotations

import json
import re
import sys as interpreter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Budget, Found, Json
from lineage.capture.probes import nvml
from lineage.capture.system_files import attempt, text
from lineage.paths import is_folder

Device: TypeAlias = "dict[str, Any]"

#: Variables that say which devices a program gets, and in which order it counts them.
VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
_VARIABLES = (
    *(VISIBLE, ORDER, "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
    *("GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK", "TPU_VISIBLE_CHIPS", "NEURON_RT_VISIBLE_CORES"),
)
#: Seconds that NVML may take at most: a driver that is being reset answers no more.
_PATIENCE = 3.0
#: Starting a program takes some time by itself (seconds).
_LEAST = 0.2

_ABOUT = re.compile(r"^([^:\n]+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_DRIVER = re.compile(r"Kernel Module(?: for \S+)?\s+(\d[\d.]+)")
_UUID = re.compile(r"GPU-[0-9a-f-]{36}")
_LEGACY_MIG = re.compile(r"MIG-(GPU-[0-9a-f-]+)/(\d+)/(\d+)")
#: Classes of PCI devices: displays, and what only computes.
_CLASSES = ("0x03", "0x12")
_NVIDIA, _AMD = "0x10de", 0x1002


def gpus(
    proc: Path, sys: Path, variables: Mapping[str, str], budget: Budget, found: Found
) -> dict[str, Json]:
    """The accelerators of this machine, those that the program gets marked as ``allocated``; ``None`` there
    is not known. ``order`` are the devices as CUDA counts them in the program.
    """
    said: dict[str, Json] = {
        "variables": {x: scrub(variables[x]) for x in _VARIABLES if x in variables}
    }
    devices: list[Device] = []
    pci = _pci(sys, found)
    folder = proc / "driver" / "nvidia"
    if is_folder(folder):
        about, devices = _nvidia(folder, budget, found)
        said |= about
        order = _allocate(devices, variables, found)
        said["order"] = None if order is None else [*order]
    elif any(x["vendor"] == _NVIDIA for x in pci):
        found.miss("GPUs of NVIDIA", f"they are there, and {folder} is not: no driver is loaded")
    devices += _amd(sys, variables, found)
    said["devices"] = [*devices]
    if pci:
        said["pci"] = [*pci]
    return said


# --- NVIDIA --------------------------------------------------------------------------------------


def _nvidia(folder: Path, budget: Budget, found: Found) -> tuple[dict[str, Json], list[Device]]:
    """What the driver tells: NVML all that it lists, its files in /proc those that NVML does not show."""
    version = text(folder / "version", found, "driver of NVIDIA")
    number = _DRIVER.search(version or "")
    about: dict[str, Json] = {"driver": number[1] if number else None}
    in_proc = _in_proc(folder / "gpus", found)
    asked = _ask_nvml(budget, found)
    if asked is None:
        return about, in_proc
    about |= {"driver": asked.get("driver") or about["driver"], "cuda": asked.get("cuda")}
    devices = [{"witness": "nvml", "vendor": "nvidia", **x} for x in asked["devices"]]
    shown = {x.get("uuid") for x in devices}
    hidden = [x | {"index": None, "allocated": False} for x in in_proc if x["uuid"] not in shown]
    return about, devices + [x for x in hidden if x["uuid"] is not None]


def _in_proc(folder: Path, found: Found) -> list[Device]:
    """The devices in the order of their addresses, by which NVML counts them too."""
    devices: list[Device] = []
    try:
        names = sorted(x.name for x in folder.iterdir())
    except OSError as error:
        found.miss("GPUs of NVIDIA", f"{folder}: {error.strerror}")
        return devices
    for index, name in enumerate(names):
        said = dict(_ABOUT.findall(text(folder / name / "information", found, f"GPU {name}") or ""))
        uuid = said.get("GPU UUID", "")
        known = _UUID.fullmatch(uuid) is not None
        if not known:
            found.miss(f"uuid of GPU {name}", "the driver does not show it to this user")
        devices.append(
            {
                "witness": "proc",
                "vendor": "nvidia",
                "index": index,
                "uuid": uuid if known else None,
                "name": said.get("Model"),
                "bus": name,
                "vbios": said.get("Video BIOS"),
            }
        )
    return devices


def _ask_nvml(budget: Budget, found: Found) -> dict[str, Any] | None:
    """What NVML says, asked by a program of its own that may be killed."""
    import importlib.util
    import subprocess

    what = "NVML"
    if importlib.util.find_spec("pynvml") is None:
        found.miss(what, "the package nvidia-ml-py is not installed")
        return None
    seconds = min(_PATIENCE, budget.left)
    if seconds < _LEAST:
        found.miss(what, f"there was no time to ask in {budget.seconds:g} seconds")
        return None
    command = [interpreter.executable, "-I", "-S", nvml.__file__, json.dumps(interpreter.path)]
    try:
        ran = subprocess.run(
            command, check=False, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
        said = json.loads(ran.stdout or b"{}")
    except subprocess.TimeoutExpired:
        found.miss(what, f"the driver did not answer in {seconds:.1f} seconds")
        return None
    except (OSError, ValueError) as error:
        found.miss(what, f"it could not be asked: {error}")
        return None
    if "devices" not in said:
        last = ran.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        found.miss(what, scrub(str(said.get("error") or last or f"it ended with {ran.returncode}")))
        return None
    return dict(said)


def _allocate(
    devices: list[Device], variables: Mapping[str, str], found: Found
) -> list[str | None] | None:
    """Mark the devices that the program gets, and return them as it counts them; ``None`` where that is not
    known. As CUDA reads it: an entry that names nothing ends the list.
    """
    counted = [x for x in devices if x.get("index") is not None]
    if VISIBLE not in variables:
        for device in counted:
            device["allocated"] = True
        return [x.get("uuid") for x in counted] if _in_order(counted, variables) else None
    order: list[str | None] = []
    taken: list[int] = []
    for entry in variables[VISIBLE].split(","):
        try:
            named = _named(entry.strip(), counted, variables)
        except LookupError as error:
            found.miss(f"devices of {VISIBLE}", str(error.args[0]))
            for device in counted:
                device["allocated"] = None
            return None
        if named is None:
            break
        device, part = named
        taken.append(id(device))
        order.append(device.get("uuid") if part is None else part.get("uuid"))
        if part is not None:
            part["allocated"] = True
    for device in counted:
        device["allocated"] = id(device) in taken
        for part in device.get("instances", ()):
            part.setdefault("allocated", False)
    return order


def _named(
    entry: str, devices: list[Device], variables: Mapping[str, str]
) -> tuple[Device, Device | None] | None:
    """The device, and its instance, that an entry names; ``None`` for an entry that names none. Raises
    ``LookupError`` with the reason where it cannot be known which one that is.
    """
    if re.fullmatch(r"\d+", entry):
        if int(entry) >= len(devices):
            return None
        if not _in_order(devices, variables):
            raise LookupError(
                f"CUDA counts devices that differ, or are cut into instances, in an order of its own unless"
                f" {ORDER} is PCI_BUS_ID"
            )
        return devices[int(entry)], None
    if entry.startswith("MIG-"):
        return _instance(entry, devices)
    same = [x for x in devices if entry.startswith("GPU-") and _is_called(x, entry)]
    return (same[0], None) if len(same) == 1 else None


def _is_called(device: Device, entry: str) -> bool:
    uuid = device.get("uuid")
    return isinstance(uuid, str) and uuid.lower().startswith(entry.lower())


def _instance(entry: str, devices: list[Device]) -> tuple[Device, Device | None] | None:
    legacy = _LEGACY_MIG.fullmatch(entry)
    for device in devices:
        for part in device.get("instances", ()):
            place = (device.get("uuid"), part.get("gpu_instance"), part.get("compute_instance"))
            if legacy and place == (legacy[1], int(legacy[2]), int(legacy[3])):
                return device, part
            if _is_called(part, entry):
                return device, part
    if any(x["witness"] == "nvml" for x in devices):
        return None
    raise LookupError("which device an instance is cut from, only NVML tells")


def _in_order(devices: list[Device], variables: Mapping[str, str]) -> bool:
    """Whether CUDA counts the devices as the driver does: it puts the fastest first, else keeps their order."""
    if any(x.get("mig") for x in devices):
        return False
    alike = len({x.get("name") for x in devices}) <= 1 and all(x.get("name") for x in devices)
    return alike or variables.get(ORDER) == "PCI_BUS_ID"


# --- others --------------------------------------------------------------------------------------


def _amd(sys: Path, variables: Mapping[str, str], found: Found) -> list[Device]:
    """The devices of AMD that can compute, as their driver lists them."""
    devices: list[Device] = []
    for node in sorted((sys / "class/kfd/kfd/topology/nodes").glob("[0-9]*")):
        said = dict(
            x.split(" ", 1)
            for x in (attempt(node / "properties")[0] or "").splitlines()
            if " " in x
        )
        if said.get("vendor_id") != str(_AMD) or said.get("simd_count") in (None, "0"):
            continue
        unique = said.get("unique_id", "0")
        devices.append(
            {
                "witness": "sys",
                "vendor": "amd",
                "index": len(devices),
                "uuid": f"GPU-{int(unique):016x}" if unique.isdecimal() and int(unique) else None,
                "name": attempt(node / "name")[0] or None,
                "target": said.get("gfx_target_version"),
                "allocated": True,
            }
        )
    chosen = [x for x in ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES") if x in variables]
    if devices and chosen:
        found.miss("devices of AMD that are allocated", f"{chosen[0]} is set and not read")
        devices = [x | {"allocated": None} for x in devices]
    return devices


def _pci(sys: Path, found: Found) -> list[dict[str, Json]]:
    """Displays and accelerators on the bus of this machine, whether this process may use them or not."""
    folder = sys / "bus" / "pci" / "devices"
    devices: list[dict[str, Json]] = []
    try:
        names = sorted(x.name for x in folder.iterdir())
    except OSError as error:
        found.miss("devices on the PCI bus", f"{folder}: {error.strerror}")
        return devices
    for name in names:
        kind = attempt(folder / name / "class")[0]
        if kind is not None and kind.startswith(_CLASSES):
            vendor, device = (attempt(folder / name / x)[0] for x in ("vendor", "device"))
            devices.append({"address": name, "class": kind, "vendor": vendor, "device": device})
    return devices

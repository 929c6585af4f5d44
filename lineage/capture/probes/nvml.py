# SPDX-License-Identifier: Apache-2.0
"""Asks the driver of NVIDIA for its devices (NVML), as a program of its own: a driver that hangs, or takes
its process with it, harms nobody then. Prints JSON.

It is run by its path, with the folders to import ``pynvml`` from as JSON in its argument.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

_MIG_ON = 1


def main() -> None:
    """Print what the driver says."""
    sys.path[:] = json.loads(sys.argv[1])
    pynvml: Any = import_module("pynvml")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201 - what it is for
        return
    said: dict[str, Any] = {
        "driver": _asked(pynvml, pynvml.nvmlSystemGetDriverVersion),
        "cuda": _asked(pynvml, pynvml.nvmlSystemGetCudaDriverVersion),
        "devices": [],
    }
    for index in range(_asked(pynvml, pynvml.nvmlDeviceGetCount) or 0):
        device = _asked(pynvml, pynvml.nvmlDeviceGetHandleByIndex, index)
        about = {"error": "the driver does not show it"}
        said["devices"].append(
            {"index": index} | (about if device is None else _device(pynvml, device))
        )
    print(json.dumps(said))  # noqa: T201 - what it is for


def _device(pynvml: Any, device: Any) -> dict[str, Any]:
    memory = _asked(pynvml, pynvml.nvmlDeviceGetMemoryInfo, device)
    bus = _asked(pynvml, pynvml.nvmlDeviceGetPciInfo, device)
    mig = _asked(pynvml, pynvml.nvmlDeviceGetMigMode, device)
    ecc = _asked(pynvml, pynvml.nvmlDeviceGetEccMode, device)
    limit = _asked(pynvml, pynvml.nvmlDeviceGetEnforcedPowerLimit, device)
    able = _asked(pynvml, pynvml.nvmlDeviceGetCudaComputeCapability, device)
    said = {
        "uuid": _asked(pynvml, pynvml.nvmlDeviceGetUUID, device),
        "name": _asked(pynvml, pynvml.nvmlDeviceGetName, device),
        "memory": None if memory is None else memory.total,
        "bus": None if bus is None else _text(bus.busId),
        "vbios": _asked(pynvml, pynvml.nvmlDeviceGetVbiosVersion, device),
        "ecc": None if ecc is None else bool(ecc[0]),
        "power_limit_mw": limit,
        "compute_capability": None if able is None else ".".join(map(str, able)),
        "mig": None if mig is None else mig[0] == _MIG_ON,
    }
    if said["mig"]:
        said["instances"] = _instances(pynvml, device)
    return said


def _instances(pynvml: Any, device: Any) -> list[dict[str, Any]]:
    """The instances that a device is cut into."""
    found = []
    for index in range(_asked(pynvml, pynvml.nvmlDeviceGetMaxMigDeviceCount, device) or 0):
        part = _asked(pynvml, pynvml.nvmlDeviceGetMigDeviceHandleByIndex, device, index)
        if part is None:
            continue
        memory = _asked(pynvml, pynvml.nvmlDeviceGetMemoryInfo, part)
        found.append(
            {
                "uuid": _asked(pynvml, pynvml.nvmlDeviceGetUUID, part),
                "name": _asked(pynvml, pynvml.nvmlDeviceGetName, part),
                "gpu_instance": _asked(pynvml, pynvml.nvmlDeviceGetGpuInstanceId, part),
                "compute_instance": _asked(pynvml, pynvml.nvmlDeviceGetComputeInstanceId, part),
                "memory": None if memory is None else memory.total,
            }
        )
    return found


def _asked(pynvml: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of NVML answers, ``None`` where the device does not have it."""
    try:
        return _text(function(*arguments))
    except pynvml.NVMLError:
        return None


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


if __name__ == "__main__":
    main()

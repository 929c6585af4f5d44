# SPDX-License-Identifier: Apache-2.0
"""Which devices a program was given is told by their identifiers, whatever way they were named."""

from __future__ import annotations

import sys

import pytest

from tests.capture.machines import HOST, V2, seen

GPU = "GPU-8932f93{0}-d72c-4106-c12f-20bd9faed9f{0}"
GPUS = [GPU.format(x) for x in range(4)]
MIG = "MIG-0000000{0}-4444-5555-8666-777777777777"
MIGS = [MIG.format(x) for x in range(2)]
INFORMATION = """Model: \t\t {1}
IRQ:   \t\t 0
GPU UUID: \t {0}
Video BIOS: \t 96.00.74.00.01
Bus Location: \t 0000:0{2}:00.0
"""
VERSION = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\nGCC version: x\n"
#: As nvidia-ml-py has it, of a machine with these devices.
NVML = """
import os, time
class NVMLError(Exception): pass
DEVICES = {devices!r}
class About:
    total = 85899345920
    busId = b"00000000:01:00.0"
def nvmlInit():
    {init}
def nvmlSystemGetDriverVersion(): return "550.54.15"
def nvmlSystemGetCudaDriverVersion(): return 12040
def nvmlDeviceGetCount(): return len(DEVICES)
def nvmlDeviceGetHandleByIndex(index): return DEVICES[index]
def nvmlDeviceGetUUID(device): return device["uuid"]
def nvmlDeviceGetName(device): return device["name"].encode()
def nvmlDeviceGetMemoryInfo(device): return About
def nvmlDeviceGetPciInfo(device): return About
def nvmlDeviceGetVbiosVersion(device): raise NVMLError("not supported")
def nvmlDeviceGetEccMode(device): return [1, 1]
def nvmlDeviceGetEnforcedPowerLimit(device): return 700000
def nvmlDeviceGetCudaComputeCapability(device): return (9, 0)
def nvmlDeviceGetMigMode(device): return [int("parts" in device), 0]
def nvmlDeviceGetMaxMigDeviceCount(device): return 7
def nvmlDeviceGetMigDeviceHandleByIndex(device, index):
    if index >= len(device["parts"]): raise NVMLError("not found")
    return device["parts"][index]
def nvmlDeviceGetGpuInstanceId(part): return part["gi"]
def nvmlDeviceGetComputeInstanceId(part): return 0
"""
H100 = "NVIDIA H100 80GB HBM3"


def devices(names=(H100,) * 4):
    return [{"uuid": uuid, "name": name} for uuid, name in zip(GPUS, names, strict=False)]


def in_proc(of=None):
    """The files of the driver for these devices."""
    of = devices() if of is None else of
    files = {"proc/driver/nvidia/version": VERSION}
    for index, x in enumerate(of, 1):
        name = f"proc/driver/nvidia/gpus/0000:0{index}:00.0/information"
        files[name] = INFORMATION.format(x["uuid"], x["name"], index)
    return files


@pytest.fixture
def nvml(tmp_path, monkeypatch):
    """Puts a driver that NVML can be asked of into this machine."""

    def put(of, init="pass"):
        folder = tmp_path / "packages"
        folder.mkdir(exist_ok=True)
        (folder / "pynvml.py").write_text(NVML.format(devices=of, init=init))
        monkeypatch.syspath_prepend(folder)

    return put


def allocated(found):
    return {x["uuid"] for x in found.facts["gpus"]["devices"] if x["allocated"]}


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    ("visible", "order"),
    [
        (None, [0, 1, 2, 3]),
        ("2", [2]),
        ("3,1", [3, 1]),
        (GPUS[2], [2]),
        (f"{GPUS[1][:12]}, 3", [1, 3]),
        ("", []),
        ("0,-1,2", [0]),
        ("0,9,2", [0]),
        ("NoDevFiles", []),
        ("GPU-8932f93", []),
    ],
)
def test_the_devices_that_are_visible_are_told_by_uuid_and_the_others_as_not_allocated(
    tmp_path, nvml, asked, visible, order
):
    """Case 77."""
    if asked:
        nvml(devices())
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    found = seen(tmp_path, HOST, V2, in_proc(), **environ)
    said = found.facts["gpus"]
    assert said["order"] == [GPUS[x] for x in order]
    assert [x["uuid"] for x in said["devices"]] == GPUS
    assert [x["allocated"] for x in said["devices"]] == [x in order for x in range(4)]
    assert {x["witness"] for x in said["devices"]} == {"nvml" if asked else "proc"}
    assert said["driver"] == "550.54.15"
    assert said["variables"] == environ
    assert ("NVML" in found.unseen) == (not asked)
    if asked:
        assert (said["cuda"], said["devices"][0]["name"]) == (12040, H100)
        assert said["devices"][0]["vbios"] is None


@pytest.mark.parametrize("entry", [MIGS[1], MIGS[1][:14], f"MIG-{GPUS[1]}/3/0"])
def test_an_instance_is_told_with_the_device_that_it_is_cut_from(tmp_path, nvml, entry):
    """Case 77."""
    of = devices()
    parts = zip(MIGS, (2, 3), strict=True)
    of[1]["parts"] = [{"uuid": uuid, "name": "1g.10gb", "gi": gi} for uuid, gi in parts]
    nvml(of)
    found = seen(tmp_path, HOST, V2, in_proc(of), CUDA_VISIBLE_DEVICES=entry)
    assert found.facts["gpus"]["order"] == [MIGS[1]]
    assert allocated(found) == {GPUS[1]}
    one, two = found.facts["gpus"]["devices"][1]["instances"]
    assert (one["uuid"], one["allocated"], two["allocated"]) == (MIGS[0], False, True)
    assert (two["gpu_instance"], two["compute_instance"]) == (3, 0)
    by_number = seen(tmp_path, HOST, V2, in_proc(of), CUDA_VISIBLE_DEVICES="1")
    assert by_number.facts["gpus"]["order"] is None


def test_without_nvml_it_is_not_known_what_an_instance_is_cut_from(tmp_path):
    found = seen(tmp_path, HOST, V2, in_proc(), CUDA_VISIBLE_DEVICES=MIGS[0])
    assert found.facts["gpus"]["order"] is None
    assert {x["allocated"] for x in found.facts["gpus"]["devices"]} == {None}
    assert "devices of CUDA_VISIBLE_DEVICES" in found.unseen


def test_a_number_names_no_device_where_cuda_counts_in_an_order_of_its_own(tmp_path):
    of = devices(("NVIDIA T400", H100))
    found = seen(tmp_path, HOST, V2, in_proc(of), CUDA_VISIBLE_DEVICES="0")
    assert found.facts["gpus"]["order"] is None
    assert "devices of CUDA_VISIBLE_DEVICES" in found.unseen
    by_bus = {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert allocated(seen(tmp_path, HOST, V2, in_proc(of), **by_bus)) == {GPUS[0]}


def test_devices_that_nvml_does_not_show_to_this_process_are_not_allocated(tmp_path, nvml):
    nvml(devices()[:1])
    found = seen(tmp_path, HOST, V2, in_proc())
    assert allocated(found) == {GPUS[0]}
    said = found.facts["gpus"]["devices"]
    assert [(x["uuid"], x["allocated"]) for x in said] == [(x, x == GPUS[0]) for x in GPUS]


@pytest.mark.parametrize(
    ("init", "reason"),
    [
        ("time.sleep(60)", "did not answer"),
        ("os.kill(os.getpid(), 11)", "-11"),
        ("raise NVMLError('Driver/library version mismatch')", "version mismatch"),
        ("raise ImportError('no such thing')", "no such thing"),
    ],
)
def test_a_driver_that_hangs_or_fails_costs_a_little_time_and_is_told(tmp_path, nvml, init, reason):
    nvml(devices(), init=init)
    found = seen(tmp_path, HOST, V2, in_proc(), seconds=1.5)
    assert reason in found.unseen["NVML"]
    assert [x["uuid"] for x in found.facts["gpus"]["devices"]] == GPUS
    assert "pynvml" not in sys.modules


def test_a_device_without_its_driver_is_seen_on_the_bus(tmp_path):
    bus = "sys/bus/pci/devices/0000:01:00.0"
    card = {f"{bus}/class": "0x030200\n", f"{bus}/vendor": "0x10de\n", f"{bus}/device": "0x2330\n"}
    found = seen(tmp_path, HOST, V2, card)
    assert found.facts["gpus"]["pci"] == [
        {"address": "0000:01:00.0", "class": "0x030200", "vendor": "0x10de", "device": "0x2330"}
    ]
    assert "no driver" in found.unseen["GPUs of NVIDIA"]
    hidden = in_proc([{"uuid": "GPU-????????-????-????-????-????????????", "name": H100}])
    found = seen(tmp_path, HOST, V2, hidden)
    assert found.facts["gpus"]["devices"][0]["uuid"] is None
    assert "uuid of GPU 0000:01:00.0" in found.unseen


def test_devices_of_amd_are_told_as_their_driver_lists_them(tmp_path):
    nodes = "sys/class/kfd/kfd/topology/nodes"
    gpu = "cpu_cores_count 0\nsimd_count 304\nvendor_id 4098\ngfx_target_version 90402\nunique_id 4660\n"
    amd = {
        f"{nodes}/0/properties": "cpu_cores_count 64\nsimd_count 0\nvendor_id 4130\n",
        f"{nodes}/1/properties": gpu,
        f"{nodes}/1/name": "ip discovery\n",
    }
    (device,) = seen(tmp_path, HOST, V2, amd).facts["gpus"]["devices"]
    assert (device["uuid"], device["allocated"]) == ("GPU-0000000000001234", True)
    found = seen(tmp_path, HOST, V2, amd, HIP_VISIBLE_DEVICES="0")
    assert found.facts["gpus"]["devices"][0]["allocated"] is None
    assert "devices of AMD that are allocated" in found.unseen

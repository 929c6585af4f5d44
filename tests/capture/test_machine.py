# SPDX-License-Identifier: Apache-2.0
"""What a machine is, and how much of it a program may have, is what its kernel says, and nothing made up."""

from __future__ import annotations

import json
import os
import resource

import pytest

from lineage.capture.found import Budget
from lineage.capture.probes.machine import probe
from tests.capture.machines import (
    ARM,
    GIB,
    HOST,
    ID,
    NO_LIMIT,
    POD,
    V2,
    docker_v1,
    grouped,
    mount_line,
    seen,
)

TOKEN = "ghp_" + "aB3" * 12


def limit(found, name):
    said = found.facts["limits"][name]
    return said["limit"]


def test_the_machine_is_what_its_kernel_says(tmp_path):
    found = seen(tmp_path, HOST, V2, OMP_NUM_THREADS="4", MKL_NUM_THREADS="2", OTHER="x")
    assert not found.unseen
    os_, cpu = found.facts["os"], found.facts["cpu"]
    assert os_["distribution"] == "Ubuntu 24.04 LTS"
    assert (os_["system"], os_["kernel"], os_["hostname"]) == ("Linux", "6.8.0-45-generic", "node7")
    assert cpu["models"] == ["Intel(R) Xeon(R) Platinum 8480C"]
    assert (cpu["threads"], cpu["cores"], cpu["sockets"], cpu["numa_nodes"]) == (64, 32, 2, "0-1")
    assert cpu["simd"] == ["amx_tile", "avx2", "avx512f", "sse", "sse2"]
    assert found.facts["memory"]["total"] == 528482304 * 1024
    process = found.facts["process"]
    assert (process["affinity"], process["nice"]) == ("0-63", 5)
    assert process["ulimits"]["open_files"] == {"soft": 1024, "hard": 1048576}
    assert process["ulimits"]["stack_size"] == {"soft": 8388608, "hard": "unlimited"}
    assert found.facts["threads"] == {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "4"}
    assert found.facts["container"] is None


def test_this_machine_is_seen_as_the_system_calls_see_it():
    found = probe(environ=os.environ, budget=Budget(30))
    facts = found.facts
    assert facts["cpu"]["threads"] == os.cpu_count()
    assert facts["memory"]["total"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert facts["os"]["kernel"] == os.uname().release
    assert facts["os"]["hostname"] == os.uname().nodename
    soft, hard = (
        "unlimited" if x == resource.RLIM_INFINITY else x
        for x in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    assert facts["process"]["ulimits"]["open_files"] == {"soft": soft, "hard": hard}
    assert facts["process"]["nice"] == os.getpriority(os.PRIO_PROCESS, 0)
    json.dumps(facts)


def test_limits_of_version_1_stand_beside_what_the_host_has(tmp_path):
    """Case 74."""
    found = seen(tmp_path, HOST, docker_v1(2 * GIB, quota="100000"))
    files = tmp_path / "sys/fs/cgroup"
    memory = files / "memory/memory.limit_in_bytes"
    quota = files / "cpu,cpuacct/cpu.cfs_quota_us"
    assert found.facts["limits"]["memory"] == {"limit": 2 * GIB, "file": str(memory)}
    assert found.facts["limits"]["cpu"] == {"limit": 1.0, "file": str(quota)}
    assert found.facts["limits"]["pids"]["limit"] == "unlimited"
    assert found.facts["effective"] == {
        "cpus": {"host": 64, "effective": 1.0, "file": str(quota)},
        "memory": {"host": 528482304 * 1024, "effective": 2 * GIB, "file": str(memory)},
    }


def test_limits_of_version_2_stand_beside_what_the_host_has(tmp_path):
    """Case 74."""
    group = grouped(
        "/job",
        cpu__max="100000 100000",
        memory__max=str(2 * GIB),
        memory__high="max",
        pids__max="512",
    )
    found = seen(tmp_path, HOST, V2, group, {"proc/self/cgroup": "0::/job\n"})
    assert found.facts["effective"]["cpus"]["effective"] == 1.0
    assert found.facts["effective"]["cpus"]["file"] == str(tmp_path / "sys/fs/cgroup/job/cpu.max")
    assert found.facts["effective"]["memory"]["effective"] == 2 * GIB
    assert found.facts["effective"]["memory"]["host"] == 528482304 * 1024
    assert (limit(found, "pids"), limit(found, "memory_high")) == (512, "unlimited")


def test_where_no_control_group_is_mounted_a_limit_is_not_known_rather_than_none(tmp_path):
    """Case 74."""
    found = seen(tmp_path, HOST, {"proc/self/mountinfo": "", "proc/self/cgroup": "0::/\n"})
    assert found.facts["limits"] == {}
    assert found.facts["effective"] == {"cpus": None, "memory": None}
    assert found.facts["memory"]["total"] == 528482304 * 1024
    assert {f"limit of {x}" for x in ("cpu", "memory", "pids")} <= found.unseen.keys()


def test_no_limit_is_distinct_from_a_huge_number(tmp_path):
    """Case 74."""
    free = seen(tmp_path / "a", HOST, docker_v1(NO_LIMIT))
    assert (limit(free, "memory"), limit(free, "cpu")) == ("unlimited", "unlimited")
    assert free.facts["effective"]["cpus"]["effective"] == 64
    huge = seen(tmp_path / "b", HOST, docker_v1(1 << 52))
    assert limit(huge, "memory") == 1 << 52
    assert huge.facts["effective"]["memory"]["effective"] == 528482304 * 1024
    group = grouped("/job", memory__max="max", cpu__max="max 100000")
    found = seen(tmp_path / "c", HOST, V2, group, {"proc/self/cgroup": "0::/job\n"})
    assert (limit(found, "memory"), limit(found, "cpu")) == ("unlimited", "unlimited")
    assert limit(seen(tmp_path / "d", HOST, V2), "memory") == "unlimited"


def test_what_limits_a_group_above_limits_the_program(tmp_path):
    outer = grouped("/slurm", memory__max=str(4 * GIB), cpu__max="max 100000")
    inner = grouped("/slurm/job_1/step_0", memory__max=str(64 * GIB), cpu__max="250000 100000")
    own = {"proc/self/cgroup": "0::/slurm/job_1/step_0\n"}
    found = seen(tmp_path, HOST, V2, outer, inner, own)
    top = tmp_path / "sys/fs/cgroup/slurm"
    assert found.facts["limits"]["memory"] == {"limit": 4 * GIB, "file": str(top / "memory.max")}
    assert found.facts["effective"]["cpus"]["effective"] == 2.5


@pytest.mark.parametrize(("root", "member"), [("/../..", "/"), ("/", "/../other")])
def test_of_groups_outside_of_a_namespace_the_one_that_is_mounted_is_seen(tmp_path, root, member):
    mounted = {"proc/self/mountinfo": mount_line("cgroup2", root, "/sys/fs/cgroup")}
    group = grouped("", memory__max=str(GIB), cpu__max="50000 100000", pids__max="max")
    other = grouped("/../other", memory__max="1", cpu__max="1 100000")
    own = {"proc/self/cgroup": f"0::{member}\n"}
    found = seen(tmp_path, HOST, V2, group, other, mounted, own)
    assert found.facts["effective"]["memory"]["effective"] == GIB
    assert found.facts["effective"]["cpus"]["effective"] == 0.5


def test_an_affinity_below_the_limit_is_what_counts(tmp_path):
    bound = {"proc/self/status": "Cpus_allowed_list:\t0-1,8\n"}
    found = seen(tmp_path, HOST, docker_v1(NO_LIMIT, quota="800000"), bound)
    status = str(tmp_path / "proc/self/status")
    assert found.facts["effective"]["cpus"] == {"host": 64, "effective": 3, "file": status}


def test_a_processor_that_has_no_name_gets_none(tmp_path):
    """Case 76."""
    found = seen(tmp_path, HOST, V2, {"proc/cpuinfo": ARM})
    assert found.facts["cpu"]["models"] == []
    assert found.facts["cpu"]["parts"] == {"CPU implementer": "0x41", "CPU part": "0xd40"}
    assert "model of the processor" in found.unseen
    assert found.facts["cpu"]["simd"] == ["asimd", "sve"]
    assert (found.facts["cpu"]["cores"], found.facts["cpu"]["sockets"]) == (None, None)
    assert "sockets and cores" in found.unseen


def test_sockets_and_cores_are_those_of_sys_where_the_list_of_processors_has_none(tmp_path):
    topology = "sys/devices/system/cpu/cpu{0}/topology"
    places = {0: (0, 0), 1: (0, 1), 2: (36, 0), 3: (36, 0)}
    files = {
        f"{topology.format(number)}/{name}": f"{place}\n"
        for number, both in places.items()
        for name, place in zip(("physical_package_id", "core_id"), both, strict=True)
    }
    found = seen(tmp_path, HOST, V2, {"proc/cpuinfo": ARM}, files)
    assert (found.facts["cpu"]["sockets"], found.facts["cpu"]["cores"]) == (2, 3)
    unknown = {f"{topology.format(x)}/physical_package_id": "-1\n" for x in places}
    found = seen(tmp_path, HOST, V2, {"proc/cpuinfo": ARM}, files, unknown)
    assert (found.facts["cpu"]["sockets"], found.facts["cpu"]["cores"]) == (None, None)


def leaves(value):
    if isinstance(value, dict | list):
        for x in value.values() if isinstance(value, dict) else value:
            yield from leaves(x)
    else:
        yield value


def test_of_a_machine_that_shows_nothing_nothing_is_known_and_each_reason_is_said(tmp_path):
    found = seen(tmp_path)
    ours = {"architecture", "libc"}  # system calls tell these
    facts = {**found.facts, "os": {k: v for k, v in found.facts["os"].items() if k not in ours}}
    known = {x for x in leaves(facts) if x is not None}
    assert all(isinstance(x, str) and x.startswith(str(tmp_path)) for x in known), known
    for what in ("processors", "memory", "hostname", "distribution", "affinity", "limit of memory"):
        assert found.unseen[what]
    assert all(found.unseen.values())


# --- containers ----------------------------------------------------------------------------------

KUBELET = f"/var/lib/kubelet/pods/{POD}"


@pytest.mark.parametrize(
    ("files", "known"),
    [
        (docker_v1(NO_LIMIT), {"runtime": "docker", "id": ID}),
        (
            {"proc/self/cgroup": f"0::/system.slice/docker-{ID}.scope\n"},
            {"runtime": "docker", "id": ID},
        ),
        (
            {
                "proc/self/mountinfo": mount_line(
                    "ext4", f"/var/lib/docker/containers/{ID}/hostname", "/etc/hostname"
                )
            },
            {"runtime": "docker", "id": ID},
        ),
        (
            {
                "proc/self/cgroup": "0::/kubepods.slice/kubepods-burstable.slice/"
                f"kubepods-burstable-pod{POD.replace('-', '_')}.slice/cri-containerd-{ID}.scope\n"
            },
            {"runtime": "kubernetes", "id": ID, "pod": POD},
        ),
        (
            {
                "proc/self/mountinfo": mount_line("ext4", f"{KUBELET}/etc-hosts", "/etc/hosts")
                + mount_line(
                    "ext4", f"{KUBELET}/containers/trainer/0a1b2c3d", "/dev/termination-log"
                )
            },
            {"runtime": "kubernetes", "id": None, "pod": POD, "container": "trainer"},
        ),
        (
            {
                "run/.containerenv": f'engine="podman-4.9"\nname="job"\nid="{ID}"\n'
                f'image="docker.io/library/python:3.12"\nimageid="{ID[::-1]}"\nrootless=1\n'
            },
            {"runtime": "podman", "id": ID, "image": f"sha256:{ID[::-1]}", "name": "job"},
        ),
        ({".dockerenv": ""}, {"runtime": None, "id": None, "signs": ["/.dockerenv"]}),
    ],
)
def test_a_container_is_told_as_far_as_it_can_be_seen_from_inside(tmp_path, files, known):
    found = seen(tmp_path, HOST, V2, files)
    assert known.items() <= found.facts["container"].items()
    for name in ("runtime", "id", "image"):
        assert (f"{name} of the container" in found.unseen) == (
            found.facts["container"][name] is None
        )


# --- schedulers, CI ------------------------------------------------------------------------------


def test_schedulers_and_ci_are_known_by_their_documented_variables_and_nothing_else_is_kept(
    tmp_path,
):
    environ = {
        "SLURM_JOB_ID": "77",
        "SLURM_PROCID": "3",
        "SLURM_JWT": f"x{TOKEN}",
        "RANK": "3",
        "WORLD_SIZE": "8",
        "GITHUB_ACTIONS": "true",
        "GITHUB_RUN_ID": "123",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_TOKEN": TOKEN,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "CI_JOB_ID": "of GitLab, which does not run here",
        "GIT_URL": "https://ana:hunter2@git.example/r.git",
    }
    found = seen(tmp_path, HOST, V2, **environ)
    assert found.facts["schedulers"] == {
        "slurm": {"SLURM_JOB_ID": "77", "SLURM_PROCID": "3"},
        "ranks": {"RANK": "3", "WORLD_SIZE": "8"},
        "kubernetes": {},
    }
    assert found.facts["ci"] == {"github": {"GITHUB_RUN_ID": "123", "GITHUB_RUN_ATTEMPT": "2"}}
    assert TOKEN not in json.dumps(found.facts)
    jenkins = {
        "JENKINS_URL": "https://ci.example",
        "GIT_URL": environ["GIT_URL"],
        "BUILD_NUMBER": "9",
    }
    of_jenkins = seen(tmp_path, HOST, V2, **jenkins).facts["ci"]["jenkins"]
    assert of_jenkins["GIT_URL"] == "https://git.example/r.git"

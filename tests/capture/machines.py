# SPDX-License-Identifier: Apache-2.0
"""Machines to be probed, as the files in which their kernels tell of them."""

from __future__ import annotations

from lineage.capture.found import Budget
from lineage.capture.probes.machine import probe

ID = "0123456789abcdef" * 4
POD = "8f3e2d1c-0000-4000-8000-0123456789ab"
GIB = 1 << 30
#: How version 1 of control groups says that there is no limit.
NO_LIMIT = "9223372036854771712"

CPUINFO = """processor\t: {0}
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8480C
physical id\t: {1}
core id\t\t: {2}
microcode\t: 0x2b000603
flags\t\t: fpu sse sse2 avx2 avx512f amx_tile smep

"""
#: 64 threads on 32 cores in two sockets.
XEON = "".join(CPUINFO.format(x, x % 2, x % 32 // 2) for x in range(64))
ARM = """processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd sve
CPU implementer\t: 0x41
CPU part\t: 0xd40

"""
LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max open files            1024                 1048576              files
"""
#: Everything that a kernel tells of a large host on which nothing is limited.
HOST = {
    "proc/cpuinfo": XEON,
    "proc/meminfo": "MemTotal: 528482304 kB\nMemAvailable: 500000000 kB\nSwapTotal: 0 kB\n",
    "proc/self/status": "Name:\tx y\nCpus_allowed_list:\t0-63\n",
    "proc/self/stat": "1 (a ) b) R 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 5 1 0 0",
    "proc/self/limits": LIMITS,
    "proc/sys/kernel/ostype": "Linux\n",
    "proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
    "proc/sys/kernel/version": "#45-Ubuntu SMP\n",
    "proc/sys/kernel/hostname": "node7\n",
    "sys/devices/system/node/online": "0-1\n",
    "sys/bus/pci/devices/0000:00:00.0/class": "0x060000\n",
    "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu\nVERSION_ID="24.04"\n',
}


def mount_line(kind, root, point, options="rw"):
    return f"30 25 0:28 {root} {point} rw,nosuid shared:9 - {kind} {kind} {options}\n"


#: The first group of a host, of version 2: it has no limits, and no files for them.
V2 = {
    "proc/self/mountinfo": mount_line("cgroup2", "/", "/sys/fs/cgroup"),
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "sys/fs/cgroup/cpuset.cpus.effective": "0-63\n",
}


def grouped(path, **files):
    """Files of the group of version 2 at a path."""
    folder = f"sys/fs/cgroup{path}"
    offered = {
        f"{folder}/cgroup.controllers": "cpuset cpu memory pids\n",
        f"{folder}/cgroup.type": "domain\n",
    }
    return offered | {f"{folder}/{name.replace('__', '.')}": text for name, text in files.items()}


def docker_v1(memory, quota="-1"):
    """A container of Docker on a host with version 1, in which its own groups are all that is mounted."""
    own = f"/docker/{ID}"
    return {
        "proc/self/cgroup": f"12:memory:{own}\n7:cpu,cpuacct:{own}\n5:pids:{own}\n3:cpuset:{own}\n",
        "proc/self/mountinfo": "".join(
            mount_line("cgroup", own, f"/sys/fs/cgroup/{x}", f"rw,{x}")
            for x in ("memory", "cpu,cpuacct", "pids", "cpuset")
        ),
        "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{memory}\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": f"{quota}\n",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "sys/fs/cgroup/pids/pids.max": "max\n",
        "sys/fs/cgroup/cpuset/cpuset.effective_cpus": "0-63\n",
    }


def written(folder, *files):
    """Write the files of a machine below a folder."""
    for name, text in {k: v for some in files for k, v in some.items()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def seen(folder, *files, seconds=30.0, **environ):
    """What the probe sees on a machine that has these files."""
    written(folder, *files)
    places = {"proc": folder / "proc", "sys": folder / "sys", "root": folder}
    return probe(**places, environ=environ, budget=Budget(seconds))

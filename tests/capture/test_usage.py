# SPDX-License-Identifier: Apache-2.0
"""What held a program up is what its control group counted, of either version."""

from __future__ import annotations

import json

from lineage.capture.probes.usage import probe
from tests.capture.machines import GIB, HOST, NO_LIMIT, V2, docker_v1, grouped, written

STAT = "nr_periods 90\nnr_throttled 7\n"


def seen(folder, *files):
    written(folder, *files)
    return probe(proc=folder / "proc", sys=folder / "sys")


def values(found):
    return {name: said["value"] for name, said in found.facts.items()}


def test_both_versions_of_control_groups_tell_the_same_in_the_same_units(tmp_path):
    own = "sys/fs/cgroup"
    one = seen(
        tmp_path / "1",
        HOST,
        docker_v1(NO_LIMIT),
        {
            f"{own}/cpu,cpuacct/cpu.stat": f"{STAT}throttled_time 1500000000\n",
            f"{own}/memory/memory.max_usage_in_bytes": f"{GIB}\n",
            f"{own}/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
    )
    group = grouped(
        "/job",
        cpu__stat=f"usage_usec 5\n{STAT}throttled_usec 1500000\n",
        memory__peak=f"{GIB}\n",
        memory__events="low 0\noom 3\noom_kill 2\noom_group_kill 0\n",
    )
    two = seen(tmp_path / "2", HOST, V2, group, {"proc/self/cgroup": "0::/job\n"})
    said = {"throttled": 7, "throttled_seconds": 1.5, "memory_peak": GIB, "killed_for_memory": 2}
    assert values(one) == values(two) == said
    assert two.facts["memory_peak"]["file"] == str(tmp_path / "2" / own / "job/memory.peak")
    assert not one.unseen
    assert not two.unseen


def test_what_a_group_does_not_count_is_told_and_not_taken_from_those_above_it(tmp_path):
    above = grouped("/job", memory__peak=f"{GIB}\n")
    group = grouped("/job/step", cpu__stat="usage_usec 5\n")
    found = seen(tmp_path, HOST, V2, above, group, {"proc/self/cgroup": "0::/job/step\n"})
    assert found.facts == {}
    assert found.unseen.keys() == {
        *("throttled", "throttled seconds", "memory peak", "killed for memory"),
    }
    assert seen(tmp_path / "none").facts == {}


def test_this_machine_counts_or_says_why_not():
    found = probe()
    json.dumps(found.facts)
    assert len(found.facts) + len(found.unseen) == 4

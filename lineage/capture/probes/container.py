# SPDX-License-Identifier: Apache-2.0
"""Sees whether this process is in a container, and in which: its runtime, its name, what it was started from.

A container is made to look like a machine: what tells it apart are names that runtimes give to control groups
and mounts, files that they leave, and variables. What none of them tells is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lineage.access.secret_patterns import scrub
from lineage.capture.found import Found, Json
from lineage.capture.probes.cgroups import Mount
from lineage.capture.system_files import attempt
from lineage.paths import is_there

_ID = r"(?P<id>[0-9a-f]{64})"
#: Runtime -> what the path of a control group is called where it made it.
_GROUPS = (
    (
        "kubernetes",
        re.compile(rf"kubepods.*pod(?P<pod>[0-9a-f_-]{{36}}).*?{_ID}(?:\.scope)?(?:/.*)?$"),
    ),
    ("docker", re.compile(rf"(?:/docker/|docker-){_ID}")),
    ("containerd", re.compile(rf"cri-containerd[-:]{_ID}")),
    ("cri-o", re.compile(rf"crio-{_ID}")),
    ("podman", re.compile(rf"libpod-{_ID}")),
    ("ecs", re.compile(r"/ecs/(?:[^/]+/)?(?P<id>[0-9a-f-]{32,80})")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./](?P<id>[^/]+)")),
)
#: Runtime -> where on its host the files lie that it mounts into a container.
_MOUNTS = (
    ("docker", re.compile(rf"/containers/{_ID}/(?:hostname|hosts|resolv\.conf)$")),
    ("podman", re.compile(rf"/overlay-containers/{_ID}/userdata/")),
    ("kubernetes", re.compile(r"/kubelet/pods/(?P<pod>[0-9a-f-]{36})/etc-hosts$")),
    (
        "kubernetes",
        re.compile(
            r"/kubelet/pods/(?P<pod>[0-9a-f-]{36})/containers/(?P<container>[^/]+)/[0-9a-f]+$"
        ),
    ),
)
_SETTING = re.compile(r'^(\w+)="?([^"\n]*)"?$', re.MULTILINE)
#: Where Kubernetes says in which namespace a pod is.
_NAMESPACE = "run/secrets/kubernetes.io/serviceaccount/namespace"
_OF_APPTAINER = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")


def container(
    member: Mapping[str, str],
    mounted: list[Mount],
    variables: Mapping[str, str],
    root: Path,
    found: Found,
) -> Json:
    """What is known of the container; ``None`` where there is no sign of one. ``member`` are the control
    groups of the process, ``root`` stands for the folder /.
    """
    said: dict[str, Json] = {}
    for sign, facts in _signs(member, mounted, variables, root):
        said.setdefault("signs", [])
        signs = said["signs"]
        if isinstance(signs, list) and sign not in signs:
            signs.append(sign)
        for name, value in facts.items():
            said.setdefault(name, value)
    if not said:
        return None
    for name in ("runtime", "id", "image"):
        if name not in said:
            said[name] = None
            found.miss(f"{name} of the container", "nothing that can be read inside of it tells")
    return said


def _signs(
    member: Mapping[str, str], mounted: list[Mount], variables: Mapping[str, str], root: Path
) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every sign of a container, the surest first, with what it tells."""
    if (podman := attempt(root / "run/.containerenv")[0]) is not None:
        yield "/run/.containerenv", _of_podman(podman)
    for path in sorted(set(member.values())):
        for runtime, pattern in _GROUPS:
            if match := pattern.search(path):
                yield "control group", {"runtime": runtime, **_named(match)}
                break
    for mount in mounted:
        for runtime, pattern in _MOUNTS:
            if match := pattern.search(mount.root):
                yield f"mount of {mount.point}", {"runtime": runtime, **_named(match)}
    if is_there(root / ".dockerenv"):
        yield "/.dockerenv", {}
    if variables.get("KUBERNETES_SERVICE_HOST"):
        namespace = attempt(root / "var" / _NAMESPACE)[0] or attempt(root / _NAMESPACE)[0]
        yield "KUBERNETES_SERVICE_HOST", {"namespace": namespace} if namespace else {}
    for name in _OF_APPTAINER:
        if image := variables.get(name, ""):
            yield name, {"runtime": name.partition("_")[0].lower(), "image_file": scrub(image)}
    if started_by := variables.get("container"):
        yield "container", {"runtime": scrub(started_by)}


def _named(match: re.Match[str]) -> dict[str, Json]:
    named = {x: y for x, y in match.groupdict().items() if y}
    if "pod" in named:
        named["pod"] = named["pod"].replace("_", "-")
    return {**named}


def _of_podman(text: str) -> dict[str, Json]:
    """Podman writes down what it started, where it may: image, digest of its configuration, name."""
    said = dict(_SETTING.findall(text))
    facts: dict[str, Json] = {"runtime": "podman"}
    for key, name in (
        ("id", "id"),
        ("name", "name"),
        ("image", "image_name"),
        ("imageid", "image"),
    ):
        if said.get(key):
            facts[name] = scrub(said[key])
    if isinstance(digest := facts.get("image"), str) and ":" not in digest:
        facts["image"] = f"sha256:{digest}"
    return facts

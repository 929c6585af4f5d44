# SPDX-License-Identifier: Apache-2.0
"""What conda and pip print when they are asked what is installed, and what is none of it."""

from __future__ import annotations

import pytest

import lineage
from importers.base import Source
from importers.lockfile import IMPORTER
from importers.lockfile.finding import format_of
from lineage.errors import BadInput
from lineage.sources.file_names import governing_rank
from tests.importers.lockfile_read import COMMIT, read, written

EXPLICIT = """# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64
@EXPLICIT
https://repo.example/pkgs/main/linux-64/_libgcc_mutex-0.1-main.conda
https://ana:hunter2@repo.example/t/tk-12345-6789/conda-forge/linux-64/python-3.9.12-h12debd9_0.tar.bz2#0a1b2c3d4e5f60718293a4b5c6d7e8f9
https://repo.example/conda-forge/noarch/tzdata-2022a-hda174b7_0.conda#sha256:{}
# pip Attrs @ https://files.example/attrs-25.1.0-py3-none-any.whl#sha256={}
# pip mine @ https://host.example/mine.zip
not an archive
""".format("ab" * 32, "cd" * 32)


@pytest.mark.parametrize(
    "name", ["conda-linux-64.lock", "spec-file.txt", "requirements.txt", "x.txt"]
)
def test_an_explicit_list_of_conda_names_every_archive(tmp_path, name):
    found = read(written(tmp_path, name, EXPLICIT))
    purls = {purl.partition("&channel")[0]: x for purl, x in found.members.items()}
    assert purls == {
        "pkg:conda/_libgcc_mutex@0.1?build=main": {},
        "pkg:conda/python@3.9.12?build=h12debd9_0": {
            "hash": "md5:0a1b2c3d4e5f60718293a4b5c6d7e8f9"
        },
        "pkg:conda/tzdata@2022a?build=hda174b7_0": {"hash": "sha256:" + "ab" * 32},
        "pkg:pypi/attrs@25.1.0": {"hash": "sha256:" + "cd" * 32},
    }
    about = found.environment.attributes
    assert (about["python"], about["platform"]) == ("3.9.12", "linux-64")
    assert about["unpinned"] == "mine @ https://host.example/mine.zip"
    assert found.lost["packages"] == 1
    assert "hunter2" not in repr(found.batches)


def test_a_project_that_is_run_with_an_explicit_list_is_joined_by_its_name():
    ranks = [
        governing_rank(name) for name in ("uv.lock", "conda-linux-64.lock", "requirements.txt")
    ]
    assert ranks == sorted(ranks)
    assert governing_rank("conda-osx-arm64.lock") == ranks[1]
    assert [governing_rank(x) for x in ("mamba.lock", "conda-notes.txt")] == [None, None]


def test_a_list_without_an_archive_is_one_clear_error(tmp_path):
    with pytest.raises(BadInput, match="names no package"):
        read(written(tmp_path, "conda-linux-64.lock", "@EXPLICIT\nhello\n"))


LISTS = {
    "pip list": (
        (
            "Package         Version  Editable project location\n"
            "--------------- -------- -------------------------\n"
            "NumPy           1.21.5\n"
            "mine            0.1      /home/ana/mine\n"
        ),
        {"pkg:pypi/numpy@1.21.5"},
        ["mine (local folder)"],
    ),
    "conda list": (
        (
            "# packages in environment at /opt/conda/envs/lab:\n#\n"
            "# Name                    Version                   Build  Channel\n"
            "numpy                     1.21.5           py39he7a7128_1  \n"
            "python                    3.9.12               h12debd9_0    conda-forge\n"
            "torch                     2.1.0                    pypi_0    pypi\n"
        ),
        {
            "pkg:conda/numpy@1.21.5?build=py39he7a7128_1",
            "pkg:conda/python@3.9.12?build=h12debd9_0&channel=conda-forge",
            "pkg:pypi/torch@2.1.0",
        },
        [],
    ),
    "conda list --export": (
        (
            "# This file may be used to create an environment using:\n"
            "# $ conda create --name <env> --file <this file>\n# platform: linux-64\n"
            "_libgcc_mutex=0.1=main\npython=3.9.12\ntorch=2.1.0=pypi_0\n"
        ),
        {
            "pkg:conda/_libgcc_mutex@0.1?build=main",
            "pkg:conda/python@3.9.12",
            "pkg:pypi/torch@2.1.0",
        },
        [],
    ),
    "the same among others": (
        "_libgcc_mutex=0.1=main\nattrs==25.1.0\ntorch=2.1.0=pypi_0\n",
        {
            "pkg:conda/_libgcc_mutex@0.1?build=main",
            "pkg:pypi/attrs@25.1.0",
            "pkg:pypi/torch@2.1.0",
        },
        [],
    ),
    "pip freeze under conda": (
        (
            "certifi @ file:///opt/conda/conda-bld/certifi_1655968806487/work/certifi\n"
            "cffi @ file:///tmp/build/80754af9/cffi_1625814693874/work\n"
            "idna @ file:///home/conda/feedstock_root/build_artifacts/idna_1713279365350/work\n"
            "brotli @ file:///C:/ci/conda-bld/brotli_1/work\n"
            "mkl-service==2.4.0\n"
            "own @ file:///home/ana/own\n"
        ),
        {"pkg:pypi/mkl-service@2.4.0"},
        [
            *(
                f"{x} (built by conda, at a version that is not said)"
                for x in ("brotli", "certifi", "cffi", "idna")
            ),
            "own @ file:///home/ana/own",
        ],
    ),
    "pip freeze of a checkout": (
        (
            f"-e git+https://host.example/lab/tool@{COMMIT}#egg=tool\n"
            "## !! Could not determine repository location\n-e /home/ana/other\n"
            "# Editable Git install with no remote (mine==0.1)\n-e /home/ana/mine\n"
            "distro-info===0.21ubuntu2\npkg-resources==0.0.0\ntorch==2.1.0+cu118\n"
        ),
        {
            f"pkg:pypi/tool?vcs_url=git%2Bhttps://host.example/lab/tool%40{COMMIT}",
            "pkg:pypi/distro-info@0.21ubuntu2",
            "pkg:pypi/torch@2.1.0%2Bcu118",
        },
        ["mine (local folder)", "other (local folder)"],
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_what_is_installed_is_read_in_the_words_of_its_tool(tmp_path, name):
    text, members, unpinned = LISTS[name]
    found = read(written(tmp_path, "requirements.txt", text))
    said = found.environment.attributes.get("unpinned", ())
    assert set(found.members) == members
    assert list((said,) if isinstance(said, str) else said) == unpinned
    assert format_of("freeze-requirements.txt", text.encode()) == "requirements.txt"


def test_specs_of_conda_with_spaces_are_pinned(tmp_path):
    text = """name: lab
dependencies:
  - numpy 1.21.5 py39he7a7128_1
  - scipy ==1.8.0
  - pandas 1.4.*
  - xz 5.2.5
  - pytorch::pytorch=1.11.0=py3.9_cpu_0
  - openssl >=1
"""
    found = read(written(tmp_path, "environment.yml", text))
    assert found.members.keys() == {
        "pkg:conda/numpy@1.21.5?build=py39he7a7128_1",
        "pkg:conda/scipy@1.8.0",
        "pkg:conda/xz@5.2.5",
        "pkg:conda/pytorch@1.11.0?build=py3.9_cpu_0&channel=pytorch",
    }
    assert found.environment.attributes["unpinned"] == ("openssl >=1", "pandas 1.4.*")


def test_what_the_list_for_pip_includes_is_read_or_leaves_the_environment_open(tmp_path):
    text = "dependencies:\n- python=3.9.12=h12debd9_0\n- pip:\n  - %s\n"
    written(tmp_path, "sub/wanted.txt", "numpy\ntorch>=2\n-r more.txt\n")
    written(tmp_path, "sub/more.txt", "attrs==25.1.0\n")
    with_it = read(written(tmp_path, "environment.yml", text % "-r sub/wanted.txt"))
    assert with_it.environment.attributes["unpinned"] == ("numpy", "torch>=2")
    assert "pkg:pypi/attrs@25.1.0" in with_it.members
    assert len(with_it.of("Artifact")) == 3
    for line in ("-r gone.txt", "--requirement=../outside.txt", "-r https://x.example/a.txt"):
        without = read(written(tmp_path, "environment.yml", text % line)).environment.attributes
        assert without["reproducible"] is False
        assert "(not read)" in without["unpinned"]


def test_a_file_that_is_included_and_gone_costs_what_is_in_it(tmp_path):
    found = read(written(tmp_path, "requirements.txt", "attrs==25.1.0\n-r gone.txt\n"))
    about = found.environment.attributes
    assert (about["reproducible"], about["unpinned"]) == (False, "-r gone.txt (not read)")
    assert found.members.keys() == {"pkg:pypi/attrs@25.1.0"}
    assert found.lost == {"included files": 1, "requirements": 1}
    written(tmp_path, "wanted.txt", "-r gone.txt\n")
    text = "dependencies:\n- python=3.9.12=h12debd9_0\n- pip:\n  - -r wanted.txt\n"
    nested = read(written(tmp_path, "environment.yml", text)).environment.attributes
    assert nested["unpinned"] == "-r wanted.txt (not read)"


NOT_LOCKS = {
    "helm/Chart.yaml": "dependencies:\n  - name: postgresql\n    version: 12.1.9\n",
    "helm/environments.yaml": "dependencies:\n  - name: postgresql\n    version: 12.1.9\n",
    "app/pubspec.yaml": "name: app\ndependencies:\n- a\n",
    ".github/labeler.yml": "dependencies:\n- package.json\n- '**/*.lock'\n",
    "roles/meta/main.yml": "dependencies:\n- role: common\n- {role: web}\n",
    "roles/requirements.yml": "collections:\n- name: community.general\n  version: 8.0.0\n",
    "docs/user-requirements.txt": "User requirements of the service\nThe service shall answer.\n",
    "docs/requirements-of-users.txt": "1. It shall be fast\n2. It shall be small\nDone\n",
    "docs/results.txt": "fold==1 auc==0.81\nfold==2 auc==0.79\n",
    "docs/log.txt": "started\nmode==train\nfinished\n",
    "docs/equal.txt": "the same\na==b\n",
}


@pytest.mark.parametrize("name", NOT_LOCKS)
def test_what_only_looks_like_a_lock_is_no_environment(tmp_path, name):
    path = written(tmp_path, name, NOT_LOCKS[name])
    assert not IMPORTER.sniffs(Source.of(path))
    assert not IMPORTER.sniffs(Source.of(path.parent))
    # Beside a lock it is passed over, and hides nothing.
    written(path.parent, "requirements.txt", "attrs==25.1.0\n")
    found = read(path.parent)
    assert found.members.keys() == {"pkg:pypi/attrs@25.1.0"} and not found.losses


REAL = {
    "env.yml": "dependencies:\n- numpy\n- pandas\n",
    "ci/py39.yaml": "channels: [conda-forge]\ndependencies:\n# first\n- numpy\n",
    "deps.yml": "name: x\ndependencies:\n  - pip:\n    - numpy\n",
    "gpu.yml": "dependencies:\n- cudatoolkit=11.3\n- name\n",
    "environment-dev.yml": "dependencies: [python=3.9, numpy]\n",
    "dev-requirements.txt": "# tools\n-r requirements-base.txt\npytest\n./vendored/pkg\n",
    "requirements-base.txt": "a\nb>=1 ; python_version < '3.9' \\\n  --hash=sha256:00\n",
    "pinned.txt": "attrs==25.1.0\nidna\n",
}


@pytest.mark.parametrize("name", REAL)
def test_what_asks_for_packages_is_known_whatever_it_is_called(name):
    base = name.rpartition("/")[2]
    assert format_of(base, REAL[name].encode()) in {"environment.yml", "requirements.txt"}


def test_a_damaged_lock_is_said_and_not_passed_over(tmp_path):
    written(tmp_path, "requirements-dev.txt", "<<<<<<< HEAD\na==1\n=======\na==2\n>>>>>>> b\n")
    written(tmp_path, "requirements.txt", "attrs==25.1.0\n")
    found = read(tmp_path)
    assert found.lost == {"lock files": 1} and len(found.members) == 1


def test_a_project_in_development_is_left_open_in_a_list_of_conda(tmp_path):
    head = "# packages in environment at /opt/conda:\n#\n# Name  Version  Build  Channel\n"
    body = "numpy 1.21.5 py39he7a7128_1\nmine 0.1 dev_0 <develop>\n"
    (tmp_path / "conda-list.txt").write_text(head + body)
    with lineage.open("memory:") as store:
        store.load(tmp_path / "conda-list.txt")
        (environment,) = store.find(kinds=["Environment"]).nodes
        assert environment.attributes["reproducible"] is False
        assert [node.title for node in store.find(kinds=["Package"]).nodes] == ["numpy 1.21.5"]

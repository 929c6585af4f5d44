# SPDX-License-Identifier: Apache-2.0
"""What capture sees of programs that read and write objects of a remote store; a table in Markdown.

The store is moto's server, whose log of the requests that it answered is the oracle; of each version that capture tells,
the server is asked whether it has it so.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import lineage

PROGRAMS = Path(__file__).with_name("objects")
#: Makes the objects that the programs read, each in two versions: the second one is read.
_DATA = """
import io, sys
import boto3, pandas as pd
s3, bucket = boto3.client("s3"), sys.argv[1]
s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
for size in (90, 100):
    table = pd.DataFrame({"age": range(size)})
    text, parquet = table.to_csv().encode(), table.to_parquet()
    named = {"data/people.csv": text, "data/a b%20c?#.csv": text, "data/people.parquet": parquet}
    named |= {f"data/parts/{n}.parquet": parquet for n in range(2)}
    for key, body in named.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)
s3.upload_fileobj(io.BytesIO(b"big" * 4_000_000), bucket, "big.bin")
"""
#: What the server has of a bucket.
_VERSIONS = """
import json, sys
import boto3
told = boto3.client("s3").list_object_versions(Bucket=sys.argv[1])["Versions"]
print(json.dumps([[x["Key"], x["VersionId"], x["ETag"].strip('"'), x["IsLatest"]] for x in told]))
"""
_REQUEST = re.compile(r'"(GET|PUT|POST) /([^/ ?]+)/([^ ?]+)(\?[^ ]*)? HTTP/1\.1" 20[06] ')


def table(python: Path, launcher: list[str]) -> None:
    """Run all of the programs and print the table."""
    print(
        "| program | read | seen | written | seen | versions | wrong ones | claimed, not in the log |"
    )
    print("| --- |" + " --- |" * 7)
    for path in sorted(PROGRAMS.glob("*.py.txt")):
        with (
            tempfile.TemporaryDirectory(prefix="observed-", dir="/var/tmp") as made,
            _server(python, Path(made)) as (environ, log),
        ):
            print(_row(path, Path(made), python, launcher, environ, log), flush=True)


@contextmanager
def _server(python: Path, folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """A server of moto, the variables by which clients find it, and its log."""
    log, port = folder / "server.log", "5791"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LINEAGE_", "GIT_", "AWS_"))}
    url = f"http://127.0.0.1:{port}"
    said = {"AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true", "AWS_DEFAULT_REGION": "us-east-1"}
    said |= {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    with log.open("w") as file:
        command = [python.with_name("moto_server"), "-p", port]
        server = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        while "Running on" not in log.read_text():
            time.sleep(0.1)
        yield {**kept, **said}, log
    finally:
        server.terminate()
        server.wait()


def _row(
    path: Path,
    folder: Path,
    python: Path,
    launcher: list[str],
    environ: Mapping[str, str],
    log: Path,
) -> str:
    name = path.name.partition(".")[0]
    bucket = name.replace("_", "-")
    around = {**environ, "BUCKET": bucket}
    shutil.copy(path, folder / path.stem)
    (folder / ".lineage").mkdir(mode=0o700)
    lineage.open(folder / ".lineage" / "store.db").close()
    subprocess.run([python, "-c", _DATA, bucket], env=around, check=True)
    start = log.stat().st_size
    command = [*launcher, "run", "--name", "x", "--", python, path.stem]
    subprocess.run(command, cwd=folder, check=True, env=around, stdout=subprocess.DEVNULL)
    asked = [*_asked(log.read_text()[start:])]
    found = _found(folder, bucket)
    output = subprocess.check_output([python, "-c", _VERSIONS, bucket], env=around)
    held = {(key, version, etag): is_latest for key, version, etag, is_latest in json.loads(output)}
    left = {key for (key, *_), is_latest in held.items() if is_latest}
    cells, claimed = [name], set()
    for writes in (False, True):
        right = {key for key, written in asked if written is writes}
        if writes:
            right &= left  # what was deleted again is none
        told = {key for key, _, _, written in found if written is writes}
        cells += [str(len(right)), str(len(right & told))]
        claimed |= told - right
    exact = sum((key, version, etag) in held for key, version, etag, _ in found)
    wrong = sum(bool(etag) for *_, etag, _ in found) - exact
    return f"| {' | '.join([*cells, str(exact), str(wrong), ', '.join(sorted(claimed))])} |"


def _asked(log: str) -> Iterator[tuple[str, bool]]:
    """The objects whose bytes were answered or taken, and whether they were written."""
    for verb, _, key, query in _REQUEST.findall(log):
        is_part = "partNumber" in query or query == "?uploads"
        if not is_part:
            yield unquote(key), verb != "GET"


def _found(folder: Path, bucket: str) -> set[tuple[str, str, str, bool]]:
    """The versions that capture tells: key, version, etag, and whether it was written."""
    with lineage.open(folder / ".lineage" / "store.db") as opened:
        answer = opened.show("run:x")
    kinds = ("Dataset", "DatasetVersion")
    nodes = {node.id: node.attributes for node in answer.nodes if node.kind in kinds}
    ends = [(e.effect, True) for e in answer.edges if e.relation == "wasGeneratedBy"]
    ends += [(e.cause, False) for e in answer.edges if e.relation == "used"]
    return {
        (
            str(a["name"]).removeprefix(
                f"{bucket}/"
            ),  # of an address of HTTP it is part of the path
            str(a.get("version_id", "")),
            str(a.get("digest", "")).removeprefix("etag:"),
            writes,
        )
        for ident, writes in ends
        if (a := nodes.get(ident))
    }

# SPDX-License-Identifier: Apache-2.0
"""Objects of remote stores are the versions that the answers to reading and writing told, and nothing else is asked."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys

import pytest
import yaml

from tests.capture.launched import LINEAGE, run, stored
from tests.capture.s3_answers import CLIENT, answering

BYTES = b"age,visits\n" * 20
SHA256 = hashlib.sha256(BYTES)
MD5 = hashlib.md5(BYTES).hexdigest()


@pytest.fixture
def answers(monkeypatch):
    with answering() as found:
        monkeypatch.setenv("ANSWERS", found.url)
        yield found


@pytest.fixture
def launched(workspace, answers):
    """Runs a program with a client under the launcher; what it printed."""

    def called(text, name="x", *, options=()):
        (workspace / "program.py").write_text(CLIENT + text)
        done = run(sys.executable, "program.py", options=["--name", name, *options])
        assert (done.returncode, done.stderr) == (0, ""), answers.asked
        return done.stdout

    return called


def objects(workspace, name="x"):
    """What a run read and made at addresses: the attributes of each with those of the link; and the run."""
    with stored(workspace) as opened:
        answer = opened.show(f"run:{name}")
        [told] = [node for node in answer.nodes if node.kind == "Run" and node.label == name]
        nodes = {node.id: node for node in answer.nodes if node.kind.startswith("Dataset")}
        found = {"used": [], "wasGeneratedBy": []}
        for edge in answer.edges:
            end = edge.cause if edge.relation == "used" else edge.effect
            if edge.relation in found and end in nodes:
                attributes = {**nodes[end].attributes, "id": end, "kind": nodes[end].kind}
                found[edge.relation].append({**attributes, **edge.attributes})
    for each in found.values():
        each.sort(key=lambda one: one["id"])
    return found["used"], found["wasGeneratedBy"], told.attributes


def test_an_input_is_the_version_that_was_read_however_often_and_nothing_else_is_asked(
    workspace, answers, launched
):
    (workspace / "local.csv").write_bytes(BYTES)
    whole = base64.b64encode(SHA256.digest()).decode()
    read = {"version_id": "v1", "etag": f'"{MD5}"', "status": 206}
    answers.give("GET /lab/a.csv", body=BYTES[:5], content_range="bytes 0-4/220", **read)
    answers.give("GET /lab/a.csv", body=BYTES[5:9], content_range="bytes 5-8/220", **read)
    told = {"checksum_sha256": whole, "checksum_type": "FULL_OBJECT"}
    answers.give("GET /lab/a.csv", body=BYTES, **{**read, "status": 200}, **told)
    answers.give("GET /lab/a.csv", body=b"other", etag='"0f"', version_id="v2")
    ranges = "for n in ('0-4', '5-8'): client.get_object(Bucket='lab', Key='a.csv', Range='bytes=' + n)\n"
    read = "print(len(client.get_object(Bucket='lab', Key='a.csv')['Body'].read()))"
    launched(ranges + read, options=["--in", "s3://lab/a.csv", "--in", "local.csv"])
    launched(read, "later")
    [one], made, _ = objects(workspace)
    assert answers.asked == ["GET /lab/a.csv"] * 4
    assert (made, one["size"], one["version_id"]) == ([], 220, "v1")
    assert one["digest"] == f"etag:{MD5}"
    assert (one["checksum.sha256"], one["checksum_type"]) == (whole, "FULL_OBJECT")
    assert one["witness"] == ("botocore", "declared")
    assert one["endpoint"] == answers.url.removeprefix("http://")
    assert objects(workspace, "later")[0][0]["version_id"] == "v2"
    with stored(workspace) as opened:
        # By the checksum of all its bytes it is the local file, whatever its etag looks like.
        alike = {node.label.partition("@")[0] for node in opened.impact("local.csv").nodes}
    assert "a.csv" in alike


def test_what_the_answers_do_not_tell_is_not_known(workspace, answers, launched):
    answers.give("GET /lab/suspended.csv", body=BYTES, version_id="null", etag='"ab"')
    answers.give("GET /lab/plain.csv", body=BYTES, etag='"cd-2"')
    answers.give("GET /lab/bare.csv", body=BYTES)
    launched(
        "for key in ('suspended.csv', 'plain.csv', 'bare.csv'):\n"
        "    client.get_object(Bucket='lab', Key=key)"
    )
    read, _, _ = objects(workspace)
    told = {one["name"]: (one["kind"], one.get("version_id"), one.get("digest")) for one in read}
    assert told == {
        "suspended.csv": ("DatasetVersion", "null", "etag:ab"),
        "plain.csv": ("DatasetVersion", None, "etag:cd-2"),
        "bare.csv": ("Dataset", None, None),
    }
    assert not [name for one in read for name in one if name.startswith("checksum")]


def test_a_reading_that_fails_or_has_nothing_new_is_none(workspace, answers, launched):
    answers.give("GET /lab/same.csv", 304, etag='"ab"', version_id="v1")
    answers.give("GET /lab/closed.csv", 403, b"<Error><Code>AccessDenied</Code></Error>")
    out = launched(
        "for key, more in (('none.csv', {}), ('closed.csv', {}), ('same.csv', {'IfNoneMatch': 'ab'})):\n"
        "    try: client.get_object(Bucket='lab', Key=key, **more)\n"
        "    except Exception as error: print(error.response['Error']['Code'])"
    )
    assert out == "NoSuchKey\nAccessDenied\n304\n"
    assert objects(workspace)[:2] == ([], [])


def test_any_key_is_a_name(workspace, answers, launched):
    keys = ["a b.csv", "a%20b.csv", "a\nb.csv", "a?b#c.csv", "é/ü.csv", "x@y/z.csv"]
    for number, path in enumerate(
        [
            "a%20b.csv",
            "a%2520b.csv",
            "a%0Ab.csv",
            "a%3Fb%23c.csv",
            "%C3%A9/%C3%BC.csv",
            "x%40y/z.csv",
        ]
    ):
        answers.give(f"GET /lab/{path}", body=BYTES, etag=f'"{number}"')
    launched(f"for key in {keys!r}: client.get_object(Bucket='lab', Key=key)")
    read, _, _ = objects(workspace)
    assert {one["name"]: one["digest"] for one in read} == {
        key: f"etag:{number}" for number, key in enumerate(keys)
    }


UPLOADED = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COMPLETED = (
    b"<CompleteMultipartUploadResult><Key>big.bin</Key><ETag>&quot;ff-1&quot;</ETag>"
    b"<ChecksumCRC32>QlVudg==-1</ChecksumCRC32><ChecksumType>COMPOSITE</ChecksumType>"
    b"</CompleteMultipartUploadResult>"
)
WRITES = """
client.put_object(Bucket="lab", Key="out.csv", Body=b"x" * 100)
client.get_object(Bucket="lab", Key="out.csv")
upload = client.create_multipart_upload(Bucket="lab", Key="big.bin")["UploadId"]
part = client.upload_part(Bucket="lab", Key="big.bin", UploadId=upload, PartNumber=1, Body=b"y" * 100)
client.complete_multipart_upload(
    Bucket="lab", Key="big.bin", UploadId=upload,
    MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
)
client.put_object(Bucket="lab", Key="a b.tmp", Body=b"z" * 100)
client.copy_object(Bucket="lab", Key="final.csv", CopySource="lab/a b.tmp")
client.copy_object(Bucket="lab", Key="other.csv", CopySource={"Bucket": "raw", "Key": "in put.csv"})
client.delete_object(Bucket="lab", Key="a b.tmp")
for again in range(2):
    client.put_object(Bucket="plain", Key="last.bin", Body=b"w" * 100)
client.delete_object(Bucket="plain", Key="last.bin")
client.put_object(Bucket="plain", Key="last.bin", Body=b"w" * 100)
"""


def test_an_output_is_the_version_that_the_writing_made(workspace, answers, launched):
    for verb in ("PUT", "GET"):
        answers.give(f"{verb} /lab/out.csv", etag='"aa"', version_id="w1")
    answers.give("POST /lab/big.bin?uploads", body=UPLOADED)
    answers.give("PUT /lab/big.bin?uploadId=u&partNumber=1", etag='"ee"')
    answers.give("POST /lab/big.bin?uploadId=u", body=COMPLETED, version_id="w2")
    answers.give("PUT /lab/a%20b.tmp", etag='"bb"', version_id="w3")
    answers.give("DELETE /lab/a%20b.tmp", 204, version_id="mark")
    for etag in ("c1", "c2"):
        answers.give("PUT /plain/last.bin", etag=f'"{etag}"')
    answers.give("DELETE /plain/last.bin", 204)
    copied = b"<CopyObjectResult><ETag>&quot;bb&quot;</ETag></CopyObjectResult>"
    answers.give("PUT /lab/final.csv", body=copied, version_id="w4", copy_source_version_id="w3")
    answers.give("PUT /lab/other.csv", body=copied, version_id="w5", copy_source_version_id="r 1")
    launched(WRITES, options=["--out", "s3://lab/out.csv"])
    read, made, _ = objects(workspace)
    assert {one["name"]: (one.get("version_id"), one["digest"]) for one in made} == {
        "last.bin": (None, "etag:c2"),
        "out.csv": ("w1", "etag:aa"),
        "big.bin": ("w2", "etag:ff-1"),
        "final.csv": ("w4", "etag:bb"),
        "other.csv": ("w5", "etag:bb"),
    }
    # What it had written itself is no input, and of what was copied only the version is told.
    assert [(one["name"], one["digest"]) for one in read] == [("in put.csv", "version_id:r%201")]
    [big] = [one for one in made if one["name"] == "big.bin"]
    assert (big["checksum.crc32"], big["checksum_type"]) == ("QlVudg==-1", "COMPOSITE")
    [out] = [one for one in made if one["name"] == "out.csv"]
    assert out["witness"] == ("botocore", "declared")


def test_a_prefix_is_the_objects_that_were_read_below_it_as_dvc_knows_them(
    workspace, project, answers, launched
):
    listed = {"a.csv": ("aa", "v1"), "in/b.csv": ("bb", "v2")}
    for key, (etag, version) in {**listed, "../aside.csv": ("cc", "v3")}.items():
        path = f"/lab/data/{key}" if key in listed else "/lab/aside.csv"
        answers.give(f"GET {path}", body=BYTES, etag=f'"{etag}"', version_id=version)
    launched(
        "for key in ('data/a.csv', 'data/in/b.csv', 'aside.csv'): client.get_object(Bucket='lab', Key=key)",
        options=["--in", "s3://lab/data/"],
    )
    files = [
        {"relpath": key, "size": len(BYTES), "etag": etag, "version_id": version}
        for key, (etag, version) in listed.items()
    ]
    said = {
        "deps": [{"path": "s3://lab/data", "files": files}],
        "outs": [{"path": "d", "files": files}],
    }
    project.commit("import", {"d.dvc": yaml.safe_dump({"frozen": True, **said})})
    subprocess.run([*LINEAGE, "import", str(project.path)], check=True, capture_output=True)
    read, _, told = objects(workspace)
    [folder] = [one for one in read if one["name"] == "data"]
    assert (folder["files"], folder["size"], folder["witness"]) == (2, 2 * len(BYTES), "declared")
    assert told["read_not_declared"] == "s3://lab/aside.csv"
    with stored(workspace) as opened:
        effects = {node.label for node in opened.impact(folder["id"]).nodes}
        members = {node.label for node in opened.trace(folder["id"]).nodes}
    assert {"x", "d@" + folder["digest"].partition(":")[2][:8]} <= effects
    assert {"data/a.csv@aa", "data/in/b.csv@bb"} <= members


MANY = """
import io
from botocore.awsrequest import AWSResponse

def answer(request, **given):
    key = request.url.rpartition("/")[2]
    told = {"ETag": '"' + key + '"', "Content-Length": "9"}
    return AWSResponse(request.url, 200, told, io.BytesIO(b"x" * 9))

client.meta.events.register("before-send.s3.GetObject", answer)
for number in range(10_001): client.get_object(Bucket="lab", Key=f"many/{number}")
"""


@pytest.mark.deep
def test_where_the_objects_of_a_prefix_were_cut_is_said(workspace, launched):
    launched(MANY, options=["--in", "s3://lab/many/"])
    _, _, told = objects(workspace)
    with stored(workspace) as opened:
        kinds = opened.stats().kinds
    assert "more objects: of each process only the first 10,000 are told" in told["not_observed"]
    # No version of the prefix is claimed: not all that is in it is known.
    assert (kinds["DatasetVersion"], kinds["Dataset"]) == (10_000, 10_001)


INSIDE = """
import pickle, inspect
before = type(client).get_object, client.get_object.__doc__
import lineage
with lineage.run("x"):
    looked = botocore.client.BaseClient._make_api_call
    answer = client.get_object(Bucket="lab", Key="a.csv")
print(type(answer).__name__, sorted(answer), type(answer["Body"]).__name__, len(answer["Body"].read()))
print(inspect.signature(looked), pickle.loads(pickle.dumps(looked)) is looked, looked.__qualname__)
print(before == (type(client).get_object, client.get_object.__doc__))
client.get_object(Bucket="lab", Key="after.csv")
"""


def test_a_client_that_was_there_before_is_seen_and_behaves_as_it_did(workspace, answers):
    for key in ("a.csv", "after.csv"):
        answers.give(f"GET /lab/{key}", body=BYTES, etag='"aa"')
    (workspace / "program.py").write_text(CLIENT + INSIDE)
    outs = {}
    for disabled in ("0", "1"):
        environ = {**os.environ, "LINEAGE_DISABLED": disabled}
        words = [sys.executable, "program.py"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)
        assert (done.returncode, done.stderr) == (0, "")
        outs[disabled] = done.stdout
    assert outs["0"] == outs["1"]
    read, _, _ = objects(workspace)
    assert [one["name"] for one in read] == ["a.csv"]

# SPDX-License-Identifier: Apache-2.0
"""lineage convert: a PROV document in another format, without any store."""

from __future__ import annotations

import sys

import click

from lineage.cli import common, terminal


@click.command("convert")
@click.argument("source", metavar="FILE")
@click.option("--from", "from_", metavar="NAME", help="What it is; default: what it looks like.")
@click.option("--to", metavar="NAME", help="What it becomes; default: by the name of --out.")
@common.with_contexts
@click.option(
    "--out", "-o", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; default stdout."
)
def COMMAND(
    source: str, from_: str | None, to: str | None, out: str | None, contexts: dict[str, bytes]
) -> None:
    """Write a PROV document in another format; '-' reads stdin. What the other format cannot hold
    is said on stderr. Nothing that the document names is fetched.

    \b
    Example:
      lineage convert trace.provn --to turtle
      lineage convert theirs.ttl -o ours.json
    """
    from lineage import formats
    from lineage.errors import UnknownFormat
    from lineage.formats.document import Document
    from lineage.formats.prov_jsonld.contexts import inlined
    from lineage.spool import Text

    data = sys.stdin.buffer.read() if source == "-" else common.read(source)
    data = inlined(data, contexts, where=source)
    read = formats.named(from_) if from_ else formats.recognised(data, source)
    written = formats.named(to) if to else formats.for_file(out or "")
    if written is None:
        raise UnknownFormat(
            "it is not said what it shall become", hint="Name the format with --to."
        )
    batch = read.loads(data, source)
    if isinstance(written, formats.Streamed):
        # Whole before the first byte of it leaves.
        common.write(out, Text(written.pieces(Document.of(batch))))
    else:
        common.write(out, (written.dumps(batch),))
    for loss in (*batch.losses, *written.losses(batch)):
        terminal.echo(f"not in it: {loss.number} {loss.what}: {loss.reason}", err=True)

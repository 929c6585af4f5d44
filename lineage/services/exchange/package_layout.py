# SPDX-License-Identifier: Apache-2.0
"""The form of a package: the files in it, and what any document in one must hold to."""

from __future__ import annotations

from lineage import formats
from lineage.errors import BadInput, BadNamespace, Rejected
from lineage.model import check, constraints
from lineage.model.record import Batch
from lineage.services.exchange import identifiers
from lineage.sources import zip_reader

#: The statements themselves; what else is readable is a rendering of them.
BUNDLE = "bundle.prov.json"
TRIG, CRATE, README = "bundle.trig", "crate.zip", "README.txt"
#: That the export stands in the sender's ledger, and that the ledger only grew since the last one.
PROOF, GROWTH = "proof.tlog-proof", "growth.tlog-consistency"
#: The signed statement about all the others.
ENVELOPE = "envelope.dsse.json"
#: Files that a package may hold.
MOST_FILES = 16

EXPORTER, ADMITTER = "export", "package"
#: How the activities begin that stand for our own exports: they are nobody else's business.
EXPORTS = "urn:lineage:access:export/"

ABOUT = f"""\
A package of lineage, made by 'lineage export --for'.

{BUNDLE}     what is said, in PROV-JSON: these bytes are the truth
{TRIG}          the same in PROV-O (RDF), for reading; where they differ, {BUNDLE} is right
{CRATE}            the same as an RO-Crate, where it was asked for; a rendering too
{PROOF}     that this export is an entry of the sender's ledger (C2SP tlog-proof)
{GROWTH}   that the ledger only grew since the package before (not in the first)
{ENVELOPE}   who sends what to whom: an in-toto statement with the digest of every
                     file, under a signature (DSSE). Nothing here is to be trusted before
                     'lineage import' has verified it.
"""


def looks_like(data: bytes) -> bool:
    """Whether some bytes are meant as a package, sound or not."""
    return data.startswith(zip_reader.MAGIC) and ENVELOPE.encode() in data


def document(data: bytes) -> Batch:
    """Read the document of a package. Raises ``BadInput``, ``LimitExceeded``."""
    return formats.named("json").loads(data, BUNDLE)


def demand_sound(batch: Batch) -> None:
    """Raise ``Rejected`` or ``BadNamespace`` unless a document may cross: by the model, by
    PROV-CONSTRAINTS, and with identifiers that have one spelling.
    """
    if found := identifiers.first_fault(batch):
        ident, why = found
        raise BadNamespace(f"{ident[:200]!r} cannot be let across: it {why}", where=BUNDLE)
    check.demand(batch)
    report = constraints.inspect(batch)
    if not report.valid:
        first = report.findings[0]
        more = f" (and {report.total - 1} more findings)" if report.total > 1 else ""
        hint = "PROV-CONSTRAINTS says why; 'lineage validate' shows the steps."
        raise Rejected(f"{first.code}: {first.message}{more}", where=first.subject, hint=hint)


def text(data: bytes, name: str) -> str:
    """Read a file of the package as text. Raises ``BadInput``."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8", where=name) from error

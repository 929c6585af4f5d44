# SPDX-License-Identifier: Apache-2.0
"""Every error a user can meet: one family, each with a stable code, what, where, and the next step."""

from __future__ import annotations

#: The exit code of what may succeed later without anything being changed (EX_TEMPFAIL of sysexits.h).
TEMPORARY = 75
#: The exit code of what Ctrl-C ended: 128 and the number of SIGINT, as shells have it.
STOPPED = 130


class LineageError(Exception):
    """The base of every error; by itself, a failure that no other class names.

    ``code`` never changes between releases; ``status`` is the HTTP status, ``exit_code`` the exit
    code of the command (0 ok, 1 failed, 2 bad input, 3 not found, 4 findings, 5 denied,
    75 temporary, 130 stopped). ``retry_after`` is in how many seconds asking again may help (``Retry-After``),
    where that is known.
    """

    code: str = "failed"
    status: int = 500
    exit_code: int = 1
    hint: str = "Run the command again with --debug to see where it failed."
    retry_after: int | None = None

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        status: int | None = None,
        exit_code: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """What a subclass says of itself; the rest is as its base has it."""
        super().__init_subclass__()
        cls.code = cls.code if code is None else code
        cls.status = cls.status if status is None else status
        cls.exit_code = cls.exit_code if exit_code is None else exit_code
        cls.retry_after = cls.retry_after if retry_after is None else retry_after

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        if hint is not None:
            self.hint = hint
        if retry_after is not None:
            self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.what} ({self.where})" if self.where else self.what

    def to_dict(self) -> dict[str, str | int | None]:
        """The error as the JSON that every interface shows."""
        return {
            "code": self.code,
            "message": self.what,
            "where": self.where,
            "hint": self.hint,
            "status": self.status,
            "retry_after": self.retry_after,
        }

    def to_caller(self) -> dict[str, str | int | None]:
        """The same for whoever asks a server: where the server itself failed, ``where`` is a path
        or an address that is not theirs to see, and is left out.
        """
        return self.to_dict() if self.status < 500 else {**self.to_dict(), "where": None}


class BadInput(LineageError, code="bad-input", status=400, exit_code=2):
    """A source or document cannot be read as what it claims to be."""

    hint = "Check that the file is complete and of the format named."


class InputMissing(BadInput, code="input-missing", status=404):
    """The file or address does not exist or cannot be opened."""

    hint = "Check the path and its permissions."


class InputTruncated(BadInput, code="input-truncated"):
    """The input ends in the middle of a value."""

    hint = "The file ends too early: copy it again, then run the same command."


class InputStalled(BadInput, code="input-stalled"):
    """What reads the source waits for something that does not come, such as a pipe for a file."""

    hint = "Check that the source holds files only, and that its disk or network answers."


class EndpointMissing(BadInput, code="endpoint-missing", status=404):
    """The server that is read as a source does not offer what was asked for."""

    hint = "Check the address: another service may answer there, or an older release of it."


class UnknownFormat(BadInput, code="unknown-format", status=415):
    """No importer or format recognises the input."""

    hint = "Check that it is what was meant, and complete."


class InputTooNew(BadInput, code="input-too-new"):
    """The input was written by a newer version of its tool than this one knows."""

    hint = "Install a newer lineagedb, or export from the tool in an older schema."


class LimitExceeded(BadInput, code="limit-exceeded", status=413):
    """The input is larger or deeper than the limit that keeps a reader from being overrun."""

    hint = "Split the input into smaller parts."


class Rejected(BadInput, code="rejected", status=422):
    """A batch breaks a rule of the model; nothing of it was written."""

    hint = "Mend the statements named and import again; nothing was written."


class BadQuery(LineageError, code="bad-query", status=400, exit_code=2):
    """A query (a selection, GraphQL, SPARQL) cannot be understood, or asks for what is not answered."""

    hint = "docs/reference/selection.md, docs/reference/graphql.md and docs/reference/server.md show the languages with examples."


class PersistedQueryNotSupported(BadQuery, code="persisted-query-not-supported"):
    """A request names a query of GraphQL by its digest alone. The answer says the code as Apollo and
    urql know it, PERSISTED_QUERY_NOT_SUPPORTED; they send the query itself then.
    """

    hint = "Send the query itself: none is kept by its digest."


class BadCursor(LineageError, code="bad-cursor", status=400, exit_code=2):
    """A cursor is none of ours, or of another query."""

    hint = "Use the cursor of the page before with the same query, or start without one."


class BadReference(LineageError, code="bad-reference", status=400, exit_code=2):
    """A reference that people type does not have the form of one."""

    hint = "References look like model:fraud@v3, run:ab12, commit:HEAD~2, sha256:..., or an IRI."


class NotFound(LineageError, code="not-found", status=404, exit_code=3):
    """Nothing in the store is called so."""

    hint = "'lineage find TEXT' searches labels and identifiers."


class Ambiguous(LineageError, code="ambiguous", status=409, exit_code=3):
    """A reference names more than one thing."""

    hint = "Use one of the identifiers listed."


class StoreMissing(LineageError, code="store-missing", status=404, exit_code=3):
    """There is no store at the address."""

    hint = "Run 'lineage init' in your project, or name a store with --store."


class StoreBusy(LineageError, code="store-busy", status=503, exit_code=TEMPORARY, retry_after=1):
    """Another writer holds the store for longer than the time allowed to wait."""

    hint = "Another process is writing. Run the command again when it has finished."


class StoreFull(LineageError, code="store-full", status=507, exit_code=TEMPORARY):
    """The disk under the store has no room left; the store is as it was."""

    hint = "Free some space and run the command again; nothing was half-written."


class StoreReadOnly(LineageError, code="store-read-only", status=503, exit_code=1):
    """The store can be read and not written: its file, its folder or its file system does not let us."""

    hint = "Write to a copy of it: lineage copy STORE NEW.db; or change who may write to the file."


class StoreUnreachable(
    LineageError, code="store-unreachable", status=503, exit_code=TEMPORARY, retry_after=1
):
    """The database server does not answer."""

    hint = "Check that the server runs and that the address and credentials are right."


class StoreDamaged(LineageError, code="store-damaged", status=500, exit_code=1):
    """The store's file or graph cannot be read as a store."""

    hint = "Run 'lineage verify' to see what changed, then restore a copy or 'lineage rebuild'."


class StoreUnfinished(LineageError, code="store-unfinished", status=503, exit_code=1):
    """Work on the whole store was begun and has not ended: it cannot be answered from until then."""

    hint = "Wait for it to end; where nobody works on it any more, give the same command again."


class CopyDiffers(LineageError, code="copy-differs", status=500, exit_code=1):
    """A copy of a store does not have the root of its source."""

    hint = "Run 'lineage verify' on both stores; do not use the copy."


class StoreTooNew(LineageError, code="store-too-new", status=409, exit_code=2):
    """The store has a newer layout than this version understands."""

    hint = "Install the newer lineagedb that wrote it; this version changed nothing."


class Denied(LineageError, code="denied", status=403, exit_code=5):
    """Whoever asks is known, and may not do this."""

    hint = "Ask whoever runs the store or server for the rights that it takes."


class Unauthenticated(LineageError, code="unauthenticated", status=401, exit_code=5):
    """Nobody knows who is calling: there is no token, or it opens nothing."""

    hint = (
        "Set LINEAGE_TOKEN to a token of this server; other programs send 'Authorization: Bearer "
        "TOKEN', browsers the token as the password."
    )


class Untrusted(LineageError, code="untrusted", status=403, exit_code=5):
    """What a partner sent is not what the trust file lets in; nothing of it was taken."""

    hint = "Nothing was taken. Ask the partner to export again, and compare keys by another way."


class BadSignature(Untrusted, code="bad-signature"):
    """No key that is pinned for the partner signed these bytes."""

    hint = "Compare the partner's key with the one in the trust file; ask for it by another way."


class WrongAudience(Untrusted, code="wrong-audience"):
    """The package was made for somebody else."""

    hint = "Ask the partner for a package that names you as its audience."


class Expired(Untrusted, code="expired"):
    """The package is older than its sender lets it be used."""

    hint = "Ask the partner to export again."


class NotYetValid(Untrusted, code="not-yet-valid"):
    """The package says that it was made in the future."""

    hint = "Check the clocks on both sides, then import again."


class WrongSequence(Untrusted, code="wrong-sequence"):
    """The package does not follow the one taken last: a replay, or one between is missing."""

    hint = "Import the partner's packages in their order, each once."


class DigestMismatch(Untrusted, code="digest-mismatch"):
    """A file or entry is not the one that was signed."""

    hint = "The package was damaged or changed on its way: fetch it again."


class ForkedLog(Untrusted, code="forked-log"):
    """The partner's log is not a continuation of the log it showed before."""

    hint = "The partner's history was rewritten or restored: ask, before you trust the new one."


class BadNamespace(Untrusted, code="bad-namespace"):
    """A partner describes what only somebody else may describe."""

    hint = "The trust file lists the namespaces that a partner may define."


class TimedOut(LineageError, code="timed-out", status=503, exit_code=TEMPORARY, retry_after=1):
    """An answer would take longer than one request may."""

    hint = "Ask for less at a time: fewer hops, a limit, a narrower selection."


class IdempotencyKeyReused(LineageError, code="idempotency-key-reused", status=409, exit_code=2):
    """An idempotency key was used before, for something else."""

    hint = "Use a new key for new content; repeat a call only as it was."


class RateLimited(
    LineageError, code="rate-limited", status=429, exit_code=TEMPORARY, retry_after=1
):
    """The caller had the server read more new queries than its share, or sent more requests than its
    token may.
    """

    hint = "Keep the text of queries as it is and send what changes as variables."


class ServerBusy(LineageError, code="server-busy", status=503, exit_code=TEMPORARY, retry_after=1):
    """The server has as many connections as it may have, and none of them only waits."""

    hint = "Ask again in a moment."


class TooFewDescriptors(LineageError, code="too-few-descriptors", status=503, exit_code=TEMPORARY):
    """The system lets the process open too few files."""

    hint = "Let it open more ('ulimit -n 1024'), or close what else it has open."


class WrongHost(LineageError, code="wrong-host", status=421, exit_code=5):
    """The request names a host that this server is not: a rebound DNS name, or a missing option."""

    hint = "Start the server with --allow-host NAME for the name that you use."


class MethodNotAllowed(BadInput, code="method-not-allowed", status=405):
    """What was asked for is not answered to this HTTP method."""

    hint = "Send mutations by POST, and subscriptions over graphql-transport-ws."


class NotAcceptable(LineageError, code="not-acceptable", status=406, exit_code=2):
    """None of the formats that the client would take is one of ours."""

    hint = "Name a media type that the address answers with; /openapi.json lists them."


class RequestTimeout(LineageError, code="request-timeout", status=408, exit_code=TEMPORARY):
    """The client did not send its request in time."""

    hint = "Send the whole request at once, then wait for the answer."


class MissingExtra(LineageError, code="missing-extra", status=501, exit_code=2):
    """An optional part of the package is not installed."""

    hint = "Install the package that the message names; docs/reference/install.md lists the extras."


class NotRecorded(LineageError, code="not-recorded"):
    """A run cannot be recorded, and somebody asked that it be (``lineage run --strict``)."""

    hint = "Make what is named possible, or leave out --strict: the program then runs without its record."


class NotReproducible(LineageError, code="not-reproducible"):
    """A run cannot be done again here: something that it takes is missing, or it would write over what is there."""

    hint = "'lineage reproduce RUN' says of each part whether it can be had, and where from."


class Usage(LineageError, code="usage", status=400, exit_code=2):
    """The command or call was given arguments that do not fit together."""

    hint = "See the help of the command or method."


class Stopped(LineageError, code="stopped", exit_code=STOPPED):
    """Somebody stopped the command, as with Ctrl-C."""

    hint = "Run the same command again."


class ServerError(LineageError, code="server-error"):
    """A server reports an error that this version has no class for.

    ``code`` and ``status`` of the error are then the server's own, and the exit code follows from
    the status.
    """

    hint = "Install the lineagedb that the server has; it knows this error."


def every() -> tuple[type[LineageError], ...]:
    """Every class of error, in the order of this page."""
    kinds = (kind for kind in globals().values() if isinstance(kind, type))
    return tuple(kind for kind in kinds if issubclass(kind, LineageError))

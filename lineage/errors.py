# SPDX-License-Identifier: Apache-2.0
"""Every error a user can meet: one family, each with a stable code, what, where, and the next step."""

from __future__ import annotations

#: The exit code of what may succeed later without anything being changed (EX_TEMPFAIL of sysexits.h).
TEMPORARY = 75


class LineageError(Exception):
    """The base of every error; by itself, a failure that no other class names.

    ``code`` never changes between releases; ``status`` is the HTTP status, ``exit_code`` the exit
    code of the command (0 ok, 1 failed, 2 bad input, 3 not found, 4 findings, 5 denied,
    75 temporary). ``retry_after`` is in how many seconds asking again may help (``Retry-After``),
    where that is known.
    """

    code: str = "failed"
    status: int = 500
    exit_code: int = 1
    hint: str = "Run the command again with --debug to see where it failed."
    retry_after: int | None = None

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
        """The error as the JSON that every face shows."""
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


class BadInput(LineageError):
    """A source or document cannot be read as what it claims to be."""

    code, status, exit_code = "bad-input", 400, 2
    hint = "Check that the file is complete and of the format named."


class InputMissing(BadInput):
    """The file or address does not exist or cannot be opened."""

    code, status = "input-missing", 404
    hint = "Check the path and its permissions."


class InputTruncated(BadInput):
    """The input ends in the middle of a value."""

    code = "input-truncated"
    hint = "The file ends too early: copy it again, then run the same command."


class InputStalled(BadInput):
    """What reads the source waits for something that does not come, such as a pipe for a file."""

    code = "input-stalled"
    hint = "Check that the source holds files only, and that its disk or network answers."


class EndpointMissing(BadInput):
    """The server that is read as a source does not offer what was asked for."""

    code, status = "endpoint-missing", 404
    hint = "Check the address: another service may answer there, or an older release of it."


class UnknownFormat(BadInput):
    """No importer or format recognises the input."""

    code, status = "unknown-format", 415
    hint = "Check that it is what was meant, and complete."


class InputTooNew(BadInput):
    """The input was written by a newer version of its tool than this one knows."""

    code = "input-too-new"
    hint = "Install a newer lineagedb, or export from the tool in an older schema."


class LimitExceeded(BadInput):
    """The input is larger or deeper than the limit that keeps a reader from being overrun."""

    code, status = "limit-exceeded", 413
    hint = "Split the input into smaller parts."


class Rejected(BadInput):
    """A batch breaks a rule of the model; nothing of it was written."""

    code, status = "rejected", 422
    hint = "Mend the statements named and import again; nothing was written."


class BadQuery(LineageError):
    """A query (a selection, GraphQL, SPARQL) cannot be understood, or asks for what is not answered."""

    code, status, exit_code = "bad-query", 400, 2
    hint = "docs/selection.md, docs/graphql.md and docs/server.md show the languages with examples."


class BadCursor(LineageError):
    """A cursor is none of ours, or of another query."""

    code, status, exit_code = "bad-cursor", 400, 2
    hint = "Use the cursor of the page before with the same query, or start without one."


class BadReference(LineageError):
    """A reference that people type does not have the form of one."""

    code, status, exit_code = "bad-reference", 400, 2
    hint = "References look like model:fraud@v3, run:ab12, commit:HEAD~2, sha256:..., or an IRI."


class NotFound(LineageError):
    """Nothing in the store is called so."""

    code, status, exit_code = "not-found", 404, 3
    hint = "'lineage find TEXT' searches labels and identifiers."


class Ambiguous(LineageError):
    """A reference names more than one thing."""

    code, status, exit_code = "ambiguous", 409, 3
    hint = "Use one of the identifiers listed."


class StoreMissing(LineageError):
    """There is no store at the address."""

    code, status, exit_code = "store-missing", 404, 3
    hint = "Run 'lineage init' in your project, or name a store with --store."


class StoreBusy(LineageError):
    """Another writer holds the store for longer than the time allowed to wait."""

    code, status, exit_code = "store-busy", 503, TEMPORARY
    hint = "Another process is writing. Run the command again when it has finished."
    retry_after = 1


class StoreFull(LineageError):
    """The disk under the store has no room left; the store is as it was."""

    code, status, exit_code = "store-full", 507, TEMPORARY
    hint = "Free some space and run the command again; nothing was half-written."


class StoreUnreachable(LineageError):
    """The database server does not answer."""

    code, status, exit_code = "store-unreachable", 503, TEMPORARY
    hint = "Check that the server runs and that the address and credentials are right."
    retry_after = 1


class StoreDamaged(LineageError):
    """The store's file or graph cannot be read as a store."""

    code, status, exit_code = "store-damaged", 500, 1
    hint = "Run 'lineage verify' to see what changed, then restore a copy or 'lineage rebuild'."


class CopyDiffers(LineageError):
    """A copy of a store does not have the root of its source."""

    code, status, exit_code = "copy-differs", 500, 1
    hint = "Run 'lineage verify' on both stores; do not use the copy."


class StoreTooNew(LineageError):
    """The store has a newer layout than this version understands."""

    code, status, exit_code = "store-too-new", 409, 2
    hint = "Install the newer lineagedb that wrote it; this version changed nothing."


class Denied(LineageError):
    """Whoever asks is known, and may not do this."""

    code, status, exit_code = "denied", 403, 5
    hint = "Ask whoever runs the store or server for the rights that it takes."


class Unauthenticated(LineageError):
    """Nobody knows who is calling: there is no token, or it opens nothing."""

    code, status, exit_code = "unauthenticated", 401, 5
    hint = (
        "Set LINEAGE_TOKEN to a token of this server; other programs send 'Authorization: Bearer "
        "TOKEN', browsers the token as the password."
    )


class Untrusted(LineageError):
    """What a partner sent is not what the trust file lets in; nothing of it was taken."""

    code, status, exit_code = "untrusted", 403, 5
    hint = "Nothing was taken. Ask the partner to export again, and compare keys by another way."


class BadSignature(Untrusted):
    """No key that is pinned for the partner signed these bytes."""

    code = "bad-signature"
    hint = "Compare the partner's key with the one in the trust file; ask for it by another way."


class WrongAudience(Untrusted):
    """The package was made for somebody else."""

    code = "wrong-audience"
    hint = "Ask the partner for a package that names you as its audience."


class Expired(Untrusted):
    """The package is older than its sender lets it be used."""

    code = "expired"
    hint = "Ask the partner to export again."


class NotYetValid(Untrusted):
    """The package says that it was made in the future."""

    code = "not-yet-valid"
    hint = "Check the clocks on both sides, then import again."


class WrongSequence(Untrusted):
    """The package does not follow the one taken last: a replay, or one between is missing."""

    code = "wrong-sequence"
    hint = "Import the partner's packages in their order, each once."


class DigestMismatch(Untrusted):
    """A file or entry is not the one that was signed."""

    code = "digest-mismatch"
    hint = "The package was damaged or changed on its way: fetch it again."


class ForkedLog(Untrusted):
    """The partner's log is not a continuation of the log it showed before."""

    code = "forked-log"
    hint = "The partner's history was rewritten or restored: ask, before you trust the new one."


class BadNamespace(Untrusted):
    """A partner describes what only somebody else may describe."""

    code = "bad-namespace"
    hint = "The trust file lists the namespaces that a partner may define."


class TimedOut(LineageError):
    """An answer would take longer than one request may."""

    code, status, exit_code = "timed-out", 503, TEMPORARY
    hint = "Ask for less at a time: fewer hops, a limit, a narrower selection."
    retry_after = 1


class IdempotencyKeyReused(LineageError):
    """An idempotency key was used before, for something else."""

    code, status, exit_code = "idempotency-key-reused", 409, 2
    hint = "Use a new key for new content; repeat a call only as it was."


class RateLimited(LineageError):
    """The caller had the server read more new queries than its share."""

    code, status, exit_code = "rate-limited", 429, TEMPORARY
    hint = "Keep the text of queries as it is and send what changes as variables."
    retry_after = 1


class WrongHost(LineageError):
    """The request names a host that this server is not: a rebound DNS name, or a missing option."""

    code, status, exit_code = "wrong-host", 421, 5
    hint = "Start the server with --allow-host NAME for the name that you use."


class MethodNotAllowed(BadInput):
    """What was asked for is not answered to this HTTP method."""

    code, status = "method-not-allowed", 405
    hint = "Send mutations by POST, and subscriptions over graphql-transport-ws."


class NotAcceptable(LineageError):
    """None of the formats that the client would take is one of ours."""

    code, status, exit_code = "not-acceptable", 406, 2
    hint = "Name a media type that the address answers with; /openapi.json lists them."


class RequestTimeout(LineageError):
    """The client did not send its request in time."""

    code, status, exit_code = "request-timeout", 408, TEMPORARY
    hint = "Send the whole request at once, then wait for the answer."


class MissingExtra(LineageError):
    """An optional part of the package is not installed."""

    code, status, exit_code = "missing-extra", 501, 2
    hint = "Install the package that the message names; README.md lists the extras."


class Usage(LineageError):
    """The command or call was given arguments that do not fit together."""

    code, status, exit_code = "usage", 400, 2
    hint = "See --help of the command."


class ServerError(LineageError):
    """A server reports an error that this version has no class for.

    ``code`` and ``status`` of the error are then the server's own, and the exit code follows from
    the status.
    """

    code = "server-error"
    hint = "Install the lineagedb that the server has; it knows this error."


def every() -> tuple[type[LineageError], ...]:
    """Every class of error, in the order of this page."""
    kinds = (kind for kind in globals().values() if isinstance(kind, type))
    return tuple(kind for kind in kinds if issubclass(kind, LineageError))

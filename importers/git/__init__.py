# SPDX-License-Identifier: Apache-2.0
"""Imports git history: commits, their authors and branches, and what finds a commit again."""

from __future__ import annotations

from collections.abc import Iterator

from importers.base import Importer, Options, Source
from importers.git.history import POSITION, History
from lineage.errors import BadInput
from lineage.model.record import Batch, Node, Record
from lineage.sources.git import layout
from lineage.sources.git.reader import GitReader


class GitImporter(Importer):
    """Reads the history of a repository through git's plumbing; nothing in it is ever run."""

    name = "git"
    summary = "History of a git repository: commits, authors, branches (a folder, bare or not)."

    def sniffs(self, source: Source) -> bool:
        """Whether the source is a folder with a repository in it."""
        return source.path is not None and layout.looks(source.path)

    def read(self, source: Source, options: Options) -> Iterator[Batch]:
        """Yield commits with their people, newest first, then what was counted and lost.

        Raises ``InputMissing``, ``BadInput``, ``InputTooNew``, ``BadReference``, ``MissingExtra``.
        """
        if source.path is None:
            raise BadInput(
                f"{source.address} is not a folder on this machine",
                where=source.address,
                hint="Run 'git clone' first, then import the clone.",
            )
        try:
            with GitReader.open(source.path) as repository:
                yield from History(repository, options).batches()
        except OSError as error:
            message = f"reading it failed: {error.strerror or error}"
            hint = "Check that git can be run and that the temporary folder has room."
            raise BadInput(message, where=source.address, hint=hint) from error

    def lasting(self, record: Record) -> bool:
        """Commits, parents and people stay true; where branches point does not."""
        return not (isinstance(record, Node) and record.attributes.keys() <= POSITION)


IMPORTER = GitImporter()

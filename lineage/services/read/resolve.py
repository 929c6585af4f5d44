# SPDX-License-Identifier: Apache-2.0
"""Resolves short references: model:fraud@v3, run:ab12, sha256:..., any IRI."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from lineage import ids
from lineage.errors import Ambiguous, BadReference, NotFound
from lineage.model.kinds import WORDS
from lineage.query import condition as c
from lineage.services.context import Context
from lineage.store.base import NOW, Filter, Hop, Page, View
from lineage.store.rows import EdgeRow, NodeRow

_DIGESTS = {"sha256", "sha1", "md5", "git", "md5-dos2unix"}
#: Prefixes that identifiers of kinds begin with, where a part of the rest is enough.
_STEMS = {"commit": "swh:1:rev:"}
_COMMIT = frozenset({"Commit"})
_PARENTS = Hop(relations=frozenset({"parent"}))
_NEAREST = 3
_LOOKED_AT = 5_000
_LISTED = 10
#: Nodes of one name among which ours are looked for.
_MEANT = 1_000


def resolve(ctx: Context, reference: str, view: View = NOW) -> NodeRow:
    """Find the node that a reference means.

    Raises ``NotFound`` naming the nearest three, ``Ambiguous`` listing the candidates,
    ``BadReference`` for what is no reference at all.
    """
    text = reference.strip()
    if not text:
        raise BadReference("the reference is empty")
    if exact := ctx.store.get([_spelled(text)], view):
        return next(iter(exact.values()))
    word, colon, rest = text.partition(":")
    if colon and word.lower() in _DIGESTS:
        return _by_digest(ctx, text, view)
    kinds = WORDS.get(word.lower()) if colon else None
    if kinds is None:
        kinds, rest, word = (), text, ""
    if not rest:
        raise BadReference(f"{reference!r} names a kind and nothing of it")
    name = rest.strip("\"'")
    if word.lower() == "commit" and (found := _by_ref(ctx, name, view)):
        return found
    return _by_name(ctx, reference, word.lower(), name, kinds, view)


def _by_ref(ctx: Context, name: str, view: View) -> NodeRow | None:
    """A commit by tag, branch or HEAD, with git's ``~2`` and ``^`` for its first parents."""
    base = re.split(r"[~^]", name, maxsplit=1)[0]
    steps = re.findall(r"~(\d*)|(\^)", name[len(base) :])
    found = None
    for prefix in ("", "tags/", "heads/", "remotes/"):
        where = Filter(kinds=_COMMIT, also=c.Like("refs", prefix + base))
        if rows := ctx.store.find(where, Page(limit=1), view).rows:
            found = rows[0]
            break
    if found is None:
        if not steps:
            return None
        found = _by_name(ctx, f"commit:{base}", "commit", base, WORDS["commit"], view)
    for _ in range(sum(1 if caret else int(count or 1) for count, caret in steps)):
        parents = ctx.store.edges([found.id], _PARENTS, view)
        if not parents:
            raise NotFound(f"{name!r} goes back further than the history here")
        first = min(parents, key=_number).cause
        found = ctx.store.get([first], view)[first]
    return found


def _number(parent: EdgeRow) -> float:
    return c.number(parent.edge().attributes.get("number")) or 1


def _spelled(text: str) -> str:
    """Spellings of identifiers that people use, as the identifier."""
    if text.lower().startswith("orcid:"):
        return ids.orcid_id(text)
    if text.lower().startswith("doi:"):
        return "https://doi.org/" + text[4:]
    if re.fullmatch(r"(commit:)?[0-9a-f]{40}([0-9a-f]{24})?", text):
        return ids.commit_id(text.removeprefix("commit:"))
    return text


def _by_digest(ctx: Context, text: str, view: View) -> NodeRow:
    algorithm, _, digest = text.partition(":")
    stem = f"urn:lineage:content:{algorithm.lower()}:{digest.lower()}"
    found = ctx.store.find(Filter(prefix=stem), Page(limit=_LISTED), view).rows
    if not found:
        versions = Filter(text=f"@{algorithm.lower()}:{digest.lower()}")
        found = ctx.store.find(versions, Page(limit=_LISTED), view).rows
    return _only(text, found) if found else _missing(ctx, text, (), digest, view)


def _by_name(
    ctx: Context, reference: str, word: str, name: str, kinds: Sequence[str], view: View
) -> NodeRow:
    wanted = frozenset(kinds) or None
    found = ctx.store.find(Filter(kinds=wanted, label=name), Page(limit=_MEANT), view).rows
    if not found and word in _STEMS:
        stem = _STEMS[word] + name.lower()
        found = ctx.store.find(Filter(prefix=stem), Page(limit=_LISTED), view).rows
    if not found and name:
        page = Page(limit=_LOOKED_AT)
        rows = ctx.store.find(Filter(kinds=wanted, text=name), page, view).rows
        found = tuple(_best(rows, name))
    if not found:
        return _missing(ctx, reference, kinds, name, view)
    return _only(reference, _preferred(found, kinds))


def _preferred(found: Sequence[NodeRow], kinds: Sequence[str]) -> Sequence[NodeRow]:
    """Where names are equal, the first kind that a word stands for is meant."""
    for kind in kinds:
        if rows := [row for row in found if row.kind == kind]:
            return rows
    return found


def _best(rows: Iterable[NodeRow], name: str) -> list[NodeRow]:
    """Those that match best: by the end of the identifier, by its beginning, else by a part."""
    ranked: dict[int, list[NodeRow]] = {}
    for row in rows:
        ranked.setdefault(_rank(row, name.lower()), []).append(row)
    return ranked[min(ranked)] if ranked else []


def _rank(row: NodeRow, name: str) -> int:
    label, ident = (row.label or "").lower(), row.id.lower()
    tail = re.split(r"[/:#]", ident)[-1]
    if label == name:
        return 0
    if ident.endswith(("/" + name, ":" + name, "#" + name)):
        return 1
    if tail.startswith(name) or label.startswith(name):
        return 2
    return 3


def _only(reference: str, found: Sequence[NodeRow]) -> NodeRow:
    # What a partner says of a thing has its own identifier, and does not make ours doubtful.
    ours = [row for row in found if not row.id.startswith(ids.CLAIM)]
    if ours:
        found = ours
    if len(found) == 1:
        return found[0]
    listed = "\n".join(
        f"  {row.kind:<15} {ids.title(row.id, row.label)}  {row.id}" for row in found[:_LISTED]
    )
    more = f"\n  ... and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    message = f"{reference!r} may be any of {len(found)}:\n{listed}{more}"
    raise Ambiguous(message)


def _missing(ctx: Context, reference: str, kinds: Sequence[str], name: str, view: View) -> NodeRow:
    where = Filter(kinds=frozenset(kinds) or None)
    rows = ctx.store.find(where, Page(limit=_LOOKED_AT), view).rows
    near = nearest(name, (ids.title(row.id, row.label) for row in rows))
    hint = f"The nearest: {', '.join(near)}." if near else NotFound.hint
    raise NotFound(f"nothing here is called {reference!r}", hint=hint)


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Find the three names that look most like a given one."""
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name.lower())
    scored = []
    for other in dict.fromkeys(names):
        matcher.set_seq1(other.lower())
        if matcher.quick_ratio() > 0.3:
            scored.append((-matcher.ratio(), other))
    return [other for _, other in sorted(scored)[:_NEAREST]]

# SPDX-License-Identifier: Apache-2.0
"""Resolves short references: model:fraud@v3, run:ab12, sha256:..., any IRI."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import SequenceMatcher

from lineage import ids
from lineage.errors import Ambiguous, BadReference, NotFound
from lineage.model.kinds import WORDS
from lineage.paths import expanded
from lineage.query import condition as c
from lineage.query.condition import Condition
from lineage.query.plan import Called
from lineage.services.context import Context
from lineage.services.read import imported, known_gaps
from lineage.services.read.versions import at_head, newest, of_path, path_of, versions
from lineage.store.base import NOW, Filter, Hop, Page, View
from lineage.store.rows import EdgeRow, NodeRow

_DIGESTS = {"sha256", "sha1", "md5", "git", "md5-dos2unix"}
#: Digests that people mean as well: DVC 2 took the md5 of text with the line ends of Unix.
_ALSO = {"md5": "md5-dos2unix"}
_QUOTES = "\"'\u201c\u201d\u2018\u2019\u00ab\u00bb"
_HEAD = re.compile(r"HEAD(?:[~^]\d*)*")
#: Prefixes that identifiers of kinds begin with, where a part of the rest is enough.
_STEMS = {"commit": ids.REVISION}
_COMMIT = frozenset({"Commit"})
_PARENTS = Hop(relations=frozenset({"parent"}))
#: How many near names are told, and how like a name must be (0 to 1) to be near.
_NEAREST, _LIKE = 3, 0.6
#: Names that are looked at at once for those near, and letters of the begin or a part of a name.
_NEAR, _BEGIN, _PART = 200, 3, 5
_CODE = Hop(relations=frozenset({"used", "wasInfluencedBy"}))
_TELLING = ("status", "started", "committed", "version", "digest", "namespace")
_LOOKED_AT = 5_000
_LISTED = 10
#: Nodes of one name among which ours are looked for.
_MEANT = 1_000


def resolve(ctx: Context, reference: str, view: View = NOW) -> NodeRow:
    """Find the node that a reference means.

    Raises ``NotFound`` naming what is near, ``Ambiguous`` listing the candidates with what tells them
    apart, ``BadReference`` for what is no reference at all.
    """
    name, found = _candidates(ctx, reference, view)
    if len(found) > 1 and (one := at_head(ctx, found, name, view)) is not None:
        return one
    return _only(ctx, reference, found, view)


def meant(ctx: Context, reference: str, view: View = NOW) -> Sequence[NodeRow]:
    """Everything that a reference means, by identifier: one thing, or all versions of a path. Raises
    what ``resolve`` does, but for a path.
    """
    name, found = _candidates(ctx, reference, view)
    found = _ours(found)
    if len(found) > 1 and path_of(found, name) is not None:
        return of_path(ctx, found[0].id, view)
    return (_only(ctx, reference, found, view),)


def _candidates(ctx: Context, reference: str, view: View) -> tuple[str, Sequence[NodeRow]]:
    """What a reference may mean, and the name in it. Raises ``NotFound`` where that is nothing."""
    text = _unquoted(reference)
    if not text:
        raise BadReference("the reference is empty")
    if exact := ctx.store.get([_spelled(text)], view):
        return text, tuple(exact.values())
    word, name = _parted(text)
    if word in _DIGESTS:
        return text, (_by_digest(ctx, text, view),)
    if not name:
        raise BadReference(f"{reference!r} names a kind and nothing of it")
    if _is_commit(word, name) and (found := _by_ref(ctx, name, view)):
        return name, (found,)
    return _by_name(ctx, reference, word, name, WORDS.get(word, ()), view)


def called(reference: str) -> Called | None:
    """What a reference means at first sight: a thing by its identifier, or the only one of a kind with such
    a label. ``None`` where it may mean something that neither tells: digests, commits.
    """
    text = _unquoted(reference)
    word, name = _parted(text)
    if not name or word in _DIGESTS or _is_commit(word, name):
        return None
    return Called(_spelled(text), name, frozenset(WORDS.get(word, ())) or None)


def _parted(text: str) -> tuple[str, str]:
    """The word before a reference, in small letters, that says what it is: a kind, the algorithm of a digest;
    nothing where there is none; and the name behind it.
    """
    word, colon, rest = text.partition(":")
    word = word.lower()
    if colon and (word in WORDS or word in _DIGESTS):
        return word, _unquoted(rest)
    return "", text


def _is_commit(word: str, name: str) -> bool:
    return word == "commit" or (not word and _HEAD.fullmatch(name) is not None)


def _unquoted(text: str) -> str:
    """A text without the spaces and quotes around it, also those that word processors make."""
    return text.strip().strip(_QUOTES).strip()


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
        found = resolve(ctx, f"commit:{base}", view)
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
    algorithm, _, digest = text.lower().partition(":")
    found: Sequence[NodeRow] = ()
    for name in filter(None, (algorithm, _ALSO.get(algorithm))):
        stem = f"{ids.CONTENT}{name}:{digest}"
        found = ctx.store.find(Filter(prefix=stem), Page(limit=_LISTED), view).rows
        if not found:
            versions = Filter(text=f"@{name}:{digest}")
            found = ctx.store.find(versions, Page(limit=_LISTED), view).rows
        if found:
            return _only(ctx, text, found, view)
    raise _missing(ctx, text, (), digest, view)


def _by_name(
    ctx: Context, reference: str, word: str, name: str, kinds: Sequence[str], view: View
) -> tuple[str, Sequence[NodeRow]]:
    wanted = frozenset(kinds) or None
    found = ctx.store.find(Filter(kinds=wanted, label=name), Page(limit=_MEANT), view).rows
    if not found and word in _STEMS:
        stem = _STEMS[word] + name.lower()
        found = ctx.store.find(Filter(prefix=stem), Page(limit=_LISTED), view).rows
    if not found and (one := _tagged(ctx, name, wanted, view)) is not None:
        return name, (one,)
    if not found and (path := _as_path(ctx, name)) != name:
        return _by_name(ctx, reference, word, path, kinds, view)
    if not found:
        page = Page(limit=_LOOKED_AT)
        for text in dict.fromkeys((ids.segment(name), name)):
            found = found or ctx.store.find(Filter(kinds=wanted, text=text), page, view).rows
        found = tuple(_best(found, name))
    if not found:
        raise _missing(ctx, reference, kinds, name, view)
    return name, _preferred(found, kinds)


def _tagged(ctx: Context, name: str, kinds: frozenset[str] | None, view: View) -> NodeRow | None:
    """What ``fraud@champion``, ``fraud@3``, ``fraud@latest`` and ``train@latest`` mean: a version by
    its alias or number, the latest version of a name, the latest run of a name.
    """
    base, at, tag = name.rpartition("@")
    if not at or not base or not tag:
        return None
    named = ctx.store.find(Filter(kinds=kinds, label=base), Page(limit=_MEANT), view).rows
    runs = [row for row in named if row.kind == "Run"]
    found = [one for row in named for one in versions(ctx, row, view)]
    if tag.lower() == "latest":
        meant = runs if len(runs) > 1 or not found else found
        latest = newest(ctx, meant, view) if meant else None
    else:
        meant, latest = [row for row in found if _has_tag(row, tag)], None
    return latest or (_only(ctx, name, meant, view) if meant else None)


def _has_tag(row: NodeRow, tag: str) -> bool:
    held = row.node().attributes
    aliases, version, stage = held.get("aliases"), held.get("version"), held.get("stage")
    known = [one.strip() for one in aliases.split(",")] if isinstance(aliases, str) else []
    known += [one for one in (version, stage) if isinstance(one, str)]
    return tag.lower() in {one.lower() for one in known} or tag.lower() == f"v{version}".lower()


def _as_path(ctx: Context, name: str) -> str:
    """A name as the path of a file of a project: without ``./`` and a slash at its end; an absolute path
    on this machine without the folder of the project that was imported.
    """
    if name.startswith(("/", "~")):
        place = expanded(name)
        for root in imported.repositories(ctx):
            if place.is_relative_to(root):
                return place.relative_to(root).as_posix()
        return name
    if name.startswith(("./", "../")) or name.endswith("/") or "//" in name:
        path = posixpath.normpath(name)
        return path if not path.startswith("..") else name
    return name


def _preferred(found: Sequence[NodeRow], kinds: Sequence[str]) -> Sequence[NodeRow]:
    """Where names are equal, the first kind that a word stands for is meant."""
    for kind in kinds:
        if rows := [row for row in found if row.kind == kind]:
            return rows
    return found


def _best(rows: Iterable[NodeRow], name: str) -> list[NodeRow]:
    """Those that match best: by the end of the identifier, as versions of that very name, as versions of
    a path that ends so, by its beginning, else by a part.
    """
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
    if label.rpartition("@")[0] == name:
        return 2
    if ident.rpartition("@")[0].endswith("/" + name):
        return 3
    if tail.startswith(name) or label.startswith(name):
        return 4
    return 5


def _ours(found: Sequence[NodeRow]) -> Sequence[NodeRow]:
    """Without what partners say of things, which has identifiers of its own and does not make ours
    doubtful; all of it, where nothing of ours is meant.
    """
    return [row for row in found if not row.id.startswith(ids.CLAIM)] or found


def _only(ctx: Context, reference: str, found: Sequence[NodeRow], view: View) -> NodeRow:
    found = _ours(found)
    if len(found) == 1:
        return found[0]
    facts = _apart(ctx, found[:_LISTED], view)
    shown = (f"{row.kind:<15} {row.title}{facts[row.id]}  {row.id}" for row in found[:_LISTED])
    # A name with a line break in it would pass for another candidate.
    listed = "\n".join("  " + " ".join(line.splitlines()) for line in shown)
    more = f"\n  ... and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    message = f"{reference!r} may be any of {len(found)}:\n{listed}{more}"
    raise Ambiguous(message)


def _apart(ctx: Context, rows: Sequence[NodeRow], view: View) -> Mapping[str, str]:
    """What tells candidates of one name apart: status, time, commit."""
    commits: dict[str, str] = {}
    for edge in sorted(ctx.store.edges([row.id for row in rows], _CODE, view)):
        if edge.cause.startswith(ids.REVISION):
            commits.setdefault(edge.effect, ids.short(edge.cause))
    told = {}
    for row in rows:
        held = row.node().attributes
        facts = [str(held[key]) for key in _TELLING if isinstance(held.get(key), str)]
        facts += [f"commit {commits[row.id]}"] if row.id in commits else []
        told[row.id] = f"  ({', '.join(facts)})" if facts else ""
    return told


def _missing(ctx: Context, reference: str, kinds: Sequence[str], name: str, view: View) -> NotFound:
    if view != NOW:
        now = None
        with suppress(NotFound, Ambiguous):
            now = resolve(ctx, reference, NOW)
        if now is not None:
            return NotFound(
                f"{now.title} is here now, and was not as of entry {view.as_of}",
                hint="'lineage show' says in which entry it came.",
            )
    near, whole = _near(ctx, kinds, name, view)
    none = "No name here is like it." if whole else "No name like it was found."
    hints = [f"The nearest: {', '.join(near)}."] if near else [none]
    if view == NOW:
        hints += _hints(ctx, name)
    hints += [] if near else ["'lineage find TEXT' searches labels and identifiers."]
    return NotFound(
        f"nothing here is called {reference!r}: it was never imported, or under another name",
        hint=" ".join(hints),
    )


def _near(ctx: Context, kinds: Sequence[str], name: str, view: View) -> tuple[list[str], bool]:
    """Names that are like one that is not there, and whether all names were looked at: where there are
    many, those that begin like it, or have a long part of it.
    """
    where = Filter(kinds=frozenset(kinds) or None)

    def near(rows: Iterable[NodeRow]) -> list[str]:
        return nearest(name, (row.title for row in rows))

    page = ctx.store.find(where, Page(limit=_NEAR), view)
    if page.after is None:
        return near(page.rows), True
    alike: list[NodeRow] = []
    for conditions in _alike(name):
        found = (
            ctx.store.find(replace(where, also=also), Page(limit=_NEAR), view).rows
            for also in conditions
        )
        alike += next(filter(None, found), ())
    if told := near((*alike, *page.rows)):
        return told, False
    # How many there were as of an entry would have to be counted.
    if ctx.store.stats(NOW).nodes > _LOOKED_AT:
        return [], False
    rest = ctx.store.find(where, Page(limit=_LOOKED_AT), view)
    return near(rest.rows), rest.after is None


def _alike(name: str) -> Iterator[list[Condition]]:
    """Conditions on names that begin like a name, the most telling first; and on those that have a long
    part of it.
    """
    plain, stem = name.partition("*")[0], _stem(name)
    begins = plain[: len(plain) * 3 // 4], plain[: len(plain) // 2]
    yield [c.NameLike(begin + "*") for begin in begins if len(begin) >= _BEGIN]
    size = max(_PART, -(-len(stem) // 3))
    if parts := [stem[at : at + size] for at in range(0, len(stem) - _PART + 1, size)]:
        yield [c.AnyOf(tuple(map(c.TextContains, parts)))]


def _hints(ctx: Context, name: str) -> Iterator[str]:
    """Why a name may not be known: a run names such a file, or a source has something new."""
    told, beyond = known_gaps.unjoined(ctx, [name])
    if told:
        one, others = told[0], len(told) - 1 + beyond
        more = f" and {others} more" if others else ""
        yield (
            f"The run {one.title}{more} names such a file ({one.address}), which is joined with none: "
            f"{one.reason}."
        )
    for path in imported.looked(ctx).changed[:1]:
        yield f"{path} changed since it was imported: 'lineage import {path}' brings what is new."


def _stem(name: str) -> str:
    """What tells a name from others: of a path the file, without its ending and version."""
    return re.sub(r"(@[^/]*)?$|(\.\w+)(@[^/]*)?$", "", name.lower()).rpartition("/")[2]


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Find the three names that look most like a given one; those that do not look like it are none."""
    whole, part = (SequenceMatcher(autojunk=False) for _ in range(2))
    whole.set_seq2(name.lower())
    part.set_seq2(_stem(name))
    scored = []
    for other in dict.fromkeys(names):
        part.set_seq1(_stem(other))
        if part.real_quick_ratio() < _LIKE or part.quick_ratio() < _LIKE:
            continue
        if part.ratio() >= _LIKE:
            whole.set_seq1(other.lower())
            scored.append((-part.ratio(), -whole.ratio(), other))
    return [other for *_, other in sorted(scored)[:_NEAREST]]

# SPDX-License-Identifier: Apache-2.0
"""The verbs of a store: one line each. What a verb takes stands with its request, beside its service.

``Verbs`` turns each request into a method with the request's signature and sentences, for a store that
is here (``lineage.app.Lineage``) and for one on a server (``lineage.client.remote.Remote``) alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from inspect import Parameter
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Concatenate,
    Final,
    Generic,
    ParamSpec,
    TypeVar,
    overload,
)

from lineage.services import exchange, operate, read, write
from lineage.services.request import Request, described, made, signature_of

if TYPE_CHECKING:
    # A module is an attribute of its package for who reads types when somebody imports it.
    import lineage.services.exchange.files
    import lineage.services.exchange.quarantine
    import lineage.services.exchange.send
    import lineage.services.exchange.tie
    import lineage.services.operate.doctor
    import lineage.services.operate.reproduce
    import lineage.services.operate.tokens
    import lineage.services.operate.verify
    import lineage.services.read.ask
    import lineage.services.read.audit.report
    import lineage.services.read.bisect
    import lineage.services.read.compare
    import lineage.services.read.decisions.contributions
    import lineage.services.read.decisions.lessons
    import lineage.services.read.decisions.show
    import lineage.services.read.decisions.stories
    import lineage.services.read.decisions.summaries
    import lineage.services.read.environments
    import lineage.services.read.export
    import lineage.services.read.owner_list
    import lineage.services.read.produced
    import lineage.services.read.show
    import lineage.services.read.sparql
    import lineage.services.read.stats
    import lineage.services.read.trace
    import lineage.services.read.validate
    import lineage.services.read.why
    import lineage.services.write.commits
    import lineage.services.write.decide
    import lineage.services.write.deliberate
    import lineage.services.write.deploy
    import lineage.services.write.join
    import lineage.services.write.lessons
    import lineage.services.write.ownership
    import lineage.services.write.person
    import lineage.services.write.untie  # noqa: F401

P = ParamSpec("P")
R = TypeVar("R")


class Verb(Generic[P, R]):
    """A request as a method of ``Verbs``. ``find`` loads the module of the request: a program pays for
    the verbs that it uses.
    """

    def __init__(self, find: Callable[[], Callable[P, Request[R]]]) -> None:
        self._find = find
        self._name = ""
        self._owner: type = object

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    @cached_property
    def request(self) -> Any:
        """The class of the request."""
        return self._find()

    @cached_property
    def _method(self) -> Any:
        request, name = self.request, self._name

        def method(held: Verbs, /, *args: Any, **given: Any) -> Any:
            return held.answer(made(request, name, args, given))

        method.__name__, method.__qualname__ = name, f"{self._owner.__name__}.{name}"
        method.__doc__, method.__module__ = described(request), self._owner.__module__
        known = signature_of(request)
        itself = Parameter("self", Parameter.POSITIONAL_ONLY)
        # inspect and help() read it.
        vars(method)["__signature__"] = known.replace(
            parameters=[itself, *known.parameters.values()]
        )
        return method

    @overload
    def __get__(self, held: None, owner: type) -> Callable[Concatenate[Any, P], R]: ...
    @overload
    def __get__(self, held: object, owner: type) -> Callable[P, R]: ...
    def __get__(self, held: object, owner: type) -> Any:
        return self._method if held is None else MethodType(self._method, held)


class Verbs:
    """What a store can be asked and told."""

    # reading
    trace: Final = Verb(lambda: read.trace.TraceRequest)
    impact: Final = Verb(lambda: read.trace.ImpactRequest)
    reach: Final = Verb(lambda: read.trace.ReachRequest)
    produced: Final = Verb(lambda: read.produced.ProducedRequest)
    why: Final = Verb(lambda: read.why.WhyRequest)
    show: Final = Verb(lambda: read.show.ShowRequest)
    find: Final = Verb(lambda: read.show.FindRequest)
    ask: Final = Verb(lambda: read.ask.AskRequest)
    explain: Final = Verb(lambda: read.ask.ExplainRequest)
    compare: Final = Verb(lambda: read.compare.CompareRequest)
    bisect: Final = Verb(lambda: read.bisect.BisectRequest)
    environment: Final = Verb(lambda: read.environments.EnvironmentRequest)
    decisions: Final = Verb(lambda: read.decisions.summaries.DecisionsRequest)
    story: Final = Verb(lambda: read.decisions.stories.StoryRequest)
    decision: Final = Verb(lambda: read.decisions.show.DecisionRequest)
    lessons: Final = Verb(lambda: read.decisions.lessons.LessonsRequest)
    contributions: Final = Verb(lambda: read.decisions.contributions.ContributionsRequest)
    owners: Final = Verb(lambda: read.owner_list.OwnersRequest)
    commits: Final = Verb(lambda: write.commits.CommitsRequest)
    audit: Final = Verb(lambda: read.audit.report.AuditRequest)
    stats: Final = Verb(lambda: read.stats.StatsRequest)
    log: Final = Verb(lambda: read.stats.LogRequest)
    # documents
    export: Final = Verb(lambda: read.export.ExportRequest)
    export_environment: Final = Verb(lambda: read.environments.ExportEnvironmentRequest)
    sparql: Final = Verb(lambda: read.sparql.SparqlRequest)
    validate: Final = Verb(lambda: read.validate.ValidateRequest)
    # writing
    join: Final = Verb(lambda: write.join.JoinRequest)
    untie: Final = Verb(lambda: write.untie.UntieRequest)
    tie_person: Final = Verb(lambda: write.person.TiePersonRequest)
    untie_person: Final = Verb(lambda: write.person.UntiePersonRequest)
    object_to_figures: Final = Verb(lambda: write.person.ObjectRequest)
    suggest_people: Final = Verb(lambda: write.person.SuggestPeopleRequest)
    deploy: Final = Verb(lambda: write.deploy.DeployRequest)
    retire: Final = Verb(lambda: write.deploy.RetireRequest)
    decide: Final = Verb(lambda: write.decide.DecideRequest)
    link: Final = Verb(lambda: write.decide.LinkRequest)
    lesson: Final = Verb(lambda: write.lessons.LessonRequest)
    deliberate: Final = Verb(lambda: write.deliberate.DeliberateRequest)
    review: Final = Verb(lambda: write.deliberate.ReviewRequest)
    supersede: Final = Verb(lambda: write.deliberate.SupersedeRequest)
    set_owner: Final = Verb(lambda: write.ownership.SetOwnerRequest)
    transfer_owner: Final = Verb(lambda: write.ownership.TransferOwnerRequest)
    # exchange
    package: Final = Verb(lambda: exchange.send.PackageRequest)
    tie: Final = Verb(lambda: exchange.tie.TieRequest)
    quarantine: Final = Verb(lambda: exchange.quarantine.QuarantineRequest)
    preview: Final = Verb(lambda: exchange.quarantine.PreviewRequest)
    accept: Final = Verb(lambda: exchange.quarantine.AcceptRequest)
    reject: Final = Verb(lambda: exchange.quarantine.RejectRequest)
    keys: Final = Verb(lambda: exchange.files.KeysRequest)
    new_key: Final = Verb(lambda: exchange.files.NewKeyRequest)
    # operating
    verify: Final = Verb(lambda: operate.verify.VerifyRequest)
    reproduce: Final = Verb(lambda: operate.reproduce.ReproduceRequest)
    doctor: Final = Verb(lambda: operate.doctor.DoctorRequest)
    tokens: Final = Verb(lambda: operate.tokens.TokensRequest)
    add_token: Final = Verb(lambda: operate.tokens.AddTokenRequest)
    rotate_token: Final = Verb(lambda: operate.tokens.RotateTokenRequest)
    revoke_token: Final = Verb(lambda: operate.tokens.RevokeTokenRequest)

    def answer(self, request: Request[R]) -> R:
        """Carry out a request. Raises the errors of ``lineage.errors``."""
        raise NotImplementedError


class _Requests(Mapping[str, type[Request[Any]]]):
    """The requests by their verbs, each loaded when it is asked for."""

    _verbs: ClassVar = {name: held for name, held in vars(Verbs).items() if isinstance(held, Verb)}

    def __getitem__(self, name: str) -> type[Request[Any]]:
        request: type[Request[Any]] = self._verbs[name].request
        return request

    def __iter__(self) -> Iterator[str]:
        return iter(self._verbs)

    def __len__(self) -> int:
        return len(self._verbs)


#: Verb -> its request.
REQUESTS: Mapping[str, type[Request[Any]]] = _Requests()

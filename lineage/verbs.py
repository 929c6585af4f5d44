# SPDX-License-Identifier: Apache-2.0
"""The verbs of a store: one line each. What a verb takes stands with its request, beside its service.

``Verbs`` turns each request into a method with the request's signature and sentences, for a store that
is here (``lineage.app.Lineage``) and for one on a server (``lineage.client.remote.Remote``) alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter
from types import MethodType
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar, overload

from lineage.services.exchange.files import KeysRequest, NewKeyRequest
from lineage.services.exchange.quarantine import (
    AcceptRequest,
    PreviewRequest,
    QuarantineRequest,
    RejectRequest,
)
from lineage.services.exchange.send import PackageRequest
from lineage.services.exchange.tie import TieRequest
from lineage.services.operate.doctor import DoctorRequest
from lineage.services.operate.tokens import (
    AddTokenRequest,
    RevokeTokenRequest,
    RotateTokenRequest,
    TokensRequest,
)
from lineage.services.operate.verify import VerifyRequest
from lineage.services.read.ask import AskRequest, ExplainRequest
from lineage.services.read.bisect import BisectRequest
from lineage.services.read.compare import CompareRequest
from lineage.services.read.export import ExportRequest
from lineage.services.read.produced import ProducedRequest
from lineage.services.read.show import FindRequest, ShowRequest
from lineage.services.read.sparql import SparqlRequest
from lineage.services.read.stats import LogRequest, StatsRequest
from lineage.services.read.trace import ImpactRequest, ReachRequest, TraceRequest
from lineage.services.read.validate import ValidateRequest
from lineage.services.read.why import WhyRequest
from lineage.services.request import Request, described, made, signature_of
from lineage.services.write.commits import CommitsRequest
from lineage.services.write.join import JoinRequest
from lineage.services.write.person import (
    SuggestPeopleRequest,
    TiePersonRequest,
    UntiePersonRequest,
)
from lineage.services.write.untie import UntieRequest

P = ParamSpec("P")
R = TypeVar("R")


class Verb(Generic[P, R]):
    """A request as a method of ``Verbs``."""

    def __init__(self, request: Callable[P, Request[R]]) -> None:
        self.request: Any = request
        self._method: Any = None

    def __set_name__(self, owner: type, name: str) -> None:
        request = self.request

        def method(held: Verbs, /, *args: Any, **given: Any) -> Any:
            return held.answer(made(request, name, args, given))

        method.__name__, method.__qualname__ = name, f"{owner.__name__}.{name}"
        method.__doc__, method.__module__ = described(request), owner.__module__
        known = signature_of(request)
        itself = Parameter("self", Parameter.POSITIONAL_ONLY)
        # inspect and help() read it.
        vars(method)["__signature__"] = known.replace(
            parameters=[itself, *known.parameters.values()]
        )
        self._method = method

    @overload
    def __get__(self, held: None, owner: type) -> Callable[Concatenate[Any, P], R]: ...
    @overload
    def __get__(self, held: object, owner: type) -> Callable[P, R]: ...
    def __get__(self, held: object, owner: type) -> Any:
        return self._method if held is None else MethodType(self._method, held)


class Verbs:
    """What a store can be asked and told."""

    # reading
    trace: Final = Verb(TraceRequest)
    impact: Final = Verb(ImpactRequest)
    reach: Final = Verb(ReachRequest)
    produced: Final = Verb(ProducedRequest)
    why: Final = Verb(WhyRequest)
    show: Final = Verb(ShowRequest)
    find: Final = Verb(FindRequest)
    ask: Final = Verb(AskRequest)
    explain: Final = Verb(ExplainRequest)
    compare: Final = Verb(CompareRequest)
    bisect: Final = Verb(BisectRequest)
    commits: Final = Verb(CommitsRequest)
    stats: Final = Verb(StatsRequest)
    log: Final = Verb(LogRequest)
    # documents
    export: Final = Verb(ExportRequest)
    sparql: Final = Verb(SparqlRequest)
    validate: Final = Verb(ValidateRequest)
    # writing
    join: Final = Verb(JoinRequest)
    untie: Final = Verb(UntieRequest)
    tie_person: Final = Verb(TiePersonRequest)
    untie_person: Final = Verb(UntiePersonRequest)
    suggest_people: Final = Verb(SuggestPeopleRequest)
    # exchange
    package: Final = Verb(PackageRequest)
    tie: Final = Verb(TieRequest)
    quarantine: Final = Verb(QuarantineRequest)
    preview: Final = Verb(PreviewRequest)
    accept: Final = Verb(AcceptRequest)
    reject: Final = Verb(RejectRequest)
    keys: Final = Verb(KeysRequest)
    new_key: Final = Verb(NewKeyRequest)
    # operating
    verify: Final = Verb(VerifyRequest)
    doctor: Final = Verb(DoctorRequest)
    tokens: Final = Verb(TokensRequest)
    add_token: Final = Verb(AddTokenRequest)
    rotate_token: Final = Verb(RotateTokenRequest)
    revoke_token: Final = Verb(RevokeTokenRequest)

    def answer(self, request: Request[R]) -> R:
        """Carry out a request. Raises the errors of ``lineage.errors``."""
        raise NotImplementedError


#: Verb -> its request.
REQUESTS: Mapping[str, type[Request[Any]]] = {
    name: held.request for name, held in vars(Verbs).items() if isinstance(held, Verb)
}

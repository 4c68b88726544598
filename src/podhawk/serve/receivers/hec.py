"""Splunk's HTTP Event Collector: event, raw, ack and health, and their `/1.0` aliases.

Codes, their status and the order of checks (token, channel, body) are Splunk's. One promise is stronger: with Splunk a
200 means that the events were received; here it means that they are on the disk, so an ackId is true as soon as it is
given. Busy is 503 with code 9 and never 429, because several clients drop a batch on any 4xx.

Source: https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/9.4/get-data-with-http-event-collector
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from msgspec import UNSET, Struct, UnsetType, field

from podhawk.serve.failure import answers
from podhawk.serve.inbox.writer import InboxFullError
from podhawk.serve.receivers.bodies import BodyLines, ForbiddenClusterError
from podhawk.serve.receivers.credentials import credential_of
from podhawk.serve.receivers.hec_events import HecError, read_envelopes, read_raw
from podhawk.serve.receivers.intake import RETRY_AFTER, Intake
from podhawk.serve.receivers.streams import BodyError
from podhawk.serve.tokens import Token

TEXTS: Final[dict[int, tuple[int, str]]] = {
    0: (200, "Success"),
    1: (403, "Token disabled"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    4: (403, "Invalid token"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    8: (500, "Internal server error"),
    9: (503, "Server is busy"),
    10: (400, "Data channel is missing"),
    11: (400, "Invalid data channel"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"),
    15: (400, "Error in handling indexed fields"),
    16: (400, "Query string authorization is not enabled"),
    17: (200, "HEC is healthy"),
    18: (503, "HEC is unhealthy, queues are full"),
    21: (400, "Invalid token"),
    22: (400, "Token disabled"),
    23: (503, "Server is shutting down"),
}
"""The status and text of each code."""
BUSY: Final = 9
_MOST_CHANNELS: Final = 10_000
_ABOUT: Final = ("host", "source", "sourcetype", "index")
_COLLECTOR: Final = "/services/collector"
_CLOSE: Final = {"Connection": "close"}


class HecRefusal(Exception):
    """A request that is answered with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Acknowledged(Struct):
    """How many ids each channel was given. They are of this process: after a restart all are unknown, and clients send
    again. Of too many channels the one that was not used for longest is forgotten."""

    channels: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)

    def give(self, token: str, channel: str) -> int:
        """A new id."""
        number = self.channels.pop((token, channel), 0)
        self.channels[token, channel] = number + 1
        while len(self.channels) > _MOST_CHANNELS:
            self.channels.popitem(last=False)
        return number

    def given(self, token: str, channel: str, number: int) -> bool:
        """Whether an id was given, so that its events are stored."""
        return 0 <= number < self.channels.get((token, channel), 0)


class Hec(Struct):
    """The collector: where bodies go, and what was acknowledged. With `strict` a wrong event refuses its whole batch,
    as in Splunk."""

    intake: Intake
    strict: bool = False
    acknowledged: Acknowledged = field(default_factory=Acknowledged)


class HecAnswer(Struct, frozen=True, omit_defaults=True, rename={"ack_id": "ackId", "number": "invalid-event-number"}):
    """The body of an answer, as the OpenAPI document describes it."""

    text: str
    code: int
    ack_id: int | UnsetType = UNSET
    number: int | UnsetType = UNSET


class Acks(Struct, frozen=True):
    """Whether the events of each ackId are stored."""

    acks: dict[str, bool]


def _told(*statuses: int) -> dict[int, ResponseSpec]:
    texts = {one: "; ".join(text for status, text in TEXTS.values() if status == one) for one in statuses}
    return {one: ResponseSpec(HecAnswer, description=text, generate_examples=False) for one, text in texts.items()}


_TOO_LARGE: Final = {
    one: ResponseSpec(str, description=text, media_type=MediaType.TEXT, generate_examples=False)
    for one, text in ((408, "The body did not arrive in time."), (413, "The body is too large."))
}


def answer(code: int, more: Mapping[str, Any] | None = None) -> Response[Any]:
    """The answer with a code."""
    status, text = TEXTS[code]
    headers = {"Retry-After": RETRY_AFTER} if status == 503 else {}
    if status in (401, 403):
        headers["Connection"] = "close"
    return Response({"text": text, "code": code, **(more or {})}, status_code=status, headers=headers)


def _token(request: Request[Any, Any, Any], hec: Hec) -> Token:
    """The token of a request. Raises HecRefusal."""
    tokens = hec.intake.tokens.tokens
    credential = credential_of(request, tokens)
    asked = request.query_params.get("token")
    if not credential.given:
        if asked is None:
            raise HecRefusal(2)
        raise HecRefusal(16 if tokens.find(asked) is not None else 4)
    if not credential.readable:
        raise HecRefusal(3)
    if credential.token is None:
        raise HecRefusal(4)
    if not credential.token.may("send"):
        raise HecRefusal(1 if credential.token.disabled else 4)
    return credential.token


def _channel(request: Request[Any, Any, Any], token: Token) -> str:
    """The channel of a request, which only tokens with acknowledgement need. Raises HecRefusal."""
    headers = request.headers
    channel = (
        headers.get("x-splunk-request-channel")
        or headers.get("x-splunk-httprequest-channel")
        or request.query_params.get("channel")
        or ""
    )
    if not token.acknowledge:
        return ""
    if not channel:
        raise HecRefusal(10)
    try:
        return str(uuid.UUID(channel))
    except ValueError:
        raise HecRefusal(11) from None


async def _take(request: Request[Any, Any, Any], hec: Hec, *, raw: bool) -> Response[Any]:
    intake = hec.intake
    try:
        token = _token(request, hec)
        channel = _channel(request, token)
    except HecRefusal as refused:
        intake.refusals.note("token" if TEXTS[refused.code][0] in (401, 403) else f"HEC code {refused.code}")
        return answer(refused.code)
    cluster = next((one for one in token.clusters if one != "*"), "default")
    about = {name: request.query_params[name] for name in _ABOUT if request.query_params.get(name)}

    def read(body: bytes, found: BodyLines) -> None:
        if raw:
            read_raw(body, found, about)
        else:
            read_envelopes(body, found, hec.strict)

    encoding = request.headers.get("content-encoding", "")
    try:
        await intake.take(request.stream(), encoding, intake.sender("hec", token.name), cluster, token, read)
    except HecError as error:
        intake.refusals.note(f"HEC code {error.code}", cluster)
        return answer(error.code, {} if error.number is None else {"invalid-event-number": error.number})
    except ForbiddenClusterError as error:
        intake.refuse_cluster(token, str(error), f"hec:{token.name}", cluster)
        return answer(4)
    except InboxFullError:
        intake.refusals.note("full", cluster)
        return answer(23 if intake.stopping else BUSY)
    except BodyError as error:
        intake.refusals.note(f"body {error.status}", cluster)
        if error.status == 503:
            return answer(BUSY)
        if error.status in (408, 413):
            # Splunk's answer to a body that is too large is not JSON either.
            return Response(error.message, status_code=error.status, media_type="text/plain", headers=_CLOSE)
        return answer(6)
    return answer(0, {"ackId": hec.acknowledged.give(token.name, channel)} if token.acknowledge else None)


@post(
    [_COLLECTOR, f"{_COLLECTOR}/event", f"{_COLLECTOR}/event/1.0", f"{_COLLECTOR}/1.0"],
    status_code=200,
    request_max_body_size=None,
    tags=["receivers"],
    summary="Take events in HEC envelopes",
    security=[{"token": []}],
    responses={**_told(400, 401, 403, 503), **_TOO_LARGE},
)
async def event(request: Request[Any, Any, Any], hec: Hec) -> Response[HecAnswer]:
    """Store events, each in an envelope. Several envelopes may follow each other, with or without line feeds."""
    return await _take(request, hec, raw=False)


@post(
    [f"{_COLLECTOR}/raw", f"{_COLLECTOR}/raw/1.0"],
    status_code=200,
    request_max_body_size=None,
    tags=["receivers"],
    summary="Take lines over HEC",
    security=[{"token": []}],
    responses={**_told(400, 401, 403, 503), **_TOO_LARGE},
)
async def raw(request: Request[Any, Any, Any], hec: Hec) -> Response[HecAnswer]:
    """Store lines in any format that podhawk reads. host, source, sourcetype and index may stand in the query."""
    return await _take(request, hec, raw=True)


class _Asked(Struct):
    acks: list[int]


@post(
    [f"{_COLLECTOR}/ack", f"{_COLLECTOR}/ack/1.0"],
    status_code=200,
    tags=["receivers"],
    summary="Ask whether events are stored",
    security=[{"token": []}],
    responses={**_told(400, 401, 403), 413: answers(413)[413]},
)
async def ack(request: Request[Any, Any, Any], hec: Hec) -> Response[Acks] | Response[HecAnswer]:
    """Say of each ackId of a channel whether its events are stored. Ids that are not known are false, never an
    error."""
    try:
        token = _token(request, hec)
        if not token.acknowledge:
            raise HecRefusal(14)
        channel = _channel(request, token)
    except HecRefusal as refused:
        return answer(refused.code)
    try:
        asked = msgspec.json.decode(await request.body(), type=_Asked).acks
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return answer(6)
    given = hec.acknowledged.given
    return Response(Acks({str(one): given(token.name, channel, one) for one in asked}), status_code=200)


@get(
    [f"{_COLLECTOR}/health", f"{_COLLECTOR}/health/1.0"],
    tags=["receivers"],
    summary="Say whether events are taken",
    responses=_told(400, 503),
)
async def health(request: Request[Any, Any, Any], hec: Hec) -> Response[HecAnswer]:
    """Say whether events are taken now. A token is not needed; a wrong one is told."""
    credential = credential_of(request, hec.intake.tokens.tokens)
    if credential.given and credential.token is None:
        return answer(21)
    if credential.token is not None and credential.token.disabled:
        return answer(22)
    if hec.intake.stopping:
        return answer(23)
    return answer(18 if hec.intake.writer.full else 17)

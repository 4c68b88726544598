"""`/api/v1/ledger` and `/api/v1/dead-letters`: what became of everything that was sent."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import Request, get
from litestar.exceptions import HTTPException
from litestar.params import Parameter
from msgspec import Struct
from msgspec.structs import replace

from podhawk.serve.api.access import allowed
from podhawk.serve.api.findings import StateFolder
from podhawk.serve.evaluator.positions import evaluated_counts
from podhawk.serve.failure import answers
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.ledger import SenderAccount, accounts
from podhawk.serve.letters import PlacedLetter, dead_letters
from podhawk.serve.supervisor import LoadedContent, Supervisor
from podhawk.serve.tokens import Token, TokenStore

MOST: Final = 500


class LedgerPage(Struct, frozen=True):
    """The account of each sender."""

    senders: list[SenderAccount]


class LetterPage(Struct, frozen=True):
    """Dead letters, the last first; `next` is the cursor of the next page, if there is one."""

    dead_letters: list[PlacedLetter]
    next: str | None = None


def every_cluster(token: Token) -> None:
    """Raise HTTPException unless a token is bound to all clusters: senders are not of one cluster only."""
    if "*" not in token.clusters:
        raise HTTPException(detail="this needs a token for all clusters (*)", status_code=403)


@get(
    "/api/v1/ledger",
    sync_to_thread=True,
    tags=["ledger"],
    summary="Show the ledger",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 503),
)
def show_ledger(
    request: Request[Any, Any, Any], tokens: TokenStore, kept: StateFolder, writer: InboxWriter
) -> LedgerPage:
    """What each sender sent, and what became of it: received = evaluated + waiting + rejected + dead-lettered +
    repeated."""
    every_cluster(allowed(request, tokens, "read"))
    evaluated = evaluated_counts(kept.path)  # before the inbox, which is never behind it
    return LedgerPage(accounts(writer.ledger(), evaluated))


@get(
    "/api/v1/content",
    sync_to_thread=False,
    tags=["content"],
    summary="Show which content is loaded",
    security=[{"token": []}],
    responses=answers(401, 403),
)
def show_content(request: Request[Any, Any, Any], tokens: TokenStore, supervisor: Supervisor) -> LoadedContent:
    """Since when the content is loaded, which detections cannot run, run in shadow or are isolated, and why newer
    files were not taken over, if they were not."""
    allowed(request, tokens, "read")
    return replace(supervisor.content, isolated=supervisor.isolated)


@get(
    "/api/v1/dead-letters",
    sync_to_thread=True,
    tags=["ledger"],
    summary="List dead letters",
    security=[{"token": []}],
    responses=answers(400, 401, 403, 503),
)
def list_dead_letters(
    request: Request[Any, Any, Any],
    tokens: TokenStore,
    kept: StateFolder,
    limit: Annotated[int, Parameter(ge=1, le=MOST)] = 100,
    cursor: Annotated[str | None, Parameter(max_length=100, description="`next` of the page before")] = None,
) -> LetterPage:
    """What could not be read or evaluated: of whom, when, what was wrong and where, size and SHA-256. The bytes are not
    kept: what cannot be decoded cannot be redacted."""
    every_cluster(allowed(request, tokens, "read"))
    try:
        found = dead_letters(kept.path, cursor, limit + 1)
    except ValueError:
        raise HTTPException(detail="the cursor is not one that podhawk gave", status_code=400) from None
    page = found[:limit]
    return LetterPage(page, page[-1].place_in_list if len(found) > limit else None)

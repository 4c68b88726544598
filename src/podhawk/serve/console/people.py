"""People and what they did: accounts, invitations, and the audit trail. For admins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podhawk.errors import UsageError
from podhawk.events.partition import LONGEST, fits
from podhawk.serve.console.accounts import ROLES, Role, check_name
from podhawk.serve.console.page import Action, Done, Page, Visit

_PAGE: Final = 100


def view(visit: Visit) -> Mapping[str, Any]:
    """The accounts."""
    return {"people": visit.console.accounts.everyone(), "roles": ROLES}


def _role(visit: Visit) -> Role:
    role = visit.given("role")
    if role not in ROLES:
        raise UsageError(f"unknown role {role[:40]!r}", remedy=f"Known roles: {', '.join(ROLES)}.")
    return role


def _invite(visit: Visit) -> Done:
    """Make a link by which somebody makes an account, or gets a new password. It is shown once."""
    name = visit.given("name").strip()
    check_name(name)
    known = visit.console.accounts.find(name)
    clusters = tuple(visit.given("clusters").replace(",", " ").split()) or ("*",)
    if not all(map(fits, clusters)):
        raise UsageError("the name of a cluster is too long", remedy=f"It has at most {LONGEST} bytes.")
    role = _role(visit) if known is None else known.role
    token = visit.console.accounts.invite(name, role, clusters if known is None else known.clusters, visit.now)
    return Done("/people", f"The link for {name} is shown below, once.", f"/invitation/{token}")


def _change(visit: Visit) -> Done:
    """Change the role of an account, or disable it. Its sessions end."""
    name = visit.given("name")
    visit.console.accounts.change(name, _role(visit), disabled=visit.given("disabled") == "yes")
    return Done("/people", f"{name} was changed. Their sessions have ended.")


def _trail(visit: Visit) -> Mapping[str, Any]:
    """What was done, the last first."""
    before = visit.asked("before")
    rows = visit.console.trail.rows(_PAGE + 1, int(before) if before.isdecimal() and len(before) < 18 else None)
    return {"rows": rows[:_PAGE], "next": rows[_PAGE - 1].number if len(rows) > _PAGE else None}


PEOPLE: Final = Page("/people", "People", "admin", "people.html", view, place="People", listed=False)
TRAIL: Final = Page("/trail", "Audit trail", "admin", "trail.html", _trail, place="People", listed=False)
INVITE: Final = Action("/people/invite", "invite", "admin", _invite, lambda visit: visit.given("name"))
CHANGE: Final = Action("/people/change", "change account", "admin", _change, lambda visit: visit.given("name"))

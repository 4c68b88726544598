"""Who made a request.

Source: authentication, https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from podhawk.detect.finding import Actor, ActorKind
from podhawk.detect.requests.components import SERVICE_ACCOUNT, is_component, is_node
from podhawk.detect.requests.person import person_behind
from podhawk.detect.requests.request import Request, member, newest_first

POD_NAME: Final = "authentication.kubernetes.io/pod-name"


def actor_of(request: Request) -> Actor:
    """The actor, from what the latest stages say. The user who was impersonated is `effective_user`."""
    user = request.key.user
    groups = _texts(request, "user", "groups")
    ips = _texts(request, "sourceIPs")
    agents = (agent for agent in newest_first(request, "userAgent") if isinstance(agent, str))
    impersonated = next((member(value, "username") for value in newest_first(request, "impersonatedUser")), "")
    return Actor(
        user,
        groups,
        kind_of_actor(user, groups, request),
        impersonated,
        _pod(request, user),
        "",
        ips[-1] if ips else "",
        ips,
        next(agents, ""),
        person=person_behind(request) or UNSET,
    )


def kind_of_actor(user: str, groups: tuple[str, ...], request: Request) -> ActorKind:
    """What kind of actor a user is. No user at all and a 401 is a failed log-in."""
    if not user:
        codes = {member(event.view.data, "responseStatus", "code") for event in request.events}
        return "unauthenticated" if "401" in codes else "unknown"
    if user == "system:anonymous" or "system:unauthenticated" in groups:
        return "anonymous"
    if is_node(user, groups):
        return "node"
    if is_component(user, groups, request):
        return "controller"
    return "serviceaccount" if user.startswith(SERVICE_ACCOUNT) else "human"


def _pod(request: Request, user: str) -> str:
    """Namespace and name of the pod whose token it was."""
    for extra in newest_first(request, "user", "extra"):
        value: Any = extra.get(POD_NAME) if isinstance(extra, dict) else None
        name = value[0] if isinstance(value, list) and value else value
        if isinstance(name, str) and name:
            parts = user.removeprefix(SERVICE_ACCOUNT).split(":")
            return f"{parts[0]}/{name}" if user.startswith(SERVICE_ACCOUNT) else name
    return ""


def _texts(request: Request, *path: str) -> tuple[str, ...]:
    for found in newest_first(request, *path):
        if isinstance(found, list):
            return tuple(item for item in found if isinstance(item, str))
    return ()

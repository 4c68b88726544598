"""What the detections of combinations should find: requests that mean little alone, and much together."""

from __future__ import annotations

from collections import defaultdict

from oracle.attacks import ADMISSION, credential, gives_power, ok
from oracle.pack import Event
from oracle.pack import _answered as answered
from oracle.pack import _code as code
from oracle.pack import _control_plane as control_plane
from oracle.pack import _dry_run as dry_run
from oracle.pack import _ref as ref
from oracle.pack import _user as user


def self_approved(events: list[Event]) -> int:
    requested, approved = set(), set()
    for e in events:
        if ref(e, "resource") != "certificatesigningrequests" or not ok(e) or control_plane(e) or dry_run(e):
            continue
        if ref(e, "subresource") is None and e["verb"] == "create":
            requested.add(user(e))
        if ref(e, "subresource") == "approval" and e["verb"] in ("create", "update", "patch"):
            approved.add(user(e))
    return len((requested & approved) - {None})


def used_from_two(events: list[Event]) -> int:
    """Tokens that were issued, and used from two addresses."""
    kinds = ("secrets", "roles", "clusterroles", "rolebindings", "clusterrolebindings")
    issued, used = set(), defaultdict(set)
    for e in events:
        if not answered(e) or control_plane(e):
            continue
        kind = (ref(e, "resource"), ref(e, "subresource"), e["verb"])
        key = e.get("annotations", {}).get("authentication.kubernetes.io/issued-credential-id")
        if key and kind == ("serviceaccounts", "token", "create") and ok(e):
            issued.add(key)
        elif not (user(e) or "").startswith("system:serviceaccount:") or not credential(e):
            continue
        elif kind[0] in kinds or (kind[0], kind[2]) == ("pods", "create"):
            used[credential(e)].add(e["sourceIPs"][-1])
    return sum(max(len(used[key]) - 1, 0) for key in issued)


def gained_after_refusals(events: list[Event]) -> int:
    writes = (
        "roles",
        "rolebindings",
        "clusterroles",
        "clusterrolebindings",
        "certificatesigningrequests",
        *ADMISSION[:2],
    )
    inside = ("exec", "attach", "portforward", "proxy", "token")
    refused, allowed = defaultdict(set), set()
    for e in events:
        if not answered(e) or not gives_power(e) or control_plane(e) or dry_run(e) or user(e) == "system:anonymous":
            continue
        if code(e) == 403 and e.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid":
            place = ref(e, "resource"), ref(e, "subresource"), ref(e, "namespace"), ref(e, "name")
            refused[user(e)].add((e["verb"], *place))
        elif ok(e) and (ref(e, "resource") in ("secrets", *writes) or ref(e, "subresource") in inside):
            allowed.add(user(e))
    return sum(len(each) > 4 and name in allowed for name, each in refused.items())


def deletions(events: list[Event]) -> int:
    noise = ("events", "leases", "endpoints", "endpointslices")
    kinds = defaultdict(set)
    for e in events:
        deletes = e["verb"] in ("delete", "deletecollection") and ok(e) and not control_plane(e) and not dry_run(e)
        if deletes and ref(e, "subresource") is None and ref(e, "resource") not in (None, *noise):
            kinds[user(e)].add(ref(e, "resource"))
    return sum(len(each) > 5 for each in kinds.values())


def entered_and_used(events: list[Event]) -> int:
    kinds = ("secrets", "roles", "clusterroles", "rolebindings", "clusterrolebindings")
    reviews = ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")
    entered, used = set(), defaultdict(set)
    for e in events:
        if not answered(e) or control_plane(e):
            continue
        kind, pod = ref(e, "resource"), e["user"].get("extra", {}).get("authentication.kubernetes.io/pod-name", [""])[0]
        inside = ref(e, "subresource") in ("exec", "attach", "ephemeralcontainers")
        if kind == "pods" and inside and e["verb"] in ("get", "create", "update", "patch") and ok(e):
            entered.add((ref(e, "namespace"), ref(e, "name")))
        elif not pod or not (user(e) or "").startswith("system:serviceaccount:"):
            continue
        elif kind in kinds or kind in reviews or (kind == "pods" and e["verb"] == "create"):
            used[(user(e) or "").split(":")[2], pod].add(e["sourceIPs"][-1])
    return sum(len(used[key]) > 1 for key in entered)


def nobody_created(events: list[Event]) -> int:
    """Pods that were started, ten minutes from either end of the log, of which no request shows who created them: each,
    or of a namespace in which pods without a name were created one, if more were started."""
    made, started, unnamed = set(), {}, defaultdict(int)
    times = []
    for e in events:
        if e["stage"] != "ResponseComplete" or ref(e, "resource") != "pods" or not ok(e) or dry_run(e):
            continue
        place, part, hours = ref(e, "namespace"), ref(e, "subresource"), e["requestReceivedTimestamp"][11:-1].split(":")
        time = int(hours[0]) * 3600 + int(hours[1]) * 60 + float(hours[2])
        name = ref(e, "name") or ((e.get("responseObject") or {}).get("metadata") or {}).get("name")
        if part is None and (e["verb"] == "create" or (e["verb"] == "patch" and code(e) == 201)):
            made.add((place, name))
            unnamed[place] += not name
        elif (part, e["verb"]) == ("binding", "create") or (
            (part, e["verb"]) == ("status", "patch")
            and "startTime" in ((e.get("requestObject") or {}).get("status") or {})
        ):
            started.setdefault((place, name), time)
        else:
            continue
        times.append(time)
    pods = [
        pod for pod, time in started.items() if pod not in made and times[0] + 600 <= time <= times[-1] - 600 and made
    ]
    places = {place for place, _ in pods}
    return sum(
        len(own) if not unnamed[place] else len(own) > unnamed[place]
        for place in places
        for own in [[pod for pod in pods if pod[0] == place]]
    )

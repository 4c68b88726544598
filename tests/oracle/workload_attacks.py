"""Detections of roles, credentials and workloads, each with the count that it should give."""

from __future__ import annotations

from collections.abc import Callable

from oracle.attacks import (
    DANGEROUS,
    EVERYBODY,
    SYSTEM,
    body,
    changes_pod,
    gives_power,
    host_path,
    imitated,
    imp,
    imp_masters,
    message,
    misused,
    ok,
    pinned,
    role,
    strings,
    suspicious,
    volume_on_node,
    weakened,
    workload,
    written,
)
from oracle.pack import Event, requests
from oracle.pack import _answered as answered
from oracle.pack import _code as code
from oracle.pack import _control_plane as control_plane
from oracle.pack import _dry_run as dry_run
from oracle.pack import _groups as groups
from oracle.pack import _ref as ref
from oracle.pack import _user as user

WORKLOAD_ATTACKS: dict[str, Callable[[list[Event]], int]] = {
    "kubernetes_role_with_dangerous_permissions": requests(
        lambda e: (
            ref(e, "resource") in ("clusterroles", "roles")
            and written(e)
            and not control_plane(e)
            and (
                body(e) is None
                or bool(DANGEROUS & set(strings(body(e))))
                or any("aggregate-to-" in s for s in strings(body(e)))
            )
        )
    ),
    "kubernetes_powerful_role_bound": requests(
        lambda e: (
            ref(e, "resource") in ("clusterrolebindings", "rolebindings")
            and written(e)
            and not control_plane(e)
            and (
                role(e) in (None, "cluster-admin")
                or (
                    role(e) in ("admin", "edit")
                    and (ref(e, "resource") == "clusterrolebindings" or ref(e, "namespace") in SYSTEM)
                )
            )
        )
    ),
    "kubernetes_role_bound_to_everybody": requests(
        lambda e: (
            ref(e, "resource") in ("clusterrolebindings", "rolebindings")
            and written(e)
            and not control_plane(e)
            and bool(EVERYBODY & set(strings(body(e))))
        )
    ),
    "kubernetes_token_requested_for_service_account": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource"), e["verb"]) == ("serviceaccounts", "token", "create")
            and answered(e)
            and not control_plane(e)
            and user(e) != "system:serviceaccount:" + (ref(e, "namespace") or "") + ":" + (ref(e, "name") or "")
        )
    ),
    "kubernetes_long_lived_token_issued": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource"), e["verb"]) == ("serviceaccounts", "token", "create")
            and ok(e)
            and not control_plane(e)
            and (((body(e) or {}).get("spec") or {}).get("expirationSeconds") or 0) > 86400
        )
    ),
    "kubernetes_credential_secret_written": requests(
        lambda e: (
            ref(e, "resource") == "secrets"
            and written(e)
            and ok(e)
            and not control_plane(e)
            and (
                (body(e) is None and ref(e, "namespace") == "kube-system")
                or bool(
                    {"kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"} & set(strings(body(e)))
                )
            )
        )
    ),
    "kubernetes_certificate_request_by_person": requests(
        lambda e: (
            ref(e, "resource") == "certificatesigningrequests"
            and written(e)
            and not control_plane(e)
            and "system:bootstrappers" not in (groups(e) or ())
        )
    ),
    "kubernetes_privileged_impersonation": requests(
        lambda e: answered(e) and bool(imp(e)) and (imp(e).startswith("system:") or imp_masters(e))
    ),
    "kubernetes_impersonation": requests(
        lambda e: (
            answered(e)
            and (
                (bool(imp(e)) and not imp(e).startswith("system:") and not imp_masters(e))
                or (code(e) == 403 and "impersonate" in message(e))
            )
        )
    ),
    "kubernetes_system_name_imitated": requests(lambda e: answered(e) and gives_power(e) and imitated(user(e) or "")),
    "kubernetes_component_credential_misused": requests(lambda e: answered(e) and gives_power(e) and misused(e)),
    "kubernetes_host_path_mounted": requests(
        lambda e: (
            workload(e)
            and ref(e, "subresource") != "status"
            and written(e)
            and ok(e)
            and not control_plane(e)
            and host_path(body(e))
        )
    ),
    "kubernetes_container_isolation_weakened": requests(
        lambda e: (
            workload(e)
            and ref(e, "subresource") != "status"
            and written(e)
            and ok(e)
            and not control_plane(e)
            and weakened(body(e))
        )
    ),
    "kubernetes_workload_written_in_system_namespace": requests(
        lambda e: (
            workload(e)
            and not ref(e, "subresource")
            and written(e)
            and ok(e)
            and ref(e, "namespace") in SYSTEM
            and not control_plane(e)
        )
    ),
    "kubernetes_workload_written": requests(
        lambda e: (
            workload(e)
            and not ref(e, "subresource")
            and written(e)
            and ok(e)
            and ref(e, "namespace") not in SYSTEM
            and not (isinstance(body(e), dict) and body(e).get("kind"))
            and (not isinstance(body(e), dict) or changes_pod(body(e), ref(e, "resource") == "pods"))
            and not control_plane(e)
        )
    ),
    "kubernetes_workload_runs_suspicious_command": requests(
        lambda e: (
            workload(e)
            and ref(e, "subresource") != "status"
            and written(e)
            and ok(e)
            and not control_plane(e)
            and suspicious(body(e))
        )
    ),
    "kubernetes_pod_pinned_to_node": requests(
        lambda e: (
            workload(e)
            and ref(e, "subresource") != "status"
            and written(e)
            and ok(e)
            and not control_plane(e)
            and pinned(e)
        )
    ),
    "kubernetes_ephemeral_container_added": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource")) == ("pods", "ephemeralcontainers")
            and e["verb"] in ("update", "patch")
            and answered(e)
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_pod_bound_by_hand": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource"), e["verb"]) == ("pods", "binding", "create")
            and answered(e)
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_persistent_volume_on_node": requests(
        lambda e: (
            ref(e, "resource") == "persistentvolumes"
            and not ref(e, "subresource")
            and written(e)
            and ok(e)
            and not control_plane(e)
            and volume_on_node(e)
        )
    ),
    "kubernetes_pod_refused_by_pod_security": requests(
        lambda e: (
            answered(e)
            and code(e) == 403
            and "violates PodSecurity" in message(e)
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_controller_pod_without_owner": requests(
        lambda e: (
            ref(e, "resource") == "pods"
            and not ref(e, "subresource")
            and e["verb"] == "create"
            and ok(e)
            and not dry_run(e)
            and (user(e) or "").startswith("system:serviceaccount:kube-system:")
            and (user(e) or "").endswith("-controller")
            and (body(e) or {}).get("kind") == "Pod"
            and not (body(e)["metadata"].get("ownerReferences"))
        )
    ),
}

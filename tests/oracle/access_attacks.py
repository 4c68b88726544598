"""Detections of access, configuration, deletions and discovery, each with the count that it should give."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from oracle.attacks import (
    ADMISSION,
    SYSTEM,
    body,
    changed,
    configuration,
    exposed,
    from_second_address,
    guardrail,
    holds_credential,
    imp,
    issued_and_used,
    misleading,
    ok,
    probed,
    refused,
    suspicious_exec,
    written,
)
from oracle.combinations import (
    deletions,
    entered_and_used,
    gained_after_refusals,
    nobody_created,
    self_approved,
    used_from_two,
)
from oracle.pack import Event, requests
from oracle.pack import _answered as answered
from oracle.pack import _code as code
from oracle.pack import _control_plane as control_plane
from oracle.pack import _created as created
from oracle.pack import _dry_run as dry_run
from oracle.pack import _ref as ref
from oracle.pack import _service_account as service_account
from oracle.pack import _user as user


def loopback(e: Event) -> bool:
    """Whether the last address is one by which a host reaches itself, or there is none."""
    addresses = e.get("sourceIPs") or ["::1"]
    return ipaddress.ip_address(addresses[-1]).is_loopback


ACCESS_ATTACKS: dict[str, Callable[[list[Event]], int]] = {
    "kubernetes_exec_of_suspicious_command": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource")) == ("pods", "exec")
            and e["verb"] in ("get", "create")
            and answered(e)
            and suspicious_exec(e["requestURI"])
        )
    ),
    "kubernetes_port_forward": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource")) == ("pods", "portforward")
            and e["verb"] in ("get", "create")
            and answered(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_request_through_proxy": requests(
        lambda e: (
            ref(e, "resource") in ("nodes", "pods", "services")
            and ref(e, "subresource") == "proxy"
            and answered(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_system_logs_read": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource"), e["verb"]) == ("pods", "log", "get")
            and ref(e, "namespace") in SYSTEM
            and ok(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_system_secret_read": requests(
        lambda e: (
            ref(e, "resource") == "secrets"
            and e["verb"] in ("get", "list", "watch")
            and ref(e, "namespace") in SYSTEM
            and ok(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_configmaps_listed_across_namespaces": requests(
        lambda e: (
            ref(e, "resource") == "configmaps"
            and e["verb"] in ("list", "watch")
            and not ref(e, "namespace")
            and ok(e)
            and not control_plane(e)
            and not service_account(e)
        )
    ),
    "kubernetes_credentials_in_config_map": requests(
        lambda e: (
            ref(e, "resource") == "configmaps"
            and written(e)
            and ok(e)
            and not control_plane(e)
            and holds_credential(body(e))
        )
    ),
    "kubernetes_system_configuration_changed": requests(
        lambda e: (
            ref(e, "resource") == "configmaps"
            and ref(e, "namespace") in ("kube-system", "kube-public")
            and configuration(ref(e, "name") or "")
            and e["verb"] in ("create", "update", "patch", "delete")
            and ok(e)
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_service_exposed": requests(
        lambda e: (
            ref(e, "resource") == "services"
            and not ref(e, "subresource")
            and written(e)
            and ok(e)
            and not control_plane(e)
            and exposed(e)
        )
    ),
    "kubernetes_endpoints_written_by_hand": requests(
        lambda e: (
            ref(e, "resource") in ("endpoints", "endpointslices") and written(e) and ok(e) and not control_plane(e)
        )
    ),
    "kubernetes_admission_control_changed": requests(
        lambda e: ref(e, "resource") in ADMISSION and not ref(e, "subresource") and changed(e) and not control_plane(e)
    ),
    "kubernetes_api_service_written": requests(
        lambda e: (
            ref(e, "resource") == "apiservices"
            and not ref(e, "subresource")
            and written(e)
            and ok(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_node_changed_by_person": requests(
        lambda e: (
            ref(e, "resource") == "nodes"
            and ref(e, "subresource") != "proxy"
            and e["verb"] in ("create", "update", "patch", "delete")
            and ok(e)
            and not dry_run(e)
            and not control_plane(e)
            and not service_account(e)
        )
    ),
    "kubernetes_service_account_created_in_system_namespace": requests(
        lambda e: (
            ref(e, "resource") == "serviceaccounts"
            and not ref(e, "subresource")
            and ref(e, "namespace") in SYSTEM
            and created(e)
            and ok(e)
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_collection_deleted": requests(
        lambda e: e["verb"] == "deletecollection" and ok(e) and not control_plane(e)
    ),
    "kubernetes_namespace_deleted": requests(
        lambda e: (
            ref(e, "resource") == "namespaces"
            and e["verb"] == "delete"
            and ok(e)
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_workload_deleted": requests(
        lambda e: (
            ref(e, "resource")
            in (
                "deployments",
                "statefulsets",
                "configmaps",
                "secrets",
                "persistentvolumeclaims",
                "customresourcedefinitions",
                "serviceaccounts",
            )
            and not ref(e, "subresource")
            and e["verb"] == "delete"
            and ok(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_daemonset_changed_or_deleted": requests(
        lambda e: (
            ref(e, "resource") == "daemonsets"
            and not ref(e, "subresource")
            and e["verb"] in ("update", "patch", "delete")
            and answered(e)
            and code(e) == 200
            and not dry_run(e)
            and not control_plane(e)
            and not service_account(e)
        )
    ),
    "kubernetes_guardrail_removed": requests(
        lambda e: (
            guardrail(e)
            and not ref(e, "subresource")
            and answered(e)
            and code(e) == 200
            and not dry_run(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_events_deleted": requests(
        lambda e: (
            ref(e, "resource") == "events"
            and e["verb"] in ("delete", "deletecollection")
            and ok(e)
            and not control_plane(e)
        )
    ),
    "kubernetes_event_forged": requests(
        lambda e: (
            ref(e, "resource") == "events" and written(e) and ok(e) and not control_plane(e) and not service_account(e)
        )
    ),
    "kubernetes_pod_evicted_by_person": requests(
        lambda e: (
            (ref(e, "resource"), ref(e, "subresource"), e["verb"]) == ("pods", "eviction", "create")
            and ok(e)
            and not dry_run(e)
            and not control_plane(e)
            and not service_account(e)
        )
    ),
    "kubernetes_autoscaler_changed": requests(
        lambda e: (
            ref(e, "resource") == "horizontalpodautoscalers"
            and not ref(e, "subresource")
            and e["verb"] in ("update", "patch")
            and ok(e)
            and not dry_run(e)
            and not control_plane(e)
            and not service_account(e)
        )
    ),
    "kubernetes_service_account_reviews_its_permissions": requests(
        lambda e: (
            answered(e)
            and e["verb"] == "create"
            and not imp(e)
            and not control_plane(e)
            and ref(e, "resource") in ("selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews")
            and (user(e) or "").startswith("system:serviceaccount:")
        )
    ),
    "kubernetes_request_without_valid_credential": refused,
    "kubernetes_component_credential_used_elsewhere": requests(
        lambda e: answered(e) and user(e) == "system:apiserver" and not loopback(e)
    ),
    "kubernetes_misleading_dry_run": requests(lambda e: ok(e) and misleading(e)),
    "kubernetes_permissions_probed": probed,
    "kubernetes_issued_component_token_used": issued_and_used,
    "kubernetes_issued_token_used_from_two_addresses": used_from_two,
    "kubernetes_pod_that_nobody_created": nobody_created,
    "kubernetes_certificate_approved_by_its_requester": self_approved,
    "kubernetes_power_gained_after_refusals": gained_after_refusals,
    "kubernetes_burst_of_deletions": deletions,
    "kubernetes_token_of_entered_pod_used_elsewhere": entered_and_used,
    "kubernetes_escalation_refused": requests(
        lambda e: (
            ref(e, "resource") in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
            and e["verb"] in ("create", "update", "patch")
            and answered(e)
            and code(e) == 403
            and e.get("annotations", {}).get("authorization.k8s.io/decision") == "allow"
            and not control_plane(e)
        )
    ),
    "kubernetes_service_account_used_from_second_address": from_second_address,
}

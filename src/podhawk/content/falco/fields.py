"""The fields of Falco's k8saudit plugin, and where audit events have them.

A field is read as the plugin reads it: a list of containers gives the values of those that have one; numbers and true
and false are text. What `jevt.value` points to is a field of the event if it is text, and JSON otherwise.

Source: https://github.com/falcosecurity/plugins/blob/main/plugins/k8saudit/README.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from podhawk.content.falco.condition import FalcoField
from podhawk.errors import ContentError, nearest

_POD: Final = "requestObject.spec"
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
ANY_BODY: Final = "(requestObject.kind=* OR NOT requestObject.kind=*)"
"""True for every event, and says that the search needs bodies: where they are not logged it is not silent, it cannot
see."""
SELF: Final = "\0"


class Reading(Struct, frozen=True):
    """How a field is read: `expression` gives it, in eval. `path` is the field of the event that has the same values;
    "" if none has. An event in which the field is available matches `clause`. `listed` is true for lists. `then` is a
    second step, in which `SELF` stands for the outcome of the first."""

    expression: str
    path: str = ""
    listed: bool = False
    clause: str = ""
    then: str = ""


_PLAIN: Final[Mapping[str, str]] = {
    "ka.auditid": "auditID",
    "ka.stage": "stage",
    "ka.auth.decision": "annotations.authorization.k8s.io/decision",
    "ka.auth.reason": "annotations.authorization.k8s.io/reason",
    "ka.auth.openshift.decision": "annotations.authentication.openshift.io/decision",
    "ka.auth.openshift.username": "annotations.authentication.openshift.io/username",
    "ka.validations.admission.policy.failure": "annotations.validation.policy.admission.k8s.io/validation_failure",
    "ka.security.pod.violations": "annotations.pod-security.kubernetes.io/audit-violations",
    "ka.user.name": "user.username",
    "ka.user.groups": "user.groups{}",
    "ka.impuser.name": "impersonatedUser.username",
    "ka.verb": "verb",
    "ka.uri": "requestURI",
    "ka.target.name": "objectRef.name",
    "ka.target.namespace": "objectRef.namespace",
    "ka.target.resource": "objectRef.resource",
    "ka.target.subresource": "objectRef.subresource",
    "ka.req.binding.role": "requestObject.roleRef.name",
    "ka.req.configmap.name": "objectRef.name",
    "ka.req.pod.host_ipc": f"{_POD}.hostIPC",
    "ka.req.pod.host_network": f"{_POD}.hostNetwork",
    "ka.req.container.host_network": f"{_POD}.hostNetwork",
    "ka.req.pod.host_pid": f"{_POD}.hostPID",
    "ka.req.pod.run_as_user": f"{_POD}.securityContext.runAsUser",
    "ka.req.pod.run_as_group": f"{_POD}.securityContext.runAsGroup",
    "ka.req.pod.fs_group": f"{_POD}.securityContext.fsGroup",
    "ka.req.pod.supplemental_groups": f"{_POD}.securityContext.supplementalGroups{{}}",
    "ka.req.pod.volumes.hostpath": f"{_POD}.volumes{{}}.hostPath.path",
    "ka.req.pod.volumes.flexvolume_driver": f"{_POD}.volumes{{}}.flexVolume.driver",
    "ka.req.role.rules.apiGroups": "requestObject.rules{}.apiGroups{}",
    "ka.req.role.rules.nonResourceURLs": "requestObject.rules{}.nonResourceURLs{}",
    "ka.req.role.rules.verbs": "requestObject.rules{}.verbs{}",
    "ka.req.role.rules.resources": "requestObject.rules{}.resources{}",
    "ka.req.service.type": f"{_POD}.type",
    "ka.resp.name": "responseObject.metadata.name",
    "ka.response.code": "responseStatus.code",
    "ka.response.reason": "responseStatus.reason",
    "ka.useragent": "userAgent",
    "ka.sourceips": "sourceIPs{}",
    "ka.cluster.name": "annotations.cluster_name",
    **{
        f"ka.req.pod.{kind}.{name}": f"{_POD}.{kind}{{}}.{path}"
        for kind in _CONTAINERS
        for name, path in (
            ("name", "name"),
            ("image", "image"),
            ("privileged", "securityContext.privileged"),
            ("allow_privilege_escalation", "securityContext.allowPrivilegeEscalation"),
            ("read_only_fs", "securityContext.readOnlyRootFilesystem"),
            ("run_as_user", "securityContext.runAsUser"),
            ("run_as_group", "securityContext.runAsGroup"),
            ("proc_mount", "securityContext.procMount"),
        )
    },
}
"""Fields that are one field of the event."""
_JSON: Final[Mapping[str, str]] = {
    "ka.req.configmap.obj": "requestObject.data",
    "ka.req.binding.subjects": "requestObject.subjects",
    "ka.req.role.rules": "requestObject.rules",
    "ka.req.service.ports": f"{_POD}.ports",
}
"""Fields that are a part of the body, as JSON text."""
_LISTED_JSON: Final = ("ka.req.binding.subjects", "ka.req.role.rules", "ka.req.service.ports")
_POINTERS: Final = ("jevt.value", "json.value")
_TIMES: Final = ("jevt.rawtime", "json.rawtime", "jevt.time", "jevt.time.iso8601", "json.time", "json.time.iso8601")
_WHOLE: Final = ("jevt.obj", "json.obj")
_UNSUPPORTED: Final = (
    "ka.req.binding.subject.has_name",
    "ka.req.pod.volumes.volume_type",
    *(
        f"ka.req.pod.{kind}.{name}"
        for kind in _CONTAINERS
        for name in ("eff_run_as_user", "eff_run_as_group", "host_port", "add_capabilities", "args", "command")
    ),
)
TEXT: Final = (*_PLAIN, *_JSON, *_POINTERS, *_TIMES, *_WHOLE)


def is_time(field: FalcoField) -> bool:
    """Whether a field is the time of the event, which every event has."""
    return field.name in _TIMES and field.argument is None


def reading_of(field: FalcoField, *, as_json: bool = False) -> Reading:
    """How a field is read. `as_json` asks for objects too, as JSON text. Raises ContentError for a field that audit
    events do not have, and for one that podhawk cannot read."""
    name, argument = field.name, field.argument
    if name in _POINTERS:
        return _pointer(field, as_json)
    if name in _PLAIN:
        return _plain(_PLAIN[name]) if argument is None else _indexed(field, _PLAIN[name])
    if name in _JSON and argument is None:
        return Reading(f'json_extract(_raw, "{_JSON[name]}")', clause=ANY_BODY, listed=name in _LISTED_JSON)
    found = _made(field)
    if found is not None:
        return found
    if name in _TIMES and argument is None:
        return Reading("_time")
    if name in _WHOLE and argument is None:
        return Reading("_raw")
    if name in _UNSUPPORTED:
        raise ContentError(f"the field {field} cannot be read")
    if not name.startswith(("ka.", "jevt.", "json.")):
        raise ContentError(f"the field {name} is not one of the Kubernetes audit log")
    raise ContentError(f"unknown field {field}", remedy=nearest(name, TEXT))


def quoted(path: str) -> str:
    """A field's name in eval."""
    return path if re.fullmatch(r"\w+", path) else f"'{path}'"


def text(value: str) -> str:
    """Text in eval."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def pattern_of(value: str) -> str:
    """A regular expression that matches a text and nothing else, without backslashes wherever possible."""
    return re.sub(r"[.*+?()\[\]{}|$]", lambda found: f"[{found[0]}]", value.replace("\\", "\\\\").replace("^", "\\^"))


def _plain(path: str) -> Reading:
    return Reading(quoted(path), path, "{}" in path, f"{path}=*")


def _indexed(field: FalcoField, path: str) -> Reading:
    """One element of a list of containers, volumes or rules."""
    head, _, tail = path.partition("{}.")
    if not tail or "{}" in tail or not (field.argument or "").isdigit() or "{}" in head:
        raise ContentError(f"the field {field} cannot be read: podhawk takes no argument here")
    return Reading(f'json_extract(_raw, "{head}{{{field.argument}}}.{tail}")', clause=f"{path}=*", listed=True)


def _pointer(field: FalcoField, as_json: bool) -> Reading:
    if not (field.argument or "").startswith("/"):
        raise ContentError(f"{field.name} needs a JSON pointer, such as {field.name}[/verb]")
    steps = [one.replace("~1", "/").replace("~0", "~") for one in (field.argument or "")[1:].split("/")]
    path = ".".join(steps)
    numbers = any(one.isdigit() for one in steps)
    if any("{" in one or "}" in one or not one for one in steps) or (numbers and any("." in one for one in steps)):
        raise ContentError(f"the field {field} cannot be read")
    dotted = any("." in one for one in steps)
    if dotted or not (as_json or numbers):
        return Reading(quoted(path), path, clause=f"{path}=*")
    nested = re.sub(r"\.(\d+)(?=\.|$)", r"{\1}", path)
    body = path.startswith(("requestObject", "responseObject"))
    return Reading(f'json_extract(_raw, "{nested}")', clause=ANY_BODY if body else "")


def _made(field: FalcoField) -> Reading | None:
    """Fields that are worked out from others."""
    name, argument = field.name, field.argument
    image = f"{_POD}.containers{{}}.image"
    volume = f"{_POD}.volumes{{}}"
    for kind in _CONTAINERS:
        if name == f"ka.req.pod.{kind}.image.repository":
            images = reading_of(FalcoField(f"ka.req.pod.{kind}.image", argument))
            if argument is not None:
                return Reading(f'replace({images.expression}, "[:@].*$", "")', "", True, images.clause)
            mapped = f'mvmap({images.expression}, replace({images.expression}, "[:@].*$", ""))'
            return Reading(mapped, "", True, images.clause)
    match name, argument:
        case "ka.req.container.image", None:
            return Reading(f"mvindex('{image}', 0)", clause=f"{image}=*")
        case "ka.req.container.image.repository", None:
            return Reading(f'replace(mvindex(\'{image}\', 0), "[:@].*$", "")', clause=f"{image}=*")
        case "ka.req.container.privileged", None:
            flag = f"'{_POD}.containers{{}}.securityContext.privileged'"
            return Reading(
                f'case(isnotnull(mvfilter({flag}="true")), "true", isnotnull(\'{_POD}.containers{{}}.name\'), "false")',
                clause=f"{_POD}.containers{{}}.name=*",
            )
        case "ka.req.volume.hostpath", str(path):
            held = f"'{volume}.hostPath.path'"
            test = (
                f"substr({held}, 1, {len(path) - 1})={text(path[:-1])}"
                if path.endswith("*")
                else f"{held}={text(path)}"
            )
            return Reading(
                f'case(isnotnull(mvfilter({test})), "true", isnotnull(\'{volume}.name\'), "false")',
                clause=f"{volume}.name=*",
            )
        case "ka.target.pod.name", None:
            return Reading(
                "if('objectRef.resource'=\"pods\" AND isnull('objectRef.subresource'), "
                "'responseObject.metadata.name', null())",
                clause="responseObject.metadata.name=*",
            )
        case "ka.uri.param", str(key):
            found = f"^[^?]*[?](?:.*?&)?{pattern_of(key)}(?:=([^&]*))?(?:&.*)?$"
            return Reading(
                f"if(match(requestURI, {text(found)}), "
                f'urldecode(replace(replace(requestURI, {text(found)}, "\\1"), "[+]", " ")), null())',
                clause=f'requestURI="*{key}*"' if re.fullmatch(r"\w+", key) else "requestURI=*",
            )
        case "ka.req.binding.subjects.user_names", None:
            return _subjects("User")
        case "ka.req.binding.subjects.group_names", None:
            return _subjects("Group")
        case "ka.req.binding.subjects.serviceaccount_names", None:
            return _subjects("ServiceAccount")
        case _:
            return None


def _subjects(kind: str) -> Reading:
    """The names of the subjects of one kind. Kinds and names stand in one order, since every subject has both."""
    pairs = "mvzip('requestObject.subjects{}.kind', 'requestObject.subjects{}.name', \" \")"
    names = f'mvmap({SELF}, if(match({SELF}, "^{kind} "), substr({SELF}, {len(kind) + 2}), null()))'
    return Reading(pairs, "", True, "requestObject.subjects{}.name=*", then=names)

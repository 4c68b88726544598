"""Which findings a sink is told of: the parameters of `GET /api/v1/findings`, of which each may also be a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from podhawk.detect.report.finding_json import detection_key
from podhawk.serve.shadow import is_shadow

_Kind = Literal["intermediate", "finding", "incident"]
Status = Literal["new", "in_progress", "pending", "resolved", "closed"]


class FindingFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """A table `[sinks.NAME.filter]`. Every member that is given must hold; of a list, one value."""

    kind: _Kind | tuple[_Kind, ...] | None = None
    visible: bool | Literal["any"] = True
    """`any` for hidden ones too."""
    shadow: bool | Literal["any"] = False
    detection: str | tuple[str, ...] | None = None
    """The id or name of a detection."""
    cluster: str | tuple[str, ...] | None = None
    status: Status | tuple[Status, ...] | None = None
    min_priority: Annotated[int, Meta(ge=0, le=100)] = 0

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Whether a finding is told. `record` has its triage."""
        return (
            self.visible in ("any", bool(record["visible"]))
            and self.shadow in ("any", is_shadow(record))
            and _among(self.kind, record["kind"])
            and (_among(self.detection, detection_key(record)) or _among(self.detection, record["detection"]["name"]))
            and _among(self.cluster, record["cluster"])
            and _among(self.status, record.get("status") or "new")
            and int(record["priority"]) >= self.min_priority
        )


def _among(wanted: str | tuple[str, ...] | None, value: str) -> bool:
    return wanted is None or value == wanted or (isinstance(wanted, tuple) and value in wanted)

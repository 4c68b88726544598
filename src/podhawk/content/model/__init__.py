"""What detection content is made of, whichever generation of file it came from.

Everything here is a plain frozen value with no behaviour beyond small look-ups. Text stays as the file spells it where
it carries meaning (searches, messages, dates). What generations spell differently (risk object types, statuses,
schedules) is normalised once, by the readers.
"""

from podhawk.content.model.content import Content
from podhawk.content.model.detection import (
    AttackData,
    ContentTest,
    Deprecation,
    Detection,
    DrilldownSearch,
    Form,
    RiskObject,
    Severity,
    ThreatObject,
    Throttling,
)
from podhawk.content.model.problem import ContentProblem
from podhawk.content.model.supporting import (
    Baseline,
    Carried,
    DataSource,
    Deployment,
    Investigation,
    LookupDefinition,
    LookupKind,
    Macro,
    MatchType,
    Story,
)

__all__ = [
    "AttackData",
    "Baseline",
    "Carried",
    "Content",
    "ContentProblem",
    "ContentTest",
    "DataSource",
    "Deployment",
    "Deprecation",
    "Detection",
    "DrilldownSearch",
    "Form",
    "Investigation",
    "LookupDefinition",
    "LookupKind",
    "Macro",
    "MatchType",
    "RiskObject",
    "Severity",
    "Story",
    "ThreatObject",
    "Throttling",
]

"""The files of a baseline: lookup tables with the evidence of each row, their definitions, and macros over them.

Splunk reads them as they are. What was refused is in a table of its own, which nothing reads: a person who has checked
a row may move it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from podhawk.detect.baseline.habits import COMPONENTS, HABIT_COLUMNS, HABITS
from podhawk.detect.report import site_lists
from podhawk.detect.report.proposed_habits import EVIDENCE, HabitProposal
from podhawk.visible import visible_line

IMAGES: Final = "kube_baseline_images"
READERS: Final = "kube_baseline_secret_readers"
REFUSED: Final = "refused_habits.csv"
COMPONENT_USERS: Final = "kube_declared_components"


class Learned(Struct, frozen=True):
    """What a reference period proposes: habits, and the rows of each list with `refused`, by the list's name."""

    habits: Sequence[HabitProposal]
    lists: Mapping[str, Sequence[Mapping[str, Any]]]

    def records(self) -> list[dict[str, Any]]:
        """All proposals as plain data, with their kind."""
        return [
            *({"kind": "habit", **one.record()} for one in self.habits),
            *({"kind": name.rstrip("s"), **row} for name, rows in self.lists.items() for row in rows),
        ]


def files(learned: Learned) -> dict[str, str]:
    """The texts of the files of a baseline, by name."""
    accepted = [one.record() for one in learned.habits if not one.refused]
    refused = [one.record() for one in learned.habits if one.refused]
    lists = {name: [row for row in rows if not row["refused"]] for name, rows in learned.lists.items()}
    of_list = {COMPONENTS: site_lists.COMPONENTS, IMAGES: site_lists.IMAGES, READERS: site_lists.READERS}
    made = {
        f"{HABITS}.csv": _csv((*HABIT_COLUMNS, *EVIDENCE), accepted),
        REFUSED: _csv(("refused", *HABIT_COLUMNS, *EVIDENCE), refused),
        f"{HABITS}.yml": _lookup(HABITS, "Habits of this site, reviewed by a person. A finding that is one is hidden."),
        f"{COMPONENTS}.yml": _lookup(
            COMPONENTS, "Users of components, and the addresses or networks that are theirs.", "CIDR(address)"
        ),
        f"{IMAGES}.yml": _lookup(IMAGES, "Repositories of images that run at this site."),
        f"{READERS}.yml": _lookup(
            READERS, "Who reads secrets at this site, from where, in which namespace (* for all).", "CIDR(address)"
        ),
    }
    for name, key in of_list.items():
        made[f"{name}.csv"] = _csv(site_lists.COLUMNS[key], lists.get(key, ()))
    users = list(dict.fromkeys(row["user"] for row in lists.get(site_lists.COMPONENTS, ())))
    made |= {
        f"{COMPONENT_USERS}.yml": _macro(
            COMPONENT_USERS,
            "The users of the components that the baseline declares.",
            f"user.username IN ({', '.join(_quoted(visible_line(one)) for one in users) or _quoted('')})",
        ),
        "kube_outside_baseline_images.yml": _macro(
            "kube_outside_baseline_images",
            "Keeps the rows whose field `repository`, an image without tag and digest, is not in the baseline.",
            f"lookup {IMAGES} repository OUTPUT first_time as known | where isnull(known) | fields - known",
        ),
        "kube_outside_baseline_readers.yml": _macro(
            "kube_outside_baseline_readers",
            "Keeps the rows whose user, address, verb and namespace the baseline does not know as a reader of secrets.",
            f"lookup {READERS} user address verb namespace OUTPUT first_time as known | where isnull(known) "
            "| fields - known",
        ),
    }
    return made


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    # A name with hidden characters is written so that the reviewer sees them; it then matches nothing.
    writer.writerows({name: visible_line(str(row[name])) for name in columns if name in row} for row in rows)
    return out.getvalue()


def _lookup(name: str, description: str, match_type: str = "") -> str:
    data = {"name": name, "description": description, "filename": f"{name}.csv", "case_sensitive_match": True}
    return _yaml({**data, **({"match_type": match_type} if match_type else {})})


def _macro(name: str, description: str, definition: str) -> str:
    return _yaml({"name": name, "description": description, "definition": definition})


def _yaml(data: Mapping[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=110)


def _quoted(value: str) -> str:
    from podhawk.spl.text import quote

    return quote(value)

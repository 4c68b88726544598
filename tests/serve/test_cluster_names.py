"""Names of clusters that the folders of the lake would cut are refused at each door: they came back as others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podhawk.errors import UsageError
from podhawk.events.partition import LONGEST, cluster_of, fits, folder_of
from podhawk.events.redaction.mask import Redaction
from podhawk.serve.receivers.bodies import LONG_CLUSTER, BodyLines, read_event_list
from podhawk.serve.receivers.hec_events import FIELDS, HecError, read_envelopes
from podhawk.serve.tokens import Token, new_token, read_tokens
from podhawk.settings.resolve import resolve
from support.findings import event

FITS = "k" * LONGEST
LONG = ("k" * (LONGEST + 1), "é" * (LONGEST // 6 + 1))


@pytest.mark.parametrize("name", [FITS, "é" * (LONGEST // 6), "prod", *LONG])
def test_a_name_that_fits_comes_back_from_its_folder(name: str) -> None:
    assert fits(name) == (name not in LONG) == (cluster_of(f"{folder_of(name)}/x") == name)


def bodies() -> BodyLines:
    return BodyLines("prod", lambda cluster: True, Redaction())


def envelope(cluster: str) -> bytes:
    return json.dumps({"event": event("a"), "fields": {"cluster": cluster}}).encode()


@pytest.mark.parametrize("name", LONG)
def test_hec_took_a_name_that_its_folder_cut(name: str) -> None:
    with pytest.raises(HecError) as refused:
        read_envelopes(envelope("prod") + envelope(name), bodies(), True)
    assert (refused.value.code, refused.value.number) == (FIELDS, 1)
    found = bodies()
    read_envelopes(envelope(FITS) + envelope(name), found, False)
    assert (list(found.lines), [one.error for one in found.letters]) == ([FITS], ["HEC code 15"])


def test_an_envelope_in_another_body_named_such_a_cluster() -> None:
    found = bodies()
    wrapped = envelope(LONG[0]).decode()
    read_event_list(f'{{"items": [{wrapped}, {json.dumps(event("b"))}]}}'.encode(), found)
    assert (list(found.lines), [one.error for one in found.letters]) == (["prod"], [LONG_CLUSTER])


@pytest.mark.needs("serve")
@pytest.mark.parametrize("name", LONG)
def test_a_followed_file_and_a_token_could_have_such_a_cluster(tmp_path: Path, name: str) -> None:
    from podhawk.serve.configuration import configuration_of

    given = {"state": str(tmp_path / "state"), "follow": [str(tmp_path / "audit.log")], "cluster": name}
    with pytest.raises(UsageError, match="too long"):
        configuration_of(resolve("serve", given, {}, tmp_path))
    with pytest.raises(UsageError, match="too long"):
        new_token(tmp_path / "tokens.json", Token("me", ("prod", name), ("send",)))
    assert read_tokens(tmp_path / "tokens.json").by_hash == {}

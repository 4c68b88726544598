"""podhawk export splunk: an app that Splunk's own inspection passes, with the same searches in it."""

from __future__ import annotations

import configparser
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from podhawk.authoring.export.conf import conf, value
from podhawk.authoring.export.settings import app_settings
from podhawk.content.load import load_content, shipped_pack
from podhawk.errors import ContentError
from support.command_line import podhawk
from support.needs import program


def read(path: Path) -> configparser.RawConfigParser:
    """A .conf file by an independent reading: continued lines joined, then configparser."""
    text = re.sub(r"\\\n", "\x00", path.read_text(encoding="utf-8"))
    parser = configparser.RawConfigParser(strict=True, interpolation=None, comment_prefixes=("#",), delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    for section in parser.sections():
        for name, text in parser.items(section):
            parser.set(section, name, text.replace("\x00", "\n"))
    return parser


@pytest.fixture(params=["pack", pytest.param("published", marks=pytest.mark.corpus)])
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """An exported app, and the content that it is of."""
    source = shipped_pack() if request.param == "pack" else request.getfixturevalue("shared") / "content" / "splunk"
    done = podhawk("export", "splunk", "--content", source, "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "podhawk_content", source


def test_the_searches_are_those_of_the_content(exported: tuple[Path, Path]) -> None:
    folder, source = exported
    content = load_content([source])
    saved = read(folder / "default" / "savedsearches.conf")
    live = [one for one in content.detections if one.status not in ("deprecated", "removed")]
    assert len(saved.sections()) == len(live)
    for one in live:
        stanza = saved[f"PODHAWK - {one.name} - Rule"[:99]]
        assert re.sub(r"\s+", " ", stanza["search"]) == re.sub(r"\s+", " ", one.search.strip())
        found = json.loads(stanza["action.correlationsearch.annotations"])
        assert found.get("mitre_attack", []) == list(one.mitre_attack_id)
        assert found.get("analytic_story", []) == list(one.analytic_story)
        if one.risk_objects:
            risk = json.loads(stanza["action.risk.param._risk"])
            assert [
                (each["risk_object_field"], each["risk_score"]) for each in risk if "risk_object_field" in each
            ] == [(each.field, each.score) for each in one.risk_objects]
        assert stanza["disabled"] == "1"


def test_every_macro_lookup_and_story_is_there(exported: tuple[Path, Path]) -> None:
    folder, source = exported
    content = load_content([source])
    macros = read(folder / "default" / "macros.conf")
    for macro in content.macros.values():
        if not macro.generated:
            name = f"{macro.name}({len(macro.arguments)})" if macro.arguments else macro.name
            assert re.sub(r"\s+", " ", macros[name]["definition"]) == re.sub(r"\s+", " ", macro.definition.strip())
    saved = read(folder / "default" / "savedsearches.conf")
    for section in saved.sections():
        last = re.search(r"`(\w+_filter)`\s*\Z", saved[section]["search"])
        assert last is None or last[1] in macros
    transforms = read(folder / "default" / "transforms.conf")
    for name in transforms.sections():
        assert (folder / "lookups" / transforms[name]["filename"]).read_bytes() == Path(
            content.lookups[name].path
        ).read_bytes()
    stories = read(folder / "default" / "analyticstories.conf")
    listed = {
        each
        for name in stories.sections()
        if name.startswith("analytic_story://")
        for each in json.loads(stories[name]["searches"])
    }
    assert listed <= set(saved.sections())


@pytest.mark.slow
@pytest.mark.needs("appinspect")
def test_splunks_inspection_reports_no_error_and_no_failure(exported: tuple[Path, Path], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    subprocess.run(
        [
            program("splunk-appinspect"),
            "inspect",
            str(exported[0]),
            "--data-format",
            "json",
            "--output-file",
            str(report),
        ],
        check=False,
        capture_output=True,
        timeout=300,
    )
    summary = json.loads(report.read_text())["summary"]
    assert (summary["error"], summary["failure"]) == (0, 0)
    assert summary["success"] > 50


def test_names_and_prefix_are_those_of_contentctl(tmp_path: Path) -> None:
    (tmp_path / "contentctl.yml").write_text(
        "path: .\napp:\n  uid: 1\n  title: ACME Content\n  appid: ACME_Content\n  version: 3.2.1\n  prefix: ACME\n"
        "  description: Ours\n  author_name: ACME\n"
    )
    shutil.copytree(shipped_pack() / "detections", tmp_path / "detections")
    app = app_settings([tmp_path / "detections"])
    assert (app.id, app.title, app.version, app.author) == ("ACME_Content", "ACME Content", "3.2.1", "ACME")
    assert app.label("X") == "ACME - X - Rule"
    assert len(app.label("X" * 200)) == 99


def test_an_exception_goes_into_the_filter_macro_where_its_fields_survive(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text(
        "".join(
            f"- {{name: {name}, detection: kubernetes_exec_into_pod, when: '{when}', owner: o, "
            "reason: r, expires: 2099-01-01}\n"
            for name, when in (("kept", "user=ci"), ("lost", "objectRef.name=web"))
        )
    )
    done = podhawk("export", "splunk", "--exceptions", tmp_path / "e.yml", "--output-dir", tmp_path)
    assert "exception 'kept': added to the filter macro" in done.stderr
    assert "exception 'lost': not exported" in done.stderr
    macros = read(tmp_path / "podhawk_content" / "default" / "macros.conf")
    assert macros["kubernetes_exec_into_pod_filter"]["definition"] == "search * | search NOT (user=ci)"


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "podhawk_content").mkdir()
    assert podhawk("export", "splunk", "--output-dir", tmp_path).returncode == 2
    assert podhawk("export", "elastic", "--output-dir", tmp_path).returncode == 2


@pytest.mark.parametrize("text", ["a\nb", "a\\\nb", "  x  ", "a = b", "[x]", "ends\\", "ü — 中", "x\r\ny"])
def test_values_come_back_as_they_went(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.conf").write_text(conf([("one", {"key": text}), ("two", {"key": "2"})]), encoding="utf-8")
    found = read(tmp_path / "x.conf")
    assert found.sections() == ["one", "two"]
    assert [line.strip() for line in found["one"]["key"].split("\n")] == [
        line.strip() for line in text.replace("\r\n", "\n").strip().split("\n")
    ]
    assert value(True) == "1"


def deployed(folder: Path, **alert_action: object) -> Path:
    """Three detections and two deployments: that of a type, with these alert actions, and that of a story."""
    content = folder / "content"
    for name in ("detections", "deployments"):
        (content / name).mkdir(parents=True)
    shared = {"type": "TTP", "search": "verb=create | stats count by user.username"}
    made = {
        "detections/a.yml": {"name": "A", "id": "a", **shared},
        "detections/b.yml": {"name": "B", "id": "b", **shared, "tags": {"analytic_story": ["Nights"]}},
        "detections/c.yml": {
            "name": "C", "id": "c", **shared, "throttling": {"fields": ["user.username"], "period": "1h"}
        },
        "deployments/daily.yml": {
            "name": "Daily", "type": "TTP", "scheduling": {"cron_schedule": "5 3 * * *"}, "alert_action": alert_action
        },
        "deployments/nights.yml": {
            "name": "Nights", "scheduling": {"cron_schedule": "0 0 * * *"}, "tags": {"analytic_story": ["Nights"]}
        },
    }  # fmt: skip
    for name, text in made.items():
        (content / name).write_text(json.dumps(text))
    return content


def test_the_email_of_a_deployment_was_left_out(tmp_path: Path) -> None:
    email = {"to": "soc@example.com", "subject": "Splunk Alert $name$", "message": "two\nlines"}
    content = deployed(tmp_path, email=email, rba={"enabled": "true"}, slack={"channel": "soc"})
    done = podhawk("export", "splunk", "--content", content, "--output-dir", tmp_path / "out")
    assert done.returncode == 0
    assert "daily.yml): the alert action slack is not exported" in done.stderr
    assert "action email" not in done.stderr
    assert "action rba" not in done.stderr
    saved = read(tmp_path / "out" / "podhawk_content" / "default" / "savedsearches.conf")
    one = saved["PODHAWK - A - Rule"]
    assert (one["action.email"], one["action.email.to"]) == ("1", "soc@example.com")
    assert one["action.email.subject.alert"] == "Splunk Alert $name$"
    assert "action.email" not in saved["PODHAWK - B - Rule"]


def test_a_deployment_of_a_story_was_ignored(tmp_path: Path) -> None:
    podhawk("export", "splunk", "--content", deployed(tmp_path), "--output-dir", tmp_path / "out")
    saved = read(tmp_path / "out" / "podhawk_content" / "default" / "savedsearches.conf")
    assert [saved[f"PODHAWK - {name} - Rule"]["cron_schedule"] for name in "ABC"] == [
        "5 3 * * *",
        "0 0 * * *",
        "5 3 * * *",
    ]


def test_throttling_by_fields_had_no_effect_in_splunk(tmp_path: Path) -> None:
    podhawk("export", "splunk", "--content", deployed(tmp_path), "--output-dir", tmp_path / "out")
    saved = read(tmp_path / "out" / "podhawk_content" / "default" / "savedsearches.conf")
    assert saved["PODHAWK - C - Rule"]["alert.suppress.fields"] == "user.username"
    assert saved["PODHAWK - C - Rule"]["alert.digest_mode"] == "0"
    assert "alert.digest_mode" not in saved["PODHAWK - A - Rule"]


def test_an_export_refused_its_own_earlier_output(tmp_path: Path) -> None:
    content = deployed(tmp_path)
    made = []
    for _ in range(2):
        done = podhawk("export", "splunk", "--content", content, "--output-dir", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        made.append((tmp_path / "out" / "podhawk_content-1.0.0.tar.gz").read_bytes())
        (tmp_path / "out" / "podhawk_content" / "local").mkdir(exist_ok=True)
        (tmp_path / "out" / "podhawk_content" / "local" / "ours.conf").write_text("[x]\n")
        (tmp_path / "out" / "podhawk_content" / "default" / "old.conf").write_text("[x]\n")
    assert made[0] == made[1]
    assert (tmp_path / "out" / "podhawk_content" / "local" / "ours.conf").is_file()
    with tarfile.open(fileobj=io.BytesIO(made[1]), mode="r:gz") as archive:
        names = archive.getnames()
    assert "podhawk_content/default/savedsearches.conf" in names
    assert "podhawk_content/default/old.conf" not in names
    assert not [name for name in names if "/local/" in name]


def test_a_version_that_is_a_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "contentctl.yml").write_text("app:\n  appid: ACME\n  version: ../../x\n")
    with pytest.raises(ContentError, match="version"):
        app_settings([tmp_path])

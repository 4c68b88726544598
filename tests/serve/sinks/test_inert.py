"""What an attacker writes makes no mention, link or markup, and stays readable."""

from __future__ import annotations

import json
import re

import pytest

from podhawk.serve.sinks.inert import inert, inert_json
from podhawk.serve.sinks.message import message_of
from podhawk.serve.sinks.texts import EXAMPLE, texts_for
from podhawk.serve.sinks.webhook import body_of
from support.sinks import NOW, record

pytestmark = [pytest.mark.needs("serve")]
HOSTILE = (
    "<!channel> <!here|x> <@U024BE7LH> @everyone @here @room",
    "[click](https://evil.example/x) <a href='http://evil.example'>x</a> ![](http://evil.example/p.png)",
    "https://evil.example www.evil.com evil.example.org/login //evil.example HTTPS://EVIL.COM mailto:a@evil.com tel:+1",
    "*bold* _it_ ~strike~ `code` ```block``` ||spoiler|| # head",
    "\n# head\n- item\n> quote\r\nSubject: other",
    ":fire: :warning: javascript:alert(1)",
    "{{ 7 * 7 }} {% raw %} ${jndi:ldap://evil.example}",
    "\u202egnp.exe \x1b[31m \u200b",
    "1. item",
    "===",
)
"""Values that chats, mail programs and templates take for something."""
ALIVE = re.compile(
    r"[<>@*`~|\[\]{}()]|://|//|(?<!\w)_|www\.|[a-z]\.(?:com|example|org)|:[a-z]+:|[\x00-\x1f\u202e\u200b]",
    re.IGNORECASE,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_value_is_alive(text: str) -> None:
    assert not ALIVE.search(inert(text)), inert(text)
    assert not re.match(r"\s*([-+=>#]|\d+[.)])(\s|=)", inert(text))


@pytest.mark.parametrize("text", ["10.0.0.7", "kube-system", "system:node:a".replace(":", "-"), "2026-11-30T10:00:00Z"])
def test_what_does_nothing_stays(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_made_of_such_values_has_none_of_them(text: str) -> None:
    hostile = record(text, title=text, cluster=text, outcome=text, actor={"user": text}, target={"name": text})
    message = message_of([EXAMPLE.first.__class__("new", text, 1, hostile)], NOW, 70)
    for texts in (texts_for(None, None), texts_for("{{ first.record.title }}", "{{ first.record.actor.user }}")):
        for part in (texts.title_of(message), *texts.text_of(message).splitlines()):
            ours = re.sub(r"\(\S*\)|replaces|:\s", "", part) if "from" in part else part
            assert not re.search(r"[<>@*`~|\[\]{}]|://|www\.|evil\.", ours), part


def test_json_for_machines_is_exact_and_has_no_mention_in_its_bytes() -> None:
    message = message_of([EXAMPLE.first.__class__("new", "a", 1, record("a", title=" ".join(HOSTILE)))], NOW, 70)
    body = body_of(message, texts_for(None, None))
    found = inert_json(body)
    assert not re.search(rb"[<>@*`]|://|\]\(", found)
    assert json.loads(found)["items"][0]["record"]["title"] == " ".join(HOSTILE)

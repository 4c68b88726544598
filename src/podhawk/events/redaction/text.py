"""Secrets inside text, found by known patterns: tokens by their form, values by what stands before them.

`mask_tokens` masks what is a secret by its form, wherever it stands: JSON Web Tokens, access keys, private keys, the
password of a URL, bearer tokens. It is safe for any text. `mask_text` also masks values of options, assignments and
headers whose names say that they are secret; it is for commands, scripts and variables. A value that is a reference
(`$TOKEN`, `$(cat …)`) is not a secret and stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.names import is_secret_variable
from podhawk.lazy import lazy_pattern

HINTS: Final = (
    "eyJ",
    "KIA",
    "SIA",
    "PRIVATE",
    "LS0tLS1CRUdJTi",
    "earer",
    "EARER",
    "k8s-aws-v1.",
    "ya29.",
    "AIza",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "hvs.",
    "sha256~",
)
"""One of these stands in each text with a secret that is told by its form, URLs aside."""
_SHORTEST: Final = 8
"""Texts with fewer characters hold no secret that is told by its form."""
_TOKENS: Final = lazy_pattern(
    r"""
    (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}      # JSON Web Token
    | eyJhdXRocyI6[A-Za-z0-9+/=]+                                        # {"auths": … of a registry, in base64
    | (?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])           # AWS access key
    | (?<![A-Za-z0-9])k8s-aws-v1\.[A-Za-z0-9_-]{8,}                      # EKS token
    | (?<![A-Za-z0-9])ya29\.[A-Za-z0-9_.-]{16,}                          # Google OAuth
    | (?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}
    | (?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{20,}
    | (?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{20,}
    | (?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{16,}
    | (?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}
    | (?<![A-Za-z0-9])hvs\.[A-Za-z0-9_-]{16,}
    | (?<![A-Za-z0-9])sha256~[A-Za-z0-9_-]{32,}                          # OpenShift
    | -----BEGIN[ ][A-Z0-9 ]{0,32}PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z0-9 ]{0,32}-----|\Z)
    | LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJVkFURS|BFQyBQUklWQVRF|BPUEVOU1NIIFBSSVZBVEU|BFTkNSWVBURUQg)[A-Za-z0-9+/=]*
    """,
    re.VERBOSE | re.DOTALL,
)
_USERINFO: Final = lazy_pattern(
    r"((?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s/@:?#\"']{0,256}:)([^\s/@\"']+)(?=@)"
)
_BEARER: Final = lazy_pattern(r"(?i)(\bbearer\s+)([A-Za-z0-9._~+/=-]{8,})")

_VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|'[^']*(?:'|\Z)|\\+"(?:[^"\\])*(?:\\+"|\Z)|[^\s"'`;&|<>,}\]\\]+)"""
_NAME: Final = (
    r"(?:pass(?:word|wd|phrase|code)|token|(?<=[_-])(?:pass|pwd|secret)|(?<![\w-])pass|clientsecret"
    r"|(?:api|access|secret|private|auth|account|shared|encryption|signing|master)[_-]?key|(?<=[A-Z0-9]_)KEY)"
)
_ASSIGNMENT: Final = lazy_pattern(
    rf"((?<![A-Za-z0-9])[\w.-]{{0,64}}?(?i:{_NAME})\\*[\"']?\s{{0,4}}[=:]\s{{0,4}})({_VALUE})", re.DOTALL
)
_OPTION: Final = lazy_pattern(
    rf"((?<![^\s\"'=(])--?[\w-]{{0,64}}?(?i:pass(?:word|wd|phrase|code)?|token|secret|(?:api|access|secret|private)-?key)"
    rf"\s{{1,4}})(?!-)({_VALUE})",
    re.DOTALL,
)
_HEADER: Final = lazy_pattern(
    r"(?i)(\b(?:authorization|cookie)\\*[\"']?\s{0,4}[:=]\s{0,4}\\*[\"']?(?:(?:bearer|basic|token|splunk|digest|negotiate)\s+)?)"
    r"([^\s\"'\\,;]+)"
)
_LITERAL: Final = lazy_pattern(rf"(--from-literal(?:=|\s{{1,4}})[\"']?[\w.-]{{1,253}}=)({_VALUE})", re.DOTALL)
_BOOTSTRAP: Final = lazy_pattern(r"(?<![\w.-])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.-])")
_ERROR_CONTEXT: Final = lazy_pattern(
    r"((?:error found in #\d+ byte of|bigger context) \.\.\.\|)(.*?)(?=\|\.\.\.|\Z)", re.DOTALL
)

_ATTACHED: Final = (
    r"(?:mysql|mysqldump|mysqladmin|mysqlimport|mysqlcheck|mysqlsh|mariadb|mariadb-dump|mariadb-admin|sshpass)"
)
_SPACED: Final = r"(?:mongo|mongosh|mongodump|mongorestore|sshpass|docker|podman|nerdctl|helm|crane|skopeo|oras|az|oc)"
_START: Final = r"(?:(?<=[\s/;&|(\"'`])|\A)"
_REST: Final = r"(?:[^;&|\n]{0,2000}?\s)"
_CLIENTS: Final = tuple(
    (part, lazy_pattern(text, re.DOTALL))
    for part, text in (
        ("-p", rf"({_START}{_ATTACHED}\s{_REST}?-p)((?![\s-]){_VALUE})"),
        ("-p", rf"({_START}{_SPACED}\s{_REST}?-p\s{{1,4}})(?!-)({_VALUE})"),
        ("redis-cli", rf"({_START}redis-cli\s{_REST}?-a\s{{1,4}})({_VALUE})"),
        ("ldap", rf"({_START}ldap\w{{1,16}}\s{_REST}?-w\s{{1,4}})({_VALUE})"),
        (
            "-u",
            rf"({_START}(?:curl|wget|http)\s{_REST}?(?:-u|--user|--proxy-user)[\s=]{{0,4}}[\"']?[^\s:\"']{{0,256}}:)([^\s\"'`;&|<>]+)",
        ),
        ("smbclient", rf"({_START}smbclient\s{_REST}?-U\s{{0,4}}[\"']?[^\s%\"']{{0,256}}%)([^\s\"'`;&|<>]+)"),
        ("pass:", r"(\bpass:)([^\s\"'`;&|<>]+)"),
    )
)
"""Clients, each with a part of every text that it matches."""
_ATTACHED_NAME: Final = lazy_pattern(rf"{_ATTACHED}\Z")
_SPACED_NAME: Final = lazy_pattern(rf"{_SPACED}\Z")
_OPTION_NAME: Final = lazy_pattern(r"--?[\w-]{1,64}\Z")
_ASSIGNED: Final = lazy_pattern(r"(-{0,2}[A-Za-z_][\w.-]{0,128})=", re.DOTALL)
_SHELL: Final = lazy_pattern(r"-\w{0,8}c\Z")
"""The option of a shell whose value is a script: what follows an assignment there is a command, which stays."""
_REFERENCES: Final = ("$", "`", "<", "%(", "{{")


def has_hint(text: str) -> bool:
    """Whether a text has a hint of a secret that is told by its form."""
    for hint in HINTS:  # noqa: SIM110 - a loop takes half the time of any(), and this is asked of every text in a body
        if hint in text:
            return True
    return False


def mask_tokens(text: str, redaction: Redaction) -> str:
    """The text with everything masked that is a secret by its form."""
    if len(text) < _SHORTEST:
        return text
    if has_hint(text):
        text = _TOKENS.sub(lambda found: redaction.mask(found[0]), text)
        text = _BEARER.sub(lambda found: found[1] + _bearer(found[2], redaction), text)
    if "://" in text and "@" in text:
        text = _USERINFO.sub(lambda found: found[1] + _value(found[2], redaction), text)
    return text


def mask_text(text: str, redaction: Redaction) -> str:
    """The text of a command or variable, with values masked whose names say that they are secret."""

    def put(found: re.Match[str]) -> str:
        return found[1] + _value(found[2], redaction)

    text = mask_tokens(text, redaction)
    if "=" in text or ":" in text:
        text = _ASSIGNMENT.sub(put, text)
        text = _HEADER.sub(put, text)
        if "--from-literal" in text:
            text = _LITERAL.sub(put, text)
    if "-" in text:
        text = _OPTION.sub(put, text)
    for part, client in _CLIENTS:
        if part in text:
            text = client.sub(put, text)
    return _BOOTSTRAP.sub(lambda found: redaction.mask(found[0]), text) if "." in text else text


def mask_command(words: Sequence[str], redaction: Redaction) -> list[str]:
    """A command with its arguments. An argument by itself may hold blanks, so its value is all of it."""
    masked: list[str] = []
    client = ""
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        name = word.rpartition("/")[2]
        if (
            not before.startswith("-")
            and not word.startswith("-")
            and (_ATTACHED_NAME.match(name) or _SPACED_NAME.match(name))
        ):
            client = name
        masked.append(_argument(word, before, client, redaction))
    return masked


def _argument(word: str, before: str, client: str, redaction: Redaction) -> str:
    if _OPTION_NAME.match(before) and not word.startswith("-") and is_secret_variable(before):
        return _value(word, redaction)
    if client and before == "-p" and _SPACED_NAME.match(client):
        return _value(word, redaction)
    if client and word.startswith("-p") and len(word) > 2 and _ATTACHED_NAME.match(client):
        return "-p" + _value(word[2:], redaction)
    if before == "--from-literal":
        name, equals, value = word.partition("=")
        return name + equals + _value(value, redaction)
    assigned = _ASSIGNED.match(word) if _SHELL.match(before) is None else None
    if assigned is not None and is_secret_variable(assigned[1]):
        return assigned[0] + _value(word[assigned.end() :], redaction)
    return mask_text(word, redaction)


def mask_error(message: str, redaction: Redaction) -> str:
    """The message of the API server about a body that it could not decode, which may quote the body."""
    return _ERROR_CONTEXT.sub(lambda found: found[1] + redaction.mask(found[2]), message)


def mask_urls(text: str, redaction: Redaction) -> str:
    """A text with the passwords in the URLs that it holds masked."""
    return _USERINFO.sub(lambda found: found[1] + redaction.mask(found[2]), text)


def _value(text: str, redaction: Redaction) -> str:
    """A value masked, the quotes around it left. A reference to a value is none."""
    quote = ""
    for mark in ('\\"', '"', "'"):
        if text.startswith(mark):
            quote = mark
            break
    inner = text[len(quote) :]
    closed = bool(quote) and inner.endswith(quote)
    if closed:
        inner = inner[: -len(quote)]
    if not inner or inner.startswith(_REFERENCES) or inner in ("true", "false", "null"):
        return text
    return quote + redaction.mask(inner) + (quote if closed else "")


def _bearer(text: str, redaction: Redaction) -> str:
    """A bearer token. A word of plain text ("bearer authentication") is none."""
    return redaction.mask(text) if len(text) >= 20 or not text.isalpha() else text

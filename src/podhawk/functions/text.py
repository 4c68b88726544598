"""Text functions. Those that do not take multivalues give null for one."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from podhawk.errors import SearchError
from podhawk.functions import jsonpath, numbers
from podhawk.functions.declare import Env, EvalValue, Function, Volatility
from podhawk.functions.finite import whole
from podhawk.functions.multivalue import collapse
from podhawk.functions.regex import LimitHit, finditer

SOURCE = "https://help.splunk.com/en/splunk-enterprise/spl-search-reference/9.4/evaluation-functions/text-functions"
BLANKS = " \t"


def _single(change: Callable[..., EvalValue]) -> Callable[..., EvalValue]:
    """A function of texts: numbers come as text, and a multivalue anywhere makes the result null."""

    def run(*values: EvalValue) -> EvalValue:
        if any(isinstance(value, tuple) for value in values):
            return None
        return change(*[numbers.text(value) for value in values])

    return run


def _each(change: Callable[[str], str]) -> Callable[[EvalValue], EvalValue]:
    def run(value: EvalValue) -> EvalValue:
        if isinstance(value, tuple):
            return tuple(change(text) for text in value)
        return change(numbers.text(value))

    return run


def _substr(value: EvalValue, start: EvalValue, length: EvalValue = None) -> EvalValue:
    """Positions work as in SQLite's substr: from 1, negative ones from the end."""
    if isinstance(value, tuple):
        return None
    text = numbers.text(value)
    begin, count = whole(start), len(text) if length is None else whole(length)
    if begin is None or count is None:
        return None
    backwards = count < 0
    count = abs(count)
    if begin < 0:
        begin += len(text)
        if begin < 0:
            count = max(count + begin, 0) if length is not None else count
            begin = 0
    elif begin > 0:
        begin -= 1
    elif count > 0 and length is not None:
        count -= 1
    if backwards:
        begin -= count
        if begin < 0:
            count += begin
            begin = 0
    return text[begin : begin + count]


def expand(template: str, groups: list[str]) -> str:
    r"""A replacement text with `\1` … `\9` and `\0` filled in; `\\` is one backslash, other pairs stay."""
    if "\\" not in template:
        return template
    out: list[str] = []
    at = 0
    while at < len(template):
        char = template[at]
        following = template[at + 1 : at + 2]
        if char == "\\" and following.isascii() and following.isdigit():
            index = int(following)
            out.append(groups[index] if index < len(groups) else "")
            at += 2
        elif char == "\\" and following == "\\":
            out.append("\\")
            at += 2
        else:
            out.append(char)
            at += 1
    return "".join(out)


def _replace(env: Env, value: EvalValue, pattern: EvalValue, replacement: EvalValue) -> EvalValue:
    if isinstance(value, tuple) or isinstance(pattern, tuple) or isinstance(replacement, tuple):
        return None
    text, wanted, template = numbers.text(value), numbers.text(pattern), numbers.text(replacement)
    try:
        matches = finditer(wanted, text)
    except LimitHit:
        env.warn("regex-limit", wanted)
        return None
    except SearchError as error:
        env.warn("regex", error.message)
        return None
    out: list[str] = []
    at = 0
    for match in matches:
        out.append(text[at : match.start()])
        out.append(expand(template, [match[0], *[group or "" for group in match.groups()]]))
        at = match.end()
    out.append(text[at:])
    return "".join(out)


def _spath(value: EvalValue, path: EvalValue) -> EvalValue:
    if isinstance(value, tuple) or isinstance(path, tuple):
        return None
    document = jsonpath.parse(numbers.text(value))
    way = jsonpath.steps(numbers.text(path))
    if document is jsonpath.MISSING or way is None:
        return None
    return collapse(
        [found if isinstance(found, str) else jsonpath.dump(found) for found in jsonpath.find(document, way)]
    )


FAMILY: tuple[Function, ...] = (
    Function(
        "len",
        1,
        1,
        "The number of characters (code points).",
        ('len("kubelet")', "7"),
        run=_single(len),
        returns="number",
        aliases=("length",),
        source=SOURCE,
        known_as=("strlen", "char_length", "string_size"),
    ),
    Function(
        "lower",
        1,
        1,
        "The text in lower case. Applies to each value of a multivalue.",
        ('lower("Get")', "get"),
        run=_each(str.lower),
        returns="string",
        source=SOURCE,
        known_as=("tolower", "to_lower", "lcase"),
    ),
    Function(
        "upper",
        1,
        1,
        "The text in upper case. Applies to each value of a multivalue.",
        ('upper("Get")', "GET"),
        run=_each(str.upper),
        returns="string",
        source=SOURCE,
        known_as=("toupper", "to_upper", "ucase"),
    ),
    Function(
        "trim",
        1,
        2,
        "Removes the given characters from both ends of the text (default: spaces and tabs).",
        ('trim("  [x] ", " []")', "x"),
        run=_single(lambda text, characters=BLANKS: text.strip(characters) if characters else text),
        returns="string",
        source=SOURCE,
        known_as=("strip",),
    ),
    Function(
        "ltrim",
        1,
        2,
        "Removes the given characters from the start of the text (default: spaces and tabs).",
        ('ltrim("  x")', "x"),
        run=_single(lambda text, characters=BLANKS: text.lstrip(characters) if characters else text),
        returns="string",
        source=SOURCE,
        known_as=("trim_start",),
    ),
    Function(
        "rtrim",
        1,
        2,
        "Removes the given characters from the end of the text (default: spaces and tabs).",
        ('rtrim("x//", "/")', "x"),
        run=_single(lambda text, characters=BLANKS: text.rstrip(characters) if characters else text),
        returns="string",
        source=SOURCE,
        known_as=("trim_end",),
    ),
    Function(
        "replace",
        3,
        3,
        "Replaces every match of a regular expression (PCRE) in the text. \\1 to \\9 stand for groups.",
        (r'replace("3/25/2024", "^(\d+)/(\d+)/", "\2/\1/")', "25/3/2024"),
        run=_replace,
        returns="string",
        needs_env=True,
        pattern=1,
        source=SOURCE,
        volatility=Volatility.IMMUTABLE,
        known_as=("regexp_replace", "replace_regex", "gsub"),
    ),
    Function(
        "substr",
        2,
        3,
        "A part of the text. The second argument is the start position (1 is the first character, -1 "
        "the last), the third the number of characters (default: up to the end).",
        ('substr("kubelet", -3)', "let"),
        run=_substr,
        returns="string",
        source=SOURCE,
        known_as=("substring", "mid", "slice"),
    ),
    Function(
        "urldecode",
        1,
        1,
        "Replaces each %xx by the byte that it encodes, and decodes the result as UTF-8.",
        ('urldecode("%2Fapi%2Fv1%3Fwatch%3Dtrue")', "/api/v1?watch=true"),
        run=_single(unquote),
        returns="string",
        source=SOURCE,
    ),
    Function(
        "spath",
        2,
        2,
        "The value or values at a path in a JSON text, or null if there are none.",
        (r'spath("{\"user\":{\"groups\":[\"a\",\"b\"]}}", "user.groups{}")', ["a", "b"]),
        run=_spath,
        source=SOURCE,
        known_as=("extractjson", "parse_json", "get_json_object"),
    ),
)

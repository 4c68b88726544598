"""Expressions that call every eval function, with arguments of the kinds that it takes and of others.

A template names the kinds of its arguments: <any>, <number>, <few> (a small number), <list>, <document>, <path>,
<moment>, <condition>, <field>, <word>, <form>. `[a|b]` is one of several texts.
"""

from __future__ import annotations

import random
import re

from oracle.generate import NAMES, WORDS

FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%d/%b/%Y:%H:%M",
    "%F %T.%3N",
    "%s",
    "%I:%M %p %A %d %B %Y",
    "%j %Y",
    "%H:%M",
    "%c",
    "%y%m%d",
)
KINDS: dict[str, tuple[str, ...]] = {
    "number": ("n", "n", "'a'", "0", "1", "7", "10", "-3", "2.50", "0.1", "1.005", "8.250", "1024", "1e3"),
    "few": ("0", "1", "2", "3", "-1", "-2"),
    "list": (
        "'groups{}'",
        "'obj.list{}.n'",
        'split(m, " ")',
        'mvappend(a, "b", n)',
        "a",
        'split("c,b,a,b,10,9", ",")',
    ),
    "document": (
        r'"{\"a\":1,\"b\":[2,3.50,\"x\"],\"c\":{\"d\":null,\"e.f\":true}}"',
        r'"[1,\"b\",{\"k\":[]}]"',
        r'"{\"a\":"',
        "'_raw'",
        'json_object("a", n, "b", json_array(a, "x", null()))',
    ),
    "path": ('"a"', '"b{}"', '"b{0}"', '"c.d"', '"c"', '"{}"', '"nope"', '"user.name"', '"groups{}"', '"c.e.f"'),
    "moment": ("'_time'", "n", "1700000000.25", "1582934400", "0"),
    "form": FORMS,
}
VALUES: dict[str, tuple[str, ...]] = {
    **{
        name: (f"{name}(<number>)",)
        for name in (
            *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "ceiling", "cos", "cosh", "exp"),
            *("floor", "ln", "sin", "sinh", "sqrt", "tan", "tanh", "exact", "sigfig"),
        )
    },
    **{name: (f"{name}(<any>)",) for name in ("lower", "len", "length", "md5", "sha1", "sha256", "toint", "todouble")},
    "atan2": ("atan2(<number>, <number>)",),
    "hypot": ("hypot(<number>, <number>)",),
    "log": ("log(<number>)", "log(<number>, [2|10|3])"),
    "pow": ("pow(<number>, <few>)",),
    "pi": ("round(pi(), 5)",),
    "round": ("round(<number>)", "round(<number>, [1|2|-1])"),
    "avg": ("avg(n, <list>, 2.5)",),
    "sum": ("sum(n, <list>, 1)",),
    "max": ("max(<any>, <list>, <number>)",),
    "min": ("min(<any>, <list>, <number>)",),
    "random": ("if(random() >= 0, 1, 0)",),
    "time": ("if(time() > 0, 1, 0)",),
    "now": ("now() - 1",),
    "bit_and": ("bit_and(<number>, 6, <number>)",),
    "bit_or": ("bit_or(<number>, 9)",),
    "bit_xor": ("bit_xor(<number>, 5)",),
    "bit_not": ("bit_not(<number>)", "bit_not(<number>, 255)"),
    "bit_shift_left": ("bit_shift_left(<number>, <number>)",),
    "bit_shift_right": ("bit_shift_right(<number>, <few>)",),
    "case": ("case(<condition>, <any>, <condition>, <any>)",),
    "validate": ("validate(<condition>, <any>, <condition>, <any>)",),
    "if": ("if(<condition>, <any>, <any>)",),
    "coalesce": ("coalesce(<any>, <any>, <field>)",),
    "nullif": ("nullif(<any>, <any>)",),
    "null": ("coalesce(null(), <any>)",),
    "true": ("if(true(), <any>, 0)",),
    "false": ("if(false(), 0, <any>)",),
    "lookup": ('lookup("words", json_object("a", <field>), json_array("b", "n"))',),
    "upper": ("upper(<list>)",),
    "trim": ("trim(<any>)", 'trim(<any>, "[ s|01]")'),
    "ltrim": ("ltrim(<any>)", 'ltrim(<any>, "ps")'),
    "rtrim": ("rtrim(<any>)", 'rtrim(<any>, "s0")'),
    "replace": (
        'replace(<any>, "(a|e|i)", "_")',
        r'replace(<any>, "(\w)(\w)", "\2\1")',
        'replace(<any>, "^", "x")',
        r'replace(<any>, "\d+", "")',
    ),
    "substr": ("substr(<any>, <few>)", "substr(<any>, <few>, <few>)"),
    "urldecode": ("urldecode(m)", 'urldecode("%2Fapi%3Fa%3D1%26b")'),
    "spath": ("spath(<document>, <path>)",),
    "split": ('split(<any>, "[ |-|]")',),
    "commands": (
        'commands("search a | stats count | sort n")',
        "commands(m)",
        r'commands("a=\"x|y\" | eval b=[|c] | d")',
    ),
    "sha512": ("substr(sha512(<any>), 1, 9)",),
    "mvappend": ("mvappend(<any>, <list>, <any>)",),
    "mvcount": ("mvcount(<list>)",),
    "mvdedup": ("mvdedup(<list>)",),
    "mvfilter": ('mvfilter(match(a, "s"))', "mvfilter('groups{}'>5)", "mvfilter('groups{}'!=\"pods\")"),
    "mvfind": (r'mvfind(<list>, "[s$|^\d|b]")',),
    "mvindex": ("mvindex(<list>, <few>)", "mvindex(<list>, <few>, <few>)"),
    "mvjoin": ('mvjoin(<list>, "[,|| - ]")',),
    "mvmap": (
        "mvmap('groups{}', 'groups{}'.\"!\")",
        "mvmap(a, upper(a))",
        "mvmap('groups{}', if('groups{}'>1, 'groups{}'+1, null()))",
    ),
    "mvrange": ("mvrange(<few>, [5|3|n % 9])", "mvrange(<few>, 4, [2|0.5|-1])", 'mvrange(0, 200000, "[1d|7h]")'),
    "mvreverse": ("mvreverse(<list>)",),
    "mvsort": ("mvsort(<list>)",),
    "mvzip": ("mvzip(<list>, <list>)", 'mvzip(<list>, <list>, ":")'),
    "mv_to_json_array": ("mv_to_json_array(<list>)", "mv_to_json_array(<list>, [true|false]())"),
    "json": ("json(<document>)",),
    "json_object": ('json_object("k", <any>, "a.b", <list>)', 'json_object(a, <any>, "k", <number>)'),
    "json_array": ("json_array(<any>, <list>, <number>, null())",),
    "json_array_to_mv": (
        r'json_array_to_mv("[1,\"b\",[2]]")',
        "json_array_to_mv(json_array(a, n), true())",
        "json_array_to_mv(<document>)",
    ),
    "json_append": ("json_append(<document>, <path>, <any>)", "json_append(<document>, <path>, <any>, <path>, <list>)"),
    "json_extend": ('json_extend(<document>, <path>, json_array(1, "x"))', "json_extend(<document>, <path>, <list>)"),
    "json_set": ("json_set(<document>, <path>, <any>)", "json_set(<document>, <path>, <any>, <path>, <list>)"),
    "json_set_exact": ("json_set_exact(<document>, <path>, <any>)",),
    "json_delete": ("json_delete(<document>, <path>, <path>)",),
    "json_entries": ("json_entries(<document>)",),
    "json_extract": (
        "json_extract(<document>)",
        "json_extract(<document>, <path>)",
        "json_extract(<document>, <path>, <path>)",
    ),
    "json_extract_exact": ("json_extract_exact(<document>, <path>)", "json_extract_exact(<document>, <path>, <path>)"),
    "json_keys": ("json_keys(<document>)",),
    "tonumber": ("tonumber(<field>)", "tonumber(<field>, [16|2])"),
    "tostring": ("tostring(<number>)", 'tostring(<number>, "[hex|commas|duration|binary]")', "tostring(<list>)"),
    "toarray": ("toarray(<document>)", "toarray(<list>)", "toarray(n)"),
    "toobject": ("toobject(<document>)",),
    "tomv": ("tomv(<document>)", "tomv(<list>)", "tomv(<any>)"),
    "typeof": ("typeof(<any>)", "typeof(<list>)", "typeof([null()|1=1|n])"),
    "ipmask": (
        'ipmask("255.255.0.0", [ip|a|m])',
        'ipmask("255.255.0.0", "10.1.2.3")',
    ),
    "printf": (
        'printf("%s|%-6s|%.2s", <any>, <number>, <any>)',
        'printf("%d %5d %05d", n, 3, <number>)',
        "printf(\"%'d|%'.1f\", n, <number>)",
        'printf("%.2f %8.3f %+e", n, <number>, 0.1)',
        'printf("%x %#X %o", n, 255, <number>)',
        'printf("%c%%", [a|65|n])',
        'printf("%*d|%-8.3d", 6, n, 3)',
        'printf("%u %i", <number>, n)',
        'printf("%g %G", n, <number>)',
        'printf("%.1a", <number>)',
    ),
    "strftime": ('strftime(<moment>, "<form>")',),
    "strptime": (
        'strptime(strftime(<moment>, "<form>"), "<form>")',
        'strptime("[2024-02-29 12:00:00|2023-02-29 00:00:00|11:30|1 Mar 2024|29/Feb/2024:07:05]", "<form>")',
    ),
    "relative_time": ('relative_time(<moment>, "[-1d@d|+1mon|@w1|-2h@h+5m|@q|-1y@y|+1w@w0]")',),
}
CONDITIONS: dict[str, tuple[str, ...]] = {
    **{name: (f"{name}(<any>)",) for name in ("isnull", "isnotnull", "isnum", "isint", "isdouble", "isstr", "tobool")},
    "in": ("in(<any>, <any>, <any>)",),
    "like": ('like(<any>, "[%s%|_od%|pods|1%|%]")', 'like(<list>, "%s")'),
    "match": (r'match(<any>, "[^a|\d|s$]")', 'match(<list>, "^p")'),
    "cidrmatch": ('cidrmatch("[10.0.0.0/8|fe80::/10|192.0.2.1]", [ip|a|m])',),
    "searchmatch": ('searchmatch("[a=pods|n>5 OR secrets|NOT b=*|*|a IN (pods, 1*)]")',),
    "isbool": ("isbool(<any>)", "isbool(1=1)"),
    "ismv": ("ismv(<list>)",),
    "isarray": ("isarray(<document>)",),
    "isobject": ("isobject(<document>)",),
    "json_valid": ("json_valid(<document>)", "json_valid(<any>)"),
    "json_has_key_exact": ("json_has_key_exact(<document>, <path>)",),
}
MADE = frozenset({*VALUES, *CONDITIONS})
"""The functions that are called."""


def filled(chance: random.Random, template: str, depth: int) -> str:
    form = chance.choice(FORMS)

    def argument(found: re.Match[str]) -> str:
        kind = found[1]
        if kind == "form":
            return form
        if kind == "condition":
            return condition(chance, depth + 1)
        if kind == "field":
            return f"'{chance.choice(NAMES)}'"
        if kind in ("any", "number") and depth < 2 and chance.random() < 0.2:
            return expression(chance, depth + 1)
        if kind == "any":
            word = '"' + chance.choice(WORDS) + '"'
            return chance.choice([f"'{chance.choice(NAMES)}'"] * 3 + [word, chance.choice(KINDS["number"])])
        return chance.choice(KINDS[kind])

    # A choice holds no bracket; patterns and documents do not look like one, for they hold quotes or no bar.
    chosen = re.sub(r"\[([^\[\]\"]*\|[^\[\]\"]*)\]", lambda found: chance.choice(found[1].split("|")), template)
    return re.sub(r"<(\w+)>", argument, chosen)


def expression(chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    if kind < 0.1:
        return filled(chance, "(<any> . <any>)", depth)
    if kind < 0.25:
        return filled(chance, f"(<any> {chance.choice('+-*/%')} <number>)", depth)
    if kind < 0.28:
        return filled(chance, "-<field>", depth)
    return filled(chance, chance.choice(VALUES[chance.choice(sorted(VALUES))]), depth)


def condition(chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    template = f"<any> {chance.choice(['=', '!=', '<', '>', '<=', '>=', '=='])} <any>"
    if kind > 0.7:
        template = chance.choice(["<any> IN (<any>, <word>)", '<field> LIKE "%s%"', "NOT isnull(<field>)"])
    elif kind > 0.3:
        template = chance.choice(CONDITIONS[chance.choice(sorted(CONDITIONS))])
    made = filled(chance, template.replace("<word>", '"pods"'), depth)
    if depth < 2 and chance.random() < 0.3:
        word = chance.choice(["AND", "OR", "XOR", "and", "or"])
        made += f" {word} {chance.choice(['', 'NOT '])}{condition(chance, depth + 1)}"
    return f"({made})"

"""Events and searches out of a seed, with everything in them that has broken somebody's tool."""

from __future__ import annotations

import random

NAMES = [
    "a",
    "b",
    "user.name",
    "groups{}",
    "obj.list{}.n",
    "n",
    "ip",
    "m",
    "annotations.k8s.io/why",
    "É",
    "nope",
    "nested{}{}",
    "flag",
]
SINGLE = ["a", "b", "user.name", "n", "ip", "m", "nope"]
WORDS = [
    "pods",
    "secrets",
    "my-secrets",
    "alpha",
    "Beta",
    "É",
    "é",
    "K",
    "k",
    "\u212a",
    "ß",
    "SS",
    "İ",
    "i",
    "σ",
    "ς",
    "Σ",
    "",
    "0",
    "null",
    "x y",
    "a=b",
    "10.0.0.7",
    "fe80::1",
    "true",
    "1.0",
    "1e3",
    "10",
    "9",
    "-0",
    "nginx:1.27",
]
NUMBERS = ["0", "1", "1.0", "1e3", "-0", "12345678901234567890", "9", "10", "0.1", "0.2", "-3.5", "403", "200"]
ADDRESSES = ["10.0.0.7", "10.1.2.3", "192.0.2.1", "fe80::1", "::1", "not an ip"]


def quoted(chance: random.Random, word: str) -> str:
    out = []
    for char in word:
        if char in '"\\':
            out.append("\\" + char)
        elif ord(char) < 0x10000 and chance.random() < 0.05:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def scalar(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.6:
        return quoted(chance, chance.choice(WORDS))
    if kind < 0.85:
        return chance.choice(NUMBERS)
    return chance.choice(["null", "true", "false"])


def listed(chance: random.Random) -> str:
    return "[" + ",".join(scalar(chance) for _ in range(chance.randint(0, 3))) + "]"


def event(chance: random.Random) -> str:
    members: list[str] = []

    def put(name: str, value: str, often: float = 0.6) -> None:
        if chance.random() < often:
            members.append(f"{quoted(chance, name)}:{value}")

    if chance.random() < 0.8:
        members.append(f'"_time":{chance.choice(["100", "100", "150.5", "200", "200.25", "300"])}')
    put("a", scalar(chance), 0.8)
    put("b", scalar(chance), 0.7)
    put("user", "{" + f'"name":{scalar(chance)}' + (',"uid":"7"' if chance.random() < 0.3 else "") + "}")
    put("user.name", scalar(chance), 0.1)
    put("groups", listed(chance), 0.6)
    put("obj", '{"list":[' + ",".join(f'{{"n":{scalar(chance)}}}' for _ in range(chance.randint(0, 2))) + "]}", 0.4)
    put("n", chance.choice(NUMBERS), 0.7)
    put("ip", quoted(chance, chance.choice(ADDRESSES)), 0.5)
    put("m", quoted(chance, " ".join(chance.choice(WORDS) for _ in range(3))), 0.5)
    put("annotations", '{"k8s.io/why":' + scalar(chance) + "}", 0.3)
    put("É", scalar(chance), 0.2)
    put("nested", f"[[{scalar(chance)}],[]]", 0.2)
    put("empty", chance.choice(["{}", "[]", '""']), 0.2)
    put("a", scalar(chance), 0.1)  # a key that stands twice: the last one counts
    if members and chance.random() < 0.3:
        first, *rest = members
        chance.shuffle(rest)
        members = [first, *rest]
    return "{" + ",".join(members) + "}"


def literal(chance: random.Random) -> str:
    word = chance.choice([*WORDS, *NUMBERS, *ADDRESSES])
    kind = chance.random()
    if kind < 0.15 and word:
        cut = chance.randint(0, len(word))
        word = word[:cut] + "*" + (word[cut:] if chance.random() < 0.5 else "")
    elif kind < 0.2:
        word = chance.choice(["10.0.0.0/8", "192.0.2.0/24", "fe80::/10", "*"])
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def comparison(chance: random.Random) -> str:
    name = chance.choice(NAMES)
    kind = chance.random()
    if kind < 0.55:
        return f'"{name}"{chance.choice(["=", "=", "=", "!=", "<", ">", "<=", ">="])}{literal(chance)}'
    if kind < 0.7:
        return f'"{name}" IN ({", ".join(literal(chance) for _ in range(chance.randint(1, 3)))})'
    if kind < 0.8:
        return f'"{name}"=*'
    if kind < 0.9:
        return chance.choice(
            ["pods", "secrets", "alpha", "sec*", "*ets", "É", "k", "TERM(10.0.0.7)", "CASE(Beta)", "*"]
        )
    return chance.choice(['"x y"', '"secrets"', "earliest=100 latest=200", "latest=151"])


def clause(chance: random.Random, depth: int = 0) -> str:
    parts = []
    for _ in range(chance.randint(1, 3)):
        part = comparison(chance) if depth > 1 or chance.random() < 0.8 else f"({clause(chance, depth + 1)})"
        parts.append(("NOT " if chance.random() < 0.2 else "") + part)
    text = parts[0]
    for part in parts[1:]:
        text += chance.choice([" ", " AND ", " OR "]) + part
    return text


def operand(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if kind < 0.45:
        return f"'{chance.choice(NAMES)}'"
    if kind < 0.65:
        return '"' + chance.choice(WORDS) + '"'
    if kind < 0.8 or depth > 2:
        return chance.choice(["0", "1", "7", "10"])
    return expression(chance, depth + 1)


def expression(chance: random.Random, depth: int = 0) -> str:
    one, two = operand(chance, depth), operand(chance, depth)
    kind = chance.random()
    if kind < 0.2:
        return f"({one} . {two})"
    if kind < 0.4:
        return f"({one} {chance.choice('+-')} {two})"
    return chance.choice(
        [
            f"if({condition(chance, depth + 1)}, {one}, {two})",
            f"coalesce({one}, {two})",
            f"lower({one})",
            f"len({one})",
            f"mvcount({one})",
            f"mvindex({one}, {chance.choice(['0', '-1', '1'])})",
            f"mvappend({one}, {two})",
            f"case({condition(chance, depth + 1)}, {one}, true(), {two})",
            f"upper({one})",
            f"tostring({one})",
            f'mvjoin({one}, ",")',
            f'replace({one}, "[aeiou]", "_")',
            f"substr({one}, 1, 2)",
            f"nullif({one}, {two})",
        ]
    )


def condition(chance: random.Random, depth: int = 0) -> str:
    one, two = operand(chance, depth + 1), operand(chance, depth + 1)
    parts = [
        f"{one} {chance.choice(['=', '!=', '<', '>', '<=', '>='])} {two}",
        f"isnull({one})",
        f"isnotnull({one})",
        f'match({one}, "^[a-z]")',
        f'like({one}, "%s%")',
        f'{one} IN ({two}, "pods")',
    ]
    text = chance.choice(parts)
    if depth < 2 and chance.random() < 0.4:
        text += f" {chance.choice(['AND', 'OR', 'XOR'])} {chance.choice(['', 'NOT '])}{condition(chance, depth + 1)}"
    return f"({text})"


def aggregation(chance: random.Random) -> str:
    name = chance.choice(NAMES)
    return chance.choice(
        [
            "count",
            f"count('{name}')",
            f"dc('{name}')",
            f"values('{name}')",
            f"list('{name}')",
            f"min('{name}')",
            f"max('{name}')",
            "avg(n)",
            "sum(n)",
            f"first('{name}')",
            f"last('{name}')",
            f"earliest('{name}')",
            f"latest('{name}')",
            "perc50(n)",
            "perc95(n)",
            "median(n)",
            f"mode('{name}')",
            "stdev(n)",
            "varp(n)",
            "range(n)",
            f"count(eval({condition(chance)}))",
            f"values(eval({expression(chance)}))",
            "values(u*)",
            "max(n*) AS top_n*",
        ]
    )


def aggregations(chance: random.Random) -> str:
    found: dict[str, None] = {}
    for _ in range(chance.randint(1, 3)):
        found[aggregation(chance)] = None
    return " ".join(
        call if call.startswith(("max(n*)", "values(u*)")) else f"{call} AS r{place}"
        for place, call in enumerate(found)
    )


def by(chance: random.Random, often: float = 0.8) -> str:
    if chance.random() > often:
        return ""
    return " BY " + " ".join(f'"{name}"' for name in chance.sample(NAMES, chance.randint(1, 3)))


def reshaping(chance: random.Random) -> str:
    """A command that reshapes, numbers or sums up rows."""
    one, two = chance.sample(NAMES, 2)
    period = chance.randint(2, 3)
    return chance.choice(
        [
            "reverse",
            "noop search_optimization=false",
            f'tags "{one}"',
            "table a b n | uniq",
            f'table "{one}" | uniq',
            "accum n",
            f'accum "{one}" AS total',
            f"delta n{chance.choice(['', ' AS d', ' p=2'])}",
            f'autoregress "{one}"' + chance.choice([" AS before", " p=1-2", " p=2"]),
            f'strcat {chance.choice(["", "allrequired=t "])}a "/" b joined',
            "rangemap field=n low=0-9 high=10-500 all=-5-100000 default=other",
            f"table a b n | addtotals {chance.choice(['', 'col=t labelfield=a', 'row=f col=t', 'fieldname=s n b'])}",
            "table a n | addcoltotals labelfield=a",
            "stats count dc(b) AS d BY a | transpose "
            + chance.choice(["", "0", "2 column_name=c", "header_field=a", "include_empty=f"]),
            f"fields a b n | fieldsummary {chance.choice(['', 'maxvals=1', 'a n'])}",
            "fields a b n | tojson "
            + chance.choice(["", "default_type=str", "default_type=num fill_null=t", "output_field=j"]),
            f"trendline {chance.choice(['sma', 'ema', 'wma'])}{period}(n){chance.choice(['', ' AS t'])}",
            f'table "{one}" "{two}" n | selfjoin '
            + chance.choice(["", "max=0 ", "overwrite=f ", "keepsingle=t "])
            + f'"{one}"',
            "makecontinuous span=50",
            "filldown" + chance.choice(["", f' "{one}"']),
            "stats count dc(b) AS d BY a | untable a name cell",
            f'table a b "{one}" | mvcombine "{one}"',
            f'nomv "{one}"',
            "bin span=10 n AS bin",
            "bin span=100 _time",
            'replace "pods" WITH "POD", "1.0" WITH "x"',
            f'replace "" WITH "empty" IN "{one}"',
            "outputtext",
            "xmlunescape",
            f'chart limit=0 {chance.choice(["count", "sum(n) AS s", "dc(b) AS d"])} over "{one}"',
            f'chart limit=0 count over "{one}" by "{two}"',
        ]
    )


def command(chance: random.Random) -> str:
    if chance.random() < 0.3:
        return reshaping(chance)
    one, two = chance.sample(NAMES, 2)
    single = chance.choice(SINGLE)
    return chance.choice(
        [
            f"search {clause(chance)}",
            f"where {condition(chance)}",
            f"eval x={expression(chance)}",
            f"eval x={expression(chance)}, a=x",
            "fillnull",
            f'fillnull value=none "{one}" "{two}"',
            "fillnull value=NULL",
            f"stats {aggregations(chance)}{by(chance)}",
            f"stats count{by(chance)} dedup_splitvals=t",
            f"eventstats {aggregations(chance)}{by(chance, 0.5)}",
            f"streamstats count AS c{by(chance, 0.5)}",
            "streamstats current=f window=2 sum(n) AS s",
            f'rename "{one}" AS "{two}"',
            "rename user.* AS *",
            f'table "{one}" "{two}" _time',
            "table user.* n",
            f'fields - "{one}"',
            f'fields "{one}" "{two}"',
            f"head {chance.randint(1, 5)}",
            "head n<100 null=t keeplast=t",
            f"tail {chance.randint(1, 4)}",
            f'sort {chance.choice(["", "- "])}"{single}"',
            'sort 3 -n, "a"',
            f'dedup "{one}"',
            f'dedup 2 "{one}" "{two}" keepempty=t',
            f'top "{one}"',
            f'top limit=2 "{one}" BY "{two}"',
            f'rare "{one}" "{two}"',
            f'rex field="{one}" "(?<first>[a-z]+)(?<second>\\d)?"',
            'rex field=m max_match=0 "(?<word>\\w+)"',
            f'regex "{one}"="[a-z]"',
            f'regex "{one}"!="^1"',
            f'mvexpand "{one}"',
            'makemv delim=" " m',
            "search *",
            'append [| makeresults count=2 | eval a="made"]',
            f"appendpipe [stats count{by(chance, 0.5)}]",
        ]
    )


def published(chance: random.Random) -> str:
    """The shape of most published detections."""
    fill = chance.choice(["| fillnull ", "", "| search NOT (a=pods) | fillnull "])
    group = " ".join(f'"{name}"' for name in chance.sample(NAMES, chance.randint(2, 5)))
    renamed = chance.choice(['| rename groups{} AS g, "user.name" AS user ', ""])
    return f"{clause(chance)} {fill}| stats count values(m) AS m2 BY {group} {renamed}| search *"


def pair(seed: int) -> tuple[list[str], str]:
    """Events and a search."""
    chance = random.Random(seed)
    events = [event(chance) for _ in range(chance.randint(0, 9))]
    if chance.random() < 0.25:
        return events, published(chance)
    stages = [clause(chance) if chance.random() < 0.5 else "*"]
    stages += [command(chance) for _ in range(chance.randint(0, 4))]
    return events, " | ".join(stages)

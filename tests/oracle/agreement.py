"""Whether the engine and the second reading give the same, and on how small a pair they do not.

    python -m oracle.agreement FIRST LAST

compares the generated pairs with these seeds, in tests/, and prints what differs.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from oracle.env import Refused
from oracle.generate_commands import pair
from oracle.interpret import interpret
from oracle.world import NOW, World
from podhawk.errors import PodhawkError


def differs(events: list[str], spl: str, exact: bool, world: World) -> tuple[Any, Any] | None:
    """What the two give, if it is not the same (or one of them refuses)."""
    world.write(events)
    try:
        expected: Any = interpret(spl, events, exact, NOW, world.env)
    except (PodhawkError, Refused):
        expected = "refused"
    try:
        got: Any = world.engine(spl, exact)
    except PodhawkError as error:
        got = "refused"
        if expected != "refused":
            return expected, f"refused: {error}"
    return None if got == expected else (expected, got)


def smaller(events: list[str], spl: str, exact: bool, world: World) -> tuple[list[str], str]:
    """A smaller pair on which the two still differ."""
    shrunk = True
    while shrunk:
        shrunk = False
        for place in range(len(events)):
            fewer = events[:place] + events[place + 1 :]
            if differs(fewer, spl, exact, world):
                events, shrunk = fewer, True
                break
        parts = spl.split(" | ")
        for place in range(1, len(parts)):
            shorter = " | ".join(parts[:place] + parts[place + 1 :])
            try:
                if differs(events, shorter, exact, world):
                    spl, shrunk = shorter, True
                    break
            except Exception:
                continue
    return events, spl


def told(seed: int, events: list[str], spl: str, exact: bool, found: tuple[Any, Any]) -> str:
    expected, got = (json.dumps(one, ensure_ascii=False) for one in found)
    return (
        f"seed {seed} exact={exact}\nevents:\n" + "\n".join(events) + f"\nsearch: {spl}\n"
        f"second reading: {expected}\nengine:         {got}"
    )


def main(first: int, last: int) -> None:
    def alarm(*given: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, alarm)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for seed in range(first, last):
            events, spl = pair(seed)
            exact = seed % 2 == 0
            signal.alarm(20)
            try:
                found = differs(events, spl, exact, world)
                if found:
                    failed += 1
                    events, spl = smaller(events, spl, exact, world)
                    print(
                        told(seed, events, spl, exact, differs(events, spl, exact, world) or found)[:1500], flush=True
                    )
            except Exception as error:
                failed += 1
                print(f"seed {seed} exact={exact} {spl}\n{error!r}", flush=True)
            finally:
                signal.alarm(0)
    print(f"{last - first} pairs, {failed} differ", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

"""What slows those who guess passwords.

Failures are counted for the name together with the address, for the address, and for the name. The first makes one
guesser wait longer and longer, the second one who tries many names, and the third one with many addresses; that takes
more failures, and its wait is short, because anybody can cause it for somebody else's name. A wait is an answer at
once: nothing is held, and no password is looked at.

A browser in which somebody has signed in before has a cookie that says so. Its failures for this name count by
themselves, so guessers keep nobody out of their own account, also where all connections come from one proxy.

Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import ipaddress
import secrets
from typing import Final

from podhawk.serve.console.accounts import hash_of
from podhawk.serve.console.database import ConsoleDatabase

WINDOW: Final = 3600.0
"""Seconds in which failures count."""
_FREE: Final = {"pair": 5, "address": 20, "name": 50, "browser": 10}
"""Failures after which there is a wait."""
_LONGEST: Final = {"pair": 900.0, "address": 900.0, "name": 60.0, "browser": 900.0}
"""Seconds that it takes at most."""
KNOWN_SECONDS: Final = 180 * 86400.0
"""A browser in which somebody has not signed in for so long is not known any more."""


class Brake:
    """Counts failed attempts to sign in."""

    def __init__(self, database: ConsoleDatabase) -> None:
        self._database = database

    def wait(self, name: str, address: str, now: float, browser: str = "") -> float:
        """Seconds until the next attempt is looked at; 0 if it is looked at now."""
        longest = 0.0
        for kind, who in self._counted(name, address, now, browser):
            row = self._database.row(
                "SELECT count(*) AS many, max(time) AS last FROM failures WHERE who = ? AND time > ?",
                (who, now - WINDOW),
            )
            if row is not None and row["many"] >= _FREE[kind]:
                seconds = min(_LONGEST[kind], 2.0 ** min(row["many"] - _FREE[kind], 20) * 2)
                longest = max(longest, row["last"] + seconds - now)
        return longest

    def failed(self, name: str, address: str, now: float, browser: str = "") -> None:
        """Count a failure."""
        counted = self._counted(name, address, now, browser)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE time <= ?", (now - WINDOW,))
            for _, who in counted:
                connection.execute("INSERT INTO failures VALUES (?, ?)", (who, now))

    def take_back(self, name: str, address: str, now: float, browser: str = "") -> None:
        """Do not count the last failure: it was none."""
        counted = self._counted(name, address, now, browser)
        with self._database.transaction() as connection:
            for _, who in counted:
                connection.execute(
                    "DELETE FROM failures WHERE rowid = (SELECT max(rowid) FROM failures WHERE who = ?)", (who,)
                )

    def forget(self, name: str, address: str, now: float = 0.0, browser: str = "") -> None:
        """Forget the failures of a name at an address, or in a browser, and the one that was counted before this
        success."""
        self.take_back(name, address, now, browser)
        _, who = self._counted(name, address, now, browser)[0]
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM failures WHERE who = ?", (who,))

    def know(self, name: str, now: float, browser: str = "") -> str:
        """The token by which a browser is known in which somebody has just signed in."""
        token = browser if self._is_known(name, now, browser) else secrets.token_urlsafe(32)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM browsers WHERE used <= ?", (now - KNOWN_SECONDS,))
            connection.execute("INSERT OR REPLACE INTO browsers VALUES (?, ?, ?)", (hash_of(token), name, now))
        return token

    def _is_known(self, name: str, now: float, browser: str) -> bool:
        query = "SELECT 1 FROM browsers WHERE hash = ? AND name = ? AND used > ?"
        return bool(browser) and self._database.row(query, (hash_of(browser), name, now - KNOWN_SECONDS)) is not None

    def _counted(self, name: str, address: str, now: float, browser: str) -> tuple[tuple[str, str], ...]:
        """The kinds and names under which failures are counted, the narrowest first."""
        if self._is_known(name, now, browser):
            return (("browser", f"browser {hash_of(browser)}"),)
        name, network = name[:64].lower(), network_of(address)
        return ("pair", f"pair {network} {name}"), ("address", f"address {network}"), ("name", f"name {name}")


def network_of(address: str) -> str:
    """What counts as one address: of IPv6, the network that a single customer is given."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    return str(known.ipv4_mapped or ipaddress.ip_network((int(known) >> 64 << 64, 64)))

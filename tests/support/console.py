"""People of a console, for tests: accounts in its file, and clients that are signed in."""

from __future__ import annotations

import re
import time
from typing import Any

import httpx

from podhawk.serve.console.accounts import Account, Accounts, Role
from podhawk.serve.console.database import ConsoleDatabase
from support.service import Service

PASSWORD = "seven grey herons fly"


def add_account(folder: Any, name: str, role: Role, clusters: tuple[str, ...] = ("*",)) -> Account:
    """An account, made as the console makes it."""
    database = ConsoleDatabase(folder)
    accounts = Accounts(database)
    now = time.time()
    made = accounts.accept(accounts.invite(name, role, clusters, now), name, PASSWORD, now)
    database.close()
    return made


class Person:
    """Somebody who is signed in, with the cookies of a browser."""

    def __init__(self, service: Service, name: str, password: str = PASSWORD) -> None:
        self.service = service
        self.client = httpx.Client(base_url=service.url, timeout=30, verify=False)
        self.answer = self.sign_in(name, password)

    def sign_in(self, name: str, password: str) -> httpx.Response:
        csrf = token_in(self.client.get("/sign-in").text)
        return self.client.post("/sign-in", data={"_csrf": csrf, "name": name, "password": password})

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def post(self, path: str, csrf: str | None = None, **form: Any) -> httpx.Response:
        """Send a form, as a page of the console does."""
        token = csrf if csrf is not None else token_in(self.client.get("/queue").text)
        return self.client.post(path, data={"_csrf": token, **form})

    @property
    def cookies(self) -> list[dict[str, Any]]:
        """The cookies as playwright takes them: `context.add_cookies(person.cookies)`."""
        return [
            {"name": one.name, "value": one.value or "", "url": self.service.url} for one in self.client.cookies.jar
        ]


def token_in(text: str) -> str:
    """The CSRF token of a page."""
    found = re.search(r'name="_csrf" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]

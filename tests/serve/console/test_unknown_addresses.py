"""What programs and people are told at an address where nothing is."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from podhawk.serve.console.render import HEADERS
from support.service import Service, service

pytestmark = [pytest.mark.needs("serve"), pytest.mark.slow]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("unknown")) as made:
        yield made


@pytest.mark.parametrize("path", ["/api/v1/no-such", "/api/v1", "/api/v1/findings/x/y", "/audit/one"])
def test_programs_got_a_page_for_an_unknown_address_of_the_interface(running: Service, path: str) -> None:
    answer = httpx.get(running.url + path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["error"]["code"] == "not-found"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/no-such", 404), ("GET", "/findings/x/y/z", 404), ("DELETE", "/queue", 405), ("PUT", "/sign-in", 405)],
)
def test_people_got_json_for_an_unknown_address(running: Service, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, running.url + path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert 'href="/queue"' in answer.text
    plain = httpx.request(method, running.url + path)
    assert (plain.status_code, plain.headers["content-type"]) == (status, "application/json")

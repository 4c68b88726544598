"""Secrets in text: what is masked, and what looks alike and stays."""

from __future__ import annotations

import pytest

from podhawk.events.redaction.mask import Redaction
from podhawk.events.redaction.text import mask_command, mask_text, mask_tokens
from podhawk.events.redaction.uri import mask_uri

R = "(redacted)"
NONE = Redaction()
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"

MASKED = [
    ("mysql -uroot -phunter2 -e 'select 1'", f"mysql -uroot -p{R} -e 'select 1'"),
    ("/usr/bin/mysqldump --user=x -p'hunter 2' db", f"/usr/bin/mysqldump --user=x -p'{R}' db"),
    ("mysql --password=hunter2 db", f"mysql --password={R} db"),
    ("tool --password hunter2 x", f"tool --password {R} x"),
    ("kubectl --token abc123 get pods", f"kubectl --token {R} get pods"),
    ("kubeadm join 10.0.0.1:6443 --token abcdef.0123456789abcdef", f"kubeadm join 10.0.0.1:6443 --token {R}"),
    ("echo abcdef.0123456789abcdef", f"echo {R}"),
    ("curl -H 'Authorization: Bearer s3cr3tvalue' https://x", f"curl -H 'Authorization: Bearer {R}' https://x"),
    ('curl -H "Authorization: Basic dXNlcjpwYXNz" x', f'curl -H "Authorization: Basic {R}" x'),
    ('curl -H "X-Vault-Token: s.abcdef" x', f'curl -H "X-Vault-Token: {R}" x'),
    ("curl -u admin:hunter2 https://x", f"curl -u admin:{R} https://x"),
    ("git clone https://me:hunter2@git.example/x.git", f"git clone https://me:{R}@git.example/x.git"),
    ("redis://:hunter2@cache:6379/0", f"redis://:{R}@cache:6379/0"),
    ("PGPASSWORD=hunter2 psql -h db", f"PGPASSWORD={R} psql -h db"),
    ("export GITHUB_TOKEN=abc123", f"export GITHUB_TOKEN={R}"),
    ('export DB_SECRET="two words"', f'export DB_SECRET="{R}"'),
    ("AWS_SECRET_ACCESS_KEY=abc/def+1 aws s3 ls", f"AWS_SECRET_ACCESS_KEY={R} aws s3 ls"),
    ('{"password":"hunter2","user":"x"}', f'{{"password":"{R}","user":"x"}}'),
    ("sshpass -p hunter2 ssh root@x", f"sshpass -p {R} ssh root@x"),
    ("redis-cli -a hunter2 keys", f"redis-cli -a {R} keys"),
    ("docker login -u me -p hunter2 reg", f"docker login -u me -p {R} reg"),
    ("create secret generic x --from-literal=key1=hunter2", f"create secret generic x --from-literal=key1={R}"),
    (f"echo {JWT}", f"echo {R}"),
    ("aws AKIAIOSFODNN7EXAMPLE", f"aws {R}"),
    ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest", f"{R}\nrest"),
    ("jdbc:mysql://db/x?user=a&password=hunter2", f"jdbc:mysql://db/x?user=a&password={R}"),
]
KEPT = [
    "cat /var/run/secrets/kubernetes.io/serviceaccount/token",
    'curl -H "Authorization: Bearer $TOKEN" https://kubernetes.default',
    "kubectl --token $(cat /var/run/secrets/kubernetes.io/serviceaccount/token) get secrets",
    "kubectl get secret db-password -o yaml",
    "tool --token-file=/etc/token --password-stdin",
    "mysql -uroot -p -e 'select 1'",
    "ls -p /tmp",
    "mkdir -p /tmp/x; ps -p 12",
    "kubectl -n kube-system get pods -l app=secret",
    "http://host:8080/path@x",
    "PWD=/root sh -c ls",
    "bearer authentication is off",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_a_secret_in_a_command_is_masked_and_nothing_else_of_it(text: str, expected: str) -> None:
    assert mask_text(text, NONE) == expected
    assert mask_text(expected, NONE) == expected


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert mask_text(text, NONE) == text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mysql", "-uroot", "-ptwo words"], ["mysql", "-uroot", f"-p{R}"]),
        (["tool", "--password", "two words"], ["tool", "--password", R]),
        (["tool", "--db-password=two words"], ["tool", f"--db-password={R}"]),
        (["env", "API_TOKEN=a b", "x"], ["env", f"API_TOKEN={R}", "x"]),
        (["sh", "-c", "mysql -phunter2"], ["sh", "-c", f"mysql -p{R}"]),
        (["ssh", "-p", "22", "host"], ["ssh", "-p", "22", "host"]),
        (["tool", "--token-file", "/x", "--token", "$T"], ["tool", "--token-file", "/x", "--token", "$T"]),
    ],
)
def test_an_argument_is_masked_as_a_whole(words: list[str], expected: list[str]) -> None:
    assert mask_command(words, NONE) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/api/v1/x?token=abc&pretty=true", f"/api/v1/x?token={R}&pretty=true"),
        (
            "/x/proxy/login?user=a&access_token=abc&%70assword=x",
            f"/x/proxy/login?user=a&access_token={R}&%70assword={R}",
        ),
        (
            "/api/v1/namespaces/a/pods/b/exec?command=mysql&command=-uroot&command=-phunter2&container=c",
            f"/api/v1/namespaces/a/pods/b/exec?command=mysql&command=-uroot&command=-p{R}&container=c",
        ),
        (
            "/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&command=PGPASSWORD%3Dhunter2+psql",
            f"/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&command=PGPASSWORD={R}+psql",
        ),
        (f"/x/proxy/{JWT}/y", f"/x/proxy/{R}/y"),
        (
            "/api/v1/secrets?labelSelector=app%3Dtoken%3Dx&limit=500",
            "/api/v1/secrets?labelSelector=app%3Dtoken%3Dx&limit=500",
        ),
        (
            "/api/v1/pods?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ&limit=1",
            "/api/v1/pods?continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ&limit=1",
        ),
        ("/api/v1/x/exec?command=ls&command=%2Ftmp&stdin=true", "/api/v1/x/exec?command=ls&command=%2Ftmp&stdin=true"),
    ],
)
def test_parameters_and_commands_in_a_uri(uri: str, expected: str) -> None:
    assert mask_uri(uri, NONE) == expected
    assert mask_uri(expected, NONE) == expected


def test_a_key_makes_equal_values_equal_and_is_not_shown() -> None:
    keyed = Redaction(b"0123456789abcdef")
    one, same, other = (mask_text(f"--token={value}", keyed) for value in ("a1", "a1", "b2"))
    assert one == same != other
    assert one.startswith("--token=hmac:")
    assert mask_text(one, keyed) == one
    assert "0123456789" not in repr(keyed)


def test_a_user_agent_loses_only_its_token() -> None:
    assert mask_tokens(f"curl/8 {JWT} x", NONE) == f"curl/8 {R} x"

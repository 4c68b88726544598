"""The copy of the lake in an object store, against a server that speaks S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from podhawk.errors import StoreError, UsageError
from podhawk.serve.configuration import configuration_of
from podhawk.serve.lake.copies import LakeCopy
from podhawk.serve.lake.process import LakeOrder, keep_lake
from podhawk.serve.lake.retention import Keeping
from podhawk.settings.resolve import resolve
from podhawk.store.lake import SEALED, LakeFile, Manifest
from support.findings import event
from support.lakes import T0, stored

pytestmark = [pytest.mark.needs("serve", "object-store")]
URL = "s3://audit/lake"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    made = ThreadedMotoServer("127.0.0.1", 0)
    made.start()
    host, port = made.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    import boto3

    boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(Bucket="audit")
    yield f"http://{host}:{port}"
    made.stop()


def objects(endpoint: str) -> dict[str, bytes]:
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    names = [one["Key"] for one in client.list_objects_v2(Bucket="audit").get("Contents", ())]
    return {name: client.get_object(Bucket="audit", Key=name)["Body"].read() for name in names}


def lake(folder: Path) -> dict[str, bytes]:
    files = Manifest(str(folder)).files(SEALED)
    return {f"lake/{one.name}": (folder / "lake" / one.name).read_bytes() for one in files}


def test_each_sealed_file_is_sent_once_and_again_if_the_store_lacks_it(server: str, tmp_path: Path) -> None:
    import boto3

    lines = [json.dumps(event(f"id-{number}")).encode() for number in range(4)]
    stored(tmp_path, [("prod", lines[:2]), ("größe/ä", lines[2:])])
    order = LakeOrder(str(tmp_path), Keeping(days=36500, free=0), URL)
    done = keep_lake(order, T0)
    assert (done.error, done.sealed, done.sent) == ("", 2, 2)
    assert objects(server) == lake(tmp_path)
    assert keep_lake(order, T0).sent == 0
    some = next(iter(lake(tmp_path)))
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    client.put_object(Bucket="audit", Key=some, Body=b"cut off")
    assert keep_lake(order, T0).sent == 1
    assert objects(server) == lake(tmp_path)


def test_a_store_that_is_away_does_not_stop_sealing(server: str, tmp_path: Path) -> None:
    stored(tmp_path, [("prod", [json.dumps(event("a")).encode()])])
    order = LakeOrder(str(tmp_path), Keeping(days=36500, free=0), "s3://nosuchbucket/lake")
    done = keep_lake(order, T0)
    assert (done.sealed, done.sent) == (1, 0)
    assert "the copy of the lake cannot be written" in done.error


def test_a_file_that_arrived_otherwise_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()

    class Cutting(LakeCopy):
        """A copy whose store keeps less than it was sent."""

        def _check(self, name: str, data: bytes) -> None:
            (tmp_path / "store" / name).write_bytes(data[:-1])
            super()._check(name, data)

    (tmp_path / "one.json.gz").write_bytes(b"some bytes")
    file = LakeFile("one.json.gz", "prod", 0, 1, 1, size=10)
    with pytest.raises(StoreError, match="is not what was sent"):
        Cutting(f"file://{tmp_path}/store").send(tmp_path, [file])


def test_a_url_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lake-copy"):
        configuration_of(resolve("serve", {"state": str(tmp_path), "lake_copy": "ftp://x/y"}, {}, tmp_path))

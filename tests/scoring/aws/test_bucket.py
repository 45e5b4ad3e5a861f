"""Objects of a bucket: what is read, what is not sent again, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded import EmbeddedAws
from scoring.aws.bucket import Bucket, Stored
from scoring.files.errors import BadInput
from tests.lambda_.faults import counted, refused

GET = ("s3", "GetObject")


@pytest.fixture
def s3() -> Iterator[Any]:
    with EmbeddedAws() as aws:
        client = aws.client("s3")
        for name in ("models", "other"):
            where = {"LocationConstraint": "eu-west-1"}
            client.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        yield client


def test_what_was_written_is_read(s3: Any) -> None:
    bucket = Bucket(s3, "s3://models/team/")
    bucket.write("v1/a", b"1")
    assert (bucket.read("v1/a"), bucket.read("v1/b"), bucket.folders()) == (b"1", None, ["v1"])
    assert bucket.address == "s3://models/team"
    assert Bucket(s3, "s3://models").read("team/v1/a") == b"1"
    assert Bucket(s3, "s3://models").folders() == ["team"]
    assert Bucket(s3, "s3://models/te").folders() == []


def test_an_address_of_its_own_leads_to_another_bucket(s3: Any) -> None:
    s3.put_object(Bucket="other", Key="lists/vendors.yaml", Body=b"[]")
    bucket = Bucket(s3, "s3://models/team")
    assert bucket.read("s3://other/lists/vendors.yaml") == b"[]"
    assert bucket.read("s3://other/lists/gone.yaml") is None


def test_what_has_not_changed_is_not_sent_again(s3: Any) -> None:
    bucket = Bucket(s3, "s3://models")
    assert bucket.read_again("a") is None
    bucket.write("a", b"1")
    first = bucket.read_again("a")
    assert first is not None
    with counted() as made:
        assert bucket.read_again("a") is first
        assert made == [GET]
    throttled = ClientError({"Error": {"Code": "SlowDown", "Message": "no"}}, "GetObject")
    with refused(GET, throttled), pytest.raises(ClientError):
        bucket.read_again("a")
    assert bucket.read_again("a") is first
    bucket.write("a", b"2")
    second = bucket.read_again("a")
    assert second == Stored(b"2", second.etag if second else "")
    assert second != first
    s3.delete_object(Bucket="models", Key="a")
    assert bucket.read_again("a") is None
    bucket.write("a", b"2")
    assert bucket.read_again("a") == second


def test_what_is_too_large_is_not_read(s3: Any) -> None:
    bucket = Bucket(s3, "s3://models/x", most_bytes=3)
    bucket.write("a", b"123")
    assert bucket.read("a") == b"123"
    bucket.write("a", b"1234")
    for read in (bucket.read, bucket.read_again):
        with pytest.raises(BadInput, match="s3://models/x/a: expected at most 3 bytes, got 4"):
            read("a")


def test_what_aws_refuses_is_not_taken_for_missing(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        Bucket(s3, "s3://nowhere").read("a")
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")
    with refused(GET, denied), pytest.raises(ClientError, match="AccessDenied"):
        Bucket(s3, "s3://models").read("a")


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix"])
def test_a_bucket_without_a_name(address: str) -> None:
    with pytest.raises(BadInput, match=r"expected s3://bucket or s3://bucket/prefix, got 's3://"):
        Bucket(None, address)

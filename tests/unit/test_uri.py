"""URIs: which backend and root they name, and what they are refused for."""

import pytest

from remote_store import ConfigError, InvalidPath, Store
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause
from remote_store.uri import Uri, parse_uri


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("file:///a/b%20c", Uri("file", None, "", None, "/a/b c", {})),
        ("file:a/b", Uri("file", None, None, None, "a/b", {})),
        ("S3://Bucket/p?x=1%262&y=a+b", Uri("s3", None, "Bucket", None, "/p", {"x": "1&2", "y": "a+b"})),
        ("x://u%40d@h:22/p", Uri("x", "u@d", "h", 22, "/p", {})),
        ("x://[::1]:22", Uri("x", None, "[::1]", 22, "", {})),
        ("memory:", Uri("memory", None, None, None, "", {})),
        ("x:?a=", Uri("x", None, None, None, "", {"a": ""})),
    ],
)
def test_a_uri_is_taken_apart_and_decoded(text, parts):
    assert parse_uri(text) == parts


@clause("CONF-07", "SECRET-03")
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "not a URI"),
        ("data/folder", "not a URI"),
        ("/data", "not a URI"),
        ("s3:/bucket", None),
        ("memry:", "unknown URI scheme 'memry'; did you mean 'memory'?"),
        ("local:/data", "unknown URI scheme 'local'; URIs of that backend begin with 'file:'"),
        ("azure://c", "URIs of that backend begin with 'abfs:' or 'abfss:' or 'az:'"),
        ("memory:?nam=x", "nam: unknown option; did you mean 'name'?"),
        ("memory:?name=a&name=b", "the URI gives the option 'name' twice"),
        ("memory:?name", "an option of the URI is not of the form name=value"),
        ("memory://x?name=y", "name: the address of the URI says it already"),
        ("memory:folder", "a memory without a name is empty"),
        ("memory://x#y", "no '#' part"),
        ("memory://%zz", "not followed by two hex digits"),
        ("memory://%ff", "not UTF-8"),
        ("memory://a:b:c", "the address of the URI is not"),
        ("s3://me:canary@bucket", "carries no password"),
        ("s3://bucket?secret_key=canary", "secret_key: a URI carries no secrets"),
        ("s3://bucket?regio=x", "regio: unknown option; did you mean 'region'?"),
    ],
)
def test_a_wrong_uri_is_a_config_error_that_says_what_to_do_and_shows_no_secret(uri, message):
    with pytest.raises(ConfigError) as refused:
        Store.from_uri(uri)
    assert message is None or message in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_uri_is_text():
    with pytest.raises(TypeError, match="a URI is a str, not bytes"):
        Store.from_uri(b"memory:")


def test_a_path_of_a_uri_is_held_to_the_grammar_of_keys():
    with pytest.raises(InvalidPath):
        Store.from_uri("memory://x/a/%2e%2e/b")


@clause("CONF-07")
def test_memories_of_one_name_are_one_and_unnamed_ones_are_alone():
    named = Store.from_uri("memory://unit-uri/sub")
    named.write("a", b"1")
    assert Store.from_uri("memory://unit-uri").read_bytes("sub/a") == b"1"
    assert Store.from_uri("memory:", name="unit-uri").exists("sub/a")
    assert named == Store(MemoryBackend("unit-uri"), "sub")
    assert not Store.from_uri("memory:").exists("sub/a")


@clause("CONF-07")
def test_a_file_uri_is_absolute_or_relative_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "da ta").mkdir()
    Store.from_uri(f"file://{tmp_path}/da%20ta").write("a", b"1")
    assert Store.from_uri("file:da%20ta").read_bytes("a") == b"1"
    assert Store.from_uri(f"file://localhost{tmp_path}/da%20ta").read_bytes("a") == b"1"
    with pytest.raises(ConfigError, match="file:"):
        Store.from_uri("file://data/x")


@clause("CONF-07")
def test_an_s3_uri_is_bucket_and_prefix():
    store = Store.from_uri("s3://my-bucket/some/prefix/?region=eu-west-1", endpoint_url="http://127.0.0.1:9")
    assert store.native_path("k") == "s3://my-bucket/some/prefix/k"
    with pytest.raises(ConfigError, match="bucket"):
        Store.from_uri("s3:///prefix")

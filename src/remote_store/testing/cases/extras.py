"""What only some services have: presigned links and versions."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from remote_store.capabilities import Capability
from remote_store.testing.bench import Bench
from remote_store.testing.marks import clause, needs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remote_store.store import Store


class Extras(Bench):
    @clause("SIGN-01")
    @needs(Capability.PRESIGN)
    def test_a_presigned_link_reads_and_writes_without_credentials(self, store: Store) -> None:
        self.plant(store, {"folder/a b": b"data"})
        with urllib.request.urlopen(store.presign("folder/a b"), timeout=30) as answer:  # noqa: S310
            assert answer.read() == b"data"
        kind = {"Content-Type": "application/octet-stream", **self.presign_headers}
        link = store.presign("new", method="PUT")
        put = urllib.request.Request(link, data=b"put", method="PUT", headers=kind)  # noqa: S310
        with urllib.request.urlopen(put, timeout=30):  # noqa: S310
            pass
        assert store.read_bytes("new") == b"put"

    presign_headers: Mapping[str, str] = {}
    """Headers that the service wants beside a link to be written to."""

    @clause("SIGN-01")
    @needs(Capability.PRESIGN)
    def test_a_link_to_one_file_opens_no_other(self, store: Store) -> None:
        self.plant(store, {"mine": b"mine", "yours": b"yours"})
        link = store.presign("mine").replace("mine", "yours", 1)
        request = urllib.request.Request(link)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                body = answer.read()
        except urllib.error.HTTPError as refused:
            refused.close()
        else:
            assert not self.checks_signatures, body

    checks_signatures = True
    """Whether the service checks signatures; some test servers do not."""

    @clause("SIGN-02", "ERR-07")
    @needs(Capability.PRESIGN)
    def test_a_wrong_method_or_lifetime_is_refused(self, store: Store) -> None:
        for expires in (0, -1, 0.5, 8 * 24 * 3600):
            with pytest.raises(ValueError, match="expires"):
                store.presign("a", expires=expires)
        with pytest.raises(ValueError, match="method"):
            store.presign("a", method="DELETE")
        wrong: Any
        for wrong in ("60", None, True):
            with pytest.raises(TypeError, match="expires"):
                store.presign("a", expires=wrong)

    @clause("VERS-01", "VERS-02", "READ-05")
    @needs(Capability.VERSIONS)
    def test_old_versions_are_listed_and_read(self, store: Store) -> None:
        for content in (b"one", b"two", b"three"):
            store.write("a", content, overwrite=True)
        store.write("ab", b"other")
        store.write("a/b", b"below")
        versions = list(store.list_versions("a"))
        assert {entry.key for entry in versions} == {"a"}
        assert all(entry.version for entry in versions)
        contents = [store.read_bytes("a", version=entry.version) for entry in versions]
        assert contents == [b"three", b"two", b"one"][: len(contents)]
        with store.read("a", version=versions[-1].version) as stream:
            assert stream.read() == contents[-1]
        assert [entry.key for entry in store.child("a").list_versions("b")] == ["b"]
        assert list(store.list_versions("missing")) == []

    @clause("VERS-02")
    @needs(Capability.VERSIONS, Capability.DELETE)
    def test_a_version_outlives_its_file(self, store: Store) -> None:
        store.write("a", b"data")
        (entry,) = store.list_versions("a")
        store.delete("a")
        assert not store.exists("a")
        assert store.read_bytes("a", version=entry.version) == b"data"

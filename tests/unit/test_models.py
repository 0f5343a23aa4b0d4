"""What a store answers with: values that compare, pickle, and turn to JSON."""

import json
import pickle
from datetime import UTC, datetime

import pytest

from remote_store import (
    ContentDigest,
    FileInfo,
    FolderEntry,
    FolderInfo,
    RemotePath,
    ResolutionPlan,
    Store,
    WriteResult,
)
from remote_store.backends.memory import MemoryBackend
from remote_store.testing import clause

DIGEST = ContentDigest("sha256", "ab12")
MODELS = [
    FileInfo("a/b.csv", 3, 1.5, "etag", "text/csv", {"owner": "me"}, "v1", DIGEST),
    FileInfo("a/b.csv", 3, 1.5),
    FolderEntry("a"),
    FolderInfo("a", 2, 10, 1.5),
    FolderInfo("", 0, 0, None),
    WriteResult("a/b.csv", 3, "etag", "v1", 1.5, "text/csv", {"owner": "me"}, DIGEST),
    WriteResult("a", 0),
    DIGEST,
    ResolutionPlan("a", "s3", "s3://bucket/root/a"),
]
NAMES = [f"{type(model).__name__}-{number}" for number, model in enumerate(MODELS)]


@clause("MODEL-01")
@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_model_is_an_immutable_value(model):
    assert pickle.loads(pickle.dumps(model)) == model
    assert type(model)(*model) == model
    assert model._replace(**{model._fields[0]: "other"}) != model
    for name in (model._fields[0], "new"):
        with pytest.raises(AttributeError):
            setattr(model, name, "other")


@clause("MODEL-02")
@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_model_turns_to_json(model):
    plain = model.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert set(plain) == set(model._fields)


@clause("MODEL-03")
@pytest.mark.parametrize("model", [model for model in MODELS if hasattr(model, "path")], ids=repr)
def test_a_model_has_a_path(model):
    assert model.path == RemotePath(model.key)
    if hasattr(model, "name"):
        assert model.name == model.path.name


@clause("FACT-07")
def test_times_are_told_in_utc():
    assert MODELS[0].modified_at == datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)
    assert FolderInfo("a", 2, 10, 1.5).modified_at == MODELS[0].modified_at
    assert FolderInfo("a", 0, 0, None).modified_at is None
    assert WriteResult("a", 0).modified_at is None


@clause("MODEL-01")
def test_the_metadata_of_an_answer_cannot_be_changed():
    store = Store(MemoryBackend())
    store.write("a", b"", metadata={"owner": "me"})
    store.write("b", b"")
    found = store.get_file_info("a").metadata
    for change in (
        lambda: found.update(owner="you"),
        lambda: found.__setitem__("owner", "you"),
        lambda: found.pop("owner"),
        found.clear,
    ):
        with pytest.raises(TypeError, match="immutable"):
            change()
    assert store.get_file_info("a").metadata == {"owner": "me"}
    assert pickle.loads(pickle.dumps(found)) == found
    assert len({*store.list_files(), *store.list_files()}) == 2

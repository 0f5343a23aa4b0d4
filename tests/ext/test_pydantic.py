"""One model a backend: made of what its constructor declares, and turned into the same store as a configuration."""

import json
import pickle
from typing import Literal, get_args, get_origin

import pydantic
import pytest

from remote_store import BackendConfig, ConfigError, RegistryConfig, Secret, Store, _catalog
from remote_store.aio import AsyncStore
from remote_store.backends.local import LocalBackend
from remote_store.ext import pydantic as models
from remote_store.ext.pydantic import BackendModel, StoreModel, any_backend, given_options, model_of
from remote_store.options import options_of
from remote_store.testing import clause

CANARY = "canary-7f3a"
SAMPLES = {"str": "text", "int": 7, "float": 2.5, "bool": True, "Mapping": {"a": "b"}, "dict": {"a": "b"}}


def sample(option):
    """A value that is not the option's default."""
    if "Secrets" in option.types:
        return {"X-Key": CANARY}
    if option.secret:
        return CANARY
    if option.choices:
        return next(choice for choice in option.choices if choice != option.default)
    if "bool" in option.types:
        return not option.default
    return next(SAMPLES[name] for name in (*option.types, "str") if name in SAMPLES)


def filled(name):
    """Every option of a backend, each other than its default."""
    return {option.name: sample(option) for option in options_of(_catalog.find(name)).values()}


@clause("TYPED-01")
@pytest.mark.parametrize("name", _catalog.names())
class TestEveryBackend:
    def test_has_a_field_for_each_option_with_its_explanation(self, name):
        declared, fields = options_of(_catalog.find(name)), dict(model_of(name).model_fields)
        assert fields.pop("type").annotation == Literal[name]
        assert list(fields) == list(declared)
        for option in declared.values():
            assert fields[option.name].is_required() == option.required
            assert bool(fields[option.name].description) == bool(option.doc)

    def test_comes_back_from_its_configuration(self, name):
        given = filled(name)
        model = model_of(name)(**given)
        config = model.to_config()
        assert config == BackendConfig(name, given)
        assert BackendModel.from_config(config) == model
        assert model.type == name

    def test_comes_back_from_json_by_its_name(self, name):
        shown = {"type": name, **filled(name)}
        read = StoreModel.model_validate_json(json.dumps({"backend": shown, "root": "a/b", "max_calls": 3}))
        assert read.backend == model_of(name)(**filled(name))
        assert StoreModel.from_config(read.to_config("s"), "s") == read
        assert pickle.loads(pickle.dumps(read)) == read

    def test_leaves_defaults_out_of_the_configuration(self, name):
        declared = options_of(_catalog.find(name)).values()
        required = {option.name: sample(option) for option in declared if option.required}
        model = model_of(name)(**required)
        assert model.to_config() == BackendConfig(name, required)
        assert model_of(name)(**dict(model)) == model

    @clause("TYPED-02")
    def test_shows_no_secret(self, name):
        model = model_of(name)(**filled(name))
        assert CANARY not in f"{model!r} {model} {model.model_dump()} {model.model_dump_json()} {model.to_config()}"


@clause("TYPED-03")
def test_a_model_opens_the_store_that_its_fields_name(tmp_path):
    model = StoreModel.model_validate({"backend": {"type": "local", "root": str(tmp_path)}, "root": "in"})
    with model.to_store() as store:
        store.write("a.txt", b"1")
        assert store == Store(LocalBackend(root=str(tmp_path)), "in")
    assert (tmp_path / "in/a.txt").read_bytes() == b"1"
    assert isinstance(model.to_async_store(), AsyncStore)
    assert model.backend.to_store("in").read_bytes("a.txt") == b"1"
    assert isinstance(model.backend.to_async_store(), AsyncStore)


@clause("TYPED-03")
def test_a_model_keeps_the_limits_of_the_store(tmp_path):
    model = StoreModel(backend=models.LocalModel(root=str(tmp_path)), readonly=True)
    with model.to_store() as store, pytest.raises(NotImplementedError):
        store.write("a.txt", b"1")


@clause("TYPED-02")
def test_a_refused_value_names_the_field_and_shows_no_secret():
    with pytest.raises(pydantic.ValidationError) as caught:
        StoreModel.model_validate({"backend": {"type": "s3", "secret_key": CANARY, "bukket": "lake"}})
    assert "bucket" in str(caught.value)
    assert "bukket" in str(caught.value)
    assert CANARY not in str(caught.value)


@clause("TYPED-02")
def test_a_secret_reaches_the_backend_as_a_secret():
    options = model_of("s3")(bucket="b", access_key="k", secret_key=CANARY).to_config().options
    assert options["secret_key"] == Secret(CANARY)


def test_an_unknown_type_names_the_known_ones():
    with pytest.raises(pydantic.ValidationError, match="memory"):
        StoreModel.model_validate({"backend": {"type": "s4"}})
    with pytest.raises(ConfigError, match="did you mean 'memory'"):
        model_of("memmory")


def test_models_are_module_members_by_name():
    assert models.S3Model is model_of("s3")
    assert models.S3Model.__doc__ == "" or models.S3Model.__doc__
    with pytest.raises(AttributeError, match="NoneSuchModel"):
        _ = models.NoneSuchModel


def test_an_unknown_store_of_a_configuration_is_named():
    config = RegistryConfig.from_dict({"backends": {"m": {"type": "memory"}}, "stores": {"lake": {"backend": "m"}}})
    with pytest.raises(ConfigError, match="did you mean 'lake'"):
        StoreModel.from_config(config, "lak")


def test_a_path_of_this_machine_is_taken_as_it_is(tmp_path):
    model = model_of("local")(root=tmp_path)
    assert model.root == str(tmp_path)
    assert model == model_of("local")(root=str(tmp_path))
    assert model_of("local").model_json_schema()["properties"]["root"]["type"] == "string"
    with pytest.raises(pydantic.ValidationError, match="root"):
        model_of("local")(root=5)


def test_a_model_that_was_shown_and_read_back_is_no_model_with_a_password_of_stars():
    shown = StoreModel.from_uri("s3://lake", access_key="AK", secret_key=CANARY).model_dump_json()
    with pytest.raises(ConfigError, match="secret_key: this is a masked value"):
        StoreModel.model_validate_json(shown).to_store()


@clause("TYPED-04")
def test_an_orchestrator_names_its_own_class_and_type_of_secrets():
    class Plain(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="forbid")

    made = model_of("s3", Plain, str, "Config")
    assert made.__name__ == "S3Config"
    assert issubclass(made, Plain)
    assert not issubclass(made, BackendModel)
    value = made(bucket="b", secret_key=CANARY)
    assert value.secret_key == CANARY
    assert given_options("s3", dict(value)) == {"bucket": "b", "secret_key": Secret(CANARY)}
    union = pydantic.create_model("Any", backend=(any_backend(Plain, str, "Config"), ...))
    assert isinstance(union(backend={"type": "memory"}).backend, model_of("memory", Plain, str, "Config"))


@clause("TYPED-04")
@pytest.mark.parametrize("name", _catalog.names())
def test_a_plain_model_holds_no_literal_and_no_union_but_with_none(name):
    for field in list(model_of(name, plain=True).model_fields.values())[1:]:
        kinds = set(get_args(field.annotation)) - {type(None)}
        assert get_origin(field.annotation) is not Literal
        assert get_origin(field.annotation) in (None, dict, list) or len(kinds) == 1


def test_a_model_is_read_from_a_uri_with_secrets_beside_it():
    model = StoreModel.from_uri("s3://lake/raw?region=eu-central-1", access_key="AK", secret_key="hidden-key")
    assert (model.backend.type, model.backend.bucket, model.root) == ("s3", "lake", "raw")
    assert model.backend.secret_key.get_secret_value() == "hidden-key"
    assert "hidden-key" not in repr(model)
    with pytest.raises(ConfigError, match="carries no secrets"):
        StoreModel.from_uri("s3://lake?secret_key=hidden-key")

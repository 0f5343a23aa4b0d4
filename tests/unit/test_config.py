"""Configuration: read, refused, expanded, frozen, masked."""

import copy
import json
import pickle

import pytest

from remote_store import BackendConfig, ConfigError, RegistryConfig, RetryPolicy, Secret, StoreProfile
from remote_store.testing import clause

TOML = """
[retry]
attempts = 2

[backends.lake]
type = "s3"
options = { bucket = "${BUCKET:-lake}", secret_key = "${KEY}" }

[stores.bronze]
backend = "lake"
root = "bronze"
readonly = true
"""


@pytest.fixture
def named(tmp_path):
    path = tmp_path / "stores.toml"
    path.write_text("[backends.m]\ntype = 'memory'\n")
    return path


def small(**changes):
    return {"backends": {"m": {"type": "memory"}}, "stores": {"s": {"backend": "m"}}, **changes}


@clause("CONF-01")
def test_a_dict_and_its_objects_are_the_same_configuration():
    read = RegistryConfig.from_dict(small(retry={"attempts": 1, "base": 1, "cap": "2.5"}))
    assert read == RegistryConfig(
        {"m": BackendConfig("memory")}, {"s": StoreProfile("m")}, RetryPolicy(attempts=1, base=1.0, cap=2.5)
    )
    assert hash(read) == hash(RegistryConfig.from_dict(small(retry={"attempts": 1, "base": 1.0, "cap": 2.5})))
    assert read != RegistryConfig.from_dict(small())


@clause("CONF-01")
def test_toml_comes_from_a_file_a_table_of_a_file_or_text(named):
    assert RegistryConfig.from_toml(named) == RegistryConfig({"m": BackendConfig("memory")}, {})
    assert RegistryConfig.from_toml(str(named)) == RegistryConfig.from_toml(named)
    project = "[tool.mine.backends.m]\ntype = 'memory'\noptions.name = 'x'\n"
    assert RegistryConfig.from_toml(project, table="tool.mine").backends["m"].options == {"name": "x"}
    assert RegistryConfig.from_toml("[backends.m]\ntype = 'memory'\n") == RegistryConfig.from_toml(named)


@clause("CONF-03")
def test_variables_are_replaced_in_text_of_any_depth(monkeypatch):
    monkeypatch.setenv("NAME", "box")
    monkeypatch.setenv("EMPTY", "")

    def name(text):
        return (
            RegistryConfig.from_dict(small(backends={"m": {"type": "memory", "options": {"name": text}}}))
            .backends["m"]
            .options["name"]
        )

    assert name("a-${NAME}-${NAME}") == "a-box-box"
    assert name("${UNSET_HERE:-other}") == "other"
    assert name("${EMPTY:-other}") == "other"
    assert name("x${EMPTY}") == "x"
    assert name("$${NAME} $5 $$") == "${NAME} $5 $$"
    data = small(stores={"s": {"backend": "m", "root": "${A}/b"}})
    assert RegistryConfig.from_dict(data, environ={"A": "a"}).stores["s"].root == "a/b"


def refused(data):
    with pytest.raises(ConfigError) as error:
        RegistryConfig.from_dict(data, environ={})
    return str(error.value)


@clause("CONF-02", "CONF-03", "CONF-09")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "the configuration: expected a table, not list"),
        (small(backend={}), "backend: unknown key; did you mean 'backends'?"),
        (small(backends=[]), "backends: expected a table, not list"),
        (small(backends={"m": "memory"}), "backends.m: expected a table, not str"),
        (small(backends={"m": {}}), "backends.m.type: missing; one of "),
        (small(backends={"m": {"type": "memry"}}), "backends.m.type: unknown backend type 'memry'; did you mean 'mem"),
        (small(backends={"m": {"type": 3}}), "backends.m.type: expected str, not int"),
        (small(backends={"m": {"type": "memory", "option": {}}}), "backends.m.option: unknown key; did you mean 'opt"),
        (small(backends={"m": {"type": "memory", "options": [1]}}), "backends.m.options: expected a table, not list"),
        (
            small(backends={"m": {"type": "memory", "options": {"nam": "x"}}}),
            "backends.m.options.nam: unknown option; did you mean 'name'?",
        ),
        (
            small(backends={"m": {"type": "memory", "options": {"name": 3}}}),
            "backends.m.options.name: expected str, not 3",
        ),
        (
            small(backends={"m": {"type": "memory", "options": {"name": "${NOPE}"}}}),
            "backends.m.options.name: the environment variable NOPE is not set",
        ),
        (
            small(backends={"m": {"type": "memory", "options": {"name": "${1}"}}}),
            "backends.m.options.name: a variable is written ${NAME}",
        ),
        (small(stores={"s": {}}), "stores.s.backend: missing"),
        (small(stores={"s": {"backend": "n"}}), "stores.s.backend: no backend is named 'n'; known: m"),
        (small(stores={"s": {"backend": "m", "rot": ""}}), "stores.s.rot: unknown key; did you mean 'root'?"),
        (small(stores={"s": {"backend": "m", "root": "../x"}}), "stores.s.root: not a valid path"),
        (small(stores={"s": {"backend": "m", "root": 3}}), "stores.s.root: a path is a str"),
        (small(stores={"s": {"backend": "m", "readonly": "yes"}}), "stores.s.readonly: expected bool, not str"),
        (small(stores={"s": {"backend": "m", "max_calls": 0}}), "stores.s.max_calls: expected a whole number from 1"),
        (small(retry={"atempts": 1}), "retry.atempts: unknown key; did you mean 'attempts'?"),
        (small(retry={"attempts": 0}), "retry.attempts: expected 1 or more, not 0"),
        (small(retry={"cap": "nan"}), "retry.cap: expected 0 or more, not nan"),
        (small(retry={"base": "soon"}), "retry.base: expected float, not 'soon'"),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_way_to_the_key(data, message):
    assert refused(data).startswith(message)


def test_toml_that_cannot_be_read_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        RegistryConfig.from_toml(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="not TOML"):
        RegistryConfig.from_toml("[a\n")
    broken = tmp_path / "broken.toml"
    broken.write_text("[a\n")
    with pytest.raises(ConfigError, match="not TOML") as raised:
        RegistryConfig.from_toml(broken)
    assert raised.value.path == str(broken)
    with pytest.raises(ConfigError, match=r"tool\.x: the file has no such table"):
        RegistryConfig.from_toml("[a]\n", table="tool.x")
    with pytest.raises(TypeError):
        RegistryConfig.from_toml(3)


@clause("CONF-04")
def test_a_configuration_cannot_be_changed():
    config = RegistryConfig.from_dict(small())
    for change in (
        lambda: setattr(config, "retry", None),
        lambda: delattr(config, "retry"),
        lambda: setattr(config.stores["s"], "root", "x"),
        lambda: setattr(config.backends["m"].options, "_items", {}),
    ):
        with pytest.raises(AttributeError):
            change()
    for table in (config.backends, config.stores, config.backends["m"].options):
        with pytest.raises(TypeError):
            table["x"] = 1


@clause("CONF-04")
def test_what_the_configuration_was_made_from_may_change_afterwards():
    data = small()
    config = RegistryConfig.from_dict(data)
    data["stores"]["s"]["root"] = "x"
    data["stores"]["t"] = {}
    assert config == RegistryConfig.from_dict(small())


def test_a_configuration_pickles_and_copies_to_an_equal_one():
    config = RegistryConfig.from_dict(small())
    assert pickle.loads(pickle.dumps(config)) == config == copy.deepcopy(config)


@clause("CONF-04", "SECRET-01", "SECRET-02")
def test_secrets_are_shown_nowhere_and_stay_usable():
    options = {"bucket": "b", "secret_key": "canary-7"}
    config = RegistryConfig.from_dict({"backends": {"l": {"type": "s3", "options": options}}})
    for shown in (repr(config), str(config), json.dumps(config.to_dict()), f"{config.backends['l'].options}"):
        assert "canary-7" not in shown
        assert "***" in shown
    secret = config.backends["l"].options["secret_key"]
    assert isinstance(secret, Secret)
    assert secret.reveal() == "canary-7"
    assert config.to_dict()["backends"]["l"]["options"]["bucket"] == "b"
    assert "masked value" in refused(config.to_dict())


def test_the_readme_shape_of_a_configuration_reads():
    config = RegistryConfig.from_toml(TOML, environ={"KEY": "k"})
    assert config.backends["lake"].options["bucket"] == "lake"
    assert config.stores["bronze"] == StoreProfile("lake", "bronze", readonly=True)
    assert config.retry.attempts == 2

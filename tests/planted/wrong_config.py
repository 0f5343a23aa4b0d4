"""Bugs of configuration, secrets, URIs and the registry."""

from remote_store import config, options, registry, secret, uri
from remote_store.layers.retry import RetryPolicy
from tests.planted.patches import changed, ignored, patched
from tests.planted.planting import Bug

CONFIG = "tests/unit/test_config.py::"
SECRETS = "tests/unit/test_secrets.py::"


def empty(right, found, environ, where):
    return right(found, {found[1] or "": "", **environ}, where)


def default_only_if_unset(right, found, environ, where):
    if found[1] in environ and found[2] is not None:
        return environ[found[1]]
    return right(found, environ, where)


def revealed(right, value):
    return value.reveal() if isinstance(value, secret.Secret) else right(value)


BUGS = {
    "unknown key accepted": Bug(
        "a misspelt key of the configuration is passed over",
        f"{CONFIG}test_a_wrong_configuration_is_refused_with_the_way_to_the_key",
        where="config",
        plant=ignored(config, "_only"),
    ),
    "missing variable is empty": Bug(
        "`${VAR}` of a variable that is not set is an empty text",
        f"{CONFIG}test_a_wrong_configuration_is_refused_with_the_way_to_the_key",
        where="config",
        plant=changed(config, "_replacement", empty),
    ),
    "empty variable keeps the default away": Bug(
        "`${VAR:-default}` of an empty variable is empty",
        f"{CONFIG}test_variables_are_replaced_in_text_of_any_depth",
        where="config",
        plant=changed(config, "_replacement", default_only_if_unset),
    ),
    "secret printed": Bug(
        "the repr of a secret is its text",
        f"{SECRETS}test_a_secret_shows_itself_only_when_asked_by_name",
        where="config",
        plant=patched(secret.Secret, "__repr__", lambda self: f"Secret({self._text!r})"),
    ),
    "secret formatted": Bug(
        "an f-string shows a secret",
        f"{SECRETS}test_a_secret_shows_itself_only_when_asked_by_name",
        where="config",
        plant=patched(secret.Secret, "__format__", lambda self, spec: self._text),
    ),
    "secret hashed": Bug(
        "the hash of a secret tells its text",
        f"{SECRETS}test_secrets_compare_by_text_and_hash_without_it",
        where="config",
        plant=patched(secret.Secret, "__hash__", lambda self: hash(self._text)),
    ),
    "secret in to_dict": Bug(
        "a configuration that is shown shows its secrets",
        f"{CONFIG}test_secrets_are_shown_nowhere_and_stay_usable",
        where="config",
        plant=changed(config, "_plain", revealed),
    ),
    "mask taken for a secret": Bug(
        "a masked value that is read back is a password of three stars",
        f"{CONFIG}test_secrets_are_shown_nowhere_and_stay_usable",
        where="config",
        plant=patched(options, "MASK", "no mask"),
    ),
    "configuration mutable": Bug(
        "a field of a configuration can be set",
        f"{CONFIG}test_a_configuration_cannot_be_changed",
        where="config",
        plant=patched(config._Frozen, "__setattr__", object.__setattr__),
    ),
    "read-only forgotten": Bug(
        "a profile's `readonly` has no effect",
        "tests/unit/test_registry.py::test_a_readonly_store_shows_and_does_not_change",
        where="config",
        plant=patched(registry, "_layers", lambda profile: ()),
    ),
    "URI not decoded": Bug(
        "`%20` of a URI stays as it is",
        "tests/unit/test_uri.py::test_a_uri_is_taken_apart_and_decoded",
        where="config",
        plant=patched(uri, "_decoded", lambda text: text),
    ),
    "pauses do not grow": Bug(
        "every pause between tries is the first",
        "tests/unit/test_layers.py::test_pauses_double_up_to_the_cap",
        where="config",
        plant=changed(RetryPolicy, "pause", lambda right, self, attempt: right(self, 1)),
    ),
}

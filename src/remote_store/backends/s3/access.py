"""How a bucket is reached: address, credentials, and the clients made of them, each no earlier than it is needed."""

from __future__ import annotations

import os
import re
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from remote_store._arguments import check_choice, check_flag, check_seconds, check_texts
from remote_store.errors import ConfigError, PermissionDenied
from remote_store.secret import Secret, reveal

if TYPE_CHECKING:
    from remote_store._io import Io
    from remote_store.backends._obstore import Engine

__all__ = ["Access", "Clients", "Keys", "Place"]

POOL = 32
"""Connections that a client of botocore keeps."""

# What may stand before a host name: no dots, which a wildcard certificate does not cover.
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]").fullmatch


_TEXTS = ("bucket", "region", "endpoint_url", "access_key", "profile", "addressing", "ca_bundle")


class Keys(NamedTuple):
    """Static credentials."""

    access_key: str
    secret_key: Secret
    token: Secret | None


class Place(NamedTuple):
    """Where a bucket is."""

    endpoint: str
    """The service's address, without the bucket."""
    region: str
    virtual: bool
    """Whether the bucket is part of the host name."""
    bucket_url: str


class Access(NamedTuple):
    """The options of an S3Backend that say how to reach its bucket."""

    bucket: str
    region: str | None
    endpoint_url: str | None
    access_key: str | None
    secret_key: Secret | None
    session_token: Secret | None
    profile: str | None
    anonymous: bool
    addressing: str | None
    connect_timeout: float
    read_timeout: float
    ca_bundle: str | None

    def check(self) -> None:
        """Refuse what cannot be meant, before any I/O."""
        check_texts("bucket", **{name: getattr(self, name) for name in _TEXTS})
        check_flag("anonymous", self.anonymous)
        if not self.bucket or "/" in self.bucket:
            raise ConfigError(f"bucket is the name of a bucket, not {self.bucket!r}")
        if (self.access_key is None) != (self.secret_key is None) or (self.session_token and not self.access_key):
            raise ConfigError("access_key and secret_key belong together, and session_token to both")
        if (self.access_key is not None) + (self.profile is not None) + self.anonymous > 1:
            raise ConfigError("keys, profile and anonymous exclude each other")
        if self.addressing is not None:
            check_choice("addressing", self.addressing, ("path", "virtual"))
        if self.endpoint_url is not None and not re.fullmatch(r"https?://[^/?#@\s]+/?[^?#@\s]*", self.endpoint_url):
            raise ConfigError(
                "endpoint_url is an address such as 'https://storage.example.com', without user, password or query"
            )
        check_seconds(connect_timeout=self.connect_timeout, read_timeout=self.read_timeout)

    def keys(self) -> Keys | None:
        """Return the keys that are known without asking botocore: those given, or those of the environment."""
        if self.access_key is not None and self.secret_key is not None:
            return Keys(self.access_key, self.secret_key, self.session_token)
        found = os.environ
        if self.profile is None and found.get("AWS_ACCESS_KEY_ID") and found.get("AWS_SECRET_ACCESS_KEY"):
            token = found.get("AWS_SESSION_TOKEN")
            secret = Secret(found["AWS_SECRET_ACCESS_KEY"])
            return Keys(found["AWS_ACCESS_KEY_ID"], secret, Secret(token) if token else None)
        return None

    def stated_region(self) -> str | None:
        """Return the region that options or environment name."""
        return self.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")

    def stated_endpoint(self) -> str | None:
        """Return the endpoint that options or environment name."""
        return self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")

    def service(self) -> str:
        """Return the service as a message names it: no user, path or query, which may hold a secret."""
        found = re.match(r"(\w+://)?(?:[^/?#]*@)?([^/?#]*)", self.stated_endpoint() or "")
        return f"the service at {found[1] or ''}{found[2]}" if found and found[2] else "AWS"

    def is_plain(self) -> bool:
        """Say whether no configuration file has a say, so that botocore need not be loaded."""
        if self.profile is not None or not (self.anonymous or self.keys()):
            return False
        if self.stated_endpoint() is not None or self.stated_region() is not None:
            return True
        from pathlib import Path

        return not Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser().exists()

    def trusted(self) -> str | None:
        """Return the file of certificates to trust besides the system's."""
        return self.ca_bundle or os.environ.get("AWS_CA_BUNDLE")

    def place(self, endpoint: str, region: str, *, virtual: bool) -> Place:
        """Say where the bucket is, once endpoint and region are known."""
        endpoint = endpoint.rstrip("/")
        scheme, _, rest = endpoint.partition("://")
        return Place(
            endpoint, region, virtual, f"{scheme}://{self.bucket}.{rest}" if virtual else f"{endpoint}/{self.bucket}"
        )


class Clients:
    """The clients of one bound backend in one process, made when first asked for; safe for threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.RLock()
        self._session: Any = None
        self._client: Any = None
        self._boto3: Any = None
        self._place: Place | None = None
        self._credentials: Any = None

    @property
    def place(self) -> Place:
        """Where the bucket is."""
        with self._lock:
            if self._place is None:
                self._place = self._find_place()
            return self._place

    def _find_place(self) -> Place:
        access = self.access
        if not access.is_plain():
            meta = self.client.meta
            endpoint, region = self.endpoint or meta.endpoint_url, access.stated_region() or meta.region_name
        else:
            region = access.stated_region() or "us-east-1"
            suffix = ".cn" if region.startswith("cn-") else ""
            endpoint = self.endpoint or f"https://s3.{region}.amazonaws.com{suffix}"
        return access.place(endpoint, region or "us-east-1", virtual=self.is_virtual())

    @property
    def endpoint(self) -> str | None:
        """The service's address that options, environment or configuration files name; None for AWS itself."""
        stated = self.access.stated_endpoint()
        if stated is not None or self.access.is_plain():
            return stated
        from botocore.configprovider import ConfiguredEndpointProvider

        with self._lock:
            session = self.session
            found: Any = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3")
            endpoint: str | None = found.provide()
            return endpoint

    def is_virtual(self) -> bool:
        """Say whether the bucket becomes part of the host name."""
        if self.access.addressing is not None:
            return self.access.addressing == "virtual"
        return self.endpoint is None and _LABEL(self.access.bucket) is not None

    @property
    def session(self) -> Any:
        """The session of botocore: profiles, the chain of credentials, configuration files."""
        with self._lock:
            if self._session is None:
                _need("botocore", "boto3")
                import botocore.session

                session = botocore.session.Session(profile=self.access.profile)
                session.register_component("data_loader", _models(session.get_config_variable("data_path")))
                self._session = session
            return self._session

    @property
    def client(self) -> Any:
        """The S3 client of botocore."""
        with self._lock:
            if self._client is None:
                self._client = self.make_client(self.session.create_client)
            return self._client

    def make_client(self, create: Any) -> Any:
        """Make an S3 client by a session's function: botocore's ``create_client`` or boto3's ``client``."""
        from botocore import UNSIGNED
        from botocore.config import Config

        access, endpoint = self.access, self.endpoint
        # Newer defaults add checksums that services other than AWS refuse.
        checksums: Any = "when_required" if endpoint is not None else "when_supported"
        config = Config(
            signature_version=UNSIGNED if access.anonymous else "s3v4",
            connect_timeout=access.connect_timeout,
            read_timeout=access.read_timeout,
            max_pool_connections=POOL,
            retries={"total_max_attempts": 1, "mode": "standard"},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            s3={"addressing_style": "virtual" if self.is_virtual() else "path"},
        )
        # Without a say of configuration files, botocore must not hear them either.
        address = self.place.endpoint if access.is_plain() else endpoint
        options: dict[str, Any] = {"config": config, "endpoint_url": address, "verify": access.trusted()}
        region = access.stated_region()
        if region or address is not None:
            options["region_name"] = region or self.session.get_config_variable("region") or "us-east-1"
        keys = access.keys()
        if keys is not None and not access.anonymous:
            options["aws_access_key_id"] = keys.access_key
            options["aws_secret_access_key"] = keys.secret_key.reveal()
            options["aws_session_token"] = reveal(keys.token)
        client = create("s3", **options)
        client.meta.events.register_first("needs-retry.s3", _stay)
        return client

    @property
    def credentials(self) -> Any:
        """Botocore's credentials, which renew themselves; None if requests are not signed."""
        if self.access.anonymous:
            return None
        with self._lock:
            if self._credentials is None:
                self._credentials = self._find_credentials()
            return self._credentials

    def _find_credentials(self) -> Any:
        keys = self.access.keys()
        if keys is not None:
            from botocore.credentials import Credentials

            return Credentials(keys.access_key, keys.secret_key.reveal(), reveal(keys.token))
        found = self.session.get_credentials()
        if found is None:
            message = "no credentials were found; pass keys or a profile, set AWS_ACCESS_KEY_ID, or say anonymous=True"
            raise PermissionDenied(message)
        return found

    def engine(self, io: Io) -> Engine:
        """Make the obstore engine of the bucket."""
        from obstore.store import S3Store

        from remote_store.backends import _obstore

        access, place = self.access, self.place
        address = place.bucket_url if place.virtual else place.endpoint
        options: Any = _obstore.client_options(
            access.connect_timeout,
            access.read_timeout,
            access.trusted(),
            http=urlsplit(place.endpoint).scheme == "http",
        )
        # Everything is stated: what is left out, obstore would take from the environment.
        store = S3Store(
            access.bucket,
            endpoint=address,
            aws_endpoint_url_s3=address,
            region=place.region,
            virtual_hosted_style_request=place.virtual,
            skip_signature=access.anonymous,
            credential_provider=None if access.anonymous else self._provider(),
            conditional_put="etag",
            disable_bulk_delete=True,  # one key is deleted by DELETE
            client_options=options,
            retry_config={"max_retries": 0},
        )
        return _obstore.Engine(store, io)

    def for_engines(self) -> dict[str, Secret | str] | None:
        """Return the options by which data engines reach the bucket, or None where they could not."""
        access, place = self.access, self.place
        endpoint = self.endpoint
        plain = urlsplit(place.endpoint).scheme == "http"
        if (access.trusted() and not plain) or (endpoint is not None and place.virtual):
            return None  # they take no certificates of ours, and disagree on what such an endpoint means
        options: dict[str, Secret | str] = {"aws_region": place.region}
        if endpoint is not None:
            options |= {"aws_endpoint_url": place.endpoint, "aws_virtual_hosted_style_request": "false"}
            if plain:
                options["aws_allow_http"] = "true"
        if access.anonymous:
            return options | {"aws_skip_signature": "true"}
        keys = access.keys()
        if keys is None:
            found = self.credentials.get_frozen_credentials()
            keys = Keys(found.access_key, Secret(found.secret_key), Secret(found.token) if found.token else None)
        options |= {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        return options | {"aws_session_token": keys.token} if keys.token else options

    def _provider(self) -> Any:
        """Return what tells obstore the keys; it asks again when they are about to expire."""
        from datetime import UTC, datetime, timedelta

        keys = self.access.keys()
        if keys is not None:
            return lambda: {
                "access_key_id": keys.access_key,
                "secret_access_key": keys.secret_key.reveal(),
                "token": reveal(keys.token),
                "expires_at": None,
            }
        credentials = self.credentials
        renews = hasattr(credentials, "refresh_needed")

        def provide() -> dict[str, Any]:
            frozen = credentials.get_frozen_credentials()
            # botocore renews keys no later than ten minutes before they expire.
            expires = datetime.now(UTC) + timedelta(minutes=10) if renews else None
            return {
                "access_key_id": frozen.access_key,
                "secret_access_key": frozen.secret_key,
                "token": frozen.token,
                "expires_at": expires,
            }

        provide()  # what is wrong with the credentials is said here, not from inside obstore
        return provide

    def boto3_client(self) -> Any:
        """Return the client of boto3, for those who ask for one; its transfers are more than botocore's client has."""
        with self._lock:
            if self._boto3 is None:
                import boto3

                self._boto3 = self.make_client(boto3.session.Session(profile_name=self.access.profile).client)
            return self._boto3

    def close(self) -> None:
        """Let go of connections."""
        with self._lock:
            clients, self._client, self._boto3 = (self._client, self._boto3), None, None
        for client in clients:
            if client is not None:
                client.close()


@cache
def _models(folders: str | None) -> Any:
    """Return the reader of botocore's models; it keeps what it has parsed, which is most of the work of a client."""
    from botocore.loaders import create_loader

    return create_loader(folders)


def _stay(request_dict: dict[str, Any], **_: Any) -> None:
    # botocore would look for the bucket in other regions, and without end where a server always sends it elsewhere.
    request_dict.setdefault("context", {}).setdefault("s3_redirect", {})["redirected"] = True


def _need(module: str, package: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise ConfigError(f"S3 needs {package} for this; pip install 'remote-store[s3]'")

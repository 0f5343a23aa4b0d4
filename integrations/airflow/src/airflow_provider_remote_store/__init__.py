"""remote-store in Airflow: a connection, a hook, an operator and a sensor over any store."""

from __future__ import annotations

from typing import Any

__all__ = ["get_provider_info"]

__version__ = "0.1.0"

_NAME = "remote-store"
_PACKAGE = "airflow_provider_remote_store"


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow shows of this provider and loads from it."""
    from airflow_provider_remote_store.form import form_fields

    modules = {
        kind: [{"integration-name": _NAME, "python-modules": [f"{_PACKAGE}.{kind}"]}]
        for kind in ("hooks", "operators", "sensors")
    }
    connection = {
        "connection-type": "remote_store",
        "hook-class-name": f"{_PACKAGE}.hooks.RemoteStoreHook",
        "hook-name": "Remote Store",
        "conn-fields": form_fields(),
        "ui-field-behaviour": {"hidden-fields": ["host", "port", "login", "password", "schema"]},
    }
    return {
        "package-name": "airflow-provider-remote-store",
        "name": _NAME,
        "description": "Files in any store of remote-store: local folders, object stores, servers and databases.",
        "integrations": [{"integration-name": _NAME, "tags": ["protocol"]}],
        "connection-types": [connection],
        **modules,
    }

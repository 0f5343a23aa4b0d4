"""The guide and the README of the package do what they say when they are pasted."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from airflow_provider_remote_store.connection import model_of_connection
from airflow_provider_remote_store.hooks import RemoteStoreHook
from airflow_provider_remote_store.operators import Action, RemoteStoreOperator
from remote_store import RemoteStoreError
from remote_store.testing import clause

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/airflow.md").read_text()


def pasted(page):
    """What the Python blocks of a page define, run one after the other."""
    names = {"__name__": "pasted"}
    for block in re.findall(r"```py\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
        exec(block, names)  # noqa: S102  our own page
    return names


@clause("AIR-16")
def test_the_connections_of_the_guide_are_stores(monkeypatch):
    lines = dict(re.findall(r"(?m)^    (AIRFLOW_CONN_\w+)='(.*)'$", GUIDE))
    assert set(lines) == {"AIRFLOW_CONN_LAKE", "AIRFLOW_CONN_PARTNER"}
    for name, value in lines.items():
        monkeypatch.setenv(name, value)
    with RemoteStoreHook("lake").get_store() as lake, RemoteStoreHook("partner").get_store() as partner:
        assert lake.native_path("a") == "s3://lake/raw/a"
        assert partner.native_path("a").startswith("sftp://me@files.example.org/")
    assert json.loads(lines["AIRFLOW_CONN_LAKE"])["conn_type"] == "remote_store"


@clause("AIR-16")
def test_the_tasks_of_the_guide_fetch_what_arrived(connect, tmp_path):
    for name in ("lake", "partner"):
        connect(name, backend="local", root=str(tmp_path / name))
    page = pasted("docs/airflow.md")
    with RemoteStoreHook("partner").get_store() as partner:
        partner.write("outbox/2026-01-31.csv", b"a\nb\n")
    assert page["arrived"].poke({}).xcom_value == ["outbox/2026-01-31.csv"]
    page["fetch"].render_template_fields({"ds": "2026-01-31"})
    assert page["fetch"].execute({})["key"] == "landing/2026-01-31.csv"
    assert page["summarize"].function("2026-01-31") == 2


@clause("AIR-16")
def test_the_messages_that_the_guide_explains_are_those_of_the_errors(connect, tmp_path):
    said = re.findall(r"(?m)^\| \*(.*?)\*", GUIDE.partition("## Troubleshooting")[2])
    connect("lake", backend="s3")
    messages = [RemoteStoreHook("lake").test_connection()[1]]
    connect("lake")
    messages += [RemoteStoreHook("lake").test_connection()[1]]
    own = SimpleNamespace(conn_id="lake", extra='{"backend": "s3"}', login="me")
    messages += [str(refused(model_of_connection, own))]
    connect("lake", backend="local", root=str(tmp_path))
    with RemoteStoreHook("lake").get_store() as store:
        store.write("a", b"1")
        messages += [str(refused(store.write, "a", b"2"))]
    listing = RemoteStoreOperator(task_id="t", action="list", remote_store_conn_id="lake", limit=0)
    messages += [str(refused(listing.execute, {}))]
    for each in said:
        parts = [part.strip() for part in each.split("…") if part.strip()]
        assert any(all(part in message for part in parts) for message in messages), each


def refused(call, *arguments):
    with pytest.raises((RemoteStoreError, ValueError)) as caught:
        call(*arguments)
    return caught.value


def test_the_readme_runs():
    pasted("integrations/airflow/README.md")


@clause("AIR-16")
def test_the_guide_and_the_operator_tell_of_the_same_actions():
    told = re.findall(r"(?m)^\| `(\w+)` \|", GUIDE)
    assert tuple(told) == get_args(Action)
    assert set(re.findall(r"(?m)^    ``(\w+)``", RemoteStoreOperator.__doc__)) == set(told)

"""Reading a dataset: the manifest's files as a pyarrow dataset, by pyarrow's own client or through the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remote_store.ext._extras import need
from remote_store.ext.arrow import filesystem
from remote_store.models import FileInfo
from remote_store.secret import reveal

if TYPE_CHECKING:
    from collections.abc import Callable

    from remote_store.backend import Native
    from remote_store.ext.parquet.manifest import DataFile, Manifest
    from remote_store.store import Store

pa = need("pyarrow", "arrow")
ds = need("pyarrow.dataset", "arrow")
pafs = need("pyarrow.fs", "arrow")

__all__ = ["open_dataset"]


def open_dataset(store: Store, key_of: Callable[[str], str], state: Manifest, *, native: bool) -> Any:
    """Return one state as a pyarrow dataset whose partition columns have their types."""
    files, locate = _native(store, key_of) if native else (None, key_of)
    if files is None:
        known = [FileInfo(key_of(file.path), file.size, file.modified, file.etag) for file in state.files]
        files = filesystem(store, known=known)
    options = ds.ParquetFragmentScanOptions(pre_buffer=True)
    kind = ds.ParquetFileFormat(default_fragment_scan_options=options)
    fragments = [
        kind.make_fragment(locate(file.path), files, partition_expression=_holds(state, file), file_size=file.size)
        for file in state.files
    ]
    return ds.FileSystemDataset(fragments, state.schema, kind, files)


def _holds(state: Manifest, file: DataFile) -> Any:
    """Return what is true of every row of a file, so that scans can pass it over."""
    true = ds.scalar(value=True)
    for name, value in file.partition.items():
        field = ds.field(name)
        scalar = pa.scalar(value, state.schema.field(name).type)
        true = true & (field.is_null() if value is None else field == scalar)
    return true


def _native(store: Store, key_of: Callable[[str], str]) -> tuple[Any, Callable[[str], str]]:
    place = store.describe(key_of("-"))
    if place is None:
        return None, key_of
    if "://" not in place.uri:
        return pafs.LocalFileSystem(), lambda path: _uri(store, key_of(path))
    if place.uri.startswith("s3://"):
        return _s3(place), lambda path: _uri(store, key_of(path)).removeprefix("s3://")
    return None, key_of


def _uri(store: Store, key: str) -> str:
    place = store.describe(key)
    assert place is not None
    return place.uri


def _s3(place: Native) -> Any:
    options = {name: reveal(value) for name, value in place.options.items()}
    endpoint = options.get("aws_endpoint_url") or None
    return pafs.S3FileSystem(
        access_key=options.get("aws_access_key_id"),
        secret_key=options.get("aws_secret_access_key"),
        session_token=options.get("aws_session_token"),
        anonymous=options.get("aws_skip_signature") == "true",
        region=options.get("aws_region"),
        endpoint_override=endpoint.partition("://")[2] if endpoint else None,
        scheme=endpoint.partition("://")[0] if endpoint else "https",
        force_virtual_addressing=options.get("aws_virtual_hosted_style_request") == "true",
    )

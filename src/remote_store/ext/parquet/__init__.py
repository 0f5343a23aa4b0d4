"""Parquet datasets in a store: a folder of files whose members a manifest names, changed by one conditional write."""

from remote_store.ext.parquet.dataset import Dataset, Limits, Vacuumed
from remote_store.ext.parquet.manifest import DataFile, Manifest, Range
from remote_store.ext.parquet.schema import SchemaMismatch

__all__ = ["DataFile", "Dataset", "Limits", "Manifest", "Range", "SchemaMismatch", "Vacuumed"]

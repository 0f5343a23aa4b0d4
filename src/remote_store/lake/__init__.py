"""A lake: raw files in bronze, typed tables in silver, results in gold, as plain Parquet in any store."""

from remote_store.ext.parquet import SchemaMismatch, Vacuumed
from remote_store.lake.bronze import Bronze, Ingested, Provenance
from remote_store.lake.lake import Lake
from remote_store.lake.progress import Progress
from remote_store.lake.tables import Layer, Table

__all__ = [
    "Bronze",
    "Ingested",
    "Lake",
    "Layer",
    "Progress",
    "Provenance",
    "SchemaMismatch",
    "Table",
    "Vacuumed",
]

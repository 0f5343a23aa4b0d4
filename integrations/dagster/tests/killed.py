"""A run that writes one big value piece by piece, so that it can be killed between any two."""

import os
import random

PIECES = 10
KEY = "slow.parquet"


def schema():
    import pyarrow as pa

    return pa.schema([("x", pa.binary())])


def pieces(ready, go):
    """Megabytes that no compression makes small; each tells that it comes and waits to be let through."""
    import pyarrow as pa

    noise = random.Random(7)
    for number in range(PIECES):
        if ready is not None:
            ready.send(number)
            go.recv()
        yield pa.record_batch([[noise.randbytes(1 << 20)]], schema=schema())


def run(backend, ready=None, go=None):
    """Materialize the asset in this process."""
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    import dagster as dg
    import pyarrow as pa

    import dagster_remote_store
    from dagster_remote_store import RemoteStoreIOManager, RemoteStoreResource

    name, options = backend
    config = getattr(dagster_remote_store, f"{name.title()}Config")
    store = RemoteStoreResource(backend=config(**options), root="values")

    @dg.asset
    def slow() -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(schema(), pieces(ready, go))

    dg.materialize([slow], resources={"io_manager": RemoteStoreIOManager(store=store)})

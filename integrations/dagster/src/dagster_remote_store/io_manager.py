"""The IO manager: values of assets and ops as files of a store, chosen by their types and published whole."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from dagster_remote_store import metadata
from dagster_remote_store.paths import partition_paths, value_path
from dagster_remote_store.resource import STRICT, RemoteStoreResource
from dagster_remote_store.splitting import is_table, split, value_of
from remote_store import ContainerNotFound, NotFound, RemoteStoreError, Store
from remote_store.ext.codecs import JSON, PICKLE, SUFFIXES, NoCodec, decode, encode, is_json, suffix_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from remote_store.ext.codecs import Encoded, Written

__all__ = ["RemoteStoreIOManager"]

OWN_METADATA = 100
"""Partitions of a run that get metadata of their own; the time that Dagster takes grows with their number's square."""

Context = dg.InputContext | dg.OutputContext


class RemoteStoreIOManager(dg.ConfigurableIOManager):
    """Keeps the values of assets and ops as files of a store, where Dagster's UPathIOManager would keep them.

    The annotation of an output or input says how: frames (Polars, Arrow, pandas, DuckDB) are Parquet, ``dict``,
    ``list`` and numbers JSON, ``str`` and ``bytes`` what they are. Files appear whole or not at all.
    """

    model_config = STRICT

    store: RemoteStoreResource = Field(description="The store of the files.")
    root: str = Field(default="", description="The folder in it; the store's own root if empty.")
    suffix: str | None = Field(
        default=None, description="The suffix of all files, in place of one by type; '' for files without one."
    )
    allow_pickle: bool = Field(
        default=False, description="Pickle what has no other codec, and read pickles, which can run code."
    )
    concurrency: int = Field(default=8, ge=1, description="Partitions on their way at once.")
    preview: bool = Field(default=True, description="Show the first rows of frames as metadata.")

    def _opened(self) -> Store:
        store = self.store.get_store()
        return store.child(self.root) if self.root else store

    # -- outputs

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write a value; of several partitions all are checked before the first is written.

        Raises:
            NoCodec: no codec knows the type of a value.
            TypeError: JSON would not give a value back, or a run of several partitions got neither dict nor frame.
            ValueError: partitions of the run are missing, or rows belong to none of them.
            InvalidPath: the key of a partition cannot be part of a path.
        """
        if obj is None and context.dagster_type.typing_type is type(None):
            return
        folder = value_path(context)
        if not context.has_asset_partitions:
            encoded = self._encoded(context, obj)
            key = folder + self._suffix(encoded.suffix)
            done = encoded.write(self._opened(), key)
            context.add_output_metadata(
                metadata.of_value(self._opened(), key, done, partition=False, preview=self.preview)
            )
            return
        paths = partition_paths(folder, context.asset_partition_keys)
        values = self._split(context, obj)
        ready = {name: self._encoded(context, value, name) for name, value in values.items()}
        keys = {name: paths[name] + self._suffix(ready[name].suffix) for name in ready}
        self._show(context, keys, self._write_all(keys, ready))

    def _show(self, context: dg.OutputContext, keys: Mapping[str, str], written: Mapping[str, Written]) -> None:
        """Give each partition its own metadata; one set to all of a run of very many."""
        store = self._opened()
        if len(keys) > OWN_METADATA:
            context.add_output_metadata(metadata.of_partitions(store, keys, written, preview=self.preview))
            return
        for name, key in keys.items():
            shown = metadata.of_value(store, key, written[name], partition=True, preview=self.preview)
            if len(keys) == 1:
                context.add_output_metadata(shown)
            else:
                context.step_context.add_asset_metadata(shown, context.asset_key, name)

    def _split(self, context: dg.OutputContext, obj: Any) -> dict[str, Any]:
        try:
            return split(context, obj)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{_named(context)}: {error}") from None

    def _encoded(self, context: dg.OutputContext, value: Any, partition: str | None = None) -> Encoded:
        try:
            if value is None:
                self._check_none(context.dagster_type.typing_type)
            return encode(value, allow_pickle=self.allow_pickle)
        except TypeError as error:
            raise type(error)(f"{_named(context, partition)} cannot be written: {error}") from None
        except ValueError as error:
            raise ValueError(f"{_named(context, partition)} cannot be written: {error}") from None

    def _check_none(self, kind: Any) -> None:
        """Refuse None where it would be JSON beside the file that is read, which may hold an older value."""
        try:
            suffix = JSON if kind is Any else suffix_of(kind, allow_pickle=self.allow_pickle)
        except NoCodec:
            return  # its values have several
        if suffix != JSON:
            raise TypeError(f"None is kept as JSON, and by its annotation it is read from a {suffix} file")

    def _suffix(self, by_type: str) -> str:
        return by_type if self.suffix is None else self.suffix

    def _write_all(self, keys: Mapping[str, str], ready: Mapping[str, Encoded]) -> dict[str, Written]:
        store = self._opened()
        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="outputs") as pool:
            jobs = {name: pool.submit(one.write, store, keys[name]) for name, one in ready.items()}
            try:
                return {name: job.result() for name, job in jobs.items()}
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    # -- inputs

    def load_input(self, context: dg.InputContext) -> Any:
        """Read a value, or of several partitions a dict of them, as the type that the input is annotated with.

        Raises:
            NotFound: nothing was written there; of partitions, all that are missing are named.
            NoCodec: no codec knows the type.
            TypeError: several partitions are loaded, and the annotation is of one.
        """
        kind = context.dagster_type.typing_type
        folder = value_path(context)
        if not (context.has_asset_key and context.has_asset_partitions):
            return self._load(context, folder, kind)
        partitions = sorted(context.asset_partition_keys)  # Dagster has them in no order
        if not partitions:
            return None
        paths = partition_paths(folder, partitions)
        if len(partitions) == 1 and not _is_keyed(context, kind):
            alone = next(self._load_partitions(context, paths, self._kind_alone(kind)), (None, None))[1]
            return alone if _is_whole(kind, alone) else {partitions[0]: alone}
        return dict(self._load_partitions(context, paths, _inner(context, kind, len(partitions))))

    def _kind_alone(self, kind: Any) -> Any:
        """Return the type of the one partition of an input; a dict of texts may be JSON, or one of its texts a file."""
        texts = is_table(kind) and value_of(kind) is str and self.suffix is None
        return Any if texts else kind

    def _load_partitions(
        self, context: dg.InputContext, paths: Mapping[str, str], kind: Any
    ) -> Iterator[tuple[str, Any]]:
        """Yield the partitions in their order; raise one error for all that are missing, or pass them over."""

        def load(item: tuple[str, str]) -> tuple[str, Any, NotFound | None]:
            partition, path = item
            try:
                return partition, self._load(context, path, kind, partition), None
            except ContainerNotFound:
                raise  # nothing was looked at, so nothing is known to be missing
            except NotFound as missing:
                return partition, None, missing

        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="inputs") as pool:
            found = list(pool.map(load, paths.items()))
        missing = [(partition, error) for partition, _, error in found if error is not None]
        if missing and not (context.definition_metadata or {}).get("allow_missing_partitions", False):
            if len(missing) == 1:
                raise missing[0][1]
            names = ", ".join([repr(str(partition)) for partition, _ in missing[:20]])
            more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
            message = f"{_named(context)}: {len(missing)} partitions have no file: {names}{more}"
            raise NotFound(message, path=missing[0][1].path, backend=missing[0][1].backend)
        for partition, error in missing:
            context.log.warning("Partition %r has no file (%s) and is left out", str(partition), error.path)
        yield from [(partition, value) for partition, value, error in found if error is None]

    def _load(self, context: dg.InputContext, path: str, kind: Any, partition: str | None = None) -> Any:
        store = self._opened()
        what = _named(context, partition)
        kind = _written_kind(context, partition) if kind is Any else kind
        columns = (context.definition_metadata or {}).get("columns")
        try:
            suffix = self._codec(store, path, kind)
            key = path + self._suffix(suffix)
            return decode(store, key, kind, columns=columns, suffix=suffix, allow_pickle=self.allow_pickle)
        except ContainerNotFound as error:
            raise _with(what, error) from error
        except NotFound as error:
            place = store.native_path(error.path or path)
            raise NotFound(f"{what} has no file at {place}", path=error.path, backend=error.backend) from None
        except RemoteStoreError as error:
            raise _with(what, error) from error
        except (TypeError, KeyError) as error:
            raise type(error)(f"{what} cannot be read: {error.args[0]}") from None

    def _codec(self, store: Store, path: str, kind: Any) -> str:
        """Return the codec by the type; of an unknown one by the file that stands there, the newest if several do."""
        if kind is not Any:
            return suffix_of(kind, allow_pickle=self.allow_pickle)
        if self.suffix is not None:
            if self.suffix in SUFFIXES:
                return self.suffix
            if self.allow_pickle:
                return PICKLE
            raise TypeError("annotate it: its suffix tells no codec")
        found = {}
        for suffix in SUFFIXES:
            try:
                found[suffix] = store.get_file_info(path + suffix).modified
            except ContainerNotFound:
                raise
            except NotFound:
                continue
        if not found:
            raise NotFound("no file of any codec", path=path)
        return max(found, key=lambda suffix: found[suffix] or 0)


def _with(what: str, error: RemoteStoreError) -> RemoteStoreError:
    """Return the same error, saying what it is about."""
    return type(error)(f"{what}: {error.message}", path=error.path, backend=error.backend)


def _named(context: Context, partition: str | None = None) -> str:
    """Return what an error is about."""
    of = f"asset {context.asset_key.to_user_string()!r}" if context.has_asset_key else f"step {_step(context)!r}"
    part = f"{of}, partition {str(partition)!r}" if partition is not None else of
    if isinstance(context, dg.OutputContext):
        return f"output {context.name!r} of {part}"
    return f"input {context.name!r} ({part})" if context.has_input_name else part


def _step(context: Context) -> str:
    output = context if isinstance(context, dg.OutputContext) else context.upstream_output
    return "" if output is None else output.step_key


def _upstream_kind(context: dg.InputContext) -> Any:
    """Return the annotation of the output that an input comes from, where that is known."""
    output = context.upstream_output
    try:
        return Any if output is None else output.dagster_type.typing_type
    except dg.DagsterInvariantViolationError:
        return Any


def _written_kind(context: dg.InputContext, partition: str | None) -> Any:
    """Return the type of the value in one file, where the annotation of the output tells it."""
    kind = _upstream_kind(context)
    if partition is None or not is_table(kind):
        return kind
    # A run of several partitions returns a dict of them; where that may be meant, the file tells.
    return Any if is_json(value_of(kind)) else value_of(kind)


def _is_keyed(context: dg.InputContext, kind: Any) -> bool:
    """Say whether the dict that an input of one partition is annotated with is meant to be keyed by partition."""
    if not is_table(kind):
        return False
    if not is_json(value_of(kind)):
        return True
    upstream = _upstream_kind(context)
    return upstream is not Any and not is_table(upstream)


def _is_whole(kind: Any, value: Any) -> bool:
    """Say whether what one partition holds is all that its input is annotated as, and not one item of that dict."""
    if value is None or not is_table(kind):
        return True
    if not isinstance(value, Mapping):
        return False
    return not is_table(value_of(kind)) or all(isinstance(item, Mapping) for item in value.values())


def _inner(context: dg.InputContext, kind: Any, count: int) -> Any:
    """Return the type of each partition's value."""
    if kind is Any:
        return Any
    if not is_table(kind):
        name = getattr(kind, "__qualname__", str(kind))
        raise TypeError(f"{_named(context)} has {count} partitions: annotate it dict[str, {name}], not {name}")
    return value_of(kind)

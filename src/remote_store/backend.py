"""The backend SPI: the small protocols a backend implements, and the words they are written in.

A backend talks to its service and does nothing else. It never checks a path, converts an error, retries, logs
or invents folders: the kernel does that once for all. ``Backend`` alone makes a readable store, ``Lists``,
``Puts`` and ``Deletes`` a complete one, and every further protocol a faster or stronger one.

Methods are coroutine functions that await only each other and the ``Io`` they were bound to; a backend of a
blocking client simply blocks. Keys arrive parsed; ``""`` is the root. Errors leave as the client raises them.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from remote_store._declared import Declared
from remote_store.models import FileInfo, FolderEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from remote_store._io import Io
    from remote_store.errors import RemoteStoreError
    from remote_store.secret import Secret

    Buffer: TypeAlias = bytes | bytearray | memoryview

__all__ = [
    "Backend",
    "Binds",
    "Body",
    "BytesBody",
    "Concurrency",
    "Copies",
    "Declared",
    "Deletes",
    "DeletesMany",
    "DeletesTrees",
    "Describes",
    "Entry",
    "FileInfo",
    "FolderEntry",
    "Folders",
    "GetsMany",
    "Lists",
    "Moves",
    "Native",
    "Op",
    "Page",
    "PutOptions",
    "Puts",
    "Signs",
    "Span",
    "Traits",
    "Upload",
    "Uploads",
    "Versions",
]

Entry: TypeAlias = FileInfo | FolderEntry
"""What stands at a key."""


class Concurrency(Enum):
    """How a backend behaves under an event loop."""

    BLOCKS = "blocks"
    """Its client blocks: the async face runs each call in a worker thread."""
    AWAITS = "awaits"
    """It is bound to an ``Io`` and awaits its client's own coroutines there."""
    INSTANT = "instant"
    """It never waits for anything: called on the loop's own thread."""


class PartLimits(NamedTuple):
    """What a service allows of one upload in parts. Sizes in bytes."""

    size: int
    """The size to begin with; every part but the last has at least this much."""
    most: int = 10_000
    """Parts of one upload."""
    parallel: int = 1
    """Parts that may be on the way at the same time."""


class Traits(NamedTuple):
    """Facts about a service that no method can show."""

    name: str
    """The backend's name in configuration, errors and reports."""
    concurrency: Concurrency = Concurrency.BLOCKS
    hierarchical: bool | None = False
    """Folders are real: they can be empty, and a file cannot stand where a folder is needed. None: it shows with the
    first call, after which the backend's traits say it."""
    atomic_put: bool = False
    """A reader never sees a part of a put or of a committed upload."""
    exclusive_create: bool = False
    compare_and_swap: bool = False
    user_metadata: bool = False
    atomic_move: bool = False
    exclusive_copy: bool = False
    """``copy`` and ``move`` refuse an existing target themselves; where they do not, the kernel asks first."""
    pinned_copy: bool = False
    """``copy`` takes a fourth argument, ``if_match``, and copies that version of the source only."""
    ranges: bool = False
    """``get`` with a span moves only that span."""
    lists: bool = True
    """False where a backend that has ``list`` is not set up for it."""
    delete_reports_absence: bool = False
    """``delete`` of a missing file raises; where it does not, the kernel asks first unless ``missing_ok``."""
    native_results: bool = False
    """The entry that ``put`` and ``commit`` return comes from the service's own answer."""
    parallel_reads: int = 1
    """Range requests worth having on the way at the same time for one big object."""
    parallel_calls: int = 8
    """Small requests worth having on the way at the same time; 1 where they wait for no network."""
    put_limit: int | None = None
    """Largest content of one ``put`` in bytes; larger ones go through ``Uploads``. None: no limit."""
    parts: PartLimits = PartLimits(size=1 << 20)


class Op(NamedTuple):
    """What a call is about, for layers: observation, retry, limits."""

    name: str
    """The SPI verb: ``stat``, ``get``, ``put``, ``list``, ``chunk``, …"""
    key: str
    """The path as the caller's store knows it."""
    repeatable: bool = True
    """Whether doing it twice leaves what doing it once leaves."""
    writes: bool = False


class Span(NamedTuple):
    """A range of bytes; ``length`` None means to the end."""

    offset: int
    length: int | None = None


class Native(NamedTuple):
    """Where data engines find a file or folder without us."""

    uri: str
    """A local path, or a URI such as ``s3://bucket/key``."""
    options: Mapping[str, Secret | str]
    """What opens it, in the words of Rust's ``object_store`` (``aws_endpoint_url``, …); Polars takes them as they are.

    Secrets are ``Secret``; reveal them to the engine only.
    """


class PutOptions(NamedTuple):
    """How a file is published."""

    overwrite: bool = False
    """False: refuse, with the client's own error, if a file stands there."""
    if_match: str | None = None
    """Replace only the version with this etag; wins over ``overwrite``."""
    metadata: Mapping[str, str] | None = None
    content_type: str | None = None


class Page(NamedTuple):
    """A stretch of a listing, in order; ``token`` resumes it, None at the end. The token is the backend's own."""

    entries: Sequence[Entry]
    token: object | None = None
    marked: bool = False
    """A marker of the folder, or of one below, was met on this page: the folder stands even if it holds no file."""
    hidden: bool = False
    """Something that no key can name was met on this page and left out: it keeps its folder, and is not listed."""


class Body:
    """The bytes of one version of a file, on their way. ``entry`` comes from the same answer."""

    entry: FileInfo
    start: int
    """Offset of the first byte that will arrive."""
    length: int
    """Bytes that will arrive."""

    async def next(self) -> Buffer:
        """Return the next bytes (64 KiB or more unless fewer are left), or empty bytes at the end."""
        raise NotImplementedError

    async def fill(self, buffer: memoryview) -> int | None:
        """Put the next bytes at the start of a buffer and return how many, 0 at the end; None: ``next`` has them.

        Override where the client reads into a buffer, which spares a copy. It has no room for more than is left.
        """
        return None

    async def all(self) -> Buffer:
        """Return all that is left at once; override where the client can fill one buffer.

        It is called instead of ``next``, and may take up a newer version, with its ``entry``, ``start`` and ``length``,
        where the one that was opened is gone and ``get`` was asked for no version.
        """
        chunks = []
        while chunk := await self.next():
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def close(self) -> None:
        """Let go of the connection or handle; called once, also after an error."""


class BytesBody(Body):
    """A body whose bytes are already here."""

    def __init__(self, entry: FileInfo, data: Buffer, start: int = 0) -> None:
        self.entry = entry
        self.start = start
        self.length = len(data)
        self.data: Buffer = data
        """What is left."""

    async def next(self) -> Buffer:
        """Return everything, then empty bytes."""
        data, self.data = self.data, b""
        return data

    async def all(self) -> Buffer:
        """Return everything."""
        return await self.next()


class Upload(Protocol):
    """A file that is being written out of sight; parts are numbered from 0 and may arrive in any order."""

    async def part(self, number: int, data: Buffer) -> None:
        """Take one part."""

    async def commit(self) -> FileInfo:
        """Publish the whole under its final name, in one step."""

    async def abort(self) -> None:
        """Leave nothing behind. Called after any failure of ``part`` or ``commit``, and safe to call twice."""


@runtime_checkable
class Backend(Protocol):
    """Enough to read."""

    traits: Traits

    async def stat(self, key: str) -> Entry:
        """Return what stands at the key; the client's own error where nothing does."""

    async def get(
        self, key: str, span: Span | None = None, if_match: str | None = None, version: str | None = None
    ) -> Body:
        """Open a file, or the part of it that overlaps the span."""

    def classify(self, exc: Exception, op: Op) -> type[RemoteStoreError] | RemoteStoreError | None:
        """Name the kind of a client's error, without I/O; None for what is not about the service.

        An instance instead of a class carries a message of its own.
        """

    def native_path(self, key: str) -> str:
        """Return the service's own name for a key: that of the root, ``/`` and the key; ``to_key`` reads it back."""

    def unwrap(self, kind: type[Any]) -> Any:
        """Return the underlying client of that type, or None."""

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""


@runtime_checkable
class GetsMany(Protocol):
    """Reading many small files in few trips."""

    async def get_many(self, keys: Sequence[str]) -> Sequence[Buffer | None]:
        """Return whole files in the order of their keys; None for one that is big, missing or refused."""


@runtime_checkable
class Lists(Protocol):
    """Listing, in order of keys; a folder sorts as its key with ``/`` behind it."""

    async def list(self, folder: str, recursive: bool, token: object | None, limit: int | None) -> Page:
        """Return the next page below a folder (``""``: the root); a missing folder has no entries.

        Recursive pages hold files only; others hold files and the folders directly below.
        """


@runtime_checkable
class Puts(Protocol):
    """Writing a file whole."""

    async def put(self, key: str, data: Buffer, options: PutOptions) -> FileInfo:
        """Publish the data under the key, making folders as needed."""


@runtime_checkable
class PutsMany(Protocol):
    """Writing many small files in few trips."""

    async def put_many(self, files: Sequence[tuple[str, Buffer]], options: PutOptions) -> Sequence[FileInfo | None]:
        """Publish whole files, each by itself, and return their facts in order; None for one that was left alone."""


@runtime_checkable
class Deletes(Protocol):
    """Deleting one file."""

    async def delete(self, key: str, if_match: str | None = None) -> None:
        """Delete a file, never a folder."""


@runtime_checkable
class DeletesMany(Protocol):
    """Deleting many files in few requests."""

    async def delete_many(self, keys: Sequence[str]) -> Sequence[tuple[str, Exception]]:
        """Delete all, missing ones included, and return those that failed, each with its reason."""


@runtime_checkable
class DeletesTrees(Protocol):
    """Deleting a folder with all that is in it."""

    async def delete_tree(self, folder: str) -> None:
        """Delete the folder and everything below; links inside are deleted, never followed."""


@runtime_checkable
class Folders(Protocol):
    """Folders that exist by themselves, be they real or markers."""

    async def remove_folder(self, folder: str) -> None:
        """Delete an empty folder; the client's own error if it is missing or not empty."""


@runtime_checkable
class Uploads(Protocol):
    """Writing in parts, out of sight until the commit."""

    async def begin(self, key: str, options: PutOptions) -> Upload:
        """Begin a file; ``overwrite`` and ``if_match`` are judged by the commit at the latest."""


@runtime_checkable
class Copies(Protocol):
    """Copying inside the service, metadata included."""

    async def copy(self, source: str, target: str, overwrite: bool) -> None:
        """Copy a file; with ``Traits.pinned_copy`` there is ``if_match: str | None = None`` too."""


@runtime_checkable
class Moves(Protocol):
    """Renaming inside the service."""

    async def move(self, source: str, target: str, overwrite: bool) -> None:
        """Rename a file; CapabilityNotSupported where the service turns out to have no rename."""


@runtime_checkable
class Signs(Protocol):
    """Links that carry their own permission."""

    async def presign(self, key: str, expires: float, method: str) -> str:
        """Return a URL that allows ``GET`` or ``PUT`` of the key for so many seconds."""


@runtime_checkable
class Versions(Protocol):
    """Older versions of a file."""

    async def versions(self, key: str, token: object | None) -> Page:
        """Return versions of one file, newest first, each entry with its ``version``."""


@runtime_checkable
class Describes(Protocol):
    """Data engines have a client of their own for this service and can read past us."""

    def describe(self, key: str) -> Native | None:
        """Return where a key lies and what opens it, without I/O; None where no engine could open it."""


@runtime_checkable
class Binds(Protocol):
    """A backend of ``Concurrency.AWAITS`` is told which ``Io`` it works on."""

    def bind(self, io: Io) -> Backend:
        """Return this backend (or a sibling sharing its options) bound to the io."""

"""Patches of the kernel with a bug each."""

from contextlib import ExitStack, contextmanager

from remote_store import path
from remote_store._io import run
from remote_store._ops import folders, info, read, write_many
from remote_store.errors import RemoteStoreError


@contextmanager
def _patched(thing, name, value):
    kept = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, kept)


def patched(thing, name, value):
    """Return what plants a bug: the thing has another value under a name."""
    return lambda: _patched(thing, name, value)


def changed(thing, name, wrong):
    """Return what plants a bug: a call of the thing goes to ``wrong``, which is given the right one first."""
    right = getattr(thing, name)
    return patched(thing, name, lambda *args, **options: wrong(right, *args, **options))


def together(*plants):
    """Return what plants several changes as one bug."""

    @contextmanager
    def plant():
        with ExitStack() as planted:
            for one in plants:
                planted.enter_context(one())
            yield

    return plant


def ignored(thing, name):
    """Return what plants a bug: a call does nothing."""
    return patched(thing, name, lambda *args, **options: None)


def publishes_on_exception(self, kind, error, traceback):
    self._writer.result = run(self._publication.commit())
    self._writer.close()


async def guesses_absence(scope, key):
    try:
        await info.stat(scope, scope.folder(key))
    except RemoteStoreError:
        return False
    return True


async def pull_whatever_comes(self, take):
    taken = await self._scope.stack.call(read.Op("chunk", self._key, repeatable=False), take, self._body)
    if not taken:
        self._at = self._end
    return taken


async def out_of_order(self):
    for path_ in self._paths:
        key = self._scope.key(path_)
        self._ahead.append((key, self._group.spawn(read.read_bytes, self._scope, key)))
    if not self._ahead:
        return None
    key, task = self._ahead.pop()
    return key, await task.result()


_all_written = write_many._ManyWrites.all


async def turned_round(self):
    return (await _all_written(self))[::-1]


async def repeats_everything(self, op, call):
    for attempt in range(self._policy.attempts):
        try:
            return await call()
        except RemoteStoreError:
            if attempt + 1 == self._policy.attempts:
                raise
    return None


async def never_settled(scope, src, dst, *, overwrite):
    return False


async def deletes_the_root_too(scope, path_, *, recursive, missing_ok):
    for entry in await _all(scope, scope.folder(path_)):
        await scope.stack.call(read.Op("delete", entry.key), scope.backend.delete, scope.full(entry.key))


async def _all(scope, folder):
    found = folders.listing.files(scope, folder, recursive=True, pattern=None, max_depth=None)
    entries = []
    while (page := await found.next()) is not None:
        entries += page
    return entries


def anything_outside(self, native):
    return native.removeprefix(self.native_path()).strip("/")


async def not_closed(self):
    return None


async def reads_ahead(self, offset, count):
    data = await read.read_part(self._scope, self._key, 0, self.entry.size, self.entry.etag, self.entry.version)
    return bytes(data[offset : offset + count])


def dots_are_fine(text):
    return None if ".." in text.split("/") else _why(text)


_why = path._why

"""Turns the archive of a journal into a folder of the home's data, whole or not at all.

Nothing in an archive is trusted: no name in it becomes a path that a journal cannot have, and what
does not have the SHA-256 that the archive says is refused.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kungfu_core.dataset_folder import new_dataset_folder
from kungfu_core.datasets import DESCRIPTION, dataset_name
from kungfu_core.errors import ConfigError, DataError, JournalCorrupt, JournalError
from kungfu_core.home import Home
from kungfu_core.journal import Journal, list_journals
from kungfu_core.journal_archive import KIND, MANIFEST, SUMS, VERSION, Archive, Entry, file_pattern

_MOST_MANIFEST_BYTES = 64 << 20
_COPIED_AT_ONCE = 1 << 20
_NO_PAGE = 1 << 64
_SOURCE = re.compile(r"[A-Za-z0-9_:@+-][A-Za-z0-9_.:@+-]{0,62}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}")


def import_archive(path: Path, home: Home, name: str | None = None) -> tuple[Journal, Archive]:
    """Put an archived journal into a new folder of the home's data, whole or not at all.

    The journal keeps its identity, so that what refers to its events still does.

    Args:
        path: the archive; may be compressed with gzip, bzip2 or xz.
        home: where it goes.
        name: of the folder; if None, the dataset's or run's that the journal belongs to, or the
            archive's own up to its first dot.

    Raises:
        DataError: the file is no archive, or damaged; says where.
        ConfigError: the name cannot be used, is taken, or the home cannot be written.
    """
    with _opened(path) as tar:
        archive = _manifest(path, tar)
        wanted = _wanted_name(path, archive, name)
        target = home.data / wanted
        if target.exists():
            raise ConfigError(
                f"{target} exists already: import {path} --as another name, or delete it first"
            )
        home.create()
        with new_dataset_folder(home.data, wanted) as folder:
            _extract(path, tar, archive, folder)
            _check_identity(path, archive, folder)
    return Journal(str(target), archive.source, archive.name, archive.scope), archive


def _wanted_name(path: Path, archive: Archive, name: str | None) -> str:
    if name or not archive.scope:
        return dataset_name(name or None, path, "--as")
    try:
        return dataset_name(archive.scope, path)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}; give one with --as") from None


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{path} is no archive of a journal, or is damaged: {error}") from error
    except OSError as error:
        if isinstance(error, JournalError):
            raise
        said = f"{error.filename or path}: {error.strerror or error}"
        raise DataError(f"cannot import {path}: {said}") from error


def _manifest(path: Path, tar: tarfile.TarFile) -> Archive:
    member = tar.next()
    foreign = DataError(f"{path} is no archive of a journal: it does not begin with {MANIFEST}")
    if member is None or member.name != MANIFEST:
        raise foreign
    text = _bytes_of(path, tar, member)
    try:
        said: dict[str, Any] = json.loads(text)
        if said.pop("archive") != KIND:
            raise foreign
        version = said.pop("version")
        if version != VERSION:
            raise DataError(f"{path}: archive version {version}, expected {VERSION}")
        files = tuple(Entry(**file) for file in said.pop("files"))
        archive = Archive(files=files, **said)
        _check(archive)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path}: {MANIFEST} is damaged: {error}") from error
    return archive


def _check(archive: Archive) -> None:
    """Let no path through that a journal of that name cannot have.

    Raises:
        ValueError: one of them is another.
        TypeError: a value is of the wrong kind.
    """
    if not _SOURCE.fullmatch(archive.source) or not _NAME.fullmatch(archive.name):
        raise ValueError(f"no journal is called {archive.source!r}/{archive.name!r}")
    if not isinstance(archive.scope, str):
        raise TypeError("scope is no text")
    file = file_pattern(archive.source, archive.name)
    paths = [entry.path for entry in archive.files]
    for entry in archive.files:
        named = file.fullmatch(entry.path)
        if entry.path != DESCRIPTION and not (named and 0 < int(named[1]) < _NO_PAGE):
            raise ValueError(f"{entry.path!r} is no file of {archive.source}/{archive.name}")
        if not isinstance(entry.bytes, int) or entry.bytes < 0:
            raise ValueError(f"{entry.path!r} cannot have {entry.bytes!r} bytes")
    if not archive.pages or len(set(paths)) != len(paths):
        raise ValueError("expected pages, each once")


def _extract(path: Path, tar: tarfile.TarFile, archive: Archive, folder: Path) -> None:
    sums = []
    for entry in archive.files:
        member = tar.next()
        if member is None:
            raise DataError(f"{path} is cut off before {entry.path}")
        if (member.name, member.size) != (entry.path, entry.bytes) or not member.isreg():
            raise DataError(
                f"{path}: expected {entry.path} of {entry.bytes} bytes, "
                f"found {member.name!r} of {member.size}"
            )
        file = folder / entry.path
        file.parent.mkdir(parents=True, exist_ok=True)
        sums.append(f"{_copy(path, tar, member, file)}  {entry.path}")
    _check_sums(path, tar, sums)


def _copy(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, file: Path) -> str:
    """Copy a file out of the archive; give its SHA-256."""
    digest = hashlib.sha256()
    stream = tar.extractfile(member)
    assert stream is not None  # noqa: S101 - it is a regular file
    left = member.size
    with file.open("xb") as target:
        while data := stream.read(min(left, _COPIED_AT_ONCE)):
            digest.update(data)
            target.write(data)
            left -= len(data)
    if left:
        raise DataError(f"{path} is cut off within {member.name}")
    return digest.hexdigest()


def _check_sums(path: Path, tar: tarfile.TarFile, sums: list[str]) -> None:
    member = tar.next()
    if member is None or member.name != SUMS:
        raise DataError(f"{path} is cut off before {SUMS}")
    told = _bytes_of(path, tar, member).decode(errors="replace").splitlines()
    for said, found in zip(told, sums, strict=False):
        if said != found:
            raise DataError(f"{path}: {found.partition('  ')[2]} is damaged (its SHA-256 is wrong)")
    if len(told) != len(sums):
        raise DataError(f"{path}: {SUMS} has {len(told)} lines, expected {len(sums)}")


def _bytes_of(path: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member) if member.isreg() else None
    if stream is None or member.size > _MOST_MANIFEST_BYTES:
        raise DataError(f"{path}: {member.name} is no file of reasonable size")
    data = stream.read()
    if len(data) < member.size:
        raise DataError(f"{path} is cut off within {member.name}")
    return data


def _check_identity(path: Path, archive: Archive, folder: Path) -> None:
    said = Journal(str(folder), archive.source, archive.name, archive.scope)
    try:
        said.pages()
    except JournalCorrupt as error:
        raise DataError(f"{path} holds a damaged page: {error}") from error
    for found in list_journals(folder):
        if found.label != said.label:
            raise DataError(
                f"{path} says that it holds {said.label}, its pages are {found.label}'s"
            )

"""Turns recorded raw exchange streams into a dataset of journals, whole or not at all."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from kungfu_core import _native
from kungfu_core.dataset_folder import new_dataset_folder
from kungfu_core.datasets import Dataset, SourceFile, dataset_name
from kungfu_core.errors import ConfigError, DataError
from kungfu_core.event_types import INSTRUMENT
from kungfu_core.home import Home
from kungfu_core.interfaces import Emit, RecordingSpec
from kungfu_core.journal import Writer
from kungfu_core.recorded_lines import Advance, Line, lines, merged_lines
from kungfu_core.registry import Registry
from kungfu_core.schema import EventType

_SNIFFED_LINES = 50

Progress = Callable[[int, int], None]
"""Told how many bytes of how many were read; every file is read twice."""


def import_recordings(
    home: Home,
    formats: Registry[RecordingSpec],
    files: Sequence[Path],
    *,
    name: str | None = None,
    format_name: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Import recordings as one new dataset; files are merged by receive time.

    The journal's generation time is the receive time, held back from running backwards; the
    trigger time is the receive time as recorded. Nothing in the dataset depends on the wall clock.

    Args:
        home: where the dataset goes.
        formats: the recording formats that the installed plugins bring.
        files: plain, gzip or zstandard files of lines of receive time and raw message.
        name: of the dataset; the first file's name if None.
        format_name: of the recording format; told from the first messages if None.
        progress: told how far the import is.

    Raises:
        ConfigError: the name cannot be used, is taken, or the home cannot be written.
        DataError: an input is not as expected; names file and line. Nothing is left behind then.
        PluginError: there is no such format.
    """
    dataset = dataset_name(name, files[0])
    advance = _advance(files, progress)
    sources = identify(files)
    spec = _spec(formats, files[0], format_name)
    home.create()
    _refuse_existing(home.data / dataset, sources)
    with new_dataset_folder(home.data, dataset) as folder:
        result = _Import(spec, files, advance).run(folder, home.data / dataset, sources)
        result.describe(folder)
    return result


class _Import:
    """The two passes over the files."""

    def __init__(self, spec: RecordingSpec, files: Sequence[Path], advance: Advance) -> None:
        self._spec = spec
        self._files = files
        self._advance = advance
        self._reader = spec.reader()

    def run(self, folder: Path, final: Path, sources: tuple[SourceFile, ...]) -> Dataset:
        """Write the journal into a folder; give the description of what will be at `final`."""
        first, last = self._survey()
        clock = _native.Clock(0)  # recordings have their own times, and equal ones give equal files
        with Writer(folder, self._spec.source, "MD", scope=final.name, clock=clock) as writer:
            sink = _Sink(writer)
            self._write(sink, first)
        if not sink.instruments:
            raise DataError(f"{self._named()}: no message in it tells of a market")
        return Dataset(
            folder=final,
            format=self._spec.name,
            source=self._spec.source,
            files=sources,
            messages=dict(sorted(self._reader.counts.items())),
            events=dict(sorted(sink.counts.items())),
            instruments=tuple(sorted(sink.instruments)),
            first_time=first,
            last_time=last,
        )

    def _survey(self) -> tuple[int, int]:
        first = last = 0
        for line in merged_lines(self._files, self._advance):
            try:
                self._reader.survey(line[3])
            except DataError as error:
                raise self._placed(line, error) from error
            first = first or line[0]
            last = max(last, line[0])
        return first, last

    def _write(self, sink: "_Sink", first: int) -> None:
        sink.at(first)
        try:
            self._reader.begin(sink)
        except (DataError, ValueError) as error:
            raise DataError(f"{self._named()}: {error}") from error
        receive = self._reader.receive
        for line in merged_lines(self._files, self._advance):
            sink.at(line[0])
            try:
                receive(line[3])
            except (DataError, ValueError) as error:
                raise self._placed(line, error) from error

    def _named(self) -> str:
        return ", ".join(map(str, self._files))

    def _placed(self, line: Line, error: Exception) -> DataError:
        return DataError(f"{self._files[line[1]]}: line {line[2]}: {error}")


class _Sink:
    """Writes events at the receive time of the message in hand, and counts them."""

    def __init__(self, writer: Writer) -> None:
        self.counts: Counter[str] = Counter()
        self.instruments: set[str] = set()
        self._writer = writer
        self._latest = 0

    def at(self, time: int) -> None:
        """Set the receive time of what is emitted next."""
        self._latest = max(self._latest, time)
        self._writer.at(self._latest, time)

    def emitter(self, event_type: EventType) -> Emit:
        """Prepare writing and counting events of one type."""
        emit = self._writer.emitter(event_type)
        counts, name = self.counts, event_type.name
        if event_type is INSTRUMENT:
            return self._defining(emit)

        def counted(*values: object) -> None:
            emit(*values)
            counts[name] += 1

        return counted

    def _defining(self, emit: Emit) -> Emit:
        def defined(*values: object) -> None:
            emit(*values)
            self.counts[INSTRUMENT.name] += 1
            self.instruments.add(str(values[-1]))

        return defined


def identify(files: Sequence[Path]) -> tuple[SourceFile, ...]:
    """Take each file's name and hash.

    Raises:
        DataError: a file cannot be read, or is there twice.
    """
    found: dict[str, Path] = {}
    for path in files:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise DataError(f"{path} is no regular file: a recording is read more than once")
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        if digest in found:
            raise DataError(f"{path} has the same content as {found[digest]}; give each file once")
        found[digest] = path
    return tuple(SourceFile(path.name, digest) for digest, path in found.items())


def _spec(formats: Registry[RecordingSpec], file: Path, name: str | None) -> RecordingSpec:
    """Find who reads the recording: by name, or by its first messages.

    Raises:
        DataError: no format fits, or more than one.
        PluginError: there is none of that name.
    """
    if name is not None:
        return formats.get(name)
    messages = [line[3] for line in islice(lines(file), _SNIFFED_LINES)]
    fitting = [entry for entry in formats if entry.load().matches(messages)]
    if len(fitting) == 1 or len(formats.names) == 1:
        # Where there is only one format, its reader says best what is wrong with the messages.
        return (fitting or list(formats))[0].load()
    if not formats.names:
        raise DataError(f"{file}: no installed plugin reads recordings (see kungfu plugins)")
    if fitting:
        names = " and ".join(repr(entry.name) for entry in fitting)
        raise DataError(f"{file}: its messages fit the formats {names}; say which with --format")
    raise DataError(
        f"{file}: the first {len(messages)} messages fit no known format "
        f"(known: {', '.join(formats.names)}); name the right one with --format to see why"
    )


def _refuse_existing(folder: Path, sources: Sequence[SourceFile]) -> None:
    """Refuse a dataset name that is taken; say what stands there.

    Raises:
        ConfigError: it is taken.
    """
    if not folder.exists():
        return
    try:
        there = Dataset.load(folder)
    except DataError:
        said = "something that is no dataset"
    else:
        same = {file.sha256 for file in there.files} & {file.sha256 for file in sources}
        said = f"{', '.join(there.instruments)} from {there.begins} to {there.ends}" + (
            ", imported from the same file" if same else ""
        )
    raise ConfigError(
        f"dataset {folder.name!r} exists: {said}; a dataset is imported at once, from all its "
        f"files: choose another --name, or delete {folder} first"
    )


def _advance(files: Sequence[Path], progress: Progress | None) -> Advance:
    """Sum up what the passes have read of the files."""
    if progress is None:
        return lambda _count: None
    total = 2 * sum(path.stat().st_size for path in files if path.is_file())
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    return advance

"""A run's directory: ``run.json``, the stages, the images, and what other runs beside it have already made.

A directory belongs to one recipe with one set of options; another recipe gets another directory. Work is not lost by
that: a stage whose key equals one of a run beside it is taken over from there by hard links.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from attrs import define

from pairsmith.errors import RunDirectoryError, StageError
from pairsmith.images import DirectoryImageStore
from pairsmith.rows import RowCodec
from pairsmith.store import Stage, canonical, disk_error, write_json

FORMAT = 1
_LOCK = ".lock"
_IMAGE = re.compile(rb'"(images/[0-9a-f]{2}/[0-9a-f]{64}(?:\.\w+)?)"')


def key_of(ingredients: Mapping[str, Any]) -> str:
    """Return the key of what is made from these ingredients: the same for equal ones, whatever machine made it."""
    return sha256(canonical(ingredients).encode()).hexdigest()


@define
class RunDirectory:
    """The directory of one run."""

    path: Path

    @property
    def images(self) -> DirectoryImageStore:
        """The run's images."""
        return DirectoryImageStore(self.path / "images")

    @property
    def codec(self) -> RowCodec:
        """What turns this run's rows into values and back."""
        return RowCodec(self.path)

    @property
    def document(self) -> Mapping[str, Any]:
        """What ``run.json`` says."""
        return read_document(self.path)

    def stage(self, name: str) -> Stage:
        """Return the stage of this name, finished, begun or new."""
        return Stage(self.path / "stages" / name)

    def claim(self, document: Mapping[str, Any]) -> None:
        """Make this the run that ``document`` describes, or check that it is.

        Raises :class:`RunDirectoryError` where it holds another recipe's run, or something that is no run at all.
        """
        if (self.path / "run.json").exists():
            self._check_same(document)
            return
        self._check_free()
        write_json(self.path / "run.json", document)

    def _check_free(self) -> None:
        """Refuse a place that something else is at. What a run leaves that was stopped in its first moment is nothing."""
        try:
            there = {path.name for path in self.path.iterdir()} - {_LOCK, ".run.json.tmp"}
        except FileNotFoundError:
            return
        except OSError as error:
            msg = f"{str(self.path)!r} cannot be a run directory: {error.strerror}; give --out another directory"
            raise RunDirectoryError(msg) from None
        if there and "run.json" not in there:
            msg = f"{str(self.path)!r} is not empty and not a run; give --out a new directory"
            raise RunDirectoryError(msg)

    def _check_same(self, document: Mapping[str, Any]) -> None:
        there = self.document
        differs = [
            f"{where} is {_show(old)} there and {_show(new)} here"
            for key in ("recipe", "limit")
            for where, old, new in _differences(there.get(key), document.get(key), key)
        ]
        if differs:
            msg = (
                f"{str(self.path)!r} was made by recipe {there.get('name')!r} with other settings: {differs[0]}"
                f"{f' (and {len(differs) - 1} more)' if len(differs) > 1 else ''}. Give --out another directory beside "
                f"it; stages that would come out the same are taken over from there"
            )
            raise RunDirectoryError(msg)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working in this run.

        Raises :class:`RunDirectoryError` where one is, or the directory is something else or cannot be written.
        """
        self._check_free()
        with self._lock_file() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                owner = file.read().strip()
                msg = f"Another process{f' ({owner})' if owner else ''} is working in {str(self.path)!r}; wait for it"
                raise RunDirectoryError(msg) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _lock_file(self) -> TextIO:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return (self.path / _LOCK).open("a+")
        except OSError as error:
            msg = f"{str(self.path)!r} cannot be written: {error.strerror}; give --out another directory"
            raise RunDirectoryError(msg) from None

    def prepare(self, name: str, ingredients: Mapping[str, Any]) -> Stage:
        """Return the stage, with whatever this run or one beside it has already finished of it."""
        stage, key = self.stage(name), key_of(ingredients)
        if stage.key() == key:
            return stage
        if stage.directory.exists():  # its options in the recipe are the same, but something it was made from is not
            shutil.rmtree(stage.directory)
        self._adopt(stage, key)
        stage.begin(key, ingredients)
        return stage

    def _adopt(self, stage: Stage, key: str) -> None:
        for other in sorted(self.path.parent.glob(f"*/stages/{stage.name}/key.json")):
            source = Stage(other.parent)
            if source.directory != stage.directory and _holds(source, key):
                self._link(source, stage)
                if stage.done():
                    return

    def _link(self, source: Stage, stage: Stage) -> None:
        """Take over finished parts, and the whole of a finished stage; never what is half done."""
        whole = source.done() is not None
        files = [path for path in source.directory.rglob("*") if path.is_file()] if whole else []
        files += [source.path(part) for part in source.parts()]
        root = source.directory.parent.parent
        for path in dict.fromkeys(files):
            if path.suffix == ".jsonl" and path.parent == source.directory:
                for image in _images_in(path):
                    _link(root / image, self.path / image)
            if path.name not in {"done.json", "key.json"}:
                _link(path, stage.directory / path.relative_to(source.directory))
        if whole:
            _link(source.directory / "done.json", stage.directory / "done.json")


def read_document(directory: Path) -> Mapping[str, Any]:
    """Return the ``run.json`` of a run directory, or say that it is none."""
    try:
        document: Mapping[str, Any] = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        msg = f"{str(directory)!r} is not a run: it has no run.json. Give the directory that 'pairsmith run' printed"
        raise RunDirectoryError(msg) from None
    except OSError as error:
        msg = f"{str(directory)!r} cannot be read: {error.strerror}"
        raise RunDirectoryError(msg) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        msg = f"{str(directory / 'run.json')!r} cannot be read ({error}); start the run again in a new directory"
        raise RunDirectoryError(msg) from None
    form = document.get("format") if isinstance(document, dict) else None
    if form != FORMAT:
        msg = (
            f"{str(directory)!r} has format {form!r} and this pairsmith reads {FORMAT}; "
            f"start the run again in a new directory"
        )
        raise RunDirectoryError(msg)
    return document


def _holds(stage: Stage, key: str) -> bool:
    """Tell whether a run beside has made this; one that is damaged, or not ours to read, has not."""
    try:
        return stage.key() == key
    except StageError:
        return False


def _images_in(path: Path) -> set[str]:
    with path.open("rb") as file:
        return {found.decode() for line in file for found in _IMAGE.findall(line)}


def _link(source: Path, target: Path) -> None:
    """Hard-link a file that will never change; copy where the file system cannot."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            try:
                target.hardlink_to(source)
            except FileExistsError:
                raise
            except OSError:
                temporary = target.with_name(f".{target.name}.tmp")
                shutil.copyfile(source, temporary)
                temporary.replace(target)
    except OSError as error:
        raise disk_error(error, target) from error


def _differences(old: Any, new: Any, where: str) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401 - JSON
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{where}.{key}".removeprefix("recipe."))
    elif canonical(old) != canonical(new):  # by what is written: nan is unequal to itself
        yield where, old, new


def _show(value: Any) -> str:  # noqa: ANN401 - JSON
    return "absent" if value is None else repr(value)

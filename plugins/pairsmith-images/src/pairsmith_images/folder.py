"""The images of a folder as samples."""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Image, Sample, user
from pairsmith_images.options import FolderOptions
from pairsmith_images.prompts import Asked, prompts_of

_LOG = logging.getLogger(__name__)


class Folder:
    """Yields the images in the order of their names, each once per prompt."""

    def __init__(self, options: FolderOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """List the folder and read the prompts."""
        self._options = options
        self._names = _names(options)
        self._asked = self._prompts()

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        for name in self._names:
            for number, asked in enumerate(self._asked.get(name, ()), start=1):
                yield Sample(
                    id=name if number == 1 else f"{name}#{number}",
                    images=(Image(path=self._options.path / name),),
                    prompt=user(asked.prompt),
                    context=asked.context,
                )

    def _prompts(self) -> dict[str, list[Asked]]:
        options = self._options
        if options.prompt_file is None:
            every = [Asked(text) for text in options.prompts or (options.prompt,)]
            return dict.fromkeys(self._names, every)
        asked = prompts_of(options.prompt_file, self._names)
        without = [name for name in self._names if name not in asked]
        if without:
            _LOG.warning(
                "%d of %d images have no prompt in %s and are left out, e.g. %r",
                len(without),
                len(self._names),
                options.prompt_file,
                without[0],
            )
        return asked


def _names(options: FolderOptions) -> list[str]:
    """Return the paths of the images inside the folder, sorted; hidden files are none."""
    folder = options.path
    if not folder.is_dir():
        msg = f"[images] path {str(folder)!r} is not a folder"
        raise StageError(msg)
    found = folder.rglob("*") if options.recursive else folder.iterdir()
    names = sorted(path.relative_to(folder).as_posix() for path in found if _is_image(path, folder, options))
    if not names:
        inside = "and in its folders" if options.recursive else "(set recursive = true to look into its folders)"
        msg = f"[images] path {str(folder)!r} holds no image: no {', '.join(options.suffixes)} in it {inside}"
        raise StageError(msg)
    return names


def _is_image(path: Path, folder: Path, options: FolderOptions) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in options.suffixes and path.is_file()

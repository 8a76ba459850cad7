"""Data sets on the Hugging Face hub, at a revision that is named: whole, some of their files, or one."""

import re
from pathlib import Path, PurePosixPath

from pairsmith.errors import StageError
from pairsmith_formats.missing import MissingLibraryError

_HUB = re.compile(r"hub:/?/?(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+)(?::(?P<file>[^:]+))?")
_FORM = "hub:OWNER/NAME@REVISION or hub:OWNER/NAME@REVISION:FILE"
_LIBRARY = "huggingface_hub"
_WILD = re.compile(r"[*?\[]")


def is_hub(path: Path) -> bool:
    """Tell whether a path is a place on the hub."""
    return path.as_posix().startswith("hub:")


def local(path: Path) -> Path:
    """Return where a data set of the hub is, or a file of it, downloaded into the hub's cache if need be.

    With ``*`` in the file's name it is the folder of all the files that fit. Any other path is returned as it is.

    Raises :class:`StageError` where it is not there, or the machine is offline.
    """
    text = path.as_posix()
    if not is_hub(path):
        return path
    found = _HUB.fullmatch(text)
    if found is None:
        msg = f"[images] {text!r} must look like {_FORM}; a branch may move, so name a commit where it matters"
        raise StageError(msg)
    try:
        from huggingface_hub import hf_hub_download, snapshot_download
    except ImportError:
        raise MissingLibraryError(_LIBRARY, f"Reading {text!r}") from None
    repository, revision, file = found["repository"], found["revision"], found["file"]
    try:
        if file and not _WILD.search(file):
            return Path(hf_hub_download(repository, file, repo_type="dataset", revision=revision))
        kept = snapshot_download(repository, repo_type="dataset", revision=revision, allow_patterns=file)
    except (OSError, ValueError) as error:  # what the library raises for a wrong name, no network, no permission
        msg = f"[images] {text!r} cannot be downloaded: {str(error).splitlines()[0]:.200}"
        raise StageError(msg) from None
    folder = Path(kept).joinpath(*_before_wild(file or "*"))
    if not folder.is_dir():
        msg = f"[images] {text!r}: no file of the data set fits {file!r}"
        raise StageError(msg)
    return folder


def bounds(place: Path, folder: Path) -> Path:
    """Return the folder that images may not lie outside of, links followed.

    That is the folder itself; of one that was downloaded, the data set's in the hub's cache, whose files are links within it.
    """
    if is_hub(place):
        for one in (folder, *folder.parents):
            if one.parent.name == "snapshots":
                return one.parent.parent.resolve()
    return folder.resolve()


def _before_wild(file: str) -> list[str]:
    """Return the folders of a name that come before its first wildcard.

    >>> _before_wild("data/train/part-*.parquet")
    ['data', 'train']
    """
    parts = PurePosixPath(file).parts
    return list(parts[: next(n for n, part in enumerate(parts) if _WILD.search(part))])

"""Files of a data set on the Hugging Face hub, at a revision that is named."""

import re
from pathlib import Path

from pairsmith.errors import StageError
from pairsmith_formats.missing import MissingLibraryError

_HUB = re.compile(r"hub:/?/?(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+):(?P<file>[^:]+)")
_FORM = "hub:OWNER/NAME@REVISION:FILE"
_LIBRARY = "huggingface_hub"


def local(path: Path) -> Path:
    """Return a file of the hub, downloaded into its cache if need be; any other path as it is.

    Raises :class:`StageError` where it is not there, or the machine is offline.
    """
    text = path.as_posix()
    if not text.startswith("hub:"):
        return path
    found = _HUB.fullmatch(text)
    if found is None:
        msg = f"[images] {text!r} must look like {_FORM}; a branch may move, so name a commit where it matters"
        raise StageError(msg)
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise MissingLibraryError(_LIBRARY, f"Reading {text!r}") from None
    try:
        kept = hf_hub_download(found["repository"], found["file"], repo_type="dataset", revision=found["revision"])
    except (OSError, ValueError) as error:  # what the library raises for a wrong name, no network, no permission
        msg = f"[images] {text!r} cannot be downloaded: {str(error).splitlines()[0]:.200}"
        raise StageError(msg) from None
    return Path(kept).resolve()

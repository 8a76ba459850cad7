"""What to say where a library or a data set is not there."""

from pairsmith.errors import StageError

_ADDRESSES = {
    "llava-preferences": (
        "PDS-DPO: 'huggingface.co/datasets/pdsdpo/pdsdpo-v1_0-data', Apache-2.0; one of the *-pds-dpo.json files "
        "(5 to 25 MB) beside the folder images/ from images.tar (1.6 GB)"
    ),
    "mllm-dpo": (
        "'huggingface.co/datasets/alexshengzhili/mllm-dpo', Apache-2.0; dpo_inference0104*.json (30 MB) beside the folders "
        "lrv_image_folder/ and scigraph/"
    ),
    "mcm-dpo": (
        "'github.com/LVUGAI/MCM-DPO', Apache-2.0, a sample of 10 rows a platform; train.json, with the folder of images "
        "as images"
    ),
    "rlhf-v": "'huggingface.co/datasets/openbmb/RLHF-V-Dataset'; its Parquet file, which holds the images",
    "rlaif-v": "'huggingface.co/datasets/openbmb/RLAIF-V-Dataset'; its Parquet files, which hold the images",
    "vlfeedback": "'huggingface.co/datasets/MMInstruction/VLFeedback'; its rows beside the images that they name",
    "dgpref": (
        "pickles in the Google Drive folder of DecompGen's repository (arXiv 2411.13697, no licence); the images are "
        "Visual Genome's, folders VG_100K and VG_100K_2 (15 GB, CC BY 4.0)"
    ),
}


def where_to_get(form: str) -> str:
    """Return where the data of a format is published, for the end of a message; nothing for a tool's own format."""
    address = _ADDRESSES.get(form)
    return f". It is published as {address}" if address else ""


class MissingLibraryError(StageError):
    """A library that only some formats need is not installed."""

    def __init__(self, library: str, purpose: str) -> None:
        """Word it."""
        super().__init__(f"{purpose} needs the library {library!r}: pip install 'pairsmith-formats[datasets]'")

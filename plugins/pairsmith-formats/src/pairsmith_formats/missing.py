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
        "'github.com/LVUGAI/MCM-DPO', Apache-2.0, a sample of 10 rows a platform; train.json, with the folder of images as "
        "images"
    ),
    "rlhf-v": (
        "'huggingface.co/datasets/openbmb/RLHF-V-Dataset', CC BY-NC 4.0; RLHF-V-Dataset.parquet, 5,733 rows with their images"
    ),
    "rlaif-v": (
        "'huggingface.co/datasets/openbmb/RLAIF-V-Dataset', CC BY-NC 4.0; RLAIF-V-Dataset_000.parquet and on, of about 1 GB "
        "each, 83,132 rows with their images"
    ),
    "vlfeedback": (
        "'huggingface.co/datasets/MMInstruction/VLFeedback', 80,258 rows and the images that they name, 3.3 GB; "
        "licence on its page"
    ),
    "llava": (
        "mllm-dpo's standard_sft.json (11 MB), rejection_sampling.json (21 MB) and steerlm.json (101 MB) at "
        "'huggingface.co/datasets/alexshengzhili/mllm-dpo', Apache-2.0, beside the folders lrv_image_folder/ and scigraph/"
    ),
    "lrv-instruct": (
        "'github.com/FuxiaoLiu/LRV-Instruction', BSD 3-Clause, links in download.txt; filter_cap1.json and "
        "filter_cap_more1.json, 320,000 rows, with Visual Genome's images as {image_id}.jpg in a folder given as images"
    ),
    "scigraphqa": (
        "'huggingface.co/datasets/alexshengzhili/SciGraphQA-295K-train', 295,602 rows, licence on its page; with the figures "
        "that its column image_file names in a folder given as images"
    ),
    "dgpref": (
        "pickles in the Google Drive folder of DecompGen's repository (arXiv 2411.13697, no licence); the images are "
        "Visual Genome's, folders VG_100K and VG_100K_2 (15 GB, CC BY 4.0)"
    ),
}

_OWN = {
    "alt-text": (
        ". Bring a .jsonl with image (a path beside it), context (the post) and references (what was written); other columns "
        "can be named in the options"
    )
}


def where_to_get(form: str) -> str:
    """Return where the data of a format is published, for the end of a message; nothing for a tool's own format."""
    address = _ADDRESSES.get(form)
    return f". It is published as {address}" if address else _OWN.get(form, "")


class MissingLibraryError(StageError):
    """A library that only some formats need is not installed."""

    def __init__(self, library: str, purpose: str) -> None:
        """Word it."""
        super().__init__(f"{purpose} needs the library {library!r}: pip install 'pairsmith-formats[datasets]'")

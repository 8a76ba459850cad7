"""Where the data of each format is published.

Sizes and licences are those that the hub's file lists and cards, and the repositories, name. What none of them says is left
out; ``tests/test_publications.py`` lists that.
"""

from collections.abc import Mapping

from pairsmith.publication import Publication

_MLLM_DPO = "'huggingface.co/datasets/alexshengzhili/mllm-dpo'"
_MLLM_DPO_LAYOUT = (
    "beside the folders lrv_image_folder/ (images of LRV-Instruct, 'github.com/FuxiaoLiu/LRV-Instruction') and scigraph/ "
    "(figures of SciGraphQA, img.zip of 'huggingface.co/datasets/alexshengzhili/SciGraphQA-295K-train'), which it lacks"
)

_DECOMPGEN = Publication(
    files="vsg.pkl, all_vsg_llama3.pkl, expert_check_scores.pkl, all_logp_*.pkl and pos_neg_pairs-*.pkl",
    address="the Google Drive folder that the repository of DecompGen (arXiv 2411.13697) links",
    licence="none is named there",
    layout=(
        "with Visual Genome's images, folders VG_100K and VG_100K_2 (15 GB; CC BY 4.0), in a folder given as images, and "
        "GQA's train_sceneGraphs.json ('cs.stanford.edu/people/dorarad/gqa', sceneGraphs.zip, 43 MB) as scene_graphs"
    ),
)

PUBLICATIONS: Mapping[str, Publication] = {
    "llava-preferences": Publication(
        files="PDS-DPO: 2k-, 5k-, 7k- or 9k-pds-dpo.json, and images.tar",
        address="'huggingface.co/datasets/pdsdpo/pdsdpo-v1_0-data'",
        size="5 to 25 MB, and 1.6 GB",
        licence="Apache-2.0",
        layout="one .json beside the folder images/ of the archive",
    ),
    "mllm-dpo": Publication(
        files="dpo_inference0104.with_logpllava-v1.5-13b_2024-02-03.json",
        address=_MLLM_DPO,
        size="30 MB",
        licence="Apache-2.0",
        layout=_MLLM_DPO_LAYOUT,
    ),
    "llava": Publication(
        files="mllm-dpo's standard_sft.json, rejection_sampling.json or steerlm.json",
        address=_MLLM_DPO,
        size="11, 21 and 101 MB",
        licence="Apache-2.0",
        layout=_MLLM_DPO_LAYOUT,
    ),
    "mcm-dpo": Publication(
        files="train.json and its images, a folder a platform",
        address="'github.com/LVUGAI/MCM-DPO'",
        size="a sample of 10 rows a platform",
        licence="Apache-2.0",
        layout="one platform's train.json as path, and the folder that its rows name images in as images",
    ),
    "rlhf-v": Publication(
        files="RLHF-V-Dataset.parquet",
        address="'huggingface.co/datasets/openbmb/RLHF-V-Dataset'",
        size="879 MB, 5,733 rows",
        licence="CC BY-NC 4.0",
        layout="the images inside of it",
    ),
    "rlaif-v": Publication(
        files="RLAIF-V-Dataset_000.parquet and on",
        address="'huggingface.co/datasets/openbmb/RLAIF-V-Dataset'",
        size="0.8 to 1.1 GB each, 83,132 rows",
        licence="CC BY-NC 4.0",
        layout="one or all of them in a folder, the images inside of them",
    ),
    "vlfeedback": Publication(
        files="vlfeedback_80k.jsonl and merged_images.zip",
        address="'huggingface.co/datasets/MMInstruction/VLFeedback'",
        size="426 MB, 80,258 rows, and 2.9 GB",
        licence="none is named there",
        layout="the .jsonl as path, and as images the folder in which the paths of its column img_path begin",
    ),
    "lrv-instruct": Publication(
        files="filter_cap1.json and filter_cap_more1.json",
        address="'github.com/FuxiaoLiu/LRV-Instruction', whose download.txt has the links",
        size="320,000 rows",
        licence="BSD 3-Clause",
        layout="one of them as path, and Visual Genome's images as {image_id}.jpg in a folder given as images",
    ),
    "scigraphqa": Publication(
        files="the folder data, four .parquet files, and img.zip",
        address="'huggingface.co/datasets/alexshengzhili/SciGraphQA-295K-train'",
        size="770 MB, 295,602 rows, and 18 GB",
        licence="MIT",
        layout="data as path, and as images the folder of the archive that has the names of the column image_file",
    ),
    "dgpref": _DECOMPGEN,
    "dgpref-captions": _DECOMPGEN,
}

OWN: Mapping[str, str] = {
    "alt-text": (
        "a .jsonl with image (a path beside it), context (the post) and references (what was written); other columns can "
        "be named in the options"
    ),
    "trl": "rows with prompt, chosen and rejected, or prompt and completion, as messages, and the column images",
    "trl-plain": "rows with prompt, chosen and rejected, or prompt and completion, as texts, and the column images",
    "llama-factory": "rows in ShareGPT form with conversations, chosen, rejected and images",
    "ms-swift": "rows with messages, rejected_response or rejected_messages, and images",
}
"""What to bring where there is no publication: the formats of tools, and rows of one's own."""


def where_to_get(form: str) -> str:
    """Return where the data of a format is, for the end of a message."""
    if form in OWN:
        return f". Bring {OWN[form]}"
    return f". It is published as {PUBLICATIONS[form]}" if form in PUBLICATIONS else ""

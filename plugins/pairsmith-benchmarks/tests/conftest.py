"""Small folders laid out as the published ones are."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairsmith.interfaces import Run
from pairsmith.testing import make_run
from pairsmith_benchmarks.items import Item


def lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def whole(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def pictures(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"pixels")
    return folder


def pope_folder(root: Path, splits: Iterable[str] = ("random", "popular", "adversarial")) -> Mapping[str, str]:
    images = pictures(root / "val2014", "1.jpg", "2.jpg")
    for split in splits:
        rows = [
            {"question_id": 1, "image": "1.jpg", "text": "Is there a cat in the image?", "label": "yes"},
            {"question_id": 2, "image": "2.jpg", "text": "Is there a dog in the image?", "label": "no"},
        ]
        lines(root / "coco" / f"coco_pope_{split}.json", rows)
    return {"questions": str(root / "coco"), "images": str(images)}


def instances(*objects: tuple[int, list[str]]) -> Mapping[str, Any]:
    names = list(dict.fromkeys(name for _, some in objects for name in some))
    return {
        "info": {"year": 2014},
        "images": [{"id": one, "file_name": f"{one}.jpg", "height": 9} for one, _ in objects],
        "annotations": [
            {"id": 10 * one + n, "image_id": one, "category_id": names.index(name), "segmentation": [[1, 2]]}
            for one, some in objects
            for n, name in enumerate(some)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
    }


def captions(*texts: tuple[int, list[str]]) -> Mapping[str, Any]:
    return {
        "info": {"year": 2014},
        "images": [{"id": one, "file_name": f"{one}.jpg"} for one, _ in texts],
        "annotations": [
            {"id": 10 * one + n, "image_id": one, "caption": text} for one, some in texts for n, text in enumerate(some)
        ],
    }


def coco_folder(root: Path) -> Mapping[str, str]:
    images = pictures(root / "val2014", "1.jpg", "2.jpg")
    whole(root / "annotations" / "instances_val2014.json", instances((1, ["cat", "couch"]), (2, ["tv"])))
    said = captions((1, ["A cat on a sofa.", "A kitten near a lamp."]), (2, ["A man in front of a television."]))
    whole(root / "annotations" / "captions_val2014.json", said)
    return {"annotations": str(root / "annotations"), "images": str(images)}


def amber_folder(root: Path) -> Mapping[str, str]:
    pictures(root / "image", "AMBER_1.jpg", "AMBER_2.jpg")
    whole(
        root / "data" / "annotations.json",
        [
            {"id": 1, "type": "generative", "truth": ["forest", "person"], "hallu": ["dog", "sun"]},
            {"id": 2, "type": "generative", "truth": ["lake"], "hallu": ["ship"]},
            {"id": 3, "type": "discriminative-hallucination", "truth": "no"},
            {"id": 4, "type": "discriminative-attribute-state", "truth": "yes"},
            {"id": 5, "type": "relation", "truth": "no"},
        ],
    )
    associations = {
        "forest": ["tree"],
        "person": ["man"],
        "lake": ["water"],
        "dog": [],
        "sun": [],
        "ship": ["boat"],
        "light": [],
    }
    whole(root / "data" / "relation.json", associations)
    (root / "data" / "safe_words.txt").write_text("light\nsign")
    queries = [{"id": n, "image": f"AMBER_{n}.jpg", "query": "Describe this image."} for n in (1, 2)]
    whole(root / "data" / "query" / "query_generative.json", queries)
    asked = [{"id": n, "image": "AMBER_1.jpg", "query": "Is the sky blue in this image?"} for n in (3, 4, 5)]
    whole(root / "data" / "query" / "query_discriminative.json", asked)
    return {"path": str(root)}


def captions_folder(root: Path) -> Mapping[str, str]:
    images = pictures(root / "images", "1.jpg", "2.jpg")
    rows = [
        {"image": "1.jpg", "references": ["a cat on a mat", "the cat sat on the mat"]},
        {
            "id": "two",
            "image": "2.jpg",
            "references": ["two dogs run"],
            "prompt": "Alt text?",
            "context": "At the park",
        },
    ]
    return {"references": str(lines(root / "references.jsonl", rows)), "images": str(images)}


def mmhal_folder(root: Path) -> Mapping[str, str]:
    pictures(root / "images", "0.jpg")
    row = {"question_type": "other", "question": "What?", "image_src": "https://example.org/0.jpg"}
    whole(root / "response_template.json", [{**row, "image_content": ["Cat"], "gt_answer": "A cat."}])
    return {"path": str(root), "reviews": str(lines(root / "reviews.jsonl", [{"id": 0, "review": "rating: 3"}]))}


def halbench_folder(root: Path) -> Mapping[str, str]:
    questions = lines(root / "questions.jsonl", [{"image_id": 1, "question": "Describe it."}])
    reviews = lines(root / "reviews.jsonl", [{"id": 0, "review": '["cat", "dog"]'}])
    return {**coco_folder(root), "questions": str(questions), "reviews": str(reviews)}


def reviewed(root: Path, *ids: str, review: str) -> str:
    return str(lines(root / "reviews.jsonl", [{"id": one, "review": review} for one in ids]))


def mmvet_folder(root: Path) -> Mapping[str, str]:
    pictures(root / "images", "v1_0.png", "v1_1.jpg")
    rows = {
        "v1_0": {
            "imagename": "v1_0.png",
            "question": "What is x?",
            "answer": "-1<AND>-5",
            "capability": ["ocr", "math"],
        },
        "v1_1": {"imagename": "v1_1.jpg", "question": "What is it?", "answer": "A cat", "capability": ["rec"]},
    }
    whole(root / "mm-vet.json", rows)
    return {"path": str(root), "reviews": reviewed(root, *rows, review="0.5")}


def llava_bench_folder(root: Path) -> Mapping[str, str]:
    pictures(root / "images", "001.jpg")
    lines(root / "questions.jsonl", [{"question_id": 0, "image": "001.jpg", "text": "What is it?", "category": "conv"}])
    lines(root / "context.jsonl", [{"image": "001.jpg", "caption": ["A cat on a mat.", "It sleeps."]}])
    lines(root / "answers_gpt4.jsonl", [{"question_id": 0, "text": "A cat."}])
    whole(root / "rule.json", {"llava_bench_conv": {"role": "Assistant", "prompt": "Rate both."}})
    return {"path": str(root), "reviews": reviewed(root, "0", review="8 6")}


def hallusion_folder(root: Path) -> Mapping[str, str]:
    pictures(root / "hallusion_bench" / "VD" / "illusion", "0_0.png")
    about = {"subcategory": "illusion", "set_id": "0", "figure_id": "0", "question_id": "0", "gt_answer": "1"}
    told = {"question": "Same size?", "gt_answer_details": "They are the same."}
    image = "./hallusion_bench/VD/illusion/0_0.png"
    rows = [
        {**about, **told, "category": "VD", "visual_input": "1", "filename": image},
        {**about, **told, "category": "VS", "visual_input": "0", "filename": "./hallusion_bench/VS/illusion/0_0.png"},
    ]
    whole(root / "HallusionBench.json", rows)
    return {"path": str(root)}


def mt_bench_folder(root: Path) -> Mapping[str, str]:
    questions = [
        {"question_id": 81, "category": "writing", "turns": ["Write.", "Again?"]},
        {"question_id": 82, "category": "math", "turns": ["1 + 1?", "Again, plus 1?"]},
    ]
    lines(root / "mt_bench" / "question.jsonl", questions)
    references = [{"question_id": 82, "choices": [{"turns": ["2", "3"]}]}]
    lines(root / "mt_bench" / "reference_answer" / "gpt-4.jsonl", references)
    asked = {
        "single-v1": ("Help.", "Q {question} A {answer}"),
        "single-math-v1": ("Help.", "Q {question} R {ref_answer_1} A {answer}"),
        "single-v1-multi-turn": ("Judge.", "Q1 {question_1} A1 {answer_1} Q2 {question_2} A2 {answer_2}"),
        "single-math-v1-multi-turn": (
            "Judge.",
            "Q1 {question_1} R1 {ref_answer_1} A1 {answer_1} Q2 {question_2} R2 {ref_answer_2} A2 {answer_2}",
        ),
    }
    prompts = [{"name": name, "system_prompt": one, "prompt_template": two} for name, (one, two) in asked.items()]
    lines(root / "judge_prompts.jsonl", prompts)
    return {"path": str(root), "reviews": reviewed(root, "81/1", "81/2", "82/1", "82/2", review="[[7]]")}


def alpaca_eval_folder(root: Path) -> Mapping[str, str]:
    whole(root / "alpaca_eval.json", [{"instruction": f"Do {n}.", "output": f"Reference {n}."} for n in range(40)])
    (root / "alpaca_eval.txt").write_text(
        "<|im_start|>system\nRank.\n<|im_end|>\n<|im_start|>user\n"
        '{"instruction": "{instruction}"}\n1: {output_1}\n2: {output_2}\n<|im_end|>\n'
    )
    review = "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]"
    return {"path": str(root), "reviews": reviewed(root, *map(str, range(40)), review=review)}


def items(*truths: Mapping[str, Any]) -> list[Item]:
    return [Item(id=str(number), truth=truth) for number, truth in enumerate(truths, start=1)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in a folder of its own."""
    return make_run(tmp_path / "run")


@pytest.fixture
def folders() -> SimpleNamespace:
    """What lays out folders, by the benchmark they are for, and what they are made of."""
    return SimpleNamespace(
        pope=pope_folder,
        chair=coco_folder,
        amber=amber_folder,
        captions=captions_folder,
        mmhal=mmhal_folder,
        halbench=halbench_folder,
        mmvet=mmvet_folder,
        llava_bench=llava_bench_folder,
        hallusion=hallusion_folder,
        mt_bench=mt_bench_folder,
        alpaca_eval=alpaca_eval_folder,
        lines=lines,
        whole=whole,
        pictures=pictures,
        instances=instances,
        captions_file=captions,
    )


@pytest.fixture
def asked() -> Any:
    """Makes items numbered from 1 of what is true of each."""
    return items

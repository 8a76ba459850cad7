"""Everything with everything: source x generator x judge x selector x loss x model family, pairwise, through a training step.

A covering array has every pair of levels of two factors at least once; each row is one run on tiny random models, in this
process. Components that differ little are one level and take turns (``KINDS``); with ``PAIRSMITH_MATRIX=whole`` in the
environment each is a level of its own. Two components may stand in one level: a selector of selectors with the selector it asks, and a sum of losses for all
losses that read the same kind of cells. So that every row has something to learn from, the judge under test has a second
one beside it, which calls an answer by its number; a sample's answers are split into claims by a stand-in of these tests.

Components that no row has are in ``LEFT_OUT``, each with the reason and the test that has it.
"""

import gc
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, cycle
from pathlib import Path
from typing import Any

import pytest
import tiny_models
from allpairspy import AllPairs

from pairsmith import worker
from pairsmith.model import with_model
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.registry import Registry
from pairsmith.rubric import HELPSTEER
from pairsmith.start import start
from pairsmith.training import Trainings
from pairsmith.values import Case, Claim, Image, Response, Sample, Verdict, user
from pairsmith.view import DirectoryView

Table = Mapping[str, Any]

SOURCES: Mapping[str, Table] = {
    "folder": {"use": "folder", "path": "tiny/pictures", "prompt": "Describe the image.", "suffixes": [".png"]},
    "stored": {"use": "stored", "path": "tiny/samples.jsonl"},
    "several": {
        "use": "several",
        "sources": [
            {"use": "lrv-instruct", "path": "tiny/lrv.json", "images": "tiny/pictures"},
            {"use": "scigraphqa", "path": "tiny/scigraphqa.jsonl", "images": "tiny/pictures"},
        ],
    },
    "reworded-gqa": {
        "use": "pairsmith-compat/reworded",
        "after": "\n",
        "source": {"use": "gqa", "path": "tiny/scene-graphs.json", "images": "tiny/pictures"},
    },
    "coco": {"use": "coco", "path": "tiny/instances.json", "images": "tiny/pictures"},
    "visual-genome": {"use": "visual-genome", "path": "tiny/scenes.json", "images": "tiny/pictures"},
    "toyworld": {"use": "toyworld", "samples": 2},
    "mcm-dpo": {"use": "mcm-dpo", "path": "tiny/preferences.json"},
    "vlfeedback": {"use": "vlfeedback", "path": "tiny/rated.json"},
}
HF = {"use": "hf", "n": 2, "max_new_tokens": 4}
GENERATORS: Mapping[str, Table | None] = {
    "hf": HF,
    "openai": {"use": "openai", "model": "one", "n": 2},
    "stored": {"use": "stored", "path": "tiny/answers.jsonl", "allow_unmatched": True},
    "steered": {"use": "steered", "generator": HF},
    "reworded": {"use": "pairsmith-compat/reworded", "generator": HF, "one_line": True},
    "given": None,
}
VQA = {"use": "vqa", "model": "tiny/blip-2", "gate": "tiny/cola"}
SMALL = {"image_size": 32, "patch_size": 8, "hidden_size": 16, "vocabulary": 400, "std": 0.3}
JUDGES: Mapping[str, Table] = {
    "owl-vit": {"use": "owl-vit", "model": "tiny/owl-vit"},
    "published-spatial": {"use": "published-spatial", "judge": {"use": "owl-vit", "model": "tiny/owl-vit"}},
    "grounding-dino": {"use": "grounding-dino", "model": "tiny/grounding-dino"},
    "vqa": VQA,
    "published-answers": {"use": "published-answers", "judge": VQA},
    "vlm": {"use": "vlm", "model": {"use": "random-llava", **SMALL}, "mode": "p-yes"},
    "ocr": {"use": "ocr"},
    "openai-text": {"use": "openai-text", "model": "reader"},
    "openai-rubric": {"use": "openai-rubric", "model": "grader"},
    "reward-model": {"use": "reward-model", "model": "tiny/rewards", "score": {"helpfulness": 1.0}},
    "armorm": {"use": "armorm", "model": "tiny/armorm"},
    "annotations": {"use": "annotations"},
    "ratings": {"use": "ratings"},
    "stored": {"use": "stored", "path": "tiny/verdicts.jsonl", "allow_unmatched": True},
}
SCORED = {"score": "difference", "weights": {"response": 100.0}}
SELECTORS: Mapping[str, Table] = {
    "subset(random)": {"use": "subset", "selector": {"use": "random", **SCORED}},
    "flip(margin)": {"use": "flip", "share": 0.5, "selector": {"use": "margin", "per_image": 2, **SCORED}},
    "length-balance(best-worst)": {
        "use": "length-balance",
        "unit": "characters",
        "selector": {"use": "best-worst", **SCORED},
    },
    "max-vs-random-below": {"use": "max-vs-random-below"},
    "published-objects(margin)": {"use": "published-objects", "selector": {"use": "margin", **SCORED}},
    "published": {"use": "published"},
    "subset(demonstrations)": {"use": "subset", "selector": {"use": "demonstrations", "best": True, **SCORED}},
    "rejection-sampling": {"use": "rejection-sampling", **SCORED},
    "best-only": {"use": "best-only", "min_score": 2.0},
    "steerlm": {"use": "steerlm", "judge": "scripted"},
}
PLAIN = (
    "dpo",
    "dpop",
    "ddpo",
    "simpo",
    "orpo",
    "slic",
    "kto",
    "bco",
    "apo-zero",
    "apo-down",
    "nca",
    "sppo",
    "published-dpo",
)


def added(*names: str) -> Table:
    return {"use": "sum", "terms": [{"use": name} for name in names]}


LOSSES: Mapping[str, Table] = {
    "answers": added(*PLAIN),
    "divergences": added("tdpo", "chip"),
    "images": added("mdpo", "v-dpo", "symmpo", "mcm-dpo"),
    "sft": {"use": "sft"},
}
FAMILIES: Mapping[str, Table] = {
    "llava": {"use": "llava", "path": "tiny/llava"},
    "without-end": {"use": "without-end", "family": {"use": "llava", "path": "tiny/llava"}},
    "random-llava": {"use": "random-llava", **SMALL},
    "auto": {"use": "auto", "path": "tiny/qwen2-5-vl"},
    **{
        name: {"use": name, "path": f"tiny/{name}"}
        for name in (
            "llava-next", "llava-onevision", "qwen2-vl", "qwen2-5-vl", "qwen3-vl", "internvl", "idefics3", "smolvlm", "gemma3",
        )
    },
}  # fmt: skip

ROWS = "the class of mcm-dpo's source with another table of columns: plugins/pairsmith-formats/tests/test_formats.py"
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "image_sources": {
        "none": "has no sample: tests/test_evaluate.py has it",
        "prompt-requests": "has no image: test_recipes_run.py runs it in more-prompts' twin",
        "text-to-image": "draws for seconds a row: test_recipes_run.py runs it from prompts to a trained model",
        "dgpref": "reads published pickles: plugins/pairsmith-formats/tests/test_dgpref.py",
        "dgpref-captions": "reads published pickles: plugins/pairsmith-formats/tests/test_dgpref_stages.py",
        **dict.fromkeys(
            (
                "llava", "llava-preferences", "mllm-dpo", "rlhf-v", "rlaif-v", "trl", "trl-plain",
                "llama-factory", "ms-swift", "alt-text",
            ),
            ROWS,
        ),
    },
    "generators": {
        "openai-rewrite": "mends a text that one source has: test_recipes_run.py runs it in alt-text-preferences' twin",
    },
    "judges": {
        "toyworld-oracle": "random words are not of its grammar: plugins/pairsmith-toyworld/tests/test_chain.py",
        "dgpref": "reads published pickles: plugins/pairsmith-formats/tests/test_dgpref_stages.py",
    },
    "pair_selectors": {
        "deduplicate": "drops all but one of the rows' alike pairs: plugins/pairsmith-quality/tests",
        "fresh-draws": "another selector's pairs twice: test_recipes_run.py has it in MCM-DPO's published twin",
    },
    "losses": dict.fromkeys(("trl-dpo", "trl-kto", "trl-sft"), "belongs to TRL's own trainer: test_trl_trainer.py"),
    "model_families": {
        "qwen-vl-chat": "runs code that comes with the model: tests/training/test_own_code.py trains it",
        "with-template": "qwen2-5-vl with more targets: test_recipes_run.py has it in DecompGen's published twin",
    },
}  # fmt: skip


FACTORS = (SOURCES, GENERATORS, JUDGES, SELECTORS, LOSSES, FAMILIES)
COMPONENTS = ("image_sources", "generators", "judges", "pair_selectors", "losses", "model_families")
KINDS: Mapping[str, Sequence[str]] = {
    "annotated": ("reworded-gqa", "coco", "visual-genome"),
    "answering": ("hf", "openai"),
    "detected": ("owl-vit", "grounding-dino", "published-spatial"),
    "asked": ("vqa", "published-answers", "vlm"),
    "read": ("ocr", "openai-text"),
    "graded": ("openai-rubric", "reward-model"),
    "compared": (
        "subset(random)", "flip(margin)", "length-balance(best-worst)", "max-vs-random-below", "published-objects(margin)",
    ),
    "imitated": ("subset(demonstrations)", "rejection-sampling", "best-only", "steerlm"),
    "one size": ("llava", "without-end", "random-llava"),
    "any-res": ("llava-next", "llava-onevision"),
    "three axes": ("qwen2-5-vl", "qwen2-vl", "qwen3-vl"),
    "tiles": ("internvl", "idefics3", "smolvlm"),
    "two ways": ("gemma3",),
    "any": ("auto",),
}  # fmt: skip
"""Components that differ little from each other: in the array they are one level, and take turns."""
WHOLE = os.environ.get("PAIRSMITH_MATRIX") == "whole"
"""Then each of them is a level of its own: some hundred rows, and many minutes."""


def levels(*kinds: str) -> list[str]:
    return [name for kind in kinds for name in KINDS[kind]] if WHOLE else list(kinds)


ANSWERED = [*levels("answering"), "stored", "steered", "reworded"]
MADE = ["folder", "stored", "several", *levels("annotated"), "toyworld"], ANSWERED
JUDGED = [*levels("detected", "asked", "read", "graded"), "stored"]
PREFERRED = [name for name in LOSSES if name != "sft"]
EVERY_FAMILY = levels("one size", "any-res", "three axes", "tiles", "two ways", "any")
GROUPS: tuple[tuple[Sequence[str], ...], ...] = (
    (*MADE, JUDGED, levels("compared"), PREFERRED, EVERY_FAMILY),
    (*MADE, JUDGED, levels("imitated"), ["sft"], EVERY_FAMILY),
    (["mcm-dpo"], ["given"], [*JUDGED, "armorm"], ["published"], PREFERRED, EVERY_FAMILY),
    (levels("annotated"), ANSWERED, ["annotations"], levels("compared"), PREFERRED, EVERY_FAMILY),
    (["vlfeedback"], ["given"], ["ratings"], levels("compared"), PREFERRED, EVERY_FAMILY),
)
"""What goes with what: within a group everything does, and two levels that no group has together make no sense.

Annotations and ratings came with some samples only; ArmoRM's objectives are none that selectors by a rubric's grades ask for.
"""


def pairs(row: Sequence[str]) -> list[tuple[int, str, int, str]]:
    return [(one, row[one], other, row[other]) for one, other in combinations(range(len(row)), 2)]


def covering() -> list[tuple[str, ...]]:
    """Return the rows of all groups, without those whose pairs the others have."""
    rows = [tuple(row) for group in GROUPS for row in AllPairs([list(names) for names in group])]
    times = Counter(pair for row in rows for pair in pairs(row))
    kept = []
    for row in reversed(rows):
        if all(times[pair] > 1 for pair in pairs(row)):
            times.subtract(pairs(row))
        else:
            kept.append(row)
    return kept[::-1]


def in_turn(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return rows with the members of a kind, one after the other, in place of its name."""
    turns = {kind: cycle(members) for kind, members in KINDS.items()}
    return [tuple(next(turns[name]) if name in turns else name for name in row) for row in rows]


IMAGE_JUDGES: Mapping[str, Table] = {
    "image-reward": {"use": "image-reward", "path": "tiny/image-reward", "tokenizer": "tiny/image-reward/tokenizer"},
    "clip-score": {"use": "clip-score", "path": "tiny/clip"},
    "pick-score": {"use": "pick-score", "path": "tiny/clip", "processor": "tiny/clip"},
}
RULES: Mapping[str, Table] = {
    "best": {"rule": "best"},
    "threshold": {"rule": "threshold", "threshold": -100.0},
    "top-k": {"rule": "top-k", "k": 2},
}
DRAWN = [tuple(row) for row in AllPairs([[*IMAGE_JUDGES], [*RULES], ["llava", "qwen2-5-vl", "internvl"]])]
"""Image judges, rules of what is kept, and families of three kinds, pairwise: a source of candidates goes with them alone."""

ARRAY = covering()
MATRIX = in_turn(ARRAY)


class Claims:
    """A thing, where it is, what colour it has and what is written, of every answer."""

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim]:
        return [
            Claim(id=f"{one.id}#{n}", response_id=one.id, aspect=aspect, text=aspect, data=data)
            for one in responses
            for n, (aspect, data) in enumerate(
                (
                    ("object", {"object": "dog"}),
                    ("attribute", {"object": "dog", "attribute": "red"}),
                    ("spatial", {"subject": "dog", "relation": "above", "direction": "top", "object": "cat"}),
                    ("text", {"text": "Stop"}),
                )
            )
        ]


class Candidates:
    """Two images of each of two prompts, as a source that draws gives them."""

    def samples(self, start: int = 0) -> Iterator[Sample]:
        for n in range(start, 2):
            images = tuple(Image(path=Path(f"tiny/pictures/{2 * n + k}.png")) for k in range(2))
            yield Sample(
                id=f"d{n}", prompt=user("What is this?"), candidates=images, truth={"image_prompt": f"thing {n}"}
            )


class Nothing:
    """A worse context for samples that may have none."""

    axis = "context"

    def corrupt_context(self, sample: Sample, others: object, *, seed: int) -> tuple[str, dict[str, Any]]:
        return "Nothing.", {}


class Scripted:
    """Calls the longest answer good, of every other sample the shortest, as an outcome, a score and grades."""

    aspects = ()

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        return [self._of(number, case) for number, case in enumerate(cases)]

    def _of(self, number: int, case: Case) -> list[Verdict]:
        longest_first = sorted(case.responses, key=lambda one: -len(one.text))
        ranked = longest_first if number % 2 else longest_first[::-1]
        return [
            Verdict(
                judge="scripted",
                response_id=one.id,
                outcome="supported" if one is ranked[0] else "contradicted",
                score=float(-ranked.index(one)),
                evidence={"attributes": dict.fromkeys(HELPSTEER, 4 if one is ranked[0] else 0)},
            )
            for one in case.responses
        ]


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder
    gc.unfreeze()


@pytest.fixture(scope="module")
def models(here: Path) -> None:
    """The tiny models and rows."""
    wanted = {
        name: tiny_models.MODELS[name] for name in ("llava", "owl-vit", "blip-2", "cola", "armorm", "image-reward")
    }
    named = {name: tiny_models.family(name) for name in FAMILIES if "path" in FAMILIES[name] and name != "auto"}
    named.pop("llava")
    tiny = tiny_models.make(here / "tiny", {**wanted, **named})
    tiny_models.module("pairsmith-grounding", "models").grounding_dino(tiny / "grounding-dino")
    tiny_models.module("pairsmith-diffusion", "tiny").clip(tiny / "clip")
    tiny_models.module("pairsmith-hf", "tiny_rewards").classifier(tiny / "rewards", labels=len(HELPSTEER))
    config = json.loads((tiny / "rewards" / "config.json").read_text())
    labels = {"id2label": dict(enumerate(HELPSTEER)), "label2id": {name: n for n, name in enumerate(HELPSTEER)}}
    (tiny / "rewards" / "config.json").write_text(json.dumps({**config, **labels}))
    samples = [{"id": f"s{n}", "images": [f"pictures/{n}.png"], "prompt": f"What is {n}?"} for n in range(2)]
    (tiny / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in samples))
    ids = ["s0", "s1", "0", "1", "0.png", "1.png", "0/row-1", "1/s2", "toyworld-000000", "toyworld-000001"]
    said = ["One good answer.", "Another answer, which is worse."]
    answers = [{"id": name, "responses": said[:: 1 if n % 2 else -1]} for n, name in enumerate(ids)]
    (tiny / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    thing = {"object_id": 1, "names": ["dog"], "x": 1, "y": 2, "w": 30, "h": 30, "attributes": ["brown"]}
    scenes = [{"image_id": n, "objects": [thing], "relationships": []} for n in range(2)]
    instances = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 40, "height": 44} for n in range(2)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 18, "bbox": [1, 2, 30, 30], "iscrowd": 0} for n in range(2)
        ],
        "categories": [{"id": 18, "name": "dog"}],
    }
    rated = [
        {"id": f"v{n}", "prompt": "What is this?", "image": f"pictures/{n}.png", "models": ["a", "b"], "completions": [
            {"model": model, "response": text, "annotations": {"Helpfulness": {"Rating": str(5 - k), "Rationale": ""}}}
            for k, (model, text) in enumerate(zip("ab", said, strict=True))
        ]}
        for n in range(2)
    ]  # fmt: skip
    for name, rows in (("scenes", scenes), ("instances", instances), ("rated", rated)):
        (tiny / f"{name}.json").write_text(json.dumps(rows))
    (tiny / "verdicts.jsonl").write_text(json.dumps({"claim_id": "s0/0#0", "outcome": "supported"}) + "\n")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[None]:
    """A real server on the loopback interface, to which every answer is perfect."""
    llm = tiny_models.module("pairsmith-llm", "conftest")

    def behave(request: Any, _: int) -> Any:
        labels = re.findall(r'<candidate label="(\w+)">', request.said)
        graded = [{"candidate": label, "comment": "", **dict.fromkeys(HELPSTEER, 4)} for label in labels]
        return llm.Act(text=json.dumps({"candidates": graded})) if labels else None

    server = llm.Server(behave=behave)
    http = llm.Quiet(("127.0.0.1", 0), llm.handler(server))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{http.server_address[1]}/v1")
        patch.setenv("OPENAI_API_KEY", "none")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield
    server.stop()
    http.shutdown()
    http.server_close()
    thread.join()
    assert server.requests


@pytest.fixture(autouse=True)
def frozen() -> None:
    """Keep what is there from the collector: every stage collects, and each time it would look at all of transformers."""
    gc.freeze()


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train as the training process would, with the components that are there."""

    def launch(self: Trainings, command: object, stage: Any, reference: object, items: object) -> None:
        training = self.recipe.trainings[0]
        order = worker.Order.read(stage)
        run = with_model(self.run, self.model)
        loss, trainer = training.loss.build(run), training.train.build(run)
        worker.train(self.directory, stage, order, run, self.model.family, loss, trainer)

    monkeypatch.setattr(Trainings, "_launch", launch)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("row", MATRIX, ids="-".join)
@pytest.mark.usefixtures("models", "endpoint")
def test_it_runs_through_a_training_step(row: tuple[str, ...], tmp_path: Path) -> None:
    source, generator, judge, selector, loss, family = (there[name] for there, name in zip(FACTORS, row, strict=True))
    answers = {} if generator is None else {"responses": generator}
    trained(
        tmp_path, model=family, images=source, **answers, judges=[judge, {"use": Scripted()}], pairs=selector, loss=loss
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("row", DRAWN, ids="-".join)
@pytest.mark.usefixtures("models")
def test_the_images_of_a_prompt_run_through_a_training_step(row: tuple[str, ...], tmp_path: Path) -> None:
    judge, rule, family = row
    trained(
        tmp_path,
        model=FAMILIES[family],
        images={"use": Candidates()},
        image_judges=[IMAGE_JUDGES[judge]],
        image_keep=RULES[rule],
        responses=HF,
        judges=[{"use": Scripted()}],
        pairs={"use": "best-worst", **SCORED},
        loss=LOSSES["answers"],
    )


def trained(out: Path, **own: Any) -> None:
    """Run a recipe of these tables on two samples; it must have come to a step of training."""
    tables = {
        "schema": 1,
        "image_check": {"use": "none"},
        "claims": {"use": Claims()},
        "hygiene": dict.fromkeys(("fragment", "near_identical", "length_ratio", "duplicate", "identical"), False),
        "corruptions": {"image": {"use": "black"}, "context": {"use": Nothing()}},
        "train": {"use": "tree", "batch_size": 1, "max_length": 2048, "device": "cpu", "lora": {"r": 2, "alpha": 4}},
        "reports": [],
        **own,
    }
    run = start(Document(name="row", tables=tables), out=out / "run", limit=2, until="train", progress=progress())
    assert DirectoryView(run).stages()["train"]["counts"]["steps"] >= 1


def test_every_pair_that_makes_sense_is_there() -> None:
    wanted = {
        (one, a, other, b)
        for group in GROUPS
        for one, first in enumerate(group)
        for other, second in enumerate(group)
        if one < other
        for a in first
        for b in second
    }
    assert {pair for row in ARRAY for pair in pairs(row)} == wanted
    assert {name for row in MATRIX for name in row} == {name for levels in FACTORS for name in levels}


def used(table: Any) -> Iterator[str]:
    """Yield every component that tables name."""
    if isinstance(table, Mapping):
        if isinstance(table.get("use"), str):
            yield table["use"].rpartition("/")[2]
        for value in table.values():
            yield from used(value)
    elif isinstance(table, list | tuple):
        for value in table:
            yield from used(value)


@pytest.mark.parametrize(
    ("kind", "tables"),
    [*zip(COMPONENTS, FACTORS, strict=True), ("image_judges", IMAGE_JUDGES)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_component_is_in_a_row_or_has_a_reason(kind: Any, tables: Mapping[str, Table]) -> None:
    offered = {offer.component.name for offer in Registry.discover().offers(kind)}
    there = set(used(list(tables.values()))) & offered
    assert there | set(LEFT_OUT.get(kind, {})) == offered
    assert not there & set(LEFT_OUT.get(kind, {}))

"""The tiny twins run from end to end, in the same components as the recipes whose twins they are."""

import gc
import json
import re
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
import transformers
from safetensors.torch import load_file

from pairsmith import worker
from pairsmith.cli import main
from pairsmith.directory import RunDirectory
from pairsmith.progress import progress
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.training import Trainings
from pairsmith.view import DirectoryView

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the tiny models, which the twins name by relative paths."""
    folder = tmp_path_factory.mktemp("twins")
    tiny_models.make(folder / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder
    gc.unfreeze()


@pytest.fixture(autouse=True)
def frozen() -> None:
    """Keep what is there from the collector: every stage collects, and each time it would look at all of transformers."""
    gc.freeze()


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train where the test runs, through the very function that the training process calls: it spares its imports."""

    def launch(self: Trainings, command: list[str], stage: Any, reference: Any, items: Any) -> None:
        assert command[1:] == ["-m", "pairsmith.worker", str(self.directory.path), stage.name]
        worker.run_stage(self.directory.path, stage.name)

    monkeypatch.setattr(Trainings, "_launch", launch)


@pytest.fixture(autouse=True)
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A model on the loopback interface: to it the first candidate is perfect, each next one a point worse."""
    llm = tiny_models.module("pairsmith-llm", "conftest")

    def behave(request: Any, _: int) -> Any:
        if "You write prompts" in request.said:
            return llm.Act(text=written(request.said))
        labels = re.findall(r'<candidate label="(\w+)">', request.said)
        if not labels:
            return None
        names = re.findall(r"^- (\w+): ", request.said, re.MULTILINE)
        graded = [
            {"candidate": label, "comment": "so it is", **dict.fromkeys(names, max(0, 4 - place))}
            for place, label in enumerate(labels)
        ]
        return llm.Act(text=json.dumps({"candidates": graded}))

    def written(said: str) -> str:
        """Two prompts that are new, one that was shown, and half of one."""
        place = re.search(r'category "(\w+)"', said)
        assert place is not None
        shown = re.findall(r"^- (.+)$", said, re.MULTILINE)[0]
        new = [f"A {colour} {place[1]} that nobody has seen before stands on {where}" for colour, where in (
            ("purple", "seven tall wooden stilts in a flooded market hall at noon."),
            ("chequered", "the roof of an old tram, under falling leaves and two moons."),
        )]  # fmt: skip
        rows = [json.dumps({"prompt": one, "question": "What does it stand on?"}) for one in (*new, shown)]
        return "\n".join(["Here you are:", *rows, '{"prompt": "A dark st'])

    server = llm.Server(behave=behave)
    http = llm.Quiet(("127.0.0.1", 0), llm.handler(server))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{http.server_address[1]}/v1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server
    server.stop()
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def decomposer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text model is run, and its random words are replaced by claims: a few things by what the answer says."""
    from pairsmith_decompose.model import TextModel

    things = ("dog", "cat", "table", "lamp", "chair")
    own = TextModel.reply

    def reply(self: TextModel, conversations: Any) -> list[str]:
        made = own(self, conversations)
        assert len(made) == len(conversations)
        return [claims(one[0]["content"]) for one in conversations]

    def claims(asked: str) -> str:
        number = sum(map(ord, asked.splitlines()[-2]))
        one, other = things[number % 5], things[(number // 5) % 5]
        said = {
            "Things:": f"({one}); ({other})",
            "Counts:": f"(nineteen, {one}); (eighteen, {other})",
            "Attributes:": f"(red, {one}); (large, {other})",
            "Relations:": f"({one}, above, {other}); ({other}, biting, {one})",
        }
        told = list(said)[: (1, 2, 4)[number % 3]]  # things that are there, with wrong numbers, with all the rest
        last = asked.splitlines()[-1]
        return said[last] if last in told else "NONE"

    monkeypatch.setattr(TextModel, "reply", reply)


def run(name: str, limit: int | None = None) -> DirectoryView:
    registry = Registry.discover()
    return DirectoryView(start(name, out=Path("runs") / name, limit=limit, progress=progress(), registry=registry))


def test_the_first_stage_of_mcm_dpo_is_that_of_alt_text_sft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folders, copied into a run of mcm-dpo, are taken for what they are: only the second stage is trained."""
    first, out = run("alt-text-sft-tiny").directory, Path("runs/shared")
    start("mcm-dpo-tiny", out=out, until="images", progress=progress())
    for name in ("pairs", "sft"):
        shutil.copytree(first / "stages" / name, out / "stages" / name)
    trained, own = [], Trainings._launch

    def launch(self: Trainings, command: list[str], stage: Any, *rest: Any) -> None:
        trained.append(stage.name)
        own(self, command, stage, *rest)

    monkeypatch.setattr(Trainings, "_launch", launch)
    start("mcm-dpo-tiny", out=out, progress=progress())
    assert trained == ["preferences"]


def test_more_prompts_are_what_pds_dpo_draws(judge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """From requests over what was malformed or known to files, and from those to the images of a new prompt."""
    made = run("more-prompts-tiny").directory
    assert len(judge.requests) == 2
    run("more-prompts-tiny")
    assert main(["export", str(made), "--to", "prompts", "--out", "more"]) == 0
    assert len(judge.requests) == 2, "what was paid for is asked once"
    assert capsys.readouterr().out.split() == [
        f"more/{name}" for name in ("prompts.jsonl", "prompts.txt", "questions.txt", "left-out.jsonl", "summary.json")
    ]
    summary = json.loads(Path("more/summary.json").read_text())
    assert (summary["prompts"], summary["new by category"]) == (92, {"art": 2})
    assert summary["left out"] == {"duplicate": 2, "malformed: no JSON": 2, "near-duplicate": 2}
    settings = ["images.prompts=more/prompts.jsonl"]
    drawn = DirectoryView(
        start("pds-dpo-tiny", settings=settings, out=Path("runs/drawn"), until="images", progress=progress())
    )
    samples = [one.sample for one in drawn.judged()]
    assert [one.id for one in samples][-2:] == ["art-7", "art-8"]
    assert samples[-1].prompt[0].text == "What does it stand on?"
    assert len(samples[-1].candidates) == 4


def test_alt_texts_that_people_wrote_become_what_mcm_dpo_learns_from(judge: Any) -> None:
    """They are corrected once for both recipes, judged beside a model's own, and read by both stages of mcm-dpo."""
    corrected = run("alt-text-corrected-tiny").directory
    assert len(judge.requests) == 4
    preferred = run("alt-text-preferences-tiny").directory
    assert len(judge.requests) == 8, "four grades; the corrections were paid for"
    for made, form, out in ((corrected, "llava", "written"), (preferred, "mcm-dpo", "preferred")):
        assert main(["export", str(made), "--to", form, "--out", out]) == 0
    (first, *_) = json.loads(Path("written/conversations.json").read_text())
    assert [turn["value"] for turn in first["conversations"]] == [
        "<image>\nWrite an alt text for the image.\nContext:\nLunch at the sea",
        "A thing at lunch at the sea.",
    ]
    texts = [json.loads(row["text"]) for row in json.loads(Path("preferred/train.json").read_text())]
    assert {text["question"] for text in texts} == {
        f"Write an alt text for the image.\nContext:\n{post}" for post in tiny_models.POSTS
    }
    assert any("A thing at" in text["chosen"] + text["rejected"] for text in texts)
    settings = ["images.sources[0].path=written/conversations.json", "images.sources[1].path=preferred/train.json"]
    view = DirectoryView(
        start("mcm-dpo-tiny", settings=settings, out=Path("runs/own"), until="corruptions", progress=progress())
    )
    items = list(view.items())
    assert len(items) == 4
    contexts = {one.value.sample.context for one in items}
    assert contexts == set(tiny_models.POSTS)
    assert all(one.corrupted.context in contexts - {one.value.sample.context} for one in items)


def steps(view: DirectoryView, stage: str) -> int:
    return int(view.stages()[stage]["counts"]["steps"])


@pytest.mark.parametrize("name", ["alt-text-sft", "alt-text-dpo", "alt-text-dpo-as-published"])
def test_alt_text(name: str) -> None:
    view = run(f"{name}-tiny")
    assert steps(view, "sft") == 2
    taught = [row["item"]["value"] for row in RunDirectory(view.directory).stage("pairs").rows() if "item" in row]
    assert [one["sample"]["id"].partition("/")[0] for one in taught] == ["sft"] * 4, "and no preferences"
    if "dpo" in name:
        assert steps(view, "preferences") == 2


@pytest.mark.parametrize("name", ["mcm-dpo", "mcm-dpo-a", "mcm-dpo-b", "mcm-dpo-c"])
def test_mcm_dpo(name: str) -> None:
    """Each paradigm trains what it says in each stage: the tower's weights in the files change there and nowhere else."""
    learns = name in {"mcm-dpo", "mcm-dpo-b"}  # the first of two steps warms up, and changes nothing yet
    view = run(f"{name}-tiny", limit=None if learns else 6)
    assert steps(view, "preferences") == (2 if learns else 1)
    cells = next(iter(DirectoryView(view.directory).items())).corrupted
    assert cells.images
    assert cells.context
    base, sft, last = (tower(path) for path in (Path("tiny/llava-next"), *map(written(view), ("sft", "preferences"))))
    changed = tuple(any(not torch.equal(one[key], two[key]) for key in one) for one, two in ((base, sft), (sft, last)))
    assert changed == {"mcm-dpo-a": (False, False), "mcm-dpo-b": (False, True), "mcm-dpo-c": (True, False)}.get(
        name, (True, True)
    )
    if name == "mcm-dpo":  # what transformers reloads is what was written, to the bit
        model = transformers.AutoModelForImageTextToText.from_pretrained(written(view)("preferences"))
        held = {key: value for key, value in model.state_dict().items() if "vision_tower" in key}
        assert len(held) == len(last)
        assert all(torch.equal(held[key], value) for key, value in named(last, held).items())


def written(view: DirectoryView) -> Callable[[str], Path]:
    return lambda stage: view.directory / "stages" / stage / "output" / "model"


def tower(folder: Path) -> dict[str, torch.Tensor]:
    """The vision tower's weights as they are in the files."""
    found = [load_file(path) for path in sorted(folder.glob("*.safetensors"))]
    return {key: value for part in found for key, value in part.items() if "vision_tower" in key}


def named(weights: dict[str, torch.Tensor], wanted: Collection[str]) -> dict[str, torch.Tensor]:
    """The same under the names that a model gives them, which files of an older format write otherwise."""
    return {
        next(key for key in wanted if key.endswith(name.partition("vision_tower")[2])): one
        for name, one in weights.items()
    }


def test_mcm_dpo_as_published() -> None:
    """Each pair is there once for each epoch, with noise of its own and the same worse context."""
    view = run("mcm-dpo-as-published-tiny")
    assert steps(view, "preferences") == 4
    items = list(view.items())
    once, again = ([one for one in items if one.id.endswith(":draw-2") == second] for second in (False, True))
    assert [f"{one.id}:draw-2" for one in once] == [one.id for one in again]
    for one, other in zip(once, again, strict=True):
        assert one.corrupted.images != other.corrupted.images
        assert one.corrupted.context == other.corrupted.context
        assert one.value.sample.prompt[0].role == "system"


@pytest.mark.parametrize("name", ["pds-dpo", "pds-dpo-as-published"])
def test_pds_dpo(name: str) -> None:
    """From prompts that come with the plugin to a trained model."""
    view = run(f"{name}-tiny", limit=2)
    assert steps(view, "train") >= 1
    judged = next(view.judged())
    assert len(judged.responses) == 3
    assert len(judged.sample.candidates) == 4
    assert {verdict.judge for verdict in judged.verdicts} == {"armorm"}


@pytest.mark.parametrize(
    ("name", "learnt"),
    [
        ("mllm-dpo", "Pair"),
        ("mllm-dpo-as-published", "Pair"),
        ("mllm-dpo-steerlm", "Demonstration"),
        ("mllm-dpo-rejection-sampling", "Demonstration"),
        ("mllm-dpo-sft", "Demonstration"),
        ("mllm-dpo-steerlm-as-published", "Demonstration"),
        ("mllm-dpo-rejection-sampling-as-published", "Demonstration"),
        ("mllm-dpo-sft-as-published", "Demonstration"),
    ],
)
def test_mllm_dpo(name: str, learnt: str) -> None:
    view = run(f"{name}-tiny")
    assert steps(view, "train") >= 1
    assert {type(item.value).__name__ for item in view.items()} == {learnt}
    assert {one.value.sample.id.partition("/")[0] for one in view.items()} == {"lrv", "scigraph"}


@pytest.mark.parametrize(
    "name", ["decompgen-llava", "decompgen-llava-as-published", "decompgen-qwen", "decompgen-qwen-as-published"]
)
def test_decompgen(name: str) -> None:
    view = run(f"{name}-tiny", limit=2)  # for pairs are held out by image
    assert steps(view, "train") >= 1
    judged = next(view.judged())
    assert len(judged.responses) == 8
    assert len({verdict.judge for verdict in judged.verdicts}) >= 2
    asked = [verdict.evidence["question"] for verdict in judged.verdicts if "question" in verdict.evidence]
    assert {question.startswith("Question: Is the") for question in asked} == {"published" in name}

"""Prompts asked of a text model, and read, told apart and written as files that text-to-image reads."""

import json
import logging
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.options import read as options_of
from pairsmith.testing import ExporterContract, ImageSourceContract
from pairsmith.values import Judged, Response, Sample, user
from pairsmith_diffusion.asking import PromptRequests
from pairsmith_diffusion.likeness import Likeness, rouge_l
from pairsmith_diffusion.options import PromptFilesOptions, PromptRequestsOptions, TextToImageOptions
from pairsmith_diffusion.prompt_files import PromptFiles
from pairsmith_diffusion.prompts import prompts, there
from pairsmith_diffusion.written import Malformed, Written, read

OWL = "A snowy owl sits on a rusty street lamp above an empty square, while three paper lanterns swing in the wind."
KITE = "Two children in yellow raincoats fly a green kite over a wheat field, with dark clouds far behind a red barn."
LOOM = "An old woman weaves a striped blanket at a wooden loom beside a window, and a grey cat plays with the yarn."
ASKED = "What is there to see?"


def line(prompt: str, question: str = ASKED) -> str:
    return json.dumps({"prompt": prompt, "question": question})


class TestRequestsContract(ImageSourceContract):
    name = "pairsmith-diffusion/prompt-requests"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"rounds": 2, "categories": ["animal", "art"]}


class TestExporterContract(ExporterContract):
    name = "pairsmith-diffusion/prompts"


# Requests ------------------------------------------------------------------------------------------------------------


def asked(tmp_path: Path, **given: Any) -> PromptRequests:
    run = Run(directory=tmp_path, images=DirectoryImageStore(tmp_path / "images"), seed=3)
    return PromptRequests(options_of(given, PromptRequestsOptions, "images"), run)


def test_every_category_is_asked_for_in_every_round(tmp_path: Path) -> None:
    found = list(asked(tmp_path, rounds=2, categories=["animal", "art"]).samples())
    assert [one.id for one in found] == ["animal-1", "art-1", "animal-2", "art-2"]
    assert len(list(asked(tmp_path, rounds=2).samples())) == 30 == len(asked(tmp_path, rounds=2))
    assert len({one.prompt for one in found}) == 4, "an equal request would get an equal reply"
    animals = [one.prompt for one in there(None) if one.category == "animal"]
    text = found[0].prompt[0].text
    assert 'Write 10 prompts of the category "animal"' in text
    assert sum(one in text for one in animals) == 4
    assert "{" not in text.replace('{"prompt": "...", "question": "..."}', "")


def test_more_rounds_leave_the_requests_before_as_they_are(tmp_path: Path) -> None:
    few, many = (list(asked(tmp_path, rounds=rounds).samples()) for rounds in (1, 3))
    assert many[:15] == few
    assert list(asked(tmp_path, rounds=3).samples(20)) == many[20:]


def test_a_category_of_ones_own_and_a_template_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "ask.txt").write_text("{number} of {category}: {examples}")
    (tmp_path / "there.jsonl").write_text('{"prompt": "A bridge.", "category": "bridges"}\n{"prompt": "A cat."}\n')
    given = {
        "template": str(tmp_path / "ask.txt"),
        "prompts": str(tmp_path / "there.jsonl"),
        "rounds": 1,
        "per_request": 3,
    }
    (one,) = asked(tmp_path, categories=["bridges"], **given).samples()
    assert one.prompt == user("3 of bridges: - A bridge.")
    (tmp_path / "ask.txt").write_text("write something")
    with pytest.raises(StageError, match=r"ask\.txt' must hold \{number\} and \{category\}"):
        asked(tmp_path, **given)
    with pytest.raises(StageError, match=r"absent\.txt' cannot be read"):
        asked(tmp_path, template=str(tmp_path / "absent.txt"))


@pytest.mark.parametrize(("given", "said"), [({"categories": ["a", "a"]}, "'a' is there twice"), ({"rounds": 0}, "rounds"),
                                             ({"categories": ["a b"]}, "categories"), ({"per_request": 1000}, "per_request")])  # fmt: skip
def test_wrong_options_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(Exception, match=said):
        options_of(given, PromptRequestsOptions, "images")


# Replies -------------------------------------------------------------------------------------------------------------

BOTH = [Written(prompt="A fox.", question="Q1?"), Written(prompt="A pond.", question="Q2?")]
FOX, POND = line("A fox.", "Q1?"), line("A pond.", "Q2?")


@pytest.mark.parametrize("reply", [
    f"{FOX}\n{POND}",
    f"Sure, here they are:\n\n1. {FOX}\n2. {POND}\nEnjoy {{them}}!",
    f"```json\n[{FOX},\n{POND}]\n```",
    json.dumps({"prompts": [json.loads(FOX), json.loads(POND)]}, indent=2),
    f'{{"prompts": [{FOX}, {POND}',
    f"<think>maybe {line('not this')}</think>{FOX}{POND}",
    f'{{"Prompt": " A\\nfox. ", "QUESTION": "<image> Q1?", "id": 7}}\n{POND}',
])  # fmt: skip
def test_prompts_are_found_whatever_is_around_them(reply: str) -> None:
    assert list(read(reply)) == BOTH


@pytest.mark.parametrize(("reply", "why"), [
    ("I cannot help with that.", ["no prompt in the reply"]),
    ("", ["no prompt in the reply"]),
    ('{"prompt": "A fox, cut o', ["no JSON"]),
    ('{"prompt": "A "fox".", "question": "Q?"}', ["no JSON"]),
    ('{"prompt": "A fox."}', ["no question"]),
    ('{"prompt": "A fox.", "question": ["Q?"]}', ["no question"]),
    ('{"prompt": " ", "question": "Q?"}', ["no prompt"]),
    ('{"question": "Q?"}', ["no prompt"]),
    ("[" * 5000 + "{", ["no prompt in the reply"]),
])  # fmt: skip
def test_what_is_malformed_is_said(reply: str, why: list[str]) -> None:
    found = list(read(reply))
    assert [one.why for one in found if isinstance(one, Malformed)] == why
    assert len(found) == len(why)
    assert all(len(one.excerpt) <= 120 for one in found if isinstance(one, Malformed))


def test_one_broken_line_costs_no_other() -> None:
    found = list(read(f'{FOX}\n{{"prompt": "A \\"dog, "question": "Q?"}}\n{POND}'))
    assert [one for one in found if isinstance(one, Written)] == BOTH
    assert [one.why for one in found if isinstance(one, Malformed)] == ["no JSON"]


# Near-duplicates -------------------------------------------------------------------------------------------------------


def common(one: list[str], other: list[str]) -> int:
    """The longest common subsequence as its definition has it."""
    if not one or not other:
        return 0
    if one[-1] == other[-1]:
        return 1 + common(one[:-1], other[:-1])
    return max(common(one[:-1], other), common(one, other[:-1]))


def test_rouge_l_is_that_of_its_definition() -> None:
    draw = Random(5)
    for _ in range(60):
        one, other = ([draw.choice("abcd") for _ in range(draw.randrange(7))] for _ in range(2))
        total = len(one) + len(other)
        expected = 2 * common(one, other) / total if one and other else float(one == other)
        assert rouge_l(" ".join(one), " ".join(other)) == pytest.approx(expected)


@pytest.mark.parametrize("at_least", [0.5, 0.7, 0.85, 1.0])
def test_the_index_finds_what_comparing_all_with_all_finds(at_least: float) -> None:
    draw = Random(int(100 * at_least))
    texts = []
    for one in there(None)[:12]:
        for changed in (0, 0, 2, 4, 7, 11):
            said = one.prompt.split()
            for _ in range(changed):
                said[draw.randrange(len(said))] = draw.choice(["a", "the", "blue", "owl", "seven"])
            texts.append(" ".join(said))
    draw.shuffle(texts)
    likeness = Likeness(at_least, texts)
    expected = {(one, other) for one, other in combinations(texts, 2) if rouge_l(one, other) >= at_least}
    hits = 0
    for number, text in enumerate(texts):
        wanted = next((before for before in texts[:number] if (before, text) in expected), None)
        assert likeness.find(text) == wanted
        hits += wanted is not None
        likeness.add(text)
    assert 0 < hits < len(texts)


# Files ---------------------------------------------------------------------------------------------------------------


class Replied:
    """A run of replies."""

    def __init__(self, *replies: tuple[str, str]) -> None:
        self._replies = replies

    def judged(self) -> Any:
        for number, (category, text) in enumerate(self._replies):
            name = f"{category}-{number}"
            sample = Sample(id=name, prompt=user("write"), truth={"category": category} if category else {})
            yield Judged(sample=sample, responses=(Response(id=f"{name}/0", sample_id=name, text=text),))


@pytest.fixture
def export(tmp_path: Path) -> Callable[..., Path]:
    def write(*replies: tuple[str, str], **given: Any) -> Path:
        run = Run(directory=tmp_path, images=DirectoryImageStore(tmp_path / "images"))
        made = PromptFiles(options_of(given, PromptFilesOptions, "prompts"), run)
        files = made.export(Replied(*replies), tmp_path / "out")  # type: ignore[arg-type]
        assert all(path.is_file() for path in files)
        return tmp_path / "out"

    return write


def left_out(folder: Path) -> list[str]:
    return [json.loads(row)["reason"] for row in (folder / "left-out.jsonl").read_text().splitlines()]


def test_both_kinds_of_files_are_what_text_to_image_reads(export: Callable[..., Path]) -> None:
    folder = export(("animal", line(OWL, "What is the owl doing?")), ("daily", f"{line(KITE)}\n{line(LOOM)}"))
    rows = prompts(TextToImageOptions(path="p", prompts=folder / "prompts.jsonl"))
    assert len(rows) == 93
    assert [(one.id, one.category, one.prompt, one.question) for one in rows[-3:]] == [
        ("animal-7", "animal", OWL, "What is the owl doing?"),
        ("daily-7", "daily", KITE, ASKED),
        ("daily-8", "daily", LOOM, ASKED),
    ]
    numbered = TextToImageOptions(path="p", prompts=folder / "prompts.txt", questions=folder / "questions.txt")
    assert [(one.prompt, one.question) for one in prompts(numbered)] == [(one.prompt, one.question) for one in rows]
    chosen = prompts(TextToImageOptions(path="p", prompts=folder / "prompts.jsonl", categories=("animal",)))
    assert [one.id for one in chosen] == [f"animal-{n}" for n in range(1, 8)]


def test_the_new_ones_alone(export: Callable[..., Path]) -> None:
    folder = export(("animal", line(OWL)), include=False)
    assert [one.id for one in prompts(TextToImageOptions(path="p", prompts=folder / "prompts.jsonl"))] == ["animal-7"]


def test_what_is_left_out_is_counted_and_listed(export: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    mine = there(None)[0].prompt
    with caplog.at_level(logging.WARNING):
        folder = export(
            ("animal", f"{line(OWL)}\n{line(mine.upper())}\n{line(mine.replace('red', 'grey'))}\n{line('A fox.')}"),
            ("art", f'{line(OWL)}\n{line(OWL.replace("three", "four"))}\n{{"prompt": "cut'),
            ("art", "No."),
        )
    assert left_out(folder) == [
        "duplicate", "near-duplicate", "length", "duplicate", "near-duplicate", "malformed: no JSON",
        "malformed: no prompt in the reply",
    ]  # fmt: skip
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["new by category"] == {"animal": 1}
    assert summary["left out"]["near-duplicate"] == 2
    assert "1 prompts are new; left out: 2 duplicate, 2 near-duplicate, 1 length" in caplog.text


def test_nothing_new_is_an_error(export: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"2 replies hold no prompt that is new; the first left out: .*no prompt in"):
        export(("animal", "No."), ("art", "No."))
    assert not (tmp_path / "out").exists()


def test_another_run_is_refused(export: Callable[..., Path]) -> None:
    with pytest.raises(StageError, match="is no request for prompts"):
        export(("", line(OWL)))

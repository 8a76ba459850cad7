"""Rows that cannot be used, in every format: named in one sentence, or left out and counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import StageError

HUMAN, GPT = {"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A"}
USER, BOT = {"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A"}
NESTED = {"question": "Q?", "chosen": "A", "rejected": "B"}
GOOD: dict[str, dict[str, Any]] = {
    "llava": {"conversations": [HUMAN, GPT]},
    "mllm-dpo": {"question": HUMAN, "chosen": GPT, "rejected": GPT},
    "mcm-dpo": {"text": json.dumps(NESTED)},
    "rlhf-v": {"text": json.dumps(NESTED)},
    "rlaif-v": NESTED,
    "vlfeedback": {"prompt": "Q?", "completions": [{"model": "m", "response": "A"}]},
    "trl": {"prompt": [USER], "chosen": [BOT], "rejected": [BOT]},
    "trl-plain": {"prompt": "Q?", "chosen": "A", "rejected": "B"},
    "llama-factory": {"conversations": [HUMAN], "chosen": GPT, "rejected": GPT},
    "ms-swift": {"messages": [USER, BOT], "rejected_response": "B"},
}
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("llava", {"conversations": [HUMAN]}, "must end 'conversations' with a question and an answer"),
    ("llava", {"conversations": "x"}, "has no list of turns 'conversations': 'x'"),
    ("mllm-dpo", {"question": None}, "has no list of turns 'question'|has a turn|no list"),
    ("mllm-dpo", {"question": "{'from': __import__('os')}"}, "has a 'question' that is no turn"),
    ("mllm-dpo", {"question": GPT}, "must end 'question' with a question; its last turn is 'assistant'"),
    ("mllm-dpo", {"chosen": None}, "has no message 'chosen': None"),
    ("mllm-dpo", {"rejected": HUMAN}, "has a 'rejected' that 'human' says, not the assistant"),
    ("mcm-dpo", {"text": "{"}, "has a 'text' that is no JSON: '{'"),
    ("mcm-dpo", {"text": "[1]"}, "has a 'text' that is no JSON object"),
    ("mcm-dpo", {"text": '{"question": "Q?"}'}, "has no 'chosen'"),
    ("rlhf-v", {"text": '{"question": "Q?", "chosen": "A"}'}, "has no 'rejected'"),
    ("rlhf-v", {"text": '{"question": 1, "chosen": "A", "rejected": "B"}'}, "has no text 'question': 1"),
    ("rlhf-v", {"text": "[" * 100_000}, "has a 'text' that is no JSON"),
    ("rlaif-v", {"chosen": ["A"]}, "has no text 'chosen': a list of 1"),
    ("vlfeedback", {"completions": []}, "has no list of 'completions'"),
    ("vlfeedback", {"completions": [{"model": "m"}]}, "has no 'response'"),
    ("vlfeedback", {"prompt": None}, "has no text 'prompt': None"),
    ("trl", {"prompt": [BOT]}, "must end 'prompt' with a question; its last turn is 'assistant'"),
    ("trl", {"chosen": "A"}, "has no list of turns 'chosen': 'A'"),
    ("trl", {"chosen": [USER, BOT]}, "must have one answer of the assistant's in 'chosen'"),
    ("trl", {"prompt": None}, "must end 'chosen' with a question and an answer"),
    ("trl", {"prompt": [{"role": "user", "content": [{"type": "audio"}]}]}, "has a block in 'prompt' that is neither"),
    ("trl", {"prompt": [{"role": "tool", "content": "x"}]}, "has a turn in 'prompt' that is no {'role': one of"),
    ("trl-plain", {"rejected": None}, "has no text 'rejected': None"),
    ("llama-factory", {"chosen": "A"}, "has no message 'chosen': 'A'"),
    ("llama-factory", {"conversations": [HUMAN, GPT]}, "must end 'conversations' with a question"),
    ("llama-factory", {"system": 5}, "has no text 'system': 5"),
    ("llama-factory", {"conversations": [{"from": "observation", "value": "x"}]}, "{'from': 'observation'"),
    ("ms-swift", {"messages": [USER]}, "must end 'messages' with a question and an answer"),
    ("ms-swift", {"rejected_response": 5}, "has no text 'rejected_response': 5"),
    ("ms-swift", {"rejected_messages": [USER, BOT], "rejected_images": ["b.png"]}, "has other images for the rejected"),
]


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def refused(formats: Any, form: str, path: Path) -> str:
    with pytest.raises(StageError) as error:
        list(formats.source(form, path).samples())
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 400
    return str(error.value)


@pytest.mark.parametrize(("form", "change", "said"), BAD)
def test_a_bad_row_is_named_or_left_out(
    formats: Any, tmp_path: Path, form: str, change: dict[str, Any], said: str
) -> None:
    path = write(tmp_path, GOOD[form], {**GOOD[form], **change}, GOOD[form])
    message = refused(formats, form, path)
    assert "rows.jsonl', row 2 (line 2) " in message
    assert any(one in message for one in said.split("|"))
    source = formats.source(form, path, on_bad_row="skip")
    assert [sample.id for sample in source.samples()] == ["row-1", "row-3"]
    assert source.bad_rows == 1


@pytest.mark.parametrize("form", GOOD)
@pytest.mark.parametrize(("image", "said"), [
    ("../secret.png", "leaves the folder"),
    ("/etc/passwd", "leaves the folder"),
    ("C:\\secret.png", "leaves the folder"),
    ("link/x.png", "is a link out of the folder"),
    ({"path": "../secret.png"}, "leaves the folder"),
    ({"path": 3}, "that is no path: 3"),
    ([["a"]], "that is no path"),
    ("nul\0", "that is no path"),
    (5, "that is no path: 5"),
])  # fmt: skip
def test_an_image_must_lie_in_the_folder(formats: Any, tmp_path: Path, form: str, image: Any, said: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    assert said in refused(formats, form, write(folder, {**GOOD[form], "image": image}))


@pytest.mark.parametrize("form", GOOD)
def test_rows_that_are_no_rows(formats: Any, tmp_path: Path, form: str) -> None:
    path = tmp_path / "rows.jsonl"
    good = json.dumps(GOOD[form]).encode()
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([good, b'{"a": ', b"\xff\xfe", b"[1]", b'"x"', b"", good]))
    source = formats.source(form, path, on_bad_row="skip")
    assert [sample.id for sample in source.samples()] == ["row-1", "row-6"]
    assert source.bad_rows == 4
    assert "is not JSON" in refused(formats, form, path)


@pytest.mark.parametrize("form", GOOD)
def test_the_same_id_twice(formats: Any, tmp_path: Path, form: str) -> None:
    rows = [{**GOOD[form], "id": name} for name in ("a", 5, "5", "a")]
    assert "row 3 (line 3) has the id '5' of row 2 again" in refused(formats, form, write(tmp_path, *rows))
    source = formats.source(form, tmp_path / "rows.jsonl", on_bad_row="skip")
    assert [sample.id for sample in source.samples()] == ["a", "5"]
    assert source.bad_rows == 2
    assert [sample.id for sample in source.samples(1)] == ["5"]


@pytest.mark.parametrize("form", GOOD)
def test_an_image_that_is_spoken_of_and_not_there(formats: Any, tmp_path: Path, form: str) -> None:
    text = json.dumps(GOOD[form]).replace("Q?", "<image> Q?")
    assert "speaks of an '<image>' and names none" in refused(formats, form, write(tmp_path, json.loads(text)))


@pytest.mark.parametrize(
    ("form", "said"),
    [("mllm-dpo", "Apache-2.0"), ("rlhf-v", "openbmb/RLHF-V-Dataset"), ("vlfeedback", "MMInstruction/VLFeedback")],
)
def test_what_is_not_there_is_published_somewhere(formats: Any, tmp_path: Path, form: str, said: str) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(StageError, match=said):
            formats.source(form, path)


def test_a_tools_own_format_says_what_to_bring(formats: Any, tmp_path: Path) -> None:
    with pytest.raises(
        StageError, match=r"is neither a file nor a folder\. Bring rows with prompt, chosen and rejected"
    ):
        formats.source("trl", tmp_path / "absent")


def test_a_run_that_was_edited_cannot_write_elsewhere(formats: Any, tmp_path: Path) -> None:
    from attrs import evolve

    (tmp_path / "a.png").write_bytes(b"picture")
    (sample,) = formats.source("trl", write(tmp_path, {**GOOD["trl"], "images": ["a.png"]})).samples()
    for name in ("../a.png", "/etc/a.png", "train.jsonl", "README.md", 5, ""):
        out = tmp_path / f"out-{str(name).strip('./').replace('/', '-')}"
        edited = evolve(sample, extra={"format": "trl", "images": [name], "edits": []})
        (path, *_) = formats.through("trl", [edited], out)
        (row,) = formats.rows(path)
        assert row["images"][0].startswith("images/")
        assert (out / row["images"][0]).read_bytes() == b"picture"


def test_two_images_of_one_name_stay_two(formats: Any, tmp_path: Path) -> None:
    samples = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.png").write_bytes(f"picture {number}".encode())
        row = {**GOOD["trl"], "id": number, "images": ["a.png"]}
        samples += formats.source("trl", write(folder, row)).samples()
    (path, *_) = formats.through("trl", samples, tmp_path / "out")
    first, second = (row["images"][0] for row in formats.rows(path))
    assert first == "a.png"
    assert (path.parent / first).read_bytes() == b"picture 0"
    assert (path.parent / second).read_bytes() == b"picture 1"

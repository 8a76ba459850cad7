"""Parquet in and out, as datasets loads it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith_formats.columns import kind_of

# Long enough for a real header, so that datasets can decode it.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001"
    "f61738550000000049454e44ae426082"
)
CHAT = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]
ROWS: list[dict[str, Any]] = [
    {"prompt": CHAT[:1], "chosen": CHAT[1:], "rejected": CHAT[1:], "images": ["a.png"], "margin": 1, "odd": "text"},
    {
        "prompt": CHAT[:1],
        "chosen": CHAT[1:],
        "rejected": CHAT[1:],
        "images": ["a.png", "a.png"],
        "margin": 2.5,
        "odd": [1],
    },
]


@pytest.fixture
def samples(formats: Any, tmp_path: Path) -> Any:
    (tmp_path / "a.png").write_bytes(PIXEL)
    (tmp_path / "rows.json").write_text(json.dumps(ROWS))
    return list(formats.source("trl", tmp_path / "rows.json").samples())


def test_trl_rows_load_with_the_types_that_trl_takes(formats: Any, samples: Any, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    files = formats.through("trl", samples, tmp_path / "out", file="parquet")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in files] == [
        "data/train-00000-of-00001.parquet",
        "README.md",
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "data"]
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    turn = {"role": datasets.Value("string"), "content": datasets.Value("string")}
    for name in ("prompt", "chosen", "rejected"):
        assert loaded.features[name] == datasets.List(turn)
    assert loaded.features["images"] == datasets.List(datasets.Image())
    assert loaded.features["margin"] == datasets.Value("float64")
    assert [json.loads(value) for value in loaded["odd"]] == ["text", [1]]
    assert loaded[0]["chosen"] == CHAT[1:]
    assert [image.size for image in loaded[1]["images"]] == [(1, 1), (1, 1)]


def test_trl_takes_them(formats: Any, samples: Any, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data_utils = pytest.importorskip("trl.data_utils")
    formats.through("trl", samples, tmp_path / "out", file="parquet")
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert data_utils.is_conversational(loaded[0])
    for row in loaded:
        prepared = data_utils.prepare_multimodal_messages(row["prompt"], row["images"])
        blocks = [block["type"] for block in prepared[0]["content"]]
        assert blocks == ["image"] * len(row["images"]) + ["text"]


def test_json_lines_load_too(formats: Any, samples: Any, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    formats.through("trl", samples[:1], tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded[0]["images"] == ["a.png"]
    assert set(loaded.column_names) == set(ROWS[0])


@pytest.mark.parametrize("form", ["trl", "llava-preferences", "rlhf-v", "llama-factory", "ms-swift", "mllm-dpo"])
def test_parquet_reads_back_with_its_images(formats: Any, samples: Any, tmp_path: Path, form: str) -> None:
    pytest.importorskip("pyarrow")
    files = formats.through(form, samples[:1], tmp_path / "out", file="parquet")
    (again,) = formats.source(form, files[0]).samples()
    assert [(one.text, one.label) for one in again.given] == [(one.text, one.label) for one in samples[0].given]
    assert again.prompt == samples[0].prompt
    assert [image.path.read_bytes() for image in again.images] == [PIXEL]
    assert all(not image.id for image in again.images), "an image with an id is taken for checked"
    once_more = formats.through(form, [again], tmp_path / "again", file="parquet")
    import pyarrow.parquet as pq

    assert pq.read_table(once_more[0]).to_pylist() == pq.read_table(files[0]).to_pylist()


def test_published_layouts_of_rlhf_v_and_vlfeedback(formats: Any, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    image = {"bytes": PIXEL, "path": "a/b.jpg"}
    text = json.dumps({"question": "Q?", "chosen": "A", "rejected": "B"})
    rows = [
        {"ds_name": "RLHF-V", "image": image, "text": text, "origin_split": "{}", "idx": 0, "image_path": "a/b.jpg"},
        {"ds_name": "RLHF-V", "image": {"bytes": PIXEL, "path": None}, "text": text, "origin_split": "{}", "idx": 1},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rlhf-v.parquet")
    first, second = formats.source("rlhf-v", tmp_path / "rlhf-v.parquet").samples()
    assert first.images[0].path.read_bytes() == second.images[0].path.read_bytes() == PIXEL
    assert first.extra["images"] == ["a/b.jpg"]
    (path, *_) = formats.through("rlhf-v", [first, second], tmp_path / "out")
    written = formats.rows(path)
    assert written[0] == {**rows[0], "image": {"path": "a/b.jpg"}}
    assert (tmp_path / "out" / "a" / "b.jpg").read_bytes() == PIXEL

    completions = {"idx": [0, 1], "model": ["a", "b"], "response": ["A", "B"],
                   "annotations": [{"Helpfulness": {"Rating": "4"}}, {"Helpfulness": {"Rating": "N/A"}}]}  # fmt: skip
    feedback = [{"id": "x", "prompt": "Q?", "image": image, "models": ["a", "b"], "completions": completions}]
    pq.write_table(pa.Table.from_pylist(feedback), tmp_path / "vlfeedback.parquet")
    (sample,) = formats.source("vlfeedback", tmp_path / "vlfeedback.parquet").samples()
    assert sample.extra["ratings"] == {"0": {"Helpfulness": 4.0}}
    assert [one.text for one in sample.given] == ["A", "B"]


def test_broken_tables_are_named(formats: Any, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from datetime import UTC, datetime

    import pyarrow.parquet as pq

    (tmp_path / "no.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(StageError, match="cannot be read as Parquet after row 0") as error:
        list(formats.source("rlaif-v", tmp_path / "no.parquet").samples())
    assert "\n" not in str(error.value)
    rows = [{"question": "Q?", "chosen": "A", "rejected": "B", "when": datetime(2024, 1, 1, tzinfo=UTC)}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "date.parquet")
    with pytest.raises(StageError, match="row 1 has a datetime in 'when', which no JSON row can hold"):
        list(formats.source("rlaif-v", tmp_path / "date.parquet").samples())


def test_nothing_cannot_be_parquet(formats: Any, tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    with pytest.raises(StageError, match="there is no row to write as Parquet"):
        formats.export("trl", formats.View(), tmp_path / "out", file="parquet")


def test_without_the_libraries_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"")
    code = (
        "import sys\n"
        "sys.modules['datasets'] = sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from pairsmith.errors import StageError\n"
        "from pairsmith_formats.parquet import to_parquet\n"
        "from pairsmith_formats.tables import Table\n"
        "path = Path(sys.argv[1])\n"
        "for do in (lambda: list(Table(path).rows()), lambda: to_parquet(path, path, ())):\n"
        "    try:\n        do()\n    except StageError as error:\n        print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "x.parquet")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0].endswith("x.parquet' needs the library 'pyarrow': pip install 'pairsmith-formats[datasets]'")
    assert said[1] == "Writing Parquet needs the library 'datasets': pip install 'pairsmith-formats[datasets]'"


def test_kinds_of_values() -> None:
    assert kind_of([{"a": 1}, {"b": None}, {"a": 2.5}]) == ["list", {"a": "float", "b": "null"}]
    assert kind_of(2**60) == "json"
    assert kind_of([1, "a"]) == ["list", "json"]
    assert kind_of({}) == "json"
    assert kind_of(True) == "bool"

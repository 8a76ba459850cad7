"""Images in tar and zip files, rows in several files, and files of the hub."""

import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith_formats.archive import unpacked

ROW = {"prompt": "Q?", "chosen": "A", "rejected": "B"}


def tar(path: Path, **files: bytes | tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["images.tar", "images.tar.gz", "images.zip"])
def test_images_are_unpacked_once(formats: Any, tmp_path: Path, name: str) -> None:
    files = {
        "./images/a.jpg" if "tar" in name else "images/a.jpg": b"a",
        "b.PNG": b"b",
        "notes.txt": b"-",
        "run.py": b"-",
    }
    archive = (zipped if name.endswith("zip") else tar)(tmp_path / name, **files)
    rows = [{**ROW, "images": ["images/a.jpg", "b.PNG"]}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    for _ in range(2):
        (sample,) = formats.source("trl-plain", tmp_path / "rows.json", images=archive).samples()
        assert [image.path.read_bytes() for image in sample.images] == [b"a", b"b"]
    folder = sample.images[1].path.parent
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["a.jpg", "b.PNG"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_links_and_devices_are_left_where_they_are(tmp_path: Path) -> None:
    link, device = tarfile.TarInfo("link.jpg"), tarfile.TarInfo("null.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    device.type = tarfile.CHRTYPE
    folder = unpacked(tar(tmp_path / "x.tar", a=link, b=device, **{"c.jpg": b"c"}), tmp_path)
    assert [path.name for path in folder.iterdir()] == ["c.jpg"]


@pytest.mark.parametrize("make", [tar, zipped])
@pytest.mark.parametrize(("files", "said"), [
    ({"../out.jpg": b"x"}, "its entry '../out.jpg' would leave the folder"),
    ({"/srv/out.jpg": b"x"}, "would leave the folder"),
    ({"a/../../out.jpg": b"x"}, "would leave the folder"),
    ({"a.jpg": b"x" * 101}, "its entry 'a.jpg' goes over 100 bytes"),
    ({"a.jpg": b"x" * 60, "b.jpg": b"x" * 60}, "its entry 'b.jpg' goes over 40 bytes"),
    ({f"{n}.jpg": b"x" for n in range(4)}, "it holds over 3 images"),
])  # fmt: skip
def test_what_goes_over_a_limit_leaves_nothing(tmp_path: Path, make: Any, files: dict[str, bytes], said: str) -> None:
    archive = make(tmp_path / f"x.{make.__name__.removesuffix('ped')}", **files)
    with pytest.raises(StageError) as error:
        unpacked(archive, tmp_path / "run", largest=100, most=3)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "run" / "unpacked").iterdir())
    assert not list(tmp_path.rglob("out.jpg"))


def test_a_small_zip_that_grows_is_stopped(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "bomb.zip", **{"a.jpg": b"\0" * 50_000_000})
    assert archive.stat().st_size < 100_000
    with pytest.raises(StageError, match="goes over 1,000,000 bytes"):
        unpacked(archive, tmp_path / "run", largest=1_000_000)


@pytest.mark.parametrize("name", ["x.tar", "x.zip", "x.tar.gz"])
@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04" + b"\0" * 50])
def test_broken_archives_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StageError, match="cannot be unpacked") as error:
        unpacked(tmp_path / name, tmp_path / "run")
    assert "\n" not in str(error.value)


def test_parquet_files_of_a_folder_are_one_table(formats: Any, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    for number in range(3):
        rows = [{"question": f"Q{number}{k}?", "chosen": "A", "rejected": "B"} for k in range(2)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"part-{number}.parquet")
    found = list(formats.source("rlaif-v", tmp_path).samples())
    assert [(one.id, one.prompt[0].text) for one in found] == [
        (f"row-{2 * number + k + 1}", f"Q{number}{k}?") for number in range(3) for k in range(2)
    ]


def test_files_of_the_hub_are_fetched_at_their_revision(
    formats: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(repository: str, file: str, *, repo_type: str, revision: str) -> str:
        asked.append((repository, file, repo_type, revision))
        if file == "absent.json":
            msg = "404 Client Error.\nEntry not found"
            raise FileNotFoundError(msg)
        return str(tmp_path / file)

    monkeypatch.setitem(
        sys.modules, "huggingface_hub", SimpleNamespace(hf_hub_download=download, snapshot_download=None)
    )
    (tmp_path / "rows.json").write_text(json.dumps([{**ROW, "images": ["a.jpg"]}]))
    tar(tmp_path / "images.tar", **{"a.jpg": b"a"})
    place = Path("hub:owner/some-data@abc123:rows.json")
    images = Path("hub:owner/some-data@abc123:images.tar")
    (sample,) = formats.source("trl-plain", place, images=images).samples()
    assert sample.images[0].path.read_bytes() == b"a"
    assert asked == [("owner/some-data", name, "dataset", "abc123") for name in ("rows.json", "images.tar")]
    with pytest.raises(StageError, match=r"absent\.json' cannot be downloaded: 404 Client Error\.$"):
        formats.source("trl-plain", Path("hub:owner/some-data@abc123:absent.json"))


@pytest.mark.parametrize("place", ["hub:owner/name:rows.json", "hub:name@main:rows.json", "hub:"])
def test_a_place_on_the_hub_names_a_revision(formats: Any, place: str) -> None:
    with pytest.raises(StageError, match="must look like hub:OWNER/NAME@REVISION or hub:OWNER/NAME@REVISION:FILE"):
        formats.source("trl", Path(place))


def test_without_the_library_one_sentence_says_what_to_install(formats: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        StageError, match=r"needs the library 'huggingface_hub': pip install 'pairsmith-formats\[datasets\]'"
    ):
        formats.source("trl", Path("hub:a/b@main:c.json"))

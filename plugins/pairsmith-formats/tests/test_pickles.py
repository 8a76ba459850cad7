"""Pickles: plain values are read as they are, everything else is refused before anything happens."""

import io
import os
import pickle
import pickletools
import struct
import sys
import tracemalloc
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsmith.errors import StageError
from pairsmith_formats.pickles import read_pickle

PLAIN = {
    "captions": {"0_1": "A café\n\\u00e9 \U0001f600" * 40},
    "scores": [1.5, -3, 10**15, -(10**30), 0, 255, 256, 70_000, True, False, None, float("inf")],
    "nested": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, [[]], list(range(3000))],
    7: {(1, 2): "tuple"},
}
SAME = ["shared"]


class Calls:
    """Pickles as a call of whatever it is given."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


class Own:
    """An object with a state, for BUILD."""

    def __init__(self) -> None:
        self.x = 1


def refused(folder: Path, data: bytes, **options: Any) -> str:
    path = folder / "hostile.pkl"
    path.write_bytes(data)
    with pytest.raises(StageError) as error:
        read_pickle(path, **options)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 400
    return str(error.value)


def read(folder: Path, data: bytes, **options: Any) -> Any:
    path = folder / "plain.pkl"
    path.write_bytes(data)
    return read_pickle(path, **options)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_are_read_as_they_are(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps(PLAIN, protocol)
    assert read(tmp_path, data) == PLAIN
    assert read(tmp_path, pickletools.optimize(data)) == PLAIN


def test_sets_and_bytes_of_newer_protocols(tmp_path: Path) -> None:
    value = [{1, 2}, frozenset({"a"}), b"\x00\xff", bytearray(b"x"), b"y" * 300]
    assert read(tmp_path, pickle.dumps(value, 5)) == value
    assert read(tmp_path, pickle.dumps([SAME, SAME])) == [["shared"], ["shared"]]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**100), 2**100)
        | st.floats(allow_nan=False)
        | st.text()
        | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
        max_leaves=30,
    )
)
def test_any_plain_value_is_read_as_it_is(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.mktemp("any")
    for protocol in (3, 4, 5):
        assert read(folder, pickle.dumps(value, protocol)) == value


def test_texts_of_python_2(tmp_path: Path) -> None:
    assert read(tmp_path, b"(dp0\nS'a'\nU\x03\xc3\xa9bsS\"b\"\nL12L\ns.") == {"a": "éb", "b": 12}
    assert read(tmp_path, b"(lp0\nS'it\\'s'\nap1\nI01\naI-5\naF1.5\na.") == ["it's", True, -5, 1.5]
    assert read(tmp_path, b"\x80\x02]q\x00(U\x03abcT\x02\x00\x00\x00deK\x01e.") == ["abc", "de", 1]


HOSTILE = {
    "os.system": (Calls(os.system, "touch pwned"), "posix.system"),
    "builtins.eval": (Calls(eval, "1+1"), "builtins.eval"),
    "builtins.exec": (Calls(exec, "import os"), "builtins.exec"),
    "builtins.getattr": (Calls(getattr, {}, "clear"), "builtins.getattr"),
    "subprocess": (Calls(__import__("subprocess").Popen, ["true"]), "subprocess.Popen"),
    "an OrderedDict": (OrderedDict(a=1), "collections.OrderedDict"),
    "a date": (datetime(2024, 1, 1, tzinfo=UTC), "datetime.datetime"),
    "a complex number": (1j, "builtins.complex"),
    "an object": (Own(), "test_pickles.Own"),
    "a class": (Path, "pathlib"),
    "deep inside": ({"a": [{"b": ("x", Calls(os.system, "x"))}]}, "posix.system"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_whatever_would_load_something_is_refused_by_name(
    tmp_path: Path, name: str, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "test_pickles", sys.modules[__name__])
    monkeypatch.setattr(Own, "__module__", "test_pickles")
    monkeypatch.chdir(tmp_path)
    value, asked = HOSTILE[name]
    said = refused(tmp_path, pickle.dumps(value, protocol))
    # Old protocols write the names of Python 2, and objects by way of its copyreg.
    assert asked.rpartition(".")[2] in said or "_reconstructor" in said
    assert "is refused: it would load" in said
    assert not (tmp_path / "pwned").exists()


def test_nothing_is_imported(tmp_path: Path) -> None:
    said = refused(tmp_path, b"cantigravity\nfly\n(tR.")
    assert "'antigravity.fly'" in said
    assert "antigravity" not in sys.modules


def test_numpy_values_are_refused(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    for value in (numpy.float64(1.5), numpy.zeros(3), [numpy.int64(1)]):
        assert "numpy" in refused(tmp_path, pickle.dumps(value))


@pytest.mark.parametrize(("data", "said"), [
    (b"\x80\x04Ptoken\n.", "persistent id"),
    (b"\x80\x04K\x01Q.", "persistent id"),
    (b"\x80\x04\x82\x01.", "extension registry"),
    (b"\x80\x05\x97.", "a buffer outside of the file"),
    (b"(ios\nsystem\n.", "'os.system'"),
    (b"(K\x01o.", "would call or build an object (OBJ)"),
    (b"}}b.", "would call or build an object (BUILD)"),
    (b"K\x01)R.", "would call or build an object (REDUCE)"),
    (b"K\x01)\x81.", "would call or build an object (NEWOBJ)"),
    (b"K\x01)}\x92.", "would call or build an object (NEWOBJ_EX)"),
    (b"\x8c\x02os\x8c\x06system\x93.", "'os.system'"),
    (b"", "is empty"),
    (b".", "it ends with nothing made"),
    (b"(.", "it ends with nothing made"),
    (b"K\x01K\x02.", "it ends with nothing made"),
    (b"\x80\x09K\x01.", "protocol 9"),
    (b"\xff.", "unknown instruction b'\\xff'"),
    (b"K", "it ends too early"),
    (b"I12", "it ends too early"),
    (b"h\x05.", "KeyError in instruction b'h'"),
    (b"t.", "a mark is missing"),
    (b"(0.", "a mark or a name where a value should be"),
    (b"]K\x01K\x01s.", "items for what is no dict"),
    (b"}K\x01a.", "items for what is no list"),
    (b"](K\x01\x90.", "items for what is no set"),
    (b"}(K\x01u.", "items for what is no dict"),
    (b"}]K\x01s.", "TypeError in instruction b's'"),
    (b"Fabc\n.", "ValueError in instruction b'F'"),
    (b"\x8c\x01\xff.", "UnicodeDecodeError in instruction b'\\x8c'"),
    (b"S__import__('os')\n.", "a text without quotes"),
    (b"S'a'+'b'\n.", "a text without quotes"),
    (b"L" + b"9" * 10_000 + b"L\n.", "an integer of 10,000 digits"),
    (b"\x8b" + struct.pack("<i", 100_000) + b"\x01" * 100_000 + b".", "an integer of 100,000 bytes"),
    (b"]q\x00h\x00a.", "it holds itself"),
    (b"}q\x00K\x01h\x00s.", "it holds itself"),
])  # fmt: skip
def test_other_hostile_and_broken_pickles(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refused(tmp_path, data)
    if b"b." not in data:
        refused(tmp_path, data, without_tensors=True)


def test_a_pickle_cut_anywhere_is_refused(tmp_path: Path) -> None:
    data = pickle.dumps({"a": ["b", 1.5, (1, 2)], "c": {"d": None}})
    for end in range(len(data)):
        refused(tmp_path, data[:end])


@given(st.binary(max_size=60))
def test_noise_never_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("noise") / "x.pkl"
    path.write_bytes(data)
    for without_tensors in (False, True):
        with suppress(StageError):
            read_pickle(path, without_tensors=without_tensors)


def test_a_length_that_is_claimed_costs_nothing(tmp_path: Path) -> None:
    bombs = [
        b"\x8e" + struct.pack("<Q", 2**62),
        b"\x8d" + struct.pack("<Q", 2**63 + 5),
        b"B\xff\xff\xff\xff",
        b"T\xff\xff\xff\x7f",
        b"T\xff\xff\xff\xff",
        b"\x8b\xff\xff\xff\xff",
        b"\x95" + struct.pack("<Q", 2**62) + b"K\x01" + b"\x8e" + struct.pack("<Q", 2**40),
        b"K\x01r\xff\xff\xff\xff" + b"h\x00.",
    ]
    tracemalloc.start()
    for bomb in bombs:
        refused(tmp_path, bomb + b"x" * 10)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_parts_that_repeat_are_counted_as_often_as_they_appear(tmp_path: Path) -> None:
    laughs: Any = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    assert "it repeats its parts" in refused(tmp_path, pickle.dumps(laughs))
    text = "x" * 100_000
    assert "it repeats its parts" in refused(tmp_path, pickle.dumps([text] * 2_000))


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    for opening in (b"]", b"(", b"]q\x00"):
        refused(tmp_path, opening * 200_000 + b".")
    deep = b"]" * 200_000 + b"a" * 199_999 + b"."
    assert "it is nested over 100 deep" in refused(tmp_path, deep)
    assert read(tmp_path, b"]" * 100 + b"a" * 99 + b".")
    tuples = b")" + b"\x85" * 500_000 + b"."
    assert "it is nested over 100 deep" in refused(tmp_path, tuples)


def test_memory_is_bounded(tmp_path: Path) -> None:
    many_sets = b"\x80\x04]" + b"\x8fa" * 100_000 + b"."
    assert "needs more memory than is allowed" in refused(tmp_path, many_sets, largest=1_000_000)
    assert "has 200,004 bytes, and 1,000 are allowed" in refused(tmp_path, many_sets, largest=1_000)
    assert len(read(tmp_path, many_sets)) == 100_000


def test_tensors_can_be_left_out(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    value = {"0_1": {"logp": -3.5, "per_token_logp": torch.zeros(4, dtype=torch.half)}}
    for protocol in range(2, 6):
        data = pickle.dumps(value, protocol)
        assert read(tmp_path, data, without_tensors=True) == {"0_1": {"logp": -3.5, "per_token_logp": None}}
        assert "torch._utils._rebuild_tensor_v2" in refused(tmp_path, data)


def test_leaving_tensors_out_lets_nothing_else_in(tmp_path: Path) -> None:
    for value, asked in HOSTILE.values():
        if not isinstance(value, OrderedDict | Own):
            assert "is refused" in refused(tmp_path, pickle.dumps(value), without_tensors=True), asked
    for code in (
        b"]ccollections\nOrderedDict\na.",
        b"ccollections\nOrderedDict\n.",
        b"ccollections\nOrderedDict\n)\x81.",
    ):
        refused(tmp_path, code, without_tensors=True)
    stream = io.BytesIO()
    pickle.Pickler(stream).dump(Calls(os.system, "x"))
    assert "posix.system" in refused(tmp_path, stream.getvalue(), without_tensors=True)


def test_a_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"is not a file\. It is published as vsg\.pkl, .* at the Google Drive folder"):
        read_pickle(tmp_path)

"""``pairsmith check``: what a recipe needs, said before anything is run or loaded."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import distribution as installed
from pathlib import Path

import pytest

from pairsmith.check import check
from pairsmith.errors import RecipeError
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith.testing.component import HEAVY
from processes import Workplace, distribution

ROOT = Path(__file__).parents[2]
CORE = ("attrs", "cattrs", "markdown-it-py", "mdurl", "pairsmith", "pluggy", "pygments", "rich", "typing_extensions")
SETTINGS = {"published-pairs": ["--set", "images.path=mine"]}

NEEDY = """
from pathlib import Path
from attrs import field, frozen
from pairsmith import Component, hookimpl
from pairsmith.component import Needs

@frozen(kw_only=True)
class Options:
    path: str = ""
    calls: int = 2

def needs(options):
    return Needs(
        downloads=[options.path], gated=[options.path] if "llama" in options.path else [],
        disk_bytes=3 * 2**30, device_bytes=len(options.path) * 2**30, calls_per_sample=options.calls,
    )

@hookimpl
def pairsmith_judges():
    yield Component(name="needy", factory="needy:gone", options=Options, needs="needy:needs", summary="s")
"""


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def test_a_recipe_that_fits_is_listed_with_its_components(work: Workplace) -> None:
    before = sorted(work.folder.glob("*"))
    assert work.well("check", "six.toml").stdout.splitlines() == [
        "six: Numbers, described twice.",
        "  images                   pairsmith-probe/numbers",
        "  image_check              pairsmith/none",
        "  pairs                    pairsmith/best-worst",
        "  responses                pairsmith/stored",
        "  judges[0]                pairsmith-probe/words",
        "  reports[0]               pairsmith-probe/line",
        "fits",
    ]
    assert sorted(work.folder.glob("*")) == before


def test_what_components_will_ask_for_is_added_up(work: Workplace) -> None:
    distribution(work.site, "pairsmith-needy", "needy", NEEDY)
    judges = '[[judges]]\nuse = "needy"\npath = "meta-llama"\n\n[[judges]]\nuse = "needy"\npath = "owl"\ncalls = 5\n'
    work.recipe(work.folder.joinpath("six.toml").read_text() + judges, "needy.toml")
    assert work.well("check", "needy.toml").stdout.splitlines()[-7:] == [
        "downloads meta-llama",
        "downloads owl",
        "gated: meta-llama; ask for access on its page and set HF_TOKEN",
        "disk: about 6.0 GiB, and 2 of the downloads, whose size is not known",
        "device memory: about 10.0 GiB for the largest model of known size, before activations",
        "judge calls: about 7 a sample",
        "fits",
    ]


def test_all_that_is_wrong_is_said_and_nothing_fits(work: Workplace) -> None:
    done = work(
        "check",
        "six.toml",
        "--set",
        "pairs.min_margn=1",
        "--set",
        "images.count=x",
        "--set",
        "requires=['pairsmith-x']",
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "pairsmith: recipe six.toml does not fit:",
        "  requires: 'pairsmith-x' is not installed: pip install pairsmith-x",
        "  images.count: expected an integer, got 'x'",
        "  pairs.min_margn: unknown option; did you mean 'min_margin'?",
    ]


def test_a_run_refuses_what_a_check_refuses(work: Workplace) -> None:
    wrong = ("six.toml", "--set", "requires=['pairsmith-x']")
    assert work.refused("run", *wrong) == work.refused("check", *wrong)
    assert not (work.folder / "runs").exists()


# Without plugins: an environment that holds the core and what it depends on --------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("bare")
    (site / "pairsmith").symlink_to(ROOT / "core" / "pairsmith")
    for name in CORE:
        found = installed(name)
        for top in {path.parts[0] for path in found.files or () if ".." not in path.parts}:
            if top not in {"pairsmith", "__pycache__"} and not top.endswith(".pth"):
                (site / top).symlink_to(Path(str(found.locate_file(top))))
    return site


def alone(bare: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-S", "-m", "pairsmith", *arguments]
    return subprocess.run(command, env={"PYTHONPATH": str(bare)}, cwd=bare, capture_output=True, text=True, check=False)


def test_the_core_alone_lists_its_own(bare: Path) -> None:
    listed = alone(bare, "plugins")
    assert {line.split()[1].partition("/")[0] for line in listed.stdout.splitlines()} == {"pairsmith"}, listed.stderr


@pytest.mark.parametrize("recipe", ["toyworld", "published-pairs"])
def test_each_missing_plugin_is_named_with_a_command_that_works_from_a_clone(bare: Path, recipe: str) -> None:
    path = ROOT / "recipes" / "pairsmith_recipes" / f"{recipe}.toml"
    done = alone(bare, "check", str(path))
    assert done.returncode == 2
    named = dict(re.findall(r"^  requires: '(.*)' is not installed: (pip install .*)$", done.stderr, re.MULTILINE))
    assert list(named) == re.findall(r'"(pairsmith-\w+)"', path.read_text())
    assert done.stderr.count("is not installed") == len(named)
    assert "  model.use: no model family " in done.stderr
    for name, command in named.items():
        *_, constraint, option, folder = shlex.split(command)
        assert (option, Path(constraint)) == ("-e", ROOT / "constraints.txt")
        assert f'name = "{name}"' in (Path(folder) / "pyproject.toml").read_text()


def test_the_command_for_a_missing_plugin_is_one_that_pip_takes(bare: Path) -> None:
    pytest.importorskip("hatchling")
    pytest.importorskip("editables")
    done = alone(bare, "check", str(ROOT / "recipes" / "pairsmith_recipes" / "published-pairs.toml"))
    (command,) = re.findall(r"'pairsmith-images' is not installed: pip (install .*)$", done.stderr, re.MULTILINE)
    offline = ["--dry-run", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed"]
    said = subprocess.run(
        [sys.executable, "-m", "pip", *shlex.split(command), *offline], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "Would install pairsmith-images-0.1.0" in said.stdout


def test_without_the_default_check_of_images_the_way_out_is_said(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('schema = 1\n[images]\nuse = "folder"\n')
    said = alone(bare, "check", str(tmp_path / "mine.toml")).stderr
    assert "  images.use: no image source 'folder'; installed: none, several, stored\n" in said
    assert (
        f"  image_check: is missing; install 'pillow': pip install -c {ROOT}/constraints.txt -e {ROOT}/plugins/pairsmith-images; or"
        in said
    )


# The packaged recipes --------------------------------------------------------------------------------------------------

PACKAGED = sorted(path.stem for path in (ROOT / "recipes" / "pairsmith_recipes").glob("*.toml"))


@pytest.fixture(scope="module")
def everything() -> Registry:
    registry = Registry.discover()
    if missing := set(PACKAGED) - registry.recipes().keys():
        pytest.skip(f"pairsmith-recipes is not installed: no {missing}")
    return registry


@pytest.mark.parametrize("name", PACKAGED)
@pytest.mark.usefixtures("everything")
def test_every_packaged_recipe_fits_and_no_library_is_loaded(name: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pairsmith.cli import main\ncode = main(sys.argv[1:])\n"
        f"print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))\nsys.exit(code)"
    )
    command = [sys.executable, "-c", code, "check", name, *SETTINGS.get(name, [])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *_, fits, loaded = done.stdout.splitlines()
    assert (fits, loaded) == ("fits", "LOADED")


PDS_DPO = {  # parameters and bytes of each in the published files; a pickle is there twice
    "RLHFlow/ArmoRM-Llama3-8B-v0.1": 8e9 * 2,
    "THUDM/ImageReward": 0.446e9 * 4 * 2,
    "google-bert/bert-base-uncased": 0,
    "llava-hf/llava-1.5-7b-hf": 7e9 * 2,
    "llava-hf/llava-v1.6-mistral-7b-hf": 7e9 * 2,
    "llava-hf/llava-v1.6-vicuna-13b-hf": 13e9 * 2,
    "llava-hf/llava-v1.6-vicuna-7b-hf": 7e9 * 2,
    "stabilityai/stable-diffusion-3-medium-diffusers": (2.028e9 + 0.124e9 + 0.695e9 + 4.762e9 + 0.084e9) * 2,
}
DECOMPGEN = {
    "Salesforce/blip2-flan-t5-xl": 3.94e9 * 4,
    "google/owlvit-large-patch14": 0.434e9 * 4,
    "llava-hf/llava-1.5-7b-hf": 7e9 * 2,
    "meta-llama/Meta-Llama-3-8B-Instruct": 8e9 * 2,
    "textattack/distilbert-base-uncased-CoLA": 0.067e9 * 4 * 2,
}


@pytest.mark.parametrize(
    ("name", "settings", "downloads", "largest"),
    [
        ("pds-dpo", [], PDS_DPO, 8e9 * 2),
        ("pds-dpo", ["images.dtype='float32'"], PDS_DPO, 7.693e9 * 4),
        ("decompgen-llava", [], DECOMPGEN, 8e9 * 2),
        # The gate is loaded beside the model that is asked.
        ("decompgen-llava", ["judges[1].dtype='float32'", "claims.dtype='float32'", "claims.model='org/a-1b'"],
         {name: size for name, size in DECOMPGEN.items() if "Llama-3" not in name} | {"org/a-1b": 2e9}, 4.007e9 * 4),
    ],
)  # fmt: skip
def test_every_model_of_a_packaged_recipe_counts_once(
    name: str, settings: list[str], downloads: dict[str, float], largest: float, everything: Registry
) -> None:
    lines = check(name, settings, everything)
    named = {line.split(",")[0].removeprefix("downloads ") for line in lines if line.startswith("downloads ")}
    assert named == downloads.keys()
    assert f"disk: about {sum(downloads.values()) / 2**30:.1f} GiB" in lines
    assert f"device memory: about {largest / 2**30:.1f} GiB for the largest model, before activations" in lines


def test_what_a_packaged_recipe_leaves_to_its_user_is_asked_for(everything: Registry) -> None:
    with pytest.raises(RecipeError, match=r"\n  images\.path: is required, and missing$"):
        check("published-pairs", [], everything)


@pytest.mark.parametrize("name", PACKAGED)
def test_a_packaged_recipe_requires_all_it_uses(everything: Registry, name: str) -> None:
    from pairsmith.recipe import load

    document = load(name, SETTINGS.get(name, [])[1:], everything)
    recipe = resolve(Document(name=name, tables=document.tables), everything)
    used = {use.offer.plugin for use in recipe.uses() if use.offer} - {"pairsmith"}
    assert used <= set(recipe.requires)

"""That the demo does what it is there to show, over three seeds: about four minutes on two cores. CI takes the first."""

import importlib.util
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean

import pytest

SEEDS = (3, 1, 2)[: int(os.environ.get("PAIRSMITH_SEEDS", "3"))]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def _efficacy():
    path = Path(__file__).parents[1] / "benchmarks" / "efficacy.py"
    spec = importlib.util.spec_from_file_location("efficacy", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("efficacy")
    run = _efficacy().run
    with ThreadPoolExecutor(2) as pool:  # each run is a process; two of one thread do more than one of two
        return list(pool.map(lambda seed: run("toyworld", seed, folder / f"seed-{seed}"), SEEDS))


def test_preferences_remove_most_hallucinations_with_every_seed(results):
    for result in results:
        assert result["trained"]["chair_i"] <= 0.4 * result["base"]["chair_i"]
        assert result["trained"]["chair_s"] <= 0.5 * result["base"]["chair_s"]


def test_the_model_has_learnt_to_look_and_not_to_be_silent(results):
    lost = [result["base"]["recall"] - result["trained"]["recall"] for result in results]
    assert mean(lost) <= 2.0
    assert max(lost) <= 4.0
    for result in results:
        base, trained = result["base"], result["trained"]
        assert trained["companion_absent"] <= 0.3 * base["companion_absent"]
        assert trained["companion_present"] >= base["companion_present"] - 5.0


def test_pairs_at_random_do_not_help(results):
    base = mean(result["base"]["chair_i"] for result in results)
    control = mean(result["control"]["chair_i"] for result in results)
    assert control == pytest.approx(base, rel=0.15)
    for result in results:
        assert result["control"]["chair_i"] >= 2 * result["trained"]["chair_i"]

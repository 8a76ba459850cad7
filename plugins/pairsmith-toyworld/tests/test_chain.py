import json
import subprocess
import sys
from collections import Counter

RECIPE = """
schema = 1
seed = 3
[images]
use = "toyworld"
samples = 30
answers = "biased"
[image_check]
use = "none"
[claims]
use = "toyworld-grammar"
"""
ALL = """
[[judges]]
use = "toyworld-oracle"
"""
IN_TURN = """
[[judges]]
use = "toyworld-oracle"
aspects = ["object"]
[[judges]]
use = "toyworld-oracle"
aspects = ["scale", "spatial", "text", "count", "grammar"]
"""


def verdicts(folder, judges):
    folder.mkdir()
    (folder / "recipe.toml").write_text(RECIPE + judges, encoding="utf-8")
    command = [sys.executable, "-m", "pairsmith", "run", "recipe.toml", "--out", "run", "--until", "verdicts"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    for part in sorted(folder.glob("run/stages/verdicts-*/part-*.jsonl")):
        for line in part.read_text(encoding="utf-8").splitlines():
            yield from json.loads(line).get("verdicts", [])


def test_an_oracle_after_another_is_not_asked_about_what_is_not_there(tmp_path):
    together = {one["claim_id"]: one["outcome"] for one in verdicts(tmp_path / "all", ALL)}
    in_turn = {one["claim_id"]: one for one in verdicts(tmp_path / "turn", IN_TURN)}
    assert set(together) == set(in_turn)
    skipped = {name for name, one in in_turn.items() if one["outcome"] == "skipped"}
    assert skipped
    assert all(together[name] == "contradicted" for name in skipped)  # alone it calls them false
    assert all(in_turn[name]["reason"].startswith("depends on a contradicted claim: there is a") for name in skipped)
    assert all(in_turn[name]["outcome"] == together[name] for name in set(together) - skipped)
    assert {"supported", "contradicted"} == set(Counter(together.values()))

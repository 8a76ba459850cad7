from pairsmith.testing import TrainerContract


class TestTree(TrainerContract):
    name = "pairsmith-train/tree"
    options = {"device": "cpu"}


class TestTreeOnTwoProcesses(TrainerContract):
    name = "pairsmith-train/tree"
    options = {"device": "cpu", "parallel": "ddp", "processes": 2, "lora": {"r": 4}}

"""The trainer and the losses are components like any other; the losses are no functions of log-probabilities."""

from pairsmith.testing import ComponentContract, TrainerContract


class TestTrl(TrainerContract):
    name = "pairsmith-trl/trl"
    options = {"device": "cpu"}


class TestTrlOnTwoProcesses(TrainerContract):
    name = "pairsmith-trl/trl"
    options = {"device": "cpu", "parallel": "ddp", "processes": 2, "lora": {"r": 4}}


class TestDpo(ComponentContract):
    kind = "losses"
    name = "pairsmith-trl/trl-dpo"
    options = {"loss_type": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0], "ld_alpha": 0.5}


class TestKto(ComponentContract):
    kind = "losses"
    name = "pairsmith-trl/trl-kto"


class TestSft(ComponentContract):
    kind = "losses"
    name = "pairsmith-trl/trl-sft"
    options = {"loss_type": "dft"}

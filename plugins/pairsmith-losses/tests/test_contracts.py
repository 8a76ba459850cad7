from pairsmith.testing import LossContract


class TestSft(LossContract):
    name = "pairsmith-losses/sft"


class TestSftByItem(LossContract):
    name = "pairsmith-losses/sft"
    options = {"reduction": "item"}


class TestDpo(LossContract):
    name = "pairsmith-losses/dpo"


class TestDpoWithLikelihood(LossContract):
    name = "pairsmith-losses/dpo"
    options = {"nll": 1.0}


class TestMdpo(LossContract):
    name = "pairsmith-losses/mdpo"


class TestMcmDpo(LossContract):
    name = "pairsmith-losses/mcm-dpo"


class TestMcmDpoSummed(LossContract):
    name = "pairsmith-losses/mcm-dpo"
    options = {"combine": "sum"}

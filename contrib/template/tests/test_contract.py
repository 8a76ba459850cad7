from pairsmith.testing import JudgeContract


class TestJudge(JudgeContract):
    name = "pairsmith-judge-NAME/NAME"

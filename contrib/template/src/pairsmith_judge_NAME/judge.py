"""The judge itself; imported only when a recipe uses it. Heavy imports go here."""

from pairsmith.values import Verdict


class Judge:
    """Scores 1 at the ideal length, and less the further away."""

    aspects = ()  # judges whole responses; name aspects to be shown claims, or None for all of them

    def __init__(self, options, run):
        """Take the options; load a model here if you need one."""
        self.ideal = options.ideal

    def judge(self, cases):
        """Return, for each case, one verdict per response."""
        return [[self._verdict(response) for response in case.responses] for case in cases]

    def _verdict(self, response):
        words = len(response.text.split())
        score = max(0.0, 1 - abs(words - self.ideal) / self.ideal)
        return Verdict(judge="NAME", response_id=response.id, score=score, evidence={"words": words})

"""Which way of asking for JSON an endpoint knows, learnt from what it answers and refuses."""

FORMS = ("json-schema", "json-object", "none")
"""Ways of asking, from the strictest: by a schema, by a mode, by words alone."""


class Forms:
    """The way of asking for JSON by model: one that repairs replies may know less than the one that made them."""

    def __init__(self, wanted: str) -> None:
        """Begin with the strictest where ``wanted`` is ``auto``, and else keep to what is wanted."""
        self._auto = wanted == "auto"
        self._begin = FORMS[0] if self._auto else wanted
        self._known: dict[str, str] = {}

    def first(self, model: str) -> str:
        """Return the way in which a model is asked first: the one that it has answered, if there is one."""
        return self._known.get(model, self._begin)

    def answered(self, model: str, form: str) -> None:
        """Keep that a model answered a question that was put this way.

        >>> forms = Forms("auto")
        >>> forms.answered("m", "json-object")
        >>> forms.first("m"), forms.first("other")
        ('json-object', 'json-schema')
        """
        self._known[model] = max(form, self.first(model), key=FORMS.index)

    def after(self, model: str, form: str) -> str | None:
        """Return the way to ask again in after a refusal, ``None`` where the way is not what was refused.

        A model that has answered a question put this way refuses the question, not the way.

        >>> forms = Forms("auto")
        >>> forms.after("m", "json-schema"), forms.after("m", "none")
        ('json-object', None)
        >>> forms.answered("m", "none")
        >>> forms.after("m", "json-schema"), forms.after("m", "none")
        ('none', None)
        """
        if not self._auto or form == FORMS[-1] or self._known.get(model) == form:
            return None
        return max(FORMS[FORMS.index(form) + 1], self.first(model), key=FORMS.index)

"""What a stage raises when a person, not a programmer, has to act."""


class InputError(ValueError):
    """Data or a setting that cannot be used; the message says what came, what was expected and what to do."""


class RefusedError(RuntimeError):
    """A gate that did its work: the data, the model or the export is not let through."""

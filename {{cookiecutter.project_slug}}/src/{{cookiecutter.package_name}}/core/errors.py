"""What a stage raises when a person, not a programmer, has to act."""


class InputError(ValueError):
    """Data or a setting that cannot be used; the message says what came, what was expected and what to do."""


class RefusedError(RuntimeError):
    """A gate that did its work: the data, the model or the export is not let through."""


class RequestError(ValueError):
    """A request that cannot be answered: HTTP's status, and the input and the row that it is about, if any."""

    def __init__(self, message: str, status: int = 400, field: str = "", row: int | None = None) -> None:
        super().__init__(message)
        self.status, self.field, self.row = status, field, row

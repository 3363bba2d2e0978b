"""The one error of the evidence format. Proved by every test under tests/unit/format."""


class FormatError(Exception):
    """Bytes are not of the format, or a proof does not hold.

    `code` is UPPER_SNAKE and stable: reports carry it (docs/spec/verification.md §3).
    `message` is one sentence for a person and says what was got and what was wanted.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

"""The root of all errors that a person can mend, and that of a mistake in the program."""


class InputError(Exception):
    """Input that cannot be used; the message is one line: what, where, and what would be right."""


class DataError(InputError):
    """Data that cannot be used; the message is one line that says what, where and what would be right."""


class DeclarationError(TypeError):
    """What the program itself declares wrongly, a measure or an algorithm: which, and what is missing."""

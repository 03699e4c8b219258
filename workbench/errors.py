"""The root of all errors that a person can mend."""


class InputError(Exception):
    """Input that cannot be used; the message is one line: what, where, and what would be right."""


class DataError(InputError):
    """Data that cannot be used; the message is one line that says what, where and what would be right."""

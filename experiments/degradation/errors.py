"""What goes wrong for a reason that its user can mend: a sentence, and no traceback."""

from __future__ import annotations

import click


class StudyError(click.ClickException):
    """The command prints it and exits with 1."""

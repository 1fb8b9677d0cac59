"""The one kind of error that is meant for the person at the keyboard.

A :class:`UserError` carries a single sentence that says what was wrong and what to do. The command
line prints it and exits with status 2; the app shows it in its status strip. Every other exception
is a defect of ours.
"""

from __future__ import annotations


class UserError(Exception):
    """A problem the user can mend; its text is one sentence that says how."""

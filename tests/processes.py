"""What tests share that start a process of their own."""

import signal

PATIENCE = 600.0
"""Seconds after which a process will not do any more what is waited for, however busy the machine is."""


def heed_control_c() -> None:
    """As the `preexec_fn` of a process: it hears Ctrl-C, also where whoever started the tests does not.

    A shell lets what it starts in the background ignore SIGINT, and whatever that starts inherits it.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)

"""The command line: ``nerp demo | project | export | train | job | info``."""

from __future__ import annotations

import argparse
import importlib
import io
import sys
from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..errors import NerpError

COMMANDS = ("demo", "project", "export", "train", "job", "info")
"""Each is a module here with a one-line docstring, ``add_arguments(parser)`` and ``run(options)``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 2 after an error that the user can put right, told in one line; 130 when interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown in part rather than ending the command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except NerpError as error:
        print(f"nerp {options.command}: {error}", file=sys.stderr)
        return 2
    except MemoryError:
        print(f"nerp {options.command}: not enough memory; ask for a smaller --size.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"nerp {options.command}: interrupted; what was written is whole.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    formatter = _formatter()
    parser = argparse.ArgumentParser(
        prog="nerp",
        description="Labelled radiographs from chest CT, in true millimetres. Synthetic, for research only.",
        formatter_class=formatter,
    )
    parser.add_argument("--version", action="version", version=f"nerp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name in COMMANDS:
        module = importlib.import_module(f"{__name__}.{name}")
        line = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=line, description=line, formatter_class=formatter)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _formatter() -> Any:
    try:
        from rich_argparse import RichHelpFormatter
    except ImportError:
        return argparse.HelpFormatter
    return RichHelpFormatter

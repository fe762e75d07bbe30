"""The command line: ``skyscript``.

Data goes to standard output, everything else to standard error. Exit status: 0 all
done, 1 something could not be done, 2 the input is at fault, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module

import click
import psycopg

from skyscript_db.cli.common import Context
from skyscript_db.errors import SkyscriptError

# Command -> module; a module is imported when its command is called or listed.
COMMANDS = {
    "db": "server",
    "load": "load",
    "remove": "load",
    "collections": "collections",
    "run": "run",
    "build": "run",
    "status": "status",
    "failures": "failures",
    "tags": "tags",
    "scorers": "tags",
    "search": "query",
    "describe": "query",
    "export": "export",
    "sheet": "export",
    "rehydrate": "rehydrate",
    "model": "model",
    "groundability": "groundability",
    "why": "groundability",
    "earth-engine-emulator": "emulator",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of their use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"skyscript_db.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="skyscript-db")
@click.option("-v", "--verbose", is_flag=True, help="Log what is being done.")
@click.option(
    "-s",
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Override a setting, as SKYSCRIPT_NAME would; may be repeated.",
)
@click.pass_context
def skyscript(
    ctx: click.Context, *, verbose: bool, assignments: tuple[str, ...]
) -> None:
    """OpenStreetMap and imagery in; a database of image-text pairs out."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    ctx.obj = Context.of(assignments)
    ctx.call_on_close(ctx.obj.close)


def main() -> None:
    """Run the command line and exit."""
    try:
        status = skyscript(prog_name="skyscript", standalone_mode=False)
    except click.exceptions.Abort:
        _fail("interrupted; what was done is kept, run the same again to go on", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; what was done is kept, run the same again to go on", 130)
    except SkyscriptError as error:
        _fail(str(error), error.exit_code)
    except psycopg.errors.InsufficientPrivilege as error:
        _fail(f"this role may not do that: {error.diag.message_primary}", 1)
    except psycopg.OperationalError as error:
        _fail(f"{_trouble(error)}: {error}\nRun the same again to go on.", 1)
    except BrokenPipeError:
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _trouble(error: psycopg.OperationalError) -> str:
    # 08 is the connection, 57P the end of the server or of this session.
    is_lost = error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    return "lost the server" if is_lost else "the server gave up"


def _fail(message: str, status: int) -> None:
    click.echo(f"skyscript: {message}", err=True)
    sys.exit(status)

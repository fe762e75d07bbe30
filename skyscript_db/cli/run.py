"""``skyscript run`` and ``build``: the jobs."""

from __future__ import annotations

from dataclasses import asdict

import click

from skyscript_db import api
from skyscript_db.cli.common import (
    Context,
    json_option,
    pass_context,
    print_json,
    progress,
)
from skyscript_db.jobs import runner
from skyscript_db.jobs.runner import Counts, Work

limit_option = click.option(
    "--limit", type=click.IntRange(min=1), help="Do at most so many units."
)


@click.command()
@click.argument("job")
@limit_option
@click.option("--dry-run", is_flag=True, help="Count what is pending; do nothing.")
@json_option
@pass_context
def run(
    context: Context, *, job: str, limit: int | None, dry_run: bool, as_json: bool
) -> None:
    """Run one job: do what has no result yet."""
    module = api.job_named(job)
    action = runner.count if dry_run else runner.run
    with progress() as bar:
        counts = action(module, Work(context.conn, context.settings, limit, bar))
    outcome = api.Outcome(job, module.UNIT, counts)
    if as_json:
        print_json(_facts(outcome))
    else:
        _print(outcome)


@click.command()
@limit_option
@json_option
@pass_context
def build(context: Context, *, limit: int | None, as_json: bool) -> int:
    """Run all jobs in order; those that cannot run do not stop the others."""
    outcomes = []
    with progress() as bar:
        for outcome in api.build(Work(context.conn, context.settings, limit, bar)):
            outcomes.append(outcome)
            if not as_json:
                _print(outcome)
    if as_json:
        print_json([_facts(outcome) for outcome in outcomes])
    failed = [outcome for outcome in outcomes if outcome.error]
    if failed:
        _print_failures(failed)
    return 1 if failed else 0


def _print(outcome: api.Outcome) -> None:
    if outcome.counts is None:
        click.echo(f"{outcome.job:<15} not done")
        return
    counts = outcome.counts
    click.echo(
        f"{outcome.job:<15} {counts.n_in:>9,} {outcome.unit} = {counts.n_ok:,} ok"
        f" + {counts.n_rejected:,} rejected + {counts.n_pending:,} pending"
    )
    for reason, n in sorted(counts.rejected.items(), key=lambda item: -item[1]):
        click.echo(f"{'':<15} {n:>9,} {reason}")


def _print_failures(failed: list[api.Outcome]) -> None:
    """Print each error once, though several jobs may share it."""
    by_message: dict[str, list[str]] = {}
    for outcome in failed:
        by_message.setdefault(str(outcome.error), []).append(outcome.job)
    for message, jobs in by_message.items():
        click.echo(f"\n{', '.join(jobs)}: {message}", err=True)


def _facts(outcome: api.Outcome) -> dict[str, object]:
    counts = outcome.counts
    return {
        "job": outcome.job,
        "unit": outcome.unit,
        "error": str(outcome.error) if outcome.error else None,
        **(_counted(counts) if counts else {}),
    }


def _counted(counts: Counts) -> dict[str, object]:
    return {"n_in": counts.n_in, "n_rejected": counts.n_rejected, **asdict(counts)}

"""``skyscript run`` and ``build``: the jobs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

import click

from skyscript_db import api
from skyscript_db.cli.common import (
    Context,
    json_option,
    pass_context,
    print_json,
    print_table,
    progress,
)
from skyscript_db.errors import UsageError
from skyscript_db.jobs import fetch_chips, runner
from skyscript_db.jobs.runner import Counts, Work
from skyscript_db.progress import LoggedProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skyscript_db.jobs.fetch_estimate import Estimate

limit_option = click.option(
    "--limit", type=click.IntRange(min=1), help="Do at most so many units."
)


@click.command()
@click.argument("job")
@limit_option
@click.option("--dry-run", is_flag=True, help="Count what is pending; do nothing.")
@click.option(
    "--retry-failed", is_flag=True, help="fetch_chips: those out of attempts too."
)
@click.option("--cause", help="With --retry-failed: only causes with this text.")
@json_option
@pass_context
def run(
    context: Context,
    *,
    job: str,
    limit: int | None,
    dry_run: bool,
    retry_failed: bool,
    cause: str | None,
    as_json: bool,
) -> None:
    """Run one job: do what has no result yet."""
    module = api.job_named(job)
    _check_retry(job, retry_failed=retry_failed, cause=cause)
    with progress() as bar, _undone(context, dry_run=dry_run):
        work = Work(context.conn, context.settings, limit, bar)
        if retry_failed:
            n = fetch_chips.retry_failed(context.conn, cause)
            click.echo(f"{n:,} failed chips are tried again", err=True)
        counts = (runner.count if dry_run else runner.run)(module, work)
        costs = _costs(work) if dry_run and job == "fetch_chips" else None
    outcome = api.Outcome(job, module.UNIT, counts)
    if as_json:
        estimate = {} if costs is None else {"estimate": list(map(asdict, costs))}
        print_json(_facts(outcome) | estimate)
    else:
        _print(outcome)
        _print_costs(costs or [])
    if job == "fetch_chips" and not dry_run:
        _tell_failed(context)


def _tell_failed(context: Context) -> None:
    n_failed, n_out = fetch_chips.count_failed(context.conn)
    if n_failed:
        again = (
            "the next run tries the others again"
            if n_out < n_failed
            else "`skyscript run fetch_chips --retry-failed` tries them again"
        )
        click.echo(
            f"{n_failed:,} chips failed, {n_out:,} of them out of attempts: `skyscript "
            f"failures` tells why and what to do; {again}",
            err=True,
        )


def _check_retry(job: str, *, retry_failed: bool, cause: str | None) -> None:
    if retry_failed and job != "fetch_chips":
        raise UsageError(
            f"--retry-failed is of fetch_chips: {job} tries again by itself"
        )
    if cause is not None and not retry_failed:
        raise UsageError("--cause narrows --retry-failed: give both")


@contextmanager
def _undone(context: Context, *, dry_run: bool) -> Iterator[None]:
    """Leave no trace of what a dry run tries."""
    if not dry_run:
        yield
        return
    with context.conn.transaction(force_rollback=True):
        yield


def _costs(work: Work) -> list[Estimate]:
    from skyscript_db.jobs.fetch_estimate import estimate  # noqa: PLC0415 - seldom

    return estimate(replace(work, progress=LoggedProgress()))


def _print_costs(costs: list[Estimate]) -> None:
    if not costs:
        return
    click.echo()
    names = [field.name for field in fields(costs[0])]
    print_table(names, [[_cost(cost, name) for name in names] for cost in costs])


def _cost(cost: Estimate, name: str) -> object:
    value = getattr(cost, name)
    return f"{value:.2f}" if name == "hours" else value


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
    _tell_failed(context)
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

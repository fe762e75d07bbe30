"""fetch_chips against the Earth Engine emulator, through the real client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skyscript_db.config import Settings
from skyscript_db.errors import CredentialsExpired, ServiceUnreachable, UsageError
from skyscript_db.jobs import fetch_chips
from skyscript_db.jobs.runner import Counts
from tests.fix_database import Database
from tests.fix_earth_engine import EarthEngine
from tests.fix_project import environment
from tests.fix_rasters import noise
from tests.jobs.fetch_helpers import ROOT, add_chips, add_scene, fetch, states
from tests.jobs.service_helpers import asked, at, facts, hurry, serve_scene

# Apart, so that each takes a request of its own: on 960 pixels, 16 of 32.
APART = [(col, row, 32, 32) for row in range(0, 960, 300) for col in range(0, 960, 300)]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def ee_settings(settings: Settings, earth_engine: EarthEngine) -> Settings:
    return at(settings, earth_engine, request_tries=5)


@pytest.fixture
def sixteen(database: Database, earth_engine: EarthEngine) -> Database:
    """Return a database with sixteen chips that share no request."""
    serve_scene(database.conn, earth_engine, noise(3, 960))
    add_chips(database.conn, *APART)
    return database


def test_chips_are_the_pixels_of_the_image(
    database: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    pixels = noise(3, 128, "uint16") * 15
    stretch = {"method": "linear", "min": [100] * 3, "max": [2900] * 3}
    serve_scene(database.conn, earth_engine, pixels, stretch=stretch)
    add_chips(database.conn, (0, 0, 40, 32), (30, 20, 64, 64), (60, 90, 32, 38))
    assert fetch(database.conn, ee_settings) == Counts(n_ok=3)
    scaled = np.floor((pixels.astype(float) - 100) / 2800 * 255 + 0.5).clip(0, 255)
    expected = scaled.astype("uint8").transpose(1, 2, 0)
    for n, (col, row, w, h) in enumerate(
        [(0, 0, 40, 32), (30, 20, 64, 64), (60, 90, 32, 38)], start=1
    ):
        image = Image.open(ee_settings.chips / f"00/{n:016x}.png")
        assert np.array_equal(np.asarray(image), expected[row : row + h, col : col + w])
    # One request for all three.
    assert asked(earth_engine) == [(0, 0, 94, 128)]


def test_faults_are_outlived_and_limits_kept(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    earth_engine.misbehave(429, path="computePixels", first=1, retry_after_s=1)
    earth_engine.misbehave(500, path="computePixels", after=2, first=2)
    earth_engine.misbehave("truncated", path="computePixels", after=4, first=2)
    earth_engine.misbehave("html", path="computePixels", after=6, first=2)
    earth_engine.misbehave("slow", path="computePixels", after=8, seconds=0.2, first=3)
    earth_engine.misbehave("reset", path="computePixels", after=11, first=1)
    limits = {"requests_per_second": 30, "request_concurrency": 4}
    counts = fetch(sixteen.conn, ee_settings.model_copy(update=limits))
    assert counts == Counts(n_ok=16)
    assert earth_engine.counts.faults.total() >= 10
    assert earth_engine.counts.max_concurrent <= 4
    assert earth_engine.counts.busiest() <= 30


def test_what_stays_wrong_fails_with_status_and_cause(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    earth_engine.misbehave(503, path="computePixels")
    assert fetch(sixteen.conn, ee_settings, limit=2) == Counts(n_pending=16)
    found = Counter(facts(sixteen.conn))
    ((state, status, cause), n) = found.most_common()[1]
    assert (state, status, n) == ("failed", 503, 2)
    assert "unavailable" in cause
    # Each of the two as often as is set.
    assert earth_engine.counts.by_status[503] == 10


def test_retry_failed_begins_attempts_again(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    earth_engine.misbehave(400, path="computePixels", message="No such band.")
    for _ in range(3):
        counts = fetch(sixteen.conn, ee_settings)
    assert counts.n_rejected == 16
    earth_engine.behave()
    assert fetch(sixteen.conn, ee_settings).n_ok == 0
    assert fetch_chips.retry_failed(sixteen.conn, "quota") == 0
    assert fetch_chips.retry_failed(sixteen.conn, "such band") == 16
    assert fetch(sixteen.conn, ee_settings) == Counts(n_ok=16)
    assert facts(sixteen.conn) == [("ok", None, None)] * 16


def test_expired_credentials_leave_chips_pending(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    earth_engine.misbehave(401, path="computePixels", after=5)
    settings = ee_settings.model_copy(update={"request_concurrency": 2})
    with pytest.raises(CredentialsExpired):
        fetch(sixteen.conn, settings)
    n_asked = earth_engine.counts.by_path["computePixels"]
    assert n_asked <= 7
    found = Counter(state for state, _, _ in facts(sixteen.conn))
    assert found["planned"] == 16 - found["ok"]
    assert found["ok"] <= 5
    earth_engine.behave()
    assert fetch(sixteen.conn, settings) == Counts(n_ok=16)
    windows = Counter(asked(earth_engine))
    assert max(windows.values()) == 1


def test_a_service_that_goes_away_leaves_chips_pending(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    # The sixth request ends the service, as kill -9 would.
    earth_engine.misbehave("slow", path="computePixels", after=5, first=1, seconds=60)
    settings = ee_settings.model_copy(update={"request_concurrency": 1})
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(fetch, sixteen.conn, settings)
        while not earth_engine.counts.faults and not fetched.done():
            time.sleep(0.01)
        earth_engine.emulator.close()
        with pytest.raises(ServiceUnreachable, match="start the emulator again"):
            fetched.result()
    found = Counter(state for state, _, _ in facts(sixteen.conn))
    assert found == {"ok": found["ok"], "planned": 16 - found["ok"]}
    assert found["ok"] >= 5


def test_a_used_up_quota_pauses_and_goes_on(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    earth_engine.misbehave("quota", path="computePixels", after=4, first=1)
    # No tries to spare: the quota costs none.
    changes = {"quota_pause_s": 1.0, "request_tries": 1, "request_concurrency": 1}
    began = time.monotonic()
    settings = ee_settings.model_copy(update=changes)
    assert fetch(sixteen.conn, settings) == Counts(n_ok=16)
    assert time.monotonic() - began >= 1
    assert earth_engine.counts.by_path["computePixels"] == 17


def test_without_a_project_other_providers_go_on(
    sixteen: Database, settings: Settings, tmp_path: Path
):
    add_scene(sixteen.conn, tmp_path / "local.tif", noise(3))
    sixteen.conn.execute(
        "UPDATE skyscript.chip SET scene_id = (SELECT id FROM skyscript.scene"
        " WHERE name = 'local'), col_off_px = 0, row_off_px = 0 WHERE id <= 4"
    )
    with pytest.raises(UsageError):
        fetch(sixteen.conn, settings)
    assert Counter(state for _, state, *_ in states(sixteen.conn)) == {
        "ok": 4,
        "planned": 12,
    }


def test_kill_9_loses_what_was_in_flight_alone(
    sixteen: Database, earth_engine: EarthEngine, ee_settings: Settings
):
    conn = sixteen.conn
    earth_engine.misbehave("slow", path="computePixels", seconds=0.15)
    slow = ee_settings.model_copy(
        update={"request_concurrency": 2, "requests_per_second": 20}
    )
    command = [sys.executable, "-m", "skyscript_db", "run", "fetch_chips"]
    variables = environment(slow) | {"SKYSCRIPT_DATABASE_URL": sixteen.info}
    process = subprocess.Popen(
        command, env={**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    )
    while len(ok := ok_windows(conn)) < 5:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    recorded = ok_windows(conn)
    assert ok <= recorded
    time.sleep(1.5)
    before = Counter(asked(earth_engine))
    assert fetch(conn, slow) == Counts(n_ok=16)
    windows = Counter(asked(earth_engine))
    again = [window for window, n in windows.items() if n > 1]
    assert not set(again) & recorded
    # In flight were two, and what had come in the last moments.
    assert len(again) <= 2 + 4
    assert set(windows) == set(APART)
    assert sum(before.values()) + 16 - len(before) + len(again) == windows.total()
    assert earth_engine.counts.max_concurrent <= 2
    assert earth_engine.counts.busiest() <= 20


def ok_windows(conn: object) -> set[tuple[int, ...]]:
    rows = conn.execute(  # type: ignore[attr-defined]
        "SELECT col_off_px, row_off_px, width_px, height_px FROM skyscript.chip"
        " WHERE state = 'ok'"
    ).fetchall()
    return set(rows)

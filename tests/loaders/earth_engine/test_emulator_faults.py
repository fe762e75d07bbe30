"""Scripted faults of the emulator, as the real client meets them, and its counts."""

from __future__ import annotations

import io
import threading
import time
from itertools import count
from pathlib import Path

import ee
import numpy as np
import pytest
import requests

from loaders.earth_engine.emulator import Emulator, Network, Rule, misbehave
from loaders.earth_engine.emulator.counts import Counts
from skyscript_db.errors import UsageError
from tests.fix_earth_engine import EarthEngine
from tests.fix_rasters import noise
from tests.loaders.earth_engine.emulator_helpers import compute, grid_at

GRID = grid_at(0, 0, 8, 8)


@pytest.fixture
def image(earth_engine: EarthEngine) -> ee.Image:
    earth_engine.add("C", "one", noise(1))
    earth_engine.initialize()
    return ee.Image("C/one")


@pytest.mark.parametrize(
    ("kind", "status", "name", "message"),
    [
        ("400", 400, "INVALID_ARGUMENT", "refused"),
        ("401", 401, "UNAUTHENTICATED", "invalid authentication credentials"),
        ("403", 403, "PERMISSION_DENIED", "required permission to use project"),
        ("404", 404, "NOT_FOUND", "not found"),
        ("429", 429, "RESOURCE_EXHAUSTED", "request rate or concurrency limit"),
        ("500", 500, "INTERNAL", "An internal error has occurred"),
        ("503", 503, "UNAVAILABLE", "currently unavailable"),
        ("quota", 429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric"),
    ],
)
def test_errors_have_googles_form(
    tmp_path: Path, kind: str, status: int, name: str, message: str
) -> None:
    rule = Rule(kind, retry_after_s=2.5)
    with Emulator.of_folder(tmp_path, rules=[rule]) as emulator:
        answer = requests.get(f"{emulator.url}/v1/projects/p:listAssets", timeout=9)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (
        status,
        status,
        name,
    )
    assert message in error["message"]
    assert answer.headers["Retry-After"] == "2.5"


def test_the_client_tells_the_message(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.misbehave(429, message="slow down", first=1)
    with pytest.raises(ee.EEException, match="slow down"):
        compute(image, GRID)
    assert compute(image, GRID).shape == (8, 8)


def test_a_truncated_answer_breaks_the_connection(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.misbehave("truncated")
    with pytest.raises(ConnectionError, match="IncompleteRead"):
        compute(image, GRID)
    assert earth_engine.counts.by_status[0] == 1
    assert [window.is_whole for window in earth_engine.counts.windows] == [False]


def test_a_reset_gives_no_answer(earth_engine: EarthEngine, image: ee.Image) -> None:
    earth_engine.misbehave("reset")
    with pytest.raises(ConnectionError):
        compute(image, GRID)


def test_a_shortened_answer_looks_whole(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.misbehave("shortened")
    with pytest.raises(ValueError, match=r"cannot reshape|Failed to read|EOF"):
        compute(image, GRID)
    assert [window.is_whole for window in earth_engine.counts.windows] == [False]


def test_html_comes_as_if_all_were_well(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.misbehave("html")
    params = {"expression": image, "fileFormat": "NPY", "grid": GRID}
    assert ee.data.computePixels(params).startswith(b"<!DOCTYPE html>")


def test_a_slow_answer_is_right_in_the_end(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.misbehave("slow", seconds=0.3)
    started = time.monotonic()
    assert compute(image, GRID)["B1"].shape == (8, 8)
    assert time.monotonic() - started >= 0.3


def test_a_slow_request_does_not_hold_up_the_end(tmp_path: Path) -> None:
    emulator = Emulator.of_folder(tmp_path, rules=[Rule("slow", seconds=60)])
    assert _seconds_to_close_amid_a_request(emulator) < 5


def test_a_slow_network_does_not_hold_up_the_end(tmp_path: Path) -> None:
    # A byte in more than a minute: the shortest answer has two and more.
    emulator = Emulator.of_folder(tmp_path, mbit_per_s=1e-7)
    assert _seconds_to_close_amid_a_request(emulator) < 4


def _seconds_to_close_amid_a_request(emulator: Emulator) -> float:
    emulator.start()
    url = f"{emulator.url}/v1/projects/p:listAssets"
    asking = threading.Thread(target=lambda: _swallow(url))
    asking.start()
    while not emulator.counts.requests:
        time.sleep(0.01)
    started = time.monotonic()
    emulator.close()
    asking.join()
    return time.monotonic() - started


def _swallow(url: str) -> None:
    try:
        requests.get(url, timeout=30)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return


def test_rules_strike_paths_and_bodies_alone(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.add("C", "two", noise(1))
    earth_engine.misbehave(500, path="computePixels", body="C/two")
    assert compute(image, GRID).shape == (8, 8)
    assert ee.data.getAsset("C/two")["type"] == "IMAGE"
    with pytest.raises(ee.EEException, match="internal error"):
        compute(ee.Image("C/two"), GRID)
    earth_engine.behave()
    assert compute(ee.Image("C/two"), GRID).shape == (8, 8)
    assert dict(earth_engine.counts.faults) == {"500": 1}


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        (Rule("500"), [1, 2, 3, 4, 5, 6, 7, 8]),
        (Rule("500", first=2), [1, 2]),
        (Rule("500", after=3, first=2), [4, 5]),
        (Rule("500", every=3), [3, 6]),
        (Rule("500", after=1, every=3), [4, 7]),
        (Rule("500", share=0), []),
        (Rule("500", share=1), [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_rules_strike_by_number(rule: Rule, struck: list[int]) -> None:
    assert [number for number in range(1, 9) if rule.strikes(number)] == struck


def test_a_share_is_drawn_alike_each_time() -> None:
    rule, other = Rule("500", share=0.3), Rule("500", share=0.3, seed=1)
    drawn = [rule.strikes(number) for number in range(1, 1001)]
    assert drawn == [rule.strikes(number) for number in range(1, 1001)]
    assert drawn != [other.strikes(number) for number in range(1, 1001)]
    assert 270 <= sum(drawn) <= 330


def test_the_first_rule_that_strikes_does(earth_engine: EarthEngine) -> None:
    earth_engine.misbehave(500, every=2)
    earth_engine.misbehave(503)
    url = f"{earth_engine.url}/v1/projects/p:listAssets"
    statuses = [requests.get(url, timeout=9).status_code for _ in range(4)]
    assert statuses == [503, 500, 503, 500]


def test_rules_are_read_from_text_and_toml(tmp_path: Path) -> None:
    script = tmp_path / "faults.toml"
    script.write_text('[[rule]]\nkind = "429"\nevery = 5\n[[rule]]\nkind = "slow"')
    assert misbehave.read(script) == [Rule("429", every=5), Rule("slow")]
    text = "429 path=computePixels every=5 retry-after-s=0.5"
    rule = Rule("429", path="computePixels", every=5, retry_after_s=0.5)
    assert Rule.of_text(text) == rule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("418", "no fault '418': use one of 400, 401"),
        ("429 often", "write a rule as 'KIND NAME=VALUE"),
        ("429 often=yes", "no 'often' in a rule: it has after, body"),
        ("429 every=two", "a rule's value is no number"),
        ("429 every=0", "every must be at least 1"),
        ("429 share=2", "share must lie between 0 and 1"),
    ],
)
def test_a_rule_that_is_not_understood_says_so(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rule.of_text(text)


def test_a_script_without_rules_says_so(tmp_path: Path) -> None:
    (tmp_path / "faults.toml").write_text("kind = 429")
    with pytest.raises(UsageError, match=r"holds no rules: write tables \[\[rule\]\]"):
        misbehave.read(tmp_path / "faults.toml")


def test_too_many_at_once_are_refused(tmp_path: Path) -> None:
    rules = [Rule("slow", seconds=0.3)]
    with Emulator.of_folder(tmp_path, rules=rules, concurrent=2) as emulator:
        url = f"{emulator.url}/v1/projects/p:listAssets"
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(requests.get(url, timeout=9).status_code)

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts = emulator.counts
    assert 429 in statuses
    assert 200 in statuses
    assert counts.max_concurrent > 2
    assert counts.violations["concurrency"] == statuses.count(429)


def test_too_many_a_second_are_refused(tmp_path: Path) -> None:
    with Emulator.of_folder(tmp_path, per_second=3) as emulator:
        url = f"{emulator.url}/v1/projects/p:listAssets"
        answers = [requests.get(url, timeout=9) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["Retry-After"] == "1"
    assert emulator.counts.violations == {"rate": 2}


def test_the_busiest_second_is_found() -> None:
    counts = Counts(times_s=[0.0, 0.9, 1.0, 1.1, 1.8, 5.0])
    assert counts.busiest(1) == 4
    assert counts.busiest(0.5) == 3
    assert counts.busiest(10) == 6
    assert Counts().busiest() == 0


def test_the_start_of_the_client_counts_for_no_limit(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    del image
    counts = earth_engine.counts
    assert dict(counts.by_path) == {"discovery": 2, "algorithms": 1}
    assert counts.times_s == []
    assert counts.max_concurrent == 0


def test_counts_are_told_as_json(earth_engine: EarthEngine, image: ee.Image) -> None:
    compute(image, GRID)
    assert earth_engine.counts.to_json() == {
        "requests": 4,
        "by_path": {"discovery": 2, "algorithms": 1, "computePixels": 1},
        "by_status": {"200": 4},
        "faults": {},
        "violations": {},
        "max_concurrent": 1,
        "max_per_second": 1,
        "windows": 1,
    }


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with Emulator.of_folder(tmp_path) as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(UsageError, match=r"port \d+ cannot be served"):
            Emulator.of_folder(tmp_path, port=port)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*none: name one"):
        Emulator.of_folder(tmp_path / "none")


def test_a_damaged_file_is_an_error_of_its_own(earth_engine: EarthEngine) -> None:
    path = earth_engine.add("C", "one", noise(1))
    earth_engine.initialize()
    whole = compute(ee.Image("C/one"), GRID)
    assert whole.shape == (8, 8)
    path.write_bytes(b"II*\0 no more")
    with pytest.raises(ee.EEException, match="not a GeoTIFF, or a damaged one"):
        compute(ee.Image("C/one"), GRID)


def test_bodies_that_are_no_request_are_refused(earth_engine: EarthEngine) -> None:
    url = f"{earth_engine.url}/v1/projects/p/image:computePixels"
    wrong = {"{": "Invalid JSON", "[]": "an object was expected", "{}": "Expression is"}
    for body, message in wrong.items():
        answer = requests.post(url, data=body, timeout=9)
        assert answer.status_code == 400
        assert message in answer.json()["error"]["message"]
    large = requests.post(url, data=io.BytesIO(bytes(11 << 20)), timeout=9)
    assert "payload size exceeds the limit" in large.json()["error"]["message"]


def test_an_expression_that_is_none_is_refused(earth_engine: EarthEngine) -> None:
    url = f"{earth_engine.url}/v1/projects/p/value:compute"
    deep: dict[str, object] = {"constantValue": 1}
    for _ in range(120):
        deep = {"arrayValue": {"values": [deep]}}
    wrong = {
        "Invalid expression": {"result": "0", "values": {}},
        "nested deeper": {"result": "0", "values": {"0": deep}},
        "is required": {
            "result": "0",
            "values": {
                "0": {"functionInvocationValue": {"functionName": "Image.load"}}
            },
        },
    }
    for message, expression in wrong.items():
        answer = requests.post(url, json={"expression": expression}, timeout=9)
        assert answer.status_code == 400
        assert message in answer.json()["error"]["message"]


def test_an_unmatched_window_does_not_count_as_served(
    earth_engine: EarthEngine, image: ee.Image
) -> None:
    earth_engine.misbehave(500, first=1)
    with pytest.raises(ee.EEException):
        compute(image, GRID)
    assert earth_engine.counts.windows == []
    np.testing.assert_array_equal(compute(image, GRID)["B1"].shape, (8, 8))
    assert [window.is_whole for window in earth_engine.counts.windows] == [True]


def test_answers_share_a_network() -> None:
    clock = 100.0

    def wait(seconds: float) -> None:
        nonlocal clock
        clock += seconds

    # A megabyte a second, and two answers of one and a half by turns.
    network = Network(8, wait, lambda: clock)
    bodies = [bytes([n]) * 1_500_000 for n in range(2)]
    through = [[], []]
    for pieces in zip(*map(network.let_through, bodies), strict=True):
        for came, piece in zip(through, pieces, strict=True):
            came.append(bytes(piece))
    assert [b"".join(came) for came in through] == bodies
    assert clock == pytest.approx(103)
    clock += 60
    assert len(list(network.let_through(bodies[0]))) == 6
    assert clock == pytest.approx(164.5)


def test_a_clock_that_runs_on_meanwhile_does_no_harm() -> None:
    clock = count(100)

    def wait(seconds: float) -> None:
        assert seconds >= 0

    network = Network(8e6, wait, lambda: next(clock))
    assert b"".join(network.let_through(bytes(1_000_000))) == bytes(1_000_000)


def test_answers_come_whole_through_a_slow_network(earth_engine: EarthEngine) -> None:
    pixels = noise(1, 512)
    earth_engine.add("C", "one", pixels)
    earth_engine.initialize()
    earth_engine.emulator.network = Network(80)
    came = compute(ee.Image("C/one"), grid_at(0, 0, 512, 512))
    np.testing.assert_array_equal(came["B1"], pixels[0])


def test_a_connection_outlives_what_is_not_emulated(earth_engine: EarthEngine) -> None:
    url = f"{earth_engine.url}/v1/projects/p:listAssets"
    with requests.Session() as session:
        for body in (b"x" * 100_000, iter([b"in", b"chunks"]), b""):
            assert session.put(url, data=body, timeout=9).status_code == 501
            assert session.get(url, timeout=9).status_code == 200

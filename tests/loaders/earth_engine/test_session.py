from __future__ import annotations

import json

import ee
import pytest

from loaders.earth_engine.session import Session
from skyscript_db.errors import CredentialsExpired, RequestFailed, UsageError
from tests.loaders.earth_engine.helpers import add_ortho, settings_for


@pytest.fixture(autouse=True)
def _no_login(monkeypatch, tmp_path):
    """Nobody is logged in on this machine, and no metadata server is asked."""
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "nobody"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)


def test_the_emulator_is_asked_without_a_login(database, settings, earth_engine):
    add_ortho(earth_engine, "one")
    with Session(settings_for(settings, earth_engine), database.info) as session:
        asset = session.call(lambda: ee.data.getAsset("Test/orthos/one"))
    assert asset["type"] == "IMAGE"
    limit = database.conn.execute("SELECT service FROM skyscript.request_limit")
    assert limit.fetchall() == [("earth-engine:skyscript-test",)]


def test_without_a_project_it_says_how_to_name_one(database, settings, earth_engine):
    missing = settings_for(settings, earth_engine, earth_engine_project=None)
    with pytest.raises(UsageError, match="set SKYSCRIPT_EARTH_ENGINE_PROJECT"):
        Session(missing, database.info)


def test_without_a_login_it_says_how_to_get_one(database, settings):
    with pytest.raises(UsageError, match="run `earthengine authenticate`"):
        Session(
            settings.model_copy(update={"earth_engine_project": "p"}), database.info
        )


def test_without_a_login_and_a_project_both_are_told(database, settings):
    with pytest.raises(UsageError, match=r"no login and no project") as error:
        Session(settings, database.info)
    told = str(error.value)
    assert "run `earthengine authenticate`, or set SKYSCRIPT_EARTH_ENGINE_CRED" in told
    assert "and set SKYSCRIPT_EARTH_ENGINE_PROJECT to the id of" in told


def test_an_address_where_nothing_answers_is_told(database, settings):
    dead = settings.model_copy(
        update={
            "earth_engine_url": "http://127.0.0.1:9",
            "earth_engine_project": "p",
            "request_tries": 1,
        }
    )
    with pytest.raises(RequestFailed) as error:
        Session(dead, database.info)
    assert str(error.value).startswith(
        "nothing answers at http://127.0.0.1:9, which SKYSCRIPT_EARTH_ENGINE_URL names:"
        " start the emulator again"
    )
    assert error.value.is_transient


def test_a_key_file_that_is_none_is_told(database, settings, tmp_path):
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"type": "service_account"}))
    wrong = settings.model_copy(update={"earth_engine_credentials": key})
    with pytest.raises(UsageError, match="is no key file of a service account"):
        Session(wrong, database.info)


def test_a_key_file_that_is_missing_is_told(database, settings, tmp_path):
    wrong = settings.model_copy(update={"earth_engine_credentials": tmp_path / "no"})
    with pytest.raises(UsageError, match=r"cannot read .*: No such file"):
        Session(wrong, database.info)


def test_an_application_default_that_is_none_is_told(
    database, settings, monkeypatch, tmp_path
):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no.json"))
    with pytest.raises(UsageError, match=r"is set to .*no\.json', which is no login"):
        Session(settings, database.info)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org",
        "https://googleapis.com.example.org",
        "http://earthengine.googleapis.com",
        "file:///etc",
        "127.0.0.1:80",
        "http://[::1",
    ],
)
def test_no_other_server_gets_a_login(database, settings, url):
    wrong = settings.model_copy(update={"earth_engine_url": url})
    with pytest.raises(UsageError, match="no other gets your login"):
        Session(wrong, database.info)


def test_a_passing_fault_of_the_start_is_tried_again(database, settings, earth_engine):
    earth_engine.misbehave(503, first=2)
    with Session(settings_for(settings, earth_engine), database.info) as session:
        assert session.call(lambda: ee.Number(3).getInfo()) == 3


def test_the_client_does_not_retry_by_itself(database, settings, earth_engine):
    once = settings_for(settings, earth_engine, request_tries=1)
    with Session(once, database.info) as session:
        earth_engine.misbehave(500, path="listAssets")
        before = earth_engine.counts.requests
        with pytest.raises(RequestFailed, match=r"\(500\)") as error:
            session.call(lambda: ee.data.listImages("Test/orthos"))
        assert earth_engine.counts.requests == before + 1
    assert error.value.is_transient
    assert error.value.status == 500


def test_retry_after_is_heeded(database, settings, earth_engine):
    once = settings_for(settings, earth_engine, request_tries=1)
    with Session(once, database.info) as session:
        earth_engine.misbehave(429, path="value:compute", retry_after_s=7)
        with pytest.raises(RequestFailed, match="Too Many Requests") as error:
            session.call(lambda: ee.Number(3).getInfo())
    assert error.value.retry_after_s == 7
    assert not error.value.is_quota


def test_a_quota_that_is_used_up_pauses_and_goes_on(database, settings, earth_engine):
    quick = settings_for(settings, earth_engine, request_tries=1, quota_pause_s=0.2)
    with Session(quick, database.info) as session:
        earth_engine.misbehave("quota", path="value:compute", first=2)
        assert session.call(lambda: ee.Number(3).getInfo()) == 3
    paused = database.conn.execute("SELECT pause_cause FROM skyscript.request_limit")
    assert "Quota exceeded" in paused.fetchone()[0]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("truncated", "cut off|no connection"),
        ("shortened", "cut off or is no JSON"),
        ("html", "web page"),
        ("reset", "no connection"),
    ],
)
def test_answers_that_are_none_are_tried_again(
    database, settings, earth_engine, kind, told
):
    once = settings_for(settings, earth_engine, request_tries=1)
    with Session(once, database.info) as session:
        earth_engine.misbehave(kind, path="value:compute", first=1)
        with pytest.raises(RequestFailed, match=told) as error:
            session.call(lambda: ee.Number(3).getInfo())
        assert error.value.is_transient
        assert session.call(lambda: ee.Number(3).getInfo()) == 3


def test_a_login_that_expires_stops_all(database, settings, earth_engine):
    with Session(settings_for(settings, earth_engine), database.info) as session:
        earth_engine.misbehave(401, path="value:compute")
        with pytest.raises(CredentialsExpired, match="earthengine authenticate"):
            session.call(lambda: ee.Number(3).getInfo())
        n_requests = earth_engine.counts.requests
        with pytest.raises(CredentialsExpired):
            session.call(lambda: ee.Number(3).getInfo())
        assert earth_engine.counts.requests == n_requests


def test_a_project_that_is_not_allowed_stops_all(database, settings, earth_engine):
    with Session(settings_for(settings, earth_engine), database.info) as session:
        earth_engine.misbehave(403, path="value:compute")
        with pytest.raises(CredentialsExpired, match="Service Usage Consumer"):
            session.call(lambda: ee.Number(3).getInfo())

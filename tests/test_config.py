from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import ValidationError

from skyscript_db.config import ScenePolicy, Settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"

# What stands in the example where the default differs from machine to machine.
EXAMPLES = {
    "home": "/path/to/a/folder",
    "database_url": "postgresql://user:password@host/database",
    "tag_cap": "10000",
    "workers": "4",
    "chips_url": "s3://bucket/chips",
    "earth_engine_project": "my-project",
    "earth_engine_credentials": "/path/to/key.json",
    "earth_engine_url": "http://127.0.0.1:8080",
    "llm_url": "http://localhost:8000/v1",
    "llm_model": "my-model",
    "llm_api_key": "secret",
}


def example_of_settings() -> str:
    """Return the part of ``.env.example`` that follows from the settings."""
    entries = []
    for name, field in Settings.model_fields.items():
        default = field.default.value if _is_word(field.default) else field.default
        value = EXAMPLES.get(name, default)
        entries.append(f"# {field.description}\n#SKYSCRIPT_{name.upper()}={value}\n")
    return "\n".join(entries)


def _is_word(value: object) -> bool:
    return isinstance(value, StrEnum)


def test_the_example_lists_every_setting_with_its_default() -> None:
    assert example_of_settings() in EXAMPLE.read_text(encoding="utf-8")


def test_the_example_names_nothing_else() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    named = {line.split("=")[0] for line in lines if line.startswith("#SKYSCRIPT_")}

    assert named == {f"#SKYSCRIPT_{x.upper()}" for x in Settings.model_fields}
    assert not [line for line in lines if line and not line.startswith("#")]


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYSCRIPT_HOME", "/srv/sky")
    monkeypatch.setenv("SKYSCRIPT_SEED", "7")
    monkeypatch.setenv("SKYSCRIPT_SCENE_POLICY", "nearest-date")
    settings = Settings()

    assert settings.chips == Path("/srv/sky/chips")
    assert settings.models == Path("/srv/sky/models")
    assert (settings.seed, settings.scene_policy) == (7, ScenePolicy.NEAREST_DATE)


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYSCRIPT_SEED", "7")

    assert Settings(seed=8).seed == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JPEG_QUALITY", "101"),
        ("CHIP_SIDE_PX", "0"),
        ("SCENE_POLICY", "cheapest"),
        ("IMAGE_FORMAT", "gif"),
        ("SPLIT_VAL_FRACTION", "1.5"),
    ],
)
def test_a_value_out_of_range_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"SKYSCRIPT_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_a_password_is_not_shown() -> None:
    settings = Settings.model_validate({"database_url": "postgresql://u:hush@h/d"})

    assert "hush" not in repr(settings)

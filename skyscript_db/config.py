"""Settings, read from the environment (``SKYSCRIPT_*``) and overridden by options.

libpq's own variables (``PGHOST`` and so on) are left to libpq.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Absolute, so that it is one place whatever folder a command runs in.
HomeFolder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


class ScenePolicy(StrEnum):
    """Which scene a feature is cut from, where several fit."""

    FINEST = "finest"
    NEWEST = "newest"
    NEAREST_DATE = "nearest-date"
    ALL = "all"


class Settings(BaseSettings):
    """Everything that can be set, with its default."""

    model_config = SettingsConfigDict(env_prefix="SKYSCRIPT_", frozen=True)

    home: HomeFolder = Field(
        default_factory=lambda: platformdirs.user_data_path("skyscript"),
        description="Holds all that a run keeps: the cluster, chips, models.",
    )
    database_url: SecretStr | None = Field(
        None, description="A server of your own; without it, libpq's, then our own."
    )

    chip_side_px: int = Field(
        256, ge=32, le=4096, description="Side of a chip around a point or a line."
    )
    chip_min_side_px: int = Field(
        100, ge=16, description="A polygon's chip with no side this long is rejected."
    )
    chip_max_side_px: int = Field(
        1000, le=4096, description="A polygon's chip with a longer side is rejected."
    )
    chip_margin: float = Field(
        0.25, ge=0, le=2, description="Room on each side of a polygon, in box sides."
    )
    scene_policy: ScenePolicy = Field(
        ScenePolicy.FINEST, description="Which scene is cut, where several fit."
    )
    cell_fraction: float = Field(
        1, gt=0, le=1, description="Share of 0.01 degree cells that chips are from."
    )
    rare_below: int = Field(
        0, ge=0, description="Tags fewer than this in those cells come from all cells."
    )
    tag_cap: int | None = Field(
        None, ge=1, description="Most chips whose rarest tag is the same; else no cap."
    )
    seed: int = Field(0, description="Changes every jitter, sample and split.")
    image_format: Literal["jpg", "png"] = Field("jpg", description="Of chip files.")
    jpeg_quality: int = Field(95, ge=1, le=100, description="Of JPEG chip files.")
    chips_url: str | None = Field(
        None,
        description="Where chip files go, such as s3://bucket/chips; without it, home.",
    )

    earth_engine_project: str | None = Field(
        None, description="The Cloud project that Earth Engine counts requests by."
    )
    earth_engine_credentials: Path | None = Field(
        None, description="A service account's key file; without it, the user's login."
    )
    earth_engine_url: str | None = Field(
        None, description="Another server that speaks for it, such as the emulator."
    )
    request_concurrency: int = Field(
        40, ge=1, le=1000, description="Requests at once to a service, of all workers."
    )
    requests_per_second: float = Field(
        100, gt=0, le=10_000, description="To a service, of all workers together."
    )
    request_tries: int = Field(
        6, ge=1, le=100, description="How often a request that failed is made at most."
    )
    quota_pause_s: float = Field(
        3600, gt=0, description="How long all wait when a service's quota is used up."
    )
    max_request_mib: float = Field(
        48, gt=0, le=1024, description="Most pixels of one request, in MiB."
    )

    caption_recipe: str = Field(
        "skyscript-1",
        description="The rows of caption_recipe that captions follow, by commas; "
        "the first is the one shown.",
    )

    llm_url: str | None = Field(
        None,
        description="An endpoint that speaks OpenAI's protocol, for recipes of style "
        "llm.",
    )
    llm_model: str | None = Field(
        None, description="The model there, by the name that the endpoint takes."
    )
    llm_api_key: SecretStr | None = Field(
        None, description="The key that the endpoint asks for, if any."
    )
    llm_timeout_s: float = Field(
        60, gt=0, le=3600, description="Longest wait for a reply of the model."
    )

    clip_model: str = Field(
        "ViT-B-32",
        description="An open_clip model, or a folder with its configuration and "
        "safetensors.",
    )
    clip_weights: str = Field(
        "laion2b_s34b_b79k", description="The weights of the open_clip model."
    )
    device: str = Field("auto", description="Where CLIP runs: auto, cpu, cuda, mps.")
    batch_size: int = Field(256, ge=1, description="Images or texts a forward pass.")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="Threads that cut, decode and write images.",
    )

    split_val_fraction: float = Field(0.1, ge=0, le=1, description="Share of cells.")
    split_test_fraction: float = Field(0.1, ge=0, le=1, description="Share of cells.")

    @field_validator("caption_recipe")
    @classmethod
    def _names_a_recipe(cls, value: str) -> str:
        if not value.strip(" ,"):
            raise ValueError("name at least one caption recipe, such as skyscript-1")
        return value

    @property
    def caption_recipes(self) -> tuple[str, ...]:
        """The recipes that captions follow, each once."""
        names = (name.strip() for name in self.caption_recipe.split(","))
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def shown_recipe(self) -> str:
        """The recipe whose captions are shown and exported by default."""
        return self.caption_recipes[0]

    @property
    def chips(self) -> Path:
        """The folder that holds the chip files."""
        return self.home / "chips"

    @property
    def models(self) -> Path:
        """The folder that caches CLIP weights."""
        return self.home / "models"

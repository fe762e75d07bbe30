"""Which CLIP is meant, and its weights: found, fetched, checked and told apart.

Every way to fail says how to supply the weights, and none falls back to other ones:
open_clip itself goes on with random weights where a folder or a hub has none.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyscript_db.errors import ModelUnavailable, UsageError

if TYPE_CHECKING:
    from skyscript_db.config import Settings

CONFIG = "open_clip_config.json"
# The names that open_clip gives to safetensors, in the order in which it takes them.
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")

# Key of a configuration that marks random weights made by write_stand_in.
STAND_IN = "is_stand_in"

HUB = "hf-hub:"
LOCAL = "local-dir:"

_STAND_IN_MODEL = {
    "embed_dim": 64,
    "vision_cfg": {
        "image_size": 64,
        "patch_size": 16,
        "width": 64,
        "head_width": 32,
        "layers": 2,
    },
    "text_cfg": {
        "context_length": 77,
        "vocab_size": 49408,
        "width": 64,
        "heads": 2,
        "layers": 2,
    },
}


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that the settings mean, by the names it is registered under."""

    name: str
    weights: str
    folder: Path | None = None


def choose(settings: Settings) -> Choice:
    """Read the settings, without looking whether the weights are there."""
    text = settings.clip_model
    if text.startswith(HUB):
        return Choice(name=text, weights="hub")
    folder = Path(text.removeprefix(LOCAL)).expanduser()
    if _names_folder(text, folder):
        return _choose_folder(folder.resolve())
    # open_clip too takes ViT-B/32 for ViT-B-32.
    return Choice(name=text.replace("/", "-"), weights=_weights_name(settings))


def create(choice: Choice, settings: Settings) -> Any:
    """Return open_clip's model with its weights, in float32 on the CPU.

    Raises:
        ModelUnavailable: Its weights cannot be had here, or are damaged.
        UsageError: open_clip has no such model, or no such weights of it.
    """
    if choice.folder is not None:
        return _create_from_folder(choice, choice.folder)
    if choice.name.startswith(HUB):
        return _create(choice, choice.name, cache_dir=str(settings.models))
    _check_name(choice.name)
    if path := _local_file(choice, settings):
        return _create(choice, choice.name, pretrained=path)
    return _create_tagged(choice, settings)


def source(choice: Choice) -> str:
    """Return the name by which open_clip finds the model's configuration."""
    return choice.name if choice.folder is None else f"{LOCAL}{choice.folder}"


def fingerprint(model: Any) -> str:
    """Return a hash of what decides the model's vectors, equal on every machine.

    It covers the weights, how images are prepared, and whether the activation is
    quick-GELU, which leaves no trace in the weights.
    """
    import open_clip  # noqa: PLC0415 - slow to import
    from open_clip.transformer import QuickGELU  # noqa: PLC0415

    recipe = {
        "preprocess": open_clip.get_model_preprocess_cfg(model),
        "quick_gelu": any(isinstance(part, QuickGELU) for part in model.modules()),
    }
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy())
    return digest.hexdigest()


def write_stand_in(folder: Path, seed: int = 0) -> None:
    """Write a tiny CLIP of the real architecture with random weights.

    Its similarities mean nothing; it lets every step run where no weights can be had.
    The name that it is registered under says that it is a stand-in.
    """
    import open_clip  # noqa: PLC0415 - slow to import
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.CLIP(**_STAND_IN_MODEL)
    folder.mkdir(parents=True, exist_ok=True)
    config = {STAND_IN: True, "model_cfg": _STAND_IN_MODEL, "preprocess_cfg": {}}
    (folder / CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
    save_file(model.state_dict(), folder / WEIGHTS[0])


def _names_folder(text: str, folder: Path) -> bool:
    is_path = text.startswith((LOCAL, "/", "./", "../", "~"))
    return is_path or (folder / CONFIG).is_file()


def _choose_folder(folder: Path) -> Choice:
    name = folder.name
    if _is_stand_in(folder):
        name = f"{name} (stand-in: random weights)"
    found = [weights for weights in WEIGHTS if (folder / weights).is_file()]
    if not found:
        return Choice(name=name, weights=WEIGHTS[0], folder=folder)
    return Choice(name=name, weights=_marked(folder, found[0]), folder=folder)


@lru_cache
def _marked(folder: Path, weights: str) -> str:
    """Name weights by their bytes too: two checkpoints may share all other names."""
    digest = hashlib.sha256((folder / CONFIG).read_bytes())
    with (folder / weights).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return f"{weights} {digest.hexdigest()[:12]}"


def _is_stand_in(folder: Path) -> bool:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # create() says what is wrong with it
    return isinstance(config, dict) and config.get(STAND_IN) is True


def _weights_name(settings: Settings) -> str:
    path = Path(settings.clip_weights)
    return path.name if path.suffix == ".safetensors" else settings.clip_weights


def _create_from_folder(choice: Choice, folder: Path) -> Any:
    missing = _missing(folder)
    if missing:
        raise ModelUnavailable(f"{missing}.\n{how_to_supply(choice)}")
    return _create(choice, f"{LOCAL}{folder}")


def _missing(folder: Path) -> str | None:
    if not folder.is_dir():
        return f"no folder {folder}"
    if not (folder / CONFIG).is_file():
        return f"{folder} holds no {CONFIG}"
    if not any((folder / name).is_file() for name in WEIGHTS):
        return f"{folder} holds no {WEIGHTS[0]}"
    return None


def _check_name(name: str) -> None:
    import open_clip  # noqa: PLC0415 - slow to import

    models = open_clip.list_models()
    if name in models:
        return
    close = difflib.get_close_matches(name, models, n=5, cutoff=0.4) or ["none"]
    raise UsageError(
        f"open_clip has no model {name!r}; the closest are: {', '.join(close)}. Set "
        f"SKYSCRIPT_CLIP_MODEL to one that `open_clip.list_models()` lists, or to a "
        f"folder with {CONFIG} and {WEIGHTS[0]}."
    )


def _local_file(choice: Choice, settings: Settings) -> str | None:
    path = Path(settings.clip_weights).expanduser()
    if path.suffix != ".safetensors":
        return None
    if not path.is_file():
        raise ModelUnavailable(f"no file {path}.\n{how_to_supply(choice)}")
    return str(path)


def _create_tagged(choice: Choice, settings: Settings) -> Any:
    import open_clip  # noqa: PLC0415 - slow to import

    from skyscript_db.clip.fetch import fetch  # noqa: PLC0415

    tag = open_clip.get_pretrained_cfg(choice.name, choice.weights)
    if not tag:
        raise UsageError(_unknown_weights(choice))
    _check_activation(choice, is_quick=bool(tag.get("quick_gelu")))
    try:
        path = fetch(tag, settings.models)
    except (OSError, RuntimeError) as error:
        raise ModelUnavailable(
            f"the weights {choice.weights} of {choice.name} cannot be fetched: "
            f"{error}\n{how_to_supply(choice)}"
        ) from error
    # The tag also says how its images were prepared.
    return _create(choice, choice.name, pretrained=path, force_preprocess_cfg=tag)


def _unknown_weights(choice: Choice) -> str:
    import open_clip  # noqa: PLC0415 - slow to import

    tags = open_clip.list_pretrained_tags_by_model(choice.name)
    return (
        f"open_clip knows no weights {choice.weights!r} of {choice.name}: set "
        f"SKYSCRIPT_CLIP_WEIGHTS to one of {', '.join(tags) or '(none)'}, or to a "
        ".safetensors file"
    )


def _check_activation(choice: Choice, *, is_quick: bool) -> None:
    """Refuse what open_clip warns of: the wrong activation makes poor vectors."""
    import open_clip  # noqa: PLC0415 - slow to import

    config = open_clip.get_model_config(choice.name)
    if bool(config.get("quick_gelu")) == is_quick:
        return
    plain = choice.name.removesuffix("-quickgelu")
    right = f"{plain}-quickgelu" if is_quick else plain
    raise UsageError(
        f"the weights {choice.weights} go with {right}, not with {choice.name}, for "
        f"their activation (quick-GELU): set SKYSCRIPT_CLIP_MODEL={right}"
    )


def _create(choice: Choice, name: str, **options: Any) -> Any:
    import open_clip  # noqa: PLC0415 - slow to import

    try:
        return open_clip.create_model(name, require_pretrained=True, **options)
    except Exception as error:
        raise ModelUnavailable(
            f"{name} cannot be loaded: {error}\n{how_to_supply(choice)}"
        ) from error


def how_to_supply(choice: Choice) -> str:
    """Return how to bring weights to a machine that cannot fetch them."""
    return (
        f"To supply weights, copy a folder with {CONFIG} and {WEIGHTS[0]} to this "
        "machine and set SKYSCRIPT_CLIP_MODEL to it; or set SKYSCRIPT_CLIP_WEIGHTS to "
        "a .safetensors file of the model. Where a model's files are published, say "
        f"{_where_published(choice)}."
    )


def _where_published(choice: Choice) -> str:
    model, weights = choice.name, choice.weights
    if (
        choice.folder is not None
        or weights == "hub"
        or weights.endswith(".safetensors")
    ):
        model, weights = "ViT-B-32", "laion2b_s34b_b79k"
    call = f"open_clip.get_pretrained_cfg({model!r}, {weights!r})"
    return f"`{call}['hf_hub']` in Python"

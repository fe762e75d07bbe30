"""CLIP: the same vectors as open_clip's own, whatever the batch; no silent fallback."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from skyscript_db import clip
from skyscript_db.clip import weights
from skyscript_db.clip.images import ImageError, decode_image, read_image
from skyscript_db.errors import ModelUnavailable, UsageError
from tests.fix_clip import write_image

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.clip import Clip
    from skyscript_db.config import Settings


@pytest.fixture
def tiny(clip_settings: Settings) -> Clip:
    return clip.load(clip_settings)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{i}.png" for i in range(11)]
    for i, path in enumerate(paths):
        write_image(path, i)
    return paths


def load_with(settings: Settings, **changes: Any) -> Clip:
    return clip.load(settings.model_copy(update=changes))


def test_what_a_model_says_of_itself(tiny: Clip) -> None:
    assert tiny.name == "tiny (stand-in: random weights)"
    assert re.fullmatch(r"open_clip_model\.safetensors [0-9a-f]{12}", tiny.weights)
    assert (tiny.dimension, tiny.context_length) == (64, 77)


def test_images_have_the_vectors_of_open_clip(
    tiny: Clip, tiny_clip: Path, images: list[Path]
) -> None:
    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{tiny_clip}")
    batch = torch.stack([preprocess(Image.open(path)) for path in images])
    with torch.inference_mode():
        expected = model.eval().encode_image(batch, normalize=True).numpy()
    vectors = tiny.encode_images(images)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_texts_have_the_vectors_of_open_clip(tiny: Clip, tiny_clip: Path) -> None:
    texts = ["a temple", "road of footway!", "", "ünïcode", "tree " * 75]
    model = open_clip.create_model(f"local-dir:{tiny_clip}").eval()
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer(f"local-dir:{tiny_clip}")(texts)
        expected = model.encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(tiny.encode_texts(texts), expected, atol=1e-5)


def test_nothing_to_encode(tiny: Clip) -> None:
    assert tiny.encode_texts([]).shape == (0, 64)
    assert tiny.encode_images([]).shape == (0, 64)


def test_images_of_any_mode_and_shape(tiny: Clip) -> None:
    images = [Image.new(mode, (300, 20)) for mode in ("RGB", "RGBA", "L", "P")]
    assert tiny.encode_images(images).shape == (4, 64)


def test_text_that_would_be_cut_is_refused(tiny: Clip) -> None:
    with pytest.raises(UsageError, match="longer than 77 tokens"):
        tiny.encode_texts(["tree " * 76])


def test_stream_keeps_order_and_refuses_one_by_one(
    tiny: Clip, images: list[Path]
) -> None:
    images[2].write_bytes(images[2].read_bytes()[:200])
    images[5].unlink()
    batches = [images[:4], images[4:8], images[8:]]
    parts = list(tiny.stream_images(batches, read_image))
    assert [len(part.items) + len(part.refused) for part in parts] == [4, 4, 3]
    refused = [refusal for part in parts for refusal in part.refused]
    assert refused == [(images[2], "file corrupt"), (images[5], "file missing")]
    kept = [item for part in parts for item in part.items]
    vectors = np.concatenate([part.vectors for part in parts])
    np.testing.assert_allclose(vectors, tiny.encode_images(kept), atol=1e-5)


def test_a_batch_of_nothing_good(tiny: Clip, tmp_path: Path) -> None:
    (part,) = tiny.stream_images([[tmp_path / "none.png"]], read_image)
    assert (part.items, part.vectors.shape) == ([], (0, 64))


def test_memory_running_out_halves_the_batch(
    tiny: Clip, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    whole = tiny.encode_images(images)
    vectors_of = tiny._image_vectors

    def small_memory(pixels: torch.Tensor) -> torch.Tensor:
        sizes.append(len(pixels))
        if len(pixels) > 1:
            raise torch.OutOfMemoryError("too much")
        return vectors_of(pixels)

    monkeypatch.setattr(tiny, "_image_vectors", small_memory)
    monkeypatch.setattr(tiny, "_rows_at_once", 4)
    np.testing.assert_allclose(tiny.encode_images(images), whole, atol=1e-5)
    assert sizes == [4, 2, *[1] * 11]


def test_one_image_too_much_for_the_memory(
    tiny: Clip, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(pixels: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("too much")

    monkeypatch.setattr(tiny, "_image_vectors", no_memory)
    monkeypatch.setattr(tiny, "_rows_at_once", 4)
    with pytest.raises(ModelUnavailable, match="SKYSCRIPT_DEVICE=cpu"):
        tiny.encode_images(images)


def test_the_same_weights_have_the_same_hash(
    tiny: Clip, tmp_path: Path, settings: Settings
) -> None:
    weights.write_stand_in(tmp_path / "again")
    weights.write_stand_in(tmp_path / "other", seed=1)
    again = load_with(settings, clip_model=str(tmp_path / "again"))
    other = load_with(settings, clip_model=str(tmp_path / "other"))
    assert again.weights_sha256 == tiny.weights_sha256
    assert other.weights_sha256 != tiny.weights_sha256


def test_preparation_and_activation_are_part_of_the_hash(
    tiny: Clip, tiny_clip: Path, tmp_path: Path, settings: Settings
) -> None:
    config = json.loads((tiny_clip / weights.CONFIG).read_text())
    hashes = {tiny.weights_sha256}
    for change in (
        {"model_cfg": {"quick_gelu": True}},
        {"preprocess_cfg": {"mean": 0}},
    ):
        folder = tmp_path / str(len(hashes))
        weights.write_stand_in(folder)
        changed = json.loads(json.dumps(config))
        changed["model_cfg"].update(change.get("model_cfg", {}))
        mean = [0.5, 0.5, 0.5]
        changed["preprocess_cfg"] = {"mean": mean} if "preprocess_cfg" in change else {}
        (folder / weights.CONFIG).write_text(json.dumps(changed))
        hashes.add(load_with(settings, clip_model=str(folder)).weights_sha256)
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clip_model": "ViT-B-23"}, "the closest are: ViT-B-32"),
        ({"clip_weights": "laion2b"}, "one of openai, laion400m_e31"),
        ({"clip_weights": "openai"}, "SKYSCRIPT_CLIP_MODEL=ViT-B-32-quickgelu"),
        ({"clip_model": "ViT-B/32-quickgelu"}, "of ViT-B-32-quickgelu: set SKYSCRIPT"),
        ({"device": "tpu"}, "which has cpu"),
    ],
    ids=str,
)
def test_what_does_not_exist_is_told(
    settings: Settings, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load_with(settings, **changes)


def test_no_network_says_how_to_supply_weights(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: object) -> None:
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with pytest.raises(ModelUnavailable) as caught:
        load_with(settings)
    message = str(caught.value)
    assert "no network" in message
    assert "SKYSCRIPT_CLIP_MODEL" in message
    assert "open_clip_config.json and open_clip_model.safetensors" in message
    assert "get_pretrained_cfg('ViT-B-32', 'laion2b_s34b_b79k')" in message


def break_config(folder: Path) -> None:
    (folder / weights.CONFIG).write_text("{}")


def break_header(folder: Path) -> None:
    path = folder / weights.WEIGHTS[0]
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def truncate(folder: Path) -> None:
    path = folder / weights.WEIGHTS[0]
    path.write_bytes(path.read_bytes()[:1000])


def remove_weights(folder: Path) -> None:
    (folder / weights.WEIGHTS[0]).unlink()


def offer_pickle(folder: Path) -> None:
    remove_weights(folder)
    (folder / "open_clip_pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'false'\ntR.")


def change_shape(folder: Path) -> None:
    path = folder / weights.CONFIG
    config = json.loads(path.read_text())
    config["model_cfg"]["embed_dim"] = 32
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    "damage",
    [break_config, break_header, truncate, remove_weights, offer_pickle, change_shape],
)
def test_damaged_folder_is_no_model(
    settings: Settings, tmp_path: Path, damage: Any
) -> None:
    folder = tmp_path / "model"
    weights.write_stand_in(folder)
    damage(folder)
    with pytest.raises(ModelUnavailable, match="To supply weights"):
        load_with(settings, clip_model=str(folder))


def test_weights_that_give_no_numbers(settings: Settings, tmp_path: Path) -> None:
    weights.write_stand_in(tmp_path)
    path = tmp_path / weights.WEIGHTS[0]
    tensors = load_file(path)
    tensors["text_projection"][:] = float("nan")
    save_file(tensors, path)
    with pytest.raises(ModelUnavailable, match="damaged"):
        load_with(settings, clip_model=str(tmp_path))


def test_weights_from_a_file(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no file .*none\.safetensors"):
        load_with(settings, clip_weights=str(tmp_path / "none.safetensors"))


def test_images_that_are_none(tmp_path: Path) -> None:
    for data in (b"", b"<html>quota exceeded</html>", b"GIF89a\x01\x00\x01\x00\x80"):
        with pytest.raises(ImageError, match="file corrupt"):
            decode_image(data)
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(ImageError, match="image too large"):
        read_image(tmp_path / "bomb.png")
    sha256 = write_image(tmp_path / "good.png", 1)
    assert read_image(tmp_path / "good.png", sha256).size == (96, 80)
    with pytest.raises(ImageError, match="file corrupt"):
        read_image(tmp_path / "good.png", "0" * 64)

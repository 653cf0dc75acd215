import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cxnlp.encoder import Document, ShippedEncoder, encode
from cxnlp.errors import ArtefactError

FOLDER = Path(__file__).resolve().parents[2] / "models" / "encoder"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def encoder():
    return ShippedEncoder(FOLDER)


def _vectors(encoder, *texts):
    return np.stack([e.document for e in encode(encoder, [Document(text) for text in texts])])


def test_languages_meet(encoder):
    zh, en, other = _vectors(encoder, "快递等了一个星期还没到", "My parcel has not arrived after a week", "蛋糕很好吃")
    assert zh @ en > zh @ other + 0.02


def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder):
    texts = ["短", "客服态度很好，问题马上解决了", "The app crashes every time I try to pay " * 20]
    together = _vectors(encoder, *texts)
    np.testing.assert_allclose(together, np.concatenate([_vectors(encoder, text) for text in texts]), atol=2e-3)


def test_traditional_emoji_and_full_width_pieces_are_known(encoder):
    unknown = encoder._special["unknown"]
    for text in ("這個餐廳的服務態度很差", "😀😡👍❤", "ＡＢＣ１２３（价格）", "한국어", "ありがとう"):
        assert unknown not in encoder._tokenizer.encode(text, add_special_tokens=False).ids


def test_a_long_text_is_read_to_its_end(encoder):
    filler = "我们昨天在店里买了东西。" * 200
    plain, praised = _vectors(encoder, filler, filler + "服务员太棒了，非常感谢，强烈推荐！" * 40)
    assert plain @ praised < 0.999


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\U0010ffff", "a\nb"])
def test_odd_texts_have_a_vector_of_length_one(encoder, text):
    assert np.linalg.norm(_vectors(encoder, text)) == pytest.approx(1, abs=1e-5)


def test_offsets_are_code_points_of_the_text(encoder):
    text = "😀😀质量差, terrible 𠮷野家"
    (window,) = encoder.states([text])
    assert window.starts[0] == 0
    assert (np.diff(window.starts) >= 0).all()
    assert window.starts[-1] < len(text)
    assert window.states.shape == (len(window.starts), encoder.dim)


def test_precisions_agree():
    texts = ["快递太慢了", "Great service, thank you"]
    exact = _vectors(ShippedEncoder(FOLDER, precision="f32"), *texts)
    assert ((_vectors(ShippedEncoder(FOLDER, precision="int8"), *texts) * exact).sum(1) > 0.999).all()


def test_the_card_keeps_its_promises():
    metrics = json.loads((FOLDER / "card.json").read_text())["metrics"]["of_the_cut_before_training"]
    assert metrics["tokens_changed"] <= 0.001
    assert metrics["cosine_to_uncut_mean"] >= 0.995


@pytest.mark.parametrize("name", ["card.json", "tokenizer.json", "model.safetensors"])
def test_a_damaged_file_is_named(tmp_path, name):
    folder = shutil.copytree(FOLDER, tmp_path / "encoder")
    (folder / name).write_bytes(b"{broken")
    with pytest.raises(ArtefactError, match=name):
        list(ShippedEncoder(folder).states(["a"]))


def test_another_format_is_refused(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "encoder")
    card = json.loads((folder / "card.json").read_text()) | {"format": 99}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtefactError, match="format 99"):
        ShippedEncoder(folder)


def test_threads_that_ask_together_get_the_vectors_they_would_get_alone(encoder):
    groups = [[f"第{n}个包裹还没到 {i}" for i in range(3)] for n in range(6)]
    alone = [_vectors(encoder, *group) for group in groups]
    with ThreadPoolExecutor(len(groups)) as threads:
        together = list(threads.map(lambda group: _vectors(encoder, *group), groups))
    np.testing.assert_allclose(np.concatenate(together), np.concatenate(alone), atol=2e-3)


def test_threads_set_how_many_batches_run_at_a_time():
    encoder = ShippedEncoder(FOLDER, n_threads=1)
    _vectors(encoder, "一个线程")
    assert encoder.compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert encoder.compiled.get_property("NUM_STREAMS") == 1

import warnings

import numpy as np
import pytest

from cxnlp.encoder import Document, encode
from cxnlp.errors import ArtefactError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny sentence-transformers model with random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sentence_transformers import SentenceTransformer, models
        from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
        from tokenizers.models import WordLevel
        from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
    path = tmp_path_factory.mktemp("model")
    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "slow", "delivery", "good", "coffee"])}
    tokenizer = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
    BertModel(BertConfig(vocab_size=len(words), **size)).save_pretrained(path / "base")
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(path / "base")
    transformer = models.Transformer(str(path / "base"), max_seq_length=64)
    SentenceTransformer(modules=[transformer, models.Pooling(32)], device="cpu").save(str(path / "st"))
    return path / "st"


def test_any_sentence_transformers_folder_encodes(folder):
    from cxnlp.encoder.external import ExternalEncoder

    encoder = ExternalEncoder(str(folder))
    text = "slow delivery good coffee " * 40
    found = encode(encoder, [Document(text, ((0, 13), (14, 25))), Document("coffee"), Document("")])
    assert [e.document.shape for e in found] == [(32,)] * 3
    assert found[0].clauses.shape == (2, 32)
    assert np.linalg.norm(found[1].document) == pytest.approx(1, abs=1e-5)
    assert encoder.id == ExternalEncoder(str(folder)).id


def test_a_missing_model_is_named(tmp_path):
    from cxnlp.encoder.external import ExternalEncoder

    with pytest.raises(ArtefactError, match="CXNLP_ENCODER"):
        ExternalEncoder(str(tmp_path / "nothing"))

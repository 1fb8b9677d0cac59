"""Tiny models, plug and map, built in the test that needs them: nothing is downloaded.

A two-layer Llama, a two-layer BERT as the sentence encoder, a plug and a map, all of random numbers.
What they write makes no sense; that it is written, weighed, placed and stopped is what tests look at.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, Whitespace
from tokenizers.trainers import BpeTrainer, WordLevelTrainer
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from persona_demo.atlas import Atlas
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.items import ItemEncoder, SentenceTransformerEncoder
from persona_demo.lm.codec import HFCodec
from persona_demo.lm.torch_engine import Device, TorchLM
from persona_demo.plug.config import PlugConfig
from persona_demo.plug.model import PersonaPlug
from persona_demo.runtime import Runtime
from persona_demo.samples import Sample
from persona_demo.wordfilter import WordFilter

SENTENCES = [
    "the ferry was late and the gulls did not mind",
    "I put the kettle on, then the phone rang again!",
    "rain on the roof all night... could not sleep",
    "We counted nine swans on the lock this morning.",
    "bought flour, eggs and a smaller tin for the cake",
    "My brother fixed the gate; it closes now, mostly.",
]
HIDDEN = 16
PEOPLE = 40


def language_model(*, seed: int = 0) -> TorchLM:
    """A random Llama with a byte-level tokenizer of about 300 tokens."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=300,
        special_tokens=["<end>"],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    codec = HFCodec(PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>"))
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.4,
    )
    device = Device("cpu", "float32", "processor, a tiny model for tests")
    return TorchLM(LlamaForCausalLM(config), codec, name="tiny/lm", fingerprint="tiny", device=device)


def sentence_encoder(folder: Path, *, seed: int = 0) -> SentenceTransformerEncoder:
    """A random BERT as a sentence encoder, saved under a folder and loaded from it."""
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SENTENCES, WordLevelTrainer(special_tokens=special, show_progress=False))
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    )
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * HIDDEN,
        max_position_embeddings=64,
    )
    bert = folder / "bert"
    BertModel(config).save_pretrained(bert)
    wrapped.save_pretrained(bert)
    whole = folder / "encoder"
    SentenceTransformer(modules=[Transformer(str(bert)), Pooling(HIDDEN)], device="cpu").save(
        str(whole)
    )
    return SentenceTransformerEncoder(whole)


def plug(lm: TorchLM, width: int, *, seed: int = 0) -> PersonaPlug:
    """A random plug for item vectors of a width; its persona is far from its control."""
    config = PlugConfig(
        lm_name=lm.info.name,
        lm_fingerprint=lm.info.fingerprint,
        encoder_name="tiny/encoder",
        encoder_fingerprint="tiny",
        tasks=("blog-post",),
        hidden_size=lm.info.hidden_size,
        embedding_norm=lm.info.embedding_norm,
        item_width=width,
        persona_tokens=2,
        query_width=8,
        projector_width=16,
    )
    made = PersonaPlug(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        made.projector[2].weight.copy_(torch.randn(made.projector[2].weight.shape, generator=generator))
    return made.eval().requires_grad_(False)


def atlas(width: int, *, people: int = PEOPLE, seed: int = 0) -> Atlas:
    """A map of random people; one person's neighbours on it are as random."""
    rng = np.random.default_rng(seed)
    return Atlas(
        plug_fingerprint="tiny",
        ids=tuple(f"p{number:04d}" for number in range(people)),
        vectors=rng.normal(size=(people, width)).astype(np.float32),
        coordinates=rng.normal(size=(people, 2)).astype(np.float32),
        counts=rng.integers(5, 60, size=people).astype(np.int32),
        scale=np.ones(width, dtype=np.float32),
    )


def runtime(folder: Path, *, seed: int = 0, with_atlas: bool = True) -> Runtime:
    """Everything tiny, loaded; the sentence encoder is written under a folder on the way."""
    lm = language_model(seed=seed)
    sentence = sentence_encoder(folder, seed=seed)
    encoder = ItemEncoder(("sentence", "surface", "words"), sentence=sentence, lm=lm)
    return Runtime(
        lm=lm,
        plug=plug(lm, encoder.width, seed=seed),
        encoder=encoder,
        atlas=atlas(encoder.width, seed=seed) if with_atlas else None,
        words=WordFilter.of(["swans"]),
    )


def history(name: str = "Ada", *, items: int = 4, about: str = "Keeps a lock and a cat.") -> UserHistory:
    """A short history of invented sentences."""
    texts = [SENTENCES[number % len(SENTENCES)] for number in range(items)]
    made = tuple(
        HistoryItem(id=f"p{n:02d}", text=f"{text} {n}", date=f"2009-03-{n + 1:02d}") for n, text in enumerate(texts)
    )
    return UserHistory(name=name, items=made, about=about)


def samples() -> tuple[Sample, ...]:
    """Two sample people."""
    return (
        Sample("ada", history("Ada")),
        Sample("bo", history("Bo", items=6, about="Counts swans.")),
    )


"""Tiny real models, plug and map, built from nothing in a second: what the tests run the product on.

Nothing here is a mock and nothing is downloaded: the language models are transformers models, the
sentence encoder is a sentence-transformers model, the plug is the product's own, all of random numbers.
What they write makes no sense; that it is written, weighed, placed and stopped is what tests look at.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, Whitespace
from tokenizers.trainers import BpeTrainer, WordLevelTrainer
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from persona_demo.explain.style import STYLE
from persona_demo.history import HistoryItem, UserHistory
from persona_demo.items import ItemEncoder, SentenceTransformerEncoder
from persona_demo.lm.codec import HFCodec
from persona_demo.lm.torch_engine import Device, TorchLM
from persona_demo.maps.atlas import Atlas
from persona_demo.maps.item_map import ItemMap
from persona_demo.maps.regions import with_regions
from persona_demo.maps.subject_map import SubjectMap, movers
from persona_demo.maps.task_map import Share, TaskMap
from persona_demo.plug.config import BLOCKS, PlugConfig
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
HIDDEN = 32
SENTENCE_WIDTH = 16
PEOPLE = 40
CPU = Device("cpu", "float32", "processor, a tiny model for tests")


def tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level tokenizer of about 300 tokens, trained on the sentences."""
    made = Tokenizer(BPE())
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>", "<end>"],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<end>")


def causal_lm(*, seed: int = 0) -> TorchLM:
    """A random two-layer Llama."""
    words = tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.3,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return TorchLM(LlamaForCausalLM(config), HFCodec(words), name="tiny/llama", fingerprint="tiny", device=CPU)


def seq2seq_lm(*, seed: int = 0) -> TorchLM:
    """A random two-layer T5 of FlanT5's form."""
    words = tokenizer()
    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(words),
        d_model=HIDDEN,
        d_kv=8,
        d_ff=2 * HIDDEN,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        initializer_factor=2.0,
        dropout_rate=0.0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config)
    return TorchLM(model, HFCodec(words), name="tiny/t5", fingerprint="tiny", device=CPU)


def sentence_encoder(folder: Path, *, seed: int = 0) -> SentenceTransformerEncoder:
    """A random BERT as a sentence encoder, saved under a folder and loaded from it."""
    made = Tokenizer(WordLevel(unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(SENTENCES, WordLevelTrainer(special_tokens=special, show_progress=False))
    words = PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=SENTENCE_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    bert, whole = folder / "bert", folder / "encoder"
    BertModel(config).save_pretrained(bert)
    words.save_pretrained(bert)
    SentenceTransformer(modules=[Transformer(str(bert)), Pooling(SENTENCE_WIDTH)], device="cpu").save(str(whole))
    return SentenceTransformerEncoder(whole)


def item_encoder(folder: Path, lm: TorchLM) -> ItemEncoder:
    """An item encoder with all blocks."""
    return ItemEncoder(BLOCKS, sentence=sentence_encoder(folder), lm=lm)


def plug_config(lm: TorchLM, width: int, **changes: object) -> PlugConfig:
    """The form of a tiny plug for item vectors of a width."""
    settings: dict[str, object] = {
        "lm_name": lm.info.name,
        "lm_fingerprint": lm.info.fingerprint,
        "encoder_name": "tiny/encoder",
        "encoder_fingerprint": "tiny",
        "tasks": ("blog-post",),
        "base": "control",
        "instruction_tokens": 1,
        "hidden_size": lm.info.hidden_size,
        "embedding_norm": lm.info.embedding_norm,
        "item_width": width,
        "persona_tokens": 3,
        "keyword_tokens": 4,
        "excerpt_items": 0,
        "excerpt_tokens": 2,
        "components": 5,
        "query_width": 8,
        "projector_width": 16,
    }
    return PlugConfig(**{**settings, **changes})  # type: ignore[arg-type]


def people_texts() -> list[list[str]]:
    """Texts of a few people who differ: each says the sentences in their own way."""
    ways = (str.lower, str.upper, str, lambda s: s.replace(" ", "... "), lambda s: s + "!!", lambda s: f"{s} {s}")
    return [[way(s) for s in SENTENCES] for way in ways]


def plug(config: PlugConfig, encoder: ItemEncoder, *, seed: int = 0) -> PersonaPlug:
    """A random plug with a measured population; its personas are far from its control."""
    made = PersonaPlug(config, seed=seed)
    people = people_texts()
    tasks = [config.tasks[number % len(config.tasks)] for number in range(len(people))]
    made.fit_population([torch.from_numpy(encoder.encode(texts)) for texts in people], people, tasks=tasks)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        random = ("projector.", "keyword_vectors.", "excerpt_vectors.")
        for parameter in (p for name, p in made.named_parameters() if name.startswith(random)):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
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


def labelled(mapped: Atlas, *, seed: int = 0) -> Atlas:
    """The map with random figures of style and labelled regions."""
    figures = np.random.default_rng(seed).random((len(mapped.ids), len(STYLE))).astype(np.float32)
    names = tuple(kind.name for kind in STYLE)
    return with_regions(replace(mapped, style=figures, style_names=names), seed=seed)


def item_map(mapped: Atlas, *, each: int = 2, seed: int = 0) -> ItemMap:
    """A map of random items of everybody on a map, with labelled regions."""
    rng = np.random.default_rng(seed)
    people = tuple(person for person in mapped.ids for _ in range(each))
    made = ItemMap(
        plug_fingerprint=mapped.plug_fingerprint,
        people=people,
        basis=rng.normal(size=(4, mapped.vectors.shape[1])).astype(np.float32),
        vectors=rng.normal(size=(len(people), 4)).astype(np.float32),
        coordinates=rng.normal(size=(len(people), 2)).astype(np.float32),
        scale=mapped.scale,
        style=rng.random((len(people), len(STYLE))).astype(np.float32),
        style_names=tuple(kind.name for kind in STYLE),
    )
    return with_regions(made, seed=seed)


def subject_map(mapped: Atlas, *, seed: int = 0) -> SubjectMap:
    """A map by subject of the people on a map, as random as their vectors."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(mapped.ids), 4)).astype(np.float32)
    return SubjectMap(
        plug_fingerprint=mapped.plug_fingerprint,
        basis=rng.normal(size=(4, SENTENCE_WIDTH)).astype(np.float32),
        vectors=vectors,
        coordinates=rng.normal(size=(len(mapped.ids), 2)).astype(np.float32),
        movers=movers(mapped, vectors),
    )


def task_map(mapped: Atlas, *, here: str, other: str, people: int = 20, seed: int = 0) -> TaskMap:
    """The people of one task's map among random people of another, in random places."""
    rng, known, width = np.random.default_rng(seed), len(mapped.ids), mapped.vectors.shape[1]
    return TaskMap(
        plug_fingerprint=mapped.plug_fingerprint,
        shares=(Share(here, known, 0.75, 0.66), Share(other, people, 0.5, 0.32)),
        vectors=np.concatenate([mapped.vectors, rng.normal(size=(people, width)).astype(np.float32)]),
        coordinates=rng.normal(size=(known + people, 2)).astype(np.float32),
        counts=np.concatenate([mapped.counts, rng.integers(5, 60, size=people).astype(np.int32)]),
        scale=mapped.scale,
    )


def runtime(
    folder: Path, *, seed: int = 0, with_atlas: bool = True, tasks: tuple[str, ...] = ("blog-post",)
) -> Runtime:
    """Everything tiny, loaded; the sentence encoder is written under a folder on the way."""
    lm = causal_lm(seed=seed)
    encoder = item_encoder(folder, lm)
    config = plug_config(lm, encoder.width, tasks=tasks)
    return Runtime(
        lm=lm,
        plug=plug(config, encoder, seed=seed),
        encoder=encoder,
        atlas=atlas(config.user_width, seed=seed) if with_atlas else None,
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

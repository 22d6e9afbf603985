"""Trains the local language models of the samples and writes them as GGUF.

    python3.11 -m venv .venv && .venv/bin/pip install -r samples/llm/requirements.txt
    .venv/bin/python samples/llm/train.py        (about ten minutes on one core; no network)
    .venv/bin/python samples/llm/reference.py    (log-probabilities that the engine's tests are held to)

All are decoders of the llama architecture, trained on nothing but the early mail of samples/spam:

    mail-llm.gguf        3 layers of 128: reads a mail and answers "spam" or "wanted"; also continues mail
    mail-llm-draft.gguf  1 layer of 64, the same vocabulary: proposes tokens for the larger one
    mail-llm-json.gguf   a LoRA adapter on the larger one: answers {"label":"spam"} instead

They are small enough to ship and to test with, and that is all they are for. A seed fixes data order and first weights; the
last bits of a weight still differ between processors, so the files as shipped are the reference.
"""

import gzip
import json
from pathlib import Path

import gguf
import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
MAIL = HERE.parent / "spam" / "data" / "early.jsonl.gz"
SEED = 11
VOCABULARY = 1024
LENGTH = 160
BATCH = 24
SPECIAL = ["<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
BEGIN, END, SYSTEM, USER, ASSISTANT = range(5)
TEMPLATE = (
    "{{ bos_token }}"
    "{% if tools %}<|system|>{{ tools | tojson }}<|end|>{% endif %}"
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
LABELS = {"spam": "spam", "ham": "wanted"}
EPSILON = 1e-5
ROPE_BASE = 10000.0
LORA_RANK = 4
LORA_ALPHA = 8.0
LORA_TARGETS = ("attn_q", "attn_v", "attn_output", "ffn_down")

LARGE = {"width": 128, "layers": 3, "heads": 4, "kv_heads": 2, "feed": 320, "steps": 1400, "rate": 3e-3}
DRAFT = {"width": 64, "layers": 1, "heads": 2, "kv_heads": 1, "feed": 160, "steps": 1400, "rate": 4e-3}
HEAD = 32


def main() -> None:
    mails = [json.loads(line) for line in gzip.open(MAIL)]
    tokenizer = tokenizer_of(mails)
    examples = [example_of(mail, tokenizer) for mail in mails]
    held, trained = examples[-200:], examples[:-200]
    large = train(LARGE, trained, held, "label")
    write_model(HERE / "mail-llm.gguf", "Slipway mail sample", LARGE, large, tokenizer)
    draft = train(DRAFT, trained, held, "label")
    write_model(HERE / "mail-llm-draft.gguf", "Slipway mail sample, draft", DRAFT, draft, tokenizer)
    adapter = train_adapter(round_to_half(large), trained, held)
    write_adapter(HERE / "mail-llm-json.gguf", adapter)


def tokenizer_of(mails: list[dict]) -> Tokenizer:
    """Byte-level BPE with GPT-2's way of splitting, so that any text has tokens and they give it back."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((mail["text"] for mail in mails), trainer)
    return tokenizer


def example_of(mail: dict, tokenizer: Tokenizer) -> dict:
    def ids(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    label = LABELS[mail["label"]]
    return {
        "text": ids(mail["text"]),
        "label": ids(label),
        "json": ids(json.dumps({"label": label}, separators=(",", ":"))),
    }


def batch_of(examples: list[dict], answer: str, share: float, random) -> tuple[np.ndarray, np.ndarray]:
    """Token ids, and how much each prediction counts: 1 in a text, more in an answer."""
    tokens = np.zeros((BATCH, LENGTH + 1), np.int32)
    weights = np.zeros((BATCH, LENGTH), np.float32)
    for row in range(BATCH):
        example = examples[random.integers(len(examples))]
        line, answer_from = line_of(example, answer, random.random() < share, random)
        tokens[row, : len(line)] = line
        weights[row, : len(line) - 1] = 1
        if answer_from is not None:
            weights[row, answer_from - 1 : len(line) - 1] = 8
    return tokens, weights


def line_of(example: dict, answer: str, is_asked: bool, random) -> tuple[list[int], int | None]:
    text = example["text"]
    if not is_asked:
        start = int(random.integers(max(1, len(text) - LENGTH)))
        return [BEGIN, *text[start : start + LENGTH - 1], END][: LENGTH + 1], None
    room = LENGTH - len(example[answer]) - 5
    kept = text[: int(random.integers(min(24, room), room + 1))]
    line = [BEGIN, USER, *kept, END, ASSISTANT]
    return [*line, *example[answer], END], len(line)


def first_weights(shape: dict, random) -> dict:
    width, feed = shape["width"], shape["feed"]
    keys = HEAD * shape["kv_heads"]

    def normal(rows: int, columns: int, scale: float) -> np.ndarray:
        return (random.standard_normal((rows, columns)) * scale).astype(np.float32)

    def layer() -> dict:
        inner = 1 / np.sqrt(width)
        outer = 1 / np.sqrt(2 * shape["layers"])
        return {
            "attn_norm": np.ones(width, np.float32),
            "attn_q": normal(HEAD * shape["heads"], width, inner),
            "attn_k": normal(keys, width, inner),
            "attn_v": normal(keys, width, inner),
            "attn_output": normal(width, HEAD * shape["heads"], inner * outer),
            "ffn_norm": np.ones(width, np.float32),
            "ffn_gate": normal(feed, width, inner),
            "ffn_up": normal(feed, width, inner),
            "ffn_down": normal(width, feed, outer / np.sqrt(feed)),
        }

    return {
        "token_embd": normal(VOCABULARY, width, 0.05),
        "output_norm": np.ones(width, np.float32),
        "layers": [layer() for _ in range(shape["layers"])],
    }


def logits_of(weights: dict, tokens, adapter: list[dict] | None = None):
    """[batch, length] ids to [batch, length, vocabulary]; heads rotate neighbouring pairs, as llama.cpp does for this architecture."""
    length = tokens.shape[1]
    angle = jnp.arange(length)[:, None] * ROPE_BASE ** (-jnp.arange(0, HEAD, 2) / HEAD)[None, :]
    cosine, sine = jnp.cos(angle)[None, :, None, :], jnp.sin(angle)[None, :, None, :]
    mask = jnp.where(jnp.tril(jnp.ones((length, length))) > 0, 0.0, -1e9)

    def norm(x, gain):
        return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPSILON) * gain

    def rotate(x):
        even, odd = x[..., 0::2], x[..., 1::2]
        return jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).reshape(x.shape)

    hidden = weights["token_embd"][tokens]
    for place, layer in enumerate(weights["layers"]):

        def through(name, x, layer=layer, place=place):
            out = x @ layer[name].T
            if adapter is not None and name in adapter[place]:
                pair = adapter[place][name]
                out = out + (LORA_ALPHA / LORA_RANK) * ((x @ pair["a"].T) @ pair["b"].T)
            return out

        x = norm(hidden, layer["attn_norm"])
        query = rotate(through("attn_q", x).reshape(*x.shape[:2], -1, HEAD))
        key = rotate(through("attn_k", x).reshape(*x.shape[:2], -1, HEAD))
        value = through("attn_v", x).reshape(*x.shape[:2], -1, HEAD)
        groups = query.shape[2] // key.shape[2]
        key, value = jnp.repeat(key, groups, 2), jnp.repeat(value, groups, 2)
        scores = jnp.einsum("bqhd,bkhd->bhqk", query, key) / np.sqrt(HEAD) + mask
        seen = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores, -1), value)
        hidden = hidden + through("attn_output", seen.reshape(*x.shape[:2], -1))
        x = norm(hidden, layer["ffn_norm"])
        hidden = hidden + through("ffn_down", jax.nn.silu(through("ffn_gate", x)) * through("ffn_up", x))
    return norm(hidden, weights["output_norm"]) @ weights["token_embd"].T


def loss_of(logits, tokens, counts):
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits, -1), tokens[:, 1:, None], -1)[..., 0]
    return -jnp.sum(chosen * counts) / jnp.sum(counts)


def fit(parameters, loss, steps: int, rate: float, batches):
    """Adam with a warm-up and a cosine end."""
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    @jax.jit
    def step(state, number, tokens, counts):
        values, first, second = state
        cost, slope = jax.value_and_grad(loss)(values, tokens, counts)
        size = jnp.sqrt(sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(slope)))
        slope = jax.tree.map(lambda leaf: leaf * jnp.minimum(1, 1 / size), slope)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.98 * v + 0.02 * g * g, second, slope)
        now = rate * jnp.minimum(1, number / 50) * (0.05 + 0.95 * 0.5 * (1 + jnp.cos(jnp.pi * number / steps)))
        values = jax.tree.map(
            lambda p, m, v: p - now * (m / (1 - 0.9**number)) / (jnp.sqrt(v / (1 - 0.98**number)) + 1e-8),
            values,
            first,
            second,
        )
        return (values, first, second), cost

    state = (jax.tree.map(jnp.asarray, parameters), zeros, zeros)
    for number in range(1, steps + 1):
        tokens, counts = next(batches)
        state, cost = step(state, float(number), tokens, counts)
        if number % 100 == 0:
            print(f"step {number}: loss {float(cost):.3f}", flush=True)
    return jax.tree.map(np.asarray, state[0])


def train(shape: dict, trained: list[dict], held: list[dict], answer: str) -> dict:
    random = np.random.default_rng(SEED)
    batches = iter(lambda: batch_of(trained, answer, 0.6, random), None)
    weights = fit(
        first_weights(shape, random),
        lambda values, tokens, counts: loss_of(logits_of(values, tokens[:, :-1]), tokens, counts),
        shape["steps"],
        shape["rate"],
        batches,
    )
    print(f"held-out answers right: {share_right(weights, held, answer):.3f}")
    return weights


def train_adapter(weights: dict, trained: list[dict], held: list[dict]) -> list[dict]:
    random = np.random.default_rng(SEED + 1)
    weights = jax.tree.map(jnp.asarray, weights)

    def pair(name: str, layer: dict) -> dict:
        rows, columns = layer[name].shape
        return {
            "a": (random.standard_normal((LORA_RANK, columns)) / np.sqrt(columns)).astype(np.float32),
            "b": np.zeros((rows, LORA_RANK), np.float32),
        }

    batches = iter(lambda: batch_of(trained, "json", 1.0, random), None)
    adapter = fit(
        [{name: pair(name, layer) for name in LORA_TARGETS} for layer in weights["layers"]],
        lambda values, tokens, counts: loss_of(
            logits_of(weights, tokens[:, :-1], values), tokens, jnp.where(counts > 1, counts, 0)
        ),
        300,
        1e-2,
        batches,
    )
    print(f"held-out JSON answers right: {share_right(weights, held, 'json', adapter):.3f}")
    return adapter


def share_right(weights: dict, held: list[dict], answer: str, adapter=None) -> float:
    """Every token of the answer is the likeliest one."""
    right = 0
    forward = jax.jit(logits_of)
    for example in held:
        room = LENGTH - len(example[answer]) - 5
        line = [BEGIN, USER, *example["text"][:room], END, ASSISTANT]
        whole = np.zeros((1, LENGTH), np.int32)
        filled = [*line, *example[answer], END]
        whole[0, : len(filled)] = filled
        best = np.argmax(np.asarray(forward(weights, whole, adapter))[0], -1)
        right += bool(np.array_equal(best[len(line) - 1 : len(filled) - 1], filled[len(line) :]))
    return right / len(held)


def round_to_half(weights: dict) -> dict:
    """As the file holds them: matrices in half precision."""
    return jax.tree.map(lambda leaf: leaf.astype(np.float16).astype(np.float32) if leaf.ndim == 2 else leaf, weights)


def write_model(path: Path, name: str, shape: dict, weights: dict, tokenizer: Tokenizer) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_context_length(512)
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["feed"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kv_heads"])
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(VOCABULARY)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    write_tokenizer(writer, tokenizer)
    writer.add_tensor("token_embd.weight", weights["token_embd"].astype(np.float16))
    writer.add_tensor("output_norm.weight", weights["output_norm"])
    for place, layer in enumerate(weights["layers"]):
        for tensor, values in layer.items():
            writer.add_tensor(f"blk.{place}.{tensor}.weight", values.astype(np.float16) if values.ndim == 2 else values)
    finish(writer)


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    described = json.loads(tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(described["vocab"].items(), key=lambda entry: entry[1])]
    assert tokens[: len(SPECIAL)] == SPECIAL and len(tokens) == VOCABULARY
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges([" ".join(merge) for merge in described["merges"]])
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)


def write_adapter(path: Path, adapter: list[dict]) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_name("Slipway mail sample, JSON answers")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", LORA_ALPHA)
    for place, layer in enumerate(adapter):
        for name, pair in layer.items():
            writer.add_tensor(f"blk.{place}.{name}.weight.lora_a", pair["a"])
            writer.add_tensor(f"blk.{place}.{name}.weight.lora_b", pair["b"])
    finish(writer)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()

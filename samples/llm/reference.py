"""What the sample models say, computed by NumPy from their files: the figures that the engine's tests are held to.

    .venv/bin/python samples/llm/reference.py    writes samples/llm/reference.json

Shares no code with train.py or llama.cpp: the files are read with the `gguf` package, every step is written out in double
precision from the architecture's description (RMSNorm, rotary positions on neighbouring pairs, grouped-query attention, SwiGLU).
"""

import json
from pathlib import Path

import numpy as np
from gguf import GGUFReader

HERE = Path(__file__).parent
TOP = 5
STEPS = 6
PROMPTS = [
    "Subject: Unlimited Cash Bonuses!\n\nEarn $75 Cash Bonus on every annuity, EVERY TIME!",
    "Subject: Re: kernel patch\n\nI applied the patch to 2.4.18 and it builds fine here.",
    "Grüße aus Köln 🎉",
]


class Model:
    def __init__(self, path: Path, adapter: Path | None = None) -> None:
        reader = GGUFReader(path)
        self.weights = {tensor.name: np.asarray(tensor.data, np.float64) for tensor in reader.tensors}
        field = lambda name: reader.fields[name].contents()
        self.layers = field("llama.block_count")
        self.heads = field("llama.attention.head_count")
        self.kv_heads = field("llama.attention.head_count_kv")
        self.head = field("llama.attention.key_length")
        self.epsilon = field("llama.attention.layer_norm_rms_epsilon")
        self.base = field("llama.rope.freq_base")
        self.tokens = field("tokenizer.ggml.tokens")
        self.merges = {tuple(merge.split(" ")): rank for rank, merge in enumerate(field("tokenizer.ggml.merges"))}
        self.ids = {token: place for place, token in enumerate(self.tokens)}
        if adapter is not None:
            self.apply(GGUFReader(adapter))

    def apply(self, reader: GGUFReader) -> None:
        tensors = {tensor.name: np.asarray(tensor.data, np.float64) for tensor in reader.tensors}
        alpha = reader.fields["adapter.lora.alpha"].contents()
        for name in [name.removesuffix(".lora_a") for name in tensors if name.endswith(".lora_a")]:
            down, up = tensors[f"{name}.lora_a"], tensors[f"{name}.lora_b"]
            self.weights[name] = self.weights[name] + alpha / down.shape[0] * (up @ down)

    def hidden(self, tokens: list[int]) -> np.ndarray:
        """After the last norm, of every position."""
        weights, length = self.weights, len(tokens)
        x = weights["token_embd.weight"][tokens]
        turn = np.arange(length)[:, None] / self.base ** (np.arange(0, self.head, 2) / self.head)
        future = np.triu(np.full((length, length), -np.inf), 1)

        def norm(values, gain):
            return values / np.sqrt(np.mean(values**2, -1, keepdims=True) + self.epsilon) * gain

        def rotated(values):
            pairs = values[..., 0::2] + 1j * values[..., 1::2]
            pairs = pairs * np.exp(1j * turn)[:, None, :]
            return np.stack([pairs.real, pairs.imag], -1).reshape(values.shape)

        for layer in range(self.layers):
            part = lambda name, layer=layer: weights[f"blk.{layer}.{name}.weight"]
            y = norm(x, part("attn_norm"))
            q = rotated((y @ part("attn_q").T).reshape(length, self.heads, self.head))
            k = rotated((y @ part("attn_k").T).reshape(length, self.kv_heads, self.head))
            v = (y @ part("attn_v").T).reshape(length, self.kv_heads, self.head)
            seen = np.empty_like(q)
            for head in range(self.heads):
                group = head * self.kv_heads // self.heads
                scores = q[:, head] @ k[:, group].T / np.sqrt(self.head) + future
                shares = np.exp(scores - scores.max(-1, keepdims=True))
                seen[:, head] = shares / shares.sum(-1, keepdims=True) @ v[:, group]
            x = x + seen.reshape(length, -1) @ part("attn_output").T
            y = norm(x, part("ffn_norm"))
            gate = y @ part("ffn_gate").T
            x = x + (gate / (1 + np.exp(-gate)) * (y @ part("ffn_up").T)) @ part("ffn_down").T
        return norm(x, weights["output_norm.weight"])

    def logprobs(self, tokens: list[int]) -> np.ndarray:
        logits = self.hidden(tokens)[-1] @ self.weights["token_embd.weight"].T
        return logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())

    def greedy(self, tokens: list[int], count: int = STEPS, may_end: bool = True) -> list[dict]:
        """The likeliest token at each step, with the likeliest others; up to the end token, or as if there were none."""
        steps, tokens = [], list(tokens)
        for _ in range(count):
            logprobs = self.logprobs(tokens)
            order = np.argsort(-logprobs)[:TOP]
            token = int(order[0] if may_end or order[0] != 1 else order[1])
            steps.append({"token": token, "top": [[int(one), round(float(logprobs[one]), 6)] for one in order]})
            tokens.append(token)
            if token == 1:
                break
        return steps


def byte_characters() -> dict[int, str]:
    """GPT-2's way to write bytes as characters that can be seen."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(0x100 + place) for place, byte in enumerate(hidden)}


def tokenized(model: Model, pieces: list[str]) -> list[int]:
    """Byte pairs merged by rank within pieces; the splitting into words is given, so that no pattern is copied."""
    characters = byte_characters()
    ids = []
    for piece in pieces:
        parts = [characters[byte] for byte in piece.encode()]
        while len(parts) > 1:
            ranks = [model.merges.get(pair, 1 << 30) for pair in zip(parts, parts[1:])]
            best = int(np.argmin(ranks))
            if ranks[best] == 1 << 30:
                break
            parts[best : best + 2] = [parts[best] + parts[best + 1]]
        ids.extend(model.ids[part] for part in parts)
    return ids


def words(text: str) -> list[str]:
    """GPT-2's splitting for the characters that the prompts have."""
    import re

    pattern = r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+"
    return re.findall(pattern, text)


def main() -> None:
    large = Model(HERE / "mail-llm.gguf")
    adapted = Model(HERE / "mail-llm.gguf", HERE / "mail-llm-json.gguf")
    draft = Model(HERE / "mail-llm-draft.gguf")
    cases = []
    for text in PROMPTS:
        inner = tokenized(large, words(text))
        tokens = [0, 3, *inner, 1, 4]
        last = large.hidden([0, *inner])[-1]
        cases.append(
            {
                "text": text,
                "tokens": tokens,
                "answer": large.greedy(tokens),
                # Beyond what it was trained for it is unsure, so whole distributions are compared.
                "onward": large.greedy(tokens, 16, may_end=False),
                "json": adapted.greedy(tokens),
                "draft": draft.greedy(tokens),
                "vector": [round(float(number), 6) for number in last / np.linalg.norm(last)][:8],
            }
        )
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (HERE / "reference.json").write_text(f'{{"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()

"""Writes the small real files of testing/files, each by the library that owns its format.

    python make-files.py files [gguf|safetensors|trees|onnx|pickle|torch|tensorflow]...

Needs gguf, safetensors, xgboost-cpu, lightgbm, onnx, scikit-learn, numpy; torch and tensorflow for their parts.
"""
import json
import os
import pickle
import sys

import numpy as np

folder = sys.argv[1]
parts = sys.argv[2:] or ["gguf", "safetensors", "trees", "onnx", "pickle"]
random = np.random.default_rng(7)


def weights(*shape):
    return random.standard_normal(shape).astype(np.float32)


def path(*names):
    whole = os.path.join(folder, *names)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    return whole


def make_gguf():
    import gguf

    kinds = gguf.GGMLQuantizationType
    tokens = ["<unk>", "<s>", "</s>"] + [f"t{i}" for i in range(61)]

    def common(writer, layers):
        writer.add_name("tiny")
        writer.add_block_count(layers)
        writer.add_context_length(512)
        writer.add_embedding_length(64)
        writer.add_feed_forward_length(64)
        writer.add_head_count(4)
        writer.add_head_count_kv(2)
        writer.add_rope_freq_base(10000.0)
        writer.add_tokenizer_model("llama")
        writer.add_token_list(tokens)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_chat_template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")

    def write(writer):
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    def block(writer, layer, kind):
        for name, shape in [("attn_q", (64, 64)), ("attn_k", (32, 64)), ("attn_v", (32, 64)), ("attn_output", (64, 64))]:
            writer.add_tensor(f"blk.{layer}.{name}.weight", gguf.quantize(weights(*shape), kind), raw_dtype=kind)

    dense = gguf.GGUFWriter(path("llama-q8.gguf"), "llama")
    common(dense, 2)
    dense.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    dense.add_tensor("token_embd.weight", weights(64, 64))
    for layer in range(2):
        block(dense, layer, kinds.Q8_0)
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            dense.add_tensor(f"blk.{layer}.{name}.weight", gguf.quantize(weights(64, 64), kinds.Q8_0), raw_dtype=kinds.Q8_0)
    write(dense)

    mixture = gguf.GGUFWriter(path("moe-q4.gguf"), "llama")
    common(mixture, 1)
    mixture.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    mixture.add_expert_count(4)
    mixture.add_expert_used_count(1)
    mixture.add_tensor("token_embd.weight", weights(64, 64).astype(np.float16))
    block(mixture, 0, kinds.Q4_0)
    for name in ("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"):
        mixture.add_tensor(f"blk.0.{name}.weight", gguf.quantize(weights(4, 64, 64), kinds.Q4_0), raw_dtype=kinds.Q4_0)
    write(mixture)

    adapter = gguf.GGUFWriter(path("lora.gguf"), "llama")
    adapter.add_type("adapter")
    adapter.add_string("adapter.type", "lora")
    adapter.add_float32("adapter.lora.alpha", 16.0)
    adapter.add_tensor("blk.0.attn_q.weight.lora_a", weights(8, 64))
    adapter.add_tensor("blk.0.attn_q.weight.lora_b", weights(64, 8))
    write(adapter)


def make_safetensors():
    from safetensors.numpy import save_file

    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100,
        "max_position_embeddings": 256, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float16",
        "bos_token_id": 1, "eos_token_id": [2, 3],
    }
    tensors = {"model.embed_tokens.weight": weights(100, 64), "lm_head.weight": weights(100, 64), "model.norm.weight": weights(64)}
    for layer in range(2):
        base = f"model.layers.{layer}."
        for name, shape in {
            "self_attn.q_proj": (64, 64), "self_attn.k_proj": (32, 64), "self_attn.v_proj": (32, 64),
            "self_attn.o_proj": (64, 64), "mlp.gate_proj": (128, 64), "mlp.up_proj": (128, 64), "mlp.down_proj": (64, 128),
            "input_layernorm": (64,), "post_attention_layernorm": (64,),
        }.items():
            tensors[f"{base}{name}.weight"] = weights(*shape)
    tensors = {name: tensor.astype(np.float16) for name, tensor in tensors.items()}
    names = sorted(tensors)
    halves = [names[: len(names) // 2], names[len(names) // 2 :]]
    files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    for file, half in zip(files, halves):
        save_file({name: tensors[name] for name in half}, path("llama-folder", file), {"format": "pt"})
    with open(path("llama-folder", "model.safetensors.index.json"), "w") as out:
        json.dump({"metadata": {"total_size": sum(t.nbytes for t in tensors.values())},
                   "weight_map": {name: file for file, half in zip(files, halves) for name in half}}, out)
    for name, value in {
        "config.json": config,
        "generation_config.json": {"bos_token_id": 1, "eos_token_id": [2, 3], "temperature": 0.6},
        "tokenizer_config.json": {"bos_token": "<s>", "eos_token": {"content": "</s>"}, "model_max_length": 256,
                                  "added_tokens_decoder": {"1": {"content": "<s>"}, "2": {"content": "</s>"}},
                                  "chat_template": "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"},
        "tokenizer.json": {"version": "1.0", "added_tokens": [{"id": 2, "content": "</s>", "special": True}], "model": {"type": "BPE", "vocab": {}, "merges": []}},
    }.items():
        with open(path("llama-folder", name), "w") as out:
            json.dump(value, out)

    lora = {}
    for module in ("q_proj", "v_proj"):
        lora[f"base_model.model.model.layers.0.self_attn.{module}.lora_A.weight"] = weights(8, 64)
        lora[f"base_model.model.model.layers.0.self_attn.{module}.lora_B.weight"] = weights(64, 8)
    save_file(lora, path("lora-folder", "adapter_model.safetensors"))
    with open(path("lora-folder", "adapter_config.json"), "w") as out:
        json.dump({"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "v_proj"], "base_model_name_or_path": "tiny/llama"}, out)

    gptq = {**config, "torch_dtype": "float16", "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 32}}
    save_file({
        "model.layers.0.self_attn.q_proj.qweight": random.integers(0, 99, (8, 64)).astype(np.int32),
        "model.layers.0.self_attn.q_proj.qzeros": random.integers(0, 99, (2, 8)).astype(np.int32),
        "model.layers.0.self_attn.q_proj.scales": weights(2, 64).astype(np.float16),
        "model.layers.0.self_attn.q_proj.g_idx": np.zeros(64, np.int32),
        "model.embed_tokens.weight": weights(100, 64).astype(np.float16),
    }, path("gptq-folder", "model.safetensors"))
    with open(path("gptq-folder", "config.json"), "w") as out:
        json.dump(gptq, out)


def make_trees():
    import lightgbm
    import xgboost
    from sklearn.datasets import load_iris

    rows, labels = load_iris(return_X_y=True)
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    data = xgboost.DMatrix(rows, labels, feature_names=names)
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "seed": 1}, data, 3)
    booster.save_model(path("iris.xgb.json"))
    booster.save_model(path("iris.ubj"))
    light = lightgbm.train({"objective": "multiclass", "num_class": 3, "num_leaves": 4, "verbose": -1, "seed": 1},
                           lightgbm.Dataset(rows, labels, feature_name=names), 3)
    light.save_model(path("iris.lgb.txt"))


def make_onnx():
    from onnx import TensorProto, helper, numpy_helper, save

    weight = numpy_helper.from_array(weights(4, 3), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Softmax", ["m"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])], [weight])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="tiny"), path("softmax.onnx"))


class Calls:
    """What an attacker writes: loading it would run a command. It is never loaded here."""

    def __reduce__(self):
        return (os.system, ("true",))


def make_pickle():
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    for name, value, protocol in [("sklearn.pkl", model, 4), ("calls.pkl", Calls(), 4), ("calls-0.pkl", Calls(), 0)]:
        with open(path(name), "wb") as out:
            pickle.dump(value, out, protocol=protocol)


def make_torch():
    import torch

    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, x):
            return torch.softmax(self.layer(x), 1)

    torch.manual_seed(1)
    model = Tiny().eval()
    torch.jit.script(model).save(path("script.pt"))
    program = torch.export.export(model, (torch.zeros(2, 4),), dynamic_shapes=({0: torch.export.Dim("rows")},))
    for node in program.graph.nodes:
        # Traces name the folders of whoever ran this.
        node.meta.pop("stack_trace", None)
    torch.export.save(program, path("program.pt2"))
    torch.save(model.state_dict(), path("state.pt"))


def make_tensorflow():
    import tensorflow as tf

    class Tiny(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(weights(4, 3), name="w")

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def serve(self, x):
            return {"y": tf.nn.softmax(x @ self.w)}

    model = Tiny()
    tf.saved_model.save(model, path("saved-model"), signatures={"serving_default": model.serve})


for part in parts:
    globals()[f"make_{part}"]()

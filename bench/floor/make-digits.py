"""Writes digits.onnx: the size and shape of a logistic regression on 8x8 images of digits, with made-up weights.

    python bench/floor/make-digits.py bench/floor/digits.onnx    (needs onnx and numpy)

For measuring speed only: 64 float features in, a label and ten probabilities out.
"""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

random = np.random.default_rng(1)
weights = random.normal(0, 0.1, (64, 10)).astype(np.float32)
bias = random.normal(0, 0.1, 10).astype(np.float32)
graph = helper.make_graph(
    [
        helper.make_node("Gemm", ["features", "weights", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
    ],
    "digits",
    [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", 64])],
    [
        helper.make_tensor_value_info("label", TensorProto.INT64, ["rows"]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["rows", 10]),
    ],
    [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
checker.check_model(model)
with open(sys.argv[1], "wb") as file:
    file.write(model.SerializeToString())

"""Writes slow.onnx: some 100 ms of work in a file of half a kilobyte, for tests of what goes on meanwhile.

    python src/serving/testing/make-slow.py src/serving/testing/slow.onnx    (needs onnx and numpy)

y = x after 60,000 turns of a loop that multiplies by 1.
"""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

body = helper.make_graph(
    [
        helper.make_node("Identity", ["go_in"], ["go_out"]),
        helper.make_node("Mul", ["value_in", "one"], ["value_out"]),
    ],
    "turn",
    [
        helper.make_tensor_value_info("turn", TensorProto.INT64, []),
        helper.make_tensor_value_info("go_in", TensorProto.BOOL, []),
        helper.make_tensor_value_info("value_in", TensorProto.FLOAT, None),
    ],
    [
        helper.make_tensor_value_info("go_out", TensorProto.BOOL, []),
        helper.make_tensor_value_info("value_out", TensorProto.FLOAT, None),
    ],
)
graph = helper.make_graph(
    [helper.make_node("Loop", ["turns", "go", "x"], ["y"], body=body)],
    "slow",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows"])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows"])],
    [
        numpy_helper.from_array(np.array(60_000, dtype=np.int64), "turns"),
        numpy_helper.from_array(np.array(True), "go"),
        numpy_helper.from_array(np.array(1, dtype=np.float32), "one"),
    ],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
checker.check_model(model)
with open(sys.argv[1], "wb") as file:
    file.write(model.SerializeToString())

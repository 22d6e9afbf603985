"""Writes small ONNX files for the tests. Needs onnx and numpy.

    python src/serving/testing/make-models.py src/serving/testing

slow.onnx: some 100 ms of work in 300 bytes, for tests of what goes on meanwhile: y = x after 60,000 turns of a loop
that multiplies by 1. fixed-1.onnx, fixed-3.onnx: y = x for exactly so many rows.
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

folder = Path(sys.argv[1])


def write(name, graph):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    (folder / name).write_bytes(model.SerializeToString())


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
write("slow.onnx", graph)

for rows in (1, 3):
    write(
        f"fixed-{rows}.onnx",
        helper.make_graph(
            [helper.make_node("Identity", ["x"], ["y"])],
            "fixed",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows])],
        ),
    )

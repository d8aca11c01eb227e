"""The float32 graph of a model whose weights are 8-bit: what its user had before quantising it.

The repository holds the models as int8 only. DynamicQuantizeLinear + MatMulInteger + Cast + Mul become one MatMul with
float32 weights again, and quantised embedding tables become float32 tables. The numbers are those of the int8 weights;
what a float32 model costs depends on its shapes, not on its numbers.

    python float32.py MODEL.int8.onnx MODEL.onnx
"""

import sys

import numpy as np
import onnx
from onnx import numpy_helper


def float32(path, target):
    model = onnx.load(path)
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    value = lambda name: numpy_helper.to_array(constants[name])
    dropped, added = set(), {}

    def dequantized(name, scale, zero):
        weight = value(name).astype(np.float32)
        offset = value(zero).astype(np.float32) if zero in constants else 0.0
        return (weight - offset) * value(scale)

    def constant(name, array):
        added[name] = numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name)

    nodes = []
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            source = producers[node.input[0]]  # DynamicQuantizeLinear
            (cast,) = users[node.output[0]]
            (product,) = users[cast.output[0]]
            scales = producers[next(name for name in product.input if name != cast.output[0])]
            scale = next(name for name in scales.input if name in constants)
            zero = node.input[3] if len(node.input) > 3 else ""
            weight = node.input[1] + "_float32"
            constant(weight, dequantized(node.input[1], scale, zero))
            dropped.update(id(other) for other in (source, cast, product, scales))
            nodes.append(onnx.helper.make_node("MatMul", [source.input[0], weight], [product.output[0]]))
        elif node.op_type == "DequantizeLinear":
            gather = producers[node.input[0]]
            zero = node.input[2] if len(node.input) > 2 else ""
            table = gather.input[0] + "_float32"
            constant(table, dequantized(gather.input[0], node.input[1], zero))
            dropped.add(id(gather))
            nodes.append(onnx.helper.make_node("Gather", [table, gather.input[1]], [node.output[0]]))
        else:
            nodes.append(node)
    kept = [node for node in nodes if id(node) not in dropped]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in used] + list(added.values())
    del graph.initializer[:]
    graph.initializer.extend(tensors)
    left = {node.op_type for node in kept} & {"DynamicQuantizeLinear", "MatMulInteger", "DequantizeLinear"}
    if left:
        raise SystemExit(f"{path}: {sorted(left)} are left; only dynamic int8 models are understood")
    onnx.save(model, target)


if __name__ == "__main__":
    float32(*sys.argv[1:])

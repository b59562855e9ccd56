#!/usr/bin/env python3
"""Makes the tiny ONNX graphs of tests/restore/data. Needs the packages onnx and numpy.

    python3 tools/make_test_graphs.py tests/restore/data

Weights come from a fixed seed, so the files are the same every time. All graphs but `controller` take `input` (N,3,H,W)
float32 in [0,1] and give `output`, but `encoder` a `code` (N,2); batch, height and width are dynamic. `told`, `told_grey`,
`film` and `modulated` take a `condition` as well, as `controller` gives it: of the types clean, noise, haze and an
embedding of two values.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
TYPES, EMBEDDING, VIEW_PX = 3, 2, 16
CONDITION = 2 * TYPES + EMBEDDING
CONTROLLER_INPUTS = {"views": ["views", 3, VIEW_PX, VIEW_PX], "whole": [1, 3, "height", "width"]}
RNG = np.random.default_rng(20)


class Graph:
    """Collects nodes and initialisers; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def fresh(self):
        self.count += 1
        return f"t{self.count}"

    def op(self, kind, *inputs, **attributes):
        name = self.fresh()
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def indices(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def conv(self, name, x, cin, cout, kernel=3, stride=1, gain=1.0):
        values = RNG.normal(size=(cout, cin, kernel, kernel)) * gain * np.sqrt(2.0 / (cin * kernel * kernel))
        weight = self.weight(f"{name}.weight", values)
        bias = self.weight(f"{name}.bias", RNG.normal(size=cout) * 0.05)
        before = (kernel - 1) // 2 if stride == 1 else 0
        return self.op("Conv", x, weight, bias, kernel_shape=[kernel, kernel], strides=[stride, stride],
                       pads=[before] * 4)

    def save(self, path, result, scale=1, channels=3, conditioned=False):
        sides = ["height", "width"] if scale == 1 else ["out_height", "out_width"]
        inputs = {"input": ["batch_size", channels, "height", "width"]}
        if conditioned:
            inputs["condition"] = [1, CONDITION]
        self.write(path, inputs, {"output": (result, ["batch_size", channels, *sides])})

    def write(self, path, inputs, outputs):
        for name, (result, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [result], [name]))
        graph = helper.make_graph(
            self.nodes, path.stem,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, (_, shape) in outputs.items()],
            self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="chiaro tests")
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString())


def identity(path):
    Graph().save(path, "input")


def stack(path):
    """Three 3x3 convolutions and a skip: receptive field 7."""
    g = Graph()
    x = g.op("Relu", g.conv("head", "input", 3, 8))
    x = g.op("Relu", g.conv("body", x, 8, 8))
    x = g.conv("tail", x, 8, 3, gain=0.3)
    g.save(path, g.op("Add", x, "input"))


def unet(path):
    """Two levels of stride 2 (alignment 4), skips, pixel shuffle upwards."""
    g = Graph()
    e0 = g.op("Relu", g.conv("enc0", "input", 3, 8))
    d1 = g.op("Relu", g.conv("down1", e0, 8, 12, kernel=2, stride=2))
    e1 = g.op("Relu", g.conv("enc1", d1, 12, 12))
    d2 = g.op("Relu", g.conv("down2", e1, 12, 16, kernel=2, stride=2))
    m = g.op("Relu", g.conv("mid", d2, 16, 16))
    u1 = g.op("DepthToSpace", g.conv("up1", m, 16, 48, kernel=1), blocksize=2, mode="CRD")
    x = g.op("Relu", g.conv("dec1", g.op("Add", u1, e1), 12, 12))
    u0 = g.op("DepthToSpace", g.conv("up0", x, 12, 32, kernel=1), blocksize=2, mode="CRD")
    x = g.conv("dec0", g.op("Add", u0, e0), 8, 3, gain=0.3)
    g.save(path, g.op("Add", x, "input"))


def twice(path):
    """Scale 2 by pixel shuffle: receptive field 3."""
    g = Graph()
    x = g.conv("up", "input", 3, 12)
    g.save(path, g.op("DepthToSpace", x, blocksize=2, mode="CRD"), scale=2)


def pooled(path):
    """Subtracts a tenth of the mean of the whole input: global statistics."""
    g = Graph()
    mean = g.op("GlobalAveragePool", g.conv("head", "input", 3, 3, gain=0.3))
    g.save(path, g.op("Add", "input", g.op("Mul", mean, g.weight("gain", [0.1]))))


def shifted(path):
    """NaN wherever the picture is exactly 0.25: a network that misbehaves."""
    g = Graph()
    off = g.op("Sub", "input", g.weight("level", [0.25]))
    g.save(path, g.op("Mul", "input", g.op("Div", off, off)))


def grey(path):
    """One channel in, one out."""
    g = Graph()
    x = g.op("Relu", g.conv("head", "input", 1, 4))
    g.save(path, g.op("Add", g.conv("tail", x, 4, 1, gain=0.3), "input"), channels=1)


def controller(path):
    """With m, s the mean and deviation of all views and w the mean of the whole: noise min(1, 4 s), of the rest w haze
    and 1 - w clean; severities 0, min(1, 2 s), m; embedding m, s; novelty 8 (w - 0.5)^2; domains m and 1 - m."""
    g = Graph()
    one = g.weight("one", [[1.0]])
    flat = g.indices("flat", [1, 1])

    def mean(x):
        return g.op("Reshape", g.op("ReduceMean", x, axes=[0, 1, 2, 3], keepdims=1), flat)

    m, w = mean("views"), mean("whole")
    s = g.op("Sqrt", mean(g.op("Pow", g.op("Sub", "views", g.op("Reshape", m, g.indices("cell", [1, 1, 1, 1]))),
                               g.weight("two", [2.0]))))
    noise = g.op("Min", one, g.op("Mul", s, g.weight("four", [[4.0]])))
    rest = g.op("Sub", one, noise)
    strength = g.op("Min", one, g.op("Mul", s, g.weight("double", [[2.0]])))
    condition = g.op("Concat", g.op("Mul", rest, g.op("Sub", one, w)), noise, g.op("Mul", rest, w),
                     g.weight("nothing", [[0.0]]), strength, m, m, s, axis=1)
    off = g.op("Sub", w, g.weight("half", [[0.5]]))
    novelty = g.op("Mul", g.op("Mul", off, off), g.weight("eight", [[8.0]]))
    domain = g.op("Concat", m, g.op("Sub", one, m), axis=1)
    g.write(path, CONTROLLER_INPUTS,
            {"condition": (condition, [1, CONDITION]), "novelty": (novelty, [1, 1]), "domain": (domain, [1, 2])})


def quiet_controller(path):
    """Gives a condition (all zeros, which is none) and says nothing of novelty."""
    g = Graph()
    sum_ = g.op("Add", g.op("ReduceMean", "views", axes=[0, 1, 2, 3], keepdims=1),
                g.op("ReduceMean", "whole", axes=[0, 1, 2, 3], keepdims=1))
    zero = g.op("Mul", g.op("Reshape", sum_, g.indices("flat", [1, 1])), g.weight("zeros", [[0.0] * CONDITION]))
    g.write(path, CONTROLLER_INPUTS, {"condition": (zero, [1, CONDITION])})


def lopsided_controller(path):
    """With p the mean of the first column of the whole: noise p, clean 1 - p; severities 0, p, 0; embedding p, 1;
    novelty p; domains p, 1 - p. So the mirror image is another picture to it."""
    g = Graph()
    one = g.weight("one", [[1.0]])
    column = g.op("Gather", "whole", g.indices("first", [0]), axis=3)
    p = g.op("Reshape", g.op("ReduceMean", column, axes=[0, 1, 2, 3], keepdims=1), g.indices("flat", [1, 1]))
    # The views have to be read, as in any controller.
    unseen = g.op("Mul", g.op("ReduceMean", "views", axes=[0, 1, 2, 3], keepdims=1), g.weight("nothing", [[0.0]]))
    p = g.op("Add", p, g.op("Reshape", unseen, g.indices("cell", [1, 1])))
    none = g.op("Mul", p, g.weight("zero", [[0.0]]))
    rest = g.op("Sub", one, p)
    condition = g.op("Concat", rest, p, none, none, p, none, p, one, axis=1)
    g.write(path, CONTROLLER_INPUTS, {"condition": (condition, [1, CONDITION]), "novelty": (p, [1, 1]),
                                      "domain": (g.op("Concat", p, rest, axis=1), [1, 2])})


def encoder(path):
    """Of each picture the direction of (m - 0.5, 10 v + 0.001), with its mean m and its variance v."""
    g = Graph()
    flat = g.indices("flat", [-1, 1])

    def mean(x):
        return g.op("Reshape", g.op("ReduceMean", x, axes=[1, 2, 3], keepdims=0), flat)

    m = mean("input")
    v = g.op("Sub", mean(g.op("Mul", "input", "input")), g.op("Mul", m, m))
    x = g.op("Sub", m, g.weight("half", [[0.5]]))
    y = g.op("Add", g.op("Mul", v, g.weight("ten", [[10.0]])), g.weight("little", [[0.001]]))
    length = g.op("Sqrt", g.op("Add", g.op("Mul", x, x), g.op("Mul", y, y)))
    code = g.op("Div", g.op("Concat", x, y, axis=1), length)
    g.write(path, {"input": ["batch_size", 3, "height", "width"]}, {"code": (code, ["batch_size", 2])})


def told_sum(g):
    """One number of the condition: 0.1 noise + 0.2 haze + 0.05 (severity of noise) + 0.3 (first of the embedding)."""
    weights = g.weight("weights", [[0.0], [0.1], [0.2], [0.0], [0.05], [0.0], [0.3], [0.0]])
    return g.op("Reshape", g.op("MatMul", "condition", weights), g.indices("cell", [1, 1, 1, 1]))


def told(path):
    """Adds that number to the picture."""
    g = Graph()
    g.save(path, g.op("Add", "input", told_sum(g)), conditioned=True)


def told_grey(path):
    g = Graph()
    g.save(path, g.op("Add", "input", told_sum(g)), channels=1, conditioned=True)


def film(path):
    """Two 3x3 convolutions whose middle is scaled by 1 + that number: receptive field 5."""
    g = Graph()
    x = g.op("Relu", g.conv("head", "input", 3, 8))
    x = g.op("Mul", x, g.op("Add", told_sum(g), g.weight("unit", [1.0])))
    g.save(path, g.op("Add", g.conv("tail", x, 8, 3, gain=0.3), "input"), conditioned=True)


def modulated(path):
    """One 3x3 convolution, each channel scaled by 1 + a perceptron of the condition: two products of matrices."""
    g = Graph()
    x = g.conv("head", "input", 3, 3)
    hidden = g.op("Relu", g.op("MatMul", "condition", g.weight("first", RNG.normal(size=(CONDITION, 16)) * 0.4)))
    scale = g.op("MatMul", hidden, g.weight("second", RNG.normal(size=(16, 3)) * 0.3))
    scale = g.op("Add", g.op("Reshape", scale, g.indices("cell", [1, 3, 1, 1])), g.weight("unit", [1.0]))
    g.save(path, g.op("Mul", x, scale), conditioned=True)


def attentive(path):
    """The picture times the softmax of its channels: an operator that the engine counts as attention."""
    g = Graph()
    g.save(path, g.op("Mul", "input", g.op("Softmax", "input", axis=1)))


def sharpened(path):
    """One 3x3 convolution of the picture, added to it."""
    g = Graph()
    g.save(path, g.op("Add", g.conv("sharp", "input", 3, 3, gain=0.3), "input"))


def grouped(path):
    """The same of two, of which the second sees each channel alone."""
    g = Graph()
    x = g.conv("mixed", "input", 3, 3, kernel=1)
    weight = g.weight("alone.weight", RNG.normal(size=(3, 1, 3, 3)) * 0.1)
    x = g.op("Conv", x, weight, kernel_shape=[3, 3], group=3, pads=[1] * 4)
    g.save(path, g.op("Add", x, "input"))


def main():
    folder = pathlib.Path(sys.argv[1])
    for make in (identity, stack, unet, twice, pooled, shifted, grey, controller, quiet_controller, told, told_grey, film,
                 encoder, attentive, modulated, lopsided_controller, sharpened, grouped):
        make(folder / f"{make.__name__}.onnx")


if __name__ == "__main__":
    main()

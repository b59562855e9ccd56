// Element by element: sums, products, powers, activations.
#include <cmath>
#include <numbers>

#include "chiaro/freeze/operators.h"

namespace chiaro::freeze {
namespace {

// Operators that ONNX knows under another spelling and without options.
void unary(Call& call, const char* op) {
  call.give(call.build.node(op, {call.tensor(0)}));
}
void binary(Call& call, const char* op) {
  call.give(call.build.node(op, {call.operand(0), call.operand(1)}));
}

// alpha · argument 1, for add, sub and rsub.
std::string scaled(Call& call) {
  const std::string other = call.operand(1);
  if (!call.has(2) || call.real(2) == 1) return other;
  return call.build.node("Mul", {other, call.build.number(call.real(2))});
}

void pow(Call& call) {
  if (!call.is<TensorId>(1)) {
    const double exponent = call.real(1);
    if (exponent == 2) return call.give(call.build.node("Mul", {call.tensor(0), call.tensor(0)}));
    if (exponent == 0.5) return unary(call, "Sqrt");
  }
  binary(call, "Pow");
}

void clip(Call& call, bool has_low, std::size_t low, bool has_high, std::size_t high) {
  std::vector<std::string> inputs = {call.tensor(0), has_low ? call.operand(low) : ""};
  if (has_high) inputs.push_back(call.operand(high));
  call.give(call.build.node("Clip", inputs));
}

// Hendrycks & Gimpel 2016: x·Φ(x), or its tanh approximation.
void gelu(Call& call) {
  OnnxBuilder& b = call.build;
  const std::string& x = call.tensor(0);
  std::string gate;
  if (call.has(1) && call.text(1) == "tanh") {
    const std::string cube = b.node("Mul", {b.node("Mul", {x, x}), x});
    const std::string inner = b.node("Add", {x, b.node("Mul", {cube, b.number(0.044715)})});
    gate = b.node("Tanh", {b.node("Mul", {inner, b.number(std::sqrt(2 / std::numbers::pi))})});
  } else {
    gate = b.node("Erf", {b.node("Mul", {x, b.number(1 / std::numbers::sqrt2)})});
  }
  call.give(b.node("Mul", {b.node("Mul", {x, b.node("Add", {gate, b.number(1)})}), b.number(0.5)}));
}

void div(Call& call) {
  const std::string quotient = call.build.node("Div", {call.operand(0), call.operand(1)});
  if (!call.has(2)) return call.give(quotient);
  call.require(call.text(2) == "floor", "no rounding or floor");
  call.give(call.build.node("Floor", {quotient}));
}

void softplus(Call& call) {
  call.require(call.real(1) == 1, "beta = 1");
  unary(call, "Softplus");
}

void elu(Call& call) {
  call.require(call.real(2) == 1 && call.real(3) == 1, "scale = input_scale = 1");
  call.give(
      call.build.node("Elu", {call.tensor(0)}, {{"alpha", static_cast<float>(call.real(1))}}));
}

void prelu(Call& call) {
  // One slope per channel: (C) → (C,1,1).
  std::vector<std::int64_t> shape(
      static_cast<std::size_t>(std::max<std::int64_t>(call.rank(0) - 1, 1)), 1);
  shape[0] = -1;
  call.give(call.build.node(
      "PRelu",
      {call.tensor(0), call.build.node("Reshape", {call.tensor(1), call.build.integers(shape)})}));
}

// Converting to what it already is; everything else would leave float32.
void convert(Call& call) {
  constexpr std::int64_t kFloat32 = 6;  // at::kFloat
  for (std::size_t i = 1; i < 3; ++i) {
    if (call.is<Extent>(i)) call.require(call.integer(i) == kFloat32, "a conversion to float32");
  }
  call.give(call.tensor(0));
}

void same(Call& call) {
  call.give(call.tensor(0));
}

}  // namespace

void add_arithmetic(OperatorTable& table) {
  table["relu"] = [](Call& c) { unary(c, "Relu"); };
  table["sigmoid"] = [](Call& c) { unary(c, "Sigmoid"); };
  table["tanh"] = [](Call& c) { unary(c, "Tanh"); };
  table["exp"] = [](Call& c) { unary(c, "Exp"); };
  table["log"] = [](Call& c) { unary(c, "Log"); };
  table["sqrt"] = [](Call& c) { unary(c, "Sqrt"); };
  table["neg"] = [](Call& c) { unary(c, "Neg"); };
  table["abs"] = [](Call& c) { unary(c, "Abs"); };
  table["erf"] = [](Call& c) { unary(c, "Erf"); };
  table["sin"] = [](Call& c) { unary(c, "Sin"); };
  table["cos"] = [](Call& c) { unary(c, "Cos"); };
  table["floor"] = [](Call& c) { unary(c, "Floor"); };
  table["ceil"] = [](Call& c) { unary(c, "Ceil"); };
  table["reciprocal"] = [](Call& c) { unary(c, "Reciprocal"); };
  table["hardswish"] = [](Call& c) { unary(c, "HardSwish"); };
  table["square"] = [](Call& c) { c.give(c.build.node("Mul", {c.tensor(0), c.tensor(0)})); };
  table["rsqrt"] = [](Call& c) {
    c.give(c.build.node("Reciprocal", {c.build.node("Sqrt", {c.tensor(0)})}));
  };
  table["silu"] = [](Call& c) {
    c.give(c.build.node("Mul", {c.tensor(0), c.build.node("Sigmoid", {c.tensor(0)})}));
  };
  table["mish"] = [](Call& c) {
    const std::string gate = c.build.node("Tanh", {c.build.node("Softplus", {c.tensor(0)})});
    c.give(c.build.node("Mul", {c.tensor(0), gate}));
  };
  table["hardsigmoid"] = [](Call& c) {
    c.give(c.build.node("HardSigmoid", {c.tensor(0)}, {{"alpha", 1.0F / 6.0F}, {"beta", 0.5F}}));
  };
  table["leaky_relu"] = [](Call& c) {
    c.give(c.build.node("LeakyRelu", {c.tensor(0)}, {{"alpha", static_cast<float>(c.real(1))}}));
  };
  table["gelu"] = gelu;
  table["softplus"] = softplus;
  table["elu"] = elu;
  table["prelu"] = prelu;

  table["add"] = [](Call& c) { c.give(c.build.node("Add", {c.operand(0), scaled(c)})); };
  table["sub"] = [](Call& c) { c.give(c.build.node("Sub", {c.operand(0), scaled(c)})); };
  table["rsub"] = [](Call& c) {
    c.require(!c.has(2) || c.real(2) == 1, "alpha = 1");
    c.give(c.build.node("Sub", {c.operand(1), c.operand(0)}));
  };
  table["mul"] = [](Call& c) { binary(c, "Mul"); };
  table["div"] = div;
  table["pow"] = pow;
  table["maximum"] = [](Call& c) { binary(c, "Max"); };
  table["minimum"] = [](Call& c) { binary(c, "Min"); };
  table["addcmul"] = [](Call& c) {
    c.require(!c.has(3) || c.real(3) == 1, "value = 1");
    c.give(c.build.node("Add", {c.tensor(0), c.build.node("Mul", {c.tensor(1), c.tensor(2)})}));
  };
  table["lerp"] = [](Call& c) {
    const std::string way = c.build.node("Sub", {c.tensor(1), c.tensor(0)});
    c.give(c.build.node("Add", {c.tensor(0), c.build.node("Mul", {way, c.operand(2)})}));
  };
  table["clamp"] = [](Call& c) { clip(c, c.has(1), 1, c.has(2), 2); };
  table["hardtanh"] = [](Call& c) { clip(c, true, 1, true, 2); };
  table["relu6"] = [](Call& c) {
    c.give(c.build.node("Clip", {c.tensor(0), c.build.number(0), c.build.number(6)}));
  };
  table["clamp_min"] = [](Call& c) { clip(c, true, 1, false, 0); };
  table["clamp_max"] = [](Call& c) { clip(c, false, 0, true, 1); };

  for (const char* name : {"contiguous", "clone", "detach", "alias", "dropout", "feature_dropout",
                           "alpha_dropout", "type_as", "lift_fresh", "resolve_conj"}) {
    table[name] = same;
  }
  table["to"] = convert;
}

}  // namespace chiaro::freeze

// Matrix products, attention, reductions.
#include <cmath>

#include "chiaro/freeze/operators.h"

namespace chiaro::freeze {
namespace {

std::string swap_last_axes(Call& call, const std::string& tensor, std::int64_t rank) {
  std::vector<std::int64_t> order;
  for (std::int64_t axis = 0; axis < rank; ++axis) order.push_back(axis);
  std::swap(order[order.size() - 2], order[order.size() - 1]);
  return call.build.node("Transpose", {tensor}, {{"perm", order}});
}

void matmul(Call& call) {
  call.give(call.build.node("MatMul", {call.tensor(0), call.tensor(1)}));
}

// x·Wᵀ + b
void linear(Call& call) {
  const std::string product =
      call.build.node("MatMul", {call.tensor(0), swap_last_axes(call, call.tensor(1), 2)});
  call.give(call.has(2) ? call.build.node("Add", {product, call.tensor(2)}) : product);
}

// addmm and baddbmm: added, left, right, beta, alpha.
void add_product(Call& call) {
  call.require(call.real(3) == 1 && call.real(4) == 1, "beta = alpha = 1");
  call.give(call.build.node(
      "Add", {call.build.node("MatMul", {call.tensor(1), call.tensor(2)}), call.tensor(0)}));
}

// Vaswani et al. 2017, eq. 1: softmax(Q·Kᵀ·scale + mask)·V. Arguments: q, k, v, mask, dropout,
// is_causal, scale, gqa.
void attention(Call& call) {
  OnnxBuilder& b = call.build;
  call.require(!call.flag(5) && (call.count() < 8 || !call.flag(7)),
               "neither a causal mask nor grouped queries");
  const double width = static_cast<double>(call.shape(0).back().constant());
  const double scale = call.has(6) ? call.real(6) : 1 / std::sqrt(width);
  const std::string query = b.node("Mul", {call.tensor(0), b.number(scale)});
  std::string weights =
      b.node("MatMul", {query, swap_last_axes(call, call.tensor(1), call.rank(1))});
  if (call.has(3)) weights = b.node("Add", {weights, call.tensor(3)});
  weights = b.node("Softmax", {weights}, {{"axis", std::int64_t{-1}}});
  call.give(b.node("MatMul", {weights, call.tensor(2)}));
}

void softmax(Call& call, const char* op) {
  call.give(call.build.node(op, {call.tensor(0)}, {{"axis", call.axis(1)}}));
}

void einsum(Call& call) {
  call.give(call.build.node("Einsum", call.tensors(1), {{"equation", call.text(0)}}));
}

std::string reduce(Call& call, const std::string& op, const std::string& tensor,
                   const std::vector<std::int64_t>& axes, bool keep) {
  // Since operator set 13 the sum takes its axes as an input, the others not before 18.
  if (op == "ReduceSum") {
    return call.build.node(op, {tensor, call.build.integers(axes)},
                           {{"keepdims", std::int64_t{keep}}});
  }
  return call.build.node(op, {tensor}, {{"axes", axes}, {"keepdims", std::int64_t{keep}}});
}

// mean, sum: (x, dtype) over everything or (x, axes, keep, dtype); amax, amin: (x, axes, keep).
void reduction(Call& call, const char* op) {
  const bool whole = call.count() <= 2;
  call.give(reduce(call, op, call.tensor(0), whole ? call.axes(call.count()) : call.axes(1),
                   !whole && call.flag(2)));
}

struct Moments {
  std::string mean;
  std::string variance;
};

// var, var_mean, std: (x, unbiased), (x, axes, unbiased, keep) or (x, axes, correction, keep).
Moments moments(Call& call) {
  OnnxBuilder& b = call.build;
  const bool whole = call.count() <= 2;
  const auto axes = whole ? call.axes(call.count()) : call.axes(1);
  const bool keep = !whole && call.flag(3);
  const std::size_t at = whole ? 1 : 2;
  const double correction = !call.has(at)       ? 1
                            : call.is<bool>(at) ? (call.flag(at) ? 1 : 0)
                                                : call.real(at);
  const std::string mean = reduce(call, "ReduceMean", call.tensor(0), axes, true);
  const std::string centred = b.node("Sub", {call.tensor(0), mean});
  std::string variance = reduce(call, "ReduceMean", b.node("Mul", {centred, centred}), axes, keep);
  if (correction != 0) {
    double count = 1;
    for (const std::int64_t axis : axes) {
      const Extent side = call.shape(0)[static_cast<std::size_t>(axis)];
      call.require(side.is_constant(),
                   "correction = 0 where the number of values depends on the picture's size");
      count *= static_cast<double>(side.constant());
    }
    variance = b.node("Mul", {variance, b.number(count / (count - correction))});
  }
  return {keep ? mean : reduce(call, "ReduceMean", call.tensor(0), axes, false), variance};
}

// norm: (x, p, axes, keep, …); linalg_vector_norm: (x, p, axes, keep, dtype). The norm of order 1
// is spelt out, because OpenVINO 2026.4 reduces ReduceL1 of this operator set over every axis.
void norm(Call& call) {
  const double order = call.has(1) ? call.real(1) : 2;
  call.require(order == 1 || order == 2, "the norm of order 1 or 2");
  const bool whole = call.count() <= 2;
  const auto axes = whole ? call.axes(call.count()) : call.axes(2);
  const bool keep = !whole && call.flag(3);
  if (order == 2) return call.give(reduce(call, "ReduceL2", call.tensor(0), axes, keep));
  call.give(reduce(call, "ReduceSum", call.build.node("Abs", {call.tensor(0)}), axes, keep));
}

}  // namespace

void add_products(OperatorTable& table) {
  table["matmul"] = table["mm"] = table["bmm"] = matmul;
  table["linear"] = linear;
  table["addmm"] = table["baddbmm"] = add_product;
  table["scaled_dot_product_attention"] = attention;
  table["softmax"] = table["_softmax"] = [](Call& c) { softmax(c, "Softmax"); };
  table["log_softmax"] = [](Call& c) { softmax(c, "LogSoftmax"); };
  table["einsum"] = einsum;
  table["mean"] = [](Call& c) { reduction(c, "ReduceMean"); };
  table["sum"] = [](Call& c) { reduction(c, "ReduceSum"); };
  table["amax"] = [](Call& c) { reduction(c, "ReduceMax"); };
  table["amin"] = [](Call& c) { reduction(c, "ReduceMin"); };
  table["var"] = [](Call& c) { c.give(moments(c).variance); };
  table["std"] = [](Call& c) { c.give(c.build.node("Sqrt", {moments(c).variance})); };
  table["var_mean"] = [](Call& c) {
    const Moments both = moments(c);
    c.give(both.variance, 0);
    c.give(both.mean, 1);
  };
  table["norm"] = table["linalg_vector_norm"] = norm;
}

}  // namespace chiaro::freeze

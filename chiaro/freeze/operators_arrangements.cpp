// Shapes, slices, permutations, padding.
#include <limits>

#include "chiaro/freeze/operators.h"

namespace chiaro::freeze {
namespace {

using Integers = std::vector<std::int64_t>;

// 0 copies the axis at the same place, -1 is what remains; only what neither can say is computed
// from the input.
std::string reshaped(Call& call, const std::string& tensor, const std::vector<Extent>& from,
                     const std::vector<Extent>& to) {
  std::vector<Extent> target = to;
  bool has_rest = false;
  for (std::size_t axis = 0; axis < to.size(); ++axis) {
    if (to[axis].is_constant()) continue;
    if (axis < from.size() && to[axis] == from[axis]) {
      target[axis] = Extent::of(0);
    } else if (!has_rest) {
      target[axis] = Extent::of(-1);
      has_rest = true;
    }
  }
  return call.build.node("Reshape", {tensor, call.build.extents(target)});
}

// view, reshape, flatten, unflatten, squeeze: the shape of the result says it all.
void reshape(Call& call) {
  call.give(reshaped(call, call.tensor(0), call.shape(0), call.result_shape()));
}

void expand(Call& call) {
  call.give(call.build.node("Expand", {call.tensor(0), call.build.extents(call.result_shape())}));
}

void repeat(Call& call) {
  const auto times = call.extents(1);
  std::string tensor = call.tensor(0);
  Integers new_axes;
  for (std::size_t axis = 0; axis + call.shape(0).size() < times.size(); ++axis) {
    new_axes.push_back(static_cast<std::int64_t>(axis));
  }
  if (!new_axes.empty())
    tensor = call.build.node("Unsqueeze", {tensor, call.build.integers(new_axes)});
  call.give(call.build.node("Tile", {tensor, call.build.extents(times)}));
}

void unsqueeze(Call& call) {
  std::int64_t axis = call.integer(1);
  if (axis < 0) axis += call.rank(0) + 1;
  call.give(call.build.node("Unsqueeze", {call.tensor(0), call.build.integers({axis})}));
}

void permute(Call& call) {
  call.give(call.build.node("Transpose", {call.tensor(0)}, {{"perm", call.axes(1)}}));
}

void swap_axes(Call& call, std::int64_t first, std::int64_t second) {
  Integers order;
  for (std::int64_t axis = 0; axis < call.rank(0); ++axis) order.push_back(axis);
  if (!order.empty())
    std::swap(order[static_cast<std::size_t>(first)], order[static_cast<std::size_t>(second)]);
  call.give(call.build.node("Transpose", {call.tensor(0)}, {{"perm", order}}));
}

const Extent kToTheEnd = Extent::of(std::numeric_limits<std::int64_t>::max());

std::string sliced(Call& call, const std::string& tensor, std::int64_t axis, const Extent& begin,
                   const Extent& end, std::int64_t step = 1) {
  OnnxBuilder& b = call.build;
  return b.node("Slice", {tensor, b.extents({begin}), b.extents({end}), b.integers({axis}),
                          b.integers({step})});
}

// x, axis, begin, end, step
void slice(Call& call) {
  const Extent begin = call.has(2) ? call.extent(2) : Extent::of(0);
  const Extent end = call.has(3) ? call.extent(3) : kToTheEnd;
  call.give(sliced(call, call.tensor(0), call.axis(1), begin, end, call.integer(4)));
}

void narrow(Call& call) {
  call.give(
      sliced(call, call.tensor(0), call.axis(1), call.extent(2), call.extent(2) + call.extent(3)));
}

void select(Call& call) {
  call.give(call.build.node("Gather", {call.tensor(0), call.build.index(call.integer(2))},
                            {{"axis", call.axis(1)}}));
}

// x, axis, places
void pick(Call& call) {
  call.give(call.build.node("Gather", {call.tensor(0), call.tensor(2)}, {{"axis", call.axis(1)}}));
}

// chunk, split: the results' shapes say where to cut.
std::vector<std::string> cut(Call& call, std::int64_t axis) {
  std::vector<Extent> sizes;
  for (std::size_t i = 0; i < call.result_count(); ++i) {
    sizes.push_back(call.result_shape(i).size() == call.shape(0).size()
                        ? call.result_shape(i)[static_cast<std::size_t>(axis)]
                        : Extent::of(1));
  }
  if (sizes.size() == 1) return {call.build.node("Identity", {call.tensor(0)})};
  return call.build.node_of(sizes.size(), "Split", {call.tensor(0), call.build.extents(sizes)},
                            {{"axis", axis}});
}

void split(Call& call) {
  const auto parts = cut(call, call.axis(2));
  for (std::size_t i = 0; i < parts.size(); ++i) call.give(parts[i], i);
}

void unbind(Call& call) {
  const std::int64_t axis = call.axis(1);
  const auto parts = cut(call, axis);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    call.give(call.build.node("Squeeze", {parts[i], call.build.integers({axis})}), i);
  }
}

void concatenate(Call& call) {
  std::int64_t axis = call.integer(1);
  if (axis < 0) axis += static_cast<std::int64_t>(call.result_shape().size());
  call.give(call.build.node("Concat", call.tensors(0), {{"axis", axis}}));
}

void stack(Call& call) {
  std::int64_t axis = call.integer(1);
  if (axis < 0) axis += static_cast<std::int64_t>(call.result_shape().size());
  std::vector<std::string> parts;
  for (const std::string& name : call.tensors(0)) {
    parts.push_back(call.build.node("Unsqueeze", {name, call.build.integers({axis})}));
  }
  call.give(call.build.node("Concat", parts, {{"axis", axis}}));
}

// Cyclic shift: the last s rows go to the front. x, shifts, axes.
void roll(Call& call) {
  const Integers shifts = call.integers(1);
  const Integers axes = call.integers(2);
  call.require(shifts.size() == axes.size(), "one axis for each shift");
  std::string tensor = call.tensor(0);
  for (std::size_t i = 0; i < shifts.size(); ++i) {
    if (shifts[i] == 0) continue;
    const std::int64_t axis = axes[i] < 0 ? axes[i] + call.rank(0) : axes[i];
    const Extent seam = Extent::of(-shifts[i]);
    tensor = call.build.node("Concat",
                             {sliced(call, tensor, axis, seam, kToTheEnd),
                              sliced(call, tensor, axis, Extent::of(0), seam)},
                             {{"axis", axis}});
  }
  call.give(tensor);
}

// libtorch: (begin, end) from the last axis on; ONNX: all beginnings, then all ends.
void pad(Call& call, const std::string& mode, const std::string& value) {
  const auto given = call.extents(1);
  const auto rank = static_cast<std::size_t>(call.rank(0));
  std::vector<Extent> pads(2 * rank, Extent::of(0));
  for (std::size_t k = 0; 2 * k + 1 < given.size(); ++k) {
    pads[rank - 1 - k] = given[2 * k];
    pads[2 * rank - 1 - k] = given[2 * k + 1];
  }
  std::vector<std::string> inputs = {call.tensor(0), call.build.extents(pads)};
  if (!value.empty()) inputs.push_back(value);
  call.give(call.build.node("Pad", inputs, {{"mode", mode}}));
}

void pad_by_name(Call& call) {
  const std::string& mode = call.text(2);
  call.require(mode == "constant" || mode == "reflect" || mode == "replicate",
               "padding by a constant, reflect or replicate");
  if (mode == "constant") return pad(call, mode, call.has(3) ? call.operand(3) : "");
  pad(call, mode == "reflect" ? "reflect" : "edge", "");
}

}  // namespace

void add_arrangements(OperatorTable& table) {
  for (const char* name : {"view", "reshape", "_unsafe_view", "_reshape_alias", "view_as",
                           "reshape_as", "flatten", "unflatten", "squeeze"}) {
    table[name] = reshape;
  }
  table["expand"] = table["expand_as"] = expand;
  table["repeat"] = repeat;
  table["unsqueeze"] = unsqueeze;
  table["zeros"] = [](Call& c) {
    c.give(c.build.node("ConstantOfShape", {c.build.extents(c.extents(0))}));
  };
  table["permute"] = permute;
  table["transpose"] = [](Call& c) { swap_axes(c, c.axis(1), c.axis(2)); };
  table["t"] = [](Call& c) { swap_axes(c, 0, c.rank(0) - 1); };
  table["slice"] = slice;
  table["narrow"] = narrow;
  table["select"] = select;
  table["index_select"] = pick;
  for (const char* name : {"chunk", "unsafe_chunk", "split", "unsafe_split", "split_with_sizes",
                           "unsafe_split_with_sizes", "tensor_split"}) {
    table[name] = split;
  }
  table["unbind"] = unbind;
  table["cat"] = concatenate;
  table["stack"] = stack;
  table["roll"] = roll;
  table["constant_pad_nd"] = [](Call& c) { pad(c, "constant", c.operand(2)); };
  table["reflection_pad2d"] = [](Call& c) { pad(c, "reflect", ""); };
  table["replication_pad2d"] = [](Call& c) { pad(c, "edge", ""); };
  table["pad"] = pad_by_name;
}

}  // namespace chiaro::freeze

#include "chiaro/freeze/operators.h"

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::freeze {
namespace {

std::string placed(const TracedNode& node) {
  return node.place.empty() ? node.op : node.op + " near module '" + node.place + "'";
}

}  // namespace

void Call::require(bool condition, const std::string& expected) const {
  CHIARO_CHECK(condition, Usage,
               "[freeze.export] {} is used in a way that has no ONNX form; expected {}",
               placed(node_), expected);
}

template <typename T>
const T& Call::argument(std::size_t i, const char* expected) const {
  require(is<T>(i), "argument " + std::to_string(i) + " to be " + expected);
  return std::get<T>(node_.arguments[i]);
}

bool Call::has(std::size_t i) const {
  return i < count() && !is<std::monostate>(i);
}

const std::string& Call::tensor(std::size_t i) const {
  return build.name(argument<TensorId>(i, "a tensor"));
}

std::vector<std::string> Call::tensors(std::size_t i) const {
  std::vector<std::string> names;
  for (const TensorId id : argument<std::vector<TensorId>>(i, "a list of tensors"))
    names.push_back(build.name(id));
  return names;
}

const std::vector<Extent>& Call::shape(std::size_t i) const {
  return graph_.tensors[argument<TensorId>(i, "a tensor").index].shape;
}

std::int64_t Call::rank(std::size_t i) const {
  return static_cast<std::int64_t>(shape(i).size());
}

Extent Call::extent(std::size_t i) const {
  return argument<Extent>(i, "a whole number");
}

std::vector<Extent> Call::extents(std::size_t i) const {
  if (is<Extent>(i)) return {extent(i)};
  return argument<std::vector<Extent>>(i, "a list of whole numbers");
}

std::int64_t Call::integer(std::size_t i) const {
  const Extent value = extent(i);
  require(value.is_constant(),
          "argument " + std::to_string(i) + " not to depend on the picture's size");
  return value.constant();
}

std::vector<std::int64_t> Call::integers(std::size_t i) const {
  std::vector<std::int64_t> values;
  for (const Extent& value : extents(i)) {
    require(value.is_constant(),
            "argument " + std::to_string(i) + " not to depend on the picture's size");
    values.push_back(value.constant());
  }
  return values;
}

double Call::real(std::size_t i) const {
  if (is<Extent>(i)) return static_cast<double>(integer(i));
  return argument<double>(i, "a number");
}

bool Call::flag(std::size_t i) const {
  return argument<bool>(i, "true or false");
}

const std::string& Call::text(std::size_t i) const {
  return argument<std::string>(i, "text");
}

std::string Call::operand(std::size_t i) const {
  if (is<TensorId>(i)) return tensor(i);
  if (is<Extent>(i) && !extent(i).is_constant()) {
    return build.node("Cast", {build.extents({extent(i)})},
                      {{"to", static_cast<std::int64_t>(OnnxType::Float)}});
  }
  return build.number(real(i));
}

std::int64_t Call::axis(std::size_t i) const {
  const std::int64_t given = integer(i);
  return given < 0 ? given + rank(0) : given;
}

std::vector<std::int64_t> Call::axes(std::size_t i) const {
  std::vector<std::int64_t> list;
  if (has(i)) list = integers(i);
  for (std::int64_t& given : list) given = given < 0 ? given + rank(0) : given;
  if (list.empty()) {
    for (std::int64_t k = 0; k < rank(0); ++k) list.push_back(k);
  }
  return list;
}

const std::vector<Extent>& Call::result_shape(std::size_t i) const {
  return graph_.tensors[node_.outputs.at(i).index].shape;
}

void Call::give(const std::string& name, std::size_t i) const {
  build.bind(node_.outputs.at(i), name);
}

const OperatorTable& operator_table() {
  static const OperatorTable table = [] {
    OperatorTable made;
    add_arithmetic(made);
    add_layers(made);
    add_products(made);
    add_arrangements(made);
    return made;
  }();
  return table;
}

OnnxModel to_onnx(const TracedGraph& graph) {
  OnnxBuilder builder(graph);
  constexpr std::string_view kNamespace = "aten::";
  for (const TracedNode& node : graph.nodes) {
    const std::string key =
        node.op.starts_with(kNamespace) ? node.op.substr(kNamespace.size()) : node.op;
    const auto entry = operator_table().find(key);
    CHIARO_CHECK(entry != operator_table().end(), Usage,
                 "[freeze.export] the network uses an operator that cannot be frozen; got {}; "
                 "expected one of the {} "
                 "in chiaro/freeze/operators",
                 placed(node), operator_table().size());
    builder.set_place(node.place);
    Call call(builder, graph, node);
    entry->second(call);
  }
  return builder.finish();
}

}  // namespace chiaro::freeze

#include "chiaro/freeze/onnx_file.h"

#include <cstring>
#include <optional>

#include "chiaro/base/error.h"

namespace chiaro::freeze {
namespace {

// Field numbers of onnx.proto, message by message.
namespace model_field {
constexpr int kIrVersion = 1, kProducerName = 2, kProducerVersion = 3, kGraph = 7, kOpsetImport = 8,
              kMetadata = 14;
}
namespace opset_field {
constexpr int kDomain = 1, kVersion = 2;
}
namespace entry_field {
constexpr int kKey = 1, kValue = 2;
}
namespace graph_field {
constexpr int kNode = 1, kName = 2, kInitializer = 5, kInput = 11, kOutput = 12;
}
namespace node_field {
constexpr int kInput = 1, kOutput = 2, kName = 3, kOpType = 4, kAttribute = 5;
}
namespace attribute_field {
constexpr int kName = 1, kFloat = 2, kInt = 3, kString = 4, kInts = 8, kType = 20;
}
namespace tensor_field {
constexpr int kDims = 1, kDataType = 2, kName = 8, kRawData = 9;
}
namespace value_info_field {
constexpr int kName = 1, kType = 2;
}
namespace type_field {
constexpr int kTensorType = 1, kDenotation = 6;
}
namespace tensor_type_field {
constexpr int kElementType = 1, kShape = 2;
}
namespace shape_field {
constexpr int kDim = 1;
}
namespace dim_field {
constexpr int kValue = 1, kParam = 2, kDenotation = 3;
}
// AttributeProto.AttributeType, in the order of OnnxAttribute::value's alternatives.
constexpr std::int64_t kAttributeTypes[] = {2, 1, 3, 7};

enum class Wire { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

class Writer {
 public:
  void integer(int field, std::int64_t value) {
    tag(field, Wire::Varint);
    varint(static_cast<std::uint64_t>(value));
  }
  void real(int field, float value) {
    tag(field, Wire::Fixed32);
    append(&value, sizeof value);
  }
  void bytes(int field, const void* data, std::size_t size) {
    tag(field, Wire::Bytes);
    varint(size);
    append(data, size);
  }
  void text(int field, const std::string& value) { bytes(field, value.data(), value.size()); }
  void message(int field, const Writer& inner) {
    bytes(field, inner.out_.data(), inner.out_.size());
  }
  std::vector<std::byte> take() { return std::move(out_); }

 private:
  void tag(int field, Wire wire) {
    varint(static_cast<std::uint64_t>(field) << 3U | static_cast<std::uint64_t>(wire));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_.push_back(static_cast<std::byte>(value | 0x80U));
    out_.push_back(static_cast<std::byte>(value));
  }
  void append(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    out_.insert(out_.end(), first, first + size);
  }
  std::vector<std::byte> out_;
};

Writer write_tensor(const OnnxTensor& tensor) {
  Writer out;
  for (const std::int64_t side : tensor.shape) out.integer(tensor_field::kDims, side);
  out.integer(tensor_field::kDataType, static_cast<std::int64_t>(tensor.type));
  out.text(tensor_field::kName, tensor.name);
  out.bytes(tensor_field::kRawData, tensor.bytes.data(), tensor.bytes.size());
  return out;
}

Writer write_attribute(const OnnxAttribute& attribute) {
  Writer out;
  out.text(attribute_field::kName, attribute.name);
  if (const auto* i = std::get_if<std::int64_t>(&attribute.value))
    out.integer(attribute_field::kInt, *i);
  if (const auto* f = std::get_if<float>(&attribute.value)) out.real(attribute_field::kFloat, *f);
  if (const auto* s = std::get_if<std::string>(&attribute.value))
    out.text(attribute_field::kString, *s);
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&attribute.value)) {
    for (const std::int64_t i : *list) out.integer(attribute_field::kInts, i);
  }
  out.integer(attribute_field::kType, kAttributeTypes[attribute.value.index()]);
  return out;
}

Writer write_node(const OnnxNode& node) {
  Writer out;
  for (const auto& name : node.inputs) out.text(node_field::kInput, name);
  for (const auto& name : node.outputs) out.text(node_field::kOutput, name);
  out.text(node_field::kName, node.name);
  out.text(node_field::kOpType, node.op);
  for (const auto& attribute : node.attributes)
    out.message(node_field::kAttribute, write_attribute(attribute));
  return out;
}

Writer write_port(const OnnxPort& port) {
  Writer shape;
  for (std::size_t axis = 0; axis < port.shape.size(); ++axis) {
    Writer dim;
    if (const auto* side = std::get_if<std::int64_t>(&port.shape[axis]))
      dim.integer(dim_field::kValue, *side);
    if (const auto* name = std::get_if<std::string>(&port.shape[axis]))
      dim.text(dim_field::kParam, *name);
    if (axis < port.axis_denotations.size())
      dim.text(dim_field::kDenotation, port.axis_denotations[axis]);
    shape.message(shape_field::kDim, dim);
  }
  Writer tensor;
  tensor.integer(tensor_type_field::kElementType, static_cast<std::int64_t>(OnnxType::Float));
  tensor.message(tensor_type_field::kShape, shape);
  Writer type;
  type.message(type_field::kTensorType, tensor);
  if (!port.denotation.empty()) type.text(type_field::kDenotation, port.denotation);
  Writer out;
  out.text(value_info_field::kName, port.name);
  out.message(value_info_field::kType, type);
  return out;
}

// Walks the fields of one message; everything it hands out lies inside the given bytes.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& origin)
      : bytes_(bytes), origin_(&origin) {}

  // Goes to the next field; false at the end.
  bool next() {
    if (bytes_.empty()) return false;
    const std::uint64_t key = varint();
    field_ = key >> 3U;
    switch (key & 7U) {
      case static_cast<std::uint64_t>(Wire::Varint):
        value_ = varint();
        break;
      case static_cast<std::uint64_t>(Wire::Fixed64):
        payload_ = take(8);
        break;
      case static_cast<std::uint64_t>(Wire::Bytes):
        payload_ = take(varint());
        break;
      case static_cast<std::uint64_t>(Wire::Fixed32):
        payload_ = take(4);
        break;
      default:
        damaged("an unknown wire type");
    }
    wire_ = static_cast<Wire>(key & 7U);
    return true;
  }
  bool is(int field, Wire wire) const {
    return field_ == static_cast<std::uint64_t>(field) && wire_ == wire;
  }
  std::int64_t integer() const { return static_cast<std::int64_t>(value_); }
  std::span<const std::byte> payload() const { return payload_; }
  std::string text() const {
    return {reinterpret_cast<const char*>(payload_.data()), payload_.size()};
  }
  Reader inner() const { return {payload_, *origin_}; }

  [[noreturn]] void damaged(const std::string& what) const {
    fail(ErrorCode::Bundle, "[freeze.read_onnx_initializers] {}: the graph is damaged; got {}",
         *origin_, what);
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint64_t>(take(1)[0]);
      value |= (byte & 0x7FU) << shift;
      if (byte < 0x80U) return value;
    }
    damaged("a number without end");
  }
  std::span<const std::byte> take(std::uint64_t size) {
    if (size > bytes_.size()) damaged("a field that is longer than the file");
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  std::span<const std::byte> bytes_;
  const std::string* origin_;
  std::uint64_t field_ = 0;
  Wire wire_ = Wire::Varint;
  std::uint64_t value_ = 0;
  std::span<const std::byte> payload_;
};

std::optional<OnnxTensor> read_tensor(Reader in) {
  OnnxTensor tensor;
  std::int64_t type = 0;
  std::span<const std::byte> raw;
  while (in.next()) {
    if (in.is(tensor_field::kDims, Wire::Varint)) tensor.shape.push_back(in.integer());
    if (in.is(tensor_field::kDims, Wire::Bytes)) in.damaged("packed dimensions");
    if (in.is(tensor_field::kDataType, Wire::Varint)) type = in.integer();
    if (in.is(tensor_field::kName, Wire::Bytes)) tensor.name = in.text();
    if (in.is(tensor_field::kRawData, Wire::Bytes)) raw = in.payload();
  }
  tensor.type = static_cast<OnnxType>(type);
  const std::size_t element = onnx_type_size(tensor.type);
  if (element == 0) return std::nullopt;
  std::size_t elements = 1;
  for (const std::int64_t side : tensor.shape) {
    if (side < 0 || (side > 0 && elements > raw.size() / static_cast<std::size_t>(side))) {
      in.damaged("an initialiser '" + tensor.name + "' whose shape does not fit its bytes");
    }
    elements *= static_cast<std::size_t>(side);
  }
  if (elements * element != raw.size()) {
    in.damaged("an initialiser '" + tensor.name + "' whose shape does not fit its bytes");
  }
  tensor.bytes.assign(raw.begin(), raw.end());
  return tensor;
}

}  // namespace

std::size_t onnx_type_size(OnnxType type) {
  switch (type) {
    case OnnxType::Float:
      return 4;
    case OnnxType::Int64:
      return 8;
    case OnnxType::Bool:
      return 1;
    case OnnxType::Half:
      return 2;
  }
  return 0;
}

std::vector<std::byte> serialize_onnx(const OnnxModel& model) {
  Writer graph;
  for (const auto& node : model.nodes) graph.message(graph_field::kNode, write_node(node));
  graph.text(graph_field::kName, model.graph_name);
  for (const auto& tensor : model.initializers)
    graph.message(graph_field::kInitializer, write_tensor(tensor));
  for (const auto& port : model.inputs) graph.message(graph_field::kInput, write_port(port));
  for (const auto& port : model.outputs) graph.message(graph_field::kOutput, write_port(port));
  Writer opset;
  opset.text(opset_field::kDomain, "");
  opset.integer(opset_field::kVersion, kOnnxOpset);
  Writer out;
  out.integer(model_field::kIrVersion, kOnnxIrVersion);
  out.text(model_field::kProducerName, "chiaro");
  out.text(model_field::kProducerVersion, model.producer_version);
  out.message(model_field::kGraph, graph);
  out.message(model_field::kOpsetImport, opset);
  for (const auto& [key, value] : model.metadata) {
    Writer entry;
    entry.text(entry_field::kKey, key);
    entry.text(entry_field::kValue, value);
    out.message(model_field::kMetadata, entry);
  }
  return out.take();
}

std::vector<OnnxTensor> read_onnx_initializers(std::span<const std::byte> file,
                                               const std::string& origin) {
  std::vector<OnnxTensor> tensors;
  bool has_graph = false;
  for (Reader model(file, origin); model.next();) {
    if (!model.is(model_field::kGraph, Wire::Bytes)) continue;
    has_graph = true;
    for (Reader graph = model.inner(); graph.next();) {
      if (!graph.is(graph_field::kInitializer, Wire::Bytes)) continue;
      if (auto tensor = read_tensor(graph.inner())) tensors.push_back(std::move(*tensor));
    }
  }
  CHIARO_CHECK(has_graph, Bundle,
               "[freeze.read_onnx_initializers] {}: not an ONNX graph; got {} bytes without one",
               origin, file.size());
  return tensors;
}

}  // namespace chiaro::freeze

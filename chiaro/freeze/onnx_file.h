// The ONNX file format, as far as networks need it (onnx.proto of ONNX IR version 8).
//
// Messages are written and read here at the level of the protocol-buffer wire format instead of
// through libprotobuf: libtorch carries its own, older protobuf, of which it exports some symbols
// and headers, and two versions in one process are a known source of crashes. The wire format is
// public, small and frozen, and writing it directly gives the same bytes for the same graph on
// every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chiaro::freeze {

/// Operator set that graphs state, and the file version that goes with it.
inline constexpr int kOnnxOpset = 17;
inline constexpr int kOnnxIrVersion = 8;

/// Element types, numbered as TensorProto.DataType.
enum class OnnxType { Float = 1, Int64 = 7, Bool = 9, Half = 10 };

std::size_t onnx_type_size(OnnxType type);  ///< bytes

/// A constant tensor. Row-major little-endian values.
struct OnnxTensor {
  std::string name;
  OnnxType type = OnnxType::Float;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

struct OnnxAttribute {
  std::string name;
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>> value;
};

struct OnnxNode {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;  ///< "": an optional input left out
  std::vector<std::string> outputs;
  std::vector<OnnxAttribute> attributes;
};

/// A graph input or output: float32 with named or fixed axes.
struct OnnxPort {
  std::string name;
  std::vector<std::variant<std::int64_t, std::string>> shape;
  std::string denotation;                     ///< of the type, e.g. "IMAGE"; may be empty
  std::vector<std::string> axis_denotations;  ///< one per axis, e.g. "DATA_BATCH"; or empty
};

struct OnnxModel {
  std::string graph_name;
  std::string producer_version;
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  std::vector<OnnxPort> inputs;
  std::vector<OnnxPort> outputs;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< metadata_props
};

/// The bytes of an .onnx file; the same model gives the same bytes.
std::vector<std::byte> serialize_onnx(const OnnxModel& model);

/// The initialisers of an .onnx file that has them as raw_data (as serialize_onnx writes). Other
/// element types than OnnxType's are skipped. Errors: Bundle (damaged); `origin` names the file.
std::vector<OnnxTensor> read_onnx_initializers(std::span<const std::byte> file,
                                               const std::string& origin);

}  // namespace chiaro::freeze

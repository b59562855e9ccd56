#include "chiaro/freeze/freeze.h"

#include <ATen/core/grad_mode.h>
#include <ATen/Functions.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "chiaro/base/rng.h"
#include "chiaro/base/sha256.h"
#include "chiaro/base/text.h"
#include "chiaro/base/version.h"
#include "chiaro/bundle/safetensors.h"
#include "chiaro/checkpoint/module_state.h"
#include "chiaro/freeze/card.h"
#include "chiaro/freeze/evaluation_mode.h"
#include "chiaro/freeze/export.h"
#include "chiaro/freeze/half_weights.h"
#include "chiaro/freeze/trace.h"

namespace chiaro::freeze {
namespace {

constexpr std::int64_t kChannels = 3;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

// The smallest multiple of the alignment that is at least `least`.
std::int64_t aligned(std::int64_t least, std::int64_t alignment_px) {
  return (least + alignment_px - 1) / alignment_px * alignment_px;
}

// What Windows ML and other readers look for, then our own keys.
Metadata graph_metadata(const bundle::Manifest& manifest) {
  return {{"model_author", manifest.created_by},
          {"model_license", manifest.license},
          {"Image.BitmapPixelFormat", "Rgb8"},
          {"Image.ColorSpaceGamma", "SRGB"},
          {"Image.NominalPixelRange", "Normalized_0_1"},
          {"chiaro.bundle_version", std::to_string(manifest.format_version)},
          {"chiaro.network", manifest.network},
          {"chiaro.scale", std::to_string(manifest.scale)},
          {"chiaro.alignment_px", std::to_string(manifest.alignment_px)},
          {"chiaro.receptive_field_px", std::to_string(manifest.receptive_field_px)},
          {"chiaro.global_statistics", manifest.global_statistics ? "true" : "false"},
          {"chiaro.labels", join(manifest.labels, ",")}};
}

// A picture with what photographs have: slow shading, an edge, fine texture, grain. (1,3,H,W) in
// [0,1].
at::Tensor test_picture(std::int64_t height, std::int64_t width, std::uint64_t seed) {
  Rng rng(seed);
  at::Tensor picture = at::empty({1, kChannels, height, width}, at::kFloat);
  float* value = picture.mutable_data_ptr<float>();
  for (std::int64_t c = 0; c < kChannels; ++c) {
    const double slope = rng.uniform(-0.5, 0.5);
    const double pitch = rng.uniform(0.5, 2.5);
    const double edge = rng.uniform(0.3, 0.7);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const double u = static_cast<double>(x) / static_cast<double>(width);
        const double v = static_cast<double>(y) / static_cast<double>(height);
        const double light = 0.5 + slope * (u - v) + (u + 0.3 * v > edge ? 0.2 : -0.2);
        const double texture = 0.1 * std::sin(pitch * static_cast<double>(x)) *
                               std::cos(pitch * static_cast<double>(y));
        *value++ = static_cast<float>(std::clamp(light + texture + 0.05 * rng.normal(), 0.0, 1.0));
      }
    }
  }
  return picture;
}

// The sizes of the pictures of a self-test.
std::array<std::pair<std::int64_t, std::int64_t>, 3> test_sizes(std::int64_t alignment_px) {
  const std::int64_t step = aligned(16, alignment_px);
  return {{{2 * step, 2 * step}, {step, 3 * step}, {3 * step, 2 * step}}};
}

using KeptTensors = std::vector<std::pair<std::string, OnnxTensor>>;

std::vector<std::byte> self_test_file(const KeptTensors& kept) {
  bundle::TensorMap tensors;  // views of what `kept` owns
  for (const auto& [name, tensor] : kept)
    tensors[name] = {bundle::Dtype::F32, tensor.shape, tensor.bytes};
  return bundle::serialize_safetensors(tensors);
}

// Small pictures with their codes.
std::vector<std::byte> encoder_self_test(networks::Encoder& encoder) {
  const at::NoGradGuard no_grad;
  const EvaluationMode evaluation(encoder);
  KeptTensors kept;
  int index = 0;
  for (const auto& [height, width] : test_sizes(networks::kEncoderAlignmentPx)) {
    const at::Tensor input = test_picture(height, width, static_cast<std::uint64_t>(index));
    const at::Tensor code = encoder.encode(input);
    CHIARO_CHECK(at::isfinite(code).all().item<bool>(), Usage,
                 "[freeze.freeze] the encoder gives NaN or infinity on a plain test picture of {} "
                 "by {} pixels",
                 width, height);
    kept.emplace_back(bundle::self_test_name(index, "input"), to_onnx_tensor(input, ""));
    kept.emplace_back(bundle::self_test_name(index, "output"), to_onnx_tensor(code, ""));
    ++index;
  }
  return self_test_file(kept);
}

// Small pictures with what the network makes of them, and with what the conditioner says of them.
class SelfTest {
 public:
  SelfTest(networks::Network& network, networks::Conditioner* conditioner)
      : network_(network), conditioner_(conditioner) {}

  std::vector<std::byte> make(std::int64_t alignment_px) {
    const at::NoGradGuard no_grad;
    const EvaluationMode evaluation(network_);
    const auto sizes = test_sizes(alignment_px);
    for (std::size_t i = 0; i < sizes.size(); ++i)
      add(static_cast<int>(i), test_picture(sizes[i].first, sizes[i].second, i));
    return self_test_file(kept_);
  }

 private:
  void add(int index, const at::Tensor& input) {
    networks::Condition condition;
    if (conditioner_ != nullptr) {
      const EvaluationMode evaluation(*conditioner_);
      const auto views = networks::cut_views(input, conditioner_->layout());
      condition.code = conditioner_->diagnose(views.native, views.whole).code;
      keep(bundle::condition_test_name(index, "views"), views.native.squeeze(0));
      keep(bundle::condition_test_name(index, "whole"), views.whole);
      keep(bundle::condition_test_name(index, "condition"), condition.code);
      keep(bundle::self_test_name(index, "condition"), condition.code);
    }
    const at::Tensor output = network_.forward(input, condition);
    CHIARO_CHECK(at::isfinite(output).all().item<bool>(), Usage,
                 "[freeze.freeze] the network gives NaN or infinity on a plain test picture of {} "
                 "by {} pixels",
                 input.size(3), input.size(2));
    keep(bundle::self_test_name(index, "input"), input);
    keep(bundle::self_test_name(index, "output"), output);
  }

  void keep(const std::string& name, const at::Tensor& values) {
    kept_.emplace_back(name, to_onnx_tensor(values, ""));
  }

  networks::Network& network_;
  networks::Conditioner* conditioner_;
  KeptTensors kept_;
};

// What the manifest says of a conditioner; what was measured of it, `measured` has.
bundle::ConditionInfo condition_info(networks::Conditioner& conditioner,
                                     const bundle::ConditionInfo& measured) {
  const auto layout = conditioner.layout();
  bundle::ConditionInfo info;
  info.types = layout.types;
  info.embedding = layout.embedding;
  info.view_px = static_cast<int>(layout.view_px);
  info.max_views = static_cast<int>(layout.max_views);
  info.whole_px = static_cast<int>(layout.whole_px);
  info.whole_alignment_px = static_cast<int>(layout.whole_alignment_px);
  info.domains = layout.domains;
  info.novelty_threshold = measured.novelty_threshold;
  info.temperature = measured.temperature;
  const auto buffers = conditioner.named_buffers();
  if (const auto* table = buffers.find("table"); table != nullptr)
    info.text_table_sha256 = sha256_hex(to_onnx_tensor(*table, "").bytes);
  return info;
}

constexpr double kTableRounding = 1e-3;  // float16 of unit rows: half of that

at::ScalarType scalar_type(OnnxType type) {
  switch (type) {
    case OnnxType::Float:
      return at::kFloat;
    case OnnxType::Int64:
      return at::kLong;
    case OnnxType::Bool:
      return at::kBool;
    case OnnxType::Half:
      return at::kHalf;
  }
  fail(ErrorCode::Internal, "[freeze.thaw] an element type without counterpart; got {}",
       static_cast<int>(type));
}

// The initialisers of a graph under the names that `module` has for them.
checkpoint::Checkpoint stored_weights(const bundle::Bundle& bundle, std::string_view member,
                                      const torch::nn::Module& module) {
  checkpoint::Checkpoint weights;
  for (const OnnxTensor& tensor : read_onnx_initializers(bundle.member(member), bundle.origin)) {
    if (tensor.name.starts_with('/')) continue;  // a constant of the graph, no parameter
    at::Tensor values = at::empty(tensor.shape, scalar_type(tensor.type));
    if (!tensor.bytes.empty())
      std::memcpy(values.mutable_data_ptr(), tensor.bytes.data(), tensor.bytes.size());
    weights.tensors[tensor.name] =
        tensor.type == OnnxType::Half ? values.to(at::kFloat) : std::move(values);
  }
  // A tensor that a module holds under several names is stored once.
  const auto known = named_state(module);
  for (const auto& entry : module.named_parameters()) {
    for (const auto& [name, tensor] : known) {
      const auto stored = weights.tensors.find(name);
      if (name != entry.key() && tensor.is_same(entry.value()) && stored != weights.tensors.end()) {
        weights.tensors.emplace(entry.key(), stored->second);
      }
    }
  }
  return weights;
}

}  // namespace

bundle::Bundle freeze(networks::Network& network, bundle::Manifest manifest,
                      const std::string& notes, networks::Conditioner* conditioner,
                      bool half_weights) {
  if (half_weights) {
    round_weights_to_half(network);
    if (conditioner != nullptr) round_weights_to_half(*conditioner);
  }
  networks::find(manifest.network);  // a bundle that could not be thawed is refused here
  const networks::Geometry geometry = network.geometry();
  const std::int64_t probe = aligned(64, geometry.alignment_px);
  manifest.kind = "restore";
  manifest.color = "srgb";
  manifest.range_low = 0;
  manifest.range_high = 1;
  manifest.scale = static_cast<int>(geometry.scale);
  manifest.alignment_px = static_cast<int>(geometry.alignment_px);
  manifest.receptive_field_px = static_cast<int>(geometry.receptive_field_px);
  manifest.global_statistics = geometry.global_statistics;
  manifest.created_by = "chiaro " + version();
  manifest.parameters = networks::parameter_count(network);
  manifest.macs_per_pixel =
      networks::multiplications(network, probe, probe) / static_cast<double>(probe * probe);

  bundle::Bundle made;
  made.origin = manifest.name;
  made.members[std::string(bundle::kRestoreMember)] =
      export_onnx(network, manifest.name, graph_metadata(manifest),
                  /*conditioned=*/conditioner != nullptr, half_weights);
  if (conditioner != nullptr) {
    manifest.condition =
        condition_info(*conditioner, manifest.condition.value_or(bundle::ConditionInfo()));
    manifest.parameters += networks::parameter_count(*conditioner);
    made.members[std::string(bundle::kConditionMember)] = export_onnx(
        *conditioner, manifest.name + "-condition", graph_metadata(manifest), half_weights);
  }
  made.members[std::string(bundle::kSelftestMember)] =
      SelfTest(network, conditioner).make(geometry.alignment_px);
  made.members[std::string(bundle::kCardMember)] = bytes_of(write_card(manifest, notes));
  made.manifest = std::move(manifest);
  return made;
}

namespace {

bundle::CodeInfo code_info(const networks::EncoderLayout& layout) {
  bundle::CodeInfo info{static_cast<int>(layout.view_px),
                        static_cast<int>(layout.max_views),
                        static_cast<int>(layout.whole_px),
                        {}};
  for (const auto& part : networks::parts_of(layout))
    info.parts.push_back({part.name, part.width, part.view == networks::CodeView::Whole});
  return info;
}

}  // namespace

bundle::Bundle freeze(networks::Encoder& encoder, bundle::Manifest manifest,
                      const std::string& notes, std::vector<std::byte> tree, bool half_weights) {
  if (half_weights) round_weights_to_half(encoder);
  manifest.kind = "encode";
  manifest.color = "srgb";
  manifest.range_low = 0;
  manifest.range_high = 1;
  manifest.scale = 1;
  manifest.alignment_px = static_cast<int>(networks::kEncoderAlignmentPx);
  manifest.receptive_field_px = 1;
  manifest.global_statistics = true;
  manifest.created_by = "chiaro " + version();
  manifest.code = code_info(encoder.layout());
  manifest.parameters = 0;  // also of encoders that a method keeps without gradient
  for (const auto& parameter : encoder.parameters()) manifest.parameters += parameter.numel();
  if (!tree.empty()) manifest.format_version = bundle::kTreeFormatVersion;

  bundle::Bundle made;
  made.origin = manifest.name;
  made.members[std::string(bundle::kEncodeMember)] =
      export_onnx(encoder, manifest.name, graph_metadata(manifest), half_weights);
  if (!tree.empty()) made.members[std::string(bundle::kTreeMember)] = std::move(tree);
  made.members[std::string(bundle::kSelftestMember)] = encoder_self_test(encoder);
  made.members[std::string(bundle::kCardMember)] = bytes_of(write_card(manifest, notes));
  made.manifest = std::move(manifest);
  return made;
}

void thaw(const bundle::Bundle& bundle, networks::Network& network,
          const std::vector<std::string>& allow_missing) {
  checkpoint::take_module(stored_weights(bundle, bundle::kRestoreMember, network), "", network,
                          allow_missing);
}

void thaw(const bundle::Bundle& bundle, networks::Conditioner& conditioner,
          const std::vector<std::string>& allow_missing) {
  auto weights = stored_weights(bundle, bundle::kConditionMember, conditioner);
  const auto buffers = conditioner.named_buffers();
  const auto* own = buffers.find("table");
  const auto stored = weights.tensors.find("table");
  if (own != nullptr && stored != weights.tensors.end()) {
    // Prototypes are learnt for the rows of one table. Bundles may hold it rounded.
    const bool same = own->sizes() == stored->second.sizes() &&
                      (*own - stored->second).abs().max().item<double>() < kTableRounding;
    CHIARO_CHECK(
        same, Bundle,
        "[freeze.thaw] the controller of '{}' was trained with another text table than "
        "the one it is to go on with ({} rows of {}); expected the same (method.text_table "
        "of the recipe)",
        bundle.origin, own->size(0), own->size(1));
    stored->second = own->clone();
  }
  checkpoint::take_module(weights, "", conditioner, allow_missing);
}

void thaw(const bundle::Bundle& bundle, networks::Encoder& encoder) {
  checkpoint::take_module(stored_weights(bundle, bundle::kEncodeMember, encoder), "", encoder);
}

std::shared_ptr<networks::Network> thaw(const bundle::Bundle& bundle) {
  auto network = networks::make(bundle.manifest.network, bundle.manifest.network_options);
  thaw(bundle, *network);
  return network;
}

}  // namespace chiaro::freeze

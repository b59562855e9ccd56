// Bundles from networks and networks from bundles.
#include "chiaro/freeze/freeze.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/conv.h>
#include <torch/utils.h>

#include <cstring>
#include <limits>
#include <set>

#include "chiaro/bundle/safetensors.h"
#include "chiaro/freeze/trace.h"
#include "chiaro/networks/disentangled_encoder.h"
#include "tests/support/expect_error.h"
#include "tests/support/onnx_graph.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::freeze::freeze_test {
namespace {

const OptionTable kSmall = {{"channels", std::vector<std::int64_t>{4, 8}},
                            {"encoder_blocks", std::vector<std::int64_t>{1}},
                            {"decoder_blocks", std::vector<std::int64_t>{1}},
                            {"middle_blocks", std::int64_t{1}}};

std::shared_ptr<networks::Network> small_network(std::uint64_t seed = 3) {
  torch::manual_seed(seed);
  auto network = networks::make("resunet", kSmall);
  const at::NoGradGuard no_grad;
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for (auto& parameter : network->parameters())
    parameter.add_(at::randn(parameter.sizes(), generator) * 0.1);
  return network;
}

bundle::Manifest small_manifest() {
  bundle::Manifest manifest;
  manifest.name = "small";
  manifest.summary = "a network for tests";
  manifest.license = "Apache-2.0";
  manifest.labels = {"noise", "rain"};
  manifest.network = "resunet";
  manifest.network_options = kSmall;
  manifest.method = "supervised";
  manifest.recipe = "seed = 1\n";
  manifest.training_data = {{"own photos", "CC0", 12}};
  manifest.scores = {{"planted", "psnr_rgb_db", 31.5, 28.25, "fingerprint"}};
  return manifest;
}

at::Tensor tensor_of(const bundle::TensorBytes& stored) {
  at::Tensor tensor = at::empty(stored.shape, at::kFloat);
  std::memcpy(tensor.mutable_data_ptr(), stored.bytes.data(), stored.bytes.size());
  return tensor;
}

TEST(Freeze, WritesABundleThatReadsBack) {
  const auto network = small_network();
  const auto frozen = freeze(*network, small_manifest(), "## Limits\n\nNone known.");
  const test::TemporaryFolder folder;
  bundle::write_bundle(folder / "small.chiaro", frozen.manifest, frozen.members);
  const auto read = bundle::read_bundle(folder / "small.chiaro");
  EXPECT_EQ(read.members, frozen.members);
  EXPECT_EQ(read.manifest.alignment_px, 2);
  EXPECT_EQ(read.manifest.receptive_field_px, network->geometry().receptive_field_px);
  EXPECT_EQ(read.manifest.parameters, networks::parameter_count(*network));
  EXPECT_GT(read.manifest.macs_per_pixel, 100);
  EXPECT_EQ(read.manifest.recipe, "seed = 1\n");
  const std::string card = read.text(bundle::kCardMember);
  for (const char* part : {"# small", "noise, rain", "| own photos | 12 | CC0 |",
                           "| planted | psnr_rgb_db | 28.25 | 31.5 |", "## Limits"}) {
    EXPECT_NE(card.find(part), std::string::npos) << part << "\n" << card;
  }
}

TEST(Freeze, TheSelfTestIsWhatTheGraphGives) {
  const auto network = small_network();
  const auto frozen = freeze(*network, small_manifest());
  const auto bytes = frozen.member(bundle::kSelftestMember);
  const auto vectors = bundle::Safetensors::parse({bytes.begin(), bytes.end()}, "selftest");
  test::OnnxGraph graph(frozen.member(bundle::kRestoreMember));
  ASSERT_EQ(vectors.tensors().size(), 6U);
  std::set<std::vector<std::int64_t>> shapes;
  for (int i = 0; i < 3; ++i) {
    const at::Tensor input = tensor_of(vectors.tensor(bundle::self_test_name(i, "input")));
    const at::Tensor output = tensor_of(vectors.tensor(bundle::self_test_name(i, "output")));
    shapes.insert(input.sizes().vec());
    EXPECT_GE(input.min().item<float>(), 0);
    EXPECT_LE(input.max().item<float>(), 1);
    EXPECT_LT((graph.run(input) - output).abs().max().item<float>(), 1e-4);
    EXPECT_GT((input - output).abs().max().item<float>(), 1e-2);
  }
  EXPECT_EQ(shapes.size(), 3U);
}

TEST(Freeze, DrawsNoRandomNumberAndRepeats) {
  const auto network = small_network();
  const at::Tensor state = at::detail::getDefaultCPUGenerator().get_state();
  const auto first = freeze(*network, small_manifest());
  EXPECT_TRUE(at::equal(state, at::detail::getDefaultCPUGenerator().get_state()));
  const auto second = freeze(*network, small_manifest());
  EXPECT_EQ(bundle::serialize_bundle(first.manifest, first.members),
            bundle::serialize_bundle(second.manifest, second.members));
}

TEST(Freeze, RefusesAnUnknownNetworkAndBrokenWeights) {
  const auto network = small_network();
  auto manifest = small_manifest();
  manifest.network = "resunett";
  EXPECT_CHIARO_ERROR(freeze(*network, manifest), Usage, "resunet");
  const at::NoGradGuard no_grad;
  network->parameters()[0].fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_CHIARO_ERROR(freeze(*network, small_manifest()), Usage, "NaN");
}

TEST(Thaw, FreezingAgainWithoutAStepIsBitEqual) {
  const auto frozen = freeze(*small_network(), small_manifest());
  const auto thawed = thaw(frozen);
  const auto again = freeze(*thawed, small_manifest());
  EXPECT_EQ(bundle::serialize_bundle(frozen.manifest, frozen.members),
            bundle::serialize_bundle(again.manifest, again.members));
  for (const auto& parameter : thawed->parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(Thaw, MissingExtraAndMisshapenTensorsAreErrorsUnlessNamed) {
  auto frozen = freeze(*small_network(), small_manifest());

  OptionTable deeper = kSmall;
  deeper["middle_blocks"] = std::int64_t{2};
  const auto larger = networks::make("resunet", deeper);
  EXPECT_CHIARO_ERROR(thaw(frozen, *larger), Bundle, "middle.1");
  EXPECT_NO_THROW(thaw(frozen, *larger, {"middle.1.*"}));

  OptionTable shallower = kSmall;
  shallower["middle_blocks"] = std::int64_t{0};
  const auto smaller = networks::make("resunet", shallower);
  EXPECT_CHIARO_ERROR(thaw(frozen, *smaller), Bundle, "middle.0");
  EXPECT_NO_THROW(thaw(frozen, *smaller, {"middle.*"}));

  OptionTable wider = kSmall;
  wider["channels"] = std::vector<std::int64_t>{4, 12};
  const auto misshapen = networks::make("resunet", wider);
  EXPECT_CHIARO_ERROR(thaw(frozen, *misshapen), Bundle, "down0.weight");
  const auto before = small_network(9);
  thaw(frozen, *before);
  EXPECT_TRUE(at::equal(before->parameters()[0], small_network()->parameters()[0]));
}

TEST(Thaw, RefusesADamagedGraph) {
  auto frozen = freeze(*small_network(), small_manifest());
  auto& graph = frozen.members.find(bundle::kRestoreMember)->second;
  graph.resize(graph.size() / 2);
  EXPECT_CHIARO_ERROR(thaw(frozen), Bundle, "damaged");
  graph.clear();
  EXPECT_CHIARO_ERROR(thaw(frozen), Bundle, "not an ONNX graph");
}

TEST(FreezeEncoder, WritesABundleWhoseGraphGivesTheCodes) {
  torch::manual_seed(4);
  networks::DegradationEncoder encoder({.width = 4, .hidden = 8, .layout = {.dimension = 6}});
  for (auto& parameter : encoder.parameters()) parameter.set_requires_grad(false);
  const std::vector<std::byte> tree(8, std::byte{1});
  bundle::Manifest manifest = small_manifest();
  manifest.network.clear();
  manifest.network_options.clear();
  const auto frozen = freeze(encoder, manifest, "## Limits\n\nNone known.", tree);
  const auto read =
      bundle::parse_bundle(bundle::serialize_bundle(frozen.manifest, frozen.members), "encoder");
  EXPECT_EQ(read.manifest.kind, "encode");
  EXPECT_EQ(read.manifest.format_version, 2);
  EXPECT_GT(read.manifest.parameters, 100);
  EXPECT_EQ(read.members.at(std::string(bundle::kTreeMember)), tree);
  EXPECT_NE(read.text(bundle::kCardMember).find("chiaro inspect"), std::string::npos);
  test::OnnxGraph graph(read.member(bundle::kEncodeMember));
  for (const auto& shape : {std::vector<std::int64_t>{3, 3, 32, 48}, {1, 3, 16, 16}}) {
    const at::Tensor pictures = at::rand(shape);
    const at::NoGradGuard no_grad;
    EXPECT_LT((graph.run(pictures) - encoder.encode(pictures)).abs().max().item<float>(), 1e-4);
  }
  const auto bytes = read.member(bundle::kSelftestMember);
  const auto vectors = bundle::Safetensors::parse({bytes.begin(), bytes.end()}, "selftest");
  EXPECT_EQ(vectors.tensors().size(), 6U);
  const at::Tensor code = tensor_of(vectors.tensor(bundle::self_test_name(1, "output")));
  EXPECT_LT((graph.run(tensor_of(vectors.tensor(bundle::self_test_name(1, "input")))) - code)
                .abs()
                .max()
                .item<float>(),
            1e-4);
  EXPECT_EQ(freeze(encoder, manifest).manifest.format_version, 1);  // no tree, no newer version
}

TEST(FreezeEncoder, TwoCodesShareOneGraphAndAreDescribed) {
  torch::manual_seed(4);
  networks::DisentangledEncoder encoder(
      {.width = 4, .hidden = 8, .content = 6, .degradation = 4, .view_px = 32, .whole_px = 48});
  for (auto& parameter : encoder.parameters()) parameter.set_requires_grad(false);
  bundle::Manifest manifest = small_manifest();
  manifest.network.clear();
  manifest.network_options.clear();
  const auto frozen = freeze(encoder, manifest);
  const auto read =
      bundle::parse_bundle(bundle::serialize_bundle(frozen.manifest, frozen.members), "encoder");
  ASSERT_TRUE(read.manifest.code.has_value());
  EXPECT_EQ(read.manifest.code->view_px, 32);
  EXPECT_EQ(read.manifest.code->whole_px, 48);
  ASSERT_EQ(read.manifest.code->parts.size(), 2U);
  EXPECT_EQ(read.manifest.code->parts[0].name, "content");
  EXPECT_TRUE(read.manifest.code->parts[0].whole);
  EXPECT_EQ(read.manifest.code->parts[1].width, 4);
  EXPECT_NE(
      read.text(bundle::kCardMember).find("chiaro retrieve photo.jpg --in photos --by content"),
      std::string::npos);
  test::OnnxGraph graph(read.member(bundle::kEncodeMember));
  for (const auto& shape : {std::vector<std::int64_t>{3, 3, 32, 48}, {1, 3, 16, 16}}) {
    const at::Tensor pictures = at::rand(shape);
    const at::NoGradGuard no_grad;
    EXPECT_LT((graph.run(pictures) - encoder.encode(pictures)).abs().max().item<float>(), 1e-4);
  }
}

}  // namespace
}  // namespace chiaro::freeze::freeze_test

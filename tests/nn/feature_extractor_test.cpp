#include "chiaro/nn/feature_extractor.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/bundle/safetensors.h"
#include "chiaro/nn/small_encoder.h"
#include "chiaro/nn/squeezenet.h"
#include "chiaro/nn/vgg.h"
#include "chiaro/nn/weight_file.h"
#include "tests/nn/scalars.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::nn::feature_extractor_test {
namespace {

namespace fs = std::filesystem;

/// Writes the parameters of a module as a safetensors file, those named in `leave_out` apart.
void write_weights(const fs::path& file, const torch::nn::Module& module,
                   const std::string& leave_out = "", const std::string& reshape = "") {
  std::vector<at::Tensor> kept;
  bundle::TensorMap tensors;
  for (const auto& item : module.named_parameters()) {
    if (item.key() == leave_out) continue;
    at::Tensor tensor = item.value().detach().contiguous();
    if (item.key() == reshape) tensor = tensor.flatten();
    kept.push_back(tensor);
    tensors[item.key()] = {
        bundle::Dtype::F32,
        tensor.sizes().vec(),
        {static_cast<const std::byte*>(kept.back().const_data_ptr()), kept.back().nbytes()}};
  }
  bundle::write_safetensors(file, tensors);
}

std::vector<std::int64_t> shape(const at::Tensor& tensor) {
  return tensor.sizes().vec();
}

TEST(Vgg, HasThePublishedShapes) {
  const Vgg vgg16(16, 64, {"relu5_3"});
  EXPECT_EQ(scalars(vgg16), 14'714'688);  // the convolutions of configuration D
  const Vgg vgg19(19, 64, {"relu5_4"});
  EXPECT_EQ(scalars(vgg19), 20'024'384);  // of configuration E
  const Vgg cut(16, 64, {"relu1_2", "relu2_2", "relu3_3"});
  EXPECT_EQ(scalars(cut), 1'735'488);
  for (const char* name : {"features.0.weight", "features.2.bias", "features.5.weight",
                           "features.7.weight", "features.10.weight", "features.14.bias"}) {
    EXPECT_TRUE(cut.named_parameters().contains(name)) << name;
  }
  EXPECT_TRUE(vgg19.named_parameters().contains("features.34.weight"));
}

TEST(Vgg, LayersHaveTheirShapesInTheOrderAsked) {
  const auto phi = make_feature_extractor(
      {.network = "random_vgg", .layers = {"relu3_3", "relu1_2", "relu2_2"}, .width = 64});
  const at::NoGradGuard no_grad;
  const auto features = phi->forward(at::rand({2, 3, 24, 16}));
  EXPECT_EQ(shape(features.at(0)), (std::vector<std::int64_t>{2, 256, 6, 4}));
  EXPECT_EQ(shape(features.at(1)), (std::vector<std::int64_t>{2, 64, 24, 16}));
  EXPECT_EQ(shape(features.at(2)), (std::vector<std::int64_t>{2, 128, 12, 8}));
  for (const auto& layer : features) EXPECT_GE(layer.min().item<float>(), 0.0F);
}

// 186,048 multiplications per pixel up to relu3_3, from the shapes of the weights.
TEST(Vgg, CostsWhatThePublicationImplies) {
  const Vgg vgg(16, 64, {"relu3_3"});
  double per_pixel = 0;
  const std::map<std::string, double> stride{{"0", 1},  {"2", 1},  {"5", 2}, {"7", 2},
                                             {"10", 4}, {"12", 4}, {"14", 4}};
  for (const auto& item : vgg.named_parameters()) {
    const auto parts = split(item.key(), '.');
    if (parts.at(2) != "weight") continue;
    const double side = stride.at(parts.at(1));
    per_pixel += static_cast<double>(item.value().numel()) / (side * side);
  }
  EXPECT_EQ(per_pixel, 186'048);
}

TEST(Vgg, NormalisesAsImagenetBeforeTheFirstConvolution) {
  const auto phi = make_feature_extractor({.network = "random_vgg", .layers = {"relu1_1"}});
  const at::Tensor x = at::rand({1, 3, 8, 8});
  const auto weights = phi->named_parameters();
  const at::Tensor mean = at::tensor({0.485, 0.456, 0.406}, at::kFloat).view({1, 3, 1, 1});
  const at::Tensor deviation = at::tensor({0.229, 0.224, 0.225}, at::kFloat).view({1, 3, 1, 1});
  const at::Tensor expected =
      at::relu(at::conv2d((x - mean) / deviation, weights["features.0.weight"],
                          weights["features.0.bias"], {1, 1}, {1, 1}));
  EXPECT_LT((phi->forward(x)[0] - expected).abs().max().item<float>(), 1e-5);
}

TEST(RandomVgg, IsDecidedByItsSeedAndLeavesTheGeneratorAlone) {
  torch::manual_seed(2);
  const at::Tensor expected = at::rand({3});
  torch::manual_seed(2);
  const auto one = make_feature_extractor({.width = 4, .seed = 1})->parameters();
  const auto same = make_feature_extractor({.width = 4, .seed = 1})->parameters();
  const auto other = make_feature_extractor({.width = 4, .seed = 2})->parameters();
  EXPECT_TRUE(at::equal(at::rand({3}), expected));
  EXPECT_TRUE(at::equal(one[0], same[0]));
  EXPECT_FALSE(at::equal(one[0], other[0]));
}

TEST(FeatureExtractor, IsFrozenAndPassesGradientsOn) {
  const auto phi = make_feature_extractor({.width = 4});
  const at::Tensor x = at::rand({1, 3, 16, 16}).requires_grad_(true);
  phi->forward(x).back().sum().backward();
  EXPECT_GT(x.grad().abs().max().item<float>(), 0);
  for (const auto& parameter : phi->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
    EXPECT_FALSE(parameter.grad().defined());
  }
}

TEST(FeatureExtractor, StaysInFloat32InsideAutocastUnlessTold) {
  const auto phi = make_feature_extractor({.width = 4});
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::rand({1, 3, 16, 16});
  const auto plain = phi->forward(x).back();
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto inside = phi->forward(x).back();
  phi->set_precision_of_run(true);
  const auto low = phi->forward(x).back();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  EXPECT_TRUE(at::equal(plain, inside));
  EXPECT_EQ(low.scalar_type(), at::kBFloat16);
}

TEST(Pixels, AreThePictureItself) {
  const at::Tensor x = at::rand({1, 3, 9, 7});
  const auto features = make_feature_extractor({.network = "pixels"})->forward(x);
  ASSERT_EQ(features.size(), 1U);
  EXPECT_TRUE(at::equal(features[0], x));
}

TEST(SmallEncoder, IsSmallAndHalvesTheSides) {
  SmallEncoder encoder({"stage1", "stage2", "stage3", "stage4"});
  EXPECT_EQ(scalars(encoder), 1'192'000);
  const at::NoGradGuard no_grad;
  const auto features = encoder.forward(at::rand({1, 3, 32, 48}));
  EXPECT_EQ(shape(features[0]), (std::vector<std::int64_t>{1, 32, 32, 48}));
  EXPECT_EQ(shape(features[3]), (std::vector<std::int64_t>{1, 192, 4, 6}));
  for (const auto& parameter : encoder.parameters()) EXPECT_TRUE(parameter.requires_grad());
}

TEST(FeatureExtractor, LoadsWhatWasTrained) {
  const test::TemporaryFolder folder;
  torch::manual_seed(8);
  SmallEncoder trained({"stage1", "stage2"});
  write_weights(folder / "encoder.safetensors", trained);
  const auto phi = make_feature_extractor({.network = "encoder",
                                           .file = (folder / "encoder.safetensors").string(),
                                           .layers = {"stage1", "stage2"}});
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::rand({1, 3, 16, 16});
  EXPECT_TRUE(at::equal(phi->forward(x)[1], trained.forward(x)[1]));
}

// A file with more than is needed, as torchvision's with its classifier, is fine.
TEST(FeatureExtractor, TakesFromAVggFileWhatItNeeds) {
  const test::TemporaryFolder folder;
  const Vgg whole(19, 64, {"relu2_2"});
  write_weights(folder / "vgg.safetensors", whole);
  const auto phi = make_feature_extractor(
      {.network = "vgg19", .file = (folder / "vgg.safetensors").string(), .layers = {"relu1_1"}});
  EXPECT_TRUE(at::equal(phi->parameters()[0], whole.parameters()[0]));
  EXPECT_EQ(phi->parameters().size(), 2U);
}

TEST(FeatureExtractor, WeightsThatDoNotFitAreNamed) {
  const test::TemporaryFolder folder;
  const Vgg vgg(16, 64, {"relu1_2"});
  const auto load = [&](const std::string& name) {
    return make_feature_extractor(
        {.network = "vgg16", .file = (folder / name).string(), .layers = {"relu1_2"}});
  };
  write_weights(folder / "short.safetensors", vgg, "features.2.weight");
  EXPECT_CHIARO_ERROR(load("short.safetensors"), Bundle, "features.2.weight");
  write_weights(folder / "flat.safetensors", vgg, "", "features.0.weight");
  EXPECT_CHIARO_ERROR(load("flat.safetensors"), Bundle, "[1728]");
  write_weights(folder / "narrow.safetensors", Vgg(16, 32, {"relu1_2"}));
  EXPECT_CHIARO_ERROR(load("narrow.safetensors"), Bundle, "wrong shape");
  write_file_atomically(folder / "broken.safetensors", "not a file of weights");
  EXPECT_CHIARO_ERROR(load("broken.safetensors"), Bundle, "broken.safetensors");
  EXPECT_CHIARO_ERROR(load("absent.safetensors"), Input, "absent.safetensors");
}

TEST(FeatureExtractor, OptionsThatDoNotFitAreNamed) {
  EXPECT_CHIARO_ERROR(make_feature_extractor({.network = "vgg"}), Usage, "expected one of");
  EXPECT_CHIARO_ERROR(make_feature_extractor({.network = "vgg16"}), Usage, "need a file");
  EXPECT_CHIARO_ERROR(make_feature_extractor({.network = "pixels", .file = "x"}), Usage,
                      "take no file");
  EXPECT_CHIARO_ERROR(make_feature_extractor({.layers = {"relu1_3"}}), Usage, "relu1_2");
  EXPECT_CHIARO_ERROR(make_feature_extractor({.layers = {"relu1_1", "relu1_1"}}), Usage, "twice");
  EXPECT_CHIARO_ERROR(make_feature_extractor({.width = 4})->forward(at::rand({1, 3, 8, 8})), Input,
                      "too small");
}

TEST(FeatureExtractor, DefaultLayersExistAndWeighWhatWasPublished) {
  for (const auto& network : feature_networks()) {
    double sum = 0;
    for (const auto& [layer, weight] : default_layers(network)) sum += weight;
    EXPECT_NEAR(sum, network == "vgg19" ? 1 + 15.0 / 32 : 1.0, 1e-12) << network;
  }
}

/// A network as ncnn writes it: one 1×1 convolution, three inputs, one output.
void write_ncnn(const fs::path& folder, const std::string& line, const std::vector<char>& weights) {
  std::ofstream(folder / "tiny.param") << "7767517\n1 2\n" << line << "\n";
  std::ofstream(folder / "tiny.bin", std::ios::binary)
      .write(weights.data(), static_cast<std::streamsize>(weights.size()));
}

TEST(Ncnn, ReadsFloat16WithItsPadding) {
  const test::TemporaryFolder folder;
  const std::string line = "Convolution conv 1 1 in out 0=1 1=1 5=1 6=3";
  std::vector<char> bytes{0x47, 0x6b, 0x30, 0x01};                                     // the mark
  for (const char byte : {0x00, 0x3c, 0x00, 0x40, 0x00, 0x42}) bytes.push_back(byte);  // 1, 2, 3
  for (const char byte : {0, 0, 0x00, 0x00, 0x00, 0x3f}) bytes.push_back(byte);  // padding, 0.5
  write_ncnn(folder.path(), line, bytes);
  const auto read = read_ncnn_convolutions(folder / "tiny.param");
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].name, "conv");
  EXPECT_EQ(shape(read[0].weight), (std::vector<std::int64_t>{1, 3, 1, 1}));
  EXPECT_EQ(read[0].weight.flatten()[2].item<float>(), 3.0F);
  EXPECT_EQ(read[0].bias[0].item<float>(), 0.5F);

  bytes.pop_back();
  write_ncnn(folder.path(), line, bytes);
  EXPECT_CHIARO_ERROR(read_ncnn_convolutions(folder / "tiny.param"), Bundle, "too short");
  bytes.resize(20);
  write_ncnn(folder.path(), line, bytes);
  EXPECT_CHIARO_ERROR(read_ncnn_convolutions(folder / "tiny.param"), Bundle, "4 bytes are left");
  bytes[0] = 0x13;
  write_ncnn(folder.path(), line, bytes);
  EXPECT_CHIARO_ERROR(read_ncnn_convolutions(folder / "tiny.param"), Bundle, "mark");
  write_ncnn(folder.path(), "Convolution conv 1 1 in out 0=2 1=1 5=1 6=3", bytes);
  EXPECT_CHIARO_ERROR(read_ncnn_convolutions(folder / "tiny.param"), Bundle, "contradicts");
  write_file_atomically(folder / "tiny.param", "something else");
  EXPECT_CHIARO_ERROR(read_ncnn_convolutions(folder / "tiny.param"), Bundle, "no ncnn network");
  EXPECT_CHIARO_ERROR(squeezenet_weights(read, "tiny"), Bundle, "expected 26");
}

TEST(Squeezenet, ItsParametersAreCountedWithoutAFile) {
  EXPECT_EQ(scalars(Squeezenet({"classes"})), 1'235'496);
  const auto names = Squeezenet({"fire9"}).named_parameters();
  for (const char* name :
       {"features.0.weight", "features.3.squeeze.bias", "features.12.expand3x3.weight"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_FALSE(names.contains("classifier.1.weight"));
}

}  // namespace
}  // namespace chiaro::nn::feature_extractor_test

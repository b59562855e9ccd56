// SqueezeNet with the published weights: does it see what they were trained to see, and does LPIPS
// on its features give the reference scores? Skipped visibly where the weights are not at hand.
#include <ATen/core/grad_mode.h>
#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/image/codec.h"
#include "chiaro/nn/feature_extractor.h"
#include "tests/nn/scalars.h"

namespace chiaro::nn::squeezenet_weights_test {
namespace {

namespace fs = std::filesystem;

/// A folder beside the training pictures that CHIARO_DATA_DIR names, or empty.
fs::path beside_data(const std::string& name) {
  const char* data = std::getenv("CHIARO_DATA_DIR");
  const fs::path folder = data == nullptr ? fs::path() : fs::path(data).parent_path() / name;
  return fs::exists(folder) ? folder : fs::path();
}

at::Tensor tensor_of(const image::Image& picture) {
  const auto pixels = picture.pixels();
  at::Tensor result = at::empty({1, 3, picture.height(), picture.width()});
  std::copy(pixels.begin(), pixels.end(), result.mutable_data_ptr<float>());
  return result;
}

class SqueezenetWeights : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = beside_data("metrics");
    if (folder_.empty()) GTEST_SKIP() << "needs a folder 'metrics' beside CHIARO_DATA_DIR";
  }
  std::shared_ptr<FeatureExtractor> phi(const std::vector<std::string>& layers) const {
    return make_feature_extractor({.network = "squeezenet",
                                   .file = (folder_ / "squeezenet_v1.1.ncnn.param").string(),
                                   .layers = layers});
  }
  fs::path folder_;
};

TEST_F(SqueezenetWeights, HaveTheKnownNumberAndShapes) {
  const auto extractor = phi({"relu1", "fire3", "fire9", "classes"});
  EXPECT_EQ(scalars(*extractor), 1'235'496);
  const at::NoGradGuard no_grad;
  const auto features = extractor->forward(at::rand({1, 3, 224, 224}));
  EXPECT_EQ(features[0].sizes(), (at::IntArrayRef{1, 64, 111, 111}));
  EXPECT_EQ(features[1].sizes(), (at::IntArrayRef{1, 128, 55, 55}));
  EXPECT_EQ(features[2].sizes(), (at::IntArrayRef{1, 512, 13, 13}));
  EXPECT_EQ(features[3].sizes(), (at::IntArrayRef{1, 1000, 13, 13}));
}

TEST_F(SqueezenetWeights, SeeACatAndACup) {
  const auto extractor = phi({"classes"});
  const auto words = split(read_text(folder_ / "synset_words.txt"), '\n');
  const at::NoGradGuard no_grad;
  const auto best = [&](const std::string& photo) {
    const auto picture = image::read(fs::path(CHIARO_SOURCE_DIR) / "examples/photos/clean" / photo);
    const int side = std::min(picture.height(), picture.width());
    const auto square = image::crop(picture, (picture.height() - side) / 2,
                                    (picture.width() - side) / 2, side, side);
    const auto logits = extractor->forward(tensor_of(image::reduce_area(square, 224, 224)))[0].mean(
        std::vector<std::int64_t>{2, 3});
    return words.at(static_cast<std::size_t>(logits.argmax().item<std::int64_t>()));
  };
  EXPECT_NE(best("cat.jpg").find("cat"), std::string::npos) << best("cat.jpg");
  const std::string cup = best("coffee.jpg");
  EXPECT_TRUE(cup.find("espresso") != std::string::npos || cup.find("cup") != std::string::npos)
      << cup;
}

/// The linear heads of LPIPS v0.1 for SqueezeNet: where each begins in its file, and its length.
std::vector<at::Tensor> lpips_heads(const fs::path& file) {
  constexpr std::array<std::pair<std::size_t, std::int64_t>, 7> kHeads = {
      {{6435, 64}, {3339, 128}, {3859, 256}, {4891, 384}, {1795, 384}, {6699, 512}, {8755, 512}}};
  const auto bytes = read_file(file);
  std::vector<at::Tensor> heads;
  for (const auto& [begin, length] : kHeads) {
    std::int64_t count = 0;
    std::memcpy(&count, bytes.data() + begin, 8);
    EXPECT_EQ(count, length);
    at::Tensor head = at::empty({1, length, 1, 1});
    std::memcpy(head.mutable_data_ptr<float>(), bytes.data() + begin + 8,
                static_cast<std::size_t>(4 * length));
    heads.push_back(head);
  }
  return heads;
}

// LPIPS scores computed elsewhere, with these files, on these pairs.
TEST_F(SqueezenetWeights, GiveTheReferenceScoresOfLpips) {
  const fs::path pairs = beside_data("tests") / "pairs";
  if (!fs::exists(pairs)) GTEST_SKIP() << "needs a folder 'tests/pairs' beside CHIARO_DATA_DIR";
  const auto extractor = phi({"relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"});
  const auto heads = lpips_heads(folder_ / "squeeze.pth");
  const at::NoGradGuard no_grad;
  const auto unit = [](const at::Tensor& x) {
    return x / (x.square().sum(std::vector<std::int64_t>{1}, true).sqrt() + 1e-10);
  };
  const std::array<std::pair<const char*, double>, 3> known = {
      {{"rain100l_3", 0.1465}, {"sots_1421_4", 0.1068}, {"lol_526", 0.4520}}};
  for (const auto& [name, expected] : known) {
    const auto damaged =
        extractor->forward(tensor_of(image::read(pairs / (std::string(name) + "_lq.png"))));
    const auto clean =
        extractor->forward(tensor_of(image::read(pairs / (std::string(name) + "_gt.png"))));
    double score = 0;
    for (std::size_t l = 0; l < heads.size(); ++l) {
      const at::Tensor difference = (unit(damaged[l]) - unit(clean[l])).square();
      score += (difference * heads[l]).sum(std::vector<std::int64_t>{1}).mean().item<double>();
    }
    EXPECT_NEAR(score, expected, 1e-4) << name;
  }
}

}  // namespace
}  // namespace chiaro::nn::squeezenet_weights_test

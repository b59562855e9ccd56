// Learned metrics: what they are of, and files that are not what they should be.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "chiaro/base/files.h"
#include "chiaro/bundle/zip.h"
#include "chiaro/metrics/npz.h"
#include "chiaro/metrics/score.h"
#include "chiaro/metrics/torch_file.h"
#include "tests/metrics/scene_pictures.h"
#include "tests/support/bytes.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::metrics::learned_test {
namespace {

using image::Image;

/// The picture itself as the first map, nothing as the others.
class MirrorNetwork : public FeatureNetwork {
 public:
  std::vector<FeatureMap> features(std::span<const float> picture, int height, int width) override {
    ++calls;
    return {{3, height, width, {picture.begin(), picture.end()}}};
  }
  int calls = 0;
};

TEST(Lpips, IsTheWeightedDistanceOfDirections) {
  // One grey level against another: after shift and scale two vectors per place, which are scaled
  // to length 1; the rest is arithmetic.
  const Image a(3, 32, 32, 0.5F);
  const Image b(3, 32, 32, 0.75F);
  const auto direction = [](double value) {
    std::array<double, 3> v{(2 * value - 1 + 0.030) / 0.458, (2 * value - 1 + 0.088) / 0.448,
                            (2 * value - 1 + 0.188) / 0.450};
    const double length = std::hypot(v[0], v[1], v[2]);
    for (double& part : v) part /= length;
    return v;
  };
  const auto x = direction(0.5);
  const auto y = direction(0.75);
  const LpipsHeads heads{{1.0, 2.0, 4.0}};
  double expected = 0;
  for (std::size_t c = 0; c < 3; ++c) expected += heads[0][c] * (x[c] - y[c]) * (x[c] - y[c]);
  MirrorNetwork network;
  EXPECT_NEAR(lpips(a, b, Protocol{}, heads, network), expected, 1e-6);
  EXPECT_EQ(lpips(a, a, Protocol{}, heads, network), 0.0);
  // Grey counts as three equal channels.
  EXPECT_NEAR(lpips(Image(1, 32, 32, 0.5F), Image(1, 32, 32, 0.75F), Protocol{}, heads, network),
              expected, 1e-6);
  EXPECT_CHIARO_ERROR(lpips(Image(3, 31, 40), Image(3, 31, 40), Protocol{}, heads, network), Input,
                      "32 px");
}

TEST(LearnedMetrics, SayWhatTheyNeed) {
  const Image picture(3, 40, 40, 0.5F);
  for (const Metric metric : {Metric::LpipsSqueeze, Metric::Niqe, Metric::Brisque}) {
    const Measure measure{metric, preset("chiaro", metric), to_text(metric)};
    EXPECT_CHIARO_ERROR(score(measure, picture, picture), Usage, "needs files");
    EXPECT_CHIARO_ERROR(fingerprint(measure, Learned{}), Usage, "docs/metrics.md");
    EXPECT_TRUE(lower_is_better(fingerprint(metric, measure.protocol)));
  }
  EXPECT_FALSE(lower_is_better("psnr/1 channel=rgb"));
  EXPECT_FALSE(lower_is_better("unknown/1"));
  EXPECT_CHIARO_ERROR(score_alone({}, picture, Learned{}), Usage, "psnr compares");
}

TEST(LearnedMetrics, FingerprintsNameTheFilesAndOnlyWhatMatters) {
  Learned learned;
  learned.niqe = {NiqeNorm{}, "0123456789ab"};
  EXPECT_EQ(fingerprint({Metric::Niqe, preset("chiaro", Metric::Niqe), ""}, learned),
            "niqe/1 luma=studio rounding=u8_luma clip=true border_px=0 crop_multiple=1 "
            "files=0123456789ab");
  EXPECT_EQ(fingerprint(Metric::LpipsSqueeze, preset("chiaro", Metric::LpipsSqueeze)),
            "lpips_squeeze/1 rounding=none clip=true border_px=0 crop_multiple=1");
  EXPECT_EQ(preset("matlab", Metric::Niqe).luma, Luma::Full);
  EXPECT_EQ(preset("basicsr", Metric::Niqe).luma, Luma::Studio);
  EXPECT_EQ(preset("basicsr", Metric::Brisque).luma, Luma::Full);
}

TEST(Niqe, NeedsTwoBlocksThatAreNotFlat) {
  const NiqeNorm norm{std::vector<double>(36, 0.5), [] {
                        std::vector<double> identity(36 * 36);
                        for (std::size_t i = 0; i < 36; ++i) identity[37 * i] = 1;
                        return identity;
                      }()};
  const auto picture = integer_pictures(96, 192, 1, true).restored;
  const Protocol protocol = preset("chiaro", Metric::Niqe);
  EXPECT_GT(niqe(picture, protocol, norm), 0.0);
  EXPECT_CHIARO_ERROR(niqe(image::crop(picture, 0, 0, 96, 191), protocol, norm), Input,
                      "191x96 px with 1 blocks");
  EXPECT_CHIARO_ERROR(niqe(Image(3, 200, 200, 0.5F), protocol, norm), Input, "0 blocks");
}

TEST(Brisque, PredictsAsItsFilesSay) {
  const test::TemporaryFolder folder;
  std::string range = "x\n-1 1\n";
  for (int i = 1; i <= 36; ++i) range += std::to_string(i) + " 0 2\r\n";
  std::ofstream(folder / "range") << range;
  std::ofstream(folder / "model")
      << "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.5\nnr_class 2\n"
         "total_sv 2\nrho -3\nSV\n2 1:0.5\n-1 \n";
  const BrisqueRegression fitted = read_brisque_regression(folder / "model", folder / "range");
  ASSERT_EQ(fitted.vectors.size(), 2U);
  EXPECT_EQ(fitted.vectors[0][0], 0.5);
  EXPECT_EQ(fitted.vectors[0][35], 0.0);
  const auto picture = integer_pictures(60, 70, 1, true).restored;
  const Protocol protocol = preset("chiaro", Metric::Brisque);
  Plane plane = scored_planes(picture, protocol).front();
  for (double& value : plane.samples) value *= 255;
  double first = 0;
  double second = 0;
  const SceneFeatures features = brisque_features(plane);
  for (std::size_t i = 0; i < features.size(); ++i) {
    const double scaled = features[i] - 1;  // 0 to 2 becomes -1 to 1
    first += (scaled - (i == 0 ? 0.5 : 0.0)) * (scaled - (i == 0 ? 0.5 : 0.0));
    second += scaled * scaled;
  }
  EXPECT_NEAR(brisque(picture, protocol, fitted),
              2 * std::exp(-0.5 * first) - std::exp(-0.5 * second) + 3, 1e-9);
  EXPECT_CHIARO_ERROR(brisque(Image(3, 40, 40, 0.5F), protocol, fitted), Input, "flat");
}

TEST(Brisque, RefusesFilesThatAreSomethingElse) {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "short") << "x\n-1 1\n1 0 2\n";
  std::ofstream(folder / "other") << "y\n-1 1\n";
  EXPECT_CHIARO_ERROR(read_brisque_regression(folder / "model", folder / "short"), Input,
                      "1 features");
  EXPECT_CHIARO_ERROR(read_brisque_regression(folder / "model", folder / "other"), Input,
                      "svm-scale");
  std::string range = "x\n-1 1\n";
  for (int i = 1; i <= 36; ++i) range += std::to_string(i) + " 0 2\n";
  std::ofstream(folder / "range") << range;
  const auto refused = [&](const std::string& model, const std::string& why) {
    std::ofstream(folder / "model") << model;
    EXPECT_CHIARO_ERROR(read_brisque_regression(folder / "model", folder / "range"), Input, why);
  };
  refused("svm_type c_svc\nkernel_type rbf\ngamma 1\nSV\n", "another kind");
  refused("svm_type epsilon_svr\nkernel_type rbf\ngamma 1\n", "no line 'SV'");
  const std::string header = "svm_type epsilon_svr\nkernel_type rbf\ngamma 1\nSV\n";
  refused(header, "no support vectors");
  refused(header + "1 37:0.5\n", "line 5");
  refused(header + "1 1:x\n", "line 5");
}

std::vector<std::byte> npy(const std::string& order, const std::string& shape,
                           const std::vector<double>& values) {
  std::string header =
      "{'descr': '<f8', 'fortran_order': " + order + ", 'shape': (" + shape + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::string text("\x93NUMPY\x01\x00\x76\x00", 10);
  text += header;
  text.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  return test::bytes_of(text);
}

TEST(Npz, ReadsBothOrdersAndRefusesTheRest) {
  const test::TemporaryFolder folder;
  const auto rows = npy("False", "2, 3", {1, 2, 3, 4, 5, 6});
  const auto columns = npy("True", "2, 3", {1, 4, 2, 5, 3, 6});
  write_file_atomically(folder / "both.npz",
                        bundle::make_zip({{"a.npy", rows}, {"b.npy", columns}}));
  const auto arrays = read_npz(folder / "both.npz");
  EXPECT_EQ(arrays.at("a").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(arrays.at("a").values, arrays.at("b").values);
  const auto too_short = npy("False", "2, 4", {1, 2});
  write_file_atomically(folder / "short.npz", bundle::make_zip({{"a.npy", too_short}}));
  EXPECT_CHIARO_ERROR(read_npz(folder / "short.npz"), Input, "a.npy");
  std::ofstream(folder / "text.npz") << "no zip";
  EXPECT_CHIARO_ERROR(read_npz(folder / "text.npz"), Input, "text.npz");
  EXPECT_CHIARO_ERROR(read_niqe_norm(folder / "both.npz"), Input, "mu_pris_param");
}

TEST(TorchFile, RefusesWhatIsNotOne) {
  const test::TemporaryFolder folder;
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  const std::string version("\x80\x02M\xe9\x03.", 6);
  const std::string sizes("\x80\x02}.", 4);
  const auto refused = [&](const std::string& text) {
    write_file_atomically(folder / "heads.pth", text);
    EXPECT_CHIARO_ERROR(read_torch_file(folder / "heads.pth"), Input, "before 1.6");
  };
  refused("PK\x03\x04");
  refused(magic + version);
  refused(magic + version + sizes + "\x80\x02" + std::string(100000, ']') + ".");
  std::string nested = magic + version + sizes + "\x80\x02)";
  for (int i = 0; i < 100; ++i) nested += '\x85';
  refused(nested + "." + std::string("\x80\x02].", 4));
  refused(magic + version + sizes +
          std::string("\x80\x02h\x01"
                      "e.",
                      6));
  // Nothing in it, but whole.
  write_file_atomically(folder / "heads.pth",
                        magic + version + sizes + sizes + std::string("\x80\x02].", 4));
  EXPECT_TRUE(read_torch_file(folder / "heads.pth").empty());
  EXPECT_CHIARO_ERROR(read_lpips_heads(folder / "heads.pth"), Input, "lin0.model.1.weight");
}

}  // namespace
}  // namespace chiaro::metrics::learned_test

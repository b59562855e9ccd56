#include "chiaro/restore/code_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/files.h"
#include "chiaro/base/rng.h"
#include "tests/support/expect_error.h"

namespace chiaro::restore::code_index_test {
namespace {

CodeLayout layout() {
  return {"0123456789abcdef", {{"content", 2, true}, {"degradation", 3, false}}};
}

std::vector<float> code_at(double degrees) {
  const double angle = degrees * 3.14159265358979 / 180;
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle)), 0, 0, 1};
}

CodeIndex three() {
  CodeIndex index(layout(), "/home/ä/photos");
  index.add({"b.png", {20, 200, 2}}, code_at(30));
  index.add_fault({"below/\xff broken.png", {5, 50, 0}}, "[image.read] no picture");
  index.add({"a.png", {10, -100, 1}}, code_at(0));
  return index;
}

void expect_same(const CodeIndex& got, const CodeIndex& wanted) {
  ASSERT_EQ(got.rows().size(), wanted.rows().size());
  for (std::size_t i = 0; i < wanted.rows().size(); ++i) {
    const auto& [picture, fault] = wanted.rows()[i];
    const std::size_t row = got.find(picture.name);
    ASSERT_LT(row, got.rows().size()) << picture.name;
    EXPECT_EQ(got.rows()[row].picture.stamp, picture.stamp);
    EXPECT_EQ(got.rows()[row].fault, fault);
    for (std::size_t part = 0; part < 2; ++part)
      EXPECT_TRUE(std::ranges::equal(got.code(row, part), wanted.code(i, part)));
  }
}

TEST(CodeIndex, ComesBackFromItsFile) {
  const CodeIndex index = three();
  const CodeIndex read = CodeIndex::parse(index.bytes(), layout(), "three");
  expect_same(read, index);
  EXPECT_EQ(read.folder(), "/home/ä/photos");
  EXPECT_EQ(read.faults(), 1U);
  EXPECT_EQ(read.rows().front().picture.name, "a.png");
  EXPECT_EQ(read.bytes(), index.bytes());  // in whatever order they came
  const CodeIndex empty(layout(), "");
  EXPECT_TRUE(CodeIndex::parse(empty.bytes(), layout(), "empty").rows().empty());
}

TEST(CodeIndex, ReadsWhatOtherCodeWroteFromTheDescription) {
  const auto file = std::string(CHIARO_SOURCE_DIR) + "/tests/fuzz/corpus/codes/three.codes";
  const CodeIndex index = CodeIndex::parse(read_file(file), layout(), file);
  ASSERT_EQ(index.rows().size(), 2U);  // another program found the fault of the third
  EXPECT_EQ(index.folder(), "/photos");
  EXPECT_EQ(index.rows()[0].picture.name, "a.png");
  EXPECT_EQ(index.rows()[1].picture.stamp, (FileStamp{20, 200, 2}));
  EXPECT_FLOAT_EQ(index.code(1, 0)[1], std::sin(0.5F));
  EXPECT_EQ(index.code(1, 1)[2], 1);
}

TEST(CodeIndex, TakesAFewHundredBytesAPicture) {
  const CodeLayout usual{"x", {{"content", 64, true}, {"degradation", 32, false}}};
  CodeIndex index(usual, "photos");
  std::vector<float> code(96, 0.0F);
  code[0] = code[64] = 1;
  for (int i = 0; i < 100; ++i) index.add({fmt::format("holidays/img_{:04}.jpg", i), {}}, code);
  EXPECT_LT(index.bytes().size() / 100, 500U);
}

TEST(CodeIndex, KeepsWhatHasNotChanged) {
  const std::vector<FolderPicture> now{{"a.png", {10, -100, 1}},
                                       {"b.png", {20, 200, 3}},  // another time
                                       {"below/\xff broken.png", {5, 50, 0}},
                                       {"new.png", {1, 1, 1}}};
  const CodeIndex still = three().only(now, "/elsewhere");
  ASSERT_EQ(still.rows().size(), 2U);
  EXPECT_EQ(still.rows()[0].picture.name, "a.png");
  EXPECT_TRUE(std::ranges::equal(still.code(0, 0), std::vector<float>{1, 0}));
  EXPECT_EQ(still.rows()[1].fault, "[image.read] no picture");
  EXPECT_EQ(still.folder(), "/elsewhere");
  EXPECT_TRUE(three().only({}, "").rows().empty());
}

TEST(CodeIndex, CodesOfAnotherEncoderAreRefused) {
  CodeLayout other = layout();
  other.encoder = "fedcba9876543210";
  EXPECT_CHIARO_ERROR(CodeIndex::parse(three().bytes(), other, "three"), Bundle, "another encoder");
  CodeLayout wider = layout();  // a digest that is no longer one
  wider.parts[1].width = 4;
  EXPECT_CHIARO_ERROR(CodeIndex::parse(three().bytes(), wider, "three"), Input, "'codes'");
}

/// What is in a file, to be changed and put together again with a digest that is right.
class Forgery {
 public:
  explicit Forgery(const std::vector<std::byte>& bytes)
      : file_(bundle::Safetensors::parse(bytes, "honest")),
        tensors_(file_.tensors()),
        metadata_(file_.metadata()) {}

  template <typename Value>
  Forgery& put(const std::string& name, bundle::Dtype dtype, std::vector<std::int64_t> shape,
               const std::vector<Value>& values) {
    auto& owned = owned_[name];
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    owned.assign(first, first + values.size() * sizeof(Value));
    tensors_[name] = {dtype, std::move(shape), owned};
    return *this;
  }
  template <typename Value>
  Forgery& set(const std::string& name, std::size_t place, Value value) {
    auto& owned = owned_[name];
    owned.assign(tensors_[name].bytes.begin(), tensors_[name].bytes.end());
    std::memcpy(owned.data() + place * sizeof(Value), &value, sizeof(Value));
    tensors_[name].bytes = owned;
    return *this;
  }
  Forgery& erase(const std::string& name) {
    tensors_.erase(name);
    return *this;
  }
  Forgery& say(const std::string& key, const std::string& value) {
    metadata_[key] = value;
    return *this;
  }
  CodeIndex parse() {
    metadata_["digest"] = index_digest(tensors_);
    return CodeIndex::parse(bundle::serialize_safetensors(tensors_, metadata_), layout(), "forged");
  }

 private:
  bundle::Safetensors file_;
  bundle::TensorMap tensors_;
  bundle::TensorMetadata metadata_;
  std::map<std::string, std::vector<std::byte>> owned_;
};

TEST(CodeIndex, AnotherVersionTriesAgainWhatCouldNotBeRead) {
  const CodeIndex index = Forgery(three().bytes()).say("program", "0.0.0-other").parse();
  EXPECT_EQ(index.rows().size(), 2U);
  EXPECT_EQ(index.faults(), 0U);
}

TEST(CodeIndex, LiesAreRefusedWhateverTheDigestSays) {
  const auto bytes = three().bytes();
  using bundle::Dtype;
  using I = std::int64_t;
  constexpr I kMost = std::numeric_limits<I>::max();
  const auto refused = [&](Forgery forgery, const std::string& part) {
    test::expect_error(ErrorCode::Input, part, [&] { forgery.parse(); });
  };
  expect_same(Forgery(bytes).parse(), three());
  refused(std::move(Forgery(bytes).say("format", "chiaro codes 9")), "format");
  refused(std::move(Forgery(bytes).set<I>("names_ends", 0, -1)), "'names'");
  refused(std::move(Forgery(bytes).set<I>("names_ends", 0, kMost)), "'names'");
  refused(std::move(Forgery(bytes).set<I>("names_ends", 2, 25)), "'names'");
  refused(std::move(Forgery(bytes).set<I>("faults_ends", 1, kMost)), "'faults'");
  refused(std::move(Forgery(bytes).set<char>("names", 0, 'z')), "order");
  refused(std::move(Forgery(bytes).set<I>("names_ends", 0, 0)), "order");  // no name
  refused(std::move(Forgery(bytes).set<float>("codes", 0, std::nanf(""))), "length 1");
  refused(std::move(Forgery(bytes).set<float>("codes", 0, 1.1F)), "length 1");
  refused(std::move(Forgery(bytes).set<float>("codes", 4, 0.0F)), "length 1");
  refused(std::move(Forgery(bytes).put<I>("stamps", Dtype::I64, {2, 3}, {1, 2, 3, 4, 5, 6})),
          "shape");
  refused(std::move(Forgery(bytes).put<I>("stamps", Dtype::I64, {kMost / 16, 0}, {})), "shape");
  refused(std::move(Forgery(bytes).put<I>("stamps", Dtype::I64, {0}, {})), "shape");
  refused(std::move(Forgery(bytes).put<float>("codes", Dtype::F32, {1, 15}, std::vector(15, 0.0F))),
          "shape");
  refused(std::move(Forgery(bytes).put<float>("stamps", Dtype::F32, {3, 3}, std::vector(9, 0.0F))),
          "'stamps'");
  for (const char* name :
       {"codes", "stamps", "names", "names_ends", "faults", "faults_ends", "folder"})
    refused(std::move(Forgery(bytes).erase(name)), name);
}

TEST(CodeIndex, NoDamageGoesUnseenOrHarms) {
  const auto bytes = three().bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_CHIARO_ERROR(
        CodeIndex::parse({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)},
                         layout(), "cut"),
        Input, "expected a file that chiaro retrieve wrote");
  }
  Rng rng(5);
  std::size_t refused = 0;
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    auto changed = bytes;
    changed[place] ^= static_cast<std::byte>(rng.integer(1, 255));
    try {
      // Blanks of the header, and the version of the program, which is not in the digest.
      const CodeIndex index = CodeIndex::parse(changed, layout(), "changed");
      for (std::size_t i = 0; i < index.rows().size(); ++i) {
        const std::size_t row = three().find(index.rows()[i].picture.name);
        EXPECT_TRUE(std::ranges::equal(index.code(i, 0), three().code(row, 0)));
      }
    } catch (const Error& error) {
      ++refused;
      EXPECT_TRUE(error.code() == ErrorCode::Input || error.code() == ErrorCode::Bundle);
    }
  }
  EXPECT_GT(refused, bytes.size() * 9 / 10);
}

TEST(Nearest, RanksByOnePartAndAmongEqualsByName) {
  CodeIndex index(layout(), "");
  for (const auto& [name, degrees] : std::vector<std::pair<std::string, double>>{
           {"far", 90}, {"near", 20}, {"same b", 0}, {"opposite", 180}, {"same a", 0}})
    index.add({name, {}}, code_at(degrees));
  index.add_fault({"broken", {}}, "no picture");
  const auto names = [&](const std::vector<Neighbour>& found) {
    std::string text;
    for (const Neighbour& one : found) text += index.rows()[one.row].picture.name + ", ";
    return text;
  };
  const std::vector<float> query{1, 0};
  const auto all = nearest(index, 0, query, 100);
  EXPECT_EQ(names(all), "same a, same b, near, far, opposite, ");
  EXPECT_NEAR(all[2].cosine, std::cos(20 * 3.14159265358979 / 180), 1e-6);
  EXPECT_NEAR(all[4].cosine, -1, 1e-6);
  EXPECT_EQ(names(nearest(index, 0, query, 2)), "same a, same b, ");
  EXPECT_EQ(names(nearest(index, 0, query, 2,
                          [](const FolderPicture& one) { return one.name == "same a"; })),
            "same b, near, ");
  // All alike in the other part.
  EXPECT_EQ(names(nearest(index, 1, std::vector<float>{0, 0, 1}, 2)), "far, near, ");
  EXPECT_CHIARO_ERROR(nearest(index, 1, query, 2), Internal, "codes of 2 and 3");
}

bundle::Manifest encoder_manifest() {
  bundle::Manifest manifest;
  manifest.name = "encoder";
  manifest.kind = "encode";
  manifest.code =
      bundle::CodeInfo{.view_px = 16, .max_views = 4, .whole_px = 32, .parts = layout().parts};
  manifest.members["encode.onnx"] = {100, std::string(64, 'a')};
  return manifest;
}

TEST(CodeLayout, DependsOnWhatMakesTheCodeAndOnNothingElse) {
  const auto digest = [](const bundle::Manifest& manifest) {
    return code_layout(manifest, "encoder").encoder;
  };
  const bundle::Manifest first = encoder_manifest();
  EXPECT_EQ(code_layout(first, "encoder").width(), 5U);
  EXPECT_EQ(code_layout(first, "encoder").before(1), 2U);
  bundle::Manifest renamed = first;
  renamed.name = "other";
  renamed.members["card.md"] = {1, std::string(64, 'c')};
  EXPECT_EQ(digest(renamed), digest(first));
  bundle::Manifest retrained = first;
  retrained.members["encode.onnx"].sha256[0] = 'b';
  EXPECT_NE(digest(retrained), digest(first));
  for (const auto& change : std::vector<std::function<void(bundle::CodeInfo&)>>{
           [](bundle::CodeInfo& info) { info.view_px = 17; },
           [](bundle::CodeInfo& info) { info.max_views = 9; },
           [](bundle::CodeInfo& info) { info.whole_px = 48; },
           [](bundle::CodeInfo& info) { info.parts[0].whole = false; },
           [](bundle::CodeInfo& info) { info.parts[0].name = "scene"; },
           [](bundle::CodeInfo& info) { std::swap(info.parts[0].width, info.parts[1].width); }}) {
    bundle::Manifest changed = first;
    change(*changed.code);
    EXPECT_NE(digest(changed), digest(first));
  }
  bundle::Manifest without = first;
  without.members.clear();
  EXPECT_CHIARO_ERROR(digest(without), Bundle, "has no encode.onnx");
  without.kind = "restore";
  EXPECT_CHIARO_ERROR(digest(without), Bundle, "describes no codes");
}

}  // namespace
}  // namespace chiaro::restore::code_index_test

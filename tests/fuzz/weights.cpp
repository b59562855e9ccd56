// Bytes that may be a file of weights in another program's format: NumPy's .npz or one array of it,
// tensors of PyTorch before 1.6, an ncnn network (its text, a zero byte, its weights), either file
// of LIBSVM that BRISQUE needs. Every reader gets every input.
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/bundle/zip.h"
#include "chiaro/engine/engine.h"
#include "chiaro/metrics/brisque.h"
#include "chiaro/metrics/lpips.h"
#include "chiaro/metrics/niqe.h"
#include "tests/fuzz/named_memory.h"
#include "tests/fuzz/target.h"

namespace {

using namespace chiaro;
using fuzz::NamedMemory;

std::string sound_range() {
  std::string text = "x\n-1 1\n";
  for (std::size_t i = 1; i <= metrics::kSceneFeatures; ++i) text += std::to_string(i) + " 0 1\n";
  return text;
}

constexpr std::string_view kSoundModel =
    "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.5\nrho 1\nSV\n1 1:0.5\n";

void read_ncnn(std::span<const std::byte> bytes) {
  static const std::vector<std::string> kBlobs{"out", "c"};
  const auto end = std::ranges::find(bytes, std::byte{0});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              static_cast<std::size_t>(end - bytes.begin()));
  const auto weights = bytes.subspan(std::min(text.size() + 1, bytes.size()));
  (void)engine::Engine::of_ncnn(text, weights, kBlobs, {.threads = 1}, "input");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static NamedMemory input;
  static NamedMemory archive;
  static NamedMemory range;
  static NamedMemory model;
  static const bool prepared = [] {
    range.put(sound_range());
    model.put(kSoundModel);
    return true;
  }();
  (void)prepared;
  const auto bytes = std::as_bytes(std::span(data, size));
  input.put(bytes);
  fuzz::expect_no_fault([&] { (void)metrics::read_niqe_norm(input.path()); });
  fuzz::expect_no_fault([&] {  // as an array in an archive whose sums are right
    archive.put(bundle::make_zip({{"mu_pris_param.npy", bytes}}));
    (void)metrics::read_niqe_norm(archive.path());
  });
  fuzz::expect_no_fault([&] { (void)metrics::read_lpips_heads(input.path()); });
  fuzz::expect_no_fault([&] { read_ncnn(bytes); });
  fuzz::expect_no_fault(
      [&] { (void)metrics::read_brisque_regression(input.path(), range.path()); });
  fuzz::expect_no_fault(
      [&] { (void)metrics::read_brisque_regression(model.path(), input.path()); });
  return 0;
}

// Bytes that may be a picture: probed, decoded, coded again, and looked through for what they
// carry.
#include <span>
#include <string>

#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/fidelity.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chiaro;
  static const bool quiet = [] {
    spdlog::set_level(spdlog::level::off);
    return true;
  }();
  (void)quiet;
  const auto bytes = std::as_bytes(std::span(data, size));
  fuzz::expect_no_fault([&] { (void)image::probe(bytes, "input"); });
  fuzz::expect_no_fault([&] { (void)image::compare_files(bytes, bytes); });
  fuzz::expect_no_fault([&] {
    const image::Image picture = image::decode(bytes, "input", {.max_pixels = 1 << 18});
    const auto coded = image::encode(picture, {.format = "png"});
    if (image::decode(coded, "coded").width() != picture.width()) std::abort();
  });
  return 0;
}

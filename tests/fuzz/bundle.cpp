// Bytes that may be a bundle, or one of the files in it.
#include <span>
#include <string_view>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/bundle/safetensors.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chiaro;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto copy = [&] { return std::vector<std::byte>(bytes.begin(), bytes.end()); };
  fuzz::expect_no_fault([&] { (void)bundle::parse_bundle(copy(), "input"); });
  fuzz::expect_no_fault([&] {
    (void)bundle::parse_manifest({reinterpret_cast<const char*>(data), size}, "input");
  });
  fuzz::expect_no_fault([&] { (void)bundle::Safetensors::parse(copy(), "input"); });
  return 0;
}

// Bytes that may be an index of codes: as they are, and with a digest that is right, so that what
// lies behind it is reached too.
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/bundle/safetensors.h"
#include "chiaro/restore/code_index.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chiaro;
  const auto bytes = std::as_bytes(std::span(data, size));
  const restore::CodeLayout layout{"0123456789abcdef",
                                   {{"content", 2, true}, {"degradation", 3, false}}};
  const auto read = [&](std::vector<std::byte> file) {
    const auto index = restore::CodeIndex::parse(std::move(file), layout, "input");
    (void)restore::nearest(index, 0, std::vector<float>{1, 0}, 2);
    (void)restore::CodeIndex::parse(index.bytes(), layout, "written");
  };
  fuzz::expect_no_fault([&] { read({bytes.begin(), bytes.end()}); });
  fuzz::expect_no_fault([&] {
    const auto file = bundle::Safetensors::parse({bytes.begin(), bytes.end()}, "input");
    auto metadata = file.metadata();
    metadata["digest"] = restore::index_digest(file.tensors());
    read(bundle::serialize_safetensors(file.tensors(), metadata));
  });
  return 0;
}

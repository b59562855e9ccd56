#include "chiaro/image/exr_attributes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <OpenEXR/ImfAttribute.h>
#include <OpenEXR/ImfBoxAttribute.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfOpaqueAttribute.h>
#include <OpenEXR/ImfVersion.h>

#include "chiaro/base/error.h"

namespace chiaro::image {
namespace {

using namespace std::string_view_literals;

constexpr std::array kOfThePixels{"channels"sv, "compression"sv, "lineOrder"sv,
                                  "tiles"sv,    "type"sv,        "name"sv,
                                  "version"sv,  "chunkCount"sv,  "preview"sv,
                                  "view"sv,     "multiView"sv,   "dwaCompressionLevel"sv};

/// Bytes in memory that grow where they are written.
class MemoryOut : public Imf::OStream {
 public:
  MemoryOut() : OStream("memory") {}
  void write(const char bytes[], int count) override {
    text_.append(bytes, static_cast<std::size_t>(count));
  }
  std::uint64_t tellp() override { return text_.size(); }
  void seekp(std::uint64_t) override {
    fail(ErrorCode::Internal, "[image.exr] an attribute seeks");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class MemoryIn : public Imf::IStream {
 public:
  explicit MemoryIn(std::string_view text) : IStream("memory"), text_(text) {}
  bool read(char bytes[], int count) override {
    const auto wanted = static_cast<std::size_t>(std::max(count, 0));
    CHIARO_CHECK(wanted <= text_.size() - at_, Input, "[image.exr] an attribute ends too early");
    std::copy_n(text_.data() + at_, wanted, bytes);
    at_ += wanted;
    return at_ < text_.size();
  }
  std::uint64_t tellg() override { return at_; }
  void seekg(std::uint64_t at) override { at_ = std::min<std::size_t>(at, text_.size()); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

struct Packed {
  std::string_view name;
  std::string_view type;
  std::string_view value;
};

/// Calls `take` for each.
void for_each_packed(std::span<const std::uint8_t> packed,
                     const std::function<void(const Packed&)>& take) {
  std::string_view rest(reinterpret_cast<const char*>(packed.data()), packed.size());
  const auto word = [&rest]() -> std::optional<std::string_view> {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view found = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return found;
  };
  while (!rest.empty()) {
    const auto name = word();
    const auto type = word();
    std::uint32_t size = 0;
    if (!name || !type || rest.size() < sizeof(size)) return;
    std::memcpy(&size, rest.data(), sizeof(size));
    rest.remove_prefix(sizeof(size));
    if (rest.size() < size) return;
    take({*name, *type, rest.substr(0, size)});
    rest.remove_prefix(size);
  }
}

std::unique_ptr<Imf::Attribute> attribute_of(const Packed& one) {
  const std::string type(one.type);
  std::unique_ptr<Imf::Attribute> attribute(Imf::Attribute::knownType(type.c_str())
                                                ? Imf::Attribute::newAttribute(type.c_str())
                                                : new Imf::OpaqueAttribute(type.c_str()));
  MemoryIn in(one.value);
  attribute->readValueFrom(in, static_cast<int>(one.value.size()), Imf::EXR_VERSION);
  return attribute;
}

bool is_window(std::string_view name) {
  return name == "dataWindow" || name == "displayWindow";
}

}  // namespace

std::vector<std::uint8_t> pack_attributes(const Imf::Header& header) {
  std::vector<std::uint8_t> packed;
  const auto append = [&packed](const char* bytes, std::size_t count) {
    packed.insert(packed.end(), bytes, bytes + count);
  };
  for (auto one = header.begin(); one != header.end(); ++one) {
    const std::string_view name = one.name();
    if (std::ranges::find(kOfThePixels, name) != kOfThePixels.end()) continue;
    MemoryOut value;
    one.attribute().writeValueTo(value, Imf::EXR_VERSION);
    const auto size = static_cast<std::uint32_t>(value.text().size());
    append(one.name(), name.size() + 1);
    append(one.attribute().typeName(), std::strlen(one.attribute().typeName()) + 1);
    append(reinterpret_cast<const char*>(&size), sizeof(size));
    append(value.text().data(), value.text().size());
  }
  return packed;
}

void unpack_attributes(std::span<const std::uint8_t> packed, int width, int height,
                       Imf::Header& header) {
  std::optional<Imath::Box2i> data;
  std::optional<Imath::Box2i> display;
  for_each_packed(packed, [&](const Packed& one) {
    try {
      const auto attribute = attribute_of(one);
      if (!is_window(one.name)) return header.insert(std::string(one.name), *attribute);
      if (const auto* box = dynamic_cast<const Imf::Box2iAttribute*>(attribute.get()))
        (one.name == "dataWindow" ? data : display) = box->value();
    } catch (const std::exception&) {  // left out
    }
  });
  if (!data || !display) return;
  const Imath::V2i size = data->size();
  if (size.x + 1 != width || size.y + 1 != height) return;
  header.dataWindow() = *data;
  header.displayWindow() = *display;
}

std::map<std::string, std::string> listed_attributes(std::span<const std::uint8_t> packed) {
  std::map<std::string, std::string> items;
  std::string data;
  std::string display;
  const Imf::Header usual;
  for_each_packed(packed, [&](const Packed& one) {
    if (one.name == "xDensity" || one.name == "chromaticities") return;
    if (one.name == "dataWindow") data = one.value;
    if (one.name == "displayWindow") display = one.value;
    if (is_window(one.name)) return;
    if (const auto standard = usual.find(std::string(one.name)); standard != usual.end()) {
      MemoryOut value;
      standard.attribute().writeValueTo(value, Imf::EXR_VERSION);
      if (value.text() == one.value) return;
    }
    std::string_view value = one.value;
    items["OpenEXR " + std::string(one.name)] = value;
  });
  if (display != data) items["OpenEXR displayWindow"] = data + display;
  return items;
}

}  // namespace chiaro::image

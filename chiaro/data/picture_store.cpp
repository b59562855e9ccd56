#include "chiaro/data/picture_store.h"

#include <algorithm>
#include <cmath>

#include <spdlog/spdlog.h>

#include "chiaro/base/error.h"
#include "chiaro/image/codec.h"

namespace chiaro::data {

std::int64_t PictureStore::add(const std::filesystem::path& file) {
  const auto [found, inserted] = numbers_.emplace(file, static_cast<std::int64_t>(files_.size()));
  if (inserted) files_.push_back(file);
  return found->second;
}

std::shared_ptr<const PictureStore::Stored> PictureStore::fetch(std::int64_t number) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = kept_.find(number); found != kept_.end()) return found->second;
    if (broken_.contains(number)) return nullptr;
  }
  auto stored = std::make_shared<Stored>();
  try {
    const image::Image picture = image::to_rgb(image::read(path(number)));
    stored->height = picture.height();
    stored->width = picture.width();
    stored->pixels.resize(picture.pixels().size());
    std::ranges::transform(picture.pixels(), stored->pixels.begin(), [](float value) {
      return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255.0F));
    });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Input) throw;
    const std::lock_guard lock(mutex_);
    if (broken_.emplace(number, true).second)
      spdlog::warn("skipping a broken training picture: {}", error.what());
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  sizes_[number] = {stored->height, stored->width};
  if (kept_bytes_ + stored->pixels.size() <= max_bytes_ && kept_.emplace(number, stored).second) {
    kept_bytes_ += stored->pixels.size();
  }
  return stored;
}

std::optional<PictureStore::Size> PictureStore::size(std::int64_t number) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = sizes_.find(number); found != sizes_.end()) return found->second;
  }
  const auto stored = fetch(number);
  if (stored == nullptr) return std::nullopt;
  return Size{stored->height, stored->width};
}

std::optional<image::Image> PictureStore::crop(std::int64_t number, int y, int x, int height,
                                               int width) {
  const auto stored = fetch(number);
  if (stored == nullptr) return std::nullopt;
  CHIARO_CHECK(y >= 0 && x >= 0 && height > 0 && width > 0 && y + height <= stored->height &&
                   x + width <= stored->width,
               Internal, "[data.crop] rectangle leaves the picture '{}'", path(number).string());
  image::Image result(3, height, width);
  const auto plane =
      static_cast<std::size_t>(stored->height) * static_cast<std::size_t>(stored->width);
  for (int c = 0; c < 3; ++c) {
    auto out = result.plane(c).begin();
    for (int row = 0; row < height; ++row) {
      const auto* from =
          stored->pixels.data() + static_cast<std::size_t>(c) * plane +
          static_cast<std::size_t>(y + row) * static_cast<std::size_t>(stored->width) +
          static_cast<std::size_t>(x);
      out = std::transform(from, from + width, out,
                           [](std::uint8_t v) { return static_cast<float>(v) / 255.0F; });
    }
  }
  return result;
}

std::vector<std::filesystem::path> PictureStore::broken() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::filesystem::path> files;
  for (const auto& [number, unused] : broken_) files.push_back(path(number));
  return files;
}

}  // namespace chiaro::data

#include "bench/pictures.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "chiaro/base/rng.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/indices.h"

namespace chiaro::bench {
namespace {

namespace fs = std::filesystem;

std::vector<image::Image> photos() {
  std::vector<image::Image> all;
  for (const fs::path& file : image::list_pictures(CHIARO_BENCH_PHOTOS))
    all.push_back(image::read(file));
  return all;
}

/// A part of a photo, from a place that is drawn, with noise.
image::Image part_of(const image::Image& photo, int height, int width, Rng& rng) {
  constexpr double kNoise = 12.0 / 255;
  const auto top = static_cast<int>(rng.integer(0, photo.height() - 1));
  const auto left = static_cast<int>(rng.integer(0, photo.width() - 1));
  image::Image part(3, height, width);
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const float value = photo.at(channel, image::mirrored(top + y, photo.height()),
                                     image::mirrored(left + x, photo.width()));
        part.at(channel, y, x) =
            std::clamp(value + static_cast<float>(kNoise * rng.normal()), 0.0F, 1.0F);
      }
    }
  }
  return part;
}

void write_jpeg(const fs::path& folder, int index, const image::Image& picture, Rng& rng) {
  image::write(folder / fmt::format("{:04}.jpg", index), picture,
               {.quality = static_cast<int>(rng.integer(70, 95))});
}

}  // namespace

void write_mixed_jpegs(const fs::path& folder, int count) {
  constexpr std::array<std::pair<int, int>, 4> kUsual{
      std::pair{1024, 768}, {1200, 800}, {800, 800}, {1280, 720}};
  fs::create_directories(folder);
  const auto sources = photos();
  for (int i = 0; i < count; ++i) {
    Rng rng(11, {static_cast<std::uint64_t>(i)});
    auto [longer, shorter] = kUsual[static_cast<std::size_t>(rng.integer(0, kUsual.size() - 1))];
    if (rng.chance(1.0 / 3)) {
      longer = static_cast<int>(rng.log_uniform(500, 1600));
      shorter = static_cast<int>(longer * rng.uniform(0.5, 1.0));
    }
    if (rng.chance(0.5)) std::swap(longer, shorter);
    const auto& photo = sources[static_cast<std::size_t>(i) % sources.size()];
    write_jpeg(folder, i, part_of(photo, shorter, longer, rng), rng);
  }
}

void write_small_jpegs(const fs::path& folder, int count) {
  fs::create_directories(folder);
  const auto sources = photos();
  for (int i = 0; i < count; ++i) {
    Rng rng(13, {static_cast<std::uint64_t>(i)});
    const auto height = static_cast<int>(rng.integer(64, 160));
    const auto width = static_cast<int>(rng.integer(64, 160));
    const auto& photo = sources[static_cast<std::size_t>(i) % sources.size()];
    write_jpeg(folder, i, part_of(photo, height, width, rng), rng);
  }
}

image::Image test_picture(int height, int width) {
  image::Image picture(3, height, width);
  Rng rng(7);
  for (int channel = 0; channel < 3; ++channel) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double ramp = static_cast<double>(x + y) / (height + width);
        const double block = (x / 37 + y / 53 + channel) % 2 == 0 ? 0.2 : 0.0;
        picture.at(channel, y, x) =
            static_cast<float>(std::clamp(0.7 * ramp + block + rng.uniform(0, 0.05), 0.0, 1.0));
      }
    }
  }
  return picture;
}

}  // namespace chiaro::bench

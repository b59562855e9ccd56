#include "chiaro/image/sample_rows.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "chiaro/image/levels.h"
#include "chiaro/image/light.h"

namespace chiaro::image {
namespace {

/// To places that need not be aligned: rows of a file follow a header of any length.
template <typename Sample>
void store(Sample sample, unsigned char* out) {
  std::memcpy(out, &sample, sizeof(sample));
}

void interleave_16(const float* plane, int count, std::size_t step, unsigned char* out) {
  for (int i = 0; i < count; ++i, out += step * sizeof(std::uint16_t)) {
    // Written so that NaN becomes 0.
    store(static_cast<std::uint16_t>(plane[i] > 0.0F ? std::min(plane[i], 1.0F) * 65535.0F + 0.5F
                                                     : 0.0F),
          out);
  }
}

void interleave_floats(const float* plane, int count, std::size_t step, unsigned char* out) {
  for (int i = 0; i < count; ++i, out += step * sizeof(float)) store(plane[i], out);
}

}  // namespace

SampleRows::SampleRows(const Image& picture, Layout layout, const ColourConversion* conversion)
    : picture_(picture), layout_(layout), conversion_(conversion) {}

std::size_t SampleRows::bytes_per_sample() const {
  return layout_.type == SampleType::U8 ? 1 : layout_.type == SampleType::U16 ? 2 : 4;
}

void SampleRows::write(int y, int x, int count, unsigned char* out) const {
  const auto n = static_cast<std::size_t>(count);
  const std::size_t first =
      static_cast<std::size_t>(y) * static_cast<std::size_t>(picture_.width()) +
      static_cast<std::size_t>(x);
  const auto channels = static_cast<std::size_t>(picture_.channels());
  std::vector<float> planes(n * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    std::copy_n(picture_.plane(static_cast<int>(c)).data() + first, n, planes.data() + c * n);
  }
  if (layout_.flatten && !picture_.alpha.empty()) {
    for (std::size_t i = 0; i < planes.size(); ++i) {
      const float alpha = std::clamp(picture_.alpha[first + i % n], 0.0F, 1.0F);
      planes[i] = planes[i] * alpha + (1.0F - alpha);
    }
  }
  if (layout_.divide && !picture_.alpha.empty()) {
    for (std::size_t i = 0; i < planes.size(); ++i) {
      const float alpha = picture_.alpha[first + i % n];
      if (alpha > 0) planes[i] = srgb_of_light(light_of_srgb(planes[i]) / alpha);
    }
  }
  if (conversion_ != nullptr) conversion_->convert(planes.data(), planes.data(), n);
  if (layout_.lowest_is_zero) {
    for (float& value : planes) value = std::max(value, 0.0F);
  }
  const auto step = static_cast<std::size_t>(samples_per_pixel());
  for (std::size_t c = 0; c < step; ++c) {
    const std::size_t from = layout_.spread_grey ? 0 : c;
    const float* plane = from < channels ? planes.data() + from * n : picture_.alpha.data() + first;
    unsigned char* start = out + c * bytes_per_sample();
    switch (layout_.type) {
      case SampleType::U8:
        interleave_levels(plane, n, step, start);
        break;
      case SampleType::U16:
        interleave_16(plane, count, step, start);
        break;
      case SampleType::F32:
        interleave_floats(plane, count, step, start);
        break;
    }
  }
}

}  // namespace chiaro::image

// The JPEG degradation: libjpeg-turbo directly, because it is called per crop from many threads at
// once.
#include <turbojpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "chiaro/base/error.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/levels.h"

namespace chiaro::image {
namespace {

struct DestroyHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, DestroyHandle>;

struct FreeBuffer {
  void operator()(unsigned char* buffer) const { tjFree(buffer); }
};

std::vector<unsigned char> interleaved_u8(const Image& picture) {
  const auto channels = static_cast<std::size_t>(picture.channels());
  std::vector<unsigned char> result(picture.pixels().size());
  for (std::size_t c = 0; c < channels; ++c) {
    const auto plane = picture.plane(static_cast<int>(c));
    interleave_levels(plane.data(), plane.size(), channels, result.data() + c);
  }
  return result;
}

}  // namespace

Image jpeg_round_trip(const Image& picture, int quality, bool chroma_subsampled) {
  CHIARO_CHECK(!picture.empty(), Usage, "[image.jpeg_round_trip] got an empty picture");
  CHIARO_CHECK(quality >= 1 && quality <= 100, Usage,
               "[image.jpeg_round_trip] impossible quality; got {}; expected 1 to 100", quality);
  CHIARO_CHECK(picture.width() <= 65500 && picture.height() <= 65500, Usage,
               "[image.jpeg_round_trip] too large for JPEG; got {}x{}; expected sides up to 65500",
               picture.height(), picture.width());
  const bool grey = picture.channels() == 1;
  const int pixel_format = grey ? TJPF_GRAY : TJPF_RGB;
  const int sampling = grey ? TJSAMP_GRAY : chroma_subsampled ? TJSAMP_420 : TJSAMP_444;
  std::vector<unsigned char> samples = interleaved_u8(picture);

  const Handle encoder(tjInitCompress());
  const Handle decoder(tjInitDecompress());
  CHIARO_CHECK(encoder && decoder, Internal, "[image.jpeg_round_trip] no codec: {}",
               tjGetErrorStr2(nullptr));
  unsigned char* coded = nullptr;
  unsigned long coded_size = 0;
  // The accurate integer transform: what the published JPEG test sets were made with.
  const int status =
      tjCompress2(encoder.get(), samples.data(), picture.width(), 0, picture.height(), pixel_format,
                  &coded, &coded_size, sampling, quality, TJFLAG_ACCURATEDCT);
  const std::unique_ptr<unsigned char, FreeBuffer> owned(coded);
  CHIARO_CHECK(status == 0, Internal, "[image.jpeg_round_trip] {}", tjGetErrorStr2(encoder.get()));
  CHIARO_CHECK(tjDecompress2(decoder.get(), coded, coded_size, samples.data(), picture.width(), 0,
                             picture.height(), pixel_format, TJFLAG_ACCURATEDCT) == 0,
               Internal, "[image.jpeg_round_trip] {}", tjGetErrorStr2(decoder.get()));

  Image result(picture.channels(), picture.height(), picture.width());
  const auto channels = static_cast<std::size_t>(picture.channels());
  for (std::size_t c = 0; c < channels; ++c) {
    const unsigned char* in = samples.data() + c;
    for (float& value : result.plane(static_cast<int>(c))) {
      value = static_cast<float>(*in) / 255.0F;
      in += channels;
    }
  }
  result.alpha = picture.alpha;
  result.sample_type = picture.sample_type;
  result.metadata = picture.metadata;
  return result;
}

}  // namespace chiaro::image

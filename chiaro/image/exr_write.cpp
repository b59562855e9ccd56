#include "chiaro/image/exr_write.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfOutputFile.h>
#include <OpenEXR/ImfStandardAttributes.h>

#include "chiaro/base/error.h"
#include "chiaro/image/exr_attributes.h"

namespace chiaro::image {
namespace {

constexpr int kRowsTogether = 16;  // what ZIP compresses at once

class BytesOut : public Imf::OStream {
 public:
  BytesOut() : OStream("memory") {}
  void write(const char bytes[], int count) override {
    const auto size = static_cast<std::size_t>(count);
    if (bytes_.size() < at_ + size) bytes_.resize(at_ + size);
    std::memcpy(bytes_.data() + at_, bytes, size);
    at_ += size;
  }
  std::uint64_t tellp() override { return at_; }
  void seekp(std::uint64_t at) override { at_ = static_cast<std::size_t>(at); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

class FileOut : public Imf::OStream {
 public:
  explicit FileOut(AtomicFile& file)
      : OStream(file.temporary_name().c_str()), file_(file.descriptor()) {}
  void write(const char bytes[], int count) override {
    for (int done = 0; done < count;) {
      const ssize_t put = ::pwrite(file_, bytes + done, static_cast<std::size_t>(count - done),
                                   static_cast<off_t>(at_) + done);
      if (put < 0 && errno == EINTR) continue;
      CHIARO_CHECK(put > 0, Output, "[image.write] cannot write '{}': {}", fileName(),
                   std::strerror(errno));
      done += static_cast<int>(put);
    }
    at_ += static_cast<std::uint64_t>(count);
  }
  std::uint64_t tellp() override { return at_; }
  void seekp(std::uint64_t at) override { at_ = at; }

 private:
  int file_;
  std::uint64_t at_ = 0;
};

std::vector<std::string> channel_names(const Encoding& encoding) {
  std::vector<std::string> names;
  if (encoding.channels == 3) names = {"R", "G", "B"};
  if (encoding.channels == 1) names = {"Y"};
  if (encoding.layout.alpha) names.emplace_back("A");
  return names;
}

Imf::Header header_of(const Encoding& encoding) {
  const Metadata& metadata = encoding.metadata;
  Imf::Header header(encoding.width, encoding.height);
  unpack_attributes(metadata.native_header, encoding.width, encoding.height, header);
  header.compression() = Imf::ZIP_COMPRESSION;
  header.lineOrder() = Imf::INCREASING_Y;
  if (metadata.x_pixels_per_mm > 0 && metadata.y_pixels_per_mm > 0) {
    Imf::addXDensity(header, static_cast<float>(metadata.x_pixels_per_mm * 25.4));
    header.pixelAspectRatio() =
        static_cast<float>(metadata.y_pixels_per_mm / metadata.x_pixels_per_mm);
  }
  for (const std::string& name : channel_names(encoding))
    header.channels().insert(name, Imf::Channel(encoding.half ? Imf::HALF : Imf::FLOAT));
  return header;
}

/// Pixels of interleaved samples, the last one alpha.
void multiply_alpha(std::vector<float>& samples, std::size_t step) {
  for (std::size_t i = 0; i < samples.size(); i += step) {
    for (std::size_t c = 0; c + 1 < step; ++c) samples[i + c] *= samples[i + step - 1];
  }
}

void save(const Encoding& encoding, const PixelWriter& pixels, Imf::OStream& out) {
  const Imf::Header header = header_of(encoding);
  const auto names = channel_names(encoding);
  const std::size_t step = names.size();
  const std::size_t row = static_cast<std::size_t>(encoding.width) * step;
  Imf::OutputFile file(out, header, 0);
  const Imath::V2i corner = header.dataWindow().min;
  for (int y = 0; y < encoding.height; y += kRowsTogether) {
    const int count = std::min(kRowsTogether, encoding.height - y);
    std::vector<float> samples(row * static_cast<std::size_t>(count));
    for (int k = 0; k < count; ++k)
      pixels(y + k, 0, encoding.width,
             reinterpret_cast<unsigned char*>(samples.data() + static_cast<std::size_t>(k) * row));
    if (encoding.layout.alpha && !encoding.metadata.multiplied) multiply_alpha(samples, step);
    std::vector<half> halves;
    if (encoding.half) {
      halves.resize(samples.size());
      std::ranges::transform(samples, halves.begin(), [](float value) {
        return half(std::clamp(value, -static_cast<float>(HALF_MAX), static_cast<float>(HALF_MAX)));
      });
    }
    const std::size_t sample = encoding.half ? sizeof(half) : sizeof(float);
    const char* base = encoding.half ? reinterpret_cast<const char*>(halves.data())
                                     : reinterpret_cast<const char*>(samples.data());
    Imf::FrameBuffer frame;
    for (std::size_t c = 0; c < step; ++c) {
      frame.insert(names[c], Imf::Slice::Make(encoding.half ? Imf::HALF : Imf::FLOAT,
                                              base + c * sample, {corner.x, corner.y + y},
                                              encoding.width, count, step * sample, row * sample));
    }
    file.setFrameBuffer(frame);
    file.writePixels(count);
  }
}

/// Foreign exceptions as errors of this room; OutputFile writes its last bytes when it goes.
void save_translated(const Encoding& encoding, const PixelWriter& pixels, Imf::OStream& out) {
  try {
    save(encoding, pixels, out);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorCode::Internal, "[image.encode] cannot encode exr: {}", error.what());
  }
}

}  // namespace

std::vector<std::byte> encode_exr(const Encoding& encoding, const PixelWriter& pixels) {
  BytesOut out;
  save_translated(encoding, pixels, out);
  return out.take();
}

void write_exr(const Encoding& encoding, const PixelWriter& pixels, AtomicFile& file) {
  FileOut out(file);
  save_translated(encoding, pixels, out);
}

}  // namespace chiaro::image

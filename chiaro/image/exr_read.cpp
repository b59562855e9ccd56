#include "chiaro/image/exr_read.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <OpenEXR/Iex.h>
#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfChromaticities.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfInputPart.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfMultiPartInputFile.h>
#include <OpenEXR/ImfPartType.h>
#include <OpenEXR/ImfStandardAttributes.h>
#include <OpenEXR/ImfTileDescription.h>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/image/colour_profile.h"
#include "chiaro/image/exr_attributes.h"
#include "chiaro/image/exr_chunks.h"

namespace chiaro::image {
namespace {

/// A file is read where it is wanted, so that it does not count as memory of this process; what is
/// in memory, or comes through a pipe, from there.
class SourceStream : public Imf::IStream {
 public:
  SourceStream(VipsSource* source, const std::string& name) : IStream(name.c_str()) {
    if (vips_source_is_file(source) != 0) {
      file_ = ::open(vips_connection_filename(VIPS_CONNECTION(source)), O_RDONLY | O_CLOEXEC);
      struct stat status {};
      if (file_ >= 0 && ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode)) {
        size_ = static_cast<std::uint64_t>(status.st_size);
        return;
      }
      close_file();
    }
    std::size_t size = 0;
    memory_ = static_cast<const char*>(vips_source_map(source, &size));
    CHIARO_CHECK(memory_ != nullptr, Input, "[image.read] cannot read '{}': {}", name,
                 take_vips_error());
    size_ = size;
    g_object_ref(source);
    source_.reset(source);
  }
  ~SourceStream() override { close_file(); }
  SourceStream(const SourceStream&) = delete;
  SourceStream& operator=(const SourceStream&) = delete;

  bool read(char bytes[], int count) override {
    const auto wanted = static_cast<std::size_t>(std::max(count, 0));
    if (!read_at(at_, {bytes, wanted})) throw Iex::InputExc("the file ends too early");
    at_ += wanted;
    return at_ < size_;
  }
  /// Wherever reading is; false where the file ends before.
  bool read_at(std::uint64_t at, std::span<char> bytes) const {
    if (at > size_ || bytes.size() > size_ - at) return false;
    if (memory_ != nullptr) {
      std::memcpy(bytes.data(), memory_ + at, bytes.size());
      return true;
    }
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t got =
          ::pread(file_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw Iex::InputExc("the file cannot be read");
      done += static_cast<std::size_t>(got);
    }
    return true;
  }
  std::uint64_t tellg() override { return at_; }
  void seekg(std::uint64_t at) override { at_ = at; }

 private:
  void close_file() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

  int file_ = -1;
  VipsSourcePointer source_;
  const char* memory_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
};

/// What libvips asks for rows.
struct ExrFile {
  SourceStream stream;
  ReadAt read_at = [this](std::uint64_t at, std::span<char> bytes) {
    return stream.read_at(at, bytes);
  };
  std::uint64_t headers_end;
  Imf::MultiPartInputFile file;
  Imath::Box2i window;
  std::vector<std::string> channels;   // in the order of the samples of a pixel
  std::mutex mutex;                    // of what follows
  std::optional<Imf::InputPart> part;  // takes memory by what the header claims: not before a row
  ExrChunks chunks;

  ExrFile(VipsSource* source, const std::string& name)
      : stream(source, name),
        headers_end(end_of_exr_headers(read_at)),
        file(stream, 0, false),
        chunks(read_at, file.header(0), file.version(), headers_end) {}
  const Imf::Header& header() const { return file.header(0); }

  /// Whole rows [y, y + count), pixels interleaved.
  void read(int y, int count, float* out) {
    const std::lock_guard lock(mutex);
    chunks.expect_full(window.min.y + y, window.min.y + y + count - 1);
    if (!part) part.emplace(file, 0);
    const std::size_t pixel = channels.size() * sizeof(float);
    const auto width = static_cast<std::int64_t>(window.max.x) - window.min.x + 1;
    Imf::FrameBuffer frame;
    for (std::size_t c = 0; c < channels.size(); ++c) {
      frame.insert(channels[c],
                   Imf::Slice::Make(Imf::FLOAT, out + c, {window.min.x, window.min.y + y}, width,
                                    count, pixel, pixel * static_cast<std::size_t>(width)));
    }
    part->setFrameBuffer(frame);
    part->readPixels(window.min.y + y, window.min.y + y + count - 1);
  }
};

/// Called by libvips for a part of the picture.
int generate_exr(VipsRegion* region, void*, void* file_pointer, void*, int*) {
  auto& exr = *static_cast<ExrFile*>(file_pointer);
  try {
    const VipsRect& rect = region->valid;
    const std::size_t pixel = exr.channels.size();
    const auto width = static_cast<std::size_t>(region->im->Xsize);
    std::vector<float> rows(width * pixel * static_cast<std::size_t>(rect.height));
    exr.read(rect.top, rect.height, rows.data());
    for (int y = 0; y < rect.height; ++y) {
      const float* row =
          rows.data() +
          (static_cast<std::size_t>(y) * width + static_cast<std::size_t>(rect.left)) * pixel;
      std::copy_n(row, static_cast<std::size_t>(rect.width) * pixel,
                  reinterpret_cast<float*>(VIPS_REGION_ADDR(region, rect.left, rect.top + y)));
    }
    return 0;
  } catch (const std::exception& error) {
    vips_error("exr", "%s", error.what());
    return -1;
  }
}

std::string joined_names(const Imf::ChannelList& list) {
  std::vector<std::string> names;
  for (auto one = list.begin(); one != list.end(); ++one) names.emplace_back(one.name());
  return join(names);
}

/// Those that make a picture, in order.
std::vector<std::string> chosen_channels(const Imf::ChannelList& list, const std::string& name) {
  const auto has = [&list](const char* channel) { return list.findChannel(channel) != nullptr; };
  std::vector<std::string> chosen;
  if (has("R") || has("G") || has("B")) chosen = {"R", "G", "B"};
  if (chosen.empty() && has("Y") && !has("RY") && !has("BY")) chosen = {"Y"};
  CHIARO_CHECK(!chosen.empty(), Input,
               "[image.read] '{}' is an OpenEXR picture without the usual channels; got {}; "
               "expected R, G and B, or Y alone, with A or without",
               name, joined_names(list));
  if (has("A")) chosen.emplace_back("A");
  for (const std::string& channel : chosen) {
    const Imf::Channel* found = list.findChannel(channel);
    CHIARO_CHECK(found == nullptr || (found->xSampling == 1 && found->ySampling == 1), Input,
                 "[image.read] '{}' is an OpenEXR picture whose channel {} is subsampled; got "
                 "{}x{}; expected 1x1",
                 name, channel, found->xSampling, found->ySampling);
  }
  return chosen;
}

/// The profile of linear light in the primaries that the header states; those of sRGB where it
/// states none, or impossible ones.
std::vector<std::uint8_t> profile_of(const Imf::Header& header, int colours) {
  if (colours == 1 || !Imf::hasChromaticities(header)) return linear_profile(colours);
  const Imf::Chromaticities& stated = Imf::chromaticities(header);
  const auto pair = [](const Imath::V2f& point) { return std::array<double, 2>{point.x, point.y}; };
  auto profile =
      linear_profile({pair(stated.red), pair(stated.green), pair(stated.blue), pair(stated.white)});
  return profile.empty() ? linear_profile(colours) : profile;
}

void describe(VipsImage* image, const ExrFile& exr, int colours) {
  const Imf::Header& header = exr.header();
  const auto icc = profile_of(header, colours);
  vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, icc.data(), icc.size());
  const auto attributes = pack_attributes(header);
  vips_image_set_blob_copy(image, kExrAttributes, attributes.data(), attributes.size());
  bool half = true;
  std::vector<std::string> left_out;
  const Imf::ChannelList& list = header.channels();
  for (auto one = list.begin(); one != list.end(); ++one) {
    const bool used = std::ranges::find(exr.channels, one.name()) != exr.channels.end();
    if (used) half = half && one.channel().type == Imf::HALF;
    if (!used) left_out.emplace_back(one.name());
  }
  if (half) vips_image_set_int(image, kExrHalf, 1);
  if (!left_out.empty()) vips_image_set_string(image, kExrLeftOut, join(left_out).c_str());
  if (header.hasTileDescription()) {
    const unsigned rows = std::min<unsigned>(header.tileDescription().ySize, VIPS_MAX_COORD);
    vips_image_set_int(image, kExrTileRows, static_cast<int>(rows));
  } else {
    vips_image_set_int(image, kExrChunkRows, rows_of_exr_chunk(header.compression()));
  }
  if (exr.file.parts() > 1) vips_image_set_int(image, VIPS_META_N_PAGES, exr.file.parts());
}

VipsImagePointer image_of(VipsSource* source, const std::string& name) {
  auto exr = std::make_unique<ExrFile>(source, name);
  const Imf::Header& header = exr->header();
  CHIARO_CHECK(!header.hasType() || !Imf::isDeepData(header.type()), Input,
               "[image.read] '{}' is a deep OpenEXR picture; expected a flat one", name);
  exr->window = header.dataWindow();
  const std::int64_t width = std::int64_t{exr->window.max.x} - exr->window.min.x + 1;
  const std::int64_t height = std::int64_t{exr->window.max.y} - exr->window.min.y + 1;
  CHIARO_CHECK(width > 0 && height > 0 && width < VIPS_MAX_COORD && height < VIPS_MAX_COORD, Input,
               "[image.read] '{}' is an OpenEXR picture of an impossible size; got {}x{}", name,
               width, height);
  exr->channels = chosen_channels(header.channels(), name);
  const int bands = static_cast<int>(exr->channels.size());
  const int colours = bands <= 2 ? 1 : 3;
  double per_mm = 1;  // what libvips fills in where nothing is stated
  double per_mm_down = 1;
  if (Imf::hasXDensity(header) && Imf::xDensity(header) > 0) {
    per_mm = static_cast<double>(Imf::xDensity(header)) / 25.4;
    per_mm_down = per_mm * static_cast<double>(header.pixelAspectRatio());
  }
  VipsImagePointer image(vips_image_new());
  vips_image_init_fields(image.get(), static_cast<int>(width), static_cast<int>(height), bands,
                         VIPS_FORMAT_FLOAT, VIPS_CODING_NONE,
                         colours == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_scRGB, per_mm,
                         per_mm_down);
  describe(image.get(), *exr, colours);
  ExrFile* file = exr.release();  // the image's from here on
  g_object_set_data_full(G_OBJECT(image.get()), "chiaro-exr-file", file,
                         [](void* pointer) { delete static_cast<ExrFile*>(pointer); });
  CHIARO_CHECK(
      vips_image_pipelinev(image.get(), VIPS_DEMAND_STYLE_THINSTRIP, nullptr) == 0 &&
          vips_image_generate(image.get(), nullptr, generate_exr, nullptr, file, nullptr) == 0,
      Internal, "[image.read] {}", take_vips_error());
  return image;
}

}  // namespace

VipsImagePointer open_exr(VipsSource* source, const std::string& name) {
  try {
    return image_of(source, name);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorCode::Input, "[image.read] '{}' is an OpenEXR picture, but damaged or truncated: {}",
         name, error.what());
  }
}

}  // namespace chiaro::image

#include "chiaro/image/pages.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <optional>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/image/encoding.h"
#include "chiaro/image/row_decoder.h"
#include "chiaro/image/sniff.h"
#include "chiaro/image/tiff_folders.h"
#include "chiaro/image/upright.h"
#include "chiaro/image/vips_decode.h"
#include "chiaro/image/vips_encode.h"

namespace chiaro::image {
namespace {

namespace fs = std::filesystem;

bool begins_like_tiff(std::span<const std::byte> bytes) {
  return sniff(bytes).format == "tiff";
}

bool is_tiff_file(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) return false;  // what is read from a pipe is gone
  std::array<char, 16> first{};
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(first.data(), first.size())) return false;
  return begins_like_tiff(std::as_bytes(std::span(first)));
}

}  // namespace

PageReader::PageReader(const fs::path& path) : path_(path), name_(path.string()) {
  if (is_tiff_file(path)) find_pages(MappedFile(path).bytes());
}

PageReader::PageReader(std::span<const std::byte> bytes, std::string name)
    : bytes_(bytes), name_(std::move(name)) {
  if (begins_like_tiff(bytes.first(std::min<std::size_t>(bytes.size(), 16)))) find_pages(bytes);
}

void PageReader::find_pages(std::span<const std::byte> file) {
  TiffPages found =
      pages_of_tiff({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  numbers_ = std::move(found.whole);
  aside_ = found.aside;
  cut_off_ = found.cut_off;
}

OpenedPicture PageReader::open(int page) const {
  const int number = numbers_.at(static_cast<std::size_t>(page));
  return path_.empty() ? open_picture(bytes_, name_, number) : open_picture(path_, number);
}

Frame PageReader::frame(int page) const {
  const OpenedPicture opened = open(page);
  const RowDecoder rows(opened, {}, Notes::Unsaid);
  const UprightRows upright(rows.orientation(), rows.width(), rows.height());
  return {rows.channels(),    upright.height(), upright.width(),  rows.has_alpha(),
          rows.sample_type(), rows.metadata(),  rows.may_exceed()};
}

Image PageReader::read(int page) const {
  return decode_picture(open(page), {});
}

struct PageWriter::Store {
  TiffJoiner joiner;
  WriteOptions options;
  fs::path target;
  std::optional<AtomicFile> file;
  std::vector<std::byte> memory;

  Store(const TiffJoiner& empty, const WriteOptions& write, const fs::path& path)
      : joiner(empty), options(write), target(path) {
    options.format = "tiff";
    if (!target.empty()) file.emplace(target, options.existing);
    append(joiner.header());
  }

  void append(std::span<const std::byte> bytes) {
    if (file) return file->write(bytes);
    memory.insert(memory.end(), bytes.begin(), bytes.end());
  }
  void overwrite(const TiffPatch& patch) {
    if (file) return file->overwrite(patch.at, patch.bytes);
    std::ranges::copy(patch.bytes, memory.begin() + static_cast<std::ptrdiff_t>(patch.at));
  }
  void join(std::span<const std::byte> coded) {
    const TiffJoiner::Joined joined = joiner.add(coded);
    append(joined.before);
    append(coded);
    append(joined.after);
    overwrite(joined.link);
  }
  /// Of a large file only the folders are mapped: what is looked at of a mapped file counts as
  /// memory of this process.
  void join(const fs::path& coded) {
    std::size_t size = 0;
    const TiffJoiner::Joined joined = [&] {
      const MappedFile page(coded);
      size = page.bytes().size();
      return joiner.add(page.bytes());
    }();
    append(joined.before);
    std::size_t copied = 0;
    std::ifstream stream(coded, std::ios::binary);
    std::vector<char> part(std::size_t{1} << 20);
    while (stream.read(part.data(), static_cast<std::streamsize>(part.size())),
           stream.gcount() > 0) {
      const auto count = static_cast<std::size_t>(stream.gcount());
      append(std::as_bytes(std::span(part)).first(count));
      copied += count;
    }
    CHIARO_CHECK(
        copied == size, Output,
        "[image.write_pages] cannot read '{}' again; got {} bytes of the page; expected {}",
        coded.string(), copied, size);
    append(joined.after);
    overwrite(joined.link);
  }
};

PageWriter::PageWriter(const fs::path& target, std::span<const Frame> pages,
                       const WriteOptions& options)
    : PageWriter(target, static_cast<int>(pages.size()),
                 std::accumulate(pages.begin(), pages.end(), std::int64_t{0},
                                 [&](std::int64_t sum, const Frame& page) {
                                   return sum + tiff_bytes_at_most(page, options);
                                 }),
                 options) {}

PageWriter::PageWriter(const fs::path& target, int pages, std::int64_t bytes_at_most,
                       const WriteOptions& options) {
  const TiffJoiner joiner(pages, bytes_at_most > kPlainTiffBytes);
  store_ = std::make_unique<Store>(joiner, options, target);
}

std::int64_t PageWriter::bytes_at_most(const Frame& page, const WriteOptions& options) {
  return tiff_bytes_at_most(page, options);
}

PageWriter::~PageWriter() = default;

void PageWriter::add(const Image& page) {
  store_->join(encode_picture(page, store_->options));
}

void PageWriter::add_strips(const Frame& page, const std::function<Image()>& next) {
  CHIARO_CHECK(store_->file, Usage, "[image.write_pages] pages in strips need a file to go to");
  code_strips(store_->target, page, store_->options, next,
              [&](const fs::path& coded) { store_->join(coded); });
}

void PageWriter::with_bytes(const std::function<void(std::span<const std::byte>)>& work) const {
  if (!store_->file) return work(store_->memory);
  work(MappedFile(store_->file->temporary_name()).bytes());
}

void PageWriter::commit() {
  CHIARO_CHECK(store_->file, Usage, "[image.write_pages] nothing in memory takes a name");
  store_->file->commit();
}

}  // namespace chiaro::image

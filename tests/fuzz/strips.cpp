// Bytes that may be a picture, through every reader and back through every writer of pages: as a
// whole, in strips, page by page, and what is left of it. Each way either refuses it or comes to
// the same picture.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"
#include "chiaro/image/pages.h"
#include "chiaro/image/salvage.h"
#include "chiaro/image/strips.h"
#include "tests/fuzz/named_memory.h"
#include "tests/fuzz/target.h"
#include "tests/support/temporary_folder.h"

namespace {

using namespace chiaro;
using Bytes = std::span<const std::byte>;
using Read = std::optional<image::Image>;  // nothing: refused

constexpr std::int64_t kMostPixels = 1 << 16;
constexpr int kMostPages = 4;

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

template <typename Call>
Read attempt(const Call& call) {
  Read picture;
  fuzz::expect_no_fault([&] { picture = call(); });
  return picture;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

bool same_sides(const image::Image& a, const image::Image& b) {
  return a.width() == b.width() && a.height() == b.height() && a.channels() == b.channels() &&
         a.alpha.size() == b.alpha.size();
}

bool same(const image::Image& a, const image::Image& b) {
  return same_sides(a, b) && a.sample_type == b.sample_type && same_bits(a.pixels(), b.pixels()) &&
         same_bits(a.alpha, b.alpha);
}

void expect_same(const Read& a, const Read& b, const char* what) {
  expect(a.has_value() == b.has_value(), what);
  if (a) expect(same(*a, *b), what);
}

/// All rows, in pieces of several heights.
image::Image gathered(image::StripReader& reader) {
  static constexpr int kHeights[] = {1, 5, 16, 2, 33};
  const image::Frame& frame = reader.frame();
  image::Image whole(frame.channels, frame.height, frame.width);
  if (frame.has_alpha) whole.alpha.resize(whole.plane_size());
  whole.sample_type = frame.sample_type;
  std::size_t y = 0;
  for (std::size_t i = 0; reader.rows_left() > 0; ++i) {
    const int left = reader.rows_left();
    const image::Image strip = reader.next(kHeights[i % std::size(kHeights)]);
    expect(strip.height() > 0 && strip.height() == left - reader.rows_left(), "rows are counted");
    const std::size_t at = y * static_cast<std::size_t>(frame.width);
    for (int c = 0; c < frame.channels; ++c)
      std::ranges::copy(strip.plane(c), whole.plane(c).begin() + static_cast<std::ptrdiff_t>(at));
    if (frame.has_alpha)
      std::ranges::copy(strip.alpha, whole.alpha.begin() + static_cast<std::ptrdiff_t>(at));
    y += static_cast<std::size_t>(strip.height());
  }
  expect(reader.next(1).empty(), "there is no row behind the last");
  return whole;
}

/// In strips, and once more where the reader can begin anew.
image::Image twice(image::StripReader& reader) {
  image::Image first = gathered(reader);
  if (reader.restart()) expect(same(gathered(reader), first), "rows come again");
  return first;
}

/// What a reader of strips makes of a picture of which `whole` is known.
template <typename Open>
void check_strips(const Open& open, const Read& whole) {
  bool refuses_strips = false;
  const Read in_strips = attempt([&] {
    image::StripReader reader = open();
    refuses_strips = !reader.obstacle().empty();
    return twice(reader);
  });
  if (refuses_strips) return expect(!in_strips, "what has an obstacle is refused");
  expect_same(in_strips, whole, "strips are the whole picture");
}

void check_salvage(Bytes bytes, const fuzz::NamedMemory& file, const Read& whole) {
  std::optional<image::Damage> damage;
  const Read left = attempt([&] {
    image::Salvaged found = image::salvage(bytes, "input", {.max_pixels = kMostPixels});
    damage = std::move(found.damage);
    return std::move(found.picture);
  });
  if (!whole) {
    expect(!left || damage, "what is refused, but can be salvaged, has a fault");
    expect(!damage || !damage->missing || (*damage->missing >= 0 && *damage->missing < 1),
           "a share is a share");
    if (left) fuzz::expect_no_fault([&] { expect(!image::is_whole(file.path()), "not whole"); });
    return;
  }
  expect(left && !damage && same(*left, *whole), "what is whole needs no salvage");
  expect(image::is_whole(file.path()), "what can be read is whole");
}

/// A page that can be read, with what is known of it.
struct Page {
  int number;
  image::Frame frame;
  image::Image picture;
  bool in_strips;
};

std::optional<Page> check_page(const image::PageReader& reader, int number) {
  image::Frame frame;
  fuzz::expect_no_fault([&] { frame = reader.frame(number); });
  if (std::int64_t{frame.width} * frame.height > kMostPixels) return std::nullopt;
  const Read whole = attempt([&] { return reader.read(number); });
  check_strips([&] { return reader.strips(number); }, whole);
  if (!whole) return std::nullopt;
  expect(frame.width == whole->width() && frame.height == whole->height() &&
             frame.channels == whole->channels() && frame.sample_type == whole->sample_type &&
             frame.has_alpha == !whole->alpha.empty(),
         "a frame is that of its picture");
  const image::StripReader strips = reader.strips(number);
  return Page{number, strips.frame(), *whole, strips.obstacle().empty()};
}

/// The source's values where nothing is rounded or converted on the way.
void expect_kept(const image::Image& written, const Page& page, const char* what) {
  expect(page.frame.exact ? same(written, page.picture) : same_sides(written, page.picture), what);
}

void check_pages_of(Bytes coded, const std::vector<Page>& pages) {
  const image::PageReader reader(coded, "written");
  expect(reader.count() == static_cast<int>(pages.size()), "all pages are there");
  for (int i = 0; i < reader.count(); ++i)
    expect_kept(reader.read(i), pages[static_cast<std::size_t>(i)], "a page comes back");
}

/// As TIFF, in memory and in strips into a file; as PNG, whole and in strips.
void check_writing(const image::PageReader& reader, const std::vector<Page>& pages) {
  static const test::TemporaryFolder folder;
  std::vector<image::Frame> frames;
  for (const Page& page : pages) frames.push_back(page.frame);
  image::PageWriter in_memory({}, frames, {});
  for (const Page& page : pages) in_memory.add(page.picture);
  in_memory.with_bytes([&](Bytes coded) { check_pages_of(coded, pages); });
  image::PageWriter in_file(folder / "out.tif", frames, {});
  for (const Page& page : pages) {
    if (!page.in_strips) {
      in_file.add(page.picture);
      continue;
    }
    image::StripReader strips = reader.strips(page.number);
    in_file.add_strips(page.frame, [&] { return strips.next(19); });
  }
  in_file.with_bytes([&](Bytes coded) { check_pages_of(coded, pages); });
  for (const Page& page : pages) {
    const auto coded = image::encode(page.picture, {.format = "png"});
    const image::Image whole = image::decode(coded, "coded");
    if (page.picture.sample_type != image::SampleType::F32) expect_kept(whole, page, "a PNG");
    if (!page.in_strips) continue;
    image::StripReader strips = reader.strips(page.number);
    fuzz::expect_no_fault([&] {
      image::write_strips(
          folder / "out.png", page.frame, {}, [&] { return strips.next(23); },
          [&](Bytes written) {
            expect(same(image::decode(written, "written"), whole), "strips give the same PNG");
            fail(ErrorCode::CheckFailed, "seen: the file need not take its name");
          });
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::NamedMemory file;
  static const bool quiet = [] {
    spdlog::set_level(spdlog::level::off);
    return true;
  }();
  (void)quiet;
  const auto bytes = std::as_bytes(std::span(data, size));
  file.put(bytes);
  const image::ReadOptions small{.max_pixels = kMostPixels};
  const Read whole = attempt([&] { return image::decode(bytes, "input", small); });
  expect_same(attempt([&] { return image::read(file.path(), small); }), whole, "a file is bytes");
  check_strips([&] { return image::StripReader(file.path(), small); }, whole);
  check_salvage(bytes, file, whole);
  const image::PageReader reader(bytes, "input");
  const image::PageReader by_name(file.path());
  expect(reader.count() == by_name.count() && reader.left_aside() == by_name.left_aside(),
         "pages are found by name, too");
  std::vector<Page> pages;
  for (int number = 0; number < std::min(reader.count(), kMostPages); ++number) {
    auto page = check_page(reader, number);
    if (page) pages.push_back(std::move(*page));
  }
  if (whole)
    expect(!pages.empty() && pages[0].number == 0 && same(pages[0].picture, *whole),
           "the first page is the picture");
  if (!pages.empty()) fuzz::expect_no_fault([&] { check_writing(reader, pages); });
  return 0;
}

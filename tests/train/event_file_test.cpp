// The hexadecimal numbers come from TensorBoard's own writer: tools/check_event_file.py --vectors.
#include "chiaro/train/event_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <bit>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "chiaro/base/files.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace chiaro::train::event_file_test {
namespace {

namespace fs = std::filesystem;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

struct Event {
  double wall_time = 0;
  std::string rest;  ///< hexadecimal, without the time
};

/// The events of a file, whose framing is checked by framing each record again.
std::vector<Event> read_events(const fs::path& path) {
  const std::string bytes = read_text(path);
  std::vector<Event> events;
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::uint64_t length = 0;
    if (bytes.size() - begin < 16) throw std::runtime_error("half a record");
    std::memcpy(&length, bytes.data() + begin, 8);
    if (length > bytes.size() - begin - 16) throw std::runtime_error("half a record");
    const auto data = bytes.substr(begin + 12, length);
    EXPECT_EQ(hex(bytes.substr(begin, length + 16)), hex(framed_record(data)));
    EXPECT_EQ(data[0], '\x09') << "an event starts with its time";
    std::uint64_t time = 0;
    std::memcpy(&time, data.data() + 1, 8);
    events.push_back({std::bit_cast<double>(time), hex(data.substr(9))});
    begin += length + 16;
  }
  return events;
}

TEST(EventFile, ChecksumsAreCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);    // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);  // RFC 3720, B.4
}

TEST(EventFile, RecordsAreFramed) {
  EXPECT_EQ(hex(framed_record("chiaro")), "06000000000000007369d53763686961726f7ed063c0");
}

TEST(EventFile, WritesTheBytesOfTheOriginalWriter) {
  const test::TemporaryFolder folder;
  const std::string png = "\x89PNG";
  const double before = static_cast<double>(std::time(nullptr));
  fs::path path;
  {
    EventFile file(folder / "run");
    path = file.path();
    file.scalar("losses/l1", 0.1F, 300);
    file.image("samples/a", std::as_bytes(std::span(png)), 2, 300, 1);
    file.text("text/card", "**bold**", std::int64_t{1} << 40);
  }
  const auto events = read_events(path);
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0].rest, "1a0d627261696e2e4576656e743a32");
  EXPECT_EQ(events[1].rest, "10ac022a120a100a096c6f737365732f6c3115cdcccc3d");
  EXPECT_EQ(events[2].rest, "10012a1c0a1a0a0973616d706c65732f61220d080210ac021803220489504e47");
  EXPECT_EQ(events[3].rest,
            "108080808080202a2b0a290a09746578742f636172644212080712041202080142082a2a626f6c642a2a4a"
            "080a060a0474657874");
  for (const auto& event : events) {
    EXPECT_GE(event.wall_time, before);
    EXPECT_LE(event.wall_time, before + 60);
  }
}

TEST(EventFile, ResumingMarksTheNextStep) {
  const test::TemporaryFolder folder;
  const EventFile first(folder.path());
  const EventFile resumed(folder.path(), 7);
  EXPECT_NE(first.path(), resumed.path());
  EXPECT_TRUE(resumed.path().filename().string().starts_with("events.out.tfevents."));
  EXPECT_EQ(read_events(first.path()).size(), 1U);
  const auto events = read_events(resumed.path());
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].rest, "10083a020801");
}

TEST(EventFile, FlushedEventsAreInTheFile) {
  const test::TemporaryFolder folder;
  EventFile file(folder.path());
  file.scalar("a", 1, 1);
  file.flush();
  EXPECT_EQ(read_events(file.path()).size(), 2U);
}

TEST(EventFile, BadInputIsRefused) {
  const test::TemporaryFolder folder;
  write_file_atomically(folder / "file", std::string_view("x"));
  EXPECT_CHIARO_ERROR(EventFile(folder / "file"), Output, "file");
  EventFile file(folder.path());
  EXPECT_CHIARO_ERROR(file.scalar("a", 1, -1), Internal, "got -1");
  EXPECT_CHIARO_ERROR(file.image("a", {}, 0, 3, 1), Internal, "got 3x0");
  EXPECT_CHIARO_ERROR(EventFile(folder.path(), -1), Internal, "got -1");
}

TEST(EventFile, AFullDiskIsAnError) {
  const test::TemporaryFolder folder;
  EventFile file(folder.path());
  // A limit on the file's size fails a write as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 4096;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  file.text("long", std::string(6000, 'x'), 1);
  EXPECT_CHIARO_ERROR(file.flush(), Output, "cannot write");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
}

/// For tools/check_event_file.py: writes a file of every kind of value to CHIARO_EVENT_FOLDER.
TEST(EventFile, WritesASampleWhereAsked) {
  const char* folder = std::getenv("CHIARO_EVENT_FOLDER");
  if (folder == nullptr) GTEST_SKIP() << "CHIARO_EVENT_FOLDER is not set";
  constexpr std::array<unsigned char, 73> kPng = {
      0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
      0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0x12,
      0x16, 0xf1, 0x4d, 0x00, 0x00, 0x00, 0x10, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8,
      0xcf, 0xc0, 0xc0, 0x00, 0xc1, 0x70, 0x16, 0x00, 0x3b, 0xd8, 0x05, 0xfb, 0xde, 0x10, 0x37,
      0x65, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
  EventFile first(folder);
  for (std::int64_t step = 0; step < 10; ++step)
    first.scalar("losses/l1", 1.0F / static_cast<float>(step + 1), step);
  first.image("samples/a", std::as_bytes(std::span(kPng)), 2, 3, 3);
  first.text("recipe", "**bold**", 0);
  EventFile resumed(folder, 5);
  for (std::int64_t step = 6; step < 8; ++step) resumed.scalar("losses/l1", 100, step);
}

}  // namespace
}  // namespace chiaro::train::event_file_test

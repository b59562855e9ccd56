#include "apps/cli/each_picture.h"

#include "apps/cli/events.h"
#include "apps/cli/interruption.h"
#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"

namespace chiaro::cli {
namespace {

void treat_each_page(const image::PageReader& reader, const std::filesystem::path& file,
                     const TreatPicture& treat) {
  for (int page = 0; page < reader.count(); ++page) {
    stop_if_interrupted();
    const PageOf which{file, page + 1, reader.count()};
    try {
      treat(which, reader.read(page));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Input) throw;
      fail(ErrorCode::Input, "[cli.treat_pages] page {} of {}: {}", which.page, which.pages,
           error.what());
    }
  }
}

}  // namespace

std::string PageOf::name() const {
  return pages == 1 ? file.string() : fmt::format("{}, page {} of {}", file.string(), page, pages);
}

void say_cut_off(const image::PageReader& reader) {
  if (!reader.cut_off()) return;
  spdlog::warn(
      "'{}' is damaged or truncated: page {} leads to another that is not in the file; {} "
      "can be read",
      reader.name(), reader.count(),
      reader.count() == 1 ? "it alone" : fmt::format("{} pages", reader.count()));
}

void treat_pages(const std::filesystem::path& file, const TreatPicture& treat) {
  const image::PageReader reader(file);
  say_cut_off(reader);
  if (reader.count() > 1) return treat_each_page(reader, file, treat);
  treat({file}, image::read(file));  // which says that there are others, of an animation
}

void treat_pages(const std::filesystem::path& file, std::span<const std::byte> bytes,
                 const TreatPicture& treat) {
  const image::PageReader reader(bytes, file.string());
  say_cut_off(reader);
  if (reader.count() > 1) return treat_each_page(reader, file, treat);
  treat({file}, image::decode(bytes, file.string()));
}

std::size_t treat_each(const std::vector<std::filesystem::path>& files, bool json,
                       const TreatPicture& treat) {
  std::size_t failed = 0;
  for (const auto& file : files) {
    stop_if_interrupted();
    try {
      treat_pages(file, treat);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::Input) throw;
      ++failed;
      tell_unreadable(file, error.what(), json);
    }
  }
  return failed;
}

std::vector<std::byte> read_stdin() {
  std::vector<std::byte> bytes;
  std::byte chunk[1 << 16];
  for (std::size_t got = 0; (got = std::fread(chunk, 1, sizeof(chunk), stdin)) > 0;) {
    bytes.insert(bytes.end(), chunk, chunk + got);
  }
  stop_if_interrupted();
  CHIARO_CHECK(std::ferror(stdin) == 0, Input, "[cli.input] cannot read standard input");
  return bytes;
}

void tell_unreadable(const std::filesystem::path& path, const std::string& reason, bool json) {
  spdlog::error("{}", reason);
  if (json) print_event("failed", {{"file", path.string()}, {"message", reason}});
}

void expect_none_failed(std::size_t failed, std::size_t count) {
  CHIARO_CHECK(failed == 0, SomeFailed, "[cli.treat_each] {} of {} pictures cannot be read", failed,
               count);
}

}  // namespace chiaro::cli

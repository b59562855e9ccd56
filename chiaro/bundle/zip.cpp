#include "chiaro/bundle/zip.h"

#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "chiaro/base/error.h"

namespace chiaro::bundle {
namespace {

constexpr std::uint64_t kMaxArchiveBytes = std::uint64_t{1} << 30;
constexpr std::int64_t kMaxMembers = 16;
constexpr zip_uint16_t kDosDate1980 = 0x21;  // 1 January 1980, the earliest the format knows

struct ZipError {
  zip_error_t value{};
  ZipError() { zip_error_init(&value); }
  ~ZipError() { zip_error_fini(&value); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  std::string text() { return zip_error_strerror(&value); }
};

struct CloseZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseZipFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
struct FreeSource {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};

bool leaves_folder(std::string_view name) {
  return name.starts_with('/') || name.find("..") != std::string_view::npos ||
         name.find_first_of("\\:") != std::string_view::npos;
}

}  // namespace

struct ZipReader::Archive {
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip{nullptr, zip_discard};

  Archive(zip_source_t* made, ZipError& error, const std::string& origin) {
    std::unique_ptr<zip_source_t, FreeSource> source(made);
    CHIARO_CHECK(source != nullptr, Bundle, "[bundle.read] cannot open '{}': {}", origin,
                 error.text());
    zip.reset(zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &error.value));
    CHIARO_CHECK(zip != nullptr, Bundle, "[bundle.read] '{}' is not a sound bundle: {}", origin,
                 error.text());
    source.release();  // the archive owns it now
  }
};

ZipReader::ZipReader(std::span<const std::byte> bytes, const std::string& origin)
    : origin_(origin) {
  CHIARO_CHECK(!bytes.empty(), Bundle, "[bundle.read] '{}' is empty; expected a bundle", origin_);
  ZipError error;
  archive_ = std::make_unique<Archive>(
      zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error.value), error, origin_);
  check_directory(bytes.size());
}

ZipReader::ZipReader(const std::filesystem::path& path) : origin_(path.string()) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  CHIARO_CHECK(!failed && std::filesystem::exists(status), Input,
               "[bundle.read] there is no file '{}'", origin_);
  CHIARO_CHECK(std::filesystem::is_regular_file(status), Input,
               "[bundle.read] '{}' is {}; expected a regular file", origin_,
               std::filesystem::is_directory(status) ? "a folder" : "a device or pipe");
  CHIARO_CHECK(std::ifstream(path).good(), Input, "[bundle.read] cannot read '{}': {}", origin_,
               std::strerror(errno));
  const auto size = std::filesystem::file_size(path, failed);
  CHIARO_CHECK(!failed && size > 0, Bundle, "[bundle.read] '{}' is empty; expected a bundle",
               origin_);
  ZipError error;
  archive_ = std::make_unique<Archive>(zip_source_file_create(path.c_str(), 0, -1, &error.value),
                                       error, origin_);
  check_directory(size);
}

ZipReader::~ZipReader() = default;

void ZipReader::check_directory(std::uint64_t file_bytes) {
  const auto damaged = [&](const std::string& what) {
    fail(ErrorCode::Bundle, "[bundle.read] '{}' is not a sound bundle: {}", origin_, what);
  };
  if (file_bytes > kMaxArchiveBytes)
    damaged(fmt::format("it has {} bytes; expected at most 1 GiB", file_bytes));
  zip_t* zip = archive_->zip.get();
  const zip_int64_t count = zip_get_num_entries(zip, 0);
  if (count > kMaxMembers)
    damaged(fmt::format("it has {} members; expected at most {}", count, kMaxMembers));
  std::uint64_t total = 0;
  for (zip_int64_t index = 0; index < count; ++index) {
    zip_stat_t facts{};
    constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                     ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    const bool known = zip_stat_index(zip, static_cast<zip_uint64_t>(index), 0, &facts) == 0 &&
                       (facts.valid & kNeeded) == kNeeded;
    if (!known) damaged("its directory is incomplete");
    const std::string name = facts.name;
    if (leaves_folder(name)) damaged(fmt::format("member name '{}' is a path", name));
    if (facts.encryption_method != ZIP_EM_NONE)
      damaged(fmt::format("member '{}' is encrypted", name));
    if (facts.comp_method != ZIP_CM_STORE || facts.size != facts.comp_size) {
      damaged(fmt::format("member '{}' is compressed; members must be stored as they are", name));
    }
    if (facts.size > file_bytes - total) {
      damaged(fmt::format("member '{}' claims {} bytes, more than the file has", name, facts.size));
    }
    total += facts.size;
    if (!sizes_.emplace(name, facts.size).second)
      damaged(fmt::format("member '{}' occurs twice", name));
  }
}

std::vector<std::byte> ZipReader::content(const std::string& name) const {
  zip_t* zip = archive_->zip.get();
  std::vector<std::byte> bytes(sizes_.at(name));
  const std::unique_ptr<zip_file_t, CloseZipFile> file(zip_fopen(zip, name.c_str(), 0));
  CHIARO_CHECK(file != nullptr, Bundle, "[bundle.read] '{}': cannot read member '{}': {}", origin_,
               name, zip_strerror(zip));
  const zip_int64_t got = zip_fread(file.get(), bytes.data(), bytes.size());
  std::byte beyond{};
  const bool whole =
      got == static_cast<zip_int64_t>(bytes.size()) && zip_fread(file.get(), &beyond, 1) == 0;
  CHIARO_CHECK(whole, Bundle, "[bundle.read] '{}': member '{}' is damaged: {}", origin_, name,
               zip_file_strerror(file.get()));
  return bytes;
}

std::vector<std::byte> make_zip(
    const std::vector<std::pair<std::string, std::span<const std::byte>>>& members) {
  ZipError error;
  const auto check = [&](bool good, const char* what) {
    CHIARO_CHECK(good, Internal, "[bundle.write] cannot {}", what);
  };
  std::unique_ptr<zip_source_t, FreeSource> target(
      zip_source_buffer_create(nullptr, 0, 0, &error.value));
  check(target != nullptr, "make an archive");
  zip_source_keep(target.get());  // survives the archive, so that its bytes can be fetched
  std::unique_ptr<zip_t, CloseZip> zip(
      zip_open_from_source(target.get(), ZIP_TRUNCATE, &error.value));
  if (zip == nullptr) zip_source_free(target.get());
  check(zip != nullptr, "open an archive");
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(zip.get(), bytes.data(), bytes.size(), 0);
    check(source != nullptr, "add a member");
    const zip_int64_t index = zip_file_add(zip.get(), name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) zip_source_free(source);
    check(index >= 0, "add a member");
    const auto at = static_cast<zip_uint64_t>(index);
    check(zip_set_file_compression(zip.get(), at, ZIP_CM_STORE, 0) == 0 &&
              zip_file_set_dostime(zip.get(), at, 0, kDosDate1980, 0) == 0,
          "set a member up");
  }
  check(zip_close(zip.get()) == 0, "write an archive");
  zip.release();  // zip_close freed it

  check(zip_source_open(target.get()) == 0, "reopen an archive");
  check(zip_source_seek(target.get(), 0, SEEK_END) == 0, "measure an archive");
  const zip_int64_t size = zip_source_tell(target.get());
  check(size >= 0 && zip_source_seek(target.get(), 0, SEEK_SET) == 0, "measure an archive");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  check(zip_source_read(target.get(), bytes.data(), bytes.size()) == size, "fetch an archive");
  zip_source_close(target.get());
  return bytes;
}

}  // namespace chiaro::bundle

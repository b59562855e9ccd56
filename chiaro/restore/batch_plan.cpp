#include "chiaro/restore/batch_plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <unordered_map>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"
#include "chiaro/image/codec.h"

namespace chiaro::restore {
namespace {

namespace fs = std::filesystem;

std::string extension_of_format(const std::string& format) {
  if (format == "jpeg") return "jpg";
  if (format == "tiff") return "tif";
  return format;
}

/// Without its point; the extension of the content where the name has none that is written.
std::string extension_for(const fs::path& input, const std::string& format) {
  if (!format.empty()) return extension_of_format(format);
  const std::string named = input.extension().string();
  if (!image::format_written_as(input).empty()) return named.substr(1);
  if (image::has_picture_extension(input)) return "png";
  try {
    const std::string found = image::probe(input).format;
    const std::string extension = extension_of_format(found);
    return image::format_written_as("a." + extension).empty() ? "png" : extension;
  } catch (const Error&) {
    return "png";  // what is wrong with it will be said when it is read
  }
}

/// Fills in the placeholders.
class NameTemplate {
 public:
  explicit NameTemplate(const BatchPlanOptions& options) : options_(options) {
    CHIARO_CHECK(options.name.find('/') == std::string::npos && !options.name.empty(), Usage,
                 "[restore.plan_batch] the name template has a slash or is empty; got '{}'; "
                 "expected a file name such as '{{stem}}_{{bundle}}.{{ext}}'",
                 options.name);
    (void)fill("a.png");
  }

  std::string fill(const fs::path& input) const {
    std::string result;
    const std::string& name = options_.name;
    for (std::size_t at = 0; at < name.size();) {
      const std::size_t open = std::min(name.find('{', at), name.size());
      result += name.substr(at, open - at);
      if (open == name.size()) break;
      const std::size_t close = name.find('}', open);
      CHIARO_CHECK(close != std::string::npos, Usage,
                   "[restore.plan_batch] the name template has no end of a placeholder; got '{}'",
                   name);
      result += value(name.substr(open + 1, close - open - 1), input);
      at = close + 1;
    }
    return result;
  }

 private:
  std::string value(const std::string& placeholder, const fs::path& input) const {
    static const std::array<std::string, 5> kKnown{"stem", "ext", "bundle", "folder", "source"};
    if (placeholder == "stem") return input.stem().string();
    if (placeholder == "ext") return extension_for(input, options_.format);
    if (placeholder == "folder")  // "a.jpg" and "./a.jpg" lie in one, too
      return fs::absolute(input).lexically_normal().parent_path().filename().string();
    if (placeholder == "source") return input.extension().string().substr(input.has_extension());
    CHIARO_CHECK(placeholder == "bundle", Usage,
                 "[restore.plan_batch] unknown placeholder in the name template; got '{{{}}}'{}; "
                 "expected {}",
                 placeholder, did_you_mean(placeholder, kKnown), join(kKnown));
    std::string bundle = options_.bundle;
    std::ranges::replace(bundle, '/', '_');
    return bundle;
  }

  const BatchPlanOptions& options_;
};

/// Where a path really leads, as far as it exists; each folder is looked up once.
class RealPaths {
 public:
  fs::path operator()(const fs::path& path) {
    std::error_code failed;
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    auto [known, fresh] = folders_.try_emplace(folder.string());
    if (fresh) known->second = fs::weakly_canonical(fs::absolute(folder, failed), failed);
    const fs::path direct = known->second / path.filename();
    return fs::is_symlink(direct, failed) ? fs::weakly_canonical(direct, failed) : direct;
  }

 private:
  std::unordered_map<std::string, fs::path> folders_;
};

/// The output folder must not be read as input: neither it nor a folder around it.
void check_place(const fs::path& output, const FoundPictures& found) {
  std::error_code failed;
  CHIARO_CHECK(!fs::exists(output, failed) || fs::is_directory(output, failed), Output,
               "[restore.plan_batch] '{}' is no folder; several results need one", output.string());
  fs::path around = fs::weakly_canonical(fs::absolute(output, failed), failed);
  for (;; around = around.parent_path()) {
    struct stat status {};
    const bool read = ::stat(around.c_str(), &status) == 0 &&
                      found.folders.contains({status.st_dev, status.st_ino});
    CHIARO_CHECK(!read, Output,
                 "[restore.plan_batch] the output folder '{}' lies inside '{}', which is read: "
                 "results would become inputs; expected a folder beside it",
                 output.string(), around.string());
    if (around == around.parent_path()) return;
  }
}

void check_output_file(const fs::path& output) {
  std::error_code failed;
  CHIARO_CHECK(!fs::exists(output, failed) || fs::is_regular_file(output, failed), Output,
               "[restore.plan_batch] '{}' is no regular file", output.string());
}

bool is_leftover(const std::string& name, const std::set<std::string>& outputs) {
  constexpr std::string_view kEnding = ".part";  // NAME.XXXXXX.part, see base/files.cpp
  constexpr std::size_t kRandom = 7;
  if (!name.ends_with(kEnding) || name.size() <= kEnding.size() + kRandom) return false;
  const std::size_t stem = name.size() - kEnding.size() - kRandom;
  return name[stem] == '.' && outputs.contains(name.substr(0, stem));
}

void remove_leftovers(const fs::path& folder, const std::set<std::string>& outputs) {
  std::error_code failed;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator next(folder, failed), end; !failed && next != end;
       next.increment(failed)) {
    if (is_leftover(next->path().filename().string(), outputs)) leftovers.push_back(next->path());
  }
  for (const fs::path& leftover : leftovers) fs::remove(leftover, failed);
}

void check_writable(const fs::path& folder) {
  std::string trial = (folder / ".chiaro.XXXXXX").string();
  const int descriptor = ::mkstemp(trial.data());
  CHIARO_CHECK(descriptor >= 0, Output, "[restore.prepare_folders] cannot write into '{}': {}",
               folder.string(), std::strerror(errno));
  ::close(descriptor);
  ::unlink(trial.c_str());
}

}  // namespace

BatchPlan plan_batch(std::span<const std::string> arguments, const BatchPlanOptions& options) {
  const NameTemplate names(options);
  FoundPictures found = find_pictures(arguments);
  check_place(options.output, found);

  // What cannot be read has no place among the results: its own path says whose it is.
  std::erase_if(found.unreadable,
                [&](const Unreadable& one) { return !options.shard.holds(one.path.string()); });
  BatchPlan plan{options.output, {}, std::move(found.unreadable), found.left_aside, 0, 0};
  RealPaths real;
  std::map<fs::path, fs::path> inputs;   // where they really lie, and how they were named
  std::map<fs::path, fs::path> outputs;  // the result's place, and its input
  for (const FoundPicture& picture : found.pictures)
    inputs.emplace(real(picture.file), picture.file);
  for (const FoundPicture& picture : found.pictures) {
    const std::string name = names.fill(picture.file);
    CHIARO_CHECK(!options.format.empty() || !image::format_written_as(name).empty(), Usage,
                 "[restore.plan_batch] the name '{}' tells no picture format; use {{ext}} in the "
                 "template, or --format",
                 name);
    const fs::path key = picture.folder / name;
    const fs::path output = options.output / key;
    const fs::path place = real(output);
    const auto [first, fresh] = outputs.emplace(place, picture.file);
    if (!fresh && real(first->second) == real(picture.file)) continue;  // named twice
    CHIARO_CHECK(fresh, Usage,
                 "[restore.plan_batch] '{}' and '{}' would both become '{}'; a template such as "
                 "--name '{{folder}}_{{stem}}_{{source}}.{{ext}}' keeps them apart",
                 first->second.string(), picture.file.string(), output.string());
    const auto input = inputs.find(place);
    CHIARO_CHECK(input == inputs.end(), Output,
                 "[restore.plan_batch] '{}' is the input '{}' itself, which is never overwritten",
                 output.string(), input == inputs.end() ? "" : input->second.string());
    check_output_file(output);
    if (options.shard.holds(key.string())) {
      plan.items.push_back({picture.file, output});
    } else {
      ++plan.in_other_shards;
    }
  }
  return plan;
}

void leave_out_existing(BatchPlan& plan) {
  plan.existing += std::erase_if(plan.items, [](const BatchItem& item) {
    std::error_code failed;
    return fs::exists(item.output, failed);
  });
}

void refuse_existing(const BatchPlan& plan) {
  std::error_code failed;
  const auto existing = [&](const BatchItem& item) {
    return fs::exists(fs::symlink_status(item.output, failed));
  };
  const auto first = std::ranges::find_if(plan.items, existing);
  CHIARO_CHECK(first == plan.items.end(), Output,
               "[restore.plan_batch] {} of {} outputs exist already, the first is '{}'; "
               "--skip-existing does the others, --overwrite replaces them",
               std::ranges::count_if(plan.items, existing), plan.items.size(),
               first == plan.items.end() ? "" : first->output.string());
}

void prepare_folders(const BatchPlan& plan) {
  std::map<fs::path, std::set<std::string>> folders;
  folders[plan.output];
  for (const BatchItem& item : plan.items)
    folders[item.output.parent_path()].insert(item.output.filename().string());
  for (const auto& [folder, outputs] : folders) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    CHIARO_CHECK(fs::is_directory(folder), Output,
                 "[restore.prepare_folders] cannot make the folder '{}': {}", folder.string(),
                 failed ? failed.message() : "something else has that name");
    check_writable(folder);
    remove_leftovers(folder, outputs);
  }
}

}  // namespace chiaro::restore

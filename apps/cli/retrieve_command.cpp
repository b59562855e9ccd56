// chiaro retrieve: the pictures of a folder by likeness to one, in what they show or in their
// damage.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "apps/cli/commands.h"
#include "apps/cli/events.h"
#include "apps/cli/flags.h"
#include "apps/cli/index_completion.h"
#include "apps/cli/interruption.h"
#include "apps/cli/kept_codes.h"
#include "apps/cli/late_encoder.h"
#include "chiaro/base/error.h"
#include "chiaro/base/file_state.h"
#include "chiaro/base/log.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/code_index.h"
#include "chiaro/restore/folder_codes.h"
#include "chiaro/restore/picture_encoder.h"

namespace chiaro::cli {
namespace {

namespace fs = std::filesystem;

struct RetrieveArguments {
  std::vector<std::string> queries;
  std::string folder;
  std::string by;
  std::int64_t top = 10;
  IndexFlags index;
  EngineFlags engine;
  OutputFlags show;
};

/// A picture that is asked about, which may lie in the folder itself, be it as a link.
struct Query {
  std::string file;
  std::unordered_set<std::string> names;  // in the folder
  std::vector<float> code = {};           // the part that is asked for
};

std::vector<restore::FolderPicture> pictures_in(const std::string& folder) {
  std::error_code failed;
  CHIARO_CHECK(fs::is_directory(folder, failed), Input, "[cli.retrieve] '{}' is no folder", folder);
  return restore::list_folder(folder);
}

std::vector<Query> queries_among(const std::vector<restore::FolderPicture>& pictures,
                                 const RetrieveArguments& arguments) {
  std::vector<Query> queries;
  for (const std::string& file : arguments.queries) {
    Query query{.file = file, .names = {}};
    const restore::FileStamp stamp = restore::stamp_of(file_state(file));
    for (const restore::FolderPicture& picture : pictures) {
      std::error_code unknown;
      if (picture.stamp == stamp &&
          fs::equivalent(fs::path(arguments.folder) / picture.name, file, unknown))
        query.names.insert(picture.name);
    }
    CHIARO_CHECK(query.names.size() < pictures.size(), Input,
                 "[cli.retrieve] there are no other pictures in '{}'", arguments.folder);
    queries.push_back(std::move(query));
  }
  return queries;
}

/// From the index where it is there, else of the file.
void find_code(Query& query, const restore::CodeIndex& index, LateEncoder& encoder) {
  for (const std::string& name : query.names) {
    const std::size_t row = index.find(name);
    if (row == index.rows().size() || !index.rows()[row].fault.empty()) continue;
    const auto code = index.code(row, encoder.part());
    query.code.assign(code.begin(), code.end());
    return;
  }
  const auto codes = encoder.codes(encoder.look(image::read(query.file)));
  const restore::CodeLayout& layout = index.layout();
  const auto begin = codes.begin() + static_cast<std::ptrdiff_t>(layout.before(encoder.part()));
  query.code.assign(begin, begin + layout.parts[encoder.part()].width);
}

void print_ranking(const Query& query, const std::vector<restore::Neighbour>& ranking,
                   const restore::CodeIndex& index, const RetrieveArguments& arguments) {
  if (!arguments.show.json) {
    if (arguments.queries.size() > 1) fmt::print("{}:\n", query.file);
    fmt::print("{:>4} {:>7}  {}\n", "rank", "cosine", "file");
  }
  for (std::size_t i = 0; i < ranking.size(); ++i) {
    const auto& [row, cosine] = ranking[i];
    const fs::path file = fs::path(arguments.folder) / index.rows()[row].picture.name;
    if (arguments.show.json) {
      print_event(
          "found",
          {{"query", query.file}, {"rank", i + 1}, {"cosine", cosine}, {"file", file.string()}});
    } else {
      fmt::print("{:>4} {:>7.4f}  {}\n", i + 1, cosine, file.string());
    }
  }
}

void print_summary(const Coded& coded, std::size_t compared, const KeptCodes& kept,
                   const RetrieveArguments& arguments) {
  Json summary;
  if (arguments.queries.size() == 1) summary["query"] = arguments.queries[0];
  summary["queries"] = arguments.queries.size();
  summary["by"] = arguments.by;
  summary["compared"] = compared;
  summary["failed"] = coded.failed;
  summary["computed"] = coded.computed;
  summary["from_index"] = coded.from_index;
  summary["remembered"] = coded.remembered;
  summary["outdated"] = kept.outdated();
  summary["index"] = kept.file().string();
  print_event("summary", summary);
}

void run(const RetrieveArguments& arguments) {
  begin_output(arguments.show);
  watch_for_interruption();
  image::start_codecs();
  const auto pictures = pictures_in(arguments.folder);
  std::vector<Query> queries = queries_among(pictures, arguments);
  LateEncoder encoder(arguments.engine, arguments.by);
  KeptCodes kept(arguments.index, encoder.layout(), arguments.folder);
  restore::CodeIndex index = kept.open(pictures);
  for (Query& query : queries) find_code(query, index, encoder);

  const Coded coded = complete_index(
      index, kept, encoder, {arguments.folder, pictures, arguments.engine.threads, arguments.show});
  if (!kept.file().empty() && coded.computed > 0) {
    spdlog::info("computed the codes of {} pictures, {} were in '{}'", coded.computed,
                 coded.from_index, kept.file().string());
  }
  std::size_t compared = 0;
  for (const Query& query : queries) {
    const auto is_query = [&](const restore::FolderPicture& picture) {
      return query.names.contains(picture.name);
    };
    const auto ranking = restore::nearest(index, encoder.part(), query.code,
                                          static_cast<std::size_t>(arguments.top), is_query);
    print_ranking(query, ranking, index, arguments);
    compared += static_cast<std::size_t>(std::ranges::count_if(index.rows(), [&](const auto& row) {
      return row.fault.empty() && !is_query(row.picture);
    }));
  }
  if (arguments.show.json) print_summary(coded, compared, kept, arguments);
  if (coded.unkept) throw Error(*coded.unkept);
  CHIARO_CHECK(coded.failed == 0, SomeFailed, "[cli.retrieve] {} of {} pictures cannot be read{}",
               coded.failed, pictures.size(),
               coded.remembered == 0 ? std::string()
                                     : fmt::format("; {} of them are known from before: -v names "
                                                   "them",
                                                   coded.remembered));
}

}  // namespace

void add_retrieve(CLI::App& root) {
  auto* command = root.add_subcommand(
      "retrieve", "Rank the pictures of a folder by likeness in content or in damage");
  auto arguments = std::make_shared<RetrieveArguments>();
  command->footer(
      "Examples:\n  chiaro retrieve scan.jpg --in archive --by content --bundle dcodr.chiaro\n  "
      "chiaro retrieve scan.jpg --in archive --by degradation --json\n\n"
      "--by degradation compares what the controller of a bundle such as 'default' says, or codes\n"
      "of an encoder ('damage', learned without labels). --by content needs an encoder:\n"
      "chiaro train recipes/dcodr.toml and chiaro freeze make one for both "
      "(docs/methods/dcodr.md).\n"
      "The first call reads all pictures of the folder and keeps their codes; later ones read "
      "what\n"
      "is new or has changed (docs/retrieving.md).");
  command->add_option("queries", arguments->queries, "the pictures to compare with")
      ->required()
      ->type_name("PHOTO...");
  command->add_option("--in", arguments->folder, "the folder that is searched, with all below it")
      ->required()
      ->type_name("FOLDER");
  command
      ->add_option("--by", arguments->by,
                   "part of the code: content (what pictures show) or degradation (what was done "
                   "to them)")
      ->required()
      ->check(CLI::IsMember({"content", "degradation"}));
  command->add_option("--top", arguments->top, "how many of the nearest are printed")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->capture_default_str();
  add_index_flags(*command, arguments->index);
  add_engine_flags(*command, arguments->engine);
  command->remove_option(command->get_option("--precision"));  // codes are made in f32
  add_output_flags(*command, arguments->show);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace chiaro::cli

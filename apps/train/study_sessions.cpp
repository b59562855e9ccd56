#include "apps/train/study_sessions.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <system_error>
#include <utility>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>
#include <nlohmann/json.hpp>

#include "apps/train/training_recipe.h"
#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"
#include "chiaro/base/version.h"
#include "chiaro/engine/processor.h"
#include "chiaro/train/device.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "sessions.jsonl";

/// As the NVIDIA driver names the first card.
std::string graphics_card() {
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator("/proc/driver/nvidia/gpus", failure)) {
    std::ifstream stream(entry.path() / "information");
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with("Model:")) return std::string(trim(line.substr(6)));
    }
  }
  return "cuda";
}

std::string session_line(const Session& session) {
  const nlohmann::ordered_json line = {
      {"run", session.run},          {"steps", session.steps},
      {"seconds", session.seconds},  {"processor", session.processor},
      {"device", session.device},    {"threads", session.threads},
      {"versions", session.versions}};
  return line.dump() + "\n";
}

}  // namespace

Session describe_machine(const Recipe& recipe) {
  const train::TrainOptions options = check_training_recipe(recipe).train;
  Session session;
  session.processor = engine::processor_name();
  session.device =
      train::choose_device(options.device).is_cuda() ? graphics_card() : std::string("cpu");
  session.threads = options.threads > 0 ? static_cast<int>(options.threads) : at::get_num_threads();
  session.versions = fmt::format("chiaro {}, libtorch {}", version(), TORCH_VERSION);
  return session;
}

void write_sessions(const fs::path& out, const std::vector<Session>& sessions) {
  std::string text;
  for (const auto& session : sessions) text += session_line(session);
  write_file_atomically(out / kFile, text);
}

std::vector<Session> read_sessions(const fs::path& out) {
  std::vector<Session> sessions;
  if (!fs::exists(out / kFile)) return sessions;
  for (const auto& line : split(read_text(out / kFile), '\n')) {
    if (line.empty()) continue;
    try {
      const auto json = nlohmann::json::parse(line);
      Session session;
      json.at("run").get_to(session.run);
      json.at("steps").get_to(session.steps);
      json.at("seconds").get_to(session.seconds);
      json.at("processor").get_to(session.processor);
      json.at("device").get_to(session.device);
      json.at("threads").get_to(session.threads);
      json.at("versions").get_to(session.versions);
      sessions.push_back(std::move(session));
    } catch (const nlohmann::json::exception& error) {
      fail(ErrorCode::Input, "[study] '{}' holds a line that is no session: {}",
           (out / kFile).string(), error.what());
    }
  }
  return sessions;
}

std::optional<double> seconds_a_step(const std::vector<Session>& sessions,
                                     const std::vector<StudyRun>& runs, const StudyRun& run) {
  const auto rate = [&](const std::function<bool(const StudyRun&)>& counts) {
    double seconds = 0;
    double steps = 0;
    for (const auto& session : sessions) {
      const auto made = std::ranges::find(runs, session.run, &StudyRun::id);
      if (made == runs.end() || !counts(*made)) continue;
      seconds += session.seconds;
      steps += static_cast<double>(session.steps);
    }
    return steps > 0 ? std::optional<double>(seconds / steps) : std::nullopt;
  };
  auto found = rate(
      [&](const StudyRun& made) { return made.arm == run.arm && made.setting == run.setting; });
  if (!found) found = rate([&](const StudyRun& made) { return made.arm == run.arm; });
  if (!found) found = rate([](const StudyRun&) { return true; });
  return found;
}

}  // namespace chiaro::apps

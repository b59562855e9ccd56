#include "chiaro/train/run_log.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/text.h"

namespace chiaro::train {
namespace {

constexpr std::size_t kShown = 8;  // values on the progress line; all are in the files

double resident_mb() {
  return static_cast<double>(resident_bytes()) / 1e6;
}

}  // namespace

CsvLog::CsvLog(std::filesystem::path file, std::int64_t resumed_step) : file_(std::move(file)) {
  if (!std::filesystem::exists(file_)) return;
  std::string kept;
  const std::string text = read_text(file_);
  // A last line without its end was cut by a kill: it goes.
  for (const auto& line : split(text.substr(0, text.rfind('\n') + 1), '\n')) {
    if (line.empty()) continue;
    if (columns_.empty()) {
      columns_ = split(line, ',');
    } else if (std::strtoll(line.c_str(), nullptr, 10) > resumed_step) {
      continue;
    }
    kept += line + "\n";
  }
  write_file_atomically(file_, kept);
}

void CsvLog::row(std::int64_t step, const std::vector<std::pair<std::string, double>>& cells) {
  std::vector<std::string> columns = columns_.empty() ? std::vector<std::string>{"step"} : columns_;
  for (const auto& [name, value] : cells) {
    if (std::ranges::count(columns, name) == 0) columns.push_back(name);
  }
  if (columns != columns_) {  // widen: old rows get empty cells
    std::string text = join(columns, ",") + "\n";
    if (!columns_.empty()) {
      auto lines = split(read_text(file_), '\n');
      for (std::size_t i = 1; i < lines.size(); ++i) {
        if (!lines[i].empty())
          text += lines[i] + std::string(columns.size() - columns_.size(), ',') + "\n";
      }
    }
    write_file_atomically(file_, text);
    columns_ = columns;
  }
  std::string line = std::to_string(step);
  for (std::size_t i = 1; i < columns_.size(); ++i) {
    const auto found =
        std::ranges::find(cells, columns_[i], [](const auto& cell) { return cell.first; });
    line += ',';
    if (found != cells.end()) line += shortest(found->second);
  }
  std::ofstream stream(file_, std::ios::app);
  stream << line << "\n" << std::flush;
  CHIARO_CHECK(stream.good(), Output, "[train.log] cannot write '{}'", file_.string());
}

RunLog::RunLog(const std::filesystem::path& folder, std::int64_t resumed_step,
               std::int64_t total_steps)
    : first_step_(resumed_step),
      total_steps_(total_steps),
      started_s_(monotonic_s()),
      losses_(folder / "losses.csv", resumed_step),
      validation_(folder / "validation.csv", resumed_step),
      events_(folder, resumed_step) {}

void RunLog::step(std::int64_t step, const Step& report, bool due) {
  for (const auto& [name, value] : report.values) {
    const auto found = std::ranges::find(sums_, name, &Sum::name);
    if (found == sums_.end()) {
      sums_.push_back({name, value, 1});
    } else {
      found->value += value;
      ++found->count;
    }
  }
  ++summed_;
  took_s_ += report.took_s;
  if (!due) return;
  const double now = monotonic_s();
  const double step_ms = took_s_ * 1000 / static_cast<double>(summed_);
  const double wait_ms = (report.waited_s - last_waited_s_) * 1000 / static_cast<double>(summed_);
  std::vector<std::pair<std::string, double>> cells;
  std::string terms;
  std::size_t shown = 0;
  for (const auto& [name, sum, count] : sums_) {
    const double mean = sum / static_cast<double>(count);
    cells.emplace_back(name, mean);
    events_.scalar("losses/" + name, static_cast<float>(mean), step);
    if (count == summed_ && shown++ < kShown) terms += fmt::format("  {} {:.5f}", name, mean);
  }
  cells.emplace_back("learning_rate", report.learning_rate);
  cells.emplace_back("gradient_norm", report.gradient_norm);
  cells.emplace_back("step_ms", step_ms);
  cells.emplace_back("data_wait_ms", wait_ms);
  cells.emplace_back("resident_mb", resident_mb());
  losses_.row(step, cells);
  events_.scalar("learning_rate", static_cast<float>(report.learning_rate), step);
  events_.scalar("time/step_ms", static_cast<float>(step_ms), step);
  events_.scalar("time/data_wait_ms", static_cast<float>(wait_ms), step);
  events_.flush();
  const double per_step = (now - started_s_) / static_cast<double>(step - first_step_);
  spdlog::info("{} {}/{}{}  rate {:.2e}  {:.0f} ms a step ({:.0f} ms waiting for data)  {} left",
               report.phase, step, total_steps_, terms, report.learning_rate, step_ms, wait_ms,
               duration_text(per_step * static_cast<double>(total_steps_ - step)));
  sums_.clear();
  summed_ = 0;
  took_s_ = 0;
  last_waited_s_ = report.waited_s;
}

void RunLog::validation(std::int64_t step, const std::map<std::string, double>& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    events_.scalar("metrics/" + name, static_cast<float>(value), step);
    text += fmt::format("  {} {:.3f}", name, value);
  }
  validation_.row(step, {metrics.begin(), metrics.end()});
  events_.flush();
  spdlog::info("validation at {}:{}", step, text);
}

void RunLog::samples(std::int64_t step, const std::filesystem::path& png) {
  if (png.empty()) return;
  const std::vector<std::byte> bytes = read_file(png);
  // A PNG begins with 8 bytes of its own and 8 of its header's, then width and height.
  CHIARO_CHECK(bytes.size() >= 24, Internal, "[train.run_log] '{}' is no PNG", png.string());
  const auto side = [&](std::size_t at) {
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8 | std::to_integer<std::int64_t>(bytes[at + i]);
    return value;
  };
  events_.image("samples", bytes, side(20), side(16), step);
  events_.flush();
}

void RunLog::recipe(const std::string& toml) {
  events_.text("recipe", "```toml\n" + toml + "\n```", 0);
  events_.flush();
}

}  // namespace chiaro::train

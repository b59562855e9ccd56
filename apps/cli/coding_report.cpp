#include "apps/cli/coding_report.h"

#include <cstdio>

#include "apps/cli/events.h"
#include "chiaro/base/log.h"

namespace chiaro::cli {
namespace {

constexpr double kCodingBarEverySeconds = 0.2;
constexpr double kCodingLineEverySeconds = 30;

}  // namespace

CodingReport::CodingReport(std::size_t total, const OutputFlags& show)
    : total_(total),
      show_(show),
      bar_(stderr_is_terminal() && !show.quiet),
      started_(monotonic_s()),
      last_shown_(started_) {}

CodingReport::~CodingReport() {
  clear_bar();
}

void CodingReport::clear_bar() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void CodingReport::failed(const std::string& file, const std::string& message) {
  ++failed_;
  clear_bar();
  spdlog::error("{}", message);
  if (show_.json) print_failed(file, message, false);
}

void CodingReport::show_progress() {
  const double now = monotonic_s();
  if (now - last_shown_ < (bar_ ? kCodingBarEverySeconds : kCodingLineEverySeconds)) return;
  last_shown_ = now;
  const std::size_t settled = done_ + failed_;
  const double rate = static_cast<double>(settled) / (now - started_);
  const std::string left =
      settled == 0 ? "?" : duration_text(static_cast<double>(total_ - settled) / rate);
  const std::string line =
      fmt::format("codes of {} of {} pictures{}  {:.1f} pictures/s  {} left", settled, total_,
                  failed_ == 0 ? "" : fmt::format(" ({} cannot be read)", failed_), rate, left);
  if (!bar_) return spdlog::info("{}", line);
  const auto filled = static_cast<int>(settled * 30 / total_);
  // Not by fmt::print, which throws where the terminal has gone.
  const std::string bar =
      fmt::format("\r\x1b[K[{:#<{}}{:-<{}}] {}", "", filled, "", 30 - filled, line);
  std::fputs(bar.c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

void print_failed(const std::string& file, const std::string& message, bool remembered) {
  print_event("failed", {{"file", file}, {"message", message}, {"remembered", remembered}});
}

}  // namespace chiaro::cli

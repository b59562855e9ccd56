#include "chiaro/base/log.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "chiaro/base/text.h"

namespace chiaro {
namespace {

thread_local std::string told_about;

/// The flag of the pattern that gives the name of MessagesAbout.
class NameFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    if (told_about.empty() || text.starts_with(told_about + ": ") ||
        text.find("'" + told_about + "'") != std::string_view::npos)
      return;
    out.append(told_about.data(), told_about.data() + told_about.size());
    out.append(kColon.data(), kColon.data() + kColon.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<NameFlag>();
  }

 private:
  static constexpr std::string_view kColon = ": ";
};

/// The flag of the pattern that gives the message as a terminal can bear it.
class MessageFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text = without_controls({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<MessageFlag>();
  }
};

}  // namespace

MessagesAbout::MessagesAbout(std::string name)
    : before_(std::exchange(told_about, std::move(name))) {}

MessagesAbout::~MessagesAbout() {
  told_about = std::move(before_);
}

void set_up_logging(Verbosity verbosity) {
  const bool colour = stderr_is_terminal() && std::getenv("NO_COLOR") == nullptr;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
      colour ? spdlog::color_mode::always : spdlog::color_mode::never);
  auto logger = std::make_shared<spdlog::logger>("chiaro", sink);
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<NameFlag>('*').add_flag<MessageFlag>('#').set_pattern("%^%l%$: %*%#");
  logger->set_formatter(std::move(formatter));
  logger->set_level(verbosity == Verbosity::Quiet     ? spdlog::level::err
                    : verbosity == Verbosity::Verbose ? spdlog::level::debug
                                                      : spdlog::level::info);
  spdlog::set_default_logger(logger);
}

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

ProgressBar::ProgressBar(std::string label, bool enabled)
    : label_(std::move(label)), enabled_(enabled), started_s_(monotonic_s()) {}

ProgressBar::~ProgressBar() {
  if (enabled_ && shown_ >= 0) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::update(double done) {
  const int percent = static_cast<int>(std::clamp(done, 0.0, 1.0) * 100);
  if (!enabled_ || percent <= shown_) return;
  shown_ = percent;
  const double elapsed = monotonic_s() - started_s_;
  const double left = done > 0.01 ? elapsed * (1 - done) / done : 0;
  const int filled = percent * 30 / 100;
  // Not by fmt::print, which throws where the terminal has gone.
  const std::string bar = fmt::format("\r\x1b[K{} [{:#<{}}{:-<{}}] {:3d} %  {} left", label_, "",
                                      filled, "", 30 - filled, percent, duration_text(left));
  std::fputs(bar.c_str(), stderr);
  std::fflush(stderr);
}

std::string duration_text(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s >= 3600) return fmt::format("{} h {:02d} min", s / 3600, s % 3600 / 60);
  if (s >= 60) return fmt::format("{} min {:02d} s", s / 60, s % 60);
  return fmt::format("{} s", s);
}

double monotonic_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace chiaro

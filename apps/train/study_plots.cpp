#include "apps/train/study_plots.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "chiaro/base/error.h"
#include "chiaro/base/files.h"
#include "chiaro/base/text.h"

namespace chiaro::apps {
namespace {

namespace fs = std::filesystem;

/// "" or why the script was not drawn.
std::string run_gnuplot(const fs::path& folder, const std::string& script) {
  std::array<std::string, 2> words{"gnuplot", script};
  std::array<char*, 3> arguments{words[0].data(), words[1].data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  // It warns of what is of no matter (a run that has validated once).
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed =
      ::posix_spawnp(&child, words[0].c_str(), &actions, nullptr, arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT)
    return "gnuplot is not installed, so there are no plots (Debian: gnuplot-nox)";
  if (failed != 0) return fmt::format("gnuplot cannot be started: {}", std::strerror(failed));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return fmt::format("gnuplot could not draw '{0}'; 'gnuplot {0}' says why",
                     (folder / script).string());
}

/// Text for gnuplot in single quotes; names hold none, and underscores are taken as they are.
std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

std::string place_name(const std::string& setting, const std::optional<double>& fraction) {
  std::string name = setting;
  if (fraction) name += fmt::format("{}{}", name.empty() ? "" : "_", shortest(*fraction));
  return name;
}

struct Drawing {
  std::string name;
  std::string data;
  std::string commands;
};

std::string heading(const Drawing& drawing, int height) {
  return fmt::format(
      "set terminal svg size 720,{} noenhanced font 'sans,12' background '#ffffff'\n"
      "set output '{}.svg'\nset grid\nset key outside right\n",
      height, drawing.name);
}

/// Points with intervals, one line of the plot for each arm of each place.
Drawing draw_differences(const Study& study, const StudyResults& results) {
  Drawing drawing;
  drawing.name = "differences";
  std::string tics;
  int line = 0;
  for (const auto& one : results.comparisons) {
    if (one.metric != study.measure.metrics.front() || !one.interval) continue;
    const std::string place = place_name(one.setting, one.fraction);
    drawing.data += fmt::format("{} {} {} {}\n", shortest(*one.difference),
                                shortest(one.interval->low), shortest(one.interval->high), line);
    tics += fmt::format("{}{} {}", line == 0 ? "" : ", ",
                        quoted(place.empty() ? one.arm : place + " " + one.arm), line);
    ++line;
  }
  if (line == 0) return {};
  drawing.commands =
      heading(drawing, 140 + 30 * line) +
      fmt::format(
          "set xlabel {}\nset ytics ({})\nset yrange [{}:-1]\nset arrow from 0, graph 0 to 0, "
          "graph 1 nohead\nplot 'differences.dat' using 1:4:2:3 with xerrorbars pointtype 7 "
          "notitle\n",
          quoted(fmt::format("{}: difference to {}, 95 % interval", study.measure.metrics.front(),
                             study.control().name)),
          tics, line);
  return drawing;
}

/// Mean over the finished seeds at each validated step, one block for each arm.
Drawing draw_course(const Study& study, const StudyResults& results, const Comparison& where) {
  Drawing drawing;
  const std::string place = place_name(where.setting, where.fraction);
  drawing.name = place.empty() ? "course" : "course_" + place;
  const std::string& metric = study.measure.metrics.front();
  std::vector<std::string> curves;
  for (const auto& arm : study.arms) {
    std::map<double, std::pair<double, std::size_t>> sums;
    std::size_t seeds = 0;
    for (const auto& result : results.runs) {
      if (result.run.arm != arm.name || result.run.setting != where.setting ||
          result.run.fraction != where.fraction || result.metrics.empty())
        continue;
      ++seeds;
      for (const auto& row : read_csv(result.run.folder / "validation.csv")) {
        if (row.count(metric) == 0) continue;
        auto& [sum, count] = sums[row.at("step")];
        sum += row.at(metric);
        ++count;
      }
    }
    if (seeds == 0) continue;
    drawing.data += fmt::format("{}# {}\n", curves.empty() ? "" : "\n\n", arm.name);
    for (const auto& [step, entry] : sums) {
      if (entry.second == seeds)
        drawing.data += fmt::format("{} {}\n", shortest(step),
                                    shortest(entry.first / static_cast<double>(seeds)));
    }
    curves.push_back(fmt::format("'{}.dat' index {} using 1:2 with linespoints title {}",
                                 drawing.name, curves.size(), quoted(arm.name)));
  }
  if (curves.empty()) return {};
  drawing.commands = heading(drawing, 400) +
                     fmt::format("set xlabel 'step'\nset ylabel {}\nplot {}\n",
                                 quoted(metric + ", mean over finished seeds"), join(curves, ", "));
  return drawing;
}

/// The metric over the fractions in one setting, with its spread over seeds.
Drawing draw_fractions(const Study& study, const StudyResults& results,
                       const std::string& setting) {
  Drawing drawing;
  drawing.name = setting.empty() ? "fractions" : "fractions_" + setting;
  const std::string& metric = study.measure.metrics.front();
  std::vector<std::string> curves;
  for (const auto& arm : study.arms) {
    std::string points;
    for (const auto& one : results.comparisons) {
      if (one.arm != arm.name || one.setting != setting || one.metric != metric || !one.mean)
        continue;
      points += fmt::format("{} {} {}\n", shortest(*one.fraction), shortest(*one.mean),
                            shortest(one.deviation.value_or(0)));
    }
    if (points.empty()) continue;
    drawing.data += (curves.empty() ? "" : "\n\n") + points;
    curves.push_back(fmt::format("'{}.dat' index {} using 1:2:3 with yerrorlines title {}",
                                 drawing.name, curves.size(), quoted(arm.name)));
  }
  if (curves.empty()) return {};
  drawing.commands =
      heading(drawing, 400) +
      fmt::format("set logscale x\nset xlabel {}\nset ylabel {}\nplot {}\n",
                  quoted(study.fraction_key),
                  quoted(metric + ", mean and standard deviation over seeds"), join(curves, ", "));
  return drawing;
}

std::vector<Drawing> all_drawings(const Study& study, const StudyResults& results) {
  std::vector<Drawing> drawings;
  drawings.push_back(draw_differences(study, results));
  std::set<std::string> places;
  std::set<std::string> settings;
  for (const auto& line : results.comparisons) {
    if (places.insert(place_name(line.setting, line.fraction)).second)
      drawings.push_back(draw_course(study, results, line));
    if (study.fractions.size() >= 2 && settings.insert(line.setting).second)
      drawings.push_back(draw_fractions(study, results, line.setting));
  }
  std::erase_if(drawings, [](const Drawing& drawing) { return drawing.commands.empty(); });
  return drawings;
}

}  // namespace

StudyPlots draw_plots(const Study& study, const StudyResults& results, const fs::path& folder) {
  StudyPlots plots;
  const auto drawings = all_drawings(study, results);
  if (drawings.empty()) return plots;
  std::error_code failure;
  fs::create_directories(folder, failure);
  CHIARO_CHECK(!failure, Output, "[study] cannot make '{}': {}", folder.string(),
               failure.message());
  for (const auto& drawing : drawings) {
    write_file_atomically(folder / (drawing.name + ".dat"), drawing.data);
    write_file_atomically(folder / (drawing.name + ".gp"), drawing.commands);
    const std::string why = run_gnuplot(folder, drawing.name + ".gp");
    if (why.empty()) {
      plots.pictures.push_back(drawing.name + ".svg");
    } else {
      plots.missing = why;
    }
  }
  return plots;
}

}  // namespace chiaro::apps

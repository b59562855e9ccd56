// Networks of the catalogue, small enough for tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "chiaro/networks/network.h"

namespace chiaro::networks {

/// Options of a smaller network of the same make, where the defaults would take long.
inline OptionTable light(const std::string& name) {
  static const std::map<std::string, OptionTable> table{
      {"nafnet", {{"width", std::int64_t{8}}}},
      {"dncnn", {{"width", std::int64_t{16}}}},
      {"edsr", {{"blocks", std::int64_t{3}}, {"channels", std::int64_t{16}}}},
      {"ffa_net", {{"blocks", std::int64_t{1}}, {"channels", std::int64_t{32}}}},
      {"swinir",
       {{"blocks", std::vector<std::int64_t>{2, 3}},
        {"channels", std::int64_t{12}},
        {"heads", std::int64_t{2}},
        {"window", std::int64_t{4}}}},
      {"dehazeformer",
       {{"blocks", std::vector<std::int64_t>{2, 2, 2, 1, 1}},
        {"attention", std::vector<std::int64_t>{0, 1, 2, 0, 0}},
        {"heads", std::vector<std::int64_t>{1, 1, 2, 1, 1}},
        {"window", std::int64_t{3}}}},
      {"idt",
       {{"width", std::int64_t{4}},
        {"blocks", std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {"heads", std::vector<std::int64_t>{1, 2, 2, 4, 4, 4, 2, 2, 1}},
        {"window", std::int64_t{2}}}}};
  const auto found = table.find(name);
  return found == table.end() ? OptionTable{} : found->second;
}

/// The names of the catalogue.
inline std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& entry : catalogue()) result.push_back(entry.name);
  return result;
}

}  // namespace chiaro::networks

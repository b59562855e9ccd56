#include "chiaro/engine/graph_facts.h"

#include <nlohmann/json.hpp>

namespace chiaro::engine {
namespace {

using Json = nlohmann::json;

Json ports_json(const std::vector<GraphFacts::Port>& ports) {
  Json list = Json::array();
  for (const auto& port : ports) list.push_back({{"names", port.names}, {"shape", port.shape}});
  return list;
}

std::vector<GraphFacts::Port> ports_of(const Json& list) {
  std::vector<GraphFacts::Port> ports;
  for (const Json& port : list)
    ports.push_back({port.at("names").get<std::vector<std::string>>(),
                     port.at("shape").get<std::vector<std::int64_t>>()});
  return ports;
}

}  // namespace

std::string print_facts(const GraphFacts& facts) {
  const Json json = {
      {"inputs", ports_json(facts.inputs)}, {"outputs", ports_json(facts.outputs)},
      {"weight_bytes", facts.weight_bytes}, {"exact_weight_bytes", facts.exact_weight_bytes},
      {"work_bytes", facts.work_bytes},     {"chains", facts.chains},
      {"products", facts.products},         {"in_place", facts.in_place}};
  return json.dump();
}

std::optional<GraphFacts> parse_facts(std::span<const std::byte> text) {
  const auto* begin = reinterpret_cast<const char*>(text.data());
  const Json json = Json::parse(begin, begin + text.size(), nullptr, false);
  try {
    return GraphFacts{.inputs = ports_of(json.at("inputs")),
                      .outputs = ports_of(json.at("outputs")),
                      .weight_bytes = json.at("weight_bytes").get<std::size_t>(),
                      .exact_weight_bytes = json.at("exact_weight_bytes").get<std::size_t>(),
                      .work_bytes = json.at("work_bytes").get<std::map<std::string, std::size_t>>(),
                      .chains = json.at("chains").get<bool>(),
                      .products = json.at("products").get<bool>(),
                      .in_place = json.at("in_place").get<bool>()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace chiaro::engine

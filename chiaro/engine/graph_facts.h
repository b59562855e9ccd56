// What a graph says of itself: enough to open one that was opened before without reading it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace chiaro::engine {

struct GraphFacts {
  /// An input or output.
  struct Port {
    std::vector<std::string> names;   ///< all it goes by, the usual one first
    std::vector<std::int64_t> shape;  ///< 0: a free side; none where the graph leaves it open
    bool operator==(const Port&) const = default;
  };

  std::vector<Port> inputs;  ///< in the graph's order
  std::vector<Port> outputs;
  std::size_t weight_bytes = 0;        ///< in float32
  std::size_t exact_weight_bytes = 0;  ///< of those, what stays so where the rest is bfloat16
  std::map<std::string, std::size_t> work_bytes;  ///< what was estimated so far, by what for
  bool chains = false;  ///< much of its work is attention or normalisation
  bool products =
      false;  ///< many products of matrices, whose work memory the estimate knows less well

  bool in_place = false;  ///< can_give_in_place

  bool operator==(const GraphFacts&) const = default;
};

/// Throws where a name is no UTF-8.
std::string print_facts(const GraphFacts& facts);

/// What print_facts printed; nothing for any other text.
std::optional<GraphFacts> parse_facts(std::span<const std::byte> text);

}  // namespace chiaro::engine

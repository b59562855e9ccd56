// What an Engine holds, and how it prepares a graph for shapes; for the room alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <list>
#include <memory>
#include <openvino/openvino.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/engine/engine.h"
#include "chiaro/engine/graph_cache.h"
#include "chiaro/engine/graph_facts.h"
#include "chiaro/engine/runtime.h"

namespace chiaro::engine {

/// The place of a name among a graph's inputs or outputs. Errors: Internal.
std::size_t place_of(const std::vector<GraphFacts::Port>& ports, std::string_view name,
                     const std::string& origin);

using Shapes = std::vector<ov::Shape>;          ///< of the inputs, in the graph's order
using Pattern = std::vector<ov::PartialShape>;  ///< the same, where some sides may be free

/// A graph that is ready for shapes.
struct Prepared {
  Shapes shapes;
  Pattern pattern;  ///< what it serves; empty: these shapes alone
  KeptGraph kept;   ///< weights that lie in the cache are used there
  ov::CompiledModel compiled;
  ov::InferRequest request;
  std::vector<ov::Tensor> inputs;
  bool in_cache = false;
};

struct Engine::State {
  std::string origin;
  Precision precision;
  int threads;
  bool soon;
  bool many_shapes;
  bool in_place;
  bool spare_memory;
  std::shared_ptr<Runtime> runtime;
  GraphCache cache;
  std::string graph_hash;       // with a cache
  std::vector<std::byte> onnx;  // of a graph whose facts were in the cache, until it is read
  std::shared_ptr<ov::Model> graph;
  GraphFacts facts;
  bool facts_in_cache = false;
  std::list<Prepared> prepared;  // the current one first

  State(const EngineOptions& options, std::string name);
  void open(std::span<const std::byte> bytes, std::vector<std::byte>* owned);
  void read(std::span<const std::byte> bytes);

  /// Reads the graph, if that was not needed so far.
  const ov::Model& model() {
    if (!graph) {
      read(onnx);
      std::vector<std::byte>().swap(onnx);
    }
    return *graph;
  }

  Prepared& current() {
    CHIARO_CHECK(!prepared.empty(), Internal, "[engine.run] '{}' has not been prepared for a shape",
                 origin);
    return prepared.front();
  }

  /// Puts shapes into the graph's order. Errors: Internal (names that are not the inputs').
  Shapes ordered(std::span<const NamedShape> named) const;
  /// The shape of the only input. Errors: Bundle, where there are several.
  Shapes single(std::initializer_list<std::int64_t> sides) const;

  /// Makes what serves these shapes the current one. Errors: Bundle, Resource.
  void prepare(const Shapes& shapes);
  /// Bytes of the values that live at once in a run (peak_value_bytes). Errors: Bundle.
  std::size_t work_bytes(const Shapes& shapes);
  /// Whether the runtime makes code of its own for each chain of small operators. That gains 2 to
  /// 24 per cent where there is much attention or normalisation; elsewhere it gains nothing, and
  /// always it takes a fifth to a third of the time of preparing.
  bool makes_chains() const { return facts.chains && !soon; }

  /// Everything that what is prepared depends on.
  std::string cache_key(const Prepared& entry) const;
  void keep_facts();

 private:
  std::string facts_key() const;
  ov::AnyMap properties() const;
  template <typename Sides>
  std::shared_ptr<ov::Model> reshaped(const std::vector<Sides>& shapes);
  /// What serves these shapes and those that the last preparation serves, if there is one: the
  /// sides of pictures are free where the graph leaves them free, others only where they have
  /// changed.
  Pattern pattern_for(const Shapes& shapes) const;
  /// The input whose place a result of this shape takes; none: it has one of its own.
  std::optional<std::size_t> overwritten(const Shapes& shapes, const ov::Shape& result) const;
  void give_in_place(Prepared& next) const;
  /// Makes room for a preparation for these shapes.
  void drop_for(const Shapes& next);
  void compile(Prepared& next);
  Pattern widest_pattern(Pattern pattern) const;
  bool take_from_cache(Prepared& next, const ov::AnyMap& how);
  bool compile_for_many(Prepared& next);
};

}  // namespace chiaro::engine

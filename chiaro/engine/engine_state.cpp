#include "chiaro/engine/engine_state.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "chiaro/base/log.h"
#include "chiaro/base/process_memory.h"
#include "chiaro/base/sha256.h"
#include "chiaro/engine/exact_start.h"
#include "chiaro/engine/graph_reader.h"
#include "chiaro/engine/large_pages.h"
#include "chiaro/engine/memory_estimate.h"
#include "chiaro/engine/processor.h"
#include "chiaro/engine/runtime_core.h"
#include "chiaro/engine/translation.h"

namespace chiaro::engine {
namespace {

constexpr int kMaxThreads = 1024;
// A second prepared shape is kept beside the current one (pictures come in two orientations) while
// both are small.
constexpr std::size_t kPreparedShapes = 2;
constexpr std::size_t kKeptElements = 3 * 512 * 512;
// Kernels that the runtime keeps of shapes it has met. Its own choice, 5000, is a leak for a folder
// of many sizes; more than these few gain nothing (docs/speed.md, "Folders and the server").
constexpr std::pair<const char*, int> kKeptKernels{"CPU_RUNTIME_CACHE_CAPACITY", 32};
// Goes up with every change of what is prepared how, or of what is estimated of it.
constexpr int kPreparation = 8;

Precision settled_precision(Precision wanted) {
  if (wanted != Precision::Bf16) return Precision::F32;
  if (has_bf16()) return Precision::Bf16;
  static std::atomic<bool> said{false};
  if (!said.exchange(true)) spdlog::warn("this processor has no bfloat16; running in float32");
  return Precision::F32;
}

ov::Shape unsigned_shape(std::span<const std::int64_t> sides) {
  ov::Shape shape;
  for (const std::int64_t side : sides) shape.push_back(static_cast<std::size_t>(side));
  return shape;
}

bool serves(const Prepared& entry, const Shapes& shapes) {
  if (entry.pattern.empty()) return entry.shapes == shapes;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!entry.pattern[i].compatible(ov::PartialShape(shapes[i]))) return false;
  }
  return true;
}

/// What was taken for larger ones before serves again: pages that are new cost more than they hold.
void set_inputs(Prepared& entry, const Shapes& shapes) {
  entry.shapes.clear();  // until all are there, so that a failure is not taken for them
  entry.inputs.resize(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    ov::Tensor& input = entry.inputs[i];
    if (input) {
      input.set_shape(shapes[i]);
    } else {
      input = ov::Tensor(ov::element::f32, shapes[i]);
    }
    entry.request.set_input_tensor(i, input);
  }
  entry.shapes = shapes;
}

bool is_large(const Shapes& shapes) {
  return std::any_of(shapes.begin(), shapes.end(),
                     [](const ov::Shape& shape) { return ov::shape_size(shape) > kKeptElements; });
}

/// Of shapes, or of a pattern.
template <typename Sides>
std::string text_of(const std::vector<Sides>& shapes) {
  std::vector<std::string> sides;
  for (const Sides& shape : shapes) sides.push_back(shape.to_string());
  return fmt::format("{}", fmt::join(sides, " "));
}

}  // namespace

std::size_t place_of(const std::vector<GraphFacts::Port>& ports, std::string_view name,
                     const std::string& origin) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (std::ranges::find(ports[i].names, name) != ports[i].names.end()) return i;
  }
  fail(ErrorCode::Internal, "[engine.place_of] graph '{}' has nothing named '{}'", origin, name);
}

Engine::State::State(const EngineOptions& options, std::string name)
    : origin(std::move(name)),
      soon(options.soon),
      many_shapes(options.many_shapes),
      in_place(options.in_place),
      spare_memory(options.spare_memory),
      cache(options.cache) {
  CHIARO_CHECK(options.device == "auto" || options.device == "cpu", Usage,
               "[engine.open] unknown device; got '{}'; expected auto or cpu", options.device);
  CHIARO_CHECK(options.threads >= 0 && options.threads <= kMaxThreads, Usage,
               "[engine.open] impossible number of threads; got {}; expected 0 to {}",
               options.threads, kMaxThreads);
  precision = settled_precision(options.precision);
  threads = options.threads > 0 ? options.threads : available_cores();
  runtime = start_runtime();
  runtime->expect_room();
}

void Engine::State::read(std::span<const std::byte> bytes) {
  translated(ErrorCode::Bundle, "open", origin, [&] { graph = read_onnx(bytes, origin); });
}

/// `owned`: what the bytes may be taken from.
void Engine::State::open(std::span<const std::byte> bytes, std::vector<std::byte>* owned) {
  if (cache.is_on()) {
    graph_hash = sha256_hex(bytes);
    if (auto known = parse_facts(cache.find(facts_key()).bytes())) {
      facts = std::move(*known);
      facts_in_cache = true;
      onnx =
          owned != nullptr ? std::move(*owned) : std::vector<std::byte>(bytes.begin(), bytes.end());
      return;
    }
  }
  read(bytes);
  facts = facts_of(*graph);
}

Shapes Engine::State::single(std::initializer_list<std::int64_t> sides) const {
  CHIARO_CHECK(facts.inputs.size() == 1, Bundle,
               "[engine.prepare] graph '{}' has {} inputs; expected one", origin,
               facts.inputs.size());
  return {unsigned_shape({sides.begin(), sides.size()})};
}

Shapes Engine::State::ordered(std::span<const NamedShape> named) const {
  const auto& inputs = facts.inputs;
  CHIARO_CHECK(named.size() == inputs.size(), Internal,
               "[engine.prepare] {} shapes for the {} inputs of '{}'", named.size(), inputs.size(),
               origin);
  Shapes shapes(inputs.size());
  for (const NamedShape& entry : named) {
    const bool possible =
        !entry.shape.empty() && std::all_of(entry.shape.begin(), entry.shape.end(),
                                            [](std::int64_t side) { return side > 0; });
    CHIARO_CHECK(possible, Internal, "[engine.prepare] impossible shape ({}) for '{}'",
                 fmt::join(entry.shape, ", "), entry.name);
    ov::Shape& place = shapes[place_of(inputs, entry.name, origin)];
    CHIARO_CHECK(place.empty(), Internal, "[engine.prepare] two shapes for '{}'", entry.name);
    place = unsigned_shape(entry.shape);
  }
  return shapes;
}

template <typename Sides>
std::shared_ptr<ov::Model> Engine::State::reshaped(const std::vector<Sides>& shapes) {
  auto copy = model().clone();
  std::map<std::size_t, ov::PartialShape> places;
  for (std::size_t i = 0; i < shapes.size(); ++i) places[i] = ov::PartialShape(shapes[i]);
  copy->reshape(places);
  if (precision == Precision::Bf16) keep_start_exact(*copy);
  return copy;
}

/// Every side that the graph leaves open.
Pattern Engine::State::widest_pattern(Pattern pattern) const {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    for (std::size_t side = 0; side < pattern[i].size(); ++side)
      if (facts.inputs[i].shape[side] == 0) pattern[i][side] = ov::Dimension::dynamic();
  }
  return pattern;
}

Pattern Engine::State::pattern_for(const Shapes& shapes) const {
  constexpr std::size_t kFirstOfPicture = 2;  // N, C, H, W
  Pattern pattern;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    ov::PartialShape sides(shapes[i]);
    const ov::PartialShape before = prepared.empty() ? sides : prepared.front().pattern[i];
    for (std::size_t side = 0; side < shapes[i].size(); ++side) {
      const bool changed = before.size() != sides.size() || before[side] != sides[side];
      if (facts.inputs[i].shape[side] == 0 && (changed || side >= kFirstOfPicture))
        sides[side] = ov::Dimension::dynamic();
    }
    pattern.push_back(std::move(sides));
  }
  return pattern;
}

std::optional<std::size_t> Engine::State::overwritten(const Shapes& shapes,
                                                      const ov::Shape& result) const {
  constexpr std::size_t kSidesOfPictures = 4;
  if (!in_place || many_shapes || !facts.in_place) return std::nullopt;
  const auto picture = std::ranges::find(shapes, kSidesOfPictures, &ov::Shape::size);
  if (picture == shapes.end() || *picture != result) return std::nullopt;
  return static_cast<std::size_t>(picture - shapes.begin());
}

std::size_t Engine::State::work_bytes(const Shapes& shapes) {
  const bool may_be_in_place = in_place && !many_shapes;
  const std::string what = fmt::format("{} {}{}", text_of(shapes), precision_name(precision),
                                       may_be_in_place ? " in place" : "");
  if (const auto known = facts.work_bytes.find(what); known != facts.work_bytes.end())
    return known->second;
  return translated(ErrorCode::Bundle, "work_bytes", origin, [&] {
    const auto whole = reshaped(shapes);
    std::size_t bytes = peak_value_bytes(*whole, precision);
    const ov::PartialShape result = whole->outputs().front().get_partial_shape();
    if (result.is_static() && overwritten(shapes, result.to_shape()))
      bytes -= ov::shape_size(result.to_shape()) * sizeof(float);
    facts.work_bytes[what] = bytes;
    facts_in_cache = false;
    return bytes;
  });
}

void Engine::State::drop_for(const Shapes& next) {
  if (is_large(next) || spare_memory) prepared.clear();
  prepared.remove_if([](const Prepared& entry) { return is_large(entry.shapes); });
  while (prepared.size() >= kPreparedShapes) prepared.pop_back();
}

ov::AnyMap Engine::State::properties() const {
  ov::AnyMap chosen{
      ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
      ov::hint::inference_precision(precision == Precision::Bf16 ? ov::element::bf16
                                                                 : ov::element::f32),
      ov::hint::enable_cpu_pinning(false),  // pinned threads of two processes would share cores
      ov::hint::allow_auto_batching(false),
      ov::inference_num_threads(threads),
      ov::num_streams(1)};
  if (!makes_chains()) chosen["SNIPPETS_MODE"] = "DISABLE";
  return chosen;
}

std::string Engine::State::cache_key(const Prepared& entry) const {
  const std::string what = entry.pattern.empty() ? text_of(entry.shapes) : text_of(entry.pattern);
  return fmt::format("graph {} {} {} {}{} threads {} {} {}", kPreparation, graph_hash, what,
                     precision_name(precision), soon ? " soon" : "", threads,
                     ov::get_openvino_version().buildNumber, processor_features());
}

std::string Engine::State::facts_key() const {
  return fmt::format("facts {} {} {}", kPreparation, graph_hash,
                     ov::get_openvino_version().buildNumber);
}

void Engine::State::prepare(const Shapes& shapes) {
  const auto found = std::find_if(prepared.begin(), prepared.end(),
                                  [&](const Prepared& entry) { return serves(entry, shapes); });
  if (found != prepared.end()) {
    prepared.splice(prepared.begin(), prepared, found);
    if (found->shapes != shapes)
      translated(ErrorCode::Bundle, "prepare", origin, [&] { set_inputs(*found, shapes); });
    return;
  }
  translated(ErrorCode::Bundle, "prepare", origin, [&] {
    Prepared next;
    next.shapes = shapes;
    if (many_shapes) next.pattern = pattern_for(shapes);
    drop_for(shapes);
    const LargePages pages;
    if (next.pattern.empty() || !compile_for_many(next)) compile(next);
    next.request = next.compiled.create_infer_request();
    pages.ask();
    set_inputs(next, shapes);
    for (const auto& output : next.compiled.outputs()) {
      CHIARO_CHECK(output.get_element_type() == ov::element::f32, Bundle,
                   "[engine.prepare] graph '{}' gives {}; expected float32", origin,
                   output.get_element_type().get_type_name());
    }
    give_in_place(next);
    prepared.push_front(std::move(next));
    if (spare_memory) return_free_memory();
  });
}

void Engine::State::give_in_place(Prepared& next) const {
  const ov::PartialShape result = next.compiled.outputs().front().get_partial_shape();
  if (!result.is_static()) return;
  if (const auto place = overwritten(next.shapes, result.to_shape()))
    next.request.set_output_tensor(0, next.inputs[*place]);
}

/// For all shapes of the pattern, in place of what was prepared so far. False where the graph
/// cannot be prepared so.
bool Engine::State::compile_for_many(Prepared& next) {
  prepared.clear();
  ov::AnyMap how = properties();
  how[kKeptKernels.first] = kKeptKernels.second;
  // What an earlier process came to need of this graph serves from the start.
  Prepared widest;
  widest.shapes = next.shapes;
  widest.pattern = widest_pattern(next.pattern);
  try {
    if (take_from_cache(widest, how)) {
      next = std::move(widest);
    } else if (!take_from_cache(next, how))
      next.compiled = runtime->core().compile_model(reshaped(next.pattern), "CPU", how);
    return true;
  } catch (const ov::Exception& error) {
    spdlog::debug("'{}' is prepared for each shape by itself: {}", origin, brief(error.what()));
    many_shapes = false;
    next.pattern.clear();
    return false;
  }
}

void Engine::State::compile(Prepared& next) {
  ov::AnyMap how = properties();
  if (take_from_cache(next, how)) return;
  try {
    next.compiled = runtime->core().compile_model(reshaped(next.shapes), std::string("CPU"), how);
  } catch (const std::exception& error) {
    // In bfloat16 the runtime has no convolution for some of the smallest pictures, of which a
    // single pixel is left at the coarsest level.
    if (precision != Precision::Bf16 || is_large(next.shapes)) throw;
    spdlog::debug("'{}' runs in float32 for {}: {}", origin, text_of(next.shapes),
                  brief(error.what()));
    how[ov::hint::inference_precision.name()] = ov::element::f32;
    next.compiled = runtime->core().compile_model(reshaped(next.shapes), std::string("CPU"), how);
    next.in_cache = true;  // not to be kept as what it is not
  }
}

/// Where it is there and of use.
bool Engine::State::take_from_cache(Prepared& next, const ov::AnyMap& how) {
  if (!cache.is_on()) return false;
  next.kept = cache.find(cache_key(next));
  const auto bytes = next.kept.bytes();
  if (bytes.empty()) return false;
  try {
    auto* begin = const_cast<std::byte*>(bytes.data());  // it is only read
    const ov::Tensor blob(ov::element::u8, {bytes.size()}, begin);
    next.compiled = runtime->core().import_model(blob, "CPU", how);
    next.in_cache = true;
    return true;
  } catch (const std::exception& error) {
    spdlog::debug("a prepared graph cannot be used: {}", brief(error.what()));
    next.kept = {};
    return false;
  }
}

void Engine::State::keep_facts() {
  if (facts_in_cache) return;
  facts_in_cache = true;
  try {
    const std::string text = print_facts(facts);
    cache.keep(facts_key(), std::as_bytes(std::span(text)));
  } catch (const std::exception& error) {
    spdlog::debug("the facts of a graph cannot be kept: {}", brief(error.what()));
  }
}

}  // namespace chiaro::engine

#include "chiaro/engine/engine.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <openvino/openvino.hpp>
#include <sstream>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/sha256.h"
#include "chiaro/base/text.h"
#include "chiaro/engine/exact_start.h"
#include "chiaro/engine/graph_cache.h"
#include "chiaro/engine/graph_facts.h"
#include "chiaro/engine/graph_reader.h"
#include "chiaro/engine/large_pages.h"
#include "chiaro/engine/memory_estimate.h"
#include "chiaro/engine/ncnn_reader.h"
#include "chiaro/engine/processor.h"
#include "chiaro/engine/runtime_core.h"

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
constexpr int kPreparation = 4;

/// The first line of a foreign message, without the runtime's source positions.
std::string brief(const char* message) {
  std::string line;
  for (const std::string& candidate : split(message, '\n')) {
    const auto text = trim(candidate);
    if (text.empty() || text.starts_with("Exception from ") || text.starts_with("Check '"))
      continue;
    line = text;
    break;
  }
  if (line.empty()) line = std::string(trim(message));
  constexpr std::size_t kLongest = 200;
  return line.size() > kLongest ? line.substr(0, kLongest) + "…" : line;
}

bool is_about_memory(std::string_view message) {
  return message.find("bad_alloc") != std::string_view::npos ||
         message.find("llocat") != std::string_view::npos ||
         message.find("out of memory") != std::string_view::npos;
}

/// Runs `body`; foreign exceptions become Error: Resource where memory ran out, else `code`.
template <typename Body>
auto translated(ErrorCode code, const char* function, const std::string& origin, Body&& body) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::Resource, "[engine.{}] not enough memory to run '{}'", function, origin);
  } catch (const std::exception& error) {
    if (is_about_memory(error.what())) {
      fail(ErrorCode::Resource, "[engine.{}] not enough memory to run '{}'", function, origin);
    }
    fail(code, "[engine.{}] cannot use the graph '{}': {}", function, origin, brief(error.what()));
  }
}

Precision settled_precision(Precision wanted) {
  if (wanted != Precision::Bf16) return Precision::F32;
  if (has_bf16()) return Precision::Bf16;
  static std::atomic<bool> said{false};
  if (!said.exchange(true)) spdlog::warn("this processor has no bfloat16; running in float32");
  return Precision::F32;
}

std::vector<std::int64_t> signed_shape(const ov::Shape& shape) {
  return {shape.begin(), shape.end()};
}

ov::Shape unsigned_shape(std::span<const std::int64_t> sides) {
  ov::Shape shape;
  for (const std::int64_t side : sides) shape.push_back(static_cast<std::size_t>(side));
  return shape;
}

/// The place of a name among a graph's inputs or outputs.
std::size_t place_of(const std::vector<GraphFacts::Port>& ports, std::string_view name,
                     const std::string& origin) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (std::ranges::find(ports[i].names, name) != ports[i].names.end()) return i;
  }
  fail(ErrorCode::Internal, "[engine.place_of] graph '{}' has nothing named '{}'", origin, name);
}

/// The name the graph gives an input or output; "" where it has none.
std::vector<std::string> names_of(const std::vector<GraphFacts::Port>& ports) {
  std::vector<std::string> names;
  for (const auto& port : ports) names.push_back(port.names.empty() ? "" : port.names.front());
  return names;
}

}  // namespace

Precision parse_precision(std::string_view text) {
  if (text == "auto") return Precision::Auto;
  if (text == "f32") return Precision::F32;
  if (text == "bf16") return Precision::Bf16;
  fail(ErrorCode::Usage,
       "[engine.precision] unknown precision; got '{}'; expected auto, f32 or bf16", text);
}

std::string_view precision_name(Precision precision) {
  return precision == Precision::F32 ? "f32" : precision == Precision::Bf16 ? "bf16" : "auto";
}

struct Engine::State {
  using Shapes = std::vector<ov::Shape>;          // of the inputs, in the graph's order
  using Pattern = std::vector<ov::PartialShape>;  // the same, where some sides may be free

  struct Prepared {
    Shapes shapes;
    Pattern pattern;  // what it serves; empty: these shapes alone
    KeptGraph kept;   // weights that lie in the cache are used there
    ov::CompiledModel compiled;
    ov::InferRequest request;
    std::vector<ov::Tensor> inputs;
    bool in_cache = false;
  };

  std::string origin;
  Precision precision;
  int threads;
  bool soon;
  bool many_shapes;
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
      onnx = {};
    }
    return *graph;
  }

  Prepared& current() {
    CHIARO_CHECK(!prepared.empty(), Internal, "[engine.run] '{}' has not been prepared for a shape",
                 origin);
    return prepared.front();
  }

  /// Puts shapes into the graph's order. Errors: Internal (names that are not the inputs').
  Shapes ordered(std::span<const NamedShape> named) const {
    const auto& inputs = facts.inputs;
    CHIARO_CHECK(named.size() == inputs.size(), Internal,
                 "[engine.prepare] {} shapes for the {} inputs of '{}'", named.size(),
                 inputs.size(), origin);
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

  /// The shape of the only input. Errors: Bundle, where there are several.
  Shapes single(std::initializer_list<std::int64_t> sides) const {
    CHIARO_CHECK(facts.inputs.size() == 1, Bundle,
                 "[engine.prepare] graph '{}' has {} inputs; expected one", origin,
                 facts.inputs.size());
    return {unsigned_shape({sides.begin(), sides.size()})};
  }

  template <typename Sides>
  std::shared_ptr<ov::Model> reshaped(const std::vector<Sides>& shapes) {
    auto copy = model().clone();
    std::map<std::size_t, ov::PartialShape> places;
    for (std::size_t i = 0; i < shapes.size(); ++i) places[i] = ov::PartialShape(shapes[i]);
    copy->reshape(places);
    if (precision == Precision::Bf16) keep_start_exact(*copy);
    return copy;
  }

  /// What serves these shapes and those that the last preparation serves, if there is one: the
  /// sides of pictures are free where the graph leaves them free, others only where they have
  /// changed.
  Pattern pattern_for(const Shapes& shapes) const {
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

  static bool serves(const Prepared& entry, const Shapes& shapes) {
    if (entry.pattern.empty()) return entry.shapes == shapes;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      if (!entry.pattern[i].compatible(ov::PartialShape(shapes[i]))) return false;
    }
    return true;
  }

  static void set_inputs(Prepared& entry, const Shapes& shapes) {
    entry.shapes.clear();  // until all are there, so that a failure is not taken for them
    std::vector<ov::Tensor> inputs;
    for (const ov::Shape& shape : shapes) inputs.emplace_back(ov::element::f32, shape);
    for (std::size_t i = 0; i < inputs.size(); ++i) entry.request.set_input_tensor(i, inputs[i]);
    entry.inputs = std::move(inputs);
    entry.shapes = shapes;
  }

  std::size_t work_bytes(const Shapes& shapes) {
    const std::string what = text_of(shapes) + " " + std::string(precision_name(precision));
    if (const auto known = facts.work_bytes.find(what); known != facts.work_bytes.end())
      return known->second;
    return translated(ErrorCode::Bundle, "work_bytes", origin, [&] {
      const std::size_t bytes = peak_value_bytes(*reshaped(shapes), precision);
      facts.work_bytes[what] = bytes;
      facts_in_cache = false;
      return bytes;
    });
  }

  void drop_for(const Shapes& next) {
    const auto large = [](const Shapes& shapes) {
      return std::any_of(shapes.begin(), shapes.end(), [](const ov::Shape& shape) {
        return ov::shape_size(shape) > kKeptElements;
      });
    };
    if (large(next)) prepared.clear();
    prepared.remove_if([&](const Prepared& entry) { return large(entry.shapes); });
    while (prepared.size() >= kPreparedShapes) prepared.pop_back();
  }

  /// Whether the runtime makes code of its own for each chain of small operators. That gains 2 to
  /// 24 per cent where there is much attention or normalisation; elsewhere it gains nothing, and
  /// always it takes a fifth to a third of the time of preparing.
  bool makes_chains() const { return facts.chains && !soon; }

  ov::AnyMap properties() const {
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

  static std::string text_of(const Shapes& shapes) {
    std::vector<std::string> sides;
    for (const ov::Shape& shape : shapes) sides.push_back(shape.to_string());
    return fmt::format("{}", fmt::join(sides, " "));
  }

  /// Everything that what is prepared depends on.
  std::string cache_key(const Shapes& shapes) const {
    return fmt::format("graph {} {} {} {}{} threads {} {} {}", kPreparation, graph_hash,
                       text_of(shapes), precision_name(precision), soon ? " soon" : "", threads,
                       ov::get_openvino_version().buildNumber, processor_features());
  }

  /// Everything that facts depend on.
  std::string facts_key() const {
    return fmt::format("facts {} {} {}", kPreparation, graph_hash,
                       ov::get_openvino_version().buildNumber);
  }

  void prepare(const Shapes& shapes);
  void compile(Prepared& next);
  bool compile_for_many(Prepared& next);
  void keep_facts();
};

Engine::State::State(const EngineOptions& options, std::string name)
    : origin(std::move(name)),
      soon(options.soon),
      many_shapes(options.many_shapes),
      cache(options.cache) {
  CHIARO_CHECK(options.device == "auto" || options.device == "cpu", Usage,
               "[engine.open] unknown device; got '{}'; expected auto or cpu", options.device);
  CHIARO_CHECK(options.threads >= 0 && options.threads <= kMaxThreads, Usage,
               "[engine.open] impossible number of threads; got {}; expected 0 to {}",
               options.threads, kMaxThreads);
  precision = settled_precision(options.precision);
  threads = options.threads > 0 ? options.threads : available_cores();
  runtime = start_runtime();
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

Engine::Engine(std::span<const std::byte> onnx, const EngineOptions& options,
               const std::string& origin)
    : state_(std::make_unique<State>(options, origin)) {
  state_->open(onnx, nullptr);
}

Engine::Engine(const EngineOptions& options, const std::string& origin)
    : state_(std::make_unique<State>(options, origin)) {}

Engine Engine::of(std::vector<std::byte> onnx, const EngineOptions& options,
                  const std::string& origin) {
  Engine engine(options, origin);
  engine.state_->open(onnx, &onnx);
  return engine;
}

Engine Engine::of_ncnn(std::string_view param, std::span<const std::byte> weights,
                       std::span<const std::string> blobs, EngineOptions options,
                       const std::string& origin) {
  options.cache.clear();
  Engine engine(options, origin);
  translated(ErrorCode::Bundle, "open", origin, [&] {
    engine.state_->graph = read_ncnn(param, weights, blobs, origin);
    engine.state_->facts = facts_of(*engine.state_->graph);
  });
  return engine;
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

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
    prepared.push_front(std::move(next));
  });
}

/// For all shapes of the pattern, in place of what was prepared so far. False where the graph
/// cannot be prepared so.
bool Engine::State::compile_for_many(Prepared& next) {
  prepared.clear();
  ov::AnyMap how = properties();
  how[kKeptKernels.first] = kKeptKernels.second;
  try {
    next.compiled = runtime->core().compile_model(reshaped(next.pattern), std::string("CPU"), how);
    next.in_cache = true;  // it is not kept there
    return true;
  } catch (const ov::Exception& error) {
    spdlog::debug("'{}' is prepared for each shape by itself: {}", origin, brief(error.what()));
    many_shapes = false;
    next.pattern.clear();
    return false;
  }
}

/// From the cache, where it is there and of use.
void Engine::State::compile(Prepared& next) {
  if (cache.is_on()) {
    next.kept = cache.find(cache_key(next.shapes));
    if (const auto bytes = next.kept.bytes(); !bytes.empty()) {
      try {
        auto* begin = const_cast<std::byte*>(bytes.data());  // it is only read
        const ov::Tensor blob(ov::element::u8, {bytes.size()}, begin);
        next.compiled = runtime->core().import_model(blob, "CPU", properties());
        next.in_cache = true;
        return;
      } catch (const std::exception& error) {
        spdlog::debug("a prepared graph cannot be used: {}", brief(error.what()));
      }
      next.kept = {};
    }
  }
  next.compiled =
      runtime->core().compile_model(reshaped(next.shapes), std::string("CPU"), properties());
}

void Engine::prepare(std::int64_t batch, std::int64_t channels, std::int64_t height,
                     std::int64_t width) {
  CHIARO_CHECK(batch > 0 && channels > 0 && height > 0 && width > 0, Internal,
               "[engine.prepare] impossible shape ({}, {}, {}, {})", batch, channels, height,
               width);
  state_->prepare(state_->single({batch, channels, height, width}));
}

void Engine::prepare(std::span<const NamedShape> shapes) {
  state_->prepare(state_->ordered(shapes));
}

std::span<float> Engine::input() {
  auto& inputs = state_->current().inputs;
  CHIARO_CHECK(inputs.size() == 1, Internal, "[engine.input] which of the {} inputs of '{}'?",
               inputs.size(), state_->origin);
  return {inputs[0].data<float>(), inputs[0].get_size()};
}

std::span<float> Engine::input(std::string_view name) {
  auto& tensor = state_->current().inputs[place_of(state_->facts.inputs, name, state_->origin)];
  return {tensor.data<float>(), tensor.get_size()};
}

void Engine::run() {
  auto& current = state_->current();
  translated(ErrorCode::Internal, "run", state_->origin, [&] { current.request.infer(); });
}

std::span<const float> Engine::output(std::size_t index) const {
  const auto tensor = state_->current().request.get_output_tensor(index);
  return {tensor.data<const float>(), tensor.get_size()};
}

std::span<const float> Engine::output(std::string_view name) const {
  return output(place_of(state_->facts.outputs, name, state_->origin));
}

std::vector<std::int64_t> Engine::output_shape(std::size_t index) const {
  return signed_shape(state_->current().request.get_output_tensor(index).get_shape());
}

std::vector<std::string> Engine::input_names() const {
  return names_of(state_->facts.inputs);
}

std::vector<std::string> Engine::output_names() const {
  return names_of(state_->facts.outputs);
}

std::vector<std::int64_t> Engine::stated_input_shape(std::string_view name) const {
  const auto& inputs = state_->facts.inputs;
  return inputs[place_of(inputs, name, state_->origin)].shape;
}

std::vector<std::int64_t> Engine::stated_output_shape(std::string_view name) const {
  const auto& outputs = state_->facts.outputs;
  return outputs[place_of(outputs, name, state_->origin)].shape;
}

std::vector<Tensor> Engine::run_once(const Tensor& given) {
  CHIARO_CHECK(given.shape.size() == 4, Internal, "[engine.run] an input of {} sides; expected 4",
               given.shape.size());
  prepare(given.shape[0], given.shape[1], given.shape[2], given.shape[3]);
  const auto target = input();
  CHIARO_CHECK(given.values.size() == target.size(), Internal,
               "[engine.run] {} values for {} places", given.values.size(), target.size());
  std::copy(given.values.begin(), given.values.end(), target.begin());
  run();
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < state_->facts.outputs.size(); ++i) {
    const auto values = output(i);
    outputs.push_back({output_shape(i), {values.begin(), values.end()}});
  }
  return outputs;
}

NamedTensors Engine::run_by_name(const NamedTensors& given) {
  std::vector<NamedShape> shapes;
  for (const auto& [name, tensor] : given) shapes.push_back({name, tensor.shape});
  prepare(shapes);
  for (const auto& [name, tensor] : given) {
    const auto target = input(name);
    CHIARO_CHECK(tensor.values.size() == target.size(), Internal,
                 "[engine.run] {} values for the {} places of '{}'", tensor.values.size(),
                 target.size(), name);
    std::copy(tensor.values.begin(), tensor.values.end(), target.begin());
  }
  run();
  NamedTensors outputs;
  const auto names = output_names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto values = output(i);
    outputs[names[i]] = {output_shape(i), {values.begin(), values.end()}};
  }
  return outputs;
}

double Engine::bytes_per_pixel(std::int64_t channels, std::int64_t side) const {
  return static_cast<double>(state_->work_bytes(state_->single({1, channels, side, side}))) /
         static_cast<double>(side * side);
}

std::size_t Engine::work_bytes(std::span<const NamedShape> shapes) const {
  return state_->work_bytes(state_->ordered(shapes));
}

std::size_t Engine::weight_bytes() const {
  return state_->facts.weight_bytes;
}

Precision Engine::precision() const {
  return state_->precision;
}

int Engine::threads() const {
  return state_->threads;
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

void Engine::keep_prepared() {
  if (!state_->cache.is_on()) return;
  state_->keep_facts();
  for (State::Prepared& entry : state_->prepared) {
    if (entry.in_cache) continue;
    entry.in_cache = true;
    try {
      std::ostringstream stream;
      entry.compiled.export_model(stream);
      const std::string text = std::move(stream).str();
      state_->cache.keep(state_->cache_key(entry.shapes), std::as_bytes(std::span(text)));
    } catch (const std::exception& error) {
      spdlog::debug("a prepared graph cannot be kept: {}", brief(error.what()));
    }
  }
}

void Engine::release() {
  state_->prepared.clear();
}

}  // namespace chiaro::engine

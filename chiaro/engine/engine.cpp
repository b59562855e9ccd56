#include "chiaro/engine/engine.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <istream>
#include <list>
#include <map>
#include <new>
#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>
#include <sstream>
#include <streambuf>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/base/sha256.h"
#include "chiaro/base/text.h"
#include "chiaro/engine/graph_cache.h"
#include "chiaro/engine/memory_estimate.h"
#include "chiaro/engine/processor.h"

namespace chiaro::engine {
namespace {

constexpr int kMaxThreads = 1024;
// A second prepared shape is kept beside the current one (pictures come in two orientations) while
// both are small.
constexpr std::size_t kPreparedShapes = 2;
constexpr std::size_t kKeptElements = 3 * 512 * 512;
// Kernels that the runtime keeps of shapes it has met (2 MiB a shape of a network of 1.8 million
// parameters): a few shapes' worth. Its own choice, 5000, is a leak for a folder of many sizes.
constexpr std::pair<const char*, int> kKeptKernels{"CPU_RUNTIME_CACHE_CAPACITY", 128};

/// Reads from memory without copying it.
class MemoryBuffer : public std::streambuf {
 public:
  explicit MemoryBuffer(std::span<const std::byte> bytes) {
    auto* begin =
        reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data()));  // streambuf takes no const
    setg(begin, begin, begin + bytes.size());
  }

 protected:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    char* base = from == std::ios_base::beg   ? eback()
                 : from == std::ios_base::cur ? gptr()
                                              : egptr();
    char* target = base + offset;
    if (target < eback() || target > egptr()) return {off_type(-1)};
    setg(eback(), target, egptr());
    return {target - eback()};
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
    return seekoff(off_type(position), std::ios_base::beg, which);
  }
};

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

/// 0 stands for a free side.
std::vector<std::int64_t> stated_shape(const ov::PartialShape& shape) {
  std::vector<std::int64_t> sides;
  if (shape.rank().is_dynamic()) return sides;
  for (const auto& side : shape) sides.push_back(side.is_static() ? side.get_length() : 0);
  return sides;
}

/// The place of a name among a graph's inputs or outputs.
template <typename Ports>
std::size_t place_of(const Ports& ports, std::string_view name, const std::string& origin) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].get_names().contains(std::string(name))) return i;
  }
  fail(ErrorCode::Internal, "[engine.place_of] graph '{}' has nothing named '{}'", origin, name);
}

/// The name the graph gives an input or output; "" where it has none.
template <typename Ports>
std::vector<std::string> names_of(const Ports& ports) {
  std::vector<std::string> names;
  for (const auto& port : ports) {
    names.push_back(port.get_names().empty() ? "" : port.get_any_name());
  }
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
  using Shapes = std::vector<ov::Shape>;  // of the inputs, in the graph's order

  using Pattern = std::vector<ov::PartialShape>;  // the same, where some sides may be free

  struct Prepared {
    Shapes shapes;
    Pattern pattern;  // what it serves; empty: these shapes alone
    ov::CompiledModel compiled;
    ov::InferRequest request;
    std::vector<ov::Tensor> inputs;
    bool in_cache = false;
  };

  std::string origin;
  Precision precision = Precision::F32;
  int threads = 1;
  ov::Core core;
  std::future<void> plugin;  // the processor's library, loaded while the graph is read
  std::shared_ptr<ov::Model> graph;
  std::list<Prepared> prepared;  // the current one first
  GraphCache cache;
  std::string graph_hash;  // with a cache
  bool many_shapes = false;

  Prepared& current() {
    CHIARO_CHECK(!prepared.empty(), Internal, "[engine.run] '{}' has not been prepared for a shape",
                 origin);
    return prepared.front();
  }

  /// Puts shapes into the graph's order. Errors: Internal (names that are not the inputs').
  Shapes ordered(std::span<const NamedShape> named) const {
    const auto& inputs = graph->inputs();
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
    CHIARO_CHECK(graph->inputs().size() == 1, Bundle,
                 "[engine.prepare] graph '{}' has {} inputs; expected one", origin,
                 graph->inputs().size());
    return {unsigned_shape({sides.begin(), sides.size()})};
  }

  template <typename Sides>
  std::shared_ptr<ov::Model> reshaped(const std::vector<Sides>& shapes) const {
    auto copy = graph->clone();
    std::map<std::size_t, ov::PartialShape> places;
    for (std::size_t i = 0; i < shapes.size(); ++i) places[i] = ov::PartialShape(shapes[i]);
    copy->reshape(places);
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
      const ov::PartialShape stated = graph->input(i).get_partial_shape();
      for (std::size_t side = 0; side < shapes[i].size(); ++side) {
        const bool changed = before.size() != sides.size() || before[side] != sides[side];
        if (stated[side].is_dynamic() && (changed || side >= kFirstOfPicture))
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
    entry.shapes = shapes;
    entry.inputs.clear();
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      entry.inputs.emplace_back(ov::element::f32, shapes[i]);
      entry.request.set_input_tensor(i, entry.inputs.back());
    }
  }

  std::size_t work_bytes(const Shapes& shapes) const {
    return translated(ErrorCode::Bundle, "work_bytes", origin, [&] {
      const std::size_t element = precision == Precision::Bf16 ? 2 : 4;
      return peak_value_bytes(*reshaped(shapes), element);
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

  ov::AnyMap properties() const {
    return {
        ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
        ov::hint::inference_precision(precision == Precision::Bf16 ? ov::element::bf16
                                                                   : ov::element::f32),
        ov::hint::enable_cpu_pinning(false),  // pinned threads of two processes would share cores
        ov::hint::allow_auto_batching(false),
        ov::inference_num_threads(threads),
        ov::num_streams(1)};
  }

  /// Everything that what is prepared depends on.
  std::string cache_key(const Shapes& shapes) const {
    std::vector<std::string> sides;
    for (const ov::Shape& shape : shapes) sides.push_back(shape.to_string());
    return fmt::format("graph {} {} {} threads {} {} {}", graph_hash, fmt::join(sides, " "),
                       precision_name(precision), threads, ov::get_openvino_version().buildNumber,
                       processor_features());
  }

  void prepare(const Shapes& shapes);
  void compile(Prepared& next);
  bool compile_for_many(Prepared& next);
};

Engine::Engine(std::span<const std::byte> onnx, const EngineOptions& options,
               const std::string& origin)
    : state_(std::make_unique<State>()) {
  CHIARO_CHECK(options.device == "auto" || options.device == "cpu", Usage,
               "[engine.open] unknown device; got '{}'; expected auto or cpu", options.device);
  CHIARO_CHECK(options.threads >= 0 && options.threads <= kMaxThreads, Usage,
               "[engine.open] impossible number of threads; got {}; expected 0 to {}",
               options.threads, kMaxThreads);
  state_->origin = origin;
  state_->precision = settled_precision(options.precision);
  state_->threads = options.threads > 0 ? options.threads : available_cores();
  state_->cache = GraphCache(options.cache);
  if (state_->cache.is_on()) state_->graph_hash = sha256_hex(onnx);
  state_->many_shapes = options.many_shapes;
  state_->plugin =
      std::async(std::launch::async, [&core = state_->core] { core.get_versions("CPU"); });
  translated(ErrorCode::Bundle, "open", origin, [&] {
    // Naming the frontend loads one library instead of all that lie beside the runtime.
    ov::frontend::FrontEndManager frontends;
    const auto frontend = frontends.load_by_framework("onnx");
    CHIARO_CHECK(frontend != nullptr, Internal,
                 "[engine.open] the ONNX part of the engine is not installed");
    MemoryBuffer buffer(onnx);
    std::istream stream(&buffer);
    std::istream* source = &stream;
    const auto loaded = frontend->load(source);
    CHIARO_CHECK(loaded != nullptr, Bundle, "[engine.open] '{}' is not an ONNX graph", origin);
    state_->graph = frontend->convert(loaded);
  });
  const auto& graph = *state_->graph;
  CHIARO_CHECK(!graph.inputs().empty() && !graph.outputs().empty(), Bundle,
               "[engine.open] graph '{}' has {} inputs and {} outputs; expected at least one of "
               "each",
               origin, graph.inputs().size(), graph.outputs().size());
  for (const auto& input : graph.inputs()) {
    CHIARO_CHECK(
        input.get_partial_shape().rank().is_static() && input.get_partial_shape().size() > 0 &&
            input.get_element_type() == ov::element::f32,
        Bundle,
        "[engine.open] graph '{}' takes {} of shape {}; expected float32 of a known number of "
        "sides",
        origin, input.get_element_type().get_type_name(), input.get_partial_shape().to_string());
  }
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
    if (plugin.valid()) plugin.get();
    Prepared next;
    next.shapes = shapes;
    if (many_shapes) next.pattern = pattern_for(shapes);
    drop_for(shapes);
    if (next.pattern.empty() || !compile_for_many(next)) compile(next);
    next.request = next.compiled.create_infer_request();
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
    next.compiled = core.compile_model(reshaped(next.pattern), std::string("CPU"), how);
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
    const std::vector<std::byte> kept = cache.find(cache_key(next.shapes));
    if (!kept.empty()) {
      MemoryBuffer buffer(kept);
      std::istream stream(&buffer);
      try {
        next.compiled = core.import_model(stream, "CPU", properties());
        next.in_cache = true;
        return;
      } catch (const std::exception& error) {
        spdlog::debug("a prepared graph cannot be used: {}", brief(error.what()));
      }
    }
  }
  next.compiled = core.compile_model(reshaped(next.shapes), std::string("CPU"), properties());
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
  auto& tensor = state_->current().inputs[place_of(state_->graph->inputs(), name, state_->origin)];
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
  return output(place_of(state_->graph->outputs(), name, state_->origin));
}

std::vector<std::int64_t> Engine::output_shape(std::size_t index) const {
  return signed_shape(state_->current().request.get_output_tensor(index).get_shape());
}

std::vector<std::string> Engine::input_names() const {
  return names_of(state_->graph->inputs());
}

std::vector<std::string> Engine::output_names() const {
  return names_of(state_->graph->outputs());
}

std::vector<std::int64_t> Engine::stated_input_shape(std::string_view name) const {
  const auto inputs = state_->graph->inputs();
  return stated_shape(inputs[place_of(inputs, name, state_->origin)].get_partial_shape());
}

std::vector<std::int64_t> Engine::stated_output_shape(std::string_view name) const {
  const auto outputs = state_->graph->outputs();
  return stated_shape(outputs[place_of(outputs, name, state_->origin)].get_partial_shape());
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
  for (std::size_t i = 0; i < state_->graph->outputs().size(); ++i) {
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
  return constant_bytes(*state_->graph);
}

Precision Engine::precision() const {
  return state_->precision;
}

int Engine::threads() const {
  return state_->threads;
}

void Engine::keep_prepared() {
  if (!state_->cache.is_on()) return;
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

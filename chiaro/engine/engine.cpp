#include "chiaro/engine/engine.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "chiaro/base/error.h"
#include "chiaro/base/log.h"
#include "chiaro/engine/engine_state.h"
#include "chiaro/engine/graph_reader.h"
#include "chiaro/engine/ncnn_reader.h"
#include "chiaro/engine/translation.h"

namespace chiaro::engine {
namespace {

std::vector<std::int64_t> signed_shape(const ov::Shape& shape) {
  return {shape.begin(), shape.end()};
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

std::size_t Engine::laid_out_bytes() const {
  const GraphFacts& facts = state_->facts;
  const std::size_t laid_out =
      state_->precision == Precision::Bf16
          ? facts.exact_weight_bytes + (facts.weight_bytes - facts.exact_weight_bytes) / 2
          : facts.weight_bytes;
  return laid_out + (state_->graph ? 0 : facts.weight_bytes);
}

double Engine::most_of_work_bytes() const {
  return state_->precision == Precision::Bf16 && !state_->facts.products ? 1.05 : 1.17;
}

Precision Engine::precision() const {
  return state_->precision;
}

int Engine::threads() const {
  return state_->threads;
}

void Engine::keep_prepared() {
  if (!state_->cache.is_on()) return;
  state_->keep_facts();
  for (Prepared& entry : state_->prepared) {
    if (entry.in_cache) continue;
    entry.in_cache = true;
    try {
      std::ostringstream stream;
      entry.compiled.export_model(stream);
      const std::string text = std::move(stream).str();
      state_->cache.keep(state_->cache_key(entry), std::as_bytes(std::span(text)));
    } catch (const std::exception& error) {
      spdlog::debug("a prepared graph cannot be kept: {}", brief(error.what()));
    }
  }
}

void Engine::release() {
  state_->prepared.clear();
}

}  // namespace chiaro::engine

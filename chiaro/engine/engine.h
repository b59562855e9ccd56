// Runs an ONNX graph. The only room that knows OpenVINO; nothing of it shows in this header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chiaro::engine {

enum class Precision {
  Auto,  ///< the owner of the graph decides; the engine itself takes f32
  F32,
  Bf16  ///< where the processor has it, else f32 with one line in the log
};

/// "auto", "f32", "bf16". Errors: Usage.
Precision parse_precision(std::string_view text);
std::string_view precision_name(Precision precision);

struct EngineOptions {
  std::string device = "auto";  ///< "auto" or "cpu"
  Precision precision = Precision::Auto;
  int threads = 0;         ///< 0: as many as the processor has cores
  std::string cache = {};  ///< folder of prepared graphs (GraphCache); empty: none
  /// Inputs of many shapes are to come: one preparation serves all. Results are the same but for
  /// rounding; memory stays what the largest shape so far takes, and some for kernels.
  bool many_shapes = false;
  bool soon = false;  ///< rather prepared soon than run fast: for small graphs that run a few times
  /// The result may take the place of the input that has its shape: what input() holds after run()
  /// is not said. Of graphs where that is safe (can_give_in_place), prepared for one shape.
  bool in_place = false;
  /// One preparation at a time, and what it freed goes back to the system: for whoever promised a
  /// ceiling.
  bool spare_memory = false;
};

/// The same, computing in float32.
inline EngineOptions in_f32(EngineOptions options) {
  options.precision = Precision::F32;
  return options;
}

/// What running takes is at least this times Engine::work_bytes (tests/engine, MemoryMeasuredSlow).
inline constexpr double kLeastOfWorkBytes = 0.9;

/// A row-major float32 array; four sides (N,C,H,W) for pictures.
struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// The shape an input of the graph is to have.
struct NamedShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// Tensors by the names of a graph's inputs or outputs.
using NamedTensors = std::map<std::string, Tensor, std::less<>>;

/// One loaded graph. Most have one input of four sides; the short forms without names are for them.
/// Not for use from several threads at once. In f32 and in bf16 the result does not depend on the
/// number of threads.
class Engine {
 public:
  /// Loads a graph; `origin` names it in messages. Errors: Bundle (not an ONNX graph, unknown
  /// operators, no output, an input that is not float32 of a known number of sides), Usage (unknown
  /// device).
  Engine(std::span<const std::byte> onnx, const EngineOptions& options, const std::string& origin);
  /// The same of bytes that it may keep: what was loaded from the same cache before is not read
  /// until it has to be.
  static Engine of(std::vector<std::byte> onnx, const EngineOptions& options,
                   const std::string& origin);
  /// The part of an ncnn network (its text, its weights) that leads to these blobs, which become
  /// the outputs; nothing of it is kept in a cache. Errors: as above, and Bundle for layers that
  /// are not known here (chiaro/engine/ncnn_reader.h).
  static Engine of_ncnn(std::string_view param, std::span<const std::byte> weights,
                        std::span<const std::string> blobs, EngineOptions options,
                        const std::string& origin);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  /// Sets the input's shape (N,C,H,W) and prepares the graph for it; free if nothing changes, and
  /// little with EngineOptions::many_shapes.
  /// Errors: Bundle (the graph refuses the shape or has several inputs), Resource (not enough
  /// memory).
  void prepare(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width);

  /// The same for any graph: every input by name, in any order. Errors: as above; Internal where
  /// the names are not those of the graph's inputs.
  void prepare(std::span<const NamedShape> shapes);

  /// The values of the only input in the prepared shape, row-major; write here before run(). Valid
  /// until prepare or release.
  std::span<float> input();
  std::span<float> input(std::string_view name);

  /// Runs the graph once. Errors: Resource (not enough memory), Internal.
  void run();

  /// The outputs of the last run, in the graph's order. Valid until the next run, prepare or
  /// release.
  std::span<const float> output(std::size_t index = 0) const;
  std::span<const float> output(std::string_view name) const;
  std::vector<std::int64_t> output_shape(std::size_t index = 0) const;

  /// prepare + copy + run + copy, for small things.
  std::vector<Tensor> run_once(const Tensor& input);
  NamedTensors run_by_name(const NamedTensors& inputs);

  /// In the graph's order.
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;

  /// The shape as the graph states it, 0 where a side is free; an output whose number of sides the
  /// graph leaves open has none. Errors: Internal (no such input or output).
  std::vector<std::int64_t> stated_input_shape(std::string_view name) const;
  std::vector<std::int64_t> stated_output_shape(std::string_view name) const;

  /// Estimate of the bytes that running needs per pixel of the only input: the largest sum of
  /// values alive together, from a walk through the graph at (1,channels,side,side) in the
  /// precision in use. `side` must suit the graph. Errors: Bundle.
  double bytes_per_pixel(std::int64_t channels, std::int64_t side) const;

  /// The same estimate for given shapes of all inputs, in bytes.
  std::size_t work_bytes(std::span<const NamedShape> shapes) const;

  /// What running takes is at most this times work_bytes: in float32 some convolutions have work
  /// space of their own that the estimate does not know, in either precision products of matrices.
  double most_of_work_bytes() const;

  /// Bytes of the weights as they will lie in memory.
  std::size_t weight_bytes() const;

  /// What preparing adds beside work_bytes: the weights in the layout of the processor and, where
  /// the graph is not read yet, as it has them. While it prepares it takes weight_bytes more for a
  /// moment.
  std::size_t laid_out_bytes() const;

  /// What is used: F32 or Bf16.
  Precision precision() const;
  int threads() const;

  /// Puts what was prepared or found out anew into the cache, where there is one. Takes a moment:
  /// for when the result has been written. What fails is no error.
  void keep_prepared();

  /// Frees the prepared graph and its work memory; the next prepare builds it anew.
  void release();

 private:
  struct State;
  Engine(const EngineOptions& options, const std::string& origin);
  std::unique_ptr<State> state_;
};

}  // namespace chiaro::engine

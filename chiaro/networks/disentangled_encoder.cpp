#include "chiaro/networks/disentangled_encoder.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/nn/init.h"
#include "chiaro/nn/layers.h"
#include "chiaro/nn/residual_block.h"

namespace chiaro::networks {
namespace {

constexpr double kSlope = 0.01;                                // of the generator's leaky ReLU
constexpr std::array<std::int64_t, 4> kWidths = {1, 2, 4, 4};  // of the stages
constexpr std::array<std::int64_t, 5> kPainted = {128, 64, 64, 32, 16};  // channels, coarse to fine
constexpr std::int64_t kStart = 16;  // the generator starts at this part of the side

/// Instance norm with weights and shifts (N,C) of the sample's own.
at::Tensor adain(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& shift) {
  const auto wide = [](const at::Tensor& rows) { return rows.unsqueeze(2).unsqueeze(3); };
  return wide(weight) * nn::instance_norm(x) + wide(shift);
}

}  // namespace

struct ContentEncoder::Stages : torch::nn::Module {
  explicit Stages(std::int64_t width) {
    std::int64_t in = 3;
    for (std::size_t i = 0; i < kWidths.size(); ++i) {
      const std::int64_t out = width * kWidths[i];
      const std::string number = std::to_string(i);
      down.push_back(register_module("down" + number, nn::he_conv(in, out, i == 0 ? 5 : 3, 2)));
      block.push_back(register_module("block" + number, nn::ResidualBlock(out)));
      in = out;
    }
  }
  at::Tensor stage(std::size_t i, const at::Tensor& x) {
    const at::Tensor f = i == 0 ? x - 0.5 : x;
    return at::relu(block[i]->forward(at::relu(down[i]->forward(f))));
  }
  at::Tensor forward(const at::Tensor& pictures) {
    at::Tensor f = pictures;
    for (std::size_t i = 0; i < down.size(); ++i) f = stage(i, f);
    return f.to(at::kFloat).mean(at::IntArrayRef{2, 3});
  }
  std::vector<torch::nn::Conv2d> down;
  std::vector<nn::ResidualBlock> block;
};

ContentEncoder::ContentEncoder(std::int64_t width, std::int64_t hidden, std::int64_t dimension)
    : stages_(register_module("stages", std::make_shared<Stages>(width))),
      head_(register_module(
          "head", std::make_shared<CodeHead>(width * kWidths.back(), hidden, dimension))) {}

at::Tensor ContentEncoder::encode(const at::Tensor& pictures) {
  return head_->forward(stages_->forward(pictures));
}

std::vector<EncoderStage> ContentEncoder::stages() {
  std::vector<EncoderStage> list;
  for (std::size_t i = 0; i < kWidths.size(); ++i) {
    list.push_back({"stage" + std::to_string(i + 1),
                    [own = stages_, i](const at::Tensor& x) { return own->stage(i, x); }});
  }
  return list;
}

DisentangledEncoder::DisentangledEncoder(const Options& options) {
  layout_.dimension = options.content + options.degradation;
  layout_.view_px = options.view_px;
  layout_.whole_px = options.whole_px;
  layout_.parts = {{"content", options.content, CodeView::Whole},
                   {"degradation", options.degradation, CodeView::Native}};
  content_ = register_module(
      "content", std::make_shared<ContentEncoder>(options.width, options.hidden, options.content));
  degradation_ = register_module("degradation",
                                 std::make_shared<DegradationEncoder>(
                                     DegradationEncoder::Options{options.width,
                                                                 options.hidden,
                                                                 {.dimension = options.degradation,
                                                                  .view_px = options.view_px,
                                                                  .whole_px = options.whole_px}}));
}

at::Tensor DisentangledEncoder::encode(const at::Tensor& pictures) {
  return at::cat({content(pictures), degradation(pictures)}, 1) * std::sqrt(0.5);
}

std::vector<std::vector<EncoderStage>> DisentangledEncoder::stages() {
  std::vector<std::vector<EncoderStage>> both{content_->stages(), degradation_->stages().front()};
  for (std::size_t part = 0; part < both.size(); ++part) {
    for (EncoderStage& stage : both[part]) stage.name = layout_.parts[part].name + "." + stage.name;
  }
  return both;
}

struct CodeGenerator::Layers : torch::nn::Module {
  Layers(std::int64_t code, std::int64_t style, std::int64_t start_px) {
    first = register_module("first", torch::nn::Linear(code, 128));
    second =
        register_module("second", torch::nn::Linear(128, kPainted.front() * start_px * start_px));
    for (std::size_t i = 0; i + 1 < kPainted.size(); ++i) {
      const std::string number = std::to_string(i);
      paint.push_back(
          register_module("paint" + number, nn::he_conv(kPainted[i], kPainted[i + 1], 3)));
      modulate.push_back(
          register_module("modulate" + number, torch::nn::Linear(style, 2 * kPainted[i + 1])));
    }
    last = register_module("last", nn::he_conv(kPainted.back(), 3, 3));
  }
  torch::nn::Linear first{nullptr}, second{nullptr};
  std::vector<torch::nn::Conv2d> paint;
  std::vector<torch::nn::Linear> modulate;
  torch::nn::Conv2d last{nullptr};
};

CodeGenerator::CodeGenerator(std::int64_t code, std::int64_t style, std::int64_t side_px)
    : start_px_(side_px / kStart) {
  CHIARO_CHECK(side_px >= kStart && side_px % kStart == 0, Usage,
               "[networks.code_generator] pictures of {} px; expected a multiple of {}", side_px,
               kStart);
  layers_ = register_module("layers", std::make_shared<Layers>(code, style, start_px_));
}

at::Tensor CodeGenerator::forward(const at::Tensor& code, const at::Tensor& style) {
  const auto hidden = at::leaky_relu(layers_->first->forward(code), kSlope);
  at::Tensor x = at::leaky_relu(layers_->second->forward(hidden), kSlope)
                     .view({code.size(0), kPainted.front(), start_px_, start_px_});
  for (std::size_t i = 0; i < layers_->paint.size(); ++i) {
    x = at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
    x = at::leaky_relu(layers_->paint[i]->forward(x), kSlope);
    const auto modulation = layers_->modulate[i]->forward(style).chunk(2, 1);
    x = adain(x, modulation[0], modulation[1]);
  }
  return at::sigmoid(layers_->last->forward(x));
}

}  // namespace chiaro::networks

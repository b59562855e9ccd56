#include "chiaro/networks/encoder.h"

#include <ATen/ATen.h>

#include "chiaro/base/error.h"
#include "chiaro/networks/conditioner.h"
#include "chiaro/nn/layers.h"

namespace chiaro::networks {
namespace {

EncoderLayout check_layout(const EncoderLayout& layout) {
  CHIARO_CHECK(
      layout.view_px % kEncoderAlignmentPx == 0 && layout.whole_px % kEncoderAlignmentPx == 0,
      Usage,
      "[networks.encoder] an encoder sees squares with sides that are multiples of {}; got "
      "view_px = {}, whole_px = {}; expected such multiples",
      kEncoderAlignmentPx, layout.view_px, layout.whole_px);
  return layout;
}

}  // namespace

DegradationEncoder::DegradationEncoder(const Options& options)
    : layout_(check_layout(options.layout)),
      tower_(register_module("tower", std::make_shared<nn::StatisticsTower>(options.width))),
      head_(register_module(
          "head", std::make_shared<CodeHead>(nn::StatisticsTower::features(options.width),
                                             options.hidden, options.layout.dimension))) {}

at::Tensor DegradationEncoder::encode(const at::Tensor& pictures) {
  return head_->forward(tower_->forward(pictures));
}

std::vector<std::vector<EncoderStage>> DegradationEncoder::stages() {
  std::vector<EncoderStage> list;
  for (std::size_t i = 0; i < nn::StatisticsTower::kStages; ++i) {
    list.push_back({"stage" + std::to_string(i + 1),
                    [tower = tower_, i](const at::Tensor& x) { return tower->stage(i, x); }});
  }
  return {list};
}

namespace {

/// Mean over views of a part's units, (N,width).
at::Tensor native_part(const at::Tensor& codes, std::int64_t views, std::int64_t start,
                       std::int64_t width) {
  const auto units = nn::unit_rows(codes.narrow(1, start, width));
  return nn::unit_rows(units.view({-1, views, width}).mean(1));
}

}  // namespace

std::vector<CodePart> parts_of(const EncoderLayout& layout) {
  if (!layout.parts.empty()) return layout.parts;
  return {{"degradation", layout.dimension, CodeView::Native}};
}

at::Tensor encode_pictures(Encoder& encoder, const at::Tensor& pictures) {
  const EncoderLayout layout = encoder.layout();
  ConditionLayout seen;
  seen.view_px = layout.view_px;
  seen.max_views = layout.max_views;
  const auto views = cut_views(pictures, seen).native;  // (N,V,3,S,S)
  const std::int64_t count = views.size(1);
  at::Tensor native;
  at::Tensor whole;
  std::vector<at::Tensor> codes;
  std::int64_t start = 0;
  for (const auto& part : parts_of(layout)) {
    if (part.view == CodeView::Whole) {
      if (!whole.defined())
        whole =
            encoder.encode(at::adaptive_avg_pool2d(pictures, {layout.whole_px, layout.whole_px}));
      codes.push_back(nn::unit_rows(whole.narrow(1, start, part.width)));
    } else {
      if (!native.defined()) native = encoder.encode(views.flatten(0, 1));
      codes.push_back(native_part(native, count, start, part.width));
    }
    start += part.width;
  }
  return at::cat(codes, 1);
}

}  // namespace chiaro::networks

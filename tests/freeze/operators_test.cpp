// Every entry of the operator table: libtorch and the frozen graph agree at sizes the trace never
// saw.
#include "chiaro/freeze/operators.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/upsampling.h>
#include <torch/nn/modules/normalization.h>

#include <set>

#include "chiaro/freeze/trace.h"
#include "tests/support/expect_error.h"
#include "tests/support/onnx_graph.h"

namespace chiaro::freeze::operators_test {
namespace {

namespace F = torch::nn::functional;
using at::Tensor;
using Slice = at::indexing::Slice;

constexpr std::int64_t kChannels = 4;
constexpr std::int64_t kAlignment = 4;
constexpr std::array<std::int64_t, 1> kOne = {1};

// Weights of every shape the cases below need.
struct Parts : torch::nn::Module {
  Parts() {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(11);
    const auto make = [&](const char* name, std::vector<std::int64_t> shape, double low,
                          double high) {
      return register_parameter(name, at::rand(shape, generator) * (high - low) + low);
    };
    conv = make("conv", {6, 4, 3, 3}, -0.3, 0.3);
    grouped = make("grouped", {4, 1, 3, 3}, -0.3, 0.3);
    up = make("up", {4, 5, 2, 2}, -0.3, 0.3);
    strip = make("strip", {4, 4, 3}, -0.3, 0.3);
    bias = make("bias", {6}, -0.3, 0.3);
    square = make("square", {4, 4}, -0.5, 0.5);
    channel = make("channel", {4}, 0.5, 1.5);
    offset = make("offset", {4}, -0.5, 0.5);
    positive = register_buffer("positive", at::rand({4}, generator) + 0.5);
    places = register_buffer("places", at::tensor({2, 0, 3, 2, 1}, at::kLong));
    layer = register_module("layer", torch::nn::LayerNorm(torch::nn::LayerNormOptions({4})));
  }
  Tensor conv, grouped, up, strip, bias, square, channel, offset, positive, places;
  torch::nn::LayerNorm layer{nullptr};
};

struct Case {
  const char* op;  // the table's key that the case must reach
  Tensor (*forward)(Parts&, const Tensor&);
};

Tensor tokens(const Tensor& x) {
  return x.flatten(2).transpose(1, 2);
}  // (N,C,H,W) → (N,H·W,C)

const Case kCases[] = {
    {"relu", [](Parts&, const Tensor& x) { return at::relu(x - 0.5); }},
    {"relu", [](Parts&, const Tensor& x) { return (x - 0.5).relu_(); }},
    {"sigmoid", [](Parts&, const Tensor& x) { return at::sigmoid(x); }},
    {"tanh", [](Parts&, const Tensor& x) { return at::tanh(x); }},
    {"exp", [](Parts&, const Tensor& x) { return at::exp(x); }},
    {"log", [](Parts&, const Tensor& x) { return at::log(x + 1); }},
    {"sqrt", [](Parts&, const Tensor& x) { return at::sqrt(x + 0.1); }},
    {"rsqrt", [](Parts&, const Tensor& x) { return at::rsqrt(x + 0.1); }},
    {"reciprocal", [](Parts&, const Tensor& x) { return at::reciprocal(x + 1); }},
    {"neg", [](Parts&, const Tensor& x) { return -x; }},
    {"abs", [](Parts&, const Tensor& x) { return at::abs(x - 0.5); }},
    {"square", [](Parts&, const Tensor& x) { return at::square(x); }},
    {"erf", [](Parts&, const Tensor& x) { return at::erf(x); }},
    {"sin", [](Parts&, const Tensor& x) { return at::sin(x); }},
    {"cos", [](Parts&, const Tensor& x) { return at::cos(x); }},
    {"floor", [](Parts&, const Tensor& x) { return at::floor(x * 7); }},
    {"ceil", [](Parts&, const Tensor& x) { return at::ceil(x * 7); }},
    {"silu", [](Parts&, const Tensor& x) { return at::silu(x - 0.5); }},
    {"mish", [](Parts&, const Tensor& x) { return at::mish(x - 0.5); }},
    {"hardswish", [](Parts&, const Tensor& x) { return at::hardswish(x * 8 - 4); }},
    {"hardsigmoid", [](Parts&, const Tensor& x) { return at::hardsigmoid(x * 8 - 4); }},
    {"leaky_relu", [](Parts&, const Tensor& x) { return at::leaky_relu(x - 0.5, 0.2); }},
    {"gelu", [](Parts&, const Tensor& x) { return at::gelu(x * 4 - 2); }},
    {"gelu", [](Parts&, const Tensor& x) { return at::gelu(x * 4 - 2, "tanh"); }},
    {"softplus", [](Parts&, const Tensor& x) { return at::softplus(x - 0.5); }},
    {"elu", [](Parts&, const Tensor& x) { return at::elu(x - 0.5, 0.7); }},
    {"prelu", [](Parts& p, const Tensor& x) { return at::prelu(x - 0.5, p.channel); }},
    {"add", [](Parts&, const Tensor& x) { return x + at::sigmoid(x) + 2; }},
    {"add", [](Parts&, const Tensor& x) { return at::add(x, at::tanh(x), 3); }},
    {"add", [](Parts&, const Tensor& x) { return at::tanh(x).add_(x); }},
    {"sub", [](Parts&, const Tensor& x) { return at::sub(x, at::tanh(x), 0.5) - 1.5; }},
    {"rsub", [](Parts&, const Tensor& x) { return at::rsub(x, 1); }},
    {"mul", [](Parts& p, const Tensor& x) { return x * p.channel.view({1, -1, 1, 1}) * 3; }},
    {"mul", [](Parts&, const Tensor& x) { return x * (1.0 / static_cast<double>(kChannels)) * x; }},
    {"div", [](Parts&, const Tensor& x) { return x / (x + 1) / 7; }},
    {"div", [](Parts&, const Tensor& x) { return at::div(x * 9, 2, "floor"); }},
    {"div", [](Parts&, const Tensor& x) { return x / x.size(3); }},
    {"pow", [](Parts&, const Tensor& x) { return at::pow(x, 2) + at::pow(x + 0.1, 0.5) + at::pow(x + 0.1, 1.7); }},
    {"maximum", [](Parts&, const Tensor& x) { return at::maximum(x, at::sin(x * 9)); }},
    {"minimum", [](Parts&, const Tensor& x) { return at::minimum(x, at::sin(x * 9)); }},
    {"addcmul", [](Parts&, const Tensor& x) { return at::addcmul(x, at::sin(x), at::cos(x)); }},
    {"lerp", [](Parts&, const Tensor& x) { return at::lerp(x, at::sin(x), 0.3); }},
    {"clamp", [](Parts&, const Tensor& x) { return at::clamp(x, 0.2, 0.7) + at::clamp(x, {}, 0.5); }},
    {"hardtanh", [](Parts&, const Tensor& x) { return at::hardtanh(x * 4 - 2, -1, 0.5); }},
    {"relu6", [](Parts&, const Tensor& x) { return at::relu6(x * 20 - 10); }},
    {"clamp_min", [](Parts&, const Tensor& x) { return at::clamp_min(x, 0.4); }},
    {"clamp_max", [](Parts&, const Tensor& x) { return at::clamp_max(x, 0.4); }},
    {"contiguous", [](Parts&, const Tensor& x) { return x.transpose(2, 3).contiguous() * 2; }},
    {"clone", [](Parts&, const Tensor& x) { return x.clone().mul_(2); }},
    {"detach", [](Parts&, const Tensor& x) { return x.detach() * 2; }},
    {"alias", [](Parts&, const Tensor& x) { return at::alias(x) * 2; }},
    {"dropout", [](Parts&, const Tensor& x) { return at::dropout(x, 0.5, false) * 2; }},
    {"feature_dropout", [](Parts&, const Tensor& x) { return at::feature_dropout(x, 0.5, false) * 2; }},
    {"alpha_dropout", [](Parts&, const Tensor& x) { return at::alpha_dropout(x, 0.5, false) * 2; }},
    {"type_as", [](Parts&, const Tensor& x) { return x.type_as(at::sin(x)) * 2; }},
    {"to", [](Parts&, const Tensor& x) { return at::sin(x).to(at::kFloat) * 2; }},

    {"_convolution", [](Parts& p, const Tensor& x) { return at::conv2d(x, p.conv, p.bias, 1, 1); }},
    {"_convolution", [](Parts& p, const Tensor& x) { return at::conv2d(x, p.conv, {}, 2, at::IntArrayRef({1, 2})); }},
    {"_convolution", [](Parts& p, const Tensor& x) { return at::conv2d(x, p.grouped, {}, 1, 2, 2, 4); }},
    {"_convolution", [](Parts& p, const Tensor& x) { return at::conv_transpose2d(x, p.up, {}, 2); }},
    {"_convolution", [](Parts& p, const Tensor& x) { return at::conv1d(x.flatten(2), p.strip, {}, 1, 1); }},
    {"max_pool2d", [](Parts&, const Tensor& x) { return at::max_pool2d(x, 2); }},
    {"max_pool2d", [](Parts&, const Tensor& x) { return at::max_pool2d(x, 3, 2, 1); }},
    {"avg_pool2d", [](Parts&, const Tensor& x) { return at::avg_pool2d(x, 2); }},
    {"avg_pool2d", [](Parts&, const Tensor& x) { return at::avg_pool2d(x, 3, 1, 1, false, false); }},
    {"adaptive_avg_pool2d", [](Parts&, const Tensor& x) { return x * at::adaptive_avg_pool2d(x, {1, 1}); }},
    {"upsample_nearest2d",
     [](Parts&, const Tensor& x) {
       return F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
     }},
    {"upsample_nearest2d",
     [](Parts&, const Tensor& x) { return at::upsample_nearest2d(at::avg_pool2d(x, 4), {x.size(2), x.size(3)}); }},
    {"upsample_nearest2d", [](Parts&, const Tensor& x) { return at::upsample_nearest2d(x, {x.size(3), x.size(2)}); }},
    {"upsample_bilinear2d",
     [](Parts&, const Tensor& x) { return at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, false); }},
    {"upsample_bilinear2d",
     [](Parts&, const Tensor& x) { return at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, true); }},
    {"upsample_bilinear2d",
     [](Parts&, const Tensor& x) { return at::upsample_bilinear2d(x, {x.size(2) / 4, x.size(3) / 4}, false); }},
    {"upsample_bicubic2d",
     [](Parts&, const Tensor& x) { return at::upsample_bicubic2d(x, {2 * x.size(2), 2 * x.size(3)}, false); }},
    {"batch_norm",
     [](Parts& p, const Tensor& x) {
       return at::batch_norm(x, p.channel, p.offset, p.offset, p.positive, false, 0.1, 1e-3, false);
     }},
    {"batch_norm",
     [](Parts& p, const Tensor& x) {
       return at::batch_norm(x, {}, {}, p.offset, p.positive, false, 0.1, 1e-3, false);
     }},
    {"layer_norm", [](Parts& p, const Tensor& x) { return p.layer->forward(x.permute({0, 2, 3, 1})); }},
    {"layer_norm", [](Parts&, const Tensor& x) { return at::layer_norm(tokens(x), {kChannels}); }},
    {"native_layer_norm",
     [](Parts& p, const Tensor& x) {
       return std::get<0>(at::native_layer_norm(tokens(x), {kChannels}, p.channel, p.offset, 1e-5));
     }},
    {"group_norm", [](Parts& p, const Tensor& x) { return at::group_norm(x, 2, p.channel, p.offset, 1e-4); }},
    {"group_norm", [](Parts&, const Tensor& x) { return at::group_norm(x, 1); }},
    {"instance_norm",
     [](Parts& p, const Tensor& x) {
       return at::instance_norm(x, p.channel, p.offset, {}, {}, true, 0.1, 1e-4, false);
     }},
    {"pixel_shuffle", [](Parts&, const Tensor& x) { return at::pixel_shuffle(x, 2); }},
    {"pixel_unshuffle", [](Parts&, const Tensor& x) { return at::pixel_unshuffle(x, 2); }},

    {"matmul", [](Parts&, const Tensor& x) { return at::matmul(x, x.transpose(2, 3)); }},
    {"mm", [](Parts& p, const Tensor& x) { return at::mm(x.mean({2, 3}), p.square); }},
    {"bmm", [](Parts&, const Tensor& x) { return at::bmm(x.flatten(2), tokens(x)); }},
    {"linear", [](Parts& p, const Tensor& x) { return at::linear(tokens(x), p.square, p.offset); }},
    {"linear", [](Parts& p, const Tensor& x) { return at::linear(tokens(x), p.square); }},
    {"addmm", [](Parts& p, const Tensor& x) { return at::addmm(p.offset, x.mean({2, 3}), p.square.t()); }},
    {"baddbmm",
     [](Parts&, const Tensor& x) { return at::baddbmm(x.flatten(2).mean(2, true), x.flatten(2), tokens(x)); }},
    {"scaled_dot_product_attention",
     [](Parts&, const Tensor& x) {
       const Tensor q = tokens(x).unsqueeze(1);
       return at::scaled_dot_product_attention(q, q * 2, q * 3);
     }},
    {"softmax", [](Parts&, const Tensor& x) { return at::softmax(x * 5, 1); }},
    {"_softmax", [](Parts&, const Tensor& x) { return at::_softmax(x * 5, -1, false); }},
    {"log_softmax", [](Parts&, const Tensor& x) { return at::log_softmax(x * 5, 1); }},
    {"einsum", [](Parts& p, const Tensor& x) { return at::einsum("nchw,cd->ndhw", {x, p.square}); }},
    {"mean", [](Parts&, const Tensor& x) { return x - x.mean(1, true) + x.mean({-2, -1}, true); }},
    {"mean", [](Parts&, const Tensor& x) { return x - x.mean(); }},
    {"sum", [](Parts&, const Tensor& x) { return x * x.sum(1, true) + x.sum({2}, false).mean(); }},
    {"amax", [](Parts&, const Tensor& x) { return x - at::amax(x, {1}, true); }},
    {"amin", [](Parts&, const Tensor& x) { return x - at::amin(x, {1}, true); }},
    {"var", [](Parts&, const Tensor& x) { return x * at::var(x, {1}, false, true) + at::var(x, {1}, true, true); }},
    {"std", [](Parts&, const Tensor& x) { return x * at::std(x, {1}, false, true); }},
    {"var_mean",
     [](Parts&, const Tensor& x) {
       const auto [variance, mean] = at::var_mean(x, {1}, false, true);
       return (x - mean) / at::sqrt(variance + 1e-5);
     }},
    {"norm", [](Parts&, const Tensor& x) { return x / at::norm(x, 2, {1}, true); }},
    {"linalg_vector_norm", [](Parts&, const Tensor& x) { return x / at::linalg_vector_norm(x, 1, at::IntArrayRef(kOne), true); }},

    {"view", [](Parts&, const Tensor& x) { return x.view({x.size(0), 2, 2, x.size(2), x.size(3)}).sum(1); }},
    {"reshape",  // windows of 4×4, as transformers do
     [](Parts&, const Tensor& x) {
       const auto n = x.size(0), h = x.size(2), w = x.size(3);
       const Tensor windows = x.reshape({n, 4, h / 4, 4, w / 4, 4}).permute({0, 2, 4, 3, 5, 1}).reshape({-1, 16, 4});
       const Tensor mixed = at::softmax(windows.matmul(windows.transpose(1, 2)), -1).matmul(windows);
       return mixed.reshape({n, h / 4, w / 4, 4, 4, 4}).permute({0, 5, 1, 3, 2, 4}).reshape({n, 4, h, w});
     }},
    {"view_as", [](Parts&, const Tensor& x) { return x.flatten(2).view_as(x) * 2; }},
    {"reshape_as", [](Parts&, const Tensor& x) { return x.flatten(2).reshape_as(x) * 2; }},
    {"_unsafe_view",
     [](Parts&, const Tensor& x) { return at::_unsafe_view(x, {x.size(0), 4, x.size(2) * x.size(3)}) * 2; }},
    {"_reshape_alias",
     [](Parts&, const Tensor& x) {
       const auto pixels = x.size(2) * x.size(3);
       return at::_reshape_alias(x, {x.size(0), 4, pixels}, {4 * pixels, pixels, 1}) * 2;
     }},
    {"flatten", [](Parts&, const Tensor& x) { return x.flatten(1, 2) * 2; }},
    {"unflatten", [](Parts&, const Tensor& x) { return x.unflatten(1, {2, 2}) * 2; }},
    {"squeeze", [](Parts&, const Tensor& x) { return x.mean(1, true).squeeze(1) * 2; }},
    {"expand", [](Parts&, const Tensor& x) { return x.mean(1, true).expand({-1, 6, -1, -1}) * 2; }},
    {"expand_as", [](Parts&, const Tensor& x) { return x.mean(1, true).expand_as(x) * 2; }},
    {"repeat", [](Parts&, const Tensor& x) { return x.repeat({2, 1, 1, 3, 1}); }},
    {"zeros", [](Parts&, const Tensor& x) { return x + at::zeros({x.size(2), 1}, x.options()); }},
    {"unsqueeze", [](Parts&, const Tensor& x) { return x.unsqueeze(-1) * x.unsqueeze(1).mean(1).unsqueeze(4); }},
    {"permute", [](Parts&, const Tensor& x) { return x.permute({0, -2, -1, 1}) * 2; }},
    {"transpose", [](Parts&, const Tensor& x) { return x.transpose(-1, 1) * 2; }},
    {"t", [](Parts& p, const Tensor& x) { return x.mean({2, 3}).matmul(p.square.t()); }},
    {"slice", [](Parts&, const Tensor& x) { return at::slice(x, 3, 1) + at::slice(x, -1, 0, -1); }},
    {"slice", [](Parts&, const Tensor& x) { return x.index({Slice(), Slice(), Slice({}, {}, 2)}) * 2; }},
    {"slice", [](Parts&, const Tensor& x) { return at::slice(x, 2, x.size(2) / 4, x.size(2) / 2) * 2; }},
    {"narrow", [](Parts&, const Tensor& x) { return x.narrow(3, x.size(3) / 4, x.size(3) / 2) * 2; }},
    {"select", [](Parts&, const Tensor& x) { return x.select(1, -1) * x.select(1, 2); }},
    {"index_select", [](Parts& p, const Tensor& x) { return at::index_select(x, -3, p.places) * 2; }},
    {"chunk",
     [](Parts&, const Tensor& x) {
       const auto parts = x.chunk(2, 1);
       return parts[0] * parts[1];
     }},
    {"unsafe_chunk", [](Parts&, const Tensor& x) { return at::unsafe_chunk(x, 2, 1)[1] * 2; }},
    {"split", [](Parts&, const Tensor& x) { return at::split(x, 3, 1)[1] * 2; }},
    {"split", [](Parts&, const Tensor& x) { return at::split(x, x.size(2) / 2, 2)[1] * 2; }},
    {"unsafe_split", [](Parts&, const Tensor& x) { return at::unsafe_split(x, 3, 1)[1] * 2; }},
    {"split_with_sizes", [](Parts&, const Tensor& x) { return at::split_with_sizes(x, {1, 3}, 1)[1] * 2; }},
    {"unsafe_split_with_sizes",
     [](Parts&, const Tensor& x) { return at::unsafe_split_with_sizes(x, {1, 3}, 1)[1] * 2; }},
    {"tensor_split", [](Parts&, const Tensor& x) { return at::tensor_split(x, 3, 1)[0] * 2; }},
    {"unbind", [](Parts&, const Tensor& x) { return x.unbind(1)[3] * x.unbind(1)[0]; }},
    {"cat", [](Parts&, const Tensor& x) { return at::cat({x, at::sin(x)}, -1); }},
    {"stack", [](Parts&, const Tensor& x) { return at::stack({x, at::sin(x)}, -1); }},
    {"roll", [](Parts&, const Tensor& x) { return at::roll(x, {2, -3}, {2, -1}); }},
    {"constant_pad_nd", [](Parts&, const Tensor& x) { return at::constant_pad_nd(x, {1, 2, 3, 4}, 0.5); }},
    {"reflection_pad2d", [](Parts&, const Tensor& x) { return at::reflection_pad2d(x, {1, 2, 3, 2}); }},
    {"replication_pad2d", [](Parts&, const Tensor& x) { return at::replication_pad2d(x, {1, 2, 3, 4}); }},
    {"pad", [](Parts&, const Tensor& x) { return at::pad(x, {1, 2, 3, 2}, "reflect"); }},
    {"pad", [](Parts&, const Tensor& x) { return at::pad(x, {1, 2}, "constant", 0.25); }},
    {"pad", [](Parts&, const Tensor& x) { return at::pad(x, {1, 2, 3, 2}, "replicate"); }},
};

class Operators : public ::testing::TestWithParam<Case> {};

TEST_P(Operators, FrozenEqualsLibtorch) {
  const at::NoGradGuard no_grad;
  const Case& item = GetParam();
  Parts parts;
  const auto forward = [&](const Tensor& x) { return item.forward(parts, x); };
  const TracedGraph graph = trace(parts, forward, kChannels, kAlignment);
  const auto used = std::find_if(
      graph.nodes.begin(), graph.nodes.end(),
      [&](const TracedNode& node) { return node.op == std::string("aten::") + item.op; });
  ASSERT_NE(used, graph.nodes.end()) << "the case does not reach its operator";
  test::OnnxGraph frozen(serialize_onnx(to_onnx(graph)));
  auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  for (const auto& [n, h, w] : {std::array{1, 8, 12}, {2, 20, 8}, {1, 36, 28}}) {
    const Tensor x = at::rand({n, kChannels, h, w}, generator);
    const Tensor expected = forward(x);
    const Tensor got = frozen.run(x);
    ASSERT_EQ(got.sizes(), expected.sizes());
    const double scale = std::max(1.0, expected.abs().max().item<double>());
    EXPECT_LT((got - expected).abs().max().item<double>(), 2e-5 * scale)
        << n << "×" << h << "×" << w;
  }
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = std::to_string(info.index) + "_" + info.param.op;
  name.erase(
      std::unique(name.begin(), name.end(), [](char a, char b) { return a == '_' && b == '_'; }),
      name.end());
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, Operators, ::testing::ValuesIn(kCases), case_name);

TEST(OperatorTable, EveryEntryHasACase) {
  std::set<std::string> tried;
  for (const Case& item : kCases) tried.insert(item.op);
  // Only inside other libraries' traces; they do nothing.
  tried.insert({"lift_fresh", "resolve_conj"});
  for (const auto& [op, emit] : operator_table()) EXPECT_TRUE(tried.contains(op)) << op;
}

TEST(OperatorTable, AnUnknownOperatorIsNamedWithItsPlace) {
  Parts parts;
  const at::NoGradGuard no_grad;
  const auto forward = [&](const Tensor& x) {
    return at::cumsum(parts.layer->forward(x.permute({0, 2, 3, 1})), 1);
  };
  const TracedGraph graph = trace(parts, forward, kChannels, kAlignment);
  EXPECT_CHIARO_ERROR(to_onnx(graph), Usage, "aten::cumsum near module 'layer'");
}

TEST(OperatorTable, AnOptionWithoutOnnxFormIsNamed) {
  Parts parts;
  const auto forward = [](const Tensor& x) { return at::softplus(x, 2); };
  const TracedGraph graph = trace(parts, forward, kChannels, kAlignment);
  EXPECT_CHIARO_ERROR(to_onnx(graph), Usage, "beta = 1");
}

}  // namespace
}  // namespace chiaro::freeze::operators_test

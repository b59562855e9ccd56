// mmf_unet: a U-Net that is told what is wrong with the picture.
//
// The condition (probabilities p of K kinds of damage, severities s, embeddings e_d of the damage
// and e_c of the content) becomes a few tokens and one vector; every stage of the U-Net is scaled
// and shifted by the vector, and the coarsest two look up the tokens:
//
//   P = Σ_k p_k·B_k      (prompt tokens, a bank B of N_p per kind)
//   t = LN( [P ; W_d e_d ; W_c e_c ; W_s (s ⊙ p)] + type embedding )
//   g = GELU( W_g [P ; W_d e_d ; W_c e_c ; W_s (s ⊙ p)] )
//   F ← F ⊙ (1 + a(g)) + b(g)      before the blocks of every stage
//   F ← F + CrossAttention(F, t)   before the middle and the first stage of the decoder
//
// a, b and the last map of the attention start at zero: a new network computes what the plain U-Net
// with its weights computes, whatever the condition. A code of zeros means that nothing is known.
//
// Reference: after L. Chen et al., "Multi-modal degradation feature learning for unified image
// restoration based on contrastive learning", Neurocomputing 2024,
// doi 10.1016/j.neucom.2024.128955, whose layers are not public: which stages, how many tokens and
// the form of the maps are choices. FiLM: Perez et al. 2018, arXiv:1709.07871.
#include <ATen/ATen.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <memory>

#include "chiaro/networks/u_net.h"
#include "chiaro/nn/naf_block.h"
#include "chiaro/nn/residual_block.h"
#include "chiaro/nn/token_attention.h"

namespace chiaro::networks {
namespace {

struct MmfUnetOptions : UNetOptions {
  std::string block = "resconv";
  std::int64_t types = 8;
  std::int64_t embedding = 128;
  std::int64_t prompts = 4;
  std::int64_t token_width = 64;
  std::int64_t heads = 4;
  std::int64_t vector_width = 96;
  std::string wiring = "both";

  static Fields<MmfUnetOptions> fields() {
    using T = MmfUnetOptions;
    Fields<T> all = {
        field("block", &T::block, "resconv: two 3×3 convolutions; naf: the block of NAFNet",
              {.choices = {"resconv", "naf"}}),
        field("types", &T::types, "kinds of damage the condition names", {.min = 2, .max = 256}),
        field("embedding", &T::embedding,
              "width of the embeddings of damage and content together, even",
              {.min = 2, .max = 4096}),
        field("prompts", &T::prompts, "prompt tokens drawn from the bank", {.min = 1, .max = 64}),
        field("token_width", &T::token_width, "width of a token", {.min = 4, .max = 1024}),
        field("heads", &T::heads, "of the cross-attention", {.min = 1, .max = 64}),
        field("vector_width", &T::vector_width, "width of the vector that scales and shifts",
              {.min = 1, .max = 1024}),
        field("wiring", &T::wiring, "how the condition acts; none: not at all, for comparison",
              {.choices = {"both", "film", "tokens", "none"}}),
    };
    for (const auto& shape : UNetOptions::fields()) {
      all.push_back({shape.name, shape.help, shape.limits,
                     [shape](const T& options) { return shape.get(options); },
                     [shape](T& options, const OptionValue& value, const std::string& where) {
                       shape.set(options, value, where);
                     }});
    }
    return all;
  }
};

torch::nn::Linear linear(std::int64_t in, std::int64_t out, bool bias) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias));
}

/// Tokens and vector from the code of a condition.
class Prompt : public torch::nn::Module {
 public:
  struct Result {
    at::Tensor tokens;  // (N,M,token_width)
    at::Tensor vector;  // (N,vector_width)
  };

  explicit Prompt(const MmfUnetOptions& o)
      : types_(o.types),
        half_(o.embedding / 2),
        prompts_(o.prompts),
        width_(o.token_width),
        bank_(register_module("bank", linear(o.types, o.prompts * o.token_width, false))),
        damage_(register_module("damage", linear(half_, o.token_width, false))),
        content_(register_module("content", linear(half_, o.token_width, false))),
        severity_(register_module("severity", linear(o.types, o.token_width, false))),
        type_embedding_(
            register_parameter("type_embedding", at::randn({o.prompts + 3, o.token_width}) * 0.5)),
        norm_(register_module("norm",
                              torch::nn::LayerNorm(torch::nn::LayerNormOptions({o.token_width})))),
        vector_(register_module("vector",
                                linear((o.prompts + 3) * o.token_width, o.vector_width, true))) {}

  Result forward(const at::Tensor& code) {
    const auto rows = code.size(0);
    const auto probability = code.narrow(1, 0, types_);
    const auto severity = code.narrow(1, types_, types_);
    const auto damage = code.narrow(1, 2 * types_, half_);
    const auto content = code.narrow(1, 2 * types_ + half_, half_);
    const auto one = [&](const at::Tensor& token) { return token.view({rows, 1, width_}); };
    const auto raw = at::cat(
        {bank_->forward(probability).view({rows, prompts_, width_}), one(damage_->forward(damage)),
         one(content_->forward(content)), one(severity_->forward(severity * probability))},
        1);
    return {norm_->forward(raw + type_embedding_),
            at::gelu(vector_->forward(raw.reshape({rows, (prompts_ + 3) * width_})))};
  }

 private:
  std::int64_t types_, half_, prompts_, width_;
  torch::nn::Linear bank_, damage_, content_, severity_;
  at::Tensor type_embedding_;  // (M,token_width)
  torch::nn::LayerNorm norm_;
  torch::nn::Linear vector_;
};

template <typename Block, std::int64_t kConvs, bool kGlobal>
class MmfUnet : public UNet<Block, kConvs> {
 public:
  explicit MmfUnet(const MmfUnetOptions& options)
      : UNet<Block, kConvs>(options), width_(2 * options.types + options.embedding) {
    if (options.wiring == "none") return;
    prompt_ = this->register_module("prompt", std::make_shared<Prompt>(options));
    const auto channels = this->stage_channels();
    const std::size_t middle = channels.size() / 2;
    for (std::size_t i = 0; i < channels.size(); ++i) {
      torch::nn::Linear film{nullptr};
      if (options.wiring != "tokens") {
        film = this->register_module("film" + std::to_string(i),
                                     linear(options.vector_width, 2 * channels[i], true));
        const at::NoGradGuard no_grad;
        film->weight.zero_();
        film->bias.zero_();
      }
      film_.push_back(film);
      nn::TokenAttention attention{nullptr};
      if (options.wiring != "film" && (i == middle || i == middle + 1)) {
        attention = this->register_module(
            "attention" + std::to_string(i),
            nn::TokenAttention(channels[i], options.token_width, options.heads));
      }
      attention_.push_back(attention);
    }
  }

  at::Tensor forward(const at::Tensor& x, const Condition& condition = {}) override {
    if (prompt_ == nullptr) return UNet<Block, kConvs>::forward(x, condition);
    const at::Tensor code =
        condition.code.defined() ? condition.code : at::zeros({1, width_}, x.options());
    CHIARO_CHECK(code.dim() == 2 && code.size(1) == width_, Internal,
                 "[networks.mmf_unet] a condition of width {}; expected {}", code.size(1), width_);
    const Prompt::Result told = prompt_->forward(code);
    return this->run(x, [&](std::size_t stage, const at::Tensor& features) {
      at::Tensor entering = features;
      if (!film_[stage].is_empty()) entering = modulated(entering, film_[stage], told.vector);
      if (!attention_[stage].is_empty())
        entering = attention_[stage]->forward(entering, told.tokens);
      return entering;
    });
  }

  std::int64_t condition_width() const override { return width_; }

  Geometry geometry() const override {
    Geometry geometry = UNet<Block, kConvs>::geometry();
    geometry.global_statistics = kGlobal;
    return geometry;
  }

 private:
  /// a(g) and b(g) are two convolutions of one pixel: of two values with one reader each, in the
  /// layout of the features, a runtime makes a single pass that writes over the features.
  static at::Tensor modulated(const at::Tensor& features, torch::nn::Linear& film,
                              const at::Tensor& vector) {
    const auto pixel = [](const at::Tensor& rows) { return rows.unsqueeze(2).unsqueeze(3); };
    const auto weights = film->weight.chunk(2);
    const auto biases = film->bias.chunk(2);
    const auto a = at::conv2d(pixel(vector), pixel(weights[0]), biases[0]);
    const auto b = at::conv2d(pixel(vector), pixel(weights[1]), biases[1]);
    return features * (1 + a) + b;
  }

  std::int64_t width_;
  std::shared_ptr<Prompt> prompt_;
  std::vector<torch::nn::Linear> film_;        // by stage; empty: none
  std::vector<nn::TokenAttention> attention_;  // by stage; empty: none
};

std::shared_ptr<Network> make_mmf_unet(const OptionTable& table) {
  const auto options = parse_options<MmfUnetOptions>(table, "mmf_unet");
  check_u_net(options, "mmf_unet");
  CHIARO_CHECK(
      options.embedding % 2 == 0, Usage,
      "[networks.mmf_unet] embedding holds two equal halves; got {}; expected an even number",
      options.embedding);
  if (options.block == "naf") return std::make_shared<MmfUnet<nn::NafBlock, 1, true>>(options);
  return std::make_shared<MmfUnet<nn::ResidualBlock, 2, false>>(options);
}

}  // namespace

Entry mmf_unet() {
  return {.name = {},
          .summary = "plain residual U-Net that is told what is wrong with the picture",
          .reference = "after Chen et al. 2024, https://doi.org/10.1016/j.neucom.2024.128955",
          .options = describe_options<MmfUnetOptions>(),
          .make = make_mmf_unet};
}

}  // namespace chiaro::networks

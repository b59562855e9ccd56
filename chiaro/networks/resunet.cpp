// resunet: a plain residual U-Net, the default for processors.
//
// Dense 3×3 convolutions, ReLU, sums: nothing else, because on a processor those run near the
// arithmetic limit and everything else (norms, gates, depthwise kernels, global pooling) waits for
// memory. u_net.h shows the shape.
//
// Reference: K. Zhang, Y. Li, W. Zuo, L. Zhang, L. Van Gool, R. Timofte, "Plug-and-Play Image
// Restoration with Deep Denoiser Prior", 2021, arXiv:2008.13751 (shape); Ronneberger et al. 2015,
// arXiv:1505.04597 (U-Net).
#include <memory>

#include "chiaro/networks/u_net.h"
#include "chiaro/nn/residual_block.h"

namespace chiaro::networks {

Entry resunet() {
  return {
      .name = {},
      .summary = "plain residual U-Net: dense 3×3 convolutions only, the default for processors",
      .reference = "shape after Zhang et al. 2021, https://arxiv.org/abs/2008.13751",
      .options = describe_options<UNetOptions>(),
      .make = [](const OptionTable& table) -> std::shared_ptr<Network> {
        const auto options = parse_options<UNetOptions>(table, "resunet");
        check_u_net(options, "resunet");
        return std::make_shared<UNet<nn::ResidualBlock, 2>>(options);
      }};
}

}  // namespace chiaro::networks

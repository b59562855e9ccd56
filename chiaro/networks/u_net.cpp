#include "chiaro/networks/u_net.h"

namespace chiaro::networks {

Fields<UNetOptions> UNetOptions::fields() {
  return {
      field("channels", &UNetOptions::channels,
            "channels of each level, finest first; every further level halves the sides",
            {.min = 1, .max = 1024}),
      field("encoder_blocks", &UNetOptions::encoder_blocks,
            "blocks on the way down, one number for each level but the last",
            {.min = 0, .max = 64}),
      field("middle_blocks", &UNetOptions::middle_blocks, "blocks of the last, coarsest level",
            {.min = 0, .max = 64}),
      field("decoder_blocks", &UNetOptions::decoder_blocks,
            "blocks on the way up, one number for each level but the last", {.min = 0, .max = 64}),
  };
}

void check_u_net(const UNetOptions& options, const std::string& network) {
  CHIARO_CHECK(!options.channels.empty() && options.channels.size() <= 9, Usage,
               "[networks.{}] channels needs one number for each level; got {}; expected 1 to 9",
               network, options.channels.size());
  const std::size_t levels = options.channels.size() - 1;
  const auto check_blocks = [&](const char* name, const std::vector<std::int64_t>& blocks) {
    CHIARO_CHECK(blocks.size() == levels, Usage,
                 "[networks.{}] {} needs one number for each level but the coarsest; got {}; "
                 "expected {}",
                 network, name, blocks.size(), levels);
  };
  check_blocks("encoder_blocks", options.encoder_blocks);
  check_blocks("decoder_blocks", options.decoder_blocks);
}

}  // namespace chiaro::networks

// From a trained network to a bundle, and back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chiaro/bundle/bundle.h"
#include "chiaro/bundle/manifest.h"
#include "chiaro/networks/conditioner.h"
#include "chiaro/networks/encoder.h"
#include "chiaro/networks/network.h"

namespace chiaro::freeze {

/// Makes the members restore.onnx, selftest.safetensors and card.md of a trained restorer.
/// `manifest` comes with what only the caller knows (name, summary, license, labels, network and
/// its options, method, recipe, training data, scores, precision); colour, range, geometry,
/// parameters, multiplications and program version are filled in here. `notes` is Markdown that
/// ends the card (limits, what next). With a `conditioner` the bundle also has condition.onnx, and
/// of the manifest's condition only the novelty threshold is the caller's. `half_weights` halves
/// the file: parameters are rounded to float16, in the modules given too, and stored so. The
/// network must lie on the CPU in float32; it is left as it was, and no random number is drawn. The
/// same network and manifest give the same bundle. Errors: Usage (unknown network, something that
/// cannot be frozen).
bundle::Bundle freeze(networks::Network& network, bundle::Manifest manifest,
                      const std::string& notes = {}, networks::Conditioner* conditioner = nullptr,
                      bool half_weights = false);

/// Makes the members encode.onnx, tree.safetensors (the bytes given), selftest.safetensors and
/// card.md of a trained encoder; the rest as above, the manifest's labels being the names of the
/// kinds in the tree. An empty `tree`: no such member. Errors: Usage.
bundle::Bundle freeze(networks::Encoder& encoder, bundle::Manifest manifest,
                      const std::string& notes = {}, std::vector<std::byte> tree = {},
                      bool half_weights = false);

/// Copies the weights of restore.onnx into a network, by name. Errors: Bundle, in one line, for
/// every tensor that the bundle lacks, that the network lacks, or whose shape or type differs,
/// unless its name matches one of the shell globs in `allow_missing`; such tensors stay as they
/// are.
void thaw(const bundle::Bundle& bundle, networks::Network& network,
          const std::vector<std::string>& allow_missing = {});

/// The weights of condition.onnx into a conditioner in the same way, save that it keeps its own
/// text table. Errors: Bundle; also where the bundle's table is another one.
void thaw(const bundle::Bundle& bundle, networks::Conditioner& conditioner,
          const std::vector<std::string>& allow_missing = {});

/// The weights of encode.onnx into an encoder, all of them. Errors: Bundle.
void thaw(const bundle::Bundle& bundle, networks::Encoder& encoder);

/// The network of the bundle's manifest with the bundle's weights, for fine-tuning. Errors: Bundle,
/// Usage (a network or option that this program does not have).
std::shared_ptr<networks::Network> thaw(const bundle::Bundle& bundle);

}  // namespace chiaro::freeze

// A device that any machine has: the law that code runs on the device of its tensors, tried without
// a graphics card.
#pragma once

#include <c10/core/Device.h>

namespace chiaro {

/// The processor and its memory under the name of another kind of device (HPU, for which libtorch
/// holds no kernels of its own). Operators run as on the processor, but refuse, as CUDA's do, to
/// take tensors of both devices at once (numbers excepted) or a generator of the other.
c10::Device second_device();

}  // namespace chiaro

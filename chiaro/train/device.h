// Where training runs.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

namespace chiaro::train {

/// "auto", "cpu", "cuda", or libtorch's name of a device ("cuda:1", "hpu") whose library the
/// program has loaded. The CUDA libraries of libtorch are loaded only when asked for ("auto" asks
/// where an NVIDIA driver is present) and taken from the folder libtorch_cpu.so lies in; call it
/// before any tensor is made, since libtorch looks for devices only once. Errors: Usage ("cuda"
/// without a device, a name without a library).
c10::Device choose_device(const std::string& name);

/// Threads of the operators on the CPU; 0 leaves what OMP_NUM_THREADS or the machine says.
void set_threads(std::int64_t threads);

}  // namespace chiaro::train

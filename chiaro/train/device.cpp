#include "chiaro/train/device.h"

#include <dlfcn.h>

#include <filesystem>
#include <optional>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "chiaro/base/error.h"

namespace chiaro::train {
namespace {

/// The driver's device node: cheap to look at, and absent on machines without an NVIDIA GPU.
bool driver_present() {
  return std::filesystem::exists("/dev/nvidiactl");
}

/// Loads libtorch_cuda.so, whose initialisers register the device. Returns why it failed, or "".
std::string load_cuda() {
  if (::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = ::dlerror();
    return reason == nullptr ? "unknown reason" : reason;
  }
  return at::hasCUDA() ? "" : "no usable CUDA device";
}

std::optional<c10::Device> parsed(const std::string& name) {
  try {
    return c10::Device(name);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

}  // namespace

c10::Device choose_device(const std::string& name) {
  if (name == "cpu" || (name == "auto" && !driver_present())) return c10::Device(c10::kCPU);
  if (name == "auto" || name == "cuda") {
    const std::string problem = load_cuda();
    if (problem.empty()) return c10::Device(c10::kCUDA, 0);
    CHIARO_CHECK(name == "auto", Usage, "[train.device] cuda was asked for, but cannot be used: {}",
                 problem);
    return c10::Device(c10::kCPU);
  }
  const std::optional<c10::Device> device = parsed(name);
  CHIARO_CHECK(device && c10::impl::hasDeviceGuardImpl(device->type()), Usage,
               "[train.device] no such device; got '{}'; expected auto, cpu, cuda, or one that "
               "libtorch has been taught",
               name);
  return *device;
}

void set_threads(std::int64_t threads) {
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

}  // namespace chiaro::train

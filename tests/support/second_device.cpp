#include "tests/support/second_device.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/EmptyTensor.h>
#include <ATen/Functions.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/NativeFunctions.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace chiaro {
namespace {

constexpr c10::DeviceType kType = c10::DeviceType::HPU;
const c10::DispatchKeySet kKeys(c10::DispatchKey::HPU);

class Guard final : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override { return second_device(); }
  c10::Device getDevice() const override { return second_device(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return stream(); }
  c10::Stream getDefaultStream(c10::Device) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const override { return stream(); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, const c10::DeviceIndex,
              const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }

 private:
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, second_device()); }
};

C10_REGISTER_GUARD_IMPL(HPU, Guard)

/// By these, which are found by their name, the gradient engine learns that the device is there.
class HPUHooks final : public at::HPUHooksInterface {
 public:
  explicit HPUHooks(at::HPUHooksArgs) {}
  void init() const override {}
  bool hasHPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return at::detail::getDefaultCPUGenerator();
  }
};
using at::HPUHooksRegistry;
using at::RegistererHPUHooksRegistry;
REGISTER_HPU_HOOKS(HPUHooks)

class Memory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t count) override {
    void* const data = c10::alloc_cpu(std::max<std::size_t>(count, 1));
    return {data, data, &c10::free_cpu, second_device()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &c10::free_cpu; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }
};

c10::Allocator* memory() {
  static Memory instance;
  return &instance;
}

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type,
                 std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, memory(), kKeys, c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride,
                         std::optional<at::ScalarType> type, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, memory(), kKeys,
                                           c10::dtype_or_default(type));
}

/// The same numbers as a tensor of the processor.
at::Tensor here(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.is_cpu()) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       at::TensorOptions(tensor.scalar_type()));
}

at::Tensor there(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  at::Tensor result =
      at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(second_device()));
  here(result).copy_(tensor);
  return result;
}

at::Tensor& copy_(at::Tensor& to, const at::Tensor& from, bool) {
  here(to).copy_(here(from));
  return to;
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  here(to).copy_(here(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  here(to).copy_(here(from));
  return to;
}

const at::Tensor& resize_(const at::Tensor& tensor, at::IntArrayRef size,
                          std::optional<at::MemoryFormat> format) {
  if (tensor.sizes() == size) return tensor;
  const at::Tensor fresh = at::empty(size, tensor.options(), format);
  tensor.unsafeGetTensorImpl()->set_storage_and_dtype(fresh.storage(), fresh.dtype());
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(fresh.sizes(), fresh.strides());
  return tensor;
}

void check_one_device(const at::Tensor& first, const at::Tensor& second) {
  TORCH_CHECK(first.is_cpu() == second.is_cpu() || (first.is_cpu() ? first : second).dim() == 0,
              "tensors of two devices");
}

at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                       at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                       at::IntArrayRef output_padding, std::int64_t groups) {
  check_one_device(input, weight);
  return there(at::convolution(here(input), here(weight),
                               bias ? std::optional(here(*bias)) : std::nullopt, stride, padding,
                               dilation, transposed, output_padding, groups));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight,
    at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
    at::IntArrayRef output_padding, std::int64_t groups, std::array<bool, 3> wanted) {
  check_one_device(input, weight);
  check_one_device(gradient, weight);
  const auto [of_input, of_weight, of_bias] = at::convolution_backward(
      here(gradient), here(input), here(weight), weight.size(transposed ? 1 : 0) * groups, stride,
      padding, dilation, transposed, output_padding, groups, wanted);
  return {there(of_input), there(of_weight), there(of_bias)};
}

/// Everything else: as on the processor, once the arguments are seen to be of one device.
void as_here(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  bool own = false;
  bool other = false;
  const auto look = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    own = own || tensor.device().type() == kType;
    other = other || (tensor.is_cpu() && tensor.dim() > 0);
  };
  for (const auto& value : torch::jit::last(stack, op.schema().arguments().size())) {
    if (value.isTensor()) look(value.toTensor());
    if (value.isTensorList())
      for (const at::Tensor& tensor : value.toTensorVector()) look(tensor);
    if (value.isOptionalTensorList()) {
      for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorVector())
        if (tensor) look(*tensor);
    }
    TORCH_CHECK(!value.isGenerator(), op.schema().name(), ": a generator of the other device");
  }
  TORCH_CHECK(!(own && other), op.schema().name(), ": tensors of two devices");
  at::native::cpu_fallback(op, stack);
}

TORCH_LIBRARY_IMPL(aten, HPU, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("unfold", at::native::unfold);
  library.impl("resize_", resize_);
  library.impl("copy_", copy_);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("convolution_overrideable", convolution);
  library.impl("convolution_backward_overrideable", convolution_backward);
}

TORCH_LIBRARY_IMPL(_, HPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&as_here>());
}

}  // namespace

c10::Device second_device() {
  return {kType, 0};
}

}  // namespace chiaro

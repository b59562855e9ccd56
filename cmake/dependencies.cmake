# External libraries. Debian packages, except the two wheels unpacked by the set-up into CHIARO_PREFIX.
set(CHIARO_PREFIX "${CMAKE_SOURCE_DIR}/build/prefix" CACHE PATH
    "Where the set-up unpacked the OpenVINO and libtorch wheels")

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(VIPS REQUIRED IMPORTED_TARGET vips)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto)  # SHA-256; libzip loads it anyway

set(OpenVINO_DIR "${CHIARO_PREFIX}/openvino/cmake" CACHE PATH "Folder of OpenVINOConfig.cmake")
find_package(OpenVINO REQUIRED COMPONENTS Runtime)

if(CHIARO_WITH_TRAINING)
  # libtorch from the PyPI wheel: only the two libraries a CPU needs, so that nothing drags in CUDA.
  set(CHIARO_TORCH_ROOT "${CHIARO_PREFIX}/torch" CACHE PATH "Unpacked torch wheel (holds include/ and lib/)")
  if(NOT EXISTS "${CHIARO_TORCH_ROOT}/lib/libtorch_cpu.so")
    message(FATAL_ERROR "libtorch not found in ${CHIARO_TORCH_ROOT}; run ./test once, it fetches it, "
                        "or set CHIARO_TORCH_ROOT")
  endif()
  add_library(chiaro_torch INTERFACE)
  # The wheel carries headers of another fmt than the library we and spdlog link: ours must be found first.
  find_path(CHIARO_FMT_INCLUDE fmt/format.h HINTS ${fmt_INCLUDE_DIRS} REQUIRED)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include_first)
  file(CREATE_LINK ${CHIARO_FMT_INCLUDE}/fmt ${CMAKE_BINARY_DIR}/include_first/fmt SYMBOLIC)
  set(installed_torch ${CMAKE_INSTALL_LIBDIR}/chiaro/torch)  # see installation.cmake
  target_include_directories(chiaro_torch SYSTEM INTERFACE
    $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include_first>
    $<BUILD_INTERFACE:${CHIARO_TORCH_ROOT}/include>
    $<BUILD_INTERFACE:${CHIARO_TORCH_ROOT}/include/torch/csrc/api/include>
    $<INSTALL_INTERFACE:${installed_torch}/include>
    $<INSTALL_INTERFACE:${installed_torch}/include/torch/csrc/api/include>)
  foreach(library libtorch_cpu.so libc10.so)
    target_link_libraries(chiaro_torch INTERFACE
      $<BUILD_INTERFACE:${CHIARO_TORCH_ROOT}/lib/${library}>
      $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${installed_torch}/lib/${library}>)
  endforeach()
  # RPATH, not RUNPATH: the wheel's libraries must find their own dependencies through ours.
  target_link_options(chiaro_torch INTERFACE -Wl,--disable-new-dtags
    $<BUILD_INTERFACE:-Wl,-rpath-link,${CHIARO_TORCH_ROOT}/lib>)
  target_compile_options(chiaro_torch INTERFACE -Wno-deprecated-declarations)
endif()

if(CHIARO_WITH_TESTS)
  find_package(GTest REQUIRED)
endif()
if(CHIARO_WITH_BENCH)
  find_package(benchmark REQUIRED)
endif()

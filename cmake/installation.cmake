# What `cmake --install` puts where. The tree may be moved as a whole.
#
#   component restore   bin/chiaro, its engine in lib/chiaro, the bundles in share/chiaro/models, and for other programs
#                       libchiaro with chiaro.h and chiaro.hpp, headers and static libraries of the rooms, the CMake
#                       package `chiaro` and chiaro.pc
#   component train     bin/chiaro-train, libtorch in lib/chiaro/torch, headers and libraries of the training wing
include(CMakePackageConfigHelpers)

set(chiaro_private ${CMAKE_INSTALL_LIBDIR}/chiaro)
set(chiaro_package ${CMAKE_INSTALL_LIBDIR}/cmake/chiaro)
set(chiaro_needs_restore "")
set(chiaro_needs_train "")
file(RELATIVE_PATH chiaro_bin_to_private "/${CMAKE_INSTALL_BINDIR}" "/${chiaro_private}")
get_target_property(openvino_library openvino::runtime IMPORTED_LOCATION_RELEASE)
get_filename_component(openvino_folder ${openvino_library} DIRECTORY)

# Lets TARGET look for its engine in the folder TO_PRIVATE beside it (and in FURTHER folders there), in the build tree as
# after the installation. A path that CMake rewrites while installing ends with an empty entry in the build tree, which
# the loader reads as the working directory: a library planted in a folder of pictures would be loaded.
function(chiaro_looks_beside target to_private)
  set(paths "$ORIGIN/${to_private}")
  foreach(further IN LISTS ARGN)
    list(APPEND paths "$ORIGIN/${to_private}/${further}")
  endforeach()
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${paths}" BUILD_WITH_INSTALL_RPATH ON)

  get_target_property(folder ${target} BINARY_DIR)
  set(private ${folder}/${to_private})
  file(MAKE_DIRECTORY ${private})
  file(GLOB libraries ${openvino_folder}/*.so*)
  foreach(library IN LISTS libraries)
    get_filename_component(name ${library} NAME)
    file(CREATE_LINK ${library} ${private}/${name} SYMBOLIC)
  endforeach()
  if(CHIARO_WITH_TRAINING)
    file(CREATE_LINK ${CHIARO_TORCH_ROOT} ${private}/torch SYMBOLIC)
  endif()
endfunction()

# Rooms, by wing. What they link is what a program that links them must find: chiaro_needs_<component> holds those
# lines of the package file.
get_property(rooms GLOBAL PROPERTY CHIARO_ROOMS)
foreach(room IN LISTS rooms)
  get_target_property(libraries chiaro_${room} LINK_LIBRARIES)
  set(component restore)
  if(chiaro_torch IN_LIST libraries)
    set(component train)
  endif()
  install(TARGETS chiaro_${room} EXPORT chiaro_${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${component}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT ${component})
  foreach(library IN LISTS libraries)
    if(library MATCHES "^PkgConfig::(.+)$")
      list(APPEND chiaro_needs_${component}
        "pkg_check_modules(${CMAKE_MATCH_1} REQUIRED QUIET IMPORTED_TARGET ${${CMAKE_MATCH_1}_MODULE_NAME})")
    elseif(NOT library MATCHES "^(chiaro|openvino)::" AND library MATCHES "^([A-Za-z_]+)::")
      list(APPEND chiaro_needs_${component} "find_dependency(${CMAKE_MATCH_1})")
    endif()
  endforeach()
endforeach()
foreach(component restore train)
  list(REMOVE_DUPLICATES chiaro_needs_${component})
  list(JOIN chiaro_needs_${component} "\n" chiaro_needs_${component})
endforeach()

# The restoration wing.
chiaro_looks_beside(chiaro ${chiaro_bin_to_private})
install(TARGETS chiaro RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT restore)
install(EXPORT chiaro_restore NAMESPACE chiaro:: FILE chiaroRestoreTargets.cmake
  DESTINATION ${chiaro_package} COMPONENT restore)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/chiaro/models COMPONENT restore
  FILES_MATCHING PATTERN "*.chiaro")
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  ${CMAKE_SOURCE_DIR}/HACKING.md ${CMAKE_SOURCE_DIR}/CONTRIBUTING.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT restore)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs ${CMAKE_SOURCE_DIR}/examples ${CMAKE_SOURCE_DIR}/recipes DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT restore)

# libchiaro, which has an export file of its own: who uses it alone needs none of the libraries that the rooms need.
file(RELATIVE_PATH chiaro_library_to_private "/${CMAKE_INSTALL_LIBDIR}" "/${chiaro_private}")
chiaro_looks_beside(chiaro_api ${chiaro_library_to_private})
install(TARGETS chiaro_api EXPORT chiaro_library
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT restore NAMELINK_COMPONENT restore
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT restore)
install(EXPORT chiaro_library NAMESPACE chiaro:: FILE chiaroLibraryTargets.cmake
  DESTINATION ${chiaro_package} COMPONENT restore)
set(chiaro_pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH chiaro_pkgconfig_to_prefix "/${chiaro_pkgconfig}" "/")
configure_file(${CMAKE_SOURCE_DIR}/cmake/chiaro.pc.in chiaro.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/chiaro.pc DESTINATION ${chiaro_pkgconfig} COMPONENT restore)

# Of OpenVINO only what a processor needs to run an ONNX graph; the libraries find each other by $ORIGIN.
file(GLOB openvino_libraries ${openvino_library} ${openvino_folder}/libopenvino_intel_cpu_plugin.so
  ${openvino_folder}/libopenvino_onnx_frontend.so.* ${openvino_folder}/libopenvino_ir_frontend.so.*
  ${openvino_folder}/libtbb.so.*)
install(PROGRAMS ${openvino_libraries} DESTINATION ${chiaro_private} COMPONENT restore)
install(DIRECTORY ${CHIARO_PREFIX}/openvino/licenses/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/openvino COMPONENT restore)
get_filename_component(CHIARO_OPENVINO_LIBRARY ${openvino_library} NAME)

configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/chiaroConfig.cmake.in chiaroConfig.cmake
  INSTALL_DESTINATION ${chiaro_package} PATH_VARS chiaro_private NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(chiaroConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/chiaroConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/chiaroConfigVersion.cmake
  DESTINATION ${chiaro_package} COMPONENT restore)

# The training wing.
if(CHIARO_WITH_TRAINING)
  chiaro_looks_beside(chiaro-train ${chiaro_bin_to_private} torch/lib)
  install(TARGETS chiaro-train RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT train)
  set_target_properties(chiaro_torch PROPERTIES EXPORT_NAME libtorch)
  install(TARGETS chiaro_torch EXPORT chiaro_train)
  install(EXPORT chiaro_train NAMESPACE chiaro:: FILE chiaroTrainTargets.cmake
    DESTINATION ${chiaro_package} COMPONENT train)
  install(DIRECTORY ${CHIARO_TORCH_ROOT}/lib ${CHIARO_TORCH_ROOT}/include DESTINATION ${chiaro_private}/torch
    COMPONENT train USE_SOURCE_PERMISSIONS
    PATTERN "fmt" EXCLUDE)  # headers of another fmt than the one the rooms are built with
  install(DIRECTORY ${CHIARO_TORCH_ROOT}/licenses/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/libtorch COMPONENT train)
endif()

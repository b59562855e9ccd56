#include "chiaro/image/vips_session.h"

#include <dlfcn.h>
#include <gmodule.h>
#include <spdlog/spdlog.h>
#include <sys/single_threaded.h>
#include <vips/vips.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

#include "chiaro/base/error.h"
#include "chiaro/base/text.h"

namespace chiaro::image {
namespace {

void log_vips_message(const char*, GLogLevelFlags, const char* message, void*) {
  spdlog::debug("libvips: {}", message);
}

/// libvips opens all its optional modules at the start, which takes longer than to decode a small
/// picture. A prefix without modules spares that; they are opened one by one where a format needs
/// them. The environment is touched only while no other thread can read it.
class WithoutModules {
 public:
  WithoutModules() : active_(__libc_single_threaded != 0 && std::getenv(kName) == nullptr) {
    if (active_) ::setenv(kName, "/nonexistent", 1);
  }
  ~WithoutModules() {
    if (active_) ::unsetenv(kName);
  }
  WithoutModules(const WithoutModules&) = delete;
  WithoutModules& operator=(const WithoutModules&) = delete;

 private:
  static constexpr const char* kName = "VIPSHOME";
  bool active_;
};

}  // namespace

void ReleaseObject::operator()(void* object) const {
  g_object_unref(object);
}

void start_vips() {
  static std::once_flag once;
  std::call_once(once, [] {
    const WithoutModules without_modules;
    CHIARO_CHECK(VIPS_INIT("chiaro") == 0, Internal,
                 "[image.start_vips] libvips does not start: {}", take_vips_error());
    // Damaged files also make the object system below libvips complain.
    for (const char* domain : {"VIPS", "GLib-GObject"}) {
      g_log_set_handler(domain, static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK & ~G_LOG_LEVEL_ERROR),
                        log_vips_message, nullptr);
    }
    vips_cache_set_max(0);  // a picture is read once
  });
}

void load_vips_module(const std::string& format) {
  const std::string module = format == "bmp" ? "magick" : format;
  Dl_info library{};
  if (::dladdr(reinterpret_cast<void*>(&vips_init), &library) == 0) return;
  const auto path = std::filesystem::path(library.dli_fname).parent_path() /
                    fmt::format("vips-modules-{}.{}", VIPS_MAJOR_VERSION, VIPS_MINOR_VERSION) /
                    ("vips-" + module + ".so");
  if (GModule* opened = g_module_open(path.c_str(), G_MODULE_BIND_LAZY)) {
    g_module_make_resident(opened);
  } else {
    spdlog::debug("no module of libvips for {}: {}", format, g_module_error());
  }
}

std::string take_vips_error() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  std::ranges::replace(text, '\n', ' ');
  std::string said(trim(text));
  // Each line begins with the part of libvips that says it, as "VipsJpeg: "; no word for people.
  if (const auto colon = said.find(": "); said.starts_with("Vips") && colon < said.find(' '))
    said.erase(0, colon + 2);
  for (const char* lacking : {"out of memory", "Error creating thread"})
    CHIARO_CHECK(said.find(lacking) == std::string::npos, Resource,
                 "[image] not enough memory, or no thread to be had: {}", said);
  return said.empty() ? "unknown fault" : said;
}

}  // namespace chiaro::image

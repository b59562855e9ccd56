// Restores a picture file: restore_file BUNDLE INPUT OUTPUT
//
// BUNDLE is a file name.chiaro or the name of an installed bundle, such as "default".
#include <cstdio>

#include "chiaro/base/error.h"
#include "chiaro/image/codec.h"
#include "chiaro/restore/restorer.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: restore_file BUNDLE INPUT OUTPUT\n", stderr);
    return 2;
  }
  try {
    chiaro::restore::Restorer restorer = chiaro::restore::open_restorer(argv[1]);
    chiaro::image::Image picture = chiaro::image::read(argv[2]);
    picture = restorer.restore(std::move(picture), {.strength = 1.0}, [](double done) {
      std::fprintf(stderr, "\r%3.0f %%", 100 * done);
      return true;  // false would stop the work
    });
    std::fputs("\n", stderr);
    chiaro::image::write(argv[3], picture);
  } catch (const chiaro::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_status();
  }
}

// Restores pixels in memory, in C: library_c [BUNDLE] < noisy.ppm > clear.ppm
//
// BUNDLE is a file name.chiaro or the name of an installed bundle; without it, the default one. The
// pixels come from a binary PPM of 8 bits, as they could from a camera or a decoder.
#include <chiaro.h>
#include <stdio.h>
#include <stdlib.h>

static int report(double done, void* user) {
  (void)user;
  fprintf(stderr, "\r%3.0f %%", 100 * done);
  return 0;  // anything else would cancel
}

// Restores the pixels in place. Returns the status, which is the exit status too.
static int restore(const char* bundle, unsigned char* rgb, int width, int height) {
  chiaro_restorer* restorer = NULL;
  chiaro_status status = chiaro_open(bundle, NULL, &restorer);
  if (status == CHIARO_OK) {
    chiaro_picture picture = {rgb, width, height, CHIARO_RGB, CHIARO_U8, 0, 0, 0};
    chiaro_restore_options options;
    chiaro_restore_defaults(&options, sizeof options);
    options.progress = report;
    status = chiaro_restore(restorer, &picture, &picture, &options, NULL);
    fputs("\n", stderr);
  }
  if (status != CHIARO_OK) fprintf(stderr, "%s\n", chiaro_last_error());
  chiaro_close(restorer);
  return status;
}

int main(int argc, char** argv) {
  int width = 0;
  int height = 0;
  if (argc > 2 || scanf("P6 %d %d 255%*c", &width, &height) != 2 || width < 1 || height < 1 ||
      width > 65535 || height > 65535) {
    fputs("usage: library_c [BUNDLE] < INPUT.ppm > OUTPUT.ppm\n", stderr);
    return CHIARO_USAGE;
  }
  const size_t bytes = (size_t)3 * (size_t)width * (size_t)height;
  unsigned char* rgb = malloc(bytes);
  if (rgb == NULL) return CHIARO_RESOURCE;
  int status = fread(rgb, 1, bytes, stdin) == bytes ? CHIARO_OK : CHIARO_INPUT;
  if (status == CHIARO_OK) status = restore(argc == 2 ? argv[1] : NULL, rgb, width, height);
  if (status == CHIARO_OK) {
    printf("P6\n%d %d\n255\n", width, height);
    if (fwrite(rgb, 1, bytes, stdout) != bytes) status = CHIARO_OUTPUT;
  }
  free(rgb);
  return status;
}

// chiaro in other people's programs: the C interface of libchiaro (docs/library.md).
//
// Results are statuses, the same numbers as the exit statuses of the program `chiaro`. No exception
// leaves the library, nothing ends the process, nothing is printed.
//
// Ownership. What comes back through a pointer to a pointer belongs to the caller, who gives it to
// the function that the declaration names. What is returned as a pointer to const belongs to the
// object it was asked of and lives as long; of chiaro_last_error and chiaro_last_notes, until the
// thread's next call. What is passed in is only looked at during the call.
//
// Threads. Every function may be called from any thread. Calls on one chiaro_restorer wait for each
// other; several of them work at the same time. A chiaro_inspection never changes.
//
// Stability. Structs that may grow begin with their size, so that programs built against an older
// header go on working; the others never change. Of a struct that the library fills in, a shorter
// one gets what it has room for, and what this library does not know of a longer one becomes 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A bundle ready to restore pictures.
typedef struct chiaro_restorer chiaro_restorer;

// What the controller of a bundle said of one picture.
typedef struct chiaro_inspection chiaro_inspection;

// Not for the two above: what they consist of stays hidden.
#pragma GCC visibility push(default)

typedef enum chiaro_status {
  CHIARO_OK = 0,
  CHIARO_USAGE = 2,         // an argument or option is wrong
  CHIARO_INPUT = 3,         // an input or a bundle is missing, unreadable or wrong
  CHIARO_OUTPUT = 4,        // an output cannot be written
  CHIARO_BUNDLE = 5,        // a bundle is damaged or incompatible
  CHIARO_RESOURCE = 6,      // memory does not suffice
  CHIARO_CHECK_FAILED = 7,  // the guard refused the picture
  CHIARO_INTERNAL = 70,     // a fault of the library
  CHIARO_CANCELLED = 130    // the progress callback asked for it
} chiaro_status;

// ---- Pictures in memory ----

typedef enum chiaro_layout {
  CHIARO_GREY = 1,
  CHIARO_GREY_ALPHA = 2,
  CHIARO_RGB = 3,
  CHIARO_RGBA = 4,
  CHIARO_BGR = 5,
  CHIARO_BGRA = 6
} chiaro_layout;

typedef enum chiaro_sample {
  CHIARO_U8 = 1,   // uint8_t, 255 is white
  CHIARO_U16 = 2,  // uint16_t in the machine's byte order, 65535 is white
  CHIARO_F32 = 3   // float, 1 is white
} chiaro_sample;

// Pixels that belong to the caller. Values are sRGB-coded, alpha is straight (not premultiplied)
// and linear. Distances are in bytes and may be negative; 0 stands for the usual one.
typedef struct chiaro_picture {
  void* data;             // the first sample of the upper left pixel; a source is not written to
  int32_t width;          // pixels, at least 1
  int32_t height;         // pixels, at least 1
  int32_t layout;         // a chiaro_layout
  int32_t sample;         // a chiaro_sample
  ptrdiff_t row_bytes;    // from one row to the next; 0: no gap between rows
  ptrdiff_t pixel_bytes;  // from one pixel to the next; 0: no gap between pixels
  ptrdiff_t plane_bytes;  // from one channel to the next; 0: the channels of a pixel side by side
} chiaro_picture;

// ---- Options ----

typedef enum chiaro_precision {
  CHIARO_PRECISION_AUTO = 0,  // bf16 where the processor has it and the bundle calls it harmless
  CHIARO_PRECISION_F32 = 1,
  CHIARO_PRECISION_BF16 = 2
} chiaro_precision;

// How carefully a bundle with a controller restores.
typedef enum chiaro_guard {
  CHIARO_GUARD_OFF = 0,    // the network's result, whatever the picture
  CHIARO_GUARD_SOFT = 1,   // holds back where unsure; what looks clean stays as it is
  CHIARO_GUARD_STRICT = 2  // and refuses what is unlike training, with CHIARO_CHECK_FAILED
} chiaro_guard;

typedef enum chiaro_alpha {
  CHIARO_ALPHA_KEEP = 0,
  CHIARO_ALPHA_RESTORE = 1,  // goes through the network like a grey picture
  CHIARO_ALPHA_DROP = 2
} chiaro_alpha;

// Told how much is done, 0 to 1. Returns 0 to go on, anything else to cancel. Called on the thread
// that called the library; may not throw, nor use or close the restorer that is at work.
typedef int (*chiaro_progress)(double done, void* user);

typedef struct chiaro_open_options {
  size_t size;        // set by chiaro_open_defaults
  int32_t threads;    // 0: as many as the processor has cores
  int32_t precision;  // a chiaro_precision
} chiaro_open_options;

typedef struct chiaro_restore_options {
  size_t size;               // set by chiaro_restore_defaults
  double strength;           // 0: the input's pixels, 1 (default): the network's
  int32_t guard;             // a chiaro_guard; default CHIARO_GUARD_SOFT
  int32_t alpha;             // a chiaro_alpha; default CHIARO_ALPHA_KEEP
  const char* as;            // "rain(0.6)+noise(0.2)": what is wrong; NULL: finds out
  int64_t max_memory_bytes;  // ceiling of the whole process; 0: none
  int32_t tile_px;           // side of a tile; 0: as memory allows
  int32_t overlap_px;        // context around a tile; -1: what the network needs
  chiaro_progress progress;  // NULL: none
  void* user;                // handed to progress
  double keep_grain;         // share of the fine grain that comes back, 0 (default) to 1
  int32_t again;  // not 0: looks at the result, and restores once more where another damage shows
  int32_t reserved;  // 0
} chiaro_restore_options;

typedef struct chiaro_write_options {
  size_t size;         // set by chiaro_write_defaults
  const char* format;  // "png", "jpeg", "webp", "tiff", "ppm", "pfm", "exr", "hdr"; NULL: by name
  int32_t depth;       // a chiaro_sample, or 0: as the source
  int32_t quality;     // of JPEG and WebP, 1 to 100; 0: as a JPEG of 80 or more, else 95
  int32_t strip_metadata;  // not 0: without EXIF, XMP and profile
  int32_t overwrite;       // not 0: replaces an existing file
} chiaro_write_options;

// Fill in the defaults. `size` is sizeof *options as the caller was compiled.
void chiaro_open_defaults(chiaro_open_options* options, size_t size);
void chiaro_restore_defaults(chiaro_restore_options* options, size_t size);
void chiaro_write_defaults(chiaro_write_options* options, size_t size);

// ---- Errors and messages ----

// "major.minor.patch" of the library.
const char* chiaro_version(void);

// One or two words for a status.
const char* chiaro_status_text(int status);

// Why the last call of this thread that failed did; "" before any.
const char* chiaro_last_error(void);

// What the last call of this thread warned of, one line each; "" for nothing.
const char* chiaro_last_notes(void);

// ---- Bundles ----

// Opens a bundle: a path (with "/" or ending in ".chiaro"), or a name that is looked for in the
// folders of the environment variable CHIARO_BUNDLE_PATH and then beside the program and the
// library (docs/library.md). NULL for a name is "default", NULL for options are the defaults. On
// success *restorer is the caller's, to be given to chiaro_close; else it is NULL. Statuses: USAGE,
// INPUT (no such bundle), BUNDLE (damaged), RESOURCE.
chiaro_status chiaro_open(const char* bundle, const chiaro_open_options* options,
                          chiaro_restorer** restorer);

// NULL is ignored. No other call on it may be under way.
void chiaro_close(chiaro_restorer* restorer);

typedef enum chiaro_text {
  CHIARO_TEXT_NAME = 1,
  CHIARO_TEXT_SUMMARY = 2,
  CHIARO_TEXT_LICENSE = 3,
  CHIARO_TEXT_FILE = 4,      // where the bundle was found
  CHIARO_TEXT_CARD = 5,      // Markdown; "" where there is none
  CHIARO_TEXT_MANIFEST = 6,  // JSON (docs/bundle_format.md)
  CHIARO_TEXT_TYPES = 7      // damages its controller knows, separated by ","; "" without one
} chiaro_text;

// Belongs to the restorer. NULL where restorer is NULL or `which` is none of the above.
const char* chiaro_bundle_text(const chiaro_restorer* restorer, int which);

typedef struct chiaro_facts {
  size_t size;           // set by the caller to sizeof; the library fills in as much
  int32_t scale;         // side of a result / side of its input
  int32_t channels;      // of the network: 3, or 1; pictures of either kind are restored
  int32_t alignment_px;  // sides the network sees are multiples of this
  int32_t reach_px;      // width of what a pixel of the result depends on
  int32_t controller;    // 1: can inspect pictures, and be told what is wrong with them
  int32_t threads;       // that are used
  int32_t precision;     // that is used: F32 or BF16
  int32_t reserved;      // 0
  int64_t parameters;    // of the networks
} chiaro_facts;

chiaro_status chiaro_describe(const chiaro_restorer* restorer, chiaro_facts* facts);

// ---- Restoring ----

typedef struct chiaro_report {
  size_t size;        // set by the caller to sizeof; the library fills in as much
  double strength;    // that was used; 0: the input's pixels
  double confidence;  // of the guard, 0 to 1; 1 where it was off or there is no controller
  int32_t guarded;    // 1: the guard looked at the picture
  int32_t clean;      // 1: taken for undamaged
  int32_t unlike;     // 1: unlike anything seen in training
  int32_t blind;      // 0: it was told what is wrong
  const char* below;  // with `again`, what was restored once more, "haze"; NULL: nothing. It
                      // belongs to the restorer
} chiaro_report;

// Restores pixels, without any file. The target has the sides of the source times the bundle's
// scale and, like the source, colour or grey; samples, order, strides and alpha may differ. It may
// be the source itself: writing begins when all is done, and where the call fails it is untouched.
// A target without alpha drops it, one with alpha is opaque where the source has none. NULL options
// are the defaults, the report may be NULL. Statuses: USAGE, RESOURCE, CHECK_FAILED, CANCELLED.
chiaro_status chiaro_restore(chiaro_restorer* restorer, const chiaro_picture* source,
                             const chiaro_picture* target, const chiaro_restore_options* options,
                             chiaro_report* report);

// The part of what chiaro_restore gives that begins at (x, y) of the source, with the same pixels;
// how large it is, the target says. `again` is refused. Statuses: as chiaro_restore.
chiaro_status chiaro_restore_region(chiaro_restorer* restorer, const chiaro_picture* source,
                                    int32_t x, int32_t y, const chiaro_picture* target,
                                    const chiaro_restore_options* options);

// Restores a file as `chiaro restore` does: profile, metadata, depth and transparency are kept; but
// of a file with several pages the first alone, of which chiaro_last_notes tells, and none in
// strips: what exceeds max_memory_bytes is refused before it is decoded. The output is whole or not
// there; a picture in which nothing changes is coded again, where `chiaro restore` copies the file.
// Statuses: as chiaro_restore, and INPUT, OUTPUT.
chiaro_status chiaro_restore_file(chiaro_restorer* restorer, const char* input, const char* output,
                                  const chiaro_restore_options* options,
                                  const chiaro_write_options* write, chiaro_report* report);

// Resident memory that the process will have at the most while a picture of this size, in colour
// and with alpha, is restored: what the process holds now and what the call adds, the picture as
// floats included; so a buffer of the caller counts once it has been touched. Statuses: USAGE,
// RESOURCE (max_memory_bytes does not suffice).
chiaro_status chiaro_predict_memory(chiaro_restorer* restorer, int32_t width, int32_t height,
                                    const chiaro_restore_options* options, int64_t* peak_bytes);

// Frees work memory that is kept for the next picture of the same size.
chiaro_status chiaro_release_memory(chiaro_restorer* restorer);

// ---- Inspecting ----

typedef struct chiaro_finding {
  const char* type;    // "noise", "rain", …, "clean"
  double probability;  // of all findings together 1
  double severity;     // 0 to 1: how strong it is, if it is there
} chiaro_finding;

typedef struct chiaro_verdict {
  size_t size;        // set by the caller to sizeof; the library fills in as much
  double confidence;  // 0 to 1
  double novelty;     // the larger, the less like training
  double strength;    // what the soft guard would restore with
  int32_t clean;      // 1: taken for undamaged
  int32_t unlike;     // 1: unlike anything seen in training
} chiaro_verdict;

// Asks the bundle's controller what is wrong. On success *inspection is the caller's, to be given
// to chiaro_inspection_free; else it is NULL. Statuses: USAGE, BUNDLE (it has no controller),
// RESOURCE; of a file also INPUT.
chiaro_status chiaro_inspect(chiaro_restorer* restorer, const chiaro_picture* source,
                             chiaro_inspection** inspection);
chiaro_status chiaro_inspect_file(chiaro_restorer* restorer, const char* input,
                                  chiaro_inspection** inspection);

// The most probable first; *count of them. Belongs to the inspection. NULL and 0 for NULL.
const chiaro_finding* chiaro_inspection_findings(const chiaro_inspection* inspection,
                                                 size_t* count);
chiaro_status chiaro_inspection_verdict(const chiaro_inspection* inspection,
                                        chiaro_verdict* verdict);

// What to do, in a few words. Belongs to the inspection. NULL for NULL.
const char* chiaro_inspection_advice(const chiaro_inspection* inspection);

// NULL is ignored.
void chiaro_inspection_free(chiaro_inspection* inspection);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

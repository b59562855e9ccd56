// What is mirrored around a picture before a network sees it.
#pragma once

#include "chiaro/bundle/manifest.h"

namespace chiaro::restore {

/// Pixels that are mirrored at the sides of a picture. 0 where a part of a picture goes on: it was
/// cut with what the network needs around it.
struct Margin {
  int top = 0;
  int bottom = 0;
  int left = 0;
  int right = 0;
};

/// The margin of a whole picture of this size. Networks see worst where they see least: without
/// something beyond the edge the outermost lines keep more damage than the rest. Sides are filled
/// up to a multiple of the network's alignment anyway, so what is missing is shared between both
/// edges, and costs nothing (networks of no alignment are given the same, to multiples of 16); at
/// most 8 pixels each, or as far as the network sees. None where a side already is such a multiple.
Margin margin_of(const bundle::Manifest& manifest, int height, int width);

}  // namespace chiaro::restore

#include "apps/cli/shown_text.h"

namespace chiaro::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes of the character that begins with this one, in UTF-8.
std::size_t character_bytes(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/// Controls beyond ASCII (U+0080 to U+009F) and the code points that are no characters.
bool has_no_place(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (character.size() == 3 && byte(0) == 0xEF && byte(1) == 0xB7)
    return byte(2) >= 0x90 && byte(2) <= 0xAF;  // U+FDD0 to U+FDEF
  // U+xxFFFE and U+xxFFFF of every plane.
  const std::size_t last = character.size() - 1;
  return last >= 2 && byte(last) >= 0xBE && byte(last - 1) == 0xBF &&
         (last == 2 ? byte(0) == 0xEF : (byte(1) & 0x0F) == 0x0F);
}

}  // namespace

std::string shown_text(std::string_view text) {
  const std::string valid = as_utf8(text);
  std::string result;
  for (std::size_t at = 0; at < valid.size();) {
    const auto first = static_cast<unsigned char>(valid[at]);
    const std::string_view character = std::string_view(valid).substr(at, character_bytes(first));
    at += character.size();
    if (first < 0x20 || first == 0x7F) {
      const int picture = first == 0x7F ? 0x21 : first;  // U+2400 + picture
      result += "\xE2\x90";
      result += static_cast<char>(0x80 + picture);
    } else {
      result += has_no_place(character) ? kReplacement : character;
    }
  }
  return result;
}

}  // namespace chiaro::cli

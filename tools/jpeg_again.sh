#!/usr/bin/env bash
# tools/jpeg_again.sh CHIARO [QUALITY…]: what a restored JPEG is worth when it is coded again, at its own quality and at 95.
# Needs convert and compare (ImageMagick). For each quality: the mean gain in dB of PSNR over the input, against the photos
# of examples/photos/clean, in how many it is a loss, and how many times the input's size the file at 95 has.
set -euo pipefail
program=$1
shift
[ $# -gt 0 ] || set -- 12 30 40 50 60 65 70 75 80 85 90
photos="${BASH_SOURCE[0]%/*}/../examples/photos/clean"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
psnr() { compare -metric PSNR "$1" "$2" null: 2>&1 | cut -d ' ' -f 1 || true; }
for quality in "$@"; do
  for photo in "$photos"/*.jpg; do
    convert "$photo" -quality "$quality" "$folder/in.jpg"
    for again in "$quality" 95; do
      "$program" restore "$folder/in.jpg" -o "$folder/$again.jpg" --quality "$again" --overwrite --quiet
    done
    echo "$quality $(psnr "$folder/in.jpg" "$photo") $(psnr "$folder/$quality.jpg" "$photo")" \
      "$(psnr "$folder/95.jpg" "$photo") $(stat -c %s "$folder/in.jpg") $(stat -c %s "$folder/95.jpg")"
  done
done | awk '
  { n[$1]++; same[$1] += $3 - $2; high[$1] += $4 - $2; before[$1] += $5; after[$1] += $6
    if ($3 < $2) worse_same[$1]++; if ($4 < $2) worse_high[$1]++ }
  END { for (q in n) printf "%d | %+.2f (%d of %d) | %+.2f (%d) | %.1f\n", q, same[q] / n[q], worse_same[q], n[q],
        high[q] / n[q], worse_high[q], after[q] / before[q] }' | sort -n

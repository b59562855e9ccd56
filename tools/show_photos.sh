#!/bin/sh
# A sheet of details of the damaged photos in examples/photos/real: as they are, as restored, and what is seen in them.
#
#   tools/show_photos.sh build/release/apps/cli/chiaro docs/images/real_photos.jpg
#
# Needs ImageMagick. Each row of the table below: a photo, and the detail's size and place.
set -eu
chiaro=$1
sheet=$2
photos=$(dirname "$0")/../examples/photos/real
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$chiaro" restore "$photos" -o "$work/restored" --format png 2>/dev/null
number=0
while read -r photo detail; do
  number=$((number + 1))
  seen=$("$chiaro" inspect "$photos/$photo.jpg" 2>/dev/null | sed -n '1s/^[^:]*: \([^:]*\).*/\1/p')
  convert "$photos/$photo.jpg" -colorspace sRGB -crop "$detail" +repage "$work/before.png"
  convert "$work/restored/$photo.png" -colorspace sRGB -crop "$detail" +repage "$work/after.png"
  convert "$work/before.png" "$work/after.png" +append +repage \
    -background white -gravity south -splice 0x24 -gravity south -pointsize 13 -annotate +0+4 "$photo.jpg: $seen" \
    "$work/sheet$number.png"
done <<'TABLE'
trees 280x280+330+20
street 280x280+250+60
chessboard 280x280+10+130
barriers 280x280+520+330
orange 280x280+20+30
car 280x280+170+120
TABLE
montage "$work"/sheet[1-6].png -tile 2x3 -geometry +6+4 -strip -sampling-factor 4:2:0 -quality 84 "$sheet"

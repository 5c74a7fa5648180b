"""What lossy compression of a picture changes: the same pictures of val as they are (TIFF), and saved as WebP and JPEG.

  compression.py count | dead   [--model FOLDER] [--write]

The training pictures of both networks are WebP of quality 85, those of val are not compressed: a network that reads the finest detail
counts more trees in the same ground where a picture is sharper. Runs model.onnx in ONNX Runtime by the product's session.
"""
import io
import json
from pathlib import Path

import treelib.sgd  # noqa: F401  first: sets the threads before torch is loaded
import count
import dead
import numpy as np
from PIL import Image
from places import as_whole, figures
from treelib.page import put_block, table
from treelib.settings import HERE, MODELS, parser, settled

KINDS = (('as it is', None, 0), ('WebP, quality 85', 'WEBP', 85), ('JPEG, quality 85', 'JPEG', 85), ('JPEG, quality 60', 'JPEG', 60))


def saved(picture, kind, quality):
    """A picture of red, green, blue, nir after it was saved and read; nir is saved as grey."""
    if kind is None:
        return picture

    def again(bands):
        file = io.BytesIO()
        Image.fromarray(bands).save(file, kind, quality=quality)
        return np.asarray(Image.open(file).convert('RGB' if bands.ndim == 3 else 'L'))

    return np.dstack([again(np.ascontiguousarray(picture[..., :3])), again(np.ascontiguousarray(picture[..., 3]))])


def main():
    p = parser(__doc__)
    p.add_argument('what', choices=['count', 'dead'])
    p.add_argument('--model', type=Path, help='folder of model.onnx and card.json (default: that in models/)')
    p.add_argument('--write', action='store_true', help="put the table on the model's page")
    args = settled(p)
    folder = args.model or HERE.parent / 'models' / MODELS[args.what]
    post = json.loads((folder / 'card.json').read_text())['post']
    _, pictures, truth = {'count': count, 'dead': dead}[args.what].load(args, 'val')
    scores = {name: figures(args.what, post, list(zip(pictures, truth)), [as_whole(folder / 'model.onnx', saved(q, kind, quality)) for q in pictures]) for name, kind, quality in KINDS}
    names = list(scores['as it is'])
    text = table([f'{len(pictures)} pictures', *names], [[name, *[f'{s[k]:.0f}' if k == 'trees' else f'{s[k]:.3f}' for k in names]] for name, s in scores.items()])
    print(text)
    if args.write:
        put_block(folder / 'README.md', 'compression', f'training/compression.py {args.what}', text)


if __name__ == '__main__':
    main()

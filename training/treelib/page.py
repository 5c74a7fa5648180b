"""Pages of models: text between markers that a script fills, so that it cannot go stale."""
from pathlib import Path

VIEWS = {'_rgb_only': ', red, green, blue alone', '_matched': ', matched to the card by mean and deviation'}  # endings of scores: rows of their own on a page
PYTORCH, LATTICE = 'ONNX Runtime against PyTorch', 'Patches moved by half a step against those of the origin'  # splits of a card's lines that are no scores but checks


def put_block(page, name, command, text):
    """Replace what stands between the markers of a block; the page must have them."""
    page = Path(page)
    old, begin, end = page.read_text(), f'<!-- {name}: begin ({command}) -->', f'<!-- {name}: end -->'
    at, to = old.find(begin), old.find(end)
    if at < 0 or to < at:
        raise ValueError(f'{page}: no line {begin} with {end} below it; put them where the block belongs')
    page.write_text(f'{old[:at]}{begin}\n{text.strip()}\n{old[to:]}')


def table(head, rows):
    """A Markdown table; the first column to the left, the others to the right."""
    line = lambda cells: f"| {' | '.join(cells)} |"
    return '\n'.join([line(head), line(['---'] + ['--:'] * (len(head) - 1)), *[line(r) for r in rows]])

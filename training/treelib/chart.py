"""Small charts as SVG text: panels of points, lines and bars beside each other. No library: a few rectangles, lines and words."""
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

W, H, LEFT, TOP, BOTTOM = 330, 300, 56, 46, 44
COLOURS = ('#1b7837', '#762a83', '#e08214', '#2166ac', '#b2182b', '#666666')


@dataclass
class Panel:
    """One chart. x and y: (low, high) of the axes; marks in their units."""
    title: str
    x: tuple
    y: tuple
    x_label: str = ''
    y_label: str = ''
    marks: list = field(default_factory=list)
    names: list = field(default_factory=list)
    x_ticks: list | None = None  # (place, text)

    def at(self, x, y):
        (x0, x1), (y0, y1) = self.x, self.y
        return LEFT + (x - x0) / (x1 - x0) * (W - LEFT - 14), H - BOTTOM - (y - y0) / (y1 - y0) * (H - TOP - BOTTOM)

    def segment(self, a, b, colour, width=1.0, dash=''):
        (x0, y0), (x1, y1) = self.at(*a), self.at(*b)
        self.marks.append(f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" stroke-width="{width}"{f" stroke-dasharray={chr(34)}{dash}{chr(34)}" if dash else ""}/>')

    def points(self, pairs, colour, name=None, filled=True):
        for x, y in pairs:
            px, py = self.at(x, y)
            self.marks.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour if filled else "none"}" stroke="{colour}" fill-opacity="0.7"/>')
        self.name(name, colour)

    def line(self, pairs, colour, name=None, dash=''):
        spots = ' '.join('{:.1f},{:.1f}'.format(*self.at(x, y)) for x, y in pairs)
        self.marks.append(f'<polyline points="{spots}" fill="none" stroke="{colour}" stroke-width="1.8"{f" stroke-dasharray={chr(34)}{dash}{chr(34)}" if dash else ""}/>')
        self.name(name, colour)

    def interval(self, x, value, limits, colour):
        """A value with its interval, at a place of the x axis."""
        if limits:
            self.segment((x, limits[0]), (x, limits[1]), colour, 1.5)
        self.points([(x, value)], colour)

    def name(self, name, colour):
        if name:
            self.names.append((name, colour))

    def svg(self, left):
        parts = [f'<g transform="translate({left} 0)">', f'<text x="{LEFT}" y="18" font-weight="bold">{escape(self.title)}</text>']
        for v in ticks(*self.y):
            (px, py), (qx, _) = self.at(self.x[0], v), self.at(self.x[1], v)
            parts.append(f'<line x1="{px:.1f}" y1="{py:.1f}" x2="{qx:.1f}" y2="{py:.1f}" stroke="#ddd"/><text x="{px - 6:.1f}" y="{py + 4:.1f}" text-anchor="end">{v:g}</text>')
        for v, text in self.x_ticks if self.x_ticks is not None else [(v, f'{v:g}') for v in ticks(*self.x)]:
            px, py = self.at(v, self.y[0])
            parts.append(f'<text x="{px:.1f}" y="{py + 15:.1f}" text-anchor="middle">{escape(text)}</text>')
        px, py = self.at(self.x[0], self.y[0])
        parts.append(f'<path d="M{px:.1f} {TOP} V{py:.1f} H{self.at(*[self.x[1], self.y[0]])[0]:.1f}" fill="none" stroke="#333"/>')
        parts.append(f'<text x="{(LEFT + W - 14) / 2:.0f}" y="{H - 8}" text-anchor="middle">{escape(self.x_label)}</text>')
        parts.append(f'<text transform="translate(14 {(TOP + H - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(self.y_label)}</text>')
        parts += self.marks
        x = LEFT
        for name, colour in self.names:
            parts.append(f'<rect x="{x}" y="26" width="9" height="9" fill="{colour}"/><text x="{x + 13}" y="35">{escape(name)}</text>')
            x += 28 + 6 * len(name)
        return '\n'.join([*parts, '</g>'])


def ticks(low, high):
    """About five round numbers between two."""
    span = high - low
    step = next(s for s in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25, 50, 100) if span / s <= 6)
    first = -(-low // step)
    return [round((first + k) * step, 6) for k in range(int((high - first * step) / step + 1e-9) + 1)]


def chart(panels):
    inner = '\n'.join(p.svg(k * W) for k, p in enumerate(panels))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W * len(panels)} {H}" width="{W * len(panels)}" height="{H}" font-family="sans-serif" font-size="11" fill="#222">\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n{inner}\n</svg>\n')

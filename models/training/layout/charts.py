"""Charts as inline SVG with text inside: axis labels, legends, values. They become `Picture`."""

from __future__ import annotations

import math
import random

PALETTES = [
    ["#1f4e79", "#2e75b6", "#9dc3e6", "#bdd7ee"], ["#375623", "#70ad47", "#a9d18e", "#c5e0b4"],
    ["#7f1d1d", "#c0392b", "#e67e22", "#f5b041"], ["#222222", "#666666", "#999999", "#cccccc"],
    ["#0f3d3e", "#1b7f79", "#e2b13c", "#b8402a"], ["#3b1f5b", "#6f42c1", "#b197fc", "#d0bfff"],
]
SERIES = ["Revenue", "Net income", "EBITDA", "Operating cash flow", "North America", "Europe", "Asia Pacific",
          "Services", "Products", "Retail", "Wholesale", "Other", "Dividends", "S&P 500 Index", "Peer group"]


def svg_chart(rng: random.Random, width: float, height: float, font: str = "Arial, sans-serif") -> str:
    """One chart of a random kind. Width and height in CSS pixels."""
    colours = rng.choice(PALETTES)
    kind = rng.choice(["bar", "line", "bar", "pie", "area", "flow"])
    small = max(7, min(12, height / 18))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
             f'viewBox="0 0 {width:.0f} {height:.0f}" style="font-family:{font};font-size:{small:.1f}px">']
    if rng.random() < 0.4:
        parts.append(f'<rect x="0" y="0" width="{width:.0f}" height="{height:.0f}" fill="{rng.choice(["#f5f5f5", "#eef3f8", "#fbf7ef"])}"/>')
    years = [str(rng.randint(2012, 2021) + i) for i in range(rng.randint(3, 7))]

    def text(x, y, value, anchor="middle", fill="#333333"):
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{value}</text>')

    if kind == "pie":
        radius, cx, cy, angle = height * 0.36, width * 0.35, height * 0.52, 0.0
        shares = [rng.uniform(0.5, 3) for _ in range(rng.randint(3, 5))]
        for index, share in enumerate(shares):
            step = share / sum(shares) * 2 * math.pi
            x0, y0 = cx + radius * math.cos(angle), cy + radius * math.sin(angle)
            x1, y1 = cx + radius * math.cos(angle + step), cy + radius * math.sin(angle + step)
            parts.append(f'<path d="M{cx:.1f},{cy:.1f} L{x0:.1f},{y0:.1f} A{radius:.1f},{radius:.1f} 0 {int(step > math.pi)} 1 '
                         f'{x1:.1f},{y1:.1f} Z" fill="{colours[index % 4]}" stroke="white"/>')
            middle = angle + step / 2
            text(cx + radius * 0.65 * math.cos(middle), cy + radius * 0.65 * math.sin(middle),
                 f"{share / sum(shares) * 100:.0f}%", fill="#ffffff" if index % 4 < 2 else "#222222")
            text(width * 0.68, height * 0.25 + index * small * 1.8, SERIES[(index * 3 + rng.randint(0, 2)) % len(SERIES)], "start")
            angle += step
    elif kind == "flow":
        steps = rng.sample(["Explore", "Develop", "Approve", "Launch", "Grow", "Board of Directors", "Audit Committee",
                            "Chief Executive", "Risk Office", "Discovery", "Phase 1", "Phase 2", "Phase 3"], rng.randint(3, 5))
        box = width / len(steps) * 0.78
        for index, step in enumerate(steps):
            x = (index + 0.11) * width / len(steps)
            parts.append(f'<rect x="{x:.1f}" y="{height * 0.32:.1f}" width="{box:.1f}" height="{height * 0.36:.1f}" rx="5" fill="{colours[index % 2]}"/>')
            for line, word in enumerate(step.split()):
                text(x + box / 2, height * 0.5 + line * small * 1.2, word, fill="#ffffff")
    else:
        left, bottom, top = width * 0.11, height * 0.84, height * 0.12
        high = rng.choice([10, 50, 100, 400, 1000, 5000])
        for tick in range(5):
            y = bottom - (bottom - top) * tick / 4
            parts.append(f'<line x1="{left:.1f}" x2="{width * 0.97:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#cccccc" stroke-width="0.6"/>')
            text(left - 4, y + small * 0.3, f"{rng.choice(['', '$'])}{high * tick // 4:,}", "end")
        groups = rng.randint(1, 3)
        slot = (width * 0.97 - left) / len(years)
        names = rng.sample(SERIES, groups)
        for series in range(groups):
            values = [rng.uniform(0.25, 0.95) for _ in years]
            points = [(left + slot * (i + 0.5), bottom - (bottom - top) * v) for i, v in enumerate(values)]
            if kind == "bar":
                for i, v in enumerate(values):
                    w = slot * 0.7 / groups
                    x = left + slot * i + slot * 0.15 + w * series
                    h = (bottom - top) * v
                    parts.append(f'<rect x="{x:.1f}" y="{bottom - h:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{colours[series]}"/>')
                    if groups == 1 or rng.random() < 0.4:
                        text(x + w / 2, bottom - h - 2, f"{high * v:,.{rng.choice([0, 1])}f}")
            else:
                path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
                if kind == "area":
                    parts.append(f'<polygon points="{left:.1f},{bottom:.1f} {path} {points[-1][0]:.1f},{bottom:.1f}" fill="{colours[series]}" fill-opacity="0.5"/>')
                parts.append(f'<polyline points="{path}" fill="none" stroke="{colours[series]}" stroke-width="2"/>')
            x = left + width * 0.28 * series
            parts.append(f'<rect x="{x:.1f}" y="{height * 0.02:.1f}" width="8" height="8" fill="{colours[series]}"/>')
            text(x + 12, height * 0.02 + 8, names[series], "start")
        for i, year in enumerate(years):
            text(left + slot * (i + 0.5), bottom + small * 1.4, rng.choice([year, "FY" + year[2:]]) if i == 0 else year)
    parts.append("</svg>")
    return "".join(parts).replace("&", "&amp;")
